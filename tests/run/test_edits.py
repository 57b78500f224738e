"""What people write into a thread: several writers, several steps, copies, input, other names, a new beginning."""

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
    GraphChanged,
    GraphError,
    InMemorySaver,
    InvalidUpdateError,
    NbhitlError,
    PendingInterruptError,
    StateGraph,
    UnknownInterruptError,
    UnknownNodeError,
    UnknownThreadError,
    interrupt,
)
from nbhitl.engine.commands import StateUpdate
from nbhitl.run.context import once


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


def says(name):
    return lambda state: {"log": [name]}


def asks(name):
    return lambda state: {"log": [f"{name} {interrupt(f'{name}?')}"]}


def line(**nodes):
    built = StateGraph(State).add_sequence(list(nodes.items()))
    return built.add_edge(START, next(iter(nodes)))


def fan(**nodes):
    built = StateGraph(State)
    for name, action in nodes.items():
        built.add_node(name, action).add_edge(START, name)
    return built


@pytest.fixture
def abc(saver):
    return line(a=says("a"), b=says("b"), c=says("c")).compile(saver)


# -- half-way through a step


def test_an_edit_keeps_what_finished_siblings_wrote_and_the_question_open_under_its_id(saver, config):
    graph = fan(ask=asks("ask"), b=says("b")).compile(saver)
    (asked,) = graph.invoke({}, config)["__interrupt__"]
    graph.update_state(config, {"x": 7}, as_node="b")
    state = graph.get_state(config)
    assert (state.values, state.next) == ({"x": 7, "log": ["b"]}, ("ask",))
    assert [i.id for i in state.interrupts] == [asked.id]
    assert state.metadata["stop"] == "interrupted"
    assert graph.invoke(Command(resume={asked.id: "y"}), config)["log"] == ["b", "ask y"]


def test_after_an_edit_the_node_looks_at_the_new_state_and_may_ask_something_else(saver, config):
    graph = fan(ask=lambda state: {"log": [interrupt(f"{state.get('x')}?")]}).compile(saver)
    (old,) = graph.invoke({}, config)["__interrupt__"]
    graph.update_state(config, {"x": 7}, as_node=START)
    graph.update_state(config, {"x": 8})
    (new,) = graph.invoke(None, config)["__interrupt__"]
    assert new.value == "8?"
    assert graph.get_state(config).metadata["superseded"] == {old.id: new.id}
    with pytest.raises(UnknownInterruptError, match=f"question {new.id} took its place"):
        graph.invoke(Command(resume={old.id: "y"}), config)
    assert graph.invoke(Command(resume="y"), config)["log"] == ["y"]


def test_an_edit_as_the_node_that_asks_closes_its_question_and_an_answer_says_why_it_is_late(saver, config):
    graph = fan(ask=asks("ask"), other=asks("other")).compile(saver)
    ids = {i.value: i.id for i in graph.invoke({}, config)["__interrupt__"]}
    graph.update_state(config, {"log": ["person"]}, as_node="ask")
    with pytest.raises(UnknownInterruptError, match="it was closed by an edit of the state"):
        graph.invoke(Command(resume={ids["ask?"]: "y"}), config)
    assert graph.invoke(Command(resume={ids["other?"]: "y"}), config)["log"] == ["person", "other y"]


def test_effects_answers_and_questions_survive_edit_upon_edit(saver, config):
    done = []

    def body(state):
        once("e", done.append, 1)
        return {"log": [interrupt("1?"), interrupt("2?")]}

    graph = fan(body=body, b=says("b")).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume="one"), config)
    for n in range(3):
        graph.update_state(config, {"x": n}, as_node="b")
    assert [i.value for i in graph.get_state(config).interrupts] == ["2?"]
    assert graph.invoke(Command(resume="two"), config)["log"] == ["b", "one", "two"]
    assert done == [1]


