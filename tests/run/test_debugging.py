"""What helps to find mistakes: breakpoints that hold one task, and changes in place that are noticed."""

import asyncio
import operator
import warnings
from typing import Annotated, TypedDict

import pytest

from nbhitl import START, Command, InMemorySaver, StateGraph, interrupt
from nbhitl.calls import CallOptions
from nbhitl.debugging.breakpoint import Breakpoint
from nbhitl.debugging.debugger import Debugger
from nbhitl.engine.errors import MutatedStateWarning
from nbhitl.run.drive import adrive, drive


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]
    found: dict


def says(name):
    return lambda state: {"log": [name]}


def fan(**nodes):
    built = StateGraph(State)
    for name, action in nodes.items():
        built.add_node(name, action).add_edge(START, name)
    return built


def line(**nodes):
    built = StateGraph(State).add_sequence(list(nodes.items()))
    return built.add_edge(START, next(iter(nodes)))


def debugged(graph, input, config, before=(), after=()):
    """Run with the debugger's breakpoints; the stop."""
    points = [*(Breakpoint("before", node) for node in before), *(Breakpoint("after", node) for node in after)]
    options = CallOptions(debugger=Debugger({point.id: point for point in points}))
    run = graph.calls.prepare(input, config, options)
    for _ in drive(run):
        pass
    return run.position.stopped


# -- the debugger's breakpoints


def test_a_breakpoint_holds_its_task_and_the_siblings_run(saver, config):
    graph = fan(a=says("a"), b=says("b")).add_node("c", says("c")).add_edge(["a", "b"], "c").compile(saver)
    stop = debugged(graph, {}, config, before="a")
    assert (stop.reason, stop.text) == ("breakpoint", "at the breakpoint before a")
    state = graph.get_state(config)
    assert (state.next, state.values["log"]) == (("a",), ["b"])
    assert debugged(graph, None, config, before="a").reason == "finished"
    assert graph.get_state(config).values["log"] == ["a", "b", "c"]


def test_a_breakpoint_after_a_task_shows_what_it_wrote(saver, config):
    graph = line(a=says("a"), b=says("b")).compile(saver)
    stop = debugged(graph, {}, config, after="a")
    assert (stop.reason, stop.text) == ("breakpoint", "at the breakpoint after a")
    state = graph.get_state(config)
    assert (state.next, state.values["log"], state.tasks[0].result) == (("b",), ["a"], {"log": ["a"]})
    assert debugged(graph, None, config, after="a").reason == "finished"


def test_a_held_task_is_held_also_after_the_file_was_reopened_until_somebody_goes_on(saver, config):
    graph = fan(a=says("a"), b=says("b")).compile(saver)
    debugged(graph, {}, config, before="ab")
    assert graph.get_state(config).metadata["stop_text"] == "at the breakpoint before a, before b"
    graph.invoke(None, config)
    assert graph.get_state(config).values["log"] == ["a", "b"]


def test_an_answer_at_a_held_task_answers_the_question_beside_it_only(saver, config):
    graph = fan(a=lambda state: {"log": [interrupt("a?")]}, b=lambda state: {"log": [interrupt("b?")]}).compile(saver)
    assert debugged(graph, {}, config, before="b").reason == "interrupted"
    stop = debugged(graph, Command(resume="yes"), config, before="b")
    assert (stop.reason, [i.value for i in graph.get_state(config).interrupts]) == ("interrupted", ["b?"])


def test_an_edit_at_a_held_task_is_no_reason_to_hold_it_again(saver, config):
    graph = fan(a=says("a"), b=says("b")).compile(saver)
    debugged(graph, {}, config, before="a")
    graph.update_state(config, {"x": 7}, as_node="b")
    assert (graph.get_state(config).next, graph.get_state(config).values) == (("a",), {"x": 7, "log": ["b"]})
    assert debugged(graph, None, config, before="a").reason == "finished"


def test_an_async_run_is_held_too(config):
    async def a(state):
        return {"log": ["a"]}

    graph = line(a=a, b=says("b")).compile(InMemorySaver())

    async def run():
        prepared = graph.calls.prepare({}, config, CallOptions(debugger=Debugger({"b": Breakpoint("before", "b")})))
        async for _ in adrive(prepared):
            pass
        return prepared.position.stopped

    assert asyncio.run(run()).text == "at the breakpoint before b"


# -- changes in place


def appends(state):
    state["log"].append("secret")


def sets_inside(state):
    state["found"]["a"] = 1


def adds_and_returns(state):
    state["log"] += ["again"]
    return {"x": 1}


@pytest.mark.parametrize(("body", "key"), [(appends, "log"), (sets_inside, "found"), (adds_and_returns, "log")])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_with_debug_a_change_in_place_is_a_warning_that_names_node_and_key(body, key, way, config):
    graph = line(body=body).compile(InMemorySaver(), debug=True)

    def run(input):
        return graph.invoke(input, config) if way == "sync" else asyncio.run(graph.ainvoke(input, config))

    with pytest.warns(MutatedStateWarning, match=rf"node 'body' changed state\['{key}'\] in place.*return \{{'{key}'"):
        run({"log": [], "found": {}})


def test_what_is_returned_or_only_looked_at_is_no_change(config):
    def body(state):
        state["x"] = 2  # the dict itself is the node's own
        return {"log": [len(state["log"])], "found": {**state["found"], "a": 1}}

    graph = line(body=body).compile(InMemorySaver(), debug=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert graph.invoke({"log": [0], "found": {}}, config)["found"] == {"a": 1}


def test_without_debug_nobody_looks(config):
    line(body=appends).compile(InMemorySaver()).invoke({"log": []}, config)


def test_of_what_is_too_large_only_the_size_is_looked_at(config):
    large = list(range(10_001))
    graph = line(body=lambda state: state["log"].reverse()).compile(InMemorySaver(), debug=True)
    graph.invoke({"log": large}, config)
    with pytest.warns(MutatedStateWarning):
        line(body=appends).compile(InMemorySaver(), debug=True).invoke({"log": large}, config)


def test_debug_reaches_into_sub_graphs(config):
    inner = line(body=appends).compile()
    graph = line(sub=inner).compile(InMemorySaver(), debug=True)
    with pytest.warns(MutatedStateWarning, match="node 'body'"):
        graph.invoke({"log": []}, config)
