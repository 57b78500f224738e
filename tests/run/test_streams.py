"""What ``stream`` yields, and that the async twins do the same."""

import asyncio
import operator
import threading
from collections import Counter
from typing import Annotated, TypedDict

import pytest

from nbhitl import (
    END,
    START,
    Command,
    InMemorySaver,
    Interrupt,
    NbhitlError,
    PendingInterruptError,
    Send,
    StateGraph,
    ThreadBusyError,
    UnknownInterruptError,
    UnknownNodeError,
    interrupt,
)


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


def says(name):
    return lambda state: {"log": [name]}


def line(**nodes):
    built = StateGraph(State).add_sequence(list(nodes.items()))
    return built.add_edge(START, next(iter(nodes)))


def asking():
    return line(a=says("a"), ask=lambda state: {"x": interrupt("sure?")})


def chunks(graph, way, input, config, **more):
    """Every chunk of a stream, sync or async."""
    if way == "sync":
        return list(graph.stream(input, config, **more))

    async def collect():
        return [chunk async for chunk in graph.astream(input, config, **more)]

    return asyncio.run(collect())


def invoked(graph, way, input, config, **more):
    if way == "sync":
        return graph.invoke(input, config, **more)
    return asyncio.run(graph.ainvoke(input, config, **more))


@pytest.fixture(params=["sync", "async"])
def way(request):
    return request.param


def test_updates_are_what_each_node_returned(way, saver, config):
    graph = line(a=says("a"), b=lambda state: None, c=lambda state: Command(update={"x": 1})).compile(saver)
    assert chunks(graph, way, {}, config) == [{"a": {"log": ["a"]}}, {"b": None}, {"c": {"x": 1}}]


def test_values_are_the_state_after_the_input_and_after_each_step(way, saver, config):
    graph = line(a=says("a"), b=says("b")).compile(saver)
    assert chunks(graph, way, {"x": 1}, config, stream_mode="values") == [
        {"x": 1, "log": []},
        {"x": 1, "log": ["a"]},
        {"x": 1, "log": ["a", "b"]},
    ]


def test_several_modes_give_pairs(way, saver, config):
    graph = line(a=says("a")).compile(saver)
    assert chunks(graph, way, {}, config, stream_mode=["values", "updates"]) == [
        ("values", {"log": []}),
        ("updates", {"a": {"log": ["a"]}}),
        ("values", {"log": ["a"]}),
    ]
    assert chunks(graph, way, {}, config, stream_mode=["updates"]) == [("updates", {"a": {"log": ["a"]}})]


def test_a_question_comes_last_under_interrupt(way, saver, config):
    graph = asking().compile(saver)
    found = chunks(graph, way, {}, config, stream_mode=["values", "updates"])
    (question,) = graph.get_state(config).interrupts
    assert question == Interrupt("sure?", question.id)
    assert found[-2:] == [
        ("updates", {"__interrupt__": (question,)}),
        ("values", {"log": ["a"], "__interrupt__": (question,)}),
    ]


def test_a_resumed_stream_begins_with_the_values_that_it_starts_from(way, saver, config):
    graph = asking().compile(saver)
    invoked(graph, way, {}, config)
    assert chunks(graph, way, Command(resume=1), config, stream_mode=["values", "updates"]) == [
        ("values", {"log": ["a"]}),
        ("updates", {"ask": {"x": 1}}),
        ("values", {"x": 1, "log": ["a"]}),
    ]


def test_a_breakpoint_is_an_interrupt_without_questions(way, saver, config):
    graph = line(a=says("a"), b=says("b")).compile(saver, interrupt_before=["b"])
    assert chunks(graph, way, {}, config) == [{"a": {"log": ["a"]}}, {"__interrupt__": ()}]
    assert chunks(graph, way, None, config) == [{"b": {"log": ["b"]}}]


