"""The exam that every saver sits."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nbhitl.engine.errors import AlreadyAnsweredError, SaverError, UnknownInterruptError, UnstorableValueError
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import (
    Answered,
    Asked,
    Checkpoint,
    Continued,
    Failed,
    Position,
    Send,
    Stopped,
    Task,
    ThreadKey,
    Wrote,
)

T = ThreadKey("t")
FIRST = Checkpoint("a", None, -1, "input", {"n": 1, "log": ["x"]}, (Task("a:0", "work"),), changed=("n", "log"), at=10)
SECOND = Checkpoint(
    "b", "a", 0, "loop", {"n": 2, "log": ["x"]}, (Task("b:0", "check", {"own": 1}),), ("work",), ("n",), at=20
)
QUESTION = Asked("a:0", "q1", {"text": "sure?"}, {"type": "boolean"}, "Sure", 0, None, 11)


def test_a_new_saver_knows_no_thread(saver):
    assert isinstance(saver, Saver)
    assert saver.load(T) is None
    assert list(saver.history(T)) == []
    assert saver.threads() == []


def test_a_committed_checkpoint_is_loaded_as_it_was(saver, reopened):
    saver.commit(T, FIRST)
    assert saver.load(T) == Position(FIRST)
    assert reopened(saver).load(T) == Position(FIRST)


def test_every_field_of_a_checkpoint_comes_back(saver, reopened):
    tasks = (Task("c:0", "fan", Send("x", 1).arg), Task("c:1", "fan", None), Task("c:2", "rest"))
    full = Checkpoint("c", None, 3, "fork", {"a": None}, tasks, ("p", "q"), ("a",), {"e": frozenset({"p", "q"})}, 99)
    saver.commit(T, full)
    assert reopened(saver).load(T) == Position(full)


def test_every_entry_comes_back_in_order(saver, reopened):
    entries = [
        Wrote("a:0", (("n", 5), ("n", None)), ("next", Send("fan", {"i": (1, 2)}))),
        QUESTION,
        Answered("q1", False, "ann", "form", "why not", 12),
        Failed("a:0", "ValueError", "no"),
        Stopped("failed", "because", 13),
        Continued(14),
        Failed("a:0", "KeyError", "again"),
        Stopped("interrupted", "", 15),
    ]
    saver.commit(T, FIRST, entries[:2])
    saver.append(T, "a", entries[2:4])
    saver.append(T, "a", entries[4:], wait=False)
    expected = Position(FIRST).after(entries)
    assert saver.load(T) == expected
    assert reopened(saver).load(T) == expected


def test_only_changed_channels_need_to_be_named(saver, reopened):
    saver.commit(T, FIRST)
    saver.commit(T, SECOND)
    assert saver.load(T) == Position(SECOND)
    assert reopened(saver).load(T) == Position(SECOND)
    assert saver.load(T, "a") == Position(FIRST)
    assert saver.load(T, "nowhere") is None


def test_a_channel_can_come_and_go(saver, reopened):
    saver.commit(T, Checkpoint("a", None, 0, "input", {"x": 1}))
    saver.commit(T, Checkpoint("b", "a", 1, "loop", {"y": 2}))
    saver.commit(T, Checkpoint("c", "b", 2, "loop", {"x": 3, "y": 2}))
    values = [dict(p.checkpoint.values) for p in reopened(saver).history(T)]
    assert values == [{"x": 3, "y": 2}, {"y": 2}, {"x": 1}]


def test_an_old_parent_starts_a_branch_and_history_shows_all_branches_newest_first(saver, reopened):
    saver.commit(T, FIRST)
    saver.commit(T, SECOND)
    fork = Checkpoint("f", "a", 0, "fork", {"n": 7, "log": ["x"]}, changed=("n",))
    saver.commit(T, fork)
    after = Checkpoint("g", "f", 1, "loop", {"n": 8, "log": ["x"]}, changed=("n",))
    saver.commit(T, after)
    back = Checkpoint("h", "b", 1, "fork", {"n": 9, "log": ["x"]}, changed=())
    saver.commit(T, back)
    reopened(saver)
    assert [p.checkpoint for p in saver.history(T)] == [back, after, fork, SECOND, FIRST]
    assert saver.load(T) == Position(back)
    assert [p.checkpoint.id for p in saver.history(T, before="g", limit=2)] == ["f", "b"]
    assert [p.checkpoint.id for p in saver.history(T, limit=1)] == ["h"]
    with pytest.raises(SaverError, match="nowhere"):
        list(saver.history(T, before="nowhere"))


def test_history_of_many_steps_is_complete(saver, reopened):
    parent = None
    for i in range(200):
        point = Checkpoint(f"c{i}", parent, i, "loop", {"i": i, "fixed": "f"}, changed=("i",))
        saver.commit(T, point, [Stopped("finished", str(i))] if i % 3 == 0 else (), wait=False)
        parent = point.id
    found = list(reopened(saver).history(T))
    assert [p.checkpoint.values["i"] for p in found] == list(reversed(range(200)))
    assert all(p.checkpoint.values["fixed"] == "f" for p in found)
    assert [p.stopped.text for p in found if p.stopped] == [str(i) for i in reversed(range(0, 200, 3))]


@pytest.mark.parametrize("falsy", [False, 0, "", None, [], {}])
def test_a_falsy_answer_is_an_answer(saver, reopened, falsy):
    saver.commit(T, FIRST, [QUESTION])
    saver.answer(T, "a", [Answered("q1", falsy)])
    position = reopened(saver).load(T)
    assert position.answers["q1"].value == falsy
    assert type(position.answers["q1"].value) is type(falsy)
    assert position.pending == ()


def test_an_answer_to_an_unknown_question_names_the_pending_ones_and_writes_nothing(saver):
    saver.commit(T, FIRST, [QUESTION])
    with pytest.raises(UnknownInterruptError, match="q1"):
        saver.answer(T, "a", [Answered("q1", True), Answered("q2", True)])
    assert saver.load(T).answers == {}
    with pytest.raises(SaverError, match="nowhere"):
        saver.answer(T, "nowhere", [Answered("q1", True)])


def test_the_second_answer_loses_and_learns_who_won(saver, reopened):
    saver.commit(T, FIRST, [QUESTION])
    first = Answered("q1", True, "ann", "form")
    saver.answer(T, "a", [first])
    with pytest.raises(AlreadyAnsweredError, match="by ann through form") as caught:
        saver.answer(T, "a", [Answered("q1", False, "bob")])
    assert caught.value.answered == first
    assert reopened(saver).load(T).answers == {"q1": first}


def test_one_call_cannot_answer_a_question_twice(saver):
    saver.commit(T, FIRST, [QUESTION])
    with pytest.raises(AlreadyAnsweredError):
        saver.answer(T, "a", [Answered("q1", True), Answered("q1", False)])
    assert saver.load(T).answers == {}


def test_a_question_at_an_old_checkpoint_can_be_answered(saver):
    saver.commit(T, FIRST, [QUESTION])
    saver.commit(T, SECOND)
    saver.answer(T, "a", [Answered("q1", 1)])
    with pytest.raises(AlreadyAnsweredError):
        saver.answer(T, "a", [Answered("q1", 2)])
    assert saver.load(T, "a").answers["q1"].value == 1
    assert saver.load(T) == Position(SECOND)


def test_of_200_racing_answers_exactly_one_is_recorded(saver, reopened):
    saver.commit(T, FIRST, [QUESTION])
    start = threading.Barrier(200)

    def race(i: int) -> int | None:
        start.wait()
        try:
            saver.answer(T, "a", [Answered("q1", i, by=str(i))])
        except AlreadyAnsweredError:
            return None
        return i

    with ThreadPoolExecutor(200) as pool:
        winners = [i for i in pool.map(race, range(200)) if i is not None]
    assert len(winners) == 1
    assert reopened(saver).load(T).answers["q1"].value == winners[0]


def test_threads_are_listed_newest_change_first_without_sub_graphs(saver, reopened):
    one, two = ThreadKey("one", "g"), ThreadKey("two", "g")
    saver.commit(one, FIRST)
    saver.commit(two, FIRST, [Stopped("interrupted", at=15)])
    saver.commit(ThreadKey("two", "g", "sub"), FIRST)
    saver.commit(ThreadKey("one"), FIRST)
    saver.append(one, "a", [Stopped("finished", at=30)])
    found = reopened(saver).threads()
    assert [(i.key, i.status, i.checkpoint, i.step) for i in found] == [
        (one, "finished", "a", -1),
        (ThreadKey("one"), "running", "a", -1),
        (two, "interrupted", "a", -1),
    ]
    assert (found[0].created_at, found[0].updated_at) == (10, 30)
    saver.append(one, "a", [Continued(31)])
    assert saver.threads()[0].status == "running"
    saver.commit(one, SECOND)
    assert (saver.threads()[0].checkpoint, saver.threads()[0].status) == ("b", "running")


def test_threads_graphs_and_sub_graphs_do_not_mix(saver, reopened):
    keys = [ThreadKey(t, g, n) for t in ("t", "u") for g in ("", "g") for n in ("", "s")]
    for i, key in enumerate(keys):
        saver.commit(key, Checkpoint("a", None, 0, "input", {"i": i}), [Stopped("finished", str(i))])
    reopened(saver)
    for i, key in enumerate(keys):
        position = saver.load(key)
        assert position.checkpoint.values == {"i": i}
        assert position.stopped.text == str(i)


def test_odd_ids_are_only_names(saver, reopened, attacks):
    corpus = [*attacks["ids_thread_checkpoint_ns"], *attacks["sql_filter_keys"]]
    more = ["", "\ud800", "\x00", "\x00u", "\x00ud", "é"]
    odd = list(dict.fromkeys([*(name for name in corpus if isinstance(name, str)), *more]))
    keys = [ThreadKey(name, name, "") for name in odd] + [ThreadKey("t", "", name) for name in odd if name]
    for name, key in zip([*odd, *[n for n in odd if n]], keys, strict=True):
        point = Checkpoint(name, None, 0, "input", {name: name}, (Task(name, name),), (name,), (name,))
        saver.commit(key, point, [Asked(name, name, name)], wait=False)
        saver.answer(key, name, [Answered(name, name)])
    reopened(saver)
    for name, key in zip([*odd, *[n for n in odd if n]], keys, strict=True):
        position = saver.load(key)
        assert position.checkpoint.values == {name: name}
        assert position.answers[name].value == name
    assert {i.key for i in saver.threads()} == {k for k in keys if not k.ns}


def test_breakpoints_are_kept_for_each_graph(saver, reopened):
    assert saver.breakpoints("g") == {}
    saver.set_breakpoints("g", {"draft": {"when": "before"}, "review": None})
    saver.set_breakpoints("g", {"draft": {"when": "after"}})
    saver.set_breakpoints("\ud800", {})
    assert reopened(saver).breakpoints("g") == {"draft": {"when": "after"}}
    assert saver.breakpoints("\ud800") == {}
    assert saver.threads() == []


def test_entries_need_a_known_checkpoint(saver):
    with pytest.raises(SaverError, match="'a'"):
        saver.append(T, "a", [Continued()])


def test_a_closed_saver_says_so_and_closing_twice_is_fine(saver):
    saver.commit(T, FIRST, wait=False)
    saver.close()
    saver.close()
    with pytest.raises(SaverError, match="closed"):
        saver.load(T)
    with pytest.raises(SaverError, match="closed"):
        saver.commit(T, FIRST)


def test_many_threads_commit_at_once(saver, reopened):
    def work(n: int) -> None:
        parent = None
        for i in range(25):
            saver.commit(
                ThreadKey(str(n)),
                Checkpoint(f"{i}", parent, i, "loop", {"i": i}, changed=("i",)),
                wait=i % 5 == 0,
            )
            parent = str(i)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    reopened(saver)
    for n in range(8):
        assert [p.checkpoint.step for p in saver.history(ThreadKey(str(n)))] == list(reversed(range(25)))


@pytest.mark.parametrize(
    ("checkpoint", "path"),
    [
        (
            Checkpoint("b", "a", 0, "loop", {"n": 1, "log": [1, {"x": object()}]}, changed=("n", "log")),
            "state['log'][1]['x']",
        ),
        (Checkpoint("b", "a", 0, "loop", tasks=(Task("b:0", "fan", [print]),)), "the input of 'fan'[0]"),
    ],
)
def test_an_unstorable_value_is_refused_and_nothing_is_written(durable, reopened, checkpoint, path):
    durable.commit(T, FIRST)
    with pytest.raises(UnstorableValueError) as caught:
        durable.commit(T, checkpoint)
    assert caught.value.path == path
    assert path in str(caught.value)
    assert "cannot be stored" in str(caught.value)
    assert [p.checkpoint for p in reopened(durable).history(T)] == [FIRST]


def test_an_unstorable_entry_is_refused_with_all_that_came_along(durable, reopened):
    durable.commit(T, FIRST)
    with pytest.raises(UnstorableValueError, match=r"state\['n'\]\[0\]"):
        durable.append(T, "a", [Stopped("finished"), Wrote("a:0", (("n", [lambda: 1]),))])
    assert durable.load(T) == reopened(durable).load(T) == Position(FIRST)
