"""A session: one thread of one graph, run, answered and watched from several places."""

import asyncio
import operator
import threading
from typing import Annotated, TypedDict

import pydantic
import pytest

from nbhitl import (
    END,
    START,
    AlreadyAnsweredError,
    AnswerRefused,
    DuckDBSaver,
    EmptyInputError,
    InMemorySaver,
    NbhitlError,
    PendingInterruptError,
    SchemaError,
    Session,
    StateGraph,
    ThreadBusyError,
    UnknownInterruptError,
    UnknownNodeError,
    interrupt,
)
from nbhitl.debugging.breakpoint import Breakpoint
from nbhitl.engine.records import Answered, Stopped
from nbhitl.outcomes import told
from nbhitl.run.world import Committed, Ended, Started


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


class Verdict(pydantic.BaseModel):
    """An answer's form that the node's module knows by name."""

    ok: bool
    score: int = pydantic.Field(ge=0, le=9)


@pytest.fixture(params=["memory", "duckdb"])
def saver(request, tmp_path):
    made = InMemorySaver() if request.param == "memory" else DuckDBSaver(tmp_path / "t.duckdb")
    yield made
    made.close()


def says(name):
    return lambda state: {"log": [name]}


def line(**nodes):
    built = StateGraph(State).add_sequence(list(nodes.items()))
    return built.add_edge(START, next(iter(nodes)))


def ask(state):
    return {"x": interrupt("sure?")}


def judge(state):
    return {"log": [interrupt("verdict?", response_schema=Verdict).score]}


def session(built, saver, watch=None, name="graph"):
    return Session(built.compile(saver, name=name), "t", watch)


def test_go_runs_to_the_end_and_says_why_it_stopped(saver):
    made = session(line(a=says("a")), saver)
    stopped = made.go({"x": 1})
    assert isinstance(stopped, Stopped)
    assert (stopped.reason, made.failure, made.busy) == ("finished", None, False)
    assert made.state().values == {"x": 1, "log": ["a"]}
    assert [s.metadata["step"] for s in made.history()] == [1, 0, -1]
    assert (made.name, set(made.graph.nodes)) == ("graph", {"a"})


def test_a_new_thread_stands_nowhere(saver):
    made = session(line(ask=ask), saver)
    assert (made.position, made.pending(), made.changed_code()) == (None, (), [])
    with pytest.raises(EmptyInputError):
        made.go()
    assert not made.busy


def test_a_session_needs_a_checkpointer():
    with pytest.raises(NbhitlError, match="needs a graph with a checkpointer"):
        Session(line(a=says("a")).compile(), "t")


def test_a_question_is_answered_and_the_run_goes_on(saver):
    made = session(line(a=says("a"), ask=ask), saver)
    assert made.go({}).reason == "interrupted"
    (question,) = made.pending()
    assert (question.value, made.node_of(question)) == ("sure?", "ask")
    answered = made.answer("yes", by="kim", via="form", note="after lunch")
    assert (answered.value, answered.by, answered.via, answered.note) == ("yes", "kim", "form", "after lunch")
    assert made.pending() == ()
    assert made.go().reason == "finished"
    assert made.state().values == {"x": "yes", "log": ["a"]}


def test_an_answer_is_recorded_at_once_and_waits_for_go(saver):
    made = session(line(ask=ask), saver)
    made.go({})
    made.answer("yes")
    assert made.state().next == ("ask",)
    assert session(line(ask=ask), saver).go().reason == "finished"


@pytest.mark.parametrize("answer", [False, 0, ""])
def test_a_falsy_answer_is_an_answer(answer, saver):
    made = session(line(ask=ask), saver)
    made.go({})
    assert made.answer(answer).value == answer
    made.go()
    assert made.state().values["x"] == answer


