"""Sub-graphs: as nodes and called in bodies, their pauses, their memory, and time travel at every depth."""

import asyncio
import operator
from typing import Annotated, TypedDict

import pytest

from nbhitl import (
    END,
    START,
    CheckpointerRequired,
    Command,
    DuckDBSaver,
    EmptyInputError,
    GraphChanged,
    GraphRecursionError,
    InMemorySaver,
    InvalidUpdateError,
    NbhitlError,
    RunControl,
    Send,
    StateGraph,
    UnknownThreadError,
    interrupt,
)
from nbhitl.calls import CallOptions
from nbhitl.debugging.breakpoint import Breakpoint
from nbhitl.debugging.debugger import Debugger
from nbhitl.engine.records import ThreadKey
from nbhitl.run.context import once
from nbhitl.run.drive import drive


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


class Inner(TypedDict, total=False):
    x: object
    seen: Annotated[list, operator.add]


@pytest.fixture(params=["memory", "duckdb"])
def saver(request, tmp_path):
    made = InMemorySaver() if request.param == "memory" else DuckDBSaver(tmp_path / "t.duckdb")
    yield made
    made.close()


@pytest.fixture
def config():
    return {"configurable": {"thread_id": "t"}}


def line(schema=State, **nodes):
    built = StateGraph(schema).add_sequence(list(nodes.items()))
    return built.add_edge(START, next(iter(nodes)))


def says(name):
    return lambda state: {"log": [name]}


def sees(name):
    return lambda state: {"seen": [name]}


def asks(name):
    return lambda state: {"seen": [f"{name} {interrupt(f'{name}?')}"]}


def takes(name):
    """Asks, and puts the answer into the key that the parent has as well."""
    return lambda state: {"x": f"{name} {interrupt(f'{name}?')}"}


INNER = line(Inner, first=sees("first"), ask=takes("ask"), last=sees("last"))
"""A sub-graph of three nodes; the second one asks."""


def deep(depth=1, **compiled):
    """A graph with a question ``depth`` sub-graphs below it."""
    inner = INNER
    for _ in range(depth - 1):
        inner = line(Inner, sub=inner.compile())
    return line(before=says("before"), sub=inner.compile(**compiled), after=says("after"))


def inside(graph, config, depth=1):
    """The snapshot of the sub-graph that waits, ``depth`` levels down."""
    state = graph.get_state(config, subgraphs=True)
    for _ in range(depth):
        (state,) = [task.state for task in state.tasks if task.state is not None]
    return state


# -- as a node


def test_a_sub_graph_is_a_node_that_shares_keys_of_its_own_name(saver, config):
    graph = line(a=says("a"), sub=line(Inner, p=lambda state: {"x": state["x"] + 1}).compile()).compile(saver)
    assert graph.invoke({"x": 1}, config) == {"x": 2, "log": ["a"]}


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_pause_of_a_sub_graph_is_its_parents_pause_and_the_answer_finds_it(depth, saver, config):
    graph = deep(depth).compile(saver)
    (asked,) = graph.invoke({}, config)["__interrupt__"]
    assert asked.value == "ask?"
    state = graph.get_state(config)
    assert (state.next, [i.id for i in state.interrupts]) == (("sub",), [asked.id])
    assert "sub/ask" in state.metadata["stop_text"]
    assert graph.invoke(Command(resume={asked.id: "yes"}), config) == {"x": "ask yes", "log": ["before", "after"]}


def test_what_ran_in_a_sub_graph_before_its_pause_is_not_run_again(saver, config):
    runs = []

    def first(state):
        runs.append("first")

    graph = line(sub=line(Inner, first=first, ask=takes("ask")).compile()).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume="y"), config)
    assert runs == ["first"]


@pytest.mark.parametrize("depth", [1, 2])
def test_an_async_run_pauses_and_goes_on_in_its_sub_graphs(depth, saver, config):
    graph = deep(depth).compile(saver)

    async def run():
        await graph.ainvoke({}, config)
        return await graph.ainvoke(Command(resume="y"), config)

    assert asyncio.run(run()) == {"x": "ask y", "log": ["before", "after"]}


