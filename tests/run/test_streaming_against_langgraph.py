"""In every mode a stream shows what LangGraph's shows, sync and async: the same payloads in the same order per mode.

Ids, times and the texts of namespaces are each engine's own. Where we differ on purpose a test here says so.
"""

import asyncio
import operator
import warnings
from types import SimpleNamespace
from typing import Annotated, TypedDict

import pytest
from pydantic import BaseModel

import nbhitl
from nbhitl import START

pytest.importorskip("langgraph")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what LangGraph's own dependencies say is not ours to mend
    import langgraph.checkpoint.memory
    import langgraph.config
    import langgraph.graph
    import langgraph.types

THEIRS = SimpleNamespace(
    StateGraph=langgraph.graph.StateGraph,
    Command=langgraph.types.Command,
    Send=langgraph.types.Send,
    interrupt=langgraph.types.interrupt,
    writer=langgraph.config.get_stream_writer,
    Saver=langgraph.checkpoint.memory.InMemorySaver,
)
OURS = SimpleNamespace(
    StateGraph=nbhitl.StateGraph,
    Command=nbhitl.Command,
    Send=nbhitl.Send,
    interrupt=nbhitl.interrupt,
    writer=nbhitl.get_stream_writer,
    Saver=nbhitl.InMemorySaver,
)
MODES = ["values", "updates", "custom", "tasks", "checkpoints", "debug"]


class State(TypedDict, total=False):
    x: int
    log: Annotated[list, operator.add]


class Model(BaseModel):
    x: int = 0
    log: Annotated[list, operator.add] = []


def a_line(lg):
    def first(state):
        lg.writer()({"seen": state["x"]})
        return {"x": state["x"] + 1, "log": ["first"]}

    graph = lg.StateGraph(State).add_node("first", first).add_node("second", lambda state: None)
    return graph.add_edge(START, "first").add_edge("first", "second")


def one_that_fails(lg):
    def fails(state):
        raise ValueError("no")

    return lg.StateGraph(State).add_node("fails", fails).add_edge(START, "fails")


def one_that_asks(lg):
    def asks(state):
        return {"log": [lg.interrupt("sure?")]}

    return lg.StateGraph(State).add_node("asks", asks).add_edge(START, "asks")


def one_that_sends(lg):
    def plans(state):
        return lg.Command(update={"log": ["plan"]}, goto=lg.Send("works", {"x": 2}))

    def works(state):
        return {"log": [state["x"]]}

    graph = lg.StateGraph(State).add_node("plans", plans).add_node("works", works)
    return graph.add_edge(START, "plans")


def one_that_writes_a_key_twice(lg):
    twice = [{"log": ["1"]}, lg.Command(update={"log": ["2"]})]
    return lg.StateGraph(State).add_node("twice", lambda state: twice).add_edge(START, "twice")


def a_sub_graph(lg):
    def deep(state):
        lg.writer()("deep")
        return {"x": 7}

    inner = lg.StateGraph(State).add_node("deep", deep).add_edge(START, "deep").compile()
    middle = lg.StateGraph(State).add_node("inner", inner).add_edge(START, "inner").compile()
    return lg.StateGraph(State).add_node("middle", middle).add_edge(START, "middle")


def a_body_that_invokes(lg):
    inner = lg.StateGraph(State).add_node("deep", lambda state: {"x": 7}).add_edge(START, "deep").compile()
    graph = lg.StateGraph(State).add_node("calls", lambda state: {"x": inner.invoke({"x": 3})["x"]})
    return graph.add_edge(START, "calls")


def a_model(lg):
    graph = lg.StateGraph(Model).add_node("adds", lambda state: {"x": state.x + 1})
    return graph.add_edge(START, "adds")


BUILDS = [
    a_line, one_that_fails, one_that_asks, one_that_sends, one_that_writes_a_key_twice, a_sub_graph,
    a_body_that_invokes, a_model,
]  # fmt: skip


