"""What bodies stream arrives while they run, holds them up when nobody keeps pace, and can be left at any time.

Nothing here proves "while" with a sleep: a body waits for what only the reader of its chunk can do.
"""

import asyncio
import contextvars
import gc
import operator
import signal
import threading
import time
from itertools import islice
from typing import Annotated, TypedDict

import pytest

from nbhitl import (
    START,
    Command,
    InMemorySaver,
    Send,
    StateGraph,
    ThreadBusyError,
    get_stream_writer,
    interrupt,
    stream_message,
)
from nbhitl.run.streams.pipe import ROOM

PATIENCE = 60
"""Seconds until a test that hangs fails."""


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


def line(*pairs, **nodes):
    nodes = dict(pairs) | nodes
    return StateGraph(State).add_sequence(list(nodes.items())).add_edge(START, next(iter(nodes)))


def fan(**nodes):
    graph = StateGraph(State)
    for name, node in nodes.items():
        graph.add_node(name, node).add_edge(START, name)
    return graph


class Talk:
    """A body that streams "hello", and waits until somebody has read that."""

    def __init__(self):
        self.heard = threading.Event()
        self.runs = 0

    def sync(self, state):
        self.runs += 1
        get_stream_writer()("hello")
        assert self.heard.wait(PATIENCE)
        return {"log": ["said"]}

    async def awaited(self, state):
        self.runs += 1
        get_stream_writer()("hello")
        assert await asyncio.to_thread(self.heard.wait, PATIENCE)
        return {"log": ["said"]}

    def read(self, chunk):
        if chunk == "hello" or "hello" in chunk:
            self.heard.set()
        return chunk


def read(graph, way, talk, **more):
    """Every chunk of a stream; the talk is told of each as it comes."""
    if way == "stream":
        return [talk.read(chunk) for chunk in graph.stream({}, **more)]

    async def collect():
        return [talk.read(chunk) async for chunk in graph.astream({}, **more)]

    return asyncio.run(collect())


WAYS = [("stream", "sync"), ("astream", "sync"), ("astream", "awaited")]


@pytest.fixture(params=WAYS, ids="-".join)
def way(request):
    return request.param


# -- while bodies run


def test_a_chunk_arrives_while_the_body_runs(way):
    talk = Talk()
    graph = line(talk=getattr(talk, way[1])).compile()
    assert read(graph, way[0], talk, stream_mode=["custom", "updates"]) == [
        ("custom", "hello"),
        ("updates", {"talk": {"log": ["said"]}}),
    ]


def test_a_chunk_arrives_from_a_sub_graph_of_a_sub_graph(way):
    talk = Talk()
    inner = line(talk=getattr(talk, way[1])).compile()
    outer = line(middle=line(inner=inner).compile()).compile()
    chunks = read(outer, way[0], talk, stream_mode="custom", subgraphs=True)
    assert [chunk for _, chunk in chunks] == ["hello"]
    assert [part.partition(":")[0] for part in chunks[0][0]] == ["middle", "inner"]


def test_a_chunk_arrives_from_a_sub_graph_that_a_body_invokes(way):
    talk = Talk()
    inner = line(talk=getattr(talk, way[1])).compile()

    def calls(state):
        return inner.invoke({})

    async def awaits(state):
        return await inner.ainvoke({})

    outer = line(calls=calls if way[1] == "sync" else awaits).compile()
    chunks = read(outer, way[0], talk, stream_mode="custom", subgraphs=True)
    assert [chunk for _, chunk in chunks] == ["hello"]


def test_a_body_that_reads_the_stream_of_a_sub_graph_gets_its_chunks_live_and_so_does_the_reader_around_it(way):
    talk = Talk()
    inner = line(talk=getattr(talk, way[1])).compile()
    got = []

    def reads(state):
        got.extend(talk.read(chunk) for chunk in inner.stream({}, stream_mode="custom"))

    async def areads(state):
        got.extend([talk.read(chunk) async for chunk in inner.astream({}, stream_mode="custom")])

    outer = line(reads=reads if way[1] == "sync" else areads).compile()
    chunks = read(outer, way[0], Talk(), stream_mode=["custom", "updates"], subgraphs=True)
    assert got == ["hello"]
    assert [(len(ns), mode) for ns, mode, _ in chunks] == [(1, "custom"), (1, "updates"), (0, "updates")]


