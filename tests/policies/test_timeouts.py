"""How long one attempt of an async node may take."""

import asyncio
import time
from datetime import timedelta

import langgraph.graph
import pytest

from nbhitl import (
    START,
    GraphError,
    InMemorySaver,
    NodeCancelledError,
    NodeError,
    NodeTimeoutError,
    StateGraph,
    TimeoutPolicy,
    get_stream_writer,
    once,
)
from tests.policies.graphs import FAST, State, line


def ainvoke(graph, *given, **more):
    return asyncio.run(graph.ainvoke(*given, **more))


async def slow(state):
    await asyncio.sleep(600)


@pytest.mark.parametrize("limit", [0.1, timedelta(milliseconds=100), TimeoutPolicy(run_timeout=0.1)])
def test_an_attempt_that_takes_too_long_fails(limit, saver, config):
    graph = line(slow, timeout=limit).compile(saver)
    begun = time.monotonic()
    with pytest.raises(NodeTimeoutError) as caught:
        ainvoke(graph, {"x": 1}, config)
    error = caught.value
    assert (error.node, error.kind, error.timeout, error.run_timeout, error.idle_timeout) == (
        "a",
        "run",
        0.1,
        0.1,
        None,
    )
    assert 0.1 <= error.elapsed <= time.monotonic() - begun < 300
    assert not isinstance(error, TimeoutError)
    assert graph.get_state(config).metadata["stop"] == "failed"


def test_a_body_in_time_is_left_alone():
    async def body(state):
        await asyncio.sleep(0.01)
        return {"log": ["a"]}

    assert ainvoke(line(body, timeout=10).compile(), {"x": 1})["log"] == ["a", "b"]


def test_the_body_has_ended_before_the_node_fails():
    ended = []

    async def body(state):
        try:
            await asyncio.sleep(600)
        finally:
            await asyncio.sleep(0.05)
            ended.append(1)

    with pytest.raises(NodeTimeoutError):
        ainvoke(line(body, timeout=0.05).compile(), {"x": 1})
    assert ended == [1]


def test_a_body_that_swallows_the_cancellation_has_failed_all_the_same():
    async def body(state):
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            return {"log": ["late"]}

    with pytest.raises(NodeTimeoutError):
        ainvoke(line(body, timeout=0.05).compile(), {"x": 1})


def test_every_attempt_has_all_of_the_time():
    runs = []

    async def body(state):
        runs.append(1)
        if len(runs) < 3:
            await asyncio.sleep(600)
        return {"log": ["a"]}

    assert ainvoke(line(body, timeout=0.3, retry_policy=FAST).compile(), {"x": 1})["log"] == ["a", "b"]
    assert len(runs) == 3


def test_a_timeout_can_be_handled():
    async def handler(state, error: NodeError):
        return {"log": [type(error.error).__name__]}

    assert ainvoke(line(slow, timeout=0.05, error_handler=handler).compile(), {"x": 1})["log"] == ["NodeTimeoutError"]


def test_silence_is_what_an_idle_timeout_is_about():
    async def body(state):
        for _ in range(6):
            await asyncio.sleep(0.1)
            state["sign"]()
        return {"log": ["a"]}

    async def streaming(state):
        return await body({"sign": lambda: get_stream_writer()("tick")})

    async def beating(state, runtime):
        return await body({"sign": runtime.heartbeat})

    async def keeping(state):
        keys = iter("abcdef")
        return await body({"sign": lambda: once(next(keys), int)})

    async def silent(state):
        return await body({"sign": lambda: None})

    saver, config = InMemorySaver(), {"configurable": {"thread_id": "t"}}
    for name, (alive, refresh, ends) in enumerate(
        (
            (streaming, "auto", True),
            (keeping, "auto", True),
            (beating, "auto", True),
            (beating, "heartbeat", True),
            (streaming, "heartbeat", False),
            (silent, "auto", False),
        )
    ):
        config["configurable"]["thread_id"] = name
        limit = TimeoutPolicy(idle_timeout=0.35, refresh_on=refresh)
        graph = line(alive, timeout=limit).compile(saver)
        if ends:
            assert ainvoke(graph, {"x": 1}, config)["log"] == ["a", "b"]
        else:
            with pytest.raises(NodeTimeoutError) as caught:
                ainvoke(graph, {"x": 1}, config)
            assert (caught.value.kind, caught.value.timeout) == ("idle", 0.35)