def test_two_sends_to_one_sub_graph_have_a_line_each(saver, config):
    built = StateGraph(State).add_node("sub", line(Log, ask=tells).compile())
    built.add_conditional_edges(START, lambda state: [Send("sub", {"n": n}) for n in (1, 2)], ["sub"])
    graph = built.compile(saver)
    asked = {i.value: i.id for i in graph.invoke({}, config)["__interrupt__"]}
    assert sorted(asked) == ["1?", "2?"]
    (left,) = graph.invoke(Command(resume={asked["2?"]: "two"}), config)["__interrupt__"]
    assert left.value == "1?"
    assert graph.invoke(Command(resume="one"), config)["log"] == [(1, "one"), (2, "two")]


class Log(TypedDict, total=False):
    n: int
    log: Annotated[list, operator.add]


def tells(state):
    return {"log": [(state["n"], interrupt(f"{state['n']}?"))]}


def test_a_failure_inside_is_the_nodes_and_a_retry_goes_on_inside(saver, config):
    runs = []

    def first(state):
        runs.append("first")

    def fails(state):
        if len(runs) == 1:
            runs.append("fails")
            raise OSError("gone")
        return {"x": "mended"}

    graph = line(sub=line(Inner, first=first, fails=fails).compile()).compile(saver)
    with pytest.raises(OSError, match="gone") as caught:
        graph.invoke({}, config)
    assert caught.value.__notes__ == ["in node 'fails'", "in node 'sub'"]
    assert graph.invoke(None, config)["x"] == "mended"
    assert runs == ["first", "fails"]


def test_an_effect_in_a_sub_graph_is_done_once(saver, config):
    done = []

    def body(state):
        once("e", done.append, 1)
        return {"x": interrupt("?")}

    graph = line(sub=line(Inner, body=body).compile()).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume=1), config)
    assert done == [1]


def test_the_recursion_limit_counts_inside_on_its_own(saver, config):
    again = StateGraph(Inner).add_node("p", sees("p")).add_edge(START, "p")
    again.add_conditional_edges("p", lambda state: "p" if len(state["seen"]) < 4 else END)
    inner = again.compile()
    assert line(sub=inner, z=says("z")).compile(saver).invoke({}, {**config, "recursion_limit": 4})["log"] == ["z"]
    with pytest.raises(GraphRecursionError):
        line(sub=inner).compile(InMemorySaver()).invoke({}, {**config, "recursion_limit": 3})


def test_a_drain_stops_inside_and_going_on_goes_on_inside(saver, config):
    control, runs = RunControl(), []

    def first(state):
        runs.append("first")
        control.request_drain("enough")

    graph = line(sub=line(Inner, first=first, second=lambda state: {"x": 2}).compile()).compile(saver)
    graph.invoke({}, config, control=control)
    assert (graph.get_state(config).metadata["stop"], graph.get_state(config).next) == ("drained", ("sub",))
    assert graph.invoke(None, config)["x"] == 2
    assert runs == ["first"]


# -- Command.PARENT


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_node_may_leave_for_the_graph_that_called_it(depth, way, saver, config):
    def leaves(state):
        return Command(graph=Command.PARENT, update={"x": "left"}, goto=END if depth == 2 else "other")

    inner = line(Inner, leaves=leaves, never=lambda state: 1 / 0).compile()
    if depth == 2:
        inner = line(Inner, sub=inner, then=lambda state: {"x": state["x"] + " and on"}).compile()
    graph = line(sub=inner).add_node("other", says("other")).compile(saver)
    found = graph.invoke({}, config) if way == "sync" else asyncio.run(graph.ainvoke({}, config))
    expected = {"x": "left", "log": ["other"]} if depth == 1 else {"x": "left and on", "log": []}
    assert found == expected
    assert graph.get_state(config).metadata["stop"] == "finished"


def test_a_body_that_calls_a_sub_graph_may_be_left(saver, config):
    inner = line(Inner, leaves=lambda state: Command(graph=Command.PARENT, update={"x": 1}, goto="other")).compile()

    def body(state):
        inner.invoke({"x": 0})
        raise AssertionError("it went on")

    graph = line(body=body).add_node("other", says("other")).compile(saver)
    assert graph.invoke({}, config) == {"x": 1, "log": ["other"]}


def test_the_outermost_graph_has_no_parent(saver, config):
    with pytest.raises(InvalidUpdateError, match="its graph is no sub-graph"):
        line(a=lambda state: Command(graph=Command.PARENT)).compile(saver).invoke({}, config)