def test_one_of_several_questions_is_answered_by_its_id(saver):
    built = StateGraph(State)
    for name in "ab":
        built.add_node(name, lambda state, name=name: {"log": [f"{name} {interrupt(name)}"]}).add_edge(START, name)
    made = session(built, saver)
    made.go({})
    first, second = made.pending()
    with pytest.raises(UnknownInterruptError, match="2 questions"):
        made.answer("which?")
    made.answer(1, id=second.id)
    assert made.go().reason == "interrupted"
    assert [question.id for question in made.pending()] == [first.id]
    made.answer(2)
    made.go()
    assert made.state().values["log"] == ["a 2", "b 1"]


def three(saver):
    built = StateGraph(State)
    for name in "abc":
        built.add_node(name, lambda state, name=name: {"log": [f"{name} {interrupt(name, response_schema=int)}"]})
        built.add_edge(START, name)
    made = session(built, saver)
    made.go({})
    return made, {question.value: question.id for question in made.pending()}


def test_several_answers_are_recorded_together_and_the_run_goes_on_once(saver):
    made, ids = three(saver)
    given = made.answer_all({ids["a"]: 1, ids["c"]: 3}, by="kim", via="form", note={ids["a"]: "hm"})
    assert [(a.value, a.by, a.note) for a in given.recorded] == [(1, "kim", "hm"), (3, "kim", "")]
    assert given.refused == {}
    made.go()
    assert [question.value for question in made.pending()] == ["b"]
    made.answer(2)
    made.go()
    assert made.state().values["log"] == ["a 1", "b 2", "c 3"]


def test_of_several_answers_those_that_fit_are_recorded_and_the_others_are_told_why(saver):
    made, ids = three(saver)
    made.answer(9, id=ids["c"], by="ann")
    given = made.answer_all({ids["a"]: 1, ids["b"]: "two", ids["c"]: 3, "nope": 4})
    assert [a.interrupt for a in given.recorded] == [ids["a"]]
    assert {id: type(error) for id, error in given.refused.items()} == {
        ids["b"]: AnswerRefused, ids["c"]: AlreadyAnsweredError, "nope": UnknownInterruptError,
    }  # fmt: skip
    assert [question.value for question in made.pending()] == ["b"]


def test_whoever_is_first_for_one_of_several_answers_leaves_the_others_to_count(saver):
    made, ids = three(saver)
    record = saver.answer

    def late(key, checkpoint, answers):
        saver.answer = record
        record(key, checkpoint, [Answered(ids["b"], 8, "ann", "code")])
        record(key, checkpoint, answers)

    saver.answer = late
    given = made.answer_all({ids["a"]: 1, ids["b"]: 2})
    assert [a.interrupt for a in given.recorded] == [ids["a"]]
    assert "by ann" in str(given.refused[ids["b"]])


def test_answers_without_a_thread_or_to_nothing_record_nothing(saver):
    made = session(line(ask=ask), saver)
    assert isinstance(made.answer_all({"x": 1}).refused["x"], UnknownInterruptError)
    assert made.answer_all({}).recorded == ()


def test_answer_takes_one_question_and_names_the_way_to_answer_several(saver):
    made, ids = three(saver)
    with pytest.raises(UnknownInterruptError, match="use answer_all"):
        made.answer({ids["a"]: 1, ids["b"]: 2})
    assert made.answer({ids["a"]: 1}).value == 1
    assert len(made.pending()) == 2


def test_what_became_of_a_question_can_be_asked_after_the_run_went_on(saver):
    made = session(line(ask=ask, judge=judge), saver)
    made.go({})
    (question,) = made.pending()
    at = made.position.checkpoint.id
    assert made.outcome(question.id).fate == "open"
    made.answer("yes", by="kim", via="code")
    assert made.outcome(question.id).answered.by == "kim"
    made.go()
    for since in (at, None):
        found = made.outcome(question.id, since)
        assert (found.fate, found.answered.value) == ("answered", "yes")
    assert made.outcome("nope", at).fate == "closed"


