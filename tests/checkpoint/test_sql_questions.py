"""The views of questions: each stands there once, where people answer it, and waits when a position says so."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.engine.records import (
    Answered,
    Asked,
    Checkpoint,
    Failed,
    Kept,
    Reopened,
    Superseded,
    Task,
    ThreadKey,
    Wrote,
)

T = ThreadKey("t", "g")
NS = "review:a:0|ask:s:0"
SUB = ThreadKey("t", "g", NS)
DAY = 86_400 * 10**6
TASKS = (Task("a:0", "review"), Task("a:1", "price"))


@pytest.fixture
def nested(durable):
    """A question of a sub-graph at all its positions: there, at the task that runs it, and on a branch."""
    durable.commit(T, Checkpoint("a", None, 0, "loop", tasks=TASKS))
    durable.commit(
        SUB, Checkpoint("s", None, 0, "input", tasks=(Task("s:0", "ask"),)), [Asked("s:0", "q", "ok?", at=1)]
    )
    mirrored = Asked("a:0", "q", "ok?", at=2, node="review/ask", ns=NS, head="s", deadline=DAY, default=False)
    durable.append(T, "a", [mirrored, Asked("a:1", "p", "how much?", at=3)])
    return durable


def test_a_question_of_a_sub_graph_is_listed_once_with_who_asks(nested):
    sql = "SELECT checkpoint, node, interrupt, ns, epoch_us(deadline), status FROM interrupts"
    assert nested.sql(sql).rows == [("a", "review/ask", "q", NS, DAY, "open"), ("a", "price", "p", "", None, "open")]
    assert nested.sql("SELECT node, interrupt, ns, epoch_us(deadline) FROM pending_interrupts").rows == [
        ("review/ask", "q", NS, DAY),
        ("price", "p", "", None),
    ]


def test_an_answer_is_listed_once_although_it_is_passed_on_to_the_sub_graph(nested):
    nested.answer(T, "a", [Answered("q", True, "ann", at=5)])
    nested.answer(SUB, "s", [Answered("q", True, "ann", at=5)])
    assert nested.sql("SELECT node, interrupt, ns, answer, answered_by FROM answers").rows == [
        ("review/ask", "q", NS, "true", "ann")
    ]
    assert nested.sql("SELECT interrupt FROM pending_interrupts").rows == [("p",)]


def test_a_question_that_is_kept_on_a_branch_waits_there_on_its_own(nested):
    nested.answer(T, "a", [Answered("p", 1), Answered("q", True)])
    fork = Checkpoint("f", "a", 0, "fork", tasks=(Task("f:0", "review"), Task("f:1", "price")))
    nested.commit(T, fork, [Asked("f:1", "p", "how much?"), Asked("f:0", "q", "ok?", ns=NS), Answered("p", 1)])
    assert nested.sql("SELECT checkpoint, interrupt, node FROM pending_interrupts").rows == [("f", "q", "review")]
    assert nested.sql("SELECT checkpoint, interrupt, status FROM interrupts").rows == [
        ("a", "q", "answered"),
        ("a", "p", "answered"),
        ("f", "p", "answered"),
        ("f", "q", "open"),
    ]
    assert nested.sql("SELECT checkpoint, branch, interrupt FROM answers").rows == [
        ("a", 0, "p"),
        ("a", 0, "q"),
        ("f", 0, "p"),
    ]


def test_a_question_says_why_it_does_not_wait(nested):
    nested.append(T, "a", [Superseded("p", "p2"), Asked("a:1", "p2", "how many?"), Wrote("a:0")])
    assert nested.sql("SELECT interrupt, status FROM interrupts").rows == [
        ("q", "closed"),
        ("p", "superseded"),
        ("p2", "open"),
    ]
    nested.append(T, "a", [Asked("a:1", "p", "how much?")])
    assert nested.sql("SELECT interrupt FROM pending_interrupts ORDER BY 1").rows == [("p",), ("p2",)]


def test_breakpoints_and_code_do_not_touch_a_thread_without_a_name(durable):
    bare = ThreadKey("")
    durable.commit(bare, Checkpoint("a", None, 0, "input"))
    durable.commit(T, Checkpoint("a", None, 0, "input"))
    durable.set_breakpoints("", {"draft": None})
    durable.remember_code("d", {"draft": "1f"})
    assert [info.key for info in durable.threads()] == [T, bare]


QUESTIONS = {"q1": "a:0", "q2": "a:0", "p1": "a:1", "p2": "a:1"}
HAPPENED = st.one_of(
    st.builds(lambda q, head: Asked(QUESTIONS[q], q, "?", head=head), st.sampled_from([*QUESTIONS]), st.text("h")),
    st.builds(Superseded, st.sampled_from([*QUESTIONS])),
    st.builds(Answered, st.sampled_from([*QUESTIONS]), st.booleans()),
    st.builds(Wrote, st.sampled_from(["a:0", "a:1"])),
    st.builds(Reopened, st.sampled_from(["a:0", "a:1"])),
    st.builds(lambda task: Failed(task, "E", "e"), st.sampled_from(["a:0", "a:1"])),
    st.just(Kept("a:0", "k", 1)),
)


@pytest.fixture(scope="module")
def many():
    with DuckDBSaver(":memory:") as saver:
        yield saver


numbers = itertools.count()


@settings(max_examples=100, deadline=None)
@given(st.lists(HAPPENED, max_size=12), st.booleans())
def test_what_waits_in_the_view_is_what_waits_at_the_position(many, entries, forked):
    key = ThreadKey(str(next(numbers)))
    if forked:
        many.commit(key, Checkpoint("o", None, 0, "loop", tasks=TASKS), [Asked("a:0", "q1", "?"), Answered("q1", 1)])
    # Neither a sub-graph's records nor another thread's have a say.
    many.commit(ThreadKey(key.thread, "", NS), Checkpoint("a", None, 0, "loop", tasks=TASKS), entries[::-1])
    many.commit(key, Checkpoint("a", "o", 0, "loop", tasks=TASKS), entries[:5])
    many.append(key, "a", entries[5:])
    rows = many.sql("SELECT interrupt FROM pending_interrupts WHERE thread = ?", [key.thread]).rows
    assert {id_ for (id_,) in rows} == {q.id for q in many.load(key).pending}
    assert len(rows) == len(set(rows))
    answered = many.sql(
        "SELECT interrupt, answer FROM answers WHERE thread = ? AND checkpoint = 'a'", [key.thread]
    ).rows
    position = many.load(key)
    asked = {q.id for qs in position.asked.values() for q in qs}
    assert {i: a == "true" for i, a in answered} == {i: a.value for i, a in position.answers.items() if i in asked}
