"""What-if: the paused thread under each possible answer, on copies; the thread itself stays as it is."""

import enum
from typing import Literal

import pydantic
import pytest

from nbhitl import (
    START,
    AnswerRefused,
    NbhitlError,
    RunControl,
    StateGraph,
    ThreadBusyError,
    answering,
    approve,
    choose,
    interrupt,
)
from tests.session.newsroom import Review, State, line, newsroom, reopen, says, session


def threads(made):
    return [info.key.thread for info in made.saver.threads()]


def told(found):
    return [(row.path, row.stopped.reason) for row in found.rows]


def test_each_answer_of_the_schema_is_tried(news):
    found = news.what_if()
    (question,) = news.pending()
    assert [row.answers[question.id] for row in found.rows] == [
        {"decision": "publish", "notes": ""},
        {"decision": "revise", "notes": ""},
    ]
    assert told(found) == [(("review", "publish"), "finished"), (("review", "draft"), "interrupted")]
    assert found.differing == ("decision", "log")
    assert {difference.key for difference in found.rows[0].differences} == {"decision", "log"}


def test_the_thread_itself_stays_as_it_was(news):
    position = news.position
    news.what_if()
    assert threads(news) == ["t"]
    assert (news.position, news.busy, len(news.pending())) == (position, False, 1)
    again = reopen(news, newsroom())
    again.answer({"decision": "publish"})
    assert again.go().reason == "finished"


def test_answers_may_be_given(news):
    found = news.what_if([{"decision": "revise", "notes": "shorter"}])
    assert told(found) == [(("review", "draft"), "interrupted")]
    with pytest.raises(NbhitlError, match="at least one answer"):
        news.what_if([])


def test_a_wrong_answer_is_refused_before_anything_runs(news):
    with pytest.raises(AnswerRefused):
        news.what_if([{"decision": "publish"}, {"decision": "burn"}])
    assert threads(news) == ["t"]


def test_the_copies_can_be_kept(news):
    found = news.what_if(keep=True)
    assert sorted(threads(news)) == ["t", "t~what-if-1", "t~what-if-2"]
    kept = session(newsroom(), news.saver, found.rows[1].thread)
    kept.answer({"decision": "publish"})
    assert kept.go().reason == "finished"
    assert [row.thread for row in news.what_if(keep=True).rows] == ["t~what-if-3", "t~what-if-4"]


def test_breakpoints_do_not_stop_it(saver):
    made = session(newsroom(), saver)
    made.go({"topic": "tea"})
    made.set_breakpoint("publish")
    assert told(made.what_if())[0] == (("review", "publish"), "finished")
    static = newsroom().compile(saver, name="static", interrupt_before=["publish"])
    made = type(made)(static, "static")
    made.go({"topic": "tea"})
    assert told(made.what_if())[0] == (("review", "publish"), "finished")


def test_a_failure_ends_its_row_and_no_other(saver):
    def act(state):
        if state["decision"] == "revise":
            raise ValueError("no time")

    def review(state):
        return {"decision": interrupt("?", response_schema=Review).decision}

    made = session(line(review=review, act=act), saver)
    made.go({})
    found = made.what_if()
    assert told(found) == [(("review", "act"), "finished"), (("review",), "failed")]
    assert "no time" in found.rows[1].stopped.text
    assert made.failure is None


def test_a_loop_ends_at_the_step_limit(saver):
    built = StateGraph(State).add_node("ask", lambda state: {"topic": interrupt("?", response_schema=bool) and "x"})
    built.add_node("spin", says("spin")).add_edge(START, "ask").add_edge("ask", "spin").add_edge("spin", "spin")
    made = session(built, saver)
    made.go({})
    (one, _) = made.what_if(steps=5).rows
    assert one.stopped.reason == "failed"
    assert "as many steps" in one.stopped.text


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Both(pydantic.BaseModel):
    colour: Colour
    loud: bool
    words: str = "none"
    level: Literal[1, 2] | None = None


SCHEMAS = [
    (bool, [True, False]),
    (Literal["a", "b"], ["a", "b"]),
    (Colour, ["red", "blue"]),
    (
        Both,
        [
            {"colour": c, "loud": b, "words": "none", "level": n}
            for c in ("red", "blue")
            for b in (True, False)
            for n in (1, 2, None)
        ],
    ),
]


