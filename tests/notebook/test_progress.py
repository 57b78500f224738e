"""How far a thread has come: counts, branches, sub-graphs; the same while it runs and from its file afterwards."""

from __future__ import annotations

import operator
from typing import Annotated, TypedDict

import pytest

from nbhitl import END, START, InMemorySaver, Send, Session, StateGraph, interrupt
from nbhitl.drawing import Fan
from nbhitl.notebook.pictures.progress import Progress, path_of

INSIDE = ["review"]


class State(TypedDict, total=False):
    n: int
    out: Annotated[list, operator.add]


def count(state):
    return {"n": state.get("n", 0) + 1}


def nothing(state):
    return {}


def again(state):
    return "ask" if state["n"] % 3 else END


def fan_out(state):
    return [Send("work", {"n": n}) for n in range(4)]


def work(state):
    if state["n"] == 3 and interrupt("Go on?") == "no":
        raise ValueError("no")
    return {"out": [state["n"]]}


def review():
    """A loop that asks three times."""
    made = StateGraph(State).add_node("ask", count).add_node("check", nothing)
    made.add_edge(START, "ask").add_edge("ask", "check").add_conditional_edges("check", again, ["ask", END])
    return made.compile()


@pytest.fixture
def session():
    """draft, a sub-graph that loops, a fan-out, the end."""
    made = StateGraph(State).add_node("draft", nothing).add_node("review", review()).add_node("work", work)
    made.add_node("last", nothing).add_edge(START, "draft").add_edge("draft", "review").add_edge("work", "last")
    made.add_conditional_edges("review", fan_out, ["work"]).add_edge("last", END)
    return Session(made.compile(checkpointer=InMemorySaver()), "t")


def watched(session, opened=()):
    """The progress of a session, and every moment that it went through."""
    moments = []
    progress = Progress(session, lambda: moments.append(progress.moment(opened)))

    def see(_, event):
        progress.see(event)
        moments.append(progress.moment(opened))

    session.watch = see
    return progress, moments


def test_before_the_first_run_all_is_idle(session):
    moment = Progress(session).moment(INSIDE)
    assert moment.status == "idle"
    assert set(moment.states.values()) == {"idle"}


def test_loops_in_a_sub_graph_are_counted_while_it_runs(session):
    progress, moments = watched(session, INSIDE)
    session.go({})
    counts = [moment.visits.get("review/ask", 0) for moment in moments]
    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2, 3}
    inner = [moment.states.get("review/ask") for moment in moments]
    assert {"next", "running", "done"} <= set(inner)
    assert ("review/check", "review/ask") in progress.moment(INSIDE).taken


def test_a_node_whose_question_is_open_still_waits_after_a_write_into_the_state(session):
    session.go({})
    assert Progress(session).moment().states["work"] == "waiting"
    session.set({"n": 9})
    assert [question.value for question in session.pending()] == ["Go on?"]
    assert Progress(session).moment().states["work"] == "waiting"


def test_the_text_names_the_innermost_nodes_at_work(session):
    _, moments = watched(session)
    session.go({})
    texts = {moment.text for moment in moments if moment.status == "running"}
    assert {"draft", "review/ask", "review/check", "work"} <= texts


def test_a_fan_out_is_counted_while_it_runs_and_when_it_waits(session):
    progress, moments = watched(session)
    session.go({})
    done = {moment.fans["work"].done for moment in moments if "work" in moment.fans}
    assert {0, 3} <= done
    assert progress.moment().fans == {"work": Fan(4, 3, 0, 1)}
    assert progress.moment().count("work") == "3/4 done, 1 waiting"
    session.answer("yes")
    session.go()
    assert progress.moment().fans == {}
    assert progress.moment().count("work") == ""


def test_a_failed_task_of_a_fan_out_is_counted(session):
    progress, _ = watched(session)
    session.go({})
    session.answer("no")
    session.go()
    assert progress.moment().fans == {"work": Fan(4, 3, 1, 0)}
    assert progress.moment().states["work"] == "failed"


def test_from_the_file_it_is_the_same_as_from_the_run(session):
    progress, _ = watched(session, INSIDE)
    session.break_("review/check", hits="2")
    for _ in range(3):
        session.go({} if session.position is None else None)
        live, loaded = progress.moment(INSIDE), Progress(session).moment(INSIDE)
        assert live == loaded
        if session.pending():
            session.answer("yes")
    assert live.status == "finished"


def test_a_stop_in_a_sub_graph_shows_in_there(session):
    progress, _ = watched(session, INSIDE)
    session.break_("review/check", hits="2")
    session.go({})
    moment = progress.moment(INSIDE)
    assert (moment.status, moment.states["review"], moment.states["review/check"]) == ("breakpoint", "paused", "paused")
    assert moment.said("review/ask") == "done, ran 2 times"


def test_a_sub_graph_that_is_opened_later_knows_what_was_before(session):
    progress, _ = watched(session)
    session.go({})
    assert "review/ask" not in progress.moment().states
    assert progress.moment(INSIDE).visits["review/ask"] == 3


def test_visits_are_those_of_the_branch(session):
    progress, _ = watched(session, INSIDE)
    session.go({})
    session.answer("yes")
    session.go()
    session.go({}, restart=True)
    assert progress.moment(INSIDE).visits["draft"] == 1
    assert progress.moment(INSIDE).visits["review/ask"] == 3


def test_copies_and_edits_are_no_runs(session):
    session.go({})
    session.answer("yes")
    session.go()
    before = Progress(session).moment(INSIDE).visits
    session.set({"n": 5}, as_node="draft")
    session.fork()
    session.back(1)
    assert Progress(session).moment(INSIDE).visits == before


def test_what_was_taken_back_is_shown_as_not_taken(session):
    session.go({})
    assert ("review", "work") in Progress(session).moment().taken
    session.rewind("review")
    moment = Progress(session).moment(INSIDE)
    assert ("review", "work") not in moment.taken
    assert ("draft", "review") in moment.taken
    assert "review/ask" not in moment.visits


def test_the_calls_of_a_step_that_an_edit_stands_for_were_taken_back(session):
    session.start({}, paused=True)
    session.until("review/check")
    session.continue_()
    step = next(moment.step for moment in session.timeline() if "review" in moment.nodes)
    session.fork(step, {"n": 0})
    moment = Progress(session).moment(INSIDE)
    assert ("review", "work") not in moment.taken
    assert "review/ask" not in moment.visits
    session.go()
    assert Progress(session).moment(INSIDE).visits["review/ask"] == 3


def test_finished_siblings_that_an_edit_took_along_have_run():
    made = StateGraph(State).add_node("a", lambda state: {"out": ["a"]}).add_node("b", lambda state: interrupt("b?"))
    made.add_edge(START, "a").add_edge(START, "b").add_edge("a", END).add_edge("b", END)
    session = Session(made.compile(checkpointer=InMemorySaver()), "t")
    session.go({})
    session.set({"n": 1}, as_node="b")
    visits = Progress(session).moment().visits
    assert (visits["a"], visits.get("b", 0)) == (1, 0)


def test_the_breakpoints_of_the_graph_are_part_of_it(session):
    point = session.break_("work", after=True, branch=2)
    assert Progress(session).moment().breakpoints == (point,)


@pytest.mark.parametrize(
    ("ns", "path"),
    [("", ""), ("review:t1", "review"), ("review:t1:2|deep:t2", "review/deep"), ("review#1|deep", "review/deep")],
)
def test_a_namespace_is_a_path(ns, path):
    assert path_of(ns) == path