def test_signs_of_life_do_not_stretch_the_whole_time():
    async def body(state, runtime):
        while True:
            await asyncio.sleep(0.02)
            runtime.heartbeat()

    with pytest.raises(NodeTimeoutError) as caught:
        ainvoke(line(body, timeout=TimeoutPolicy(run_timeout=0.3, idle_timeout=60)).compile(), {"x": 1})
    assert caught.value.kind == "run"


def test_the_nodes_of_a_sub_graph_are_signs_of_life_of_the_node_that_runs_it(saver, config):
    async def step(state):
        await asyncio.sleep(0.4)
        return {"log": ["i"]}

    async def beats(state, runtime):
        for _ in range(5):
            await asyncio.sleep(0.4)
            runtime.heartbeat()

    inner = StateGraph(State)
    for name in "pqr":
        inner.add_node(name, step)
    inner.add_node("s", beats)
    for start, end in zip(("__start__", *"pqr"), "pqrs", strict=True):
        inner.add_edge(start, end)
    graph = line(inner.compile(), timeout=TimeoutPolicy(idle_timeout=2)).compile(saver)
    assert ainvoke(graph, {"x": 1}, config)["log"] == ["i", "i", "i", "b"]


def test_a_sub_graph_that_took_too_long_goes_on_at_the_next_attempt(saver, config):
    runs = []

    async def first(state):
        runs.append("first")

    async def second(state):
        runs.append("second")
        await asyncio.sleep(600 if runs.count("second") == 1 else 0)
        return {"log": ["i"]}

    inner = StateGraph(State).add_node("first", first).add_node("second", second)
    inner.add_edge(START, "first").add_edge("first", "second")
    graph = line(inner.compile(), timeout=3, retry_policy=FAST).compile(saver)
    assert ainvoke(graph, {"x": 1}, config)["log"] == ["i", "b"]
    assert runs == ["first", "second", "second"]


def test_a_cancelled_run_is_cancelled_and_its_body_with_it(config):
    ended = []

    async def body(state):
        try:
            await asyncio.sleep(600)
        finally:
            ended.append(1)

    async def main():
        graph = line(body, timeout=20).compile(InMemorySaver())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(graph.ainvoke({"x": 1}, config), 0.1)
        assert ended == [1]
        assert graph.get_state(config).next == ("a",)

    asyncio.run(main())


def test_a_body_that_raises_cancelled_by_itself_has_failed(saver, config):
    async def body(state):
        raise asyncio.CancelledError("me")

    graph = line(body).compile(saver)
    with pytest.raises(NodeCancelledError) as caught:
        ainvoke(graph, {"x": 1}, config)
    assert caught.value.node == "a"
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert graph.get_state(config).metadata["stop"] == "failed"


def test_a_sync_node_cannot_have_a_timeout():
    for add in (
        lambda: line(lambda state: None, timeout=1),
        lambda: line(lambda state: None).set_node_defaults(timeout=1),
    ):
        with pytest.raises(GraphError, match="it is a sync function, and nobody can break that off"):
            add().compile()
    with pytest.raises(ValueError, match="sync"):
        line(lambda state: None, engine=langgraph.graph, timeout=1).compile()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (0, "run_timeout=0: give seconds above 0"),
        (-1, "run_timeout=-1: give seconds above 0"),
        ("1", "run_timeout='1': give seconds above 0"),
        (timedelta(0), r"run_timeout=datetime.timedelta\(0\): give seconds above 0"),
        (TimeoutPolicy(idle_timeout=0), "idle_timeout=0: give seconds above 0"),
        (TimeoutPolicy(run_timeout=1, refresh_on="x"), "refresh_on='x': it is 'auto' or 'heartbeat'"),
    ],
)
def test_a_timeout_that_makes_no_sense_is_a_mistake_of_the_graph(given, said):
    with pytest.raises(GraphError, match=said):
        line(slow, timeout=given).compile()


def test_a_sub_graph_with_a_timeout_needs_a_loop():
    inner = StateGraph(State).add_node("in", lambda state: None).add_edge(START, "in").compile()
    with pytest.raises(Exception, match="run the graph with ainvoke"):
        line(inner, timeout=1).compile().invoke({"x": 1})
