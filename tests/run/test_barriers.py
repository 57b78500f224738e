"""A state key that waits for names: `NamedBarrierValue`."""

import operator
from itertools import pairwise
from typing import Annotated, TypedDict

import pytest
from langgraph.channels import NamedBarrierValue as TheirBarrier
from langgraph.graph import StateGraph as TheirGraph

from nbhitl import START, DuckDBSaver, InMemorySaver, InvalidUpdateError, NamedBarrierValue, SchemaError, StateGraph
from nbhitl.engine.errors import GraphError


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]
    ready: Annotated[str, NamedBarrierValue(str, {"tests", "review"})]


class Theirs(TypedDict, total=False):
    log: Annotated[list, operator.add]
    ready: Annotated[str, TheirBarrier(str, {"tests", "review"})]


def chain(kind, schema, *writes):
    """Nodes in a row, ``n0``, ``n1``, ...: each notes whether the key is there, and writes what it was given."""
    graph = kind(schema)
    for number, write in enumerate(writes):

        def node(state, write=write):
            return {"log": ["ready" in state], **({"ready": write} if write else {})}

        graph.add_node(f"n{number}", node)
    graph.add_edge(START, "n0")
    for number, _ in pairwise(range(len(writes))):
        graph.add_edge(f"n{number}", f"n{number + 1}")
    return graph


WRITES = [
    ("tests", None, "review", None),
    ("tests", "tests", "review", None),
    ("review", None, None),
    ("tests", "review", "tests", "review", None),
]


@pytest.mark.parametrize("writes", WRITES)
def test_the_key_appears_when_every_name_was_written_as_in_langgraph(writes):
    ours = list(chain(StateGraph, State, *writes).compile().stream({"log": []}, stream_mode="values"))
    theirs = list(chain(TheirGraph, Theirs, *writes).compile().stream({"log": []}, stream_mode="values"))
    assert ours == theirs


@pytest.mark.parametrize("disk", [False, True])
def test_which_names_were_written_outlives_a_pause_and_belongs_to_the_branch(disk, tmp_path):
    graph = chain(StateGraph, State, "tests", None, "review", None)
    thread = {"configurable": {"thread_id": "1"}}
    saver = DuckDBSaver(tmp_path / "runs.duckdb") if disk else InMemorySaver()
    app = graph.compile(saver, interrupt_before=["n1", "n2"])
    app.invoke({"log": []}, thread)
    early = app.get_state(thread).config
    if disk:
        saver.close()
        saver = DuckDBSaver(tmp_path / "runs.duckdb")
    app = graph.compile(saver)
    assert app.invoke(None, thread) == {"log": [False, False, False, True], "ready": None}
    assert app.update_state(early, {"ready": "review"}, as_node="n0")
    assert app.invoke(None, thread)["log"] == [False, True, True, True]
    assert app.invoke(None, early)["log"] == [False, False, False, True]
    saver.close()


def test_a_name_that_it_does_not_wait_for_is_an_error_that_lists_the_names():
    with pytest.raises(InvalidUpdateError, match="state key 'ready' waits for 'review', 'tests'; it got 'testes'"):
        chain(StateGraph, State, "testes").compile().invoke({"log": []})


@pytest.mark.parametrize("names", [(), [1, 2]])
def test_it_waits_for_names(names):
    with pytest.raises(SchemaError, match="NamedBarrierValue waits for names"):
        NamedBarrierValue(str, names)


def test_the_bare_class_is_a_mistake_that_says_what_is_missing():
    class Bare(TypedDict):
        ready: Annotated[str, NamedBarrierValue]

    with pytest.raises((SchemaError, GraphError), match="needs the names that it waits for"):
        chain(StateGraph, Bare, None).compile()


def test_two_branches_write_in_one_step():
    graph = StateGraph(State)
    graph.add_node("a", lambda state: {"ready": "tests"}).add_node("b", lambda state: {"ready": "review"})
    graph.add_node("c", lambda state: {"log": ["ready" in state]})
    graph.add_edge(START, "a").add_edge(START, "b").add_edge(["a", "b"], "c")
    assert graph.compile().invoke({"log": []}) == {"log": [True], "ready": None}