def test_a_task_may_be_named_as_the_one_that_is_done_by_this(saver, config):
    graph = fan(ask=asks("ask"), b=says("b")).compile(saver)
    graph.invoke({}, config)
    (task,) = [task for task in graph.get_state(config).tasks if task.name == "ask"]
    graph.update_state(config, {"log": ["person"]}, task_id=task.id)
    assert (graph.get_state(config).next, graph.get_state(config).values["log"]) == ((), ["b", "person"])


def test_a_task_that_is_not_due_cannot_be_named(saver, config):
    graph = fan(ask=asks("ask")).compile(saver)
    graph.invoke({}, config)
    with pytest.raises(InvalidUpdateError, match=r"task_id='nope'\): the due tasks are .*:0"):
        graph.update_state(config, {}, task_id="nope")


def test_an_edit_of_a_thread_that_was_ended_by_an_edit_stays_ended(abc, config):
    abc.invoke({}, config, interrupt_before=["b"])
    abc.update_state(config, {"x": 1}, as_node=END)
    abc.update_state(config, {"x": 2})
    assert (abc.get_state(config).next, abc.get_state(config).values["x"]) == ((), 2)


def test_an_edit_whose_router_raises_or_asks_is_refused_and_nothing_is_written(saver, config):
    for route, error in ((lambda s: 1 / 0, ZeroDivisionError), (lambda s: interrupt("where?"), InvalidUpdateError)):
        built = StateGraph(State).add_node("a", says("a")).add_edge(START, "a")
        graph = built.add_conditional_edges("a", lambda s, route=route: route(s) if "x" in s else END).compile(saver)
        graph.invoke({}, config)
        before = list(graph.get_state_history(config))
        with pytest.raises(error):
            graph.update_state(config, {"x": 1}, as_node="a")
        assert list(graph.get_state_history(config)) == before


# -- several at once


def steps(graph, config):
    return [(s.metadata["step"], s.next, s.values["log"]) for s in graph.get_state_history(config)]


@pytest.mark.parametrize("way", ["sync", "async"])
def test_several_steps_of_writers_are_several_checkpoints(way, abc, config):
    supersteps = [[StateUpdate({"log": ["in"]}, START)], [StateUpdate({"log": ["1"]}, "a")], [({"log": ["2"]}, "b")]]
    if way == "sync":
        made = abc.bulk_update_state(config, supersteps)
    else:
        made = asyncio.run(abc.abulk_update_state(config, supersteps))
    assert abc.get_state(config).config == made
    assert steps(abc, config) == [(2, ("c",), ["in", "1", "2"]), (1, ("b",), ["in", "1"]), (0, ("a",), ["in"])]
    assert abc.invoke(None, config)["log"] == ["in", "1", "2", "c"]


def test_several_writers_of_one_step_are_merged_in_order(saver, config):
    graph = fan(a=says("a"), b=says("b")).add_node("c", says("c")).add_edge(["a", "b"], "c").compile(saver)
    graph.bulk_update_state(config, [[StateUpdate({}, START)], [({"log": ["1"]}, "a"), ({"log": ["2"]}, "b")]])
    assert (graph.get_state(config).next, graph.get_state(config).values["log"]) == (("c",), ["1", "2"])


@pytest.mark.parametrize(
    ("supersteps", "said"),
    [
        ([], "at least one super-step"),
        ([[]], "at least one super-step"),
        ([[{"log": []}]], "is no StateUpdate"),
        ([[("a",)]], "is no StateUpdate"),
        ([[(None, "__copy__"), ({}, "a")]], "as_node='__copy__' stands alone"),
    ],
)
def test_what_are_no_steps_is_refused(supersteps, said, abc, config):
    abc.invoke({}, config)
    with pytest.raises(InvalidUpdateError, match=said):
        abc.bulk_update_state(config, supersteps)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_copy_of_a_checkpoint_is_a_branch_with_nothing_changed(way, saver, config):
    graph = fan(ask=asks("ask"), b=says("b")).compile(saver)
    (asked,) = graph.invoke({}, config)["__interrupt__"]
    at = graph.get_state(config)
    graph.invoke(Command(resume="y"), config)
    if way == "sync":
        graph.update_state(at.config, None, as_node="__copy__")
    else:
        asyncio.run(graph.aupdate_state(at.config, None, as_node="__copy__"))
    assert graph.get_state(config).metadata["source"] == "fork"
    assert graph.get_state(config).parent_config == at.config
    assert graph.invoke(None, config)["log"][0] != ""
    assert asked.value == "ask?"