def test_a_question_that_another_one_replaced_is_superseded(saver):
    text = ["first?"]
    made = session(line(ask=lambda state: {"x": interrupt(text[0])}), saver)
    made.go({})
    (old,) = made.pending()
    at = made.position.checkpoint.id
    text[0] = "second?"
    made.compiled.update_state(made.config, {"log": ["edited"]})
    made.go()
    (new,) = made.pending()
    assert new.value == "second?"
    found = made.outcome(old.id, at)
    assert (found.fate, found.successor) == ("superseded", new.id)
    assert told(found, "") == "A newer question took its place."


def test_on_a_branch_that_starts_over_an_open_question_is_closed(saver):
    made = session(line(ask=ask), saver)
    made.go({})
    (question,) = made.pending()
    at = made.position.checkpoint.id
    made.go({"x": 1}, restart=True)
    assert made.outcome(question.id, at).fate == "closed"


def test_an_answer_without_a_question_is_an_error(saver):
    made = session(line(ask=ask), saver)
    with pytest.raises(UnknownInterruptError, match="no question is open on thread t"):
        made.answer(1)
    made.go({})
    made.answer(1)
    with pytest.raises(UnknownInterruptError):
        made.answer(2)


@pytest.mark.parametrize("id", ["0123456789abcdef", "nope", ""])
def test_an_answer_to_an_unknown_question_is_an_error_and_nothing_is_recorded(id, saver):
    made = session(line(ask=ask), saver)
    made.go({})
    with pytest.raises(UnknownInterruptError):
        made.answer("yes", id=id)
    assert len(made.pending()) == 1


def test_the_first_of_two_answers_wins_and_the_second_is_told(saver):
    made = session(line(ask=ask), saver)
    made.go({})
    position = made.position
    (question,) = made.pending()
    made.answer("first", by="kim")
    with pytest.raises(AlreadyAnsweredError, match="already answered by kim") as caught:
        saver.answer(made.key, position.checkpoint.id, [Answered(question.id, "second")])
    assert caught.value.answered.value == "first"
    made.go()
    assert made.state().values["x"] == "first"


def test_an_answer_to_a_question_that_somebody_answered_meanwhile_says_so(saver):
    made = session(line(ask=ask), saver)
    made.go({})
    (question,) = made.pending()
    made.answer("first", by="kim")
    with pytest.raises(AlreadyAnsweredError, match="kim"):
        made.answer("second", id=question.id)


def test_an_answer_that_does_not_fit_is_refused_and_the_question_stays(saver):
    made = session(line(judge=judge), saver)
    made.go({})
    with pytest.raises(AnswerRefused) as caught:
        made.answer({"ok": True, "score": 10})
    assert [problem.field for problem in caught.value.problems] == ["score"]
    made.answer(Verdict(ok=True, score=9))
    made.go()
    assert made.state().values["log"] == [9]


def test_new_input_while_a_question_waits_is_an_error_unless_it_restarts(saver):
    made = session(line(a=says("a"), ask=ask), saver)
    made.go({"log": ["old"]})
    with pytest.raises(PendingInterruptError):
        made.go({"log": ["new"]})
    assert (made.busy, len(made.pending())) == (False, 1)
    assert made.go({"log": ["new"]}, restart=True).reason == "interrupted"
    assert made.state().values["log"] == ["new", "a"]
    assert sum(s.metadata["source"] == "input" for s in made.history()) == 2


# -- failures


def test_what_a_node_raises_is_kept_not_raised_and_the_run_goes_on_when_it_is_mended(saver):
    broken = [True]

    def a(state):
        if broken:
            raise ValueError("broken")
        return {"log": ["a"]}

    made = session(line(a=a), saver)
    stopped = made.go({})
    assert (stopped.reason, stopped.text) == ("failed", "a failed: ValueError: broken")
    assert isinstance(made.failure, ValueError)
    broken.clear()
    assert made.go().reason == "finished"
    assert made.failure is None


