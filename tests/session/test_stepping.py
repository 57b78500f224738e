"""Moves of the debugger: a step, a task, into and out of sub-graphs, to a node. On both savers, sync and async."""

import pytest

from nbhitl import (
    END,
    START,
    Command,
    DuckDBSaver,
    EmptyInputError,
    NbhitlError,
    PendingInterruptError,
    Send,
    StateGraph,
    UnknownNodeError,
    interrupt,
)
from tests.session.lines import State, line, says, session_of


async def waits(state):
    return {"log": ["async"]}


def nested():
    """a -> sub (p -> deep (q -> r) -> s) -> z"""
    deep = line("q", "r").compile()
    return line(a=says("a"), sub=line(p=says("p"), deep=deep, s=says("s")).compile(), z=says("z"))


def fan():
    built = StateGraph(State)
    for name in "abc":
        built.add_node(name, says(name)).add_edge(START, name)
    return built.add_node("d", says("d")).add_edge(["a", "b", "c"], "d")


def log(session):
    return session.state().values.get("log", [])


def stops(session, *moves):
    """The texts of the stops of several moves, one after the other."""
    return [move().text for move in moves]


# -- over


def test_a_run_can_be_started_paused_and_go_on_step_by_step_to_its_end(saver):
    session = session_of(line("a", "b", "c"), saver)
    stop = session.start({"x": 1}, paused=True)
    assert (stop.reason, stop.text, log(session)) == ("breakpoint", "at the start, before a", [])
    assert stops(session, session.step, session.step) == ["after 1 step, before b", "after 1 step, before c"]
    assert session.step().reason == "finished"
    assert log(session) == ["a", "b", "c"]


def test_several_steps_at_once(saver):
    session = session_of(line(*"abcde"), saver)
    session.start({}, paused=True)
    assert session.step(3).text == "after 3 steps, before d"
    assert log(session) == ["a", "b", "c"]
    assert session.step(99).reason == "finished"


def test_a_step_of_a_fan_out_runs_all_of_its_tasks(saver):
    session = session_of(fan(), saver)
    session.start({}, paused=True)
    assert session.step().text == "after 1 step, before d"
    assert log(session) == ["a", "b", "c"]


def test_a_step_takes_a_sub_graph_as_one(saver):
    session = session_of(nested(), saver)
    session.start({}, paused=True)
    texts = stops(session, session.step, session.step)
    assert texts == ["after 1 step, before sub", "after 1 step, before z"]
    assert log(session)[-1] == "s"


def test_async_nodes_are_stepped_too(saver):
    session = session_of(line(a=waits, b=waits), saver)
    session.start({}, paused=True)
    assert session.step().text == "after 1 step, before b"
    assert session.step().reason == "finished"


def test_a_loop_can_be_stepped_round_and_round(saver):
    built = StateGraph(State).add_node("a", lambda s: {"x": s["x"] + 1})
    built.add_edge(START, "a").add_conditional_edges("a", lambda s: "a" if s["x"] < 4 else END)
    session = session_of(built, saver)
    session.start({"x": 0}, paused=True)
    assert [session.step().reason for _ in range(4)] == ["breakpoint"] * 3 + ["finished"]
    assert session.state().values["x"] == 4


# -- one task


def test_one_task_of_a_fan_out_runs_and_its_siblings_wait(saver):
    session = session_of(fan(), saver)
    session.start({}, paused=True)
    assert session.task().text == "after one task, before b, before c"
    assert session.state().next == ("b", "c")
    assert session.task("c").text == "after one task, before b"
    assert session.task().text == "after one task, before d"
    assert log(session) == ["a", "b", "c"]


def test_a_task_that_is_not_due_is_an_error_with_a_suggestion(saver):
    session = session_of(fan(), saver)
    session.start({}, paused=True)
    with pytest.raises(UnknownNodeError, match="'d' is not due.*Due are: a, b, c"):
        session.task("d")


def test_one_branch_of_a_send_runs_alone(saver):
    built = StateGraph(State).add_node("w", lambda arg: {"log": [arg["x"]]}).add_node("split", says("split"))
    built.add_edge(START, "split").add_conditional_edges("split", lambda s: [Send("w", {"x": n}) for n in (1, 2, 3)])
    session = session_of(built, saver)
    session.start({}, paused=True)
    session.step()
    assert session.task().text == "after one task, before w"
    assert [task.result for task in session.state().tasks] == [{"log": [1]}, None, None]
    session.continue_()
    assert log(session) == ["split", 1, 2, 3]


# -- into and out


def test_into_goes_to_the_first_node_of_a_sub_graph_and_out_of_it_again(saver):
    session = session_of(nested(), saver)
    session.start({}, paused=True)
    assert stops(session, session.into, session.into) == ["after one task, before sub", "after one task, before sub/p"]
    assert session.inside() == "sub/"
    assert stops(session, session.into, session.into) == [
        "after one task, before sub/deep",
        "after one task, before sub/deep/q",
    ]
    assert session.inside() == "sub/deep/"
    assert session.out().text == "out of sub/deep, before sub/s"
    assert session.inside() == "sub/"
    assert session.out().text == "out of sub, before z"
    assert session.inside() == ""
    assert session.into().reason == "finished"