@pytest.mark.parametrize(("schema", "answers"), SCHEMAS, ids=lambda value: str(value)[:20])
def test_schemas_that_list_their_answers(saver, schema, answers):
    made = session(line(ask=lambda state: {"topic": str(interrupt("?", response_schema=schema))}), saver)
    made.go({})
    (question,) = made.pending()
    assert [row.answers[question.id] for row in made.what_if().rows] == answers


@pytest.mark.parametrize("ask", [lambda: approve("sure?"), lambda: choose("which?", ["a", "b"])])
def test_the_helpers_list_their_answers(saver, ask):
    made = session(line(ask=lambda state: {"topic": repr(ask())}), saver)
    made.go({})
    assert len(made.what_if().rows) == 2


def test_a_question_that_takes_any_answer_says_so(saver):
    made = session(line(ask=lambda state: {"topic": interrupt("name?")}), saver)
    made.go({})
    with pytest.raises(NbhitlError, match="takes any answer, so say which to try"):
        made.what_if()
    assert [row.values["topic"] for row in made.what_if(["kim", "lee"]).rows] == ["kim", "lee"]


def test_a_required_field_without_a_list_is_named(saver):
    class Note(pydantic.BaseModel):
        ok: bool
        why: str

    made = session(line(ask=lambda state: {"topic": interrupt("?", response_schema=Note).why}), saver)
    made.go({})
    with pytest.raises(NbhitlError, match="field 'why'"):
        made.what_if()


def test_several_questions_are_answered_in_every_combination(saver):
    built = StateGraph(State)
    for name in "ab":
        built.add_node(name, lambda state, name=name: {"log": [interrupt(name, response_schema=bool)]})
        built.add_edge(START, name)
    made = session(built, saver)
    made.go({})
    found = made.what_if()
    logs = [row.values["log"] for row in found.rows]
    assert logs == [[True, True], [True, False], [False, True], [False, False]]
    with pytest.raises(NbhitlError, match="2 questions are open"):
        made.what_if([True])
    first = made.pending()[0].id
    assert told(made.what_if([{first: True}])) == [((), "interrupted")]


def test_too_many_answers_are_counted_and_left_out(saver):
    class Many(pydantic.BaseModel):
        a: Literal[1, 2, 3, 4, 5]
        b: Literal[1, 2, 3, 4, 5]
        c: bool

    made = session(line(ask=lambda state: {"topic": str(interrupt("?", response_schema=Many))}), saver)
    made.go({})
    found = made.what_if()
    assert len(found.rows) == 24
    assert found.left_out > 0


def test_scripted_people_do_not_answer_in_it(news):
    with answering({"review": {"decision": "publish"}}):
        found = news.what_if([{"decision": "revise"}])
        assert news.go().reason == "finished"
    assert told(found) == [(("review", "draft"), "interrupted")]


def test_a_stop_leaves_the_rest_out(news):
    control = RunControl()
    control.request_drain("enough")
    found = news.what_if(control=control)
    assert (found.rows, found.left_out, threads(news)) == ((), 2, ["t"])


def test_it_needs_an_open_question(saver):
    made = session(line(a=says("a")), saver)
    made.go({})
    with pytest.raises(NbhitlError, match="no question is open"):
        made.what_if()


def test_a_thread_that_runs_is_busy(saver):
    def a(state):
        with pytest.raises(ThreadBusyError):
            made.what_if()

    made = session(line(a=a), saver)
    assert made.go({}).reason == "finished"


def test_questions_in_sub_graphs_are_tried_too(saver):
    inner = line(ask=lambda state: {"log": [interrupt("in?", response_schema=bool)]}, close=says("close"))
    made = session(line(review=inner.compile(name="inner"), last=says("last")), saver)
    made.go({})
    assert [row.values["log"] for row in made.what_if().rows] == [[True, "close", "last"], [False, "close", "last"]]
    made.answer(False)
    made.go()
    assert made.state().values["log"] == [False, "close", "last"]