def test_another_graph_than_the_parent_cannot_be_named(config):
    with pytest.raises(InvalidUpdateError, match=r"Command\(graph='other'\): it is None, or Command.PARENT"):
        line(a=lambda state: Command(graph="other")).compile(InMemorySaver()).invoke({}, config)


# -- called in a body


def test_a_body_may_call_sub_graphs_several_times_and_each_call_asks_for_itself(saver, config):
    inner = line(Inner, ask=lambda state: {"seen": [(state["x"], interrupt(f"{state['x']}?"))]}).compile()
    other = line(Inner, p=sees("other")).compile()

    def body(state):
        one = inner.invoke({"x": 1})["seen"]
        two = other.invoke({"x": 0})["seen"]
        return {"log": [*one, *two, *inner.invoke({"x": 2})["seen"]]}

    graph = line(body=body).compile(saver)
    assert [i.value for i in graph.invoke({}, config)["__interrupt__"]] == ["1?"]
    assert [i.value for i in graph.invoke(Command(resume="a"), config)["__interrupt__"]] == ["2?"]
    assert graph.invoke(Command(resume="b"), config)["log"] == [(1, "a"), "other", (2, "b")]


def test_an_async_body_may_call_sub_graphs(saver, config):
    inner = line(Inner, ask=asks("ask")).compile()

    async def body(state):
        return {"log": (await inner.ainvoke({"x": 1}))["seen"]}

    async def run():
        graph = line(body=body).compile(saver)
        await graph.ainvoke({}, config)
        return await graph.ainvoke(Command(resume="y"), config)

    assert asyncio.run(run())["log"] == ["ask y"]


@pytest.mark.parametrize("input", [None, Command(resume=1)])
def test_a_call_in_a_body_needs_an_input(input, saver, config):
    inner = line(Inner, p=sees("p")).compile()
    graph = line(body=lambda state: {"log": inner.invoke(input)["seen"]}).compile(saver)
    with pytest.raises(EmptyInputError, match="node 'body' calls a sub-graph with .*: give it an input"):
        graph.invoke({}, config)


def test_a_body_may_stream_a_sub_graph(saver, config):
    inner = line(Inner, p=sees("p"), ask=asks("ask")).compile()

    def body(state):
        return {"log": [chunk for chunk in inner.stream({"x": 1}) if "__interrupt__" not in chunk]}

    graph = line(body=body).compile(saver)
    graph.invoke({}, config)
    assert graph.invoke(Command(resume="y"), config)["log"] == [{"ask": {"seen": ["ask y"]}}]


def test_a_body_may_stream_a_sub_graph_the_async_way(saver, config):
    inner = line(Inner, p=sees("p")).compile()

    async def body(state):
        return {"log": [chunk async for chunk in inner.astream({"x": 1})]}

    assert asyncio.run(line(body=body).compile(saver).ainvoke({}, config))["log"] == [{"p": {"seen": ["p"]}}]


def test_a_graph_with_a_checkpointer_of_its_own_on_another_thread_is_no_part_of_the_run(saver, config):
    own = line(Inner, ask=asks("ask")).compile(InMemorySaver())

    def body(state):
        found = own.invoke({"x": 1}, {"configurable": {"thread_id": "other"}})
        return {"log": [i.value for i in found["__interrupt__"]]}

    assert line(body=body).compile(saver).invoke({}, config)["log"] == ["ask?"]


# -- what a sub-graph remembers


def counting(**compiled):
    """Counts its calls in memory, if it has one."""

    def count(state):
        n = len(state["seen"]) + 1
        return {"seen": [n], "x": n}

    return line(Inner, count=count).compile(**compiled)


@pytest.mark.parametrize(("memory", "found"), [(None, [1, 1, 1]), (False, [1, 1, 1]), (True, [1, 2, 3])])
def test_only_with_checkpointer_true_a_sub_graph_remembers_from_call_to_call(memory, found, saver, config):
    graph = line(sub=counting(checkpointer=memory), out=lambda state: {"log": [state["x"]]}).compile(saver)
    for _ in range(3):
        result = graph.invoke({"x": 0}, config)
    assert result["log"] == found