def streamed(graph, way, input, **more):
    """Every chunk, and at the end the error that was raised."""
    found = []
    config = {"configurable": {"thread_id": "t"}}

    async def collect():
        async for chunk in graph.astream(input, config, **more):
            found.append(chunk)  # noqa: PERF401 - those that came before an error count

    try:
        if way == "stream":
            found.extend(graph.stream(input, config, **more))
        else:
            asyncio.run(collect())
    except ValueError as error:
        found.append(((), "raised", str(error)))
    return found


def plain(value):
    """A payload without what is each engine's own."""
    match value:
        case dict():
            # Which sub-graph a function will call is known there from its source, and here when it has called it.
            hidden = (
                "state",
                "id",
                "timestamp",
                "checkpoint_id",
                "checkpoint_ns",
                "checkpoint_map",
                "parents",
                "thread_id",
            )
            return {key: plain(part) for key, part in value.items() if key not in hidden}
        case list() | tuple():
            return [plain(part) for part in value]
        case Exception():
            return repr(value)
        case _ if hasattr(value, "response_schema"):
            return ("question", value.value)
    return value


def by_mode(chunks):
    """Payloads by mode and by the names of the nodes that lead to them, in order."""
    found = {}
    for ns, mode, data in chunks:
        path = tuple(part.partition(":")[0] for part in ns)
        found.setdefault((path, mode), []).append(plain(data))
    return found


@pytest.fixture(params=["stream", "astream"])
def way(request):
    return request.param


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("memory", [True, False], ids=["saver", "no saver"])
def test_every_mode_shows_the_same(build, memory, way):
    if build is one_that_asks and not memory:
        pytest.skip("upstream pauses without a checkpointer, and cannot go on")
    shown = [
        streamed(build(lg).compile(lg.Saver() if memory else None), way, {"x": 1}, stream_mode=MODES, subgraphs=True)
        for lg in (THEIRS, OURS)
    ]
    theirs, ours = map(by_mode, shown)
    assert ours == theirs


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("subgraphs", [False, True], ids=["alone", "subgraphs"])
@pytest.mark.parametrize("several", [False, True], ids=["one", "list"])
def test_chunks_have_the_same_shape(build, mode, subgraphs, several, way):
    shapes = []
    for lg in (THEIRS, OURS):
        asked = [mode] if several else mode
        chunks = streamed(build(lg).compile(lg.Saver()), way, {"x": 1}, stream_mode=asked, subgraphs=subgraphs)
        chunks = [(*([len(chunk[0])] if subgraphs else []), *chunk[subgraphs:]) if isinstance(chunk, tuple) else chunk
                  for chunk in chunks if not (isinstance(chunk, tuple) and chunk[1:2] == ("raised",))]  # fmt: skip
        shapes.append(plain(chunks))
    theirs, ours = shapes
    assert ours == theirs


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
def test_version_2_shows_the_same(build, way):
    shown = []
    for lg in (THEIRS, OURS):
        chunks = streamed(build(lg).compile(lg.Saver()), way, {"x": 1}, stream_mode=MODES, subgraphs=True, version="v2")
        parts = [part for part in chunks if isinstance(part, dict)]
        assert all(isinstance(part["ns"], tuple) for part in parts)
        extra = [(set(part) - {"type", "ns", "data"}, part["type"]) for part in parts]
        assert all(keys == ({"interrupts"} if mode == "values" else set()) for keys, mode in extra)
        shown.append(by_mode((p["ns"], p["type"], [p["data"], p.get("interrupts")]) for p in parts))
    theirs, ours = shown
    assert ours == theirs


def test_after_an_answer_a_stream_goes_on_with_the_values_and_the_checkpoint(way):
    shown = []
    for lg in (THEIRS, OURS):
        graph = one_that_asks(lg).compile(lg.Saver())
        streamed(graph, way, {"x": 1}, stream_mode=MODES, subgraphs=True)
        shown.append(by_mode(streamed(graph, way, lg.Command(resume=5), stream_mode=MODES, subgraphs=True)))
    theirs, ours = shown
    assert ours == theirs