def test_the_output_schema_says_what_is_returned_and_output_keys_what_is_streamed(way, saver, config):
    class Output(TypedDict):
        x: object

    built = StateGraph(State, output_schema=Output).add_node("a", lambda s: {"x": 1, "log": ["a"]})
    graph = built.add_edge(START, "a").compile(saver)
    assert invoked(graph, way, {}, config) == {"x": 1}
    assert chunks(graph, way, {}, config, stream_mode="values")[-1] == {"x": 1, "log": ["a", "a"]}
    assert chunks(graph, way, {}, config, stream_mode="values", output_keys="x")[-1] == 1
    assert chunks(graph, way, {}, config, stream_mode="updates", output_keys=["x"])[-1] == {"a": {"x": 1}}


def test_a_failure_is_raised_after_the_chunks_before_it(way, saver, config):
    graph = line(a=says("a"), b=lambda state: 1 / 0).compile(saver)
    seen = []

    def sync():
        for chunk in graph.stream({}, config):
            seen.append(chunk)  # noqa: PERF402 - what came before the error counts

    async def run():
        async for chunk in graph.astream({}, config):
            seen.append(chunk)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(ZeroDivisionError):
        sync() if way == "sync" else asyncio.run(run())
    assert seen == [{"a": {"log": ["a"]}}]


def test_chunks_of_parallel_nodes_come_as_the_nodes_end(way, config):
    slow_may_end = threading.Event()

    def slow(state):
        slow_may_end.wait(5)

    built = StateGraph(State).add_node("slow", slow).add_node("quick", says("quick"))
    graph = built.add_edge(START, "slow").add_edge(START, "quick").compile()
    seen = []

    def take(chunk):
        seen.append(chunk)
        slow_may_end.set()

    async def run():
        async for chunk in graph.astream({}):
            take(chunk)

    if way == "sync":
        for chunk in graph.stream({}):
            take(chunk)
    else:
        asyncio.run(run())
    assert seen == [{"quick": {"log": ["quick"]}}, {"slow": None}]


def test_nothing_runs_before_the_first_chunk_is_asked_for(saver, config):
    line(a=says("a")).compile(saver).stream({}, config)
    assert saver.threads() == []


def test_a_stream_that_is_left_can_be_continued(way, saver, config):
    graph = line(a=says("a"), b=says("b"), c=says("c")).compile(saver)

    async def first():
        stream = graph.astream({}, config)
        found = await anext(stream)
        await stream.aclose()
        return found

    if way == "sync":
        stream = graph.stream({}, config)
        assert next(stream) == {"a": {"log": ["a"]}}
        stream.close()
    else:
        assert asyncio.run(first()) == {"a": {"log": ["a"]}}
    assert invoked(graph, way, None, config) == {"log": ["a", "b", "c"]}


def test_a_stream_that_is_left_at_its_first_values_can_be_continued(saver, config):
    graph = line(a=says("a"), b=says("b")).compile(saver, interrupt_before=["b"])
    graph.invoke({}, config)
    stream = graph.stream(None, config, stream_mode="values")
    assert next(stream) == {"log": ["a"]}
    stream.close()
    assert graph.invoke(None, config) == {"log": ["a", "b"]}


def test_an_async_stream_that_is_left_can_be_continued_at_once(saver, config):
    graph = line(a=says("a"), b=says("b")).compile(saver)

    async def run():
        stream = graph.astream({}, config)
        await anext(stream)
        await stream.aclose()
        return await graph.ainvoke(None, config)

    assert asyncio.run(run()) == {"log": ["a", "b"]}


def test_a_run_that_is_cancelled_before_its_first_node_can_be_continued(config):
    graph = line(a=says("a")).compile(InMemorySaver())

    async def run():
        task = asyncio.create_task(graph.ainvoke({}, config))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.05)  # what `prepare` had begun on its thread ends
        return await graph.ainvoke(None if graph.get_state(config).next else {}, config)

    assert asyncio.run(run()) == {"log": ["a"]}


def test_a_second_call_on_a_thread_that_is_being_run_is_an_error(saver, config):
    graph = line(a=says("a"), b=says("b")).compile(saver)
    stream = graph.stream({}, config)
    next(stream)
    with pytest.raises(ThreadBusyError, match="thread t is being run already"):
        graph.invoke(None, config)
    assert list(stream) == [{"b": {"log": ["b"]}}]