def test_chunks_of_a_sub_graph_are_left_out_unless_they_are_asked_for(way):
    talk = Talk()
    talk.heard.set()
    outer = line(inner=line(talk=getattr(talk, way[1])).compile()).compile()
    assert read(outer, way[0], talk, stream_mode="custom") == []


def test_chunks_arrive_from_tasks_that_run_side_by_side(way):
    first, second = Talk(), Talk()
    graph = fan(a=getattr(first, way[1]), b=getattr(second, way[1])).compile()

    class Both(Talk):
        def read(self, chunk):  # neither body may end before both have spoken
            self.runs += chunk[1] == "hello"
            if self.runs == 2:
                first.heard.set()
                second.heard.set()
            return chunk

    chunks = read(graph, way[0], Both(), stream_mode=["custom", "updates"])
    assert chunks[:2] == [("custom", "hello")] * 2
    assert sorted(next(iter(chunk)) for _, chunk in chunks[2:]) == ["a", "b"]


def test_the_steps_of_a_sub_graph_arrive_while_it_goes_on(way):
    gate = Talk()
    inner = line(first=lambda state: {"log": ["first"]}, second=lambda state: gate.heard.wait(PATIENCE) and None)
    outer = line(inner=inner.compile()).compile()

    class Opens(Talk):
        def read(self, chunk):
            if chunk[1] == {"first": {"log": ["first"]}}:
                gate.heard.set()
            return chunk

    chunks = read(outer, way[0], Opens(), stream_mode="updates", subgraphs=True)
    assert [next(iter(chunk)) for _, chunk in chunks] == ["first", "second", "inner"]


def test_that_a_task_begins_is_told_before_it_has_ended(way):
    gate = threading.Event()
    graph = line(waits=lambda state: gate.wait(PATIENCE) and None).compile()

    class Opens(Talk):
        def read(self, chunk):
            gate.set()
            return chunk

    begun, ended = read(graph, way[0], Opens(), stream_mode="tasks")
    assert (begun["name"], ended["error"]) == ("waits", None)


def test_chunks_of_a_body_that_fails_arrive_before_its_error(way):
    def fails(state):
        get_stream_writer()("last words")
        raise ValueError("no")

    got = []

    class Keeps(Talk):
        def read(self, chunk):
            got.append(chunk)

    with pytest.raises(ValueError, match="no"):
        read(line(fails=fails).compile(), way[0], Keeps(), stream_mode="custom")
    assert got == ["last words"]


def test_a_body_streams_again_when_it_runs_again_after_an_answer(saver, config):
    def asks(state):
        get_stream_writer()("before")
        answer = interrupt("?")
        get_stream_writer()(answer)
        return {"x": answer}

    graph = line(asks=asks).compile(saver)
    assert list(graph.stream({}, config, stream_mode="custom")) == ["before"]
    assert list(graph.stream(Command(resume=1), config, stream_mode="custom")) == ["before", 1]


def test_bodies_see_the_context_of_whoever_streams(way):
    known = contextvars.ContextVar("known")
    known.set("here")
    graph = line(look=lambda state: get_stream_writer()(known.get())).compile()
    assert read(graph, way[0], Talk(), stream_mode="custom") == ["here"]


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_tasks_run_at_once_than_max_concurrency_allows(most):
    lock, now, peak = threading.Lock(), 0, 0

    def work(state):
        nonlocal now, peak
        with lock:
            now += 1
            peak = max(peak, now)
        get_stream_writer()("begun")
        time.sleep(0.02)  # so that the foreman finds that nothing moves, and hires
        with lock:
            now -= 1

    graph = StateGraph(State).add_node("work", work)
    graph.add_conditional_edges(START, lambda state: [Send("work", {}) for _ in range(12)])
    assert len(list(graph.compile().stream({}, {"max_concurrency": most}, stream_mode="custom"))) == 12
    assert peak <= most


# -- nobody keeps pace


class Flood:
    """A body that streams numbers as fast as it can."""

    def __init__(self, count):
        self.count, self.said = count, 0

    def body(self, state):
        write = get_stream_writer()
        for number in range(self.count):
            write(number)
            self.said = number + 1

    def settled(self):
        """How much was said when nothing more comes."""
        before = -1
        while before != self.said:
            before = self.said
            time.sleep(0.05)
        return before