def test_a_static_breakpoint_is_an_interrupt_without_a_question(way):
    shown = []
    for lg in (THEIRS, OURS):
        graph = a_line(lg).compile(lg.Saver(), interrupt_before=["second"])
        shown.append(by_mode(streamed(graph, way, {"x": 1}, stream_mode=MODES, subgraphs=True)))
    theirs, ours = shown
    assert ours == theirs


@pytest.mark.parametrize("keys", ["x", ["x"]])
def test_output_keys_narrow_values_and_updates(keys, way):
    shown = []
    for lg in (THEIRS, OURS):
        graph = a_line(lg).compile(lg.Saver())
        chunks = streamed(graph, way, {"x": 1}, stream_mode=["values", "updates"], output_keys=keys, subgraphs=True)
        shown.append(by_mode(chunks))
    theirs, ours = shown
    assert ours == theirs


def test_invoke_of_version_2_keeps_questions_beside_the_values():
    for lg in (THEIRS, OURS):
        found = (
            one_that_asks(lg).compile(lg.Saver()).invoke({"x": 1}, {"configurable": {"thread_id": "t"}}, version="v2")
        )
        assert found.value == {"x": 1, "log": []}
        assert [question.value for question in found.interrupts] == ["sure?"]
        parts = a_line(lg).compile().invoke({"x": 1}, version="v2", stream_mode="updates")
        assert [part["type"] for part in parts] == ["updates", "updates"]


def test_print_mode_prints_what_is_not_streamed(capsys):
    for lg in (THEIRS, OURS):
        chunks = list(a_line(lg).compile().stream({"x": 1}, stream_mode="values", print_mode="updates"))
        assert [chunk["x"] for chunk in chunks] == [1, 2]
        printed = capsys.readouterr().out.splitlines()
        assert len(printed) == 2
        assert "[updates]" in printed[0]


# -- where we differ


def test_questions_that_are_asked_side_by_side_come_together():
    def asks(state):
        return {"log": [nbhitl.interrupt("sure?")]}

    graph = nbhitl.StateGraph(State).add_node("a", asks).add_node("b", asks)
    graph = graph.add_edge(START, "a").add_edge(START, "b").compile(nbhitl.InMemorySaver())
    *_, last = graph.stream({"x": 1}, {"configurable": {"thread_id": "t"}})
    assert len(last["__interrupt__"]) == 2  # upstream: a chunk each, of which nobody knows whether it is the last


def test_what_has_ended_before_a_pause_is_not_told_again_when_the_run_goes_on():
    def asks(state):
        return {"log": [nbhitl.interrupt("sure?")]}

    graph = nbhitl.StateGraph(State).add_node("a", asks).add_node("b", lambda state: {"log": ["b"]})
    graph = graph.add_edge(START, "a").add_edge(START, "b").compile(nbhitl.InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}
    list(graph.stream({"x": 1}, config))
    told = list(graph.stream(nbhitl.Command(resume=1), config, stream_mode=["tasks", "updates"]))
    assert {data.get("name", "a") for mode, data in told if mode == "tasks"} == {"a"}
    assert [data for mode, data in told if mode == "updates"] == [{"a": {"log": [1]}}]


def test_a_wrong_mode_or_version_is_said_before_anything_runs():
    graph = a_line(OURS).compile()
    with pytest.raises(nbhitl.NbhitlError, match="stream_mode 'update'.*'updates'"):
        graph.stream({"x": 1}, stream_mode="update")
    with pytest.raises(nbhitl.NbhitlError, match="stream_mode 'zzz'.*checkpoints"):
        graph.astream({"x": 1}, stream_mode=["values", "zzz"])
    with pytest.raises(nbhitl.NbhitlError, match="print_mode 'value'"):
        graph.stream({"x": 1}, print_mode="value")
    with pytest.raises(nbhitl.NbhitlError, match="version 'v3'"):
        graph.stream({"x": 1}, version="v3")
    with pytest.raises(nbhitl.NbhitlError, match="version 'v3'"):
        graph.invoke({"x": 1}, version="v3")