def test_ctrl_c_stops_the_run_and_says_that_its_node_starts_again(saver):
    calls = []

    def a(state):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return {"log": ["a"]}

    events = []
    made = session(line(a=a), saver, lambda _, event: events.append(event))
    stopped = made.go({})
    assert stopped.reason == "drained"
    assert "starts again from its first line" in stopped.text
    assert events[-1] == stopped
    assert made.state().metadata["stop"] == "drained"
    assert made.go().reason == "finished"


def test_ctrl_c_in_an_async_node_stops_the_run(saver):
    calls = []

    async def a(state):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return {"log": ["a"]}

    made = session(line(a=a), saver)
    assert made.go({}).reason == "drained"
    assert made.go().reason == "finished"


# -- watching


def test_the_watcher_sees_every_event_on_the_thread_that_runs(saver):
    seen = []
    made = session(
        line(a=says("a"), ask=ask), saver, lambda who, event: seen.append((who, event, threading.get_ident()))
    )
    made.go({})
    events = [event for _, event, _ in seen]
    assert {(who, ident) for who, _, ident in seen} == {(made, threading.get_ident())}
    kinds = [type(event) for event in events]
    assert kinds == [Started, Ended, Committed, Started, Ended, Committed, Started, Ended, Stopped]
    assert [task.node for event in events if isinstance(event, Started) for task in event.tasks] == [
        START,
        "a",
        "ask",
    ]


def test_the_watcher_can_ask_where_the_run_stands(saver):
    seen = []

    def watch(who, event):
        if isinstance(event, Committed):
            seen.append((who.busy, who.position.checkpoint.id == event.checkpoint.id))

    session(line(a=says("a")), saver, watch).go({})
    assert seen == [(True, True)] * 2


# -- stopping, and breakpoints


def test_pause_stops_a_run_at_work_before_its_next_node(saver):
    made = session(line(a=lambda state: made.pause("enough"), b=says("b")), saver)
    stopped = made.go({})
    assert (stopped.reason, stopped.text) == ("drained", "enough")
    assert made.state().next == ("b",)
    assert made.go().reason == "finished"


def test_pause_without_a_run_stops_none_later(saver):
    made = session(line(a=says("a")), saver)
    made.pause()
    assert made.go({}).reason == "finished"


def test_a_second_go_while_one_is_at_work_is_an_error(saver):
    at_work, may_end = threading.Event(), threading.Event()

    def a(state):
        at_work.set()
        may_end.wait(5)

    made = session(line(a=a), saver)
    thread = threading.Thread(target=made.go, args=({},))
    thread.start()
    assert at_work.wait(5)
    assert made.busy
    with pytest.raises(ThreadBusyError, match="thread t is being run already"):
        made.go()
    may_end.set()
    thread.join(5)
    assert not made.busy
    assert made.state().metadata["stop"] == "finished"


def test_a_breakpoint_holds_until_it_is_removed(saver):
    made = session(line(a=says("a"), b=says("b")).add_edge("b", "a"), saver)
    assert made.toggle_breakpoint("b") is True
    assert made.breakpoints == {"before b": Breakpoint("before", "b")}
    assert made.go({}).reason == "breakpoint"
    assert made.go().reason == "breakpoint"
    assert made.state().values["log"] == ["a", "b", "a"]
    assert made.toggle_breakpoint("b") is False
    assert made.breakpoints == {}


def test_breakpoints_are_kept_with_the_graphs_name(tmp_path):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        session(line(a=says("a")), saver, name="mine").set_breakpoint("a")
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        assert session(line(a=says("a")), saver, name="mine").go({}).text == "at the breakpoint before a"
        assert session(line(a=says("a")), saver, name="other").breakpoints == {}