def test_a_body_that_streams_faster_than_it_is_read_is_held_up():
    flood = Flood(5_000)
    stream = line(flood=flood.body).compile().stream({}, stream_mode="custom")
    got = [next(stream)]
    assert flood.settled() <= ROOM + 1
    got += islice(stream, 100)
    assert flood.settled() <= ROOM + 101
    got += stream
    assert got == list(range(5_000))


def test_a_sync_body_is_held_up_on_a_loop_too():
    flood = Flood(5_000)

    async def main():
        stream = line(flood=flood.body).compile().astream({}, stream_mode="custom")
        got = [await anext(stream)]
        assert flood.settled() <= ROOM + 1
        return got + [chunk async for chunk in stream]

    assert asyncio.run(main()) == list(range(5_000))


def test_an_async_message_is_held_up_by_its_reader():
    said = 0

    async def tokens():
        nonlocal said
        for number in range(2_000):
            said = number + 1
            yield str(number)

    async def speaks(state):
        await stream_message(tokens())

    async def main():
        stream = line(speaks=speaks).compile().astream({}, stream_mode="messages")
        got = [(await anext(stream))[0].content]
        await asyncio.sleep(0.1)
        assert said <= ROOM + 2
        return got + [chunk.content async for chunk, _ in stream]

    assert asyncio.run(main()) == [str(number) for number in range(2_000)]


def test_an_async_body_is_never_held_up_by_its_writer():
    async def floods(state):
        for number in range(3 * ROOM):  # its loop is the reader's: to wait would be to wait for ever
            get_stream_writer()(number)

    async def main():
        return [chunk async for chunk in line(floods=floods).compile().astream({}, stream_mode="custom")]

    assert asyncio.run(main()) == list(range(3 * ROOM))


# -- leaving


def hands():
    return {thread for thread in threading.enumerate() if thread.name.startswith("nbhitl-hand")}


def gone(before):
    """Whether the threads that came since are gone, or go within a moment."""
    until = time.monotonic() + PATIENCE
    while hands() - before and time.monotonic() < until:
        time.sleep(0.01)
    return not hands() - before


class Counts:
    """Bodies that count how often they run."""

    def __init__(self):
        self.runs = {}

    def body(self, name, what=lambda: None):
        def run(state):
            self.runs[name] = self.runs.get(name, 0) + 1
            get_stream_writer()(name)
            what()
            return {"log": [name]}

        return run


def broken_off(stream):
    for _ in stream:
        break
    stream.close()


def closed(stream):
    next(stream)
    stream.close()


def collected(stream):
    next(stream)
    del stream
    gc.collect()


def raised(stream):
    def reads():
        for chunk in stream:
            raise ZeroDivisionError(chunk)

    with pytest.raises(ZeroDivisionError):
        reads()
    stream.close()


@pytest.mark.parametrize("leave", [broken_off, closed, raised])
@pytest.mark.parametrize("mode", ["custom", "updates"])
def test_whoever_leaves_a_stream_keeps_what_has_finished_and_can_go_on(leave, mode, saver, config):
    before, counts = hands(), Counts()
    graph = line(a=counts.body("a"), b=counts.body("b")).compile(saver)
    leave(graph.stream({}, config, stream_mode=mode))
    assert counts.runs == {"a": 1}
    assert graph.get_state(config).next == ("b",)
    assert graph.invoke(None, config)["log"] == ["a", "b"]
    assert counts.runs == {"a": 1, "b": 1}
    assert gone(before)


def test_a_stream_that_nobody_holds_any_more_is_left(saver, config):
    counts = Counts()
    graph = line(a=counts.body("a"), b=counts.body("b")).compile(saver)
    collected(graph.stream({}, config, stream_mode="custom"))
    assert graph.invoke(None, config)["log"] == ["a", "b"]
    assert counts.runs == {"a": 1, "b": 1}


def test_a_body_that_is_held_up_goes_on_when_its_stream_is_left(saver, config):
    before, flood = hands(), Flood(5_000)
    graph = line(flood=flood.body, after=lambda state: {"log": ["after"]}).compile(saver)
    stream = graph.stream({}, config, stream_mode="custom")
    next(stream)
    assert flood.settled() < 5_000
    stream.close()
    assert flood.said == 5_000
    assert gone(before)
    assert graph.get_state(config).next == ("after",)


