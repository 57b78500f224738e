"""What `set_node_defaults` gives to every node."""

import asyncio

import pytest

from nbhitl import START, CachePolicy, GraphError, InMemoryCache, NodeError, NodeTimeoutError, RetryPolicy, StateGraph
from tests.policies.graphs import FAST, Flaky, State, line


@pytest.mark.parametrize("first", [True, False])
def test_the_order_of_defaults_and_nodes_does_not_matter(first, call):
    body = Flaky(2)
    builder = StateGraph(State)
    if first:
        builder.set_node_defaults(retry_policy=FAST)
    builder.add_node("a", body).add_edge(START, "a")
    if not first:
        builder.set_node_defaults(retry_policy=FAST)
    assert call(builder.compile(), {"x": 1})["log"] == ["a"]
    assert body.runs == 3


def test_what_a_node_is_given_of_its_own_goes_first():
    body = Flaky(2)
    graph = line(body, retry_policy=RetryPolicy(max_attempts=1)).set_node_defaults(retry_policy=FAST).compile()
    with pytest.raises(ConnectionError):
        graph.invoke({"x": 1})
    assert body.runs == 1


def test_a_later_default_takes_the_place_of_an_earlier_one_and_leaves_the_others():
    builder = (
        line(Flaky(9))
        .set_node_defaults(retry_policy=FAST, error_handler=lambda state: {"log": ["first"]})
        .set_node_defaults(error_handler=lambda state: {"log": ["second"]})
    )
    node = builder.compile().graph.nodes["a"]
    assert node.retry == (FAST,)
    assert builder.compile().invoke({"x": 1})["log"] == ["second"]


def test_one_handler_serves_all_nodes_and_is_told_which_one_failed(call):
    def handler(state, error: NodeError):
        return {"log": [error.node]}

    builder = StateGraph(State).set_node_defaults(error_handler=handler)
    for name in "abc":
        builder.add_node(name, Flaky(9)).add_edge(START, name)
    assert call(builder.compile(), {"x": 1})["log"] == ["a", "b", "c"]


def test_handlers_are_tried_again_by_default_but_neither_cached_nor_handled(call):
    runs = []

    def handler(state, error: NodeError):
        runs.append(1)
        if len(runs) < 3:
            raise ConnectionError("x")
        return {"log": ["handled"]}

    builder = line(Flaky(9, ValueError)).set_node_defaults(
        retry_policy=FAST, error_handler=handler, cache_policy=CachePolicy()
    )
    graph = builder.compile(cache=InMemoryCache())
    assert call(graph, {"x": 1})["log"] == ["handled"]
    assert len(runs) == 3
    assert graph.graph.nodes["a"].handler.handler is None
    assert graph.graph.nodes["a"].handler.cache is None
    runs[:] = [0]
    assert call(graph, {"x": 1})["log"] == ["handled"]
    assert len(runs) == 3


def test_the_handlers_attempts_are_counted_apart_from_the_nodes(call):
    runs = []

    def handler(state, error: NodeError, runtime):
        runs.append(runtime.execution_info.node_attempt)
        raise ConnectionError("x")

    graph = line(Flaky(9)).set_node_defaults(retry_policy=FAST, error_handler=handler).compile()
    with pytest.raises(ConnectionError):
        call(graph, {"x": 1})
    assert runs == [1, 2, 3]


def test_a_timeout_for_all_is_one_for_each():
    async def slow(state):
        await asyncio.sleep(30)

    async def quick(state):
        return {"log": ["q"]}

    builder = StateGraph(State).set_node_defaults(timeout=0.1).add_node("q", quick).add_node("s", slow)
    builder.add_edge(START, "q").add_edge("q", "s")
    with pytest.raises(NodeTimeoutError, match="node 's'"):
        asyncio.run(builder.compile().ainvoke({"x": 1}))


def test_the_nodes_of_a_sub_graph_have_their_own_defaults():
    body = Flaky(1)
    inner = StateGraph(State).add_node("in", body).add_edge(START, "in").compile()
    outer = line(inner).set_node_defaults(error_handler=lambda state: {"log": ["outside"]}).compile()
    assert outer.invoke({"x": 1})["log"] == ["outside"]
    assert body.runs == 1


def test_mistakes_in_defaults_are_listed_with_all_others():
    builder = line(Flaky(0), retry_policy=3).set_node_defaults(timeout=-1, cache_policy=3)
    with pytest.raises(GraphError) as caught:
        builder.compile()
    text = str(caught.value)
    assert "3 mistakes" in text
    assert "set_node_defaults: run_timeout=-1" in text
    assert "set_node_defaults: cache_policy=3" in text
    assert "add_node('a'): retry_policy=3" in text


def test_a_graph_without_policies_has_plain_nodes():
    assert all(node.plain is None for node in line(Flaky(0)).compile().graph.nodes.values())