def test_a_breakpoint_that_is_set_while_the_graph_runs_holds_in_the_same_run(saver):
    made = session(line(a=lambda state: made.set_breakpoint("b"), b=says("b")), saver)
    assert made.go({}).reason == "breakpoint"
    assert made.state().next == ("b",)


def test_a_breakpoint_that_is_removed_while_the_graph_runs_does_not_hold(saver):
    made = session(line(a=lambda state: made.set_breakpoint("b", on=False), b=says("b")), saver)
    made.set_breakpoint("b")
    assert made.go({}).reason == "finished"


def test_breakpoints_that_were_compiled_in_hold_beside_those_that_are_set(saver):
    built = line(a=says("a"), b=says("b"), c=says("c"))
    made = Session(built.compile(saver, interrupt_before=["b"], interrupt_after=["b"], name="graph"), "t")
    made.set_breakpoint("c")
    assert [made.go(input).text for input in ({}, None, None)] == [
        "at the breakpoint before b",
        "at the breakpoint after b",
        "finished",
    ]


def test_a_breakpoint_on_an_unknown_node_is_an_error_with_a_suggestion(saver):
    made = session(line(review=says("r")), saver)
    for call in (made.set_breakpoint, made.toggle_breakpoint):
        with pytest.raises(UnknownNodeError, match="Did you mean 'review'"):
            call("revew")


def test_a_breakpoint_on_a_node_that_was_removed_holds_nothing_and_is_kept(saver):
    session(line(a=says("a"), b=says("b")), saver).set_breakpoint("b")
    made = session(line(a=says("a")), saver)
    assert made.go({}).reason == "finished"
    assert made.breakpoints == {"before b": Breakpoint("before", "b")}


def test_a_state_that_is_one_value_can_be_watched_and_streamed(saver):
    graph = StateGraph(int).add_node("a", lambda state: state + 1).add_edge(START, "a").compile(saver)
    made = Session(graph, "t")
    assert (made.go(1).reason, made.state().values) == ("finished", 2)
    assert list(graph.stream(5, made.config)) == [{"a": 6}]


# -- what changed while the thread waited


def test_nodes_whose_code_was_edited_added_or_removed_are_named(saver):
    def first(state):
        return {"log": ["first"]}

    def edited(state):
        return {"log": ["edited"]}

    made = session(line(ask=ask, a=first, gone=says("gone")), saver)
    made.go({})
    assert made.changed_code() == []
    made = session(line(ask=ask, a=edited, new=says("new")), saver)
    assert made.changed_code() == ["a", "edges of a", "gone", "new"]


def test_a_questions_class_is_found_again_after_the_file_was_reopened(tmp_path):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        session(line(judge=judge), saver).go({})
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        made = session(line(judge=judge), saver)
        (question,) = made.pending()
        assert question.schema is Verdict
        with pytest.raises(AnswerRefused):
            made.answer({"ok": True, "score": 10})
        made.answer({"ok": True, "score": 3})
        assert made.go().reason == "finished"
        assert made.state().values["log"] == [3]


def test_a_class_of_the_same_name_that_asks_for_something_else_is_not_taken(tmp_path, monkeypatch):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        session(line(judge=judge), saver).go({})

    class Other(pydantic.BaseModel):
        colour: str

    for wrong in (Other, object, None):
        monkeypatch.setitem(judge.__globals__, "Verdict", wrong)
        with DuckDBSaver(tmp_path / "t.duckdb") as saver:
            (question,) = session(line(judge=judge), saver).pending()
            assert question.schema["required"] == ["ok", "score"]


def test_a_questions_stored_schema_is_checked_where_its_class_is_gone(tmp_path, monkeypatch):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        session(line(judge=judge), saver).go({})
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        made = session(line(judge=judge), saver)
        with monkeypatch.context() as without:
            without.delitem(judge.__globals__, "Verdict")
            with pytest.raises(AnswerRefused):
                made.answer({"ok": True, "score": 10})
            made.answer({"ok": True, "score": 4})
        made.go()
        assert made.state().values["log"] == [4]