@pytest.mark.parametrize("mode", ["custom", "updates"])
def test_siblings_that_have_begun_are_waited_for_and_do_not_run_again(mode, saver, config):
    begun, counts = threading.Barrier(2), Counts()
    late = lambda: (begun.wait(PATIENCE), time.sleep(0.1))  # noqa: E731 - it ends after the stream was left
    graph = fan(a=counts.body("a", lambda: begun.wait(PATIENCE)), b=counts.body("b", late)).compile(saver)
    stream = graph.stream({}, config, stream_mode=mode)
    next(stream)
    if mode == "custom":
        next(stream)  # now both have begun
    stream.close()
    assert graph.invoke(None, config)["log"] == ["a", "b"]
    assert counts.runs == {"a": 1, "b": 1}


def test_while_a_left_body_is_at_work_the_thread_is_busy_and_free_afterwards(config):
    inside, go = threading.Event(), threading.Event()

    def waits(state):
        get_stream_writer()("begun")
        inside.set()
        go.wait(PATIENCE)
        return {"log": ["done"]}

    graph = line(waits=waits).compile(InMemorySaver())
    stream = graph.stream({}, config, stream_mode="custom")
    next(stream)
    leaver = threading.Thread(target=stream.close)
    leaver.start()
    assert inside.wait(PATIENCE)
    with pytest.raises(ThreadBusyError):
        graph.invoke(None, config)
    go.set()
    leaver.join(PATIENCE)
    assert graph.get_state(config).values["log"] == ["done"]


def test_an_async_stream_that_is_left_cancels_what_waits_and_keeps_what_has_ended(saver, config):
    runs, cancelled = [], []

    async def quick(state):
        runs.append("quick")
        return {"log": ["quick"]}

    async def slow(state):
        runs.append("slow")
        get_stream_writer()("begun")
        try:
            await asyncio.sleep(0 if len(runs) > 2 else PATIENCE)
        except asyncio.CancelledError:
            cancelled.append("slow")
            raise
        return {"log": ["slow"]}

    graph = fan(quick=quick, slow=slow).compile(saver)

    async def main():
        stream = graph.astream({}, config, stream_mode=["custom", "updates"])
        kinds = {(await anext(stream))[0] for _ in range(2)}
        await stream.aclose()
        assert kinds == {"custom", "updates"}
        assert cancelled == ["slow"]
        return await graph.ainvoke(None, config)

    assert asyncio.run(main())["log"] == ["quick", "slow"]
    assert runs == ["quick", "slow", "slow"]


def test_a_body_that_leaves_the_stream_of_a_sub_graph_goes_on(config):
    counts = Counts()
    inner = line(a=counts.body("a"), b=counts.body("b")).compile()

    def reads(state):
        for chunk in inner.stream({}, stream_mode="custom"):
            return {"x": chunk}
        return None

    graph = line(reads=reads).compile(InMemorySaver())
    assert list(graph.stream({}, config, stream_mode="updates")) == [{"reads": {"x": "a"}}]
    assert counts.runs == {"a": 1}


def test_a_ctrl_c_reaches_whoever_waits_for_a_chunk_and_the_thread_can_be_continued(saver, config):
    go = threading.Event()

    def waits(state):
        if not go.is_set():
            signal.raise_signal(signal.SIGINT)
            go.wait(PATIENCE)
        return {"log": ["done"]}

    graph = line(a=lambda state: {"log": ["a"]}, waits=waits).compile(saver)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(graph.stream({}, config, stream_mode="custom"))
    assert time.monotonic() - began < PATIENCE / 2
    go.set()
    assert graph.invoke(None, config)["log"] == ["a", "done"]


def test_an_async_reader_that_is_cancelled_lets_the_thread_go(saver, config):
    counts = []

    async def slow(state):
        counts.append("slow")
        await asyncio.sleep(PATIENCE if len(counts) == 1 else 0)
        return {"log": ["slow"]}

    graph = line(slow=slow).compile(saver)

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(graph.astream({}, config, stream_mode="custom")), 0.3)
        return await graph.ainvoke(None, config)

    assert asyncio.run(main())["log"] == ["slow"]