def test_threads_of_one_checkpointer_are_run_side_by_side(saver, config):
    graph = line(a=says("a"), b=says("b")).compile(saver)
    stream = graph.stream({}, config)
    next(stream)
    assert graph.invoke({}, {"configurable": {"thread_id": "other"}}) == {"log": ["a", "b"]}
    list(stream)


def test_a_call_that_was_refused_leaves_the_thread_free(saver, config):
    graph = asking().compile(saver)
    graph.invoke({}, config)
    with pytest.raises(PendingInterruptError):
        graph.invoke({}, config)
    assert graph.invoke(Command(resume=1), config)["x"] == 1


def test_a_stream_that_is_left_begins_no_further_tasks(config):
    begun = []
    left = threading.Event()

    def body(n):
        begun.append(n)
        if n:
            left.wait(5)

    built = StateGraph(State).add_node("one", body)
    built.add_conditional_edges(START, lambda state: [Send("one", n) for n in range(6)], ["one"])
    stream = built.compile().stream({}, {**config, "max_concurrency": 1})
    next(stream)
    stream.close()
    left.set()
    for thread in threading.enumerate():
        if thread.name.startswith("nbhitl-hand"):
            thread.join(5)
    assert len(begun) <= 2


@pytest.mark.parametrize("mode", ["value", ["updates", "value"]])
def test_an_unknown_stream_mode_is_an_error_with_a_suggestion_and_nothing_is_written(mode, way, saver, config):
    graph = line(a=says("a")).compile(saver)
    with pytest.raises(NbhitlError, match="unknown stream_mode 'value'. Did you mean 'values'"):
        chunks(graph, way, {}, config, stream_mode=mode)
    assert saver.threads() == []


def test_an_answer_given_with_an_unknown_stream_mode_is_not_recorded(way, saver, config):
    graph = asking().compile(saver)
    invoked(graph, way, {}, config)
    with pytest.raises(NbhitlError, match="unknown stream_mode"):
        chunks(graph, way, Command(resume=1), config, stream_mode="value")
    assert len(graph.get_state(config).interrupts) == 1


# -- the async twins


def test_both_ways_give_the_same_run(saver):
    async def later(state):
        await asyncio.sleep(0)
        return {"log": ["later"]}

    def build(middle):
        built = StateGraph(State).add_node("a", says("a")).add_node("middle", middle).add_node("b", says("b"))
        built.add_node("ask", lambda state: {"x": interrupt("sure?")})
        built.add_edge(START, "a").add_edge("a", "middle").add_edge("a", "b").add_edge(["middle", "b"], "ask")
        return built.add_conditional_edges("ask", lambda state: "a" if state["x"] == "again" else END).compile(saver)

    seen = []
    for way, middle in (("sync", says("later")), ("async", later)):
        graph, config = build(middle), {"configurable": {"thread_id": way}}
        results = [invoked(graph, way, {}, config)]
        results += [invoked(graph, way, Command(resume=answer), config) for answer in ("again", "enough")]
        for result in results:
            result["__interrupt__"] = [question.value for question in result.get("__interrupt__", ())]
        history = [(s.values, s.next, s.metadata["step"]) for s in graph.get_state_history(config)]
        seen.append((results, history))
    assert seen[0] == seen[1]


def test_async_getters_say_what_the_sync_ones_say(saver, config):
    graph = asking().compile(saver)

    async def run():
        await graph.ainvoke({}, config)
        await graph.aupdate_state(config, {"log": ["person"]})
        state = await graph.aget_state(config)
        return state, [found async for found in graph.aget_state_history(config)]

    state, history = asyncio.run(run())
    assert state == graph.get_state(config)
    assert history == list(graph.get_state_history(config))


def test_errors_are_the_same_in_both_ways(way, saver, config):
    graph = asking().compile(saver)
    invoked(graph, way, {}, config)
    with pytest.raises(PendingInterruptError):
        invoked(graph, way, {}, config)
    with pytest.raises(UnknownInterruptError):
        invoked(graph, way, Command(resume={"0123456789abcdef": 1}), config)