def test_calls_in_one_body_share_the_memory_of_one_graph_and_not_of_two(saver, config):
    one, two = counting(checkpointer=True), counting(checkpointer=True)

    def body(state):
        return {"log": [inner.invoke({"x": 0})["x"] for inner in (one, two, one)]}

    graph = line(body=body).compile(saver)
    assert graph.invoke({}, config)["log"] == [1, 1, 2]
    assert graph.invoke({}, config)["log"] == [1, 1, 2, 3, 2, 4]


def test_a_fork_of_the_parent_has_the_memory_of_its_own_branch(saver, config):
    graph = line(sub=counting(checkpointer=True), out=lambda state: {"log": [state["x"]]}).compile(saver)
    graph.invoke({"x": 0}, config)
    after_one = graph.get_state(config).config
    graph.invoke({"x": 0}, config)
    graph.invoke({"x": 0}, config)
    assert graph.invoke({"x": 0}, after_one)["log"] == [1, 2]
    assert graph.invoke({"x": 0}, config)["log"] == [1, 2, 3]


def test_a_memory_that_waits_for_an_answer_keeps_what_it_knew(saver, config):
    inner = line(Inner, count=lambda state: {"seen": [interrupt(f"{len(state['seen'])}?")], "x": len(state["seen"])})
    graph = line(sub=inner.compile(checkpointer=True), out=lambda state: {"log": [state["x"]]}).compile(saver)
    for n in range(3):
        (asked,) = graph.invoke({"x": 0}, config)["__interrupt__"]
        assert asked.value == f"{n}?"
        found = graph.invoke(Command(resume="y"), config)
    assert found["log"] == [0, 1, 2]


def test_a_sub_graph_without_a_checkpointer_cannot_pause_and_says_so(saver, config):
    graph = line(sub=line(Inner, ask=asks("ask")).compile(checkpointer=False)).compile(saver)
    with pytest.raises(CheckpointerRequired, match="compiled with checkpointer=False"):
        graph.invoke({}, config)


def test_a_sub_graph_that_wants_to_remember_needs_a_parent_that_does():
    with pytest.raises(
        CheckpointerRequired, match="node 'sub' calls a sub-graph that was compiled with checkpointer=True"
    ):
        line(sub=counting(checkpointer=True)).compile().invoke({"x": 0})


def test_without_any_checkpointer_sub_graphs_just_run():
    assert line(sub=counting(), out=lambda state: {"log": [state["x"]]}).compile().invoke({"x": 0})["log"] == [1]


# -- breakpoints, by path


@pytest.mark.parametrize(
    ("stops", "text", "seen"),
    [
        ({"interrupt_before": ["sub/ask"]}, "before sub/ask", ["first"]),
        ({"interrupt_after": ["sub/first"]}, "after sub/first", ["first"]),
    ],
)
def test_a_static_breakpoint_by_path_holds_inside(stops, text, seen, saver, config):
    graph = deep().compile(saver, **stops)
    graph.invoke({}, config)
    state = graph.get_state(config)
    assert (state.metadata["stop"], state.metadata["stop_text"]) == ("breakpoint", f"at the breakpoint {text}")
    assert (state.next, inside(graph, config).values["seen"]) == (("sub",), seen)
    assert [i.value for i in graph.invoke(None, config)["__interrupt__"]] == ["ask?"]
    assert graph.invoke(Command(resume="y"), config)["x"] == "ask y"


def test_a_breakpoint_that_a_sub_graph_was_compiled_with_holds(saver, config):
    graph = deep(interrupt_before=["last"]).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume="y"), config)
    assert graph.get_state(config).metadata["stop_text"] == "at the breakpoint before sub/last"
    assert graph.invoke(None, config)["log"] == ["before", "after"]


def test_the_debuggers_breakpoints_hold_inside_at_every_depth(saver, config):
    graph = deep(2).compile(saver)
    points = {kind: Breakpoint(kind, "sub/sub/first") for kind in ("before", "after")}
    texts = []
    for input in ({}, None, None):
        run = graph.calls.prepare(input, config, CallOptions(debugger=Debugger(points)))
        list(drive(run))
        texts.append((run.position.stopped.reason, run.position.stopped.text))
    assert texts == [
        ("breakpoint", "at the breakpoint before sub/sub/first"),
        ("breakpoint", "at the breakpoint after sub/sub/first"),
        ("interrupted", "sub/sub/ask waits for an answer"),
    ]


# -- looking, writing, going back


