"""A fork with edited values is LangGraph's ``update_state`` at an old checkpoint: same state, same nodes due."""

import operator
import warnings
from types import SimpleNamespace
from typing import Annotated, TypedDict

import pytest

import nbhitl

pytest.importorskip("langgraph")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what LangGraph's own dependencies say is not ours to mend
    import langgraph.checkpoint.memory
    import langgraph.graph

OURS = SimpleNamespace(Graph=nbhitl.StateGraph, Saver=nbhitl.InMemorySaver)
THEIRS = SimpleNamespace(Graph=langgraph.graph.StateGraph, Saver=langgraph.checkpoint.memory.InMemorySaver)
CONFIG = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    x: int
    log: Annotated[list, operator.add]


def says(name):
    return lambda state: {"log": [name]}


def chain(kind):
    built = kind.Graph(State)
    for name in "abc":
        built.add_node(name, says(name))
    return built.add_edge("__start__", "a").add_edge("a", "b").add_edge("b", "c")


def routed(kind):
    built = kind.Graph(State)
    for name in "abc":
        built.add_node(name, says(name))
    built.add_edge("__start__", "a")
    return built.add_conditional_edges("a", lambda state: "c" if state.get("x", 0) > 1 else "b", ["b", "c"])


def wide(kind):
    built = kind.Graph(State)
    for name in "abcd":
        built.add_node(name, says(name))
    built.add_edge("__start__", "a").add_edge("a", "b").add_edge("a", "c")
    return built.add_edge(["b", "c"], "d")


CASES = [
    (chain, 0, {"x": 5}, None),
    (chain, 1, {"x": 5}, None),
    (chain, 1, {"log": ["by hand"]}, "b"),
    (chain, 3, {"x": 5}, None),
    (routed, 1, {"x": 5}, None),
    (routed, 1, {"x": 0}, None),
    (routed, 2, {"x": 5}, "a"),
    (wide, 1, {"x": 5}, None),
    (wide, 2, {"x": 5}, "b"),
    (wide, 3, {"x": 5}, None),
]


@pytest.mark.parametrize(("build", "step", "values", "as_node"), CASES)
def test_a_fork_with_values_is_theirs(build, step, values, as_node):
    theirs = build(THEIRS).compile(THEIRS.Saver())
    theirs.invoke({"x": 1}, CONFIG)
    old = next(state for state in theirs.get_state_history(CONFIG) if state.metadata["step"] == step)
    config = theirs.update_state(old.config, values, as_node=as_node)
    forked = theirs.get_state(config)
    ours = nbhitl.Session(build(OURS).compile(OURS.Saver()), "t")
    ours.go({"x": 1})
    ours.fork(step, values, as_node=as_node)
    assert (ours.state().values, set(ours.state().next)) == (forked.values, set(forked.next))
    if forked.next:
        ours.go()
    assert ours.state().values == theirs.invoke(None, config)


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("build", [chain, routed, wide])
def test_going_back_and_on_is_their_replay(build, step):
    theirs = build(THEIRS).compile(THEIRS.Saver())
    theirs.invoke({"x": 1}, CONFIG)
    old = next((state for state in theirs.get_state_history(CONFIG) if state.metadata["step"] == step), None)
    if old is None:
        return
    ours = nbhitl.Session(build(OURS).compile(OURS.Saver()), "t")
    ours.go({"x": 1})
    ours.back(to=step) if old.next else ours.fork(step)
    assert (ours.state().values, set(ours.state().next)) == (old.values, set(old.next))
    if old.next:
        ours.go()
        assert ours.state().values == theirs.invoke(None, old.config)
