"""LangGraph's pages "Persistence" and "Checkpointers": threads, snapshots, history, updates, durability."""

import operator
from datetime import datetime
from itertools import pairwise
from typing import Annotated, TypedDict

import pytest


class State(TypedDict, total=False):
    foo: str
    bar: Annotated[list[str], operator.add]


def two_nodes(lg, saver=None, **compiled):
    """START -> a -> b -> END, with one key that is replaced and one that grows."""
    return (
        lg.StateGraph(State)
        .add_node("a", lambda state: {"foo": "a", "bar": ["a"]})
        .add_node("b", lambda state: {"foo": "b", "bar": ["b"]})
        .add_edge(lg.START, "a")
        .add_edge("a", "b")
        .add_edge("b", lg.END)
        .compile(checkpointer=saver or lg.InMemorySaver(), **compiled)
    )


def ran(lg):
    graph, config = two_nodes(lg), lg.thread()
    graph.invoke({"foo": "", "bar": []}, config, durability="sync")
    return graph, config


def id_of(config):
    return config["configurable"]["checkpoint_id"]


# -- checkpoints


def test_a_run_of_two_nodes_leaves_exactly_four_checkpoints(lg):
    graph, config = ran(lg)
    assert [(one.values, one.next) for one in graph.get_state_history(config)] == [
        ({"foo": "b", "bar": ["a", "b"]}, ()),
        ({"foo": "a", "bar": ["a"]}, ("b",)),
        ({"foo": "", "bar": []}, ("a",)),
        ({"bar": []}, ("__start__",)),
    ]


def test_the_metadata_says_where_a_checkpoint_comes_from_and_in_which_step(lg):
    graph, config = ran(lg)
    assert [(one.metadata["source"], one.metadata["step"]) for one in graph.get_state_history(config)] == [
        ("loop", 2),
        ("loop", 1),
        ("loop", 0),
        ("input", -1),
    ]


def test_each_checkpoint_names_its_parent(lg):
    graph, config = ran(lg)
    history = list(graph.get_state_history(config))
    for newer, older in pairwise(history):
        assert id_of(newer.parent_config) == id_of(older.config)
    assert history[-1].parent_config is None


def test_a_snapshot_names_its_thread_its_namespace_and_its_time(lg):
    graph, config = ran(lg)
    state = graph.get_state(config)
    assert isinstance(state, lg.StateSnapshot)
    assert state.config["configurable"]["thread_id"] == config["configurable"]["thread_id"]
    assert state.config["configurable"]["checkpoint_ns"] == ""
    assert isinstance(id_of(state.config), str)
    assert datetime.fromisoformat(state.created_at).tzinfo is not None
    assert state.tasks == ()


def test_a_task_that_was_due_has_an_id_a_name_and_no_error(lg):
    graph, config = ran(lg)
    [task] = lg.at(graph, config, "b").tasks
    assert isinstance(task, lg.PregelTask)
    assert task.id
    assert (task.name, task.error, task.interrupts) == ("b", None, ())


def test_ids_of_checkpoints_grow(lg):
    graph, config = ran(lg)
    ids = [id_of(one.config) for one in graph.get_state_history(config)]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 4


# -- getting the state


def test_the_state_is_that_of_the_newest_checkpoint(lg):
    graph, config = ran(lg)
    state = graph.get_state(config)
    assert (state.values, state.next) == ({"foo": "b", "bar": ["a", "b"]}, ())
    assert (state.metadata["source"], state.metadata["step"]) == ("loop", 2)


def test_the_state_of_one_checkpoint_is_found_by_its_id(lg):
    graph, config = ran(lg)
    old = lg.at(graph, config, "b")
    thread = config["configurable"]["thread_id"]
    state = graph.get_state({"configurable": {"thread_id": thread, "checkpoint_id": id_of(old.config)}})
    assert (state.values, state.next) == ({"foo": "a", "bar": ["a"]}, ("b",))
    assert id_of(state.config) == id_of(old.config)


def test_a_thread_that_does_not_exist_has_an_empty_state(lg):
    graph, config = two_nodes(lg), lg.thread()
    state = graph.get_state(config)
    assert (state.values, state.next, state.tasks, state.parent_config) == ({}, (), (), None)
    assert list(graph.get_state_history(config)) == []


# -- history


def test_a_checkpoint_is_found_by_what_is_next_by_its_step_or_by_its_source(lg):
    graph, config = ran(lg)
    graph.update_state(config, {"foo": "edited"})
    history = list(graph.get_state_history(config))
    assert next(one for one in history if one.next == ("b",)).values == {"foo": "a", "bar": ["a"]}
    assert next(one for one in history if one.metadata["step"] == 2).values == {"foo": "b", "bar": ["a", "b"]}
    [edited] = [one for one in history if one.metadata["source"] == "update"]
    assert edited.values == {"foo": "edited", "bar": ["a", "b"]}