@pytest.mark.parametrize("depth", [1, 2])
def test_the_state_of_a_paused_sub_graph_can_be_read(depth, saver, config):
    graph = deep(depth).compile(saver)
    graph.invoke({}, config)
    state = inside(graph, config, depth)
    assert (state.values["seen"], state.next, [i.value for i in state.interrupts]) == (["first"], ("ask",), ["ask?"])
    (task,) = graph.get_state(config).tasks
    assert task.state["configurable"]["checkpoint_ns"].startswith("sub:")
    assert graph.get_state(state.config).values == state.values
    assert next(graph.get_state_history(state.config)).next == ("ask",)


@pytest.mark.parametrize("depth", [1, 2])
def test_the_state_of_a_paused_sub_graph_can_be_written(depth, saver, config):
    graph = deep(depth).compile(saver)
    (asked,) = graph.invoke({}, config)["__interrupt__"]
    graph.update_state(inside(graph, config, depth).config, {"seen": ["person"]})
    assert inside(graph, config, depth).values["seen"] == ["first", "person"]
    assert [i.id for i in graph.get_state(config).interrupts] == [asked.id]
    assert graph.invoke(Command(resume="y"), config) == {"x": "ask y", "log": ["before", "after"]}


@pytest.mark.parametrize("depth", [1, 2])
def test_a_write_as_the_node_that_asks_inside_closes_the_question_outside(depth, saver, config):
    graph = deep(depth).compile(saver)
    graph.invoke({}, config)
    graph.update_state(inside(graph, config, depth).config, {"x": "person"}, as_node="ask")
    assert graph.get_state(config).interrupts == ()
    assert graph.invoke(None, config) == {"x": "person", "log": ["before", "after"]}


@pytest.mark.parametrize("depth", [1, 2])
def test_going_on_from_an_old_checkpoint_inside_is_a_branch_at_every_depth(depth, saver, config):
    graph = deep(depth).compile(saver)
    graph.invoke({}, config)
    paused = inside(graph, config, depth)
    graph.invoke(Command(resume="old"), config)
    before_first = [s for s in graph.get_state_history(paused.config) if s.next == ("first",)][-1]
    (asked,) = graph.invoke(None, before_first.config)["__interrupt__"]
    assert asked.value == "ask?"
    assert graph.invoke(Command(resume="new"), config) == {"x": "ask new", "log": ["before", "after"]}


@pytest.mark.parametrize("depth", [1, 2])
def test_a_write_into_an_old_checkpoint_inside_can_be_gone_on_from(depth, saver, config):
    graph = deep(depth).compile(saver)
    graph.invoke({}, config)
    paused = inside(graph, config, depth)
    graph.invoke(Command(resume="old"), config)
    made = graph.update_state(paused.config, {"x": "person"}, as_node="ask")
    assert graph.invoke(None, made) == {"x": "person", "log": ["before", "after"]}


@pytest.mark.parametrize("depth", [1, 2])
def test_a_new_answer_at_an_old_question_inside_is_a_branch_with_the_new_answer(depth, saver, config):
    graph = deep(depth).compile(saver)
    graph.invoke({}, config)
    at = graph.get_state(config).config
    assert graph.invoke(Command(resume="old"), config)["x"] == "ask old"
    assert graph.invoke(Command(resume="new"), at)["x"] == "ask new"
    assert graph.get_state(config).values["x"] == "ask new"


@pytest.mark.parametrize("depth", [1, 2])
def test_a_replay_of_the_parent_runs_the_sub_graph_again(depth, saver, config):
    graph = deep(depth).compile(saver)
    graph.invoke({}, config)
    at = graph.get_state(config).config
    graph.invoke(Command(resume="old"), config)
    (asked,) = graph.invoke(None, at)["__interrupt__"]
    assert asked.value == "ask?"
    assert graph.invoke(Command(resume="new"), config)["x"] == "ask new"


def test_looking_back_at_a_finished_step_shows_what_became_of_the_sub_graph(saver, config):
    graph = deep().compile(saver)
    graph.invoke({}, config)
    at = graph.get_state(config).config
    graph.invoke(Command(resume="y"), config)
    (task,) = graph.get_state(at, subgraphs=True).tasks
    assert (task.state.values["seen"], task.state.next) == (["first", "last"], ())