def test_sync_nodes_do_not_block_the_loop():
    async def run():
        released = threading.Event()
        graph = line(a=lambda state: {"x": released.wait(5)}).compile()
        task = asyncio.create_task(graph.ainvoke({}))
        await asyncio.sleep(0.01)
        released.set()
        return await task

    assert asyncio.run(run())["x"] is True


def test_an_async_graph_run_the_sync_way_says_which_call_to_use(saver, config):
    async def a(state):
        return {"log": ["a"]}

    graph = line(a=a).compile(saver)
    with pytest.raises(NbhitlError, match="node 'a' is async.*ainvoke"):
        graph.invoke({}, config)
    assert asyncio.run(graph.ainvoke(None, config))["log"] == ["a"]


def test_a_node_that_returns_an_awaitable_run_the_sync_way_says_which_call_to_use(saver, config):
    class Later:
        def __await__(self):
            return iter(())

    with pytest.raises(NbhitlError, match="async.*ainvoke"):
        line(a=lambda state: Later()).compile(saver).invoke({}, config)


def test_an_async_router_run_the_sync_way_says_which_call_to_use(saver, config):
    async def route(state):
        return END

    graph = line(a=says("a")).add_conditional_edges("a", route).compile(saver)
    with pytest.raises(NbhitlError, match="async.*ainvoke"):
        graph.invoke({}, config)
    assert asyncio.run(graph.ainvoke(None, config))["log"] == ["a"]


def test_a_callable_object_may_be_a_node_in_both_colours(saver, config):
    class Sync:
        def __call__(self, state):
            return {"log": ["sync"]}

    class Async:
        async def __call__(self, state):
            return {"log": ["async"]}

    graph = line(a=Sync(), b=Async()).compile(saver)
    assert asyncio.run(graph.ainvoke({}, config))["log"] == ["sync", "async"]


def test_an_async_failure_keeps_its_siblings(saver, config):
    calls = Counter()

    async def good(state):
        calls["good"] += 1
        return {"log": ["good"]}

    async def bad(state):
        calls["bad"] += 1
        await asyncio.sleep(0.01)
        if calls["bad"] == 1:
            raise ValueError("once")

    built = StateGraph(State).add_node("good", good).add_node("bad", bad)
    graph = built.add_edge(START, "good").add_edge(START, "bad").compile(saver)

    async def run():
        with pytest.raises(ValueError, match="once"):
            await graph.ainvoke({}, config)
        return await graph.ainvoke(None, config)

    assert asyncio.run(run())["log"] == ["good"]
    assert calls == {"good": 1, "bad": 2}


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_node_that_raises_stop_iteration_fails(way, saver, config):
    async def limited(graph):
        return await asyncio.wait_for(graph.ainvoke({}, config), 1)

    graph = line(a=lambda state: next(iter([]))).compile(saver)
    with pytest.raises((StopIteration, RuntimeError)):
        graph.invoke({}, config) if way == "sync" else asyncio.run(limited(graph))
    assert graph.get_state(config).metadata["stop"] == "failed"


def test_a_cancelled_run_can_be_continued(saver, config):
    waits = [True]

    async def slow(state):
        if waits:
            await asyncio.sleep(30)
        return {"log": ["slow"]}

    built = StateGraph(State).add_node("slow", slow).add_node("quick", says("quick"))
    graph = built.add_edge(START, "slow").add_edge(START, "quick").compile(saver)

    async def run():
        task = asyncio.create_task(graph.ainvoke({}, config))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        waits.clear()
        return await graph.ainvoke(None, config)

    assert asyncio.run(run())["log"] == ["quick", "slow"]


def test_an_unknown_goto_is_found_in_both_ways(way, saver, config):
    graph = line(a=lambda state: Command(goto="zz")).compile(saver)
    with pytest.raises(UnknownNodeError):
        invoked(graph, way, {}, config)
