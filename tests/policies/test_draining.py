"""A run that is asked to stop: at a node boundary, in a back-off, in a sub-graph; and what is left of it."""

import asyncio
import threading

import langgraph.graph
import langgraph.runtime
import pytest

import nbhitl
from nbhitl import START, GraphDrained, RetryPolicy, RunControl, StateGraph
from tests.policies.graphs import Flaky, State, line

LONG = RetryPolicy(initial_interval=1000, jitter=False)
"""Longer than any test may take: who ends has not waited for it."""


class Drained(Flaky):
    """A body that fails, and then somebody asks its run to stop, while it waits to be tried again."""

    def __init__(self, control):
        super().__init__(1)
        self.control = control

    def __call__(self, state):
        threading.Timer(0.3, self.control.request_drain, ["going home"]).start()
        return super().__call__(state)


def test_a_control_says_why_once_it_was_asked():
    control = RunControl()
    assert (control.drain_requested, control.drain_reason) == (False, None)
    control.request_drain()
    assert (control.drain_requested, control.drain_reason) == (True, "shutdown")
    theirs = langgraph.runtime.RunControl()
    theirs.request_drain()
    assert (theirs.drain_requested, theirs.drain_reason) == (True, "shutdown")


def test_a_wait_for_the_next_attempt_ends_at_once_and_the_thread_can_go_on(call, saver, config):
    control = RunControl()
    body = Drained(control)
    graph = line(body, retry_policy=LONG).compile(saver)
    assert call(graph, {"x": 1}, config, control=control) == {"x": 1, "log": []}
    state = graph.get_state(config)
    assert (state.next, state.metadata["stop"], state.metadata["stop_text"]) == (("a",), "drained", "going home")
    quick = line(body, retry_policy=LONG._replace(initial_interval=0)).compile(saver)
    again = RunControl()
    threading.Timer(0.3, again.request_drain).start()
    call(quick, None, config, control=again)
    assert body.runs == 1  # what was to be waited is remembered
    assert quick.get_state(config).metadata["stop"] == "drained"


def test_a_wait_in_a_sub_graph_ends_as_well(call, saver, config):
    control = RunControl()
    inner = StateGraph(State).add_node("in", Drained(control), retry_policy=LONG).add_edge(START, "in")
    graph = line(inner.compile()).compile(saver)
    call(graph, {"x": 1}, config, control=control)
    assert graph.get_state(config).next == ("a",)
    assert graph.get_state(config).metadata["stop"] == "drained"


def test_what_siblings_did_is_kept(call, saver, config):
    control, runs = RunControl(), []

    def sibling(state):
        runs.append(1)
        control.request_drain()
        return {"log": ["s"]}

    builder = StateGraph(State).add_node("a", Flaky(1), retry_policy=LONG).add_node("s", sibling)
    builder.add_edge(START, "a").add_edge(START, "s")
    graph = builder.compile(saver)
    call(graph, {"x": 1}, config, control=control)
    assert graph.get_state(config).values["log"] == ["s"]
    assert runs == [1]


def test_whoever_waits_is_woken_once_and_those_who_left_are_not():
    control, woken = RunControl(), []
    with control.waking(lambda: woken.append("left")):
        pass
    with control.waking(lambda: woken.append("here")):
        control.request_drain()
        control.request_drain()
    with control.waking(lambda: woken.append("late")):
        pass
    assert woken == ["here", "late"]


def test_a_signal_handler_may_ask_while_its_thread_is_about_to_wait():
    control, woken = RunControl(), threading.Event()

    def interrupted():
        with control._lock:  # where a signal may arrive
            control.request_drain()
        with control.waking(woken.set):
            pass

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    assert woken.wait(60)
    assert control.drain_requested


def test_a_drained_run_returns_here_and_raises_upstream():
    def build(engine, control):
        def body(state):
            control.request_drain("why")
            return {"log": ["a"]}

        return line(body, engine=engine).compile()

    control = langgraph.runtime.RunControl()
    with pytest.raises(langgraph.errors.GraphDrained):
        build(langgraph.graph, control).invoke({"x": 1}, control=control)
    control = RunControl()
    assert build(nbhitl, control).invoke({"x": 1}, control=control)["log"] == ["a"]
    assert GraphDrained("why").reason == "why"


def test_a_drain_from_the_loop_itself_wakes_a_wait(saver, config):
    async def main():
        control = RunControl()
        asyncio.get_running_loop().call_later(0.1, control.request_drain)
        graph = line(Flaky(1), retry_policy=LONG).compile(saver)
        await graph.ainvoke({"x": 1}, config, control=control)
        return graph.get_state(config).metadata["stop"]

    assert asyncio.run(main()) == "drained"