def test_everything_inside_is_found_again_in_a_file_that_was_reopened(tmp_path, config):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        deep(2).compile(saver).invoke({}, config)
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = deep(2).compile(saver)
        assert inside(graph, config, 2).values["seen"] == ["first"]
        assert graph.invoke(Command(resume="y"), config)["x"] == "ask y"


def test_input_and_answers_are_given_with_the_config_of_the_whole_thread(saver, config):
    graph = deep().compile(saver)
    graph.invoke({}, config)
    below = inside(graph, config).config
    for input in ({"x": 1}, Command(resume="y")):
        with pytest.raises(NbhitlError, match="call with None to go on from there"):
            graph.invoke(input, below)


def test_a_checkpoint_that_a_sub_graph_does_not_have_is_an_error(saver, config):
    graph = deep().compile(saver)
    graph.invoke({}, config)
    below = inside(graph, config).config["configurable"]
    wrong = {"configurable": {**below, "checkpoint_id": "nope"}}
    for call in (lambda c: graph.invoke(None, c), graph.get_state, lambda c: graph.update_state(c, {})):
        with pytest.raises(UnknownThreadError):
            call(wrong)


def test_a_sub_graph_that_no_node_names_cannot_be_written_into(saver, config):
    wrong = {"configurable": {"thread_id": "t", "checkpoint_ns": "nobody:k:0"}}
    graph = deep().compile(saver)
    graph.invoke({}, config)
    with pytest.raises(NbhitlError, match="no node of the graph names the sub-graph|has no sub-graph"):
        graph.update_state(wrong, {"x": 1})


def test_the_sub_graphs_of_a_graph_can_be_listed(saver):
    inner = counting()

    def body(state):
        return inner.invoke({"x": 1})

    graph = line(a=says("a"), sub=line(Inner, deep=counting()).compile(), body=body).compile(saver)
    assert [path for path, _ in graph.get_subgraphs()] == ["sub", "body"]
    assert [path for path, _ in graph.get_subgraphs(recurse=True)] == ["sub", "sub|deep", "body"]
    assert [path for path, _ in graph.get_subgraphs(namespace="sub|deep")] == ["sub|deep"]


# -- streams


def test_with_subgraphs_a_stream_tells_what_happens_inside(saver, config):
    graph = deep(2).compile(saver)
    chunks = list(graph.stream({}, config, subgraphs=True))
    assert [(len(ns), chunk) for ns, chunk in chunks if "__interrupt__" not in chunk] == [
        (0, {"before": {"log": ["before"]}}),
        (2, {"first": {"seen": ["first"]}}),
    ]
    assert [(ns and ns[0].split(":")[0], len(ns)) for ns, _ in chunks][1] == ("sub", 2)


def test_a_pause_in_a_stream_inside_is_shown_once_outside(saver, config):
    graph = deep().compile(saver)
    chunks = list(graph.stream({}, config, stream_mode=["updates", "values"]))
    assert [i.value for mode, chunk in chunks if mode == "updates" for i in chunk.get("__interrupt__", ())] == ["ask?"]


# -- memories, and going back in them


def remembering(schema=Inner):
    """Remembers; its second node asks."""

    def note(state):
        return {"seen": [f"call {len(state['seen'])}"]}

    return line(schema, note=note, ask=takes("ask")).compile(checkpointer=True)


@pytest.mark.parametrize("between", [False, True])
def test_a_memory_can_be_read_and_written_while_it_waits(between, saver, config):
    inner = line(Inner, memory=remembering()).compile() if between else remembering()
    graph = line(sub=inner, out=lambda state: {"log": [state["x"]]}).compile(saver)
    graph.invoke({"x": 0}, config)
    graph.invoke(Command(resume="1"), config)
    graph.invoke({"x": 0}, config)
    paused = inside(graph, config, 2 if between else 1)
    assert paused.values["seen"] == ["call 0", "call 1"]
    graph.update_state(paused.config, {"seen": ["person"]})
    assert graph.invoke(Command(resume="2"), config)["log"] == ["ask 1", "ask 2"]
    graph.invoke({"x": 0}, config)
    assert inside(graph, config, 2 if between else 1).values["seen"] == ["call 0", "call 1", "person", "call 3"]