def reopened(tmp_path, first, second=None):
    """The open question of a node that was edited perhaps, after its file was reopened."""
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        session(line(ask=first), saver).go({})
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        (question,) = session(line(ask=second or first), saver).pending()
        return question


def judging(Verdict):  # noqa: N803 - the class's name is what counts
    def body(state):
        return {"x": interrupt("?", response_schema=Verdict)}

    return body


def test_a_class_that_a_node_knows_from_the_function_around_it_is_found_again(tmp_path, monkeypatch):
    known = Verdict
    monkeypatch.delitem(judge.__globals__, "Verdict")
    assert reopened(tmp_path, judging(known)).schema is known


def test_a_class_that_has_no_value_any_more_is_not_found(tmp_path, monkeypatch):
    first, second = judging(Verdict), judging(Verdict)
    monkeypatch.delitem(judge.__globals__, "Verdict")
    del second.__closure__[0].cell_contents
    assert reopened(tmp_path, first, second).schema["required"] == ["ok", "score"]


def test_a_local_class_is_found_again(tmp_path):
    class Local(pydantic.BaseModel):
        ok: bool

    def body(state):
        return {"x": interrupt("?", response_schema=Local)}

    assert reopened(tmp_path, body).schema is Local


def test_a_class_of_a_node_that_is_an_object_is_not_found(tmp_path):
    class Local(pydantic.BaseModel):
        ok: bool

    class Node:
        def __call__(self, state):
            return {"x": interrupt("?", response_schema=Local)}

    assert reopened(tmp_path, Node()).schema["required"] == ["ok"]


def test_a_class_of_a_node_that_was_removed_is_not_found(tmp_path):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        session(line(judge=judge), saver).go({})
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        (question,) = session(line(other=says("other")), saver).pending()
    assert question.schema["required"] == ["ok", "score"]


def test_an_answer_that_fits_the_stored_schema_but_not_the_class_fails_the_node_and_is_kept(tmp_path):
    class Strict(pydantic.BaseModel):
        score: int

        @pydantic.field_validator("score")
        @classmethod
        def even(cls, value):
            if value % 2:
                raise ValueError("odd")
            return value

    def body(state, schema=Strict):
        return {"x": interrupt("?", response_schema=schema).score}

    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        session(line(ask=body), saver).go({})
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        made = session(line(ask=body), saver)
        answered = made.answer({"score": 3})
        assert made.go().reason == "failed"
        assert isinstance(made.failure, SchemaError)
        assert "does not fit the class it is asked with now: " in str(made.failure)
        assert made.position.answers[answered.interrupt].value == {"score": 3}


# -- async nodes


def test_async_nodes_run_in_a_session(saver):
    async def later(state):
        await asyncio.sleep(0)
        return {"log": ["later"], "x": interrupt("sure?")}

    made = session(line(a=says("a"), later=later), saver)
    assert made.go({}).reason == "interrupted"
    made.answer("yes")
    assert made.go().reason == "finished"
    assert made.state().values == {"x": "yes", "log": ["a", "later"]}


def test_async_callables_run_in_a_session(saver):
    class Later:
        async def __call__(self, state):
            return {"log": ["later"]}

    made = session(line(later=Later()), saver)
    assert made.go({}).reason == "finished"


def test_async_routers_run_in_a_session(saver):
    async def route(state):
        return END

    made = session(line(a=says("a")).add_conditional_edges("a", route), saver)
    assert made.go({}).reason == "finished"


# -- looking back, and what breaks a run off


def twice(state):
    return {"log": [interrupt("1?"), interrupt("2?")]}