def test_the_checkpoint_of_a_question_is_found_by_its_tasks(lg):
    def ask(state: State):
        return {"foo": lg.interrupt("foo?")}

    graph = lg.StateGraph(State).add_node(ask).add_edge(lg.START, "ask").compile(checkpointer=lg.InMemorySaver())
    config = lg.thread()
    graph.invoke({"foo": "", "bar": []}, config)
    graph.invoke(lg.Command(resume="yes"), config)
    asked = next(one for one in graph.get_state_history(config) if any(task.interrupts for task in one.tasks))
    assert asked.next == ("ask",)
    assert asked.tasks[0].interrupts[0].value == "foo?"


def test_history_can_be_limited(lg):
    graph, config = ran(lg)
    assert [one.metadata["step"] for one in graph.get_state_history(config, limit=2)] == [2, 1]


def test_history_can_begin_before_a_checkpoint(lg):
    graph, config = ran(lg)
    middle = lg.at(graph, config, "b")
    assert [one.metadata["step"] for one in graph.get_state_history(config, before=middle.config)] == [0, -1]


def test_history_can_be_filtered_by_metadata(lg):
    graph, config = ran(lg)
    assert [one.metadata["step"] for one in graph.get_state_history(config, filter={"source": "loop"})] == [2, 1, 0]
    assert [one.next for one in graph.get_state_history(config, filter={"step": 1})] == [("b",)]


# -- threads


def test_a_second_run_of_a_thread_goes_on_with_its_state(lg):
    graph, config = ran(lg)
    assert graph.invoke({"foo": "again", "bar": ["in"]}, config) == {"foo": "b", "bar": ["a", "b", "in", "a", "b"]}
    steps = [one.metadata["step"] for one in graph.get_state_history(config)]
    assert steps == [6, 5, 4, 3, 2, 1, 0, -1]


def test_threads_do_not_see_each_other(lg):
    graph, config = ran(lg)
    other = lg.thread()
    assert graph.invoke({"foo": "", "bar": ["mine"]}, other) == {"foo": "b", "bar": ["mine", "a", "b"]}
    assert graph.get_state(config).values["bar"] == ["a", "b"]


def test_a_thread_id_is_required_with_a_checkpointer(lg):
    graph = two_nodes(lg)
    with pytest.raises(Exception, match="thread_id"):
        graph.invoke({"foo": "", "bar": []})


def test_without_a_checkpointer_nothing_is_remembered(lg):
    graph = lg.StateGraph(State).add_node("a", lambda s: {"bar": ["a"]}).add_edge(lg.START, "a").compile()
    assert graph.invoke({"bar": []}) == {"bar": ["a"]}
    assert graph.invoke({"bar": []}) == {"bar": ["a"]}
    with pytest.raises(lg.CheckpointerRequired if lg.ours else ValueError):
        graph.get_state(lg.thread())


def test_going_on_with_a_thread_that_does_not_exist_is_an_error(lg):
    graph = two_nodes(lg)
    with pytest.raises((lg.EmptyInputError, lg.UnknownThreadError) if lg.ours else lg.EmptyInputError):
        graph.invoke(None, lg.thread())


def test_going_on_with_a_finished_thread_runs_nothing(lg):
    graph, config = ran(lg)
    assert graph.invoke(None, config) == {"foo": "b", "bar": ["a", "b"]}
    assert len(list(graph.get_state_history(config))) == 4


# -- updating the state


def test_an_update_goes_through_the_reducers(lg):
    graph, config = ran(lg)
    graph.update_state(config, {"foo": "2", "bar": ["c"]})
    assert graph.get_state(config).values == {"foo": "2", "bar": ["a", "b", "c"]}


def test_an_update_is_a_new_checkpoint_and_leaves_the_old_one_as_it_was(lg):
    graph, config = ran(lg)
    before = graph.get_state(config)
    new = graph.update_state(config, {"foo": "2"})
    assert id_of(new) != id_of(before.config)
    state = graph.get_state(config)
    assert id_of(state.config) == id_of(new)
    assert id_of(state.parent_config) == id_of(before.config)
    assert (state.metadata["source"], state.metadata["step"]) == ("update", 3)
    assert graph.get_state(before.config).values == before.values


