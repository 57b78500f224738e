"""What the linter says is so: each graph here is flagged, and then run into what it was flagged for."""

import asyncio
import itertools
import operator
import random
import threading
import time
from typing import Annotated, TypedDict

import pytest

from nbhitl import (
    END,
    START,
    Command,
    DuckDBSaver,
    InMemorySaver,
    InterruptExpired,
    MutatedStateWarning,
    NbhitlError,
    PauseSwallowed,
    QuestionChanged,
    StateGraph,
    UnstorableValueError,
    interrupt,
    once,
)
from nbhitl.lint import lint_graph

CONFIG = {"configurable": {"thread_id": "1"}}


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


def flagged(body, code, saver=None, **options):
    """The graph of this one node, when the linter says just this about it."""
    graph = (
        StateGraph(State).add_node("body", body).add_edge(START, "body").compile(saver or InMemorySaver(), **options)
    )
    assert {one.code for one in lint_graph(graph.graph)} == {code}
    return graph


def paused(graph):
    assert graph.invoke({}, CONFIG)["__interrupt__"]
    return graph


def answered(graph, answer="yes"):
    return graph.invoke(Command(resume=answer), CONFIG)


def test_an_effect_before_a_question_happens_twice():
    sent = []

    def body(state):
        sent.append("mail")
        return {"x": interrupt("Did they reply?")}

    answered(paused(flagged(body, "NBH101")))
    assert sent == ["mail", "mail"]


def test_an_effect_of_a_function_that_is_called_before_a_question_happens_twice():
    sent = []

    def send(text):
        sent.append(text)

    def body(state):
        send("mail")
        return {"x": interrupt("Did they reply?")}

    answered(paused(flagged(body, "NBH101")))
    assert sent == ["mail", "mail"]


def test_a_question_in_a_sub_graph_runs_what_stood_before_its_call_again():
    sent = []

    def inner(state):
        return {"x": interrupt("Go on?")}

    sub = StateGraph(State).add_node("inner", inner).add_edge(START, "inner").compile()

    def body(state):
        sent.append("mail")
        return {"x": sub.invoke({})["x"]}

    answered(paused(flagged(body, "NBH101")))
    assert sent == ["mail", "mail"]


def bare(state):
    try:
        interrupt("Go on?")
    except:  # noqa: E722 - what this is about
        return {"x": "swallowed"}


def hasty(state):
    try:
        interrupt("Go on?")
    finally:
        return {"x": "swallowed"}  # noqa: B012 - what this is about


@pytest.mark.parametrize(("body", "code"), [(bare, "NBH201"), (hasty, "NBH202")])
def test_a_pause_that_is_caught_fails_the_run(body, code):
    with pytest.raises(PauseSwallowed):
        flagged(body, code).invoke({}, CONFIG)


async def question(text):
    return interrupt(text)


async def gathers(state):
    await asyncio.gather(question("Go on?"), return_exceptions=True)
    return {"x": "swallowed"}


async def side_by_side(state):
    async with asyncio.TaskGroup() as group:
        first = group.create_task(question("a?"))
        second = group.create_task(question("b?"))
    return {"x": [first.result(), second.result()]}


@pytest.mark.parametrize(("body", "code"), [(gathers, "NBH203"), (side_by_side, "NBH306")])
def test_questions_that_nobody_can_tell_apart_fail_the_run(body, code):
    with pytest.raises(PauseSwallowed):
        asyncio.run(flagged(body, code).ainvoke({}, CONFIG))


def test_a_question_in_a_thread_knows_no_node():
    def ask(said):
        try:
            interrupt("Go on?")
        except NbhitlError as error:
            said.append(str(error))

    said = []

    def body(state):
        thread = threading.Thread(target=ask, args=(said,))
        thread.start()
        thread.join(10)
        return {"x": said[0]}

    assert "outside a node" in flagged(body, "NBH204").invoke({}, CONFIG)["x"]


def test_a_question_in_a_router_runs_its_node_again():
    ran = []

    def work(state):
        ran.append("work")
        return {}

    def where(state):
        return interrupt("Where to?")

    builder = StateGraph(State).add_node("work", work).add_edge(START, "work")
    graph = builder.add_conditional_edges("work", where, {"end": END, "again": "work"}).compile(InMemorySaver())
    assert [one.code for one in lint_graph(graph.graph)] == ["NBH205"]
    answered(paused(graph), "end")
    assert ran == ["work", "work"]


def test_a_condition_that_flips_loses_the_answer():
    def body(state):
        if random.random() < 0.5:
            return {"x": interrupt("Go on?")}
        return {"x": "not asked"}

    graph = flagged(body, "NBH301")
    before = random.getstate()
    try:
        random.seed(1)  # 0.13, then 0.84
        assert answered(paused(graph))["x"] == "not asked"
    finally:
        random.setstate(before)


def test_a_question_that_is_new_each_time_gets_no_answer():
    clock = itertools.count()

    def body(state):
        return {"x": interrupt(f"It is {next(clock)}. Go on?")}

    graph = paused(flagged(body, "NBH302"))
    answered(graph)
    with pytest.raises(QuestionChanged):
        answered(graph)


def test_a_key_that_is_new_each_time_gets_no_answer():
    def body(state):
        return {"x": interrupt("Go on?", key=f"at {time.time_ns()}")}

    graph = paused(flagged(body, "NBH303"))
    assert answered(graph)["__interrupt__"]


def test_n_questions_of_a_loop_are_n_and_one_runs():
    runs = set()
    number = itertools.count()

    def body(state):
        runs.add(next(number))  # nbhitl: ignore[NBH101]
        return {"x": [interrupt(f"{item}?") for item in "abc"]}

    graph = paused(flagged(body, "NBH304"))
    for answer in "123":
        last = answered(graph, answer)
    assert (last["x"], len(runs)) == (["1", "2", "3"], 4)


def test_a_key_that_is_the_same_in_each_round_calls_the_function_once():
    sent = []

    def send(name):
        sent.append(name)
        return name

    def body(state):
        return {"x": [once("mail", send, name) for name in ["Ada", "Bo"]]}

    assert flagged(body, "NBH305").invoke({}, CONFIG)["x"] == ["Ada", "Ada"]
    assert sent == ["Ada"]


def test_a_deadline_without_a_default_fails_the_node():
    def body(state):
        return {"x": interrupt("Go on?", deadline=1e-6)}

    graph = flagged(body, "NBH307")
    with pytest.raises(InterruptExpired):  # noqa: PT012 - at once, or when somebody looks again
        graph.invoke({}, CONFIG)
        graph.invoke(None, CONFIG)


def test_a_default_without_a_deadline_is_an_error():
    def body(state):
        return {"x": interrupt("Go on?", default="yes")}

    with pytest.raises(NbhitlError, match="deadline"):
        flagged(body, "NBH308").invoke({}, CONFIG)


def test_a_change_in_place_is_warned_of_when_it_happened():
    def body(state):
        state["log"].append("scribbled")
        return {"x": 1}

    graph = flagged(body, "NBH401", debug=True)
    with pytest.warns(MutatedStateWarning):
        graph.invoke({"log": ["begun"]}, CONFIG)


def test_a_value_that_cannot_be_stored_fails_the_run(tmp_path):
    class Basket:
        pass

    def body(state):
        return {"x": Basket()}

    with DuckDBSaver(tmp_path / "x.duckdb") as saver, pytest.raises(UnstorableValueError):
        flagged(body, "NBH402", saver).invoke({}, CONFIG)
