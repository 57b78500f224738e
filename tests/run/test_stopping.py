"""What stops a run beside questions: draining, Ctrl-C, a graph that changed; and what a call refuses to begin."""

import asyncio
import contextlib
import operator
import threading
from collections import Counter
from typing import Annotated, TypedDict

import pytest

from nbhitl import (
    START,
    Command,
    DuckDBSaver,
    EmptyInputError,
    GraphChanged,
    InMemorySaver,
    InvalidUpdateError,
    NbhitlError,
    RunControl,
    StateGraph,
    ThreadBusyError,
    interrupt,
)
from nbhitl.engine.errors import UnknownKeyWarning
from nbhitl.engine.records import ThreadKey


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


def says(name):
    return lambda state: {"log": [name]}


def line(**nodes):
    built = StateGraph(State).add_sequence(list(nodes.items()))
    return built.add_edge(START, next(iter(nodes)))


def fan(**nodes):
    built = StateGraph(State)
    for name, action in nodes.items():
        built.add_node(name, action).add_edge(START, name)
    return built


def ask(state):
    return {"x": interrupt("sure?")}


def stop(graph, config):
    metadata = graph.get_state(config).metadata
    return metadata["stop"], metadata["stop_text"]


# -- draining


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_drained_run_ends_the_node_at_work_and_stops_before_the_next(way, saver, config):
    control = RunControl()

    def a(state):
        control.request_drain("the kernel shuts down")
        return {"log": ["a"]}

    graph = line(a=a, b=says("b")).compile(saver)
    if way == "sync":
        result = graph.invoke({}, config, control=control)
    else:
        result = asyncio.run(graph.ainvoke({}, config, control=control))
    assert result == {"log": ["a"]}
    assert graph.get_state(config).next == ("b",)
    assert stop(graph, config) == ("drained", "the kernel shuts down")
    assert graph.invoke(None, config) == {"log": ["a", "b"]}
    assert stop(graph, config)[0] == "finished"


def test_all_tasks_of_the_step_at_work_are_ended_and_merged_when_a_run_is_drained(saver, config):
    control = RunControl()

    def a(state):
        control.request_drain()
        return {"log": ["a"]}

    built = fan(a=a, b=says("b")).add_node("c", says("c")).add_edge(["a", "b"], "c")
    graph = built.compile(saver)
    assert graph.invoke({}, config, control=control) == {"log": ["a", "b"]}
    assert graph.get_state(config).next == ("c",)


def test_a_run_that_is_drained_before_it_begins_keeps_its_input(saver, config):
    control = RunControl()
    control.request_drain()
    graph = line(a=says("a")).compile(saver)
    graph.invoke({"x": 1}, config, control=control)
    assert stop(graph, config) == ("drained", "shutdown")
    assert graph.invoke(None, config) == {"x": 1, "log": ["a"]}


def test_a_run_that_was_asked_to_drain_in_its_last_node_finishes(saver, config):
    control = RunControl()

    def a(state):
        control.request_drain()

    graph = line(a=a).compile(saver)
    graph.invoke({}, config, control=control)
    assert stop(graph, config)[0] == "finished"


def test_a_question_beats_a_drain_that_was_asked_for_in_the_same_step(saver, config):
    control = RunControl()

    def body(state):
        control.request_drain()
        return {"x": interrupt("sure?")}

    graph = line(body=body).compile(saver)
    assert graph.invoke({}, config, control=control)["__interrupt__"][0].value == "sure?"
    assert stop(graph, config)[0] == "interrupted"


def test_a_control_tells_whether_it_was_asked():
    control = RunControl()
    assert not control.drain_requested
    control.request_drain()
    assert control.drain_requested


def test_a_run_can_be_drained_from_another_thread(saver, config):
    control, at_work = RunControl(), threading.Event()

    def body(state):
        at_work.set()
        return {"log": [1]}

    graph = line(a=body).add_edge("a", "a").compile(saver)
    thread = threading.Thread(target=graph.invoke, args=({}, config), kwargs={"control": control})
    thread.start()
    assert at_work.wait(5)
    control.request_drain("enough")
    thread.join(10)
    assert not thread.is_alive()
    assert stop(graph, config) == ("drained", "enough")


# -- Ctrl-C