def test_a_step_inside_a_sub_graph_is_one_of_the_sub_graph_and_the_last_one_leads_out(saver):
    session = session_of(nested(), saver)
    session.start({}, paused=True)
    for _ in range(2):
        session.into()
    assert stops(session, *[session.step] * 4) == [
        "after 1 step, before sub/deep",
        "after 1 step, before sub/s",
        "after 1 step, before z",
        "finished",
    ]


def test_steps_that_leave_a_sub_graph_go_on_being_counted_outside(saver):
    session = session_of(nested(), saver)
    session.start({}, paused=True)
    for _ in range(2):
        session.into()
    assert session.step(3).text == "after 3 steps, before z"


def test_into_stays_where_it_is_after_the_file_was_opened_again(tmp_path):
    for number, expected in enumerate(["sub", "sub/p", "sub/deep", "sub/deep/q", "sub/deep/r", "sub/s", "z"]):
        with DuckDBSaver(tmp_path / "t.duckdb") as saver:
            session = session_of(nested(), saver)
            if number == 0:
                session.start({}, paused=True)
            assert session.into().text == f"after one task, before {expected}"


def test_out_of_nothing_is_an_error(saver):
    session = session_of(line("a", "b"), saver)
    session.start({}, paused=True)
    with pytest.raises(NbhitlError, match="stands in no sub-graph"):
        session.out()


def test_a_sub_graph_that_a_body_calls_can_be_stepped_into(saver):
    inner = line("p", "q").compile()
    session = session_of(line(a=lambda state: {"log": inner.invoke({})["log"]}, b=says("b")), saver)
    session.start({}, paused=True)
    assert stops(session, session.into, session.into, session.into) == [
        "after one task, before a/p",
        "after one task, before a/q",
        "after one task, before b",
    ]
    assert log(session) == ["p", "q"]


def test_sub_graphs_side_by_side_are_stepped_together(saver):
    inner = line("p", "q").compile()
    built = StateGraph(State).add_node("one", inner).add_node("two", inner)
    session = session_of(built.add_edge(START, "one").add_edge(START, "two"), saver)
    session.start({}, paused=True)
    assert session.into().text == "after one task, before one/p, before two/p"
    assert session.step().text == "after 1 step, before one/q, before two/q"
    assert session.out().reason == "finished"


# -- until


def test_until_goes_to_a_node_and_the_next_time_once_round_the_loop(saver):
    built = line("a", "b").add_conditional_edges("b", lambda s: "a" if len(s["log"]) < 5 else END)
    session = session_of(built, saver)
    session.start({}, paused=True)
    assert session.until("b").text == "as asked, before b"
    assert session.until("b").text == "as asked, before b"
    assert log(session) == ["a", "b", "a"]
    assert session.until("a").text == "as asked, before a"
    assert session.until("a").reason == "finished"


def test_until_leads_into_a_sub_graph_by_its_path(saver):
    session = session_of(nested(), saver)
    session.start({}, paused=True)
    assert session.until("sub/deep/r").text == "as asked, before sub/deep/r"


def test_until_a_node_that_is_not_there_names_the_nearest(saver):
    session = session_of(nested(), saver)
    session.start({}, paused=True)
    with pytest.raises(UnknownNodeError, match="until: there is no node 'sub/dep'.*sub/deep"):
        session.until("sub/dep")


# -- where nothing can be moved


def test_before_the_first_run_a_step_says_how_to_begin(saver):
    session = session_of(line("a"), saver)
    for move in (session.step, session.into, session.continue_):
        with pytest.raises(EmptyInputError, match="has not run yet.*paused=True"):
            move()


def test_a_finished_run_has_nothing_to_step(saver):
    session = session_of(line("a"), saver)
    session.start({})
    with pytest.raises(NbhitlError, match="the run has finished"):
        session.step()


def test_a_step_at_a_question_asks_for_the_answer_and_goes_on_after_it(saver):
    session = session_of(line(a=lambda s: {"log": [interrupt("a?")]}, b=says("b"), c=says("c")), saver)
    session.start({}, paused=True)
    assert session.step().reason == "interrupted"
    with pytest.raises(PendingInterruptError, match="a waits for an answer"):
        session.step()
    session.answer("yes")
    assert session.step().text == "after 1 step, before b"
    assert log(session) == ["yes"]


def test_a_step_over_a_failure_fails_and_the_next_one_tries_again(saver):
    tries = []

    def fails(state):
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("no")
        return {"log": ["a"]}

    session = session_of(line(a=fails, b=says("b")), saver)
    session.start({}, paused=True)
    assert session.step().reason == "failed"
    assert session.step().text == "after 1 step, before b"


def test_a_step_of_no_steps_is_an_error(saver):
    session = session_of(line("a", "b"), saver)
    session.start({}, paused=True)
    with pytest.raises(NbhitlError, match="1 or more, not 0"):
        session.step(0)


def test_langgraph_calls_pass_where_a_step_has_stopped(saver):
    session = session_of(line("a", "b", "c"), saver)
    session.start({}, paused=True)
    session.step()
    assert session.compiled.invoke(None, session.config)["log"] == ["a", "b", "c"]
    assert session.compiled.invoke(Command(goto="c"), session.config)["log"][-1] == "c"