@pytest.mark.parametrize(
    ("writer", "due", "end"),
    [
        ("__start__", ("a",), {"foo": "b", "bar": ["a", "b", "x", "a", "b"]}),
        ("a", ("b",), {"foo": "b", "bar": ["a", "b", "x", "b"]}),
        ("b", (), {"foo": "x", "bar": ["a", "b", "x"]}),
    ],
)
def test_who_writes_an_update_says_what_is_next(lg, writer, due, end):
    graph, config = ran(lg)
    graph.update_state(config, {"foo": "x", "bar": ["x"]}, as_node=writer)
    assert graph.get_state(config).next == due
    assert graph.invoke(None, config) == end


def test_an_update_can_begin_a_thread(lg):
    graph, config = two_nodes(lg), lg.thread()
    graph.update_state(config, {"foo": "x", "bar": ["x"]}, as_node="a")
    state = graph.get_state(config)
    assert (state.values, state.next, state.metadata["source"]) == ({"foo": "x", "bar": ["x"]}, ("b",), "update")
    assert graph.invoke(None, config) == {"foo": "b", "bar": ["x", "b"]}


def test_an_update_by_a_node_that_does_not_exist_is_an_error(lg):
    graph, config = ran(lg)
    with pytest.raises((lg.InvalidUpdateError, lg.UnknownNodeError) if lg.ours else lg.InvalidUpdateError):
        graph.update_state(config, {"foo": "x"}, as_node="zz")