def test_input_may_be_given_without_running_anything(abc, config):
    abc.update_state(config, {"log": ["in"]}, as_node="__input__")
    assert abc.get_state(config).metadata["source"] == "input"
    assert abc.invoke(None, config)["log"] == ["in", "a", "b", "c"]


# -- other names


def test_a_node_that_was_renamed_while_it_asked_goes_on_under_its_new_name(saver, config):
    line(a=says("a"), ask=asks("ask")).compile(saver).invoke({}, config)
    graph = line(a=says("a"), question=asks("ask")).compile(saver)
    with pytest.raises(GraphChanged, match="rename={'ask': 'its new name'}"):
        graph.invoke(Command(resume="y"), config)
    assert graph.invoke(None, config, rename={"ask": "question"})["log"] == ["a", "ask y"]


def test_answers_and_new_names_may_come_together(saver, config):
    line(a=says("a"), ask=asks("ask")).compile(saver).invoke({}, config)
    graph = line(a=says("a"), question=asks("ask")).compile(saver)
    assert graph.invoke(Command(resume="y"), config, rename={"ask": "question"})["log"] == ["a", "ask y"]


def test_going_on_under_new_names_keeps_waiting_for_the_answer(saver, config):
    line(ask=asks("ask")).compile(saver).invoke({}, config)
    graph = line(question=asks("ask")).compile(saver)
    (asked,) = graph.invoke(None, config, rename={"ask": "question"})["__interrupt__"]
    assert (asked.value, graph.get_state(config).next) == ("ask?", ("question",))
    assert asyncio.run(graph.ainvoke(Command(resume="y"), config))["log"] == ["ask y"]


@pytest.mark.parametrize(
    ("rename", "error", "said"),
    [
        ({"ask": "nobody"}, UnknownNodeError, "rename: there is no node 'nobody'"),
        ({"a": "question"}, GraphError, "node 'a' is there still"),
        ({"ask": "sub/question"}, NbhitlError, "rename"),
    ],
)
def test_names_that_cannot_be_are_refused_and_nothing_is_written(rename, error, said, saver, config):
    line(a=says("a"), ask=asks("ask")).compile(saver).invoke({}, config)
    graph = line(a=says("a"), question=asks("ask")).compile(saver)
    before = list(graph.get_state_history(config))
    with pytest.raises(error, match=said):
        graph.invoke(None, config, rename=rename)
    assert list(graph.get_state_history(config)) == before


def test_two_nodes_cannot_become_one(saver, config):
    fan(a=asks("a"), b=asks("b")).compile(saver).invoke({}, config)
    with pytest.raises(GraphError, match="two nodes would become 'c'"):
        fan(c=asks("c")).compile(saver).invoke(None, config, rename={"a": "c", "b": "c"})


def test_a_node_of_a_sub_graph_may_be_renamed_by_its_path(saver, config):
    line(sub=line(first=says("first"), ask=asks("ask")).compile()).compile(saver).invoke({}, config)
    graph = line(sub=line(first=says("first"), question=asks("ask")).compile()).compile(saver)
    found = graph.invoke(Command(resume="y"), config, rename={"sub/ask": "sub/question"})
    assert found["log"] == ["first", "ask y"]


# -- a new beginning


