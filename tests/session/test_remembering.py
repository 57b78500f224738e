"""Time travel over calls of a sub-graph with ``checkpointer=True`` in one body: one line serves all of them."""

import operator
import random
from typing import Annotated, TypedDict

import pytest

from nbhitl import START, InMemorySaver, NbhitlError, Session, StateGraph, interrupt


class State(TypedDict, total=False):
    x: Annotated[int, operator.add]
    log: Annotated[list, operator.add]


def caller(ran, *, nested=False):
    """A session whose node calls a sub-graph three times; each call works, asks twice, and counts what it got."""

    def ask(state):
        answers = [interrupt("first"), interrupt("second")]
        ran.append("ask")
        return {"x": sum(answers)}

    inner = StateGraph(State).add_node("w", lambda state: {"x": 1}).add_node("ask", ask)
    sub = inner.add_edge(START, "w").add_edge("w", "ask").compile(checkpointer=True)
    built = StateGraph(State).add_node("call", lambda state: {"log": [sub.invoke({"x": n})["x"] for n in range(3)]})
    built.add_node("z", lambda state: {"log": ["z"]}).add_edge(START, "call").add_edge("call", "z")
    if nested:
        built = StateGraph(State).add_node("outer", built.compile()).add_edge(START, "outer")
    return Session(built.compile(InMemorySaver(), name="g"), "t")


def answer_all(session):
    session.answer_all({question.id: 5 for question in session.pending()})


def finish(session):
    while session.position.stopped.reason != "finished":
        answer_all(session)
        session.go()
    return session.state().values["log"]


RESULTS = [11, 23, 36, "z"]


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("before", range(6))
def test_a_fork_at_any_question_repeats_no_call_that_has_ended(before, nested):
    ran = []
    session = caller(ran, nested=nested)
    session.start({"x": 0})
    for _ in range(before):
        answer_all(session)
        session.go()
    session.fork()
    assert finish(session) == RESULTS
    assert ran == ["ask"] * 3


def travel(session, chance):
    match chance.choice(["go", "go", "go", "fork", "switch", "back", "into", "step", "rewind", "at", "task"]):
        case "switch":
            session.switch(chance.choice(session.branches()).name)
        case "rewind":
            session.rewind(chance.choice(["call", "call/w", "call/ask"]))
        case "at":
            session.fork(chance.randint(-3, 3))
        case verb:
            getattr(session, verb)()


@pytest.mark.parametrize("seed", [*range(20), 112, 131, 234, 238, 480, 512])
def test_however_somebody_travels_each_call_goes_on_from_the_one_before_it(seed):
    chance = random.Random(seed)
    session = caller([])
    session.start({"x": 0})
    for _ in range(16):
        if session.pending() and chance.random() < 0.8:
            answer_all(session)
        try:
            travel(session, chance)
        except NbhitlError:  # nothing to go back to, for example: nothing has happened then
            continue
    assert finish(session) == RESULTS