@pytest.mark.parametrize("between", [False, True])
def test_going_on_from_an_old_checkpoint_of_a_memory_is_a_branch_of_the_call_that_made_it(between, saver, config):
    inner = line(Inner, memory=remembering()).compile() if between else remembering()
    graph = line(sub=inner, out=lambda state: {"log": [state["x"]]}).compile(saver)
    graph.invoke({"x": 0}, config)
    first = inside(graph, config, 2 if between else 1).config
    graph.invoke(Command(resume="1"), config)
    graph.invoke({"x": 0}, config)
    graph.invoke(Command(resume="2"), config)
    made = graph.update_state(first, {"x": "person"}, as_node="ask")
    assert graph.invoke(None, made)["log"] == ["person"]
    graph.invoke({"x": 0}, config)
    assert inside(graph, config, 2 if between else 1).values["seen"] == ["call 0", "call 1"]


def test_a_memory_killed_before_its_call_began_begins_with_what_it_knew(saver, config):
    graph = line(sub=counting(checkpointer=True), out=lambda state: {"log": [state["x"]]}).compile(saver)
    graph.invoke({"x": 0}, config)
    commit, killed = saver.commit, []

    class Killed(BaseException):
        pass

    def dies(key, *args, **more):
        if key.ns and not killed:
            killed.append(key)
            raise Killed
        return commit(key, *args, **more)

    saver.commit = dies
    with pytest.raises(Killed):
        graph.invoke({"x": 0}, config)
    assert graph.invoke(None, config)["log"] == [1, 2]


def test_a_node_that_is_gone_from_a_waiting_sub_graph_is_an_error(saver, config):
    deep().compile(saver).invoke({}, config)
    changed = line(Inner, first=sees("first"), question=takes("ask"), last=sees("last"))
    graph = line(before=says("before"), sub=changed.compile(), after=says("after")).compile(saver)
    with pytest.raises(GraphChanged, match="'sub/ask'.*no longer has"):
        graph.invoke(Command(resume="y"), config)
    assert deep().compile(saver).invoke(None, config)["x"] == "ask y"


def test_with_exit_an_effect_deep_inside_is_found_again_after_a_kill(saver, config):
    done = []

    class Killed(BaseException):
        pass

    def body(state):
        once("e", done.append, 1)
        if dying:
            dying.clear()
            raise Killed
        return {"x": "done"}

    dying = [1]
    graph = line(a=says("a"), sub=line(Inner, sub=line(Inner, p=sees("p"), body=body).compile()).compile()).compile(
        saver
    )
    with pytest.raises(Killed):
        graph.invoke({}, config, durability="exit")
    assert graph.invoke(None, config, durability="exit") == {"x": "done", "log": ["a"]}
    assert done == [1]


def test_a_breakpoint_and_a_question_inside_two_sub_graphs_of_one_step(saver, config):
    built = StateGraph(State)
    for name in ("p", "q"):
        built.add_node(name, INNER.compile()).add_edge(START, name)
    graph = built.compile(saver, interrupt_before=["p/ask"])
    graph.invoke({}, config)
    assert [i.value for i in graph.get_state(config).interrupts] == ["ask?"]
    assert graph.get_state(config).metadata["stop"] == "interrupted"


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_streamed_call_that_has_ended_is_not_made_again_when_the_body_runs_again(saver, config, way):
    inner = line(inside=says("inside")).compile()

    def body(state):
        list(inner.stream({"log": []}))
        return {"log": [interrupt("sure?")]}

    async def abody(state):
        async for _ in inner.astream({"log": []}):
            pass
        return {"log": [interrupt("sure?")]}

    graph = line(body=body if way == "stream" else abody).compile(saver)

    def call(input):
        return graph.invoke(input, config) if way == "stream" else asyncio.run(graph.ainvoke(input, config))

    call({})
    (task,) = graph.get_state(config).tasks
    key = ThreadKey("t", ns=task.state["configurable"]["checkpoint_ns"])
    ended = saver.load(key)
    assert call(Command(resume="yes"))["log"] == ["yes"]
    assert saver.load(key) == ended  # not even another stop


def test_an_edit_from_outside_notes_the_code_that_made_it(saver, config):
    graph = line(a=says("a")).compile(saver)
    graph.invoke({}, config)
    code = saver.load(ThreadKey("t")).checkpoint.code
    graph.invoke(Command(goto="a"), config)
    assert code
    assert {position.checkpoint.code for position in saver.history(ThreadKey("t"))} == {code}