def test_an_update_whose_writer_cannot_be_told_is_an_error(lg):
    graph = (
        lg.StateGraph(State)
        .add_node("a", lambda s: {"bar": ["a"]})
        .add_node("b", lambda s: {"bar": ["b"]})
        .add_edge(lg.START, "a")
        .add_edge(lg.START, "b")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    graph.invoke({"bar": []}, config)
    with pytest.raises(lg.InvalidUpdateError):
        graph.update_state(config, {"foo": "x"})
    graph.update_state(config, {"foo": "x"}, as_node="b")
    assert graph.get_state(config).values == {"foo": "x", "bar": ["a", "b"]}


def test_several_updates_are_made_in_one_call_step_by_step(lg):
    graph, config = two_nodes(lg), lg.thread()
    graph.bulk_update_state(
        config,
        [
            [lg.StateUpdate({"foo": "1", "bar": ["1"]}, "__start__")],
            [lg.StateUpdate({"foo": "2", "bar": ["2"]}, "a")],
        ],
    )
    state = graph.get_state(config)
    assert (state.values, state.next) == ({"foo": "2", "bar": ["1", "2"]}, ("b",))
    sources = [one.metadata["source"] for one in graph.get_state_history(config)]
    assert sources[:2] == ["update", "update"]


def test_state_can_be_looked_at_and_changed_from_async_code(lg):
    graph, config = two_nodes(lg), lg.thread()

    async def talk():
        await graph.ainvoke({"foo": "", "bar": []}, config)
        await graph.aupdate_state(config, {"bar": ["c"]}, as_node="a")
        state = await graph.aget_state(config)
        history = [one.next async for one in graph.aget_state_history(config)]
        return state.values, history, await graph.ainvoke(None, config)

    values, history, end = lg.run(talk())
    assert values == {"foo": "b", "bar": ["a", "b", "c"]}
    assert history == [("b",), (), ("b",), ("a",), ("__start__",)]
    assert end == {"foo": "b", "bar": ["a", "b", "c", "b"]}


def test_several_updates_can_be_made_from_async_code(lg):
    graph, config = two_nodes(lg), lg.thread()
    updates = [[lg.StateUpdate({"bar": ["1"]}, "__start__")], [lg.StateUpdate({"bar": ["2"]}, "a")]]

    async def talk():
        await graph.abulk_update_state(config, updates)
        return (await graph.aget_state(config)).next

    assert lg.run(talk()) == ("b",)
    assert graph.get_state(config).values == {"bar": ["1", "2"]}


# -- fault tolerance


def flaky(lg, calls, broken):
    def good(state: State):
        calls.append("good")
        return {"bar": ["good"]}

    def bad(state: State):
        calls.append("bad")
        if broken:
            import time

            time.sleep(0.1)  # the sibling ends first
            raise ValueError("no luck")
        return {"bar": ["bad"]}

    return (
        lg.StateGraph(State)
        .add_node("first", lambda s: {"foo": "first"})
        .add_node(good)
        .add_node(bad)
        .add_edge(lg.START, "first")
        .add_edge("first", "good")
        .add_edge("first", "bad")
        .compile(checkpointer=lg.InMemorySaver())
    )


def test_a_run_that_failed_goes_on_at_its_last_good_step_without_what_succeeded_in_it(lg):
    calls, broken = [], [True]
    graph, config = flaky(lg, calls, broken), lg.thread()
    with pytest.raises(ValueError, match="no luck"):
        graph.invoke({"foo": "", "bar": []}, config)
    assert sorted(calls) == ["bad", "good"]
    broken.clear()
    calls.clear()
    result = graph.invoke(None, config)
    assert calls == ["bad"]
    assert sorted(result["bar"]) == ["bad", "good"]


def test_the_error_stands_on_the_task_that_failed(lg):
    graph, config = flaky(lg, [], [True]), lg.thread()
    with pytest.raises(ValueError, match="no luck"):
        graph.invoke({"foo": "", "bar": []}, config)
    tasks = {task.name: task for task in graph.get_state(config).tasks}
    assert set(tasks) == {"good", "bad"}
    assert "no luck" in tasks["bad"].error
    assert tasks["good"].error is None
    assert "bad" in graph.get_state(config).next


def test_what_a_finished_sibling_wrote_can_be_seen_before_its_step_has_ended(lg):
    graph, config = flaky(lg, [], [True]), lg.thread()
    with pytest.raises(ValueError, match="no luck"):
        graph.invoke({"foo": "", "bar": []}, config)
    state = graph.get_state(config)
    assert state.values == {"foo": "first", "bar": ["good"]}
    assert state.next == ("bad",)


# -- durability


@pytest.mark.parametrize("durability", ["sync", "async"])
def test_sync_and_async_durability_keep_every_step(lg, durability):
    graph, config = two_nodes(lg), lg.thread()
    graph.invoke({"foo": "", "bar": []}, config, durability=durability)
    assert [one.metadata["step"] for one in graph.get_state_history(config)] == [2, 1, 0, -1]


def test_exit_durability_keeps_the_last_step_only(lg):
    graph, config = two_nodes(lg), lg.thread()
    graph.invoke({"foo": "", "bar": []}, config, durability="exit")
    [only] = graph.get_state_history(config)
    assert (only.values, only.next, only.metadata["step"]) == ({"foo": "b", "bar": ["a", "b"]}, (), 2)


def test_exit_durability_keeps_a_question(lg):
    def ask(state: State):
        return {"foo": lg.interrupt("foo?"), "bar": ["asked"]}

    graph = (
        lg.StateGraph(State)
        .add_node("a", lambda s: {"bar": ["a"]})
        .add_node(ask)
        .add_edge(lg.START, "a")
        .add_edge("a", "ask")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    graph.invoke({"foo": "", "bar": []}, config, durability="exit")
    assert lg.pending(graph, config) == ["foo?"]
    assert graph.get_state(config).values == {"foo": "", "bar": ["a"]}
    result = graph.invoke(lg.Command(resume="yes"), config, durability="exit")
    assert result == {"foo": "yes", "bar": ["a", "asked"]}


def test_exit_durability_keeps_where_a_run_failed(lg):
    broken = [True]

    def b(state: State):
        if broken:
            raise ValueError("no luck")
        return {"bar": ["b"]}

    graph = (
        lg.StateGraph(State)
        .add_node("a", lambda s: {"bar": ["a"]})
        .add_node(b)
        .add_edge(lg.START, "a")
        .add_edge("a", "b")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    with pytest.raises(ValueError, match="no luck"):
        graph.invoke({"bar": []}, config, durability="exit")
    assert graph.get_state(config).next == ("b",)
    broken.clear()
    assert graph.invoke(None, config, durability="exit") == {"bar": ["a", "b"]}


def nested(lg, saver, memory=None):
    """A sub-graph that notes, asks, and notes again."""

    def ask(state: State):
        return {"bar": [lg.interrupt("bar?")]}

    subgraph = (
        lg.StateGraph(State)
        .add_sequence([("begin", lambda s: {"foo": "begun"}), ask, ("end", lambda s: {"foo": s["foo"] + " ended"})])
        .add_edge(lg.START, "begin")
        .compile(checkpointer=memory)
    )

    def call(state: State):
        return subgraph.invoke({"foo": state["foo"], "bar": []})

    return lg.StateGraph(State).add_node(call).add_edge(lg.START, "call").compile(checkpointer=saver)


@pytest.mark.parametrize("memory", [None, True])
def test_exit_durability_keeps_the_question_of_a_sub_graph(lg, memory):
    graph, config = nested(lg, lg.InMemorySaver(), memory), lg.thread()
    assert lg.asked(graph.invoke({"foo": "", "bar": []}, config, durability="exit")) == ["bar?"]
    inner = graph.get_state(config, subgraphs=True).tasks[0].state
    assert (inner.values, inner.next) == ({"foo": "begun", "bar": []}, ("ask",))
    result = graph.invoke(lg.Command(resume="yes"), config, durability="exit")
    assert result == {"foo": "begun ended", "bar": ["yes"]}


def test_exit_durability_takes_an_update_with_an_answer(lg):
    def ask(state: State):
        return {"bar": [lg.interrupt("bar?")]}

    graph = lg.StateGraph(State).add_node(ask).add_edge(lg.START, "ask").compile(checkpointer=lg.InMemorySaver())
    config = lg.thread()
    graph.invoke({"bar": []}, config, durability="exit")
    result = graph.invoke(lg.Command(resume="yes", update={"foo": "new"}), config, durability="exit")
    assert result == {"foo": "new", "bar": ["yes"]}
    assert graph.get_state(config).values == result


# -- a saver that lasts


def test_a_saver_on_a_file_remembers_a_question_after_a_restart(lg, tmp_path):
    def asking(saver):
        def ask(state: State):
            return {"foo": lg.interrupt("foo?")}

        return lg.StateGraph(State).add_node(ask).add_edge(lg.START, "ask").compile(checkpointer=saver)

    config = lg.thread()
    with lg.file_saver(tmp_path / "runs.db") as saver:
        asking(saver).invoke({"foo": "", "bar": ["kept"]}, config)
    with lg.file_saver(tmp_path / "runs.db") as saver:
        graph = asking(saver)
        assert lg.pending(graph, config) == ["foo?"]
        assert graph.invoke(lg.Command(resume="yes"), config) == {"foo": "yes", "bar": ["kept"]}
        assert [one.next for one in graph.get_state_history(config)] == [(), ("ask",), ("__start__",)]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
@pytest.mark.parametrize("memory", [None, True])
def test_a_saver_on_a_file_remembers_the_question_of_a_sub_graph_after_a_restart(lg, tmp_path, memory, durability):
    config = lg.thread()
    with lg.file_saver(tmp_path / "runs.db") as saver:
        nested(lg, saver, memory).invoke({"foo": "", "bar": []}, config, durability=durability)
    with lg.file_saver(tmp_path / "runs.db") as saver:
        graph = nested(lg, saver, memory)
        assert lg.pending(graph, config) == ["bar?"]
        inner = graph.get_state(config, subgraphs=True).tasks[0].state
        assert (inner.values, inner.next) == ({"foo": "begun", "bar": []}, ("ask",))
        result = graph.invoke(lg.Command(resume="yes"), config, durability=durability)
        assert result == {"foo": "begun ended", "bar": ["yes"]}


def test_one_saver_serves_several_graphs_on_threads_of_their_own(lg):
    saver = lg.InMemorySaver()
    one, two, first, second = two_nodes(lg, saver), two_nodes(lg, saver), lg.thread(), lg.thread()
    one.invoke({"foo": "", "bar": []}, first)
    two.invoke({"foo": "", "bar": ["2"]}, second)
    assert two.get_state(first).values == {"foo": "b", "bar": ["a", "b"]}
    assert one.get_state(second).values == {"foo": "b", "bar": ["2", "a", "b"]}


# -- namespaces


def test_the_namespace_says_to_which_sub_graph_a_checkpoint_belongs(lg):
    def ask(state: State):
        return {"foo": lg.interrupt("foo?")}

    inmost = lg.StateGraph(State).add_node(ask).add_edge(lg.START, "ask").compile()
    middle = lg.StateGraph(State).add_node("inmost", inmost).add_edge(lg.START, "inmost").compile()
    graph = (
        lg.StateGraph(State)
        .add_node("middle", middle)
        .add_edge(lg.START, "middle")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    graph.invoke({"foo": "", "bar": []}, config)
    state = graph.get_state(config, subgraphs=True)
    inner = state.tasks[0].state
    inmost_state = inner.tasks[0].state
    assert state.config["configurable"]["checkpoint_ns"] == ""
    assert inner.config["configurable"]["checkpoint_ns"].startswith("middle:")
    outer_part, inner_part = inmost_state.config["configurable"]["checkpoint_ns"].split("|")
    assert outer_part == inner.config["configurable"]["checkpoint_ns"]
    assert inner_part.startswith("inmost:")


def test_a_node_can_read_its_thread_from_its_config(lg):
    def who(state: State, config):
        return {"foo": config["configurable"]["thread_id"]}

    graph = lg.StateGraph(State).add_node(who).add_edge(lg.START, "who").compile(checkpointer=lg.InMemorySaver())
    config = lg.thread()
    assert graph.invoke({"foo": ""}, config)["foo"] == config["configurable"]["thread_id"]