def test_ctrl_c_in_a_node_leaves_the_thread_resumable(saver, config):
    calls = Counter()

    def b(state):
        calls["b"] += 1
        if calls["b"] == 1:
            raise KeyboardInterrupt
        return {"log": ["b"]}

    graph = line(a=says("a"), b=b).compile(saver)
    with pytest.raises(KeyboardInterrupt):
        graph.invoke({}, config)
    assert graph.get_state(config).next == ("b",)
    assert graph.invoke(None, config) == {"log": ["a", "b"]}


def test_ctrl_c_in_one_of_several_tasks_reaches_the_caller_and_leaves_the_thread_resumable(saver, config):
    calls = Counter()

    def b(state):
        calls["b"] += 1
        if calls["b"] == 1:
            raise KeyboardInterrupt
        return {"log": ["b"]}

    graph = fan(a=says("a"), b=b).compile(saver)
    with pytest.raises(KeyboardInterrupt):
        graph.invoke({}, config)
    assert graph.invoke(None, config) == {"log": ["a", "b"]}


# -- a graph that changed while its thread waited


def test_a_due_node_that_was_removed_is_an_error_with_a_suggestion_and_its_answer_is_kept(saver, config):
    line(review=ask).compile(saver).invoke({}, config)
    changed = line(reviews=says("other")).compile(saver)
    with pytest.raises(GraphChanged, match=r"about to run node 'review'.*Did you mean 'reviews'.*Nothing was lost"):
        changed.invoke(Command(resume="yes"), config)
    assert line(review=ask).compile(saver).invoke(None, config)["x"] == "yes"


def test_a_run_that_ended_because_its_node_was_removed_says_so_in_its_state(saver, config):
    line(review=ask).compile(saver).invoke({}, config)
    changed = line(other=says("other")).compile(saver)
    with pytest.raises(GraphChanged):
        changed.invoke(Command(resume="yes"), config)
    assert stop(changed, config)[0] == "failed"


def test_a_node_may_be_added_while_a_thread_waits(saver, config):
    line(ask=ask).compile(saver).invoke({}, config)
    graph = line(ask=ask, more=says("more")).compile(saver)
    assert graph.invoke(Command(resume=1), config) == {"x": 1, "log": ["more"]}


def test_a_node_that_is_not_due_may_be_removed_while_a_thread_waits(saver, config):
    line(ask=ask, more=says("more")).compile(saver).invoke({}, config)
    assert line(ask=ask).compile(saver).invoke(Command(resume=1), config) == {"x": 1, "log": []}


# -- durability


@pytest.mark.parametrize("durability", ["sync", "async"])
def test_a_run_is_in_its_file_after_reopening_whatever_the_durability(durability, tmp_path, config):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        line(a=says("a"), ask=ask).compile(saver).invoke({}, config, durability=durability)
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = line(a=says("a"), ask=ask).compile(saver)
        assert graph.invoke(Command(resume=1), config, durability=durability) == {"x": 1, "log": ["a"]}


class Watched(InMemorySaver):
    """Notes what was written with ``wait``."""

    def __init__(self):
        super().__init__()
        self.notes = []

    def commit(self, key, checkpoint, entries=(), *, wrote=None, wait=True, **how):
        self.notes += [("Checkpoint", wait)] + ([] if wrote is None else [("Wrote", False)])
        super().commit(key, checkpoint, entries, wrote=wrote, wait=wait, **how)

    def append(self, key, checkpoint, entries, *, wait=True):
        entries = list(entries)
        self.notes += [(type(entry).__name__, wait) for entry in entries]
        super().append(key, checkpoint, entries, wait=wait)


@pytest.mark.parametrize(("durability", "waits"), [("sync", True), ("async", False)])
def test_steps_are_waited_for_with_sync_and_questions_and_stops_always(durability, waits, config):
    saver = Watched()
    line(a=says("a"), ask=ask).compile(saver).invoke({}, config, durability=durability)
    by_kind = {kind: {wait for name, wait in saver.notes[1:] if name == kind} for kind, _ in saver.notes}
    assert by_kind == {"Checkpoint": {waits}, "Wrote": {False}, "Asked": {True}, "Stopped": {True}}


# -- what a call refuses to begin with


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"durability": "synch"}, "unknown durability 'synch'. Did you mean 'sync'"),
        ({"durability": None}, "unknown durability None"),
    ],
)
def test_an_unknown_durability_is_an_error_and_nothing_is_written(more, said, saver, config):
    with pytest.raises(NbhitlError, match=said):
        line(a=says("a")).compile(saver).invoke({}, config, **more)
    assert saver.threads() == []