def test_the_answers_of_a_branch_are_told_oldest_first_with_who_asked(saver):
    made = session(line(ask=ask, twice=twice), saver)
    made.go({})
    for answer in ("a", "b", "c"):
        made.answer(answer)
        made.go()
    told = [(node, question.value, answered.value) for node, question, answered in made.answers()]
    assert told == [("ask", "sure?", "a"), ("twice", "1?", "b"), ("twice", "2?", "c")]


def test_other_branches_are_no_part_of_the_branch_that_a_thread_stands_on(saver):
    made = session(line(ask=ask), saver)
    made.go({"log": ["old"]})
    made.go({"log": ["new"]}, restart=True)
    assert [position.checkpoint.step for position in made.branch()] == [0, -1]
    assert made.began_with({"log": ["new"]})
    assert not made.began_with({"log": ["old"]})
    assert not session(line(ask=ask), InMemorySaver()).began_with({})


def test_whose_question_it_is_is_said_by_path_also_in_a_sub_graph(saver):
    inner = line(deep=ask).compile()
    made = session(line(ask=ask, sub=inner), saver)
    made.go({})
    (question,) = made.pending()
    assert made.node_of(question) == "ask"
    made.answer(1)
    made.go()
    (question,) = made.pending()
    assert made.node_of(question) == "sub/deep"


def test_an_answer_to_a_question_that_an_edit_closed_says_so(saver):
    made = session(
        StateGraph(State).add_node("ask", ask).add_edge(START, "ask").add_node("b", ask_b).add_edge(START, "b"), saver
    )
    made.go({})
    ids = {question.value: question.id for question in made.pending()}
    made.compiled.update_state(made.config, {"x": 1}, as_node="ask")
    with pytest.raises(UnknownInterruptError, match="is no longer open: it was closed by an edit of the state"):
        made.answer(1, id=ids["sure?"])
    assert made.answer(1, id=ids["b?"]).value == 1


def ask_b(state):
    return {"log": [interrupt("b?")]}


def test_an_answer_to_a_question_that_changed_names_the_one_in_its_place(saver):
    built = line(ask=lambda state: {"log": [interrupt(f"{state['x']}?")]})
    made = session(built, saver)
    made.go({"x": 1})
    (old,) = made.pending()
    made.compiled.update_state(made.config, {"x": 2})
    made.go()
    (new,) = made.pending()
    with pytest.raises(UnknownInterruptError, match=f"question {new.id} took its place"):
        made.answer("y", id=old.id)


def test_a_run_that_something_breaks_off_says_so_and_can_be_continued(saver):
    class Broken(BaseException):
        pass

    broken = [1]

    def breaks(state):
        if broken.pop() if broken else False:
            raise Broken
        return {"log": ["b"]}

    made = session(line(a=says("a"), b=breaks), saver)
    with pytest.raises(Broken):
        made.go({})
    assert made.state().metadata["stop_text"] == "broken off by Broken; it can be continued"
    assert made.go().reason == "finished"
    assert made.state().values["log"] == ["a", "b"]


def test_a_watcher_that_raises_breaks_nothing(saver, capsys):
    def watch(session, event):
        raise ValueError("blind")

    assert session(line(a=says("a")), saver, watch).go({}).reason == "finished"
    assert "ValueError: blind" in capsys.readouterr().err


def test_a_breakpoint_holds_its_task_while_the_siblings_run(saver):
    built = StateGraph(State)
    for name in "ab":
        built.add_node(name, says(name)).add_edge(START, name)
    made = session(built, saver)
    made.set_breakpoint("a")
    assert made.go({}).text == "at the breakpoint before a"
    assert (made.state().next, made.state().values["log"]) == (("a",), ["b"])
    assert made.go().reason == "finished"


def test_a_breakpoint_in_a_sub_graph_is_set_by_its_path(saver):
    made = session(line(sub=line(p=says("p"), q=says("q")).compile()), saver)
    made.set_breakpoint("sub/q")
    assert made.go({}).text == "at the breakpoint before sub/q"
    assert made.go().reason == "finished"