def test_new_input_while_a_question_waits_may_start_over_on_a_branch(saver, config):
    graph = line(ask=asks("ask")).compile(saver)
    graph.invoke({"log": ["old"]}, config)
    with pytest.raises(PendingInterruptError, match="restart=True"):
        graph.invoke({"log": ["new"]}, config)
    graph.invoke({"log": ["new"]}, config, restart=True)
    assert graph.invoke(Command(resume="y"), config)["log"] == ["new", "ask y"]
    assert ["old"] in [s.values.get("log") for s in graph.get_state_history(config)]


# -- looking, the async way


def test_async_calls_say_and_do_what_the_sync_ones_do(saver, config):
    graph = line(a=says("a"), ask=asks("ask")).compile(saver)

    async def run():
        await graph.ainvoke({}, config)
        await graph.aupdate_state(config, {"x": 1}, as_node="a")
        state = await graph.aget_state(config)
        history = [s async for s in graph.aget_state_history(config, limit=2)]
        return state, history

    state, history = asyncio.run(run())
    assert state == graph.get_state(config)
    assert history == list(graph.get_state_history(config, limit=2))


def test_history_may_be_filtered_and_cut(abc, config):
    abc.invoke({}, config)
    abc.update_state(config, {"x": 1}, as_node="a")
    abc.update_state(config, {"x": 2}, as_node="a")
    assert [s.values["x"] for s in abc.get_state_history(config, filter={"source": "update"})] == [2, 1]
    assert [s.values["x"] for s in abc.get_state_history(config, filter={"source": "update"}, limit=1)] == [2]
    newest = abc.get_state(config)
    assert next(abc.get_state_history(config, before=newest.config)).values["x"] == 1


@pytest.mark.parametrize("way", ["sync", "async"])
def test_invoke_may_return_what_a_stream_yields(way, abc, config):
    if way == "sync":
        found = abc.invoke({}, config, stream_mode="updates")
    else:
        found = asyncio.run(abc.ainvoke({}, config, stream_mode="updates"))
    assert found == [{name: {"log": [name]}} for name in "abc"]


def test_writing_needs_a_checkpointer_and_a_thread_that_is_there(config):
    with pytest.raises(CheckpointerRequired):
        line(a=says("a")).compile().bulk_update_state(config, [[({}, "a")]])
    graph = line(a=says("a")).compile(InMemorySaver())
    with pytest.raises((UnknownThreadError, NbhitlError)):
        graph.update_state({"configurable": {"thread_id": "t", "checkpoint_ns": "a:k:0"}}, {"x": 1})


def test_an_edit_is_in_the_file_when_it_returns(tmp_path, config):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = fan(ask=asks("ask"), b=says("b")).compile(saver)
        graph.invoke({}, config)
        graph.update_state(config, {"x": 7}, as_node="b")
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = fan(ask=asks("ask"), b=says("b")).compile(saver)
        assert graph.get_state(config).values == {"x": 7, "log": ["b"]}
        assert graph.invoke(Command(resume="y"), config)["log"] == ["b", "ask y"]


def test_a_command_at_an_old_checkpoint_does_again_what_was_due_there(saver, config):
    graph = line(ask=asks("ask"), c=says("c")).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume="yes"), config)
    old = next(found.config for found in graph.get_state_history(config) if found.next == ("ask",))
    assert graph.invoke(Command(update={"log": ["me"]}), old)["log"] == ["me"]
    assert graph.invoke(Command(resume="again"), config)["log"] == ["me", "ask again", "c"]


def test_an_old_question_is_answered_anew_with_an_update_beside_it(saver, config):
    graph = line(ask=asks("ask"), c=says("c")).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume="yes"), config)
    old = next(found.config for found in graph.get_state_history(config) if found.next == ("ask",))
    assert graph.invoke(Command(update={"log": ["me"]}, resume="no"), old)["log"] == ["me", "ask no", "c"]