@pytest.mark.parametrize("limit", [0, -1, "5", 2.5, None])
def test_a_recursion_limit_is_a_whole_number_above_zero(limit, saver, config):
    with pytest.raises(NbhitlError, match="recursion_limit is"):
        line(a=says("a")).compile(saver).invoke({}, {**config, "recursion_limit": limit})
    assert saver.threads() == []


@pytest.mark.parametrize(
    "config", [None, {}, {"configurable": {}}, *({"configurable": {"thread_id": t}} for t in (None, "", [], {}))]
)
def test_with_a_checkpointer_a_thread_id_is_needed(config, saver):
    graph = line(a=says("a")).compile(saver)
    for call in (lambda: graph.invoke({}, config), lambda: graph.get_state(config or {})):
        with pytest.raises(NbhitlError, match="thread_id"):
            call()


@pytest.mark.parametrize(
    ("input", "said"),
    [
        ([1], "the input is list; give a dict"),
        ("text", "the input is str"),
    ],
)
def test_an_input_that_is_no_state_is_refused_and_nothing_is_written(input, said, saver, config):
    with pytest.raises(InvalidUpdateError, match=said):
        line(a=says("a")).compile(saver).invoke(input, config)
    assert saver.threads() == []


def test_an_input_has_the_keys_of_the_input_schema_only(saver, config):
    class Input(TypedDict):
        x: object

    built = StateGraph(State, input_schema=Input).add_node("a", says("a")).add_edge(START, "a")
    graph = built.compile(saver)
    with pytest.warns(UnknownKeyWarning, match="the input has 'log', which is no key of the input schema"):
        assert graph.invoke({"log": ["in"], "x": 1}, config) == {"x": 1, "log": ["a"]}


def test_an_unknown_key_of_the_input_is_a_warning_with_a_suggestion(saver, config):
    with pytest.warns(UnknownKeyWarning, match="the input has 'lgo', which is no key .* Did you mean 'log'"):
        assert line(a=says("a")).compile(saver).invoke({"lgo": [], "x": 1}, config) == {"x": 1, "log": ["a"]}


def test_in_a_strict_graph_an_unknown_key_of_the_input_is_refused_and_nothing_is_written(saver, config):
    with pytest.raises(InvalidUpdateError, match="the input has 'lgo'.*Did you mean 'log'"):
        line(a=says("a")).compile(saver, strict=True).invoke({"lgo": [], "x": 1}, config)
    assert saver.threads() == []


@pytest.mark.parametrize("input", [{}, {"lgo": []}])
def test_an_input_with_none_of_the_keys_runs_when_it_is_empty_and_is_refused_when_it_is_not(input, saver, config):
    graph = line(a=says("a")).compile(saver)
    if not input:
        assert graph.invoke(input, config) == {"log": ["a"]}
        return
    with (
        pytest.warns(UnknownKeyWarning, match="lgo"),
        pytest.raises(EmptyInputError, match="none of the keys that the graph takes: log, x"),
    ):
        graph.invoke(input, config)
    assert saver.threads() == []


def test_what_is_no_checkpointer_is_refused_when_the_graph_is_compiled():
    with pytest.raises(NbhitlError, match="give InMemorySaver"):
        line(a=says("a")).compile("runs.duckdb")


def test_a_stopped_threads_reason_is_in_the_list_of_threads(saver, config):
    graph = line(ask=ask).compile(saver)
    graph.invoke({}, config)
    (info,) = saver.threads()
    assert (info.key, info.status) == (ThreadKey("t"), "interrupted")
    graph.invoke(Command(resume=1), config)
    assert saver.threads()[0].status == "finished"


def test_a_call_that_was_cancelled_while_it_is_prepared_keeps_the_thread_until_that_has_ended(config):
    entered, open_gate = threading.Event(), threading.Event()

    class Slow(InMemorySaver):
        def load(self, *given, **more):
            entered.set()
            assert open_gate.wait(20)
            return super().load(*given, **more)

    graph = line(a=says("a")).compile(Slow())

    async def cancelled():
        task = asyncio.create_task(graph.ainvoke({}, config))
        assert await asyncio.to_thread(entered.wait, 20)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with pytest.raises(ThreadBusyError):
            await asyncio.to_thread(graph.invoke, {}, config)
        open_gate.set()

    asyncio.run(cancelled())
    assert graph.invoke(None, config)["log"] == ["a"]
