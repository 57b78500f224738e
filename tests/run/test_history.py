"""The tree of checkpoints: looking back, writing into it, replaying and forking."""

import asyncio
import operator
from collections import Counter
from typing import Annotated, TypedDict

import pytest

from nbhitl import (
    END,
    START,
    CheckpointerRequired,
    Command,
    InMemorySaver,
    InvalidUpdateError,
    StateGraph,
    UnknownInterruptError,
    UnknownNodeError,
    UnknownThreadError,
    interrupt,
)
from nbhitl.engine.errors import UnknownKeyWarning


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


@pytest.fixture
def abc(saver):
    return line(a=says("a"), b=says("b"), c=says("c")).compile(saver)


@pytest.fixture
def asking(saver):
    """a, then a question, then c."""
    return line(a=says("a"), ask=lambda state: {"x": interrupt("sure?")}, c=says("c")).compile(saver)


def due(graph, config, *nodes):
    """The oldest checkpoint at which these nodes are due."""
    return [s for s in graph.get_state_history(config) if s.next == nodes][-1].config


def steps(graph, config):
    return [(s.metadata["source"], s.metadata["step"], s.next) for s in graph.get_state_history(config)]


# -- looking


def test_a_thread_that_does_not_exist_has_an_empty_state(abc, config):
    state = abc.get_state(config)
    assert (state.values, state.next, state.tasks, state.metadata, state.created_at) == ({}, (), (), None, None)
    assert list(abc.get_state_history(config)) == []


def test_history_is_newest_first_and_each_checkpoint_names_its_parent(abc, config):
    abc.invoke({"x": 1}, config)
    found = list(abc.get_state_history(config))
    assert steps(abc, config) == [
        ("loop", 3, ()),
        ("loop", 2, ("c",)),
        ("loop", 1, ("b",)),
        ("loop", 0, ("a",)),
        ("input", -1, (START,)),
    ]
    assert [s.values["log"] for s in found] == [["a", "b", "c"], ["a", "b"], ["a"], [], []]
    assert [s.parent_config for s in found] == [*(s.config for s in found[1:]), None]
    assert [s.created_at for s in found] == sorted((s.created_at for s in found), reverse=True)


def test_history_can_be_cut(abc, config):
    abc.invoke({}, config)
    found = list(abc.get_state_history(config))
    assert list(abc.get_state_history(config, limit=2)) == found[:2]
    assert list(abc.get_state_history(config, before=found[1].config)) == found[2:]
    assert list(abc.get_state_history(config, before=found[1].config, limit=1)) == found[2:3]


def test_an_old_checkpoint_is_shown_with_what_was_due_and_what_came_of_it(asking, config):
    asking.invoke({}, config)
    asking.invoke(Command(resume="yes"), config)
    old = asking.get_state(due(asking, config, "ask"))
    assert (old.values, old.next) == ({"log": ["a"]}, ("ask",))
    assert [task.result for task in old.tasks] == [{"x": "yes"}]


def test_an_unknown_checkpoint_is_an_error(abc, config):
    abc.invoke({}, config)
    wrong = {"configurable": {"thread_id": "t", "checkpoint_id": "nope"}}
    for call in (abc.get_state, lambda c: abc.invoke(None, c), lambda c: abc.update_state(c, {"x": 1})):
        with pytest.raises(UnknownThreadError, match="no checkpoint 'nope'"):
            call(wrong)


def test_looking_and_writing_need_a_checkpointer(config):
    graph = line(a=says("a")).compile()
    for call in (graph.get_state, lambda c: list(graph.get_state_history(c)), lambda c: graph.update_state(c, {})):
        with pytest.raises(CheckpointerRequired):
            call(config)


def test_get_state_shows_keys_that_are_no_output(saver, config):
    class Output(TypedDict):
        x: object

    built = StateGraph(State, output_schema=Output).add_node("a", says("a")).add_edge(START, "a")
    graph = built.compile(saver)
    assert graph.invoke({"x": 1}, config) == {"x": 1}
    assert graph.get_state(config).values == {"x": 1, "log": ["a"]}


# -- writing


def test_update_state_merges_with_the_reducers_and_what_follows_the_writer_is_due(abc, config):
    abc.invoke({}, config, interrupt_before=["b"])
    made = abc.update_state(config, {"log": ["person"], "x": 5})
    state = abc.get_state(config)
    assert state.config == made
    assert (state.values, state.next) == ({"x": 5, "log": ["a", "person"]}, ("b",))
    assert (state.metadata["source"], state.metadata["step"]) == ("update", 2)
    assert abc.invoke(None, config)["log"] == ["a", "person", "b", "c"]


def test_as_node_says_who_wrote_and_so_what_follows(abc, config):
    abc.invoke({}, config, interrupt_before=["b"])
    abc.update_state(config, {"log": ["instead of b"]}, as_node="b")
    assert abc.get_state(config).next == ("c",)
    assert abc.invoke(None, config)["log"] == ["a", "instead of b", "c"]


def test_as_node_runs_that_nodes_routers_on_the_new_state(saver, config):
    built = StateGraph(State).add_node("a", says("a")).add_node("b", says("b")).add_node("c", says("c"))
    built.add_edge(START, "a").add_conditional_edges("a", lambda state: state["x"], ["b", "c"])
    graph = built.compile(saver)
    graph.invoke({"x": "b"}, config, interrupt_before=["b"])
    graph.update_state(config, {"x": "c"}, as_node="a")
    assert graph.get_state(config).next == ("c",)


def test_async_routers_are_awaited_by_aupdate_state(saver, config):
    async def route(state):
        return state["x"]

    built = StateGraph(State).add_node("a", says("a")).add_node("b", says("b")).add_node("c", says("c"))
    graph = built.add_edge(START, "a").add_conditional_edges("a", route, ["b", "c"]).compile(saver)

    async def run():
        await graph.ainvoke({"x": "b"}, config, interrupt_before=["b"])
        await graph.aupdate_state(config, {"x": "c"}, as_node="a")
        return (await graph.aget_state(config)).next

    assert asyncio.run(run()) == ("c",)


def test_writing_as_end_leaves_nothing_to_do(abc, config):
    abc.invoke({}, config, interrupt_before=["b"])
    abc.update_state(config, None, as_node=END)
    assert abc.get_state(config).next == ()
    assert abc.invoke(None, config) == {"log": ["a"]}


def test_writing_as_start_counts_as_input(abc, config):
    abc.update_state(config, {"x": 1}, as_node=START)
    assert (abc.get_state(config).values, abc.get_state(config).next) == ({"x": 1, "log": []}, ("a",))


def test_writing_to_a_new_thread_makes_it(abc, config):
    abc.update_state(config, {"log": ["person"]})
    assert abc.invoke(None, config)["log"] == ["person", "a", "b", "c"]


def test_writing_after_several_nodes_ran_needs_to_be_told_the_writer(saver, config):
    built = fan(a=says("a"), b=says("b")).add_node("c", says("c")).add_edge(["a", "b"], "c")
    graph = built.compile(saver)
    graph.invoke({}, config, interrupt_before=["c"])
    with pytest.raises(InvalidUpdateError, match="a, b ran in the last step.*as_node="):
        graph.update_state(config, {"x": 1})


@pytest.mark.parametrize(
    ("values", "as_node", "error", "said"),
    [
        ({"x": 1}, "aa", UnknownNodeError, "as_node=.*no node 'aa'. Did you mean 'a'"),
        ([1], "a", InvalidUpdateError, "list"),
    ],
)
def test_a_write_that_cannot_be_made_is_refused_and_nothing_is_written(values, as_node, error, said, abc, config):
    abc.invoke({}, config)
    before = list(abc.get_state_history(config))
    with pytest.raises(error, match=said):
        abc.update_state(config, values, as_node)
    assert list(abc.get_state_history(config)) == before


def test_writing_an_unknown_key_is_a_warning_and_the_rest_is_written(abc, config):
    abc.invoke({}, config)
    with pytest.warns(UnknownKeyWarning, match="'lgo', which is no key of the state. Did you mean 'log'"):
        abc.update_state(config, {"lgo": [], "x": 1}, "a")
    assert abc.get_state(config).values == {"x": 1, "log": ["a", "b", "c"]}


def test_in_a_strict_graph_writing_an_unknown_key_is_refused_and_nothing_is_written(saver, config):
    strict = line(a=says("a")).compile(saver, strict=True)
    strict.invoke({}, config)
    before = list(strict.get_state_history(config))
    with pytest.raises(InvalidUpdateError, match="'lgo'.*Did you mean 'log'"):
        strict.update_state(config, {"lgo": [], "x": 1}, "a")
    assert list(strict.get_state_history(config)) == before


def test_writing_into_an_old_checkpoint_makes_a_branch_and_keeps_the_other(abc, config):
    abc.invoke({}, config)
    old = list(abc.get_state_history(config))
    made = abc.update_state(due(abc, config, "b"), {"log": ["person"]})
    assert abc.get_state(made).parent_config == due(abc, config, "b")
    assert abc.invoke(None, config)["log"] == ["a", "person", "b", "c"]
    assert [s for s in abc.get_state_history(config) if s in old] == old


# -- replaying


def test_going_on_from_an_old_checkpoint_is_a_fork_that_runs_what_was_due_there(saver, config):
    calls = Counter()

    def counted(name):
        def body(state):
            calls[name] += 1
            return {"log": [f"{name}{calls[name]}"]}

        return body

    graph = line(a=counted("a"), b=counted("b")).compile(saver)
    graph.invoke({}, config)
    old = list(graph.get_state_history(config))
    assert graph.invoke(None, due(graph, config, "b"))["log"] == ["a1", "b2"]
    assert calls == {"a": 1, "b": 2}
    assert steps(graph, config)[:2] == [("loop", 3, ()), ("fork", 2, ("b",))]
    assert list(graph.get_state_history(config))[2:] == old
    assert graph.get_state(config).values["log"] == ["a1", "b2"]


def test_going_on_from_the_newest_checkpoint_by_its_name_is_no_fork(abc, config):
    abc.invoke({}, config, interrupt_before=["b"])
    abc.invoke(None, abc.get_state(config).config)
    assert "fork" not in [source for source, *_ in steps(abc, config)]


def test_a_replay_from_before_a_question_asks_it_again(asking, config):
    asking.invoke({}, config)
    asking.invoke(Command(resume="yes"), config)
    result = asking.invoke(None, due(asking, config, "ask"))
    assert [question.value for question in result["__interrupt__"]] == ["sure?"]
    assert asking.invoke(Command(resume="no"), config)["x"] == "no"


def test_a_new_answer_at_an_old_question_is_a_fork_with_the_new_answer(asking, config):
    asking.invoke({}, config)
    asking.invoke(Command(resume="yes"), config)
    old = due(asking, config, "ask")
    assert asking.invoke(Command(resume="no"), old) == {"x": "no", "log": ["a", "c"]}
    assert asking.get_state(config).values["x"] == "no"
    assert asking.get_state(old).tasks[0].result == {"x": "yes"}
    assert [source for source, *_ in steps(asking, config)].count("fork") == 1


def test_a_new_answer_runs_its_node_alone_and_keeps_its_finished_siblings(saver, config):
    calls = Counter()

    def work(state):
        calls["work"] += 1
        return {"log": [f"work{calls['work']}"]}

    graph = fan(ask=lambda state: {"x": interrupt("sure?")}, work=work).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume="yes"), config)
    assert graph.invoke(Command(resume="no"), due(graph, config, "ask", "work")) == {"x": "no", "log": ["work1"]}
    assert calls == {"work": 1}


def test_a_new_answer_to_one_of_several_old_questions_names_it_and_keeps_the_answers_before_it(saver, config):
    graph = line(ask=lambda state: {"log": [interrupt("first?"), interrupt("second?")]}).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume=1), config)
    second = graph.get_state(config).interrupts[0].id
    graph.invoke(Command(resume=2), config)
    old = due(graph, config, "ask")
    with pytest.raises(UnknownInterruptError, match="2 questions"):
        graph.invoke(Command(resume=20), old)
    assert graph.invoke(Command(resume={second: 20}), old)["log"] == [1, 20]


def test_a_new_answer_to_an_earlier_question_asks_the_later_ones_again(saver, config):
    graph = line(ask=lambda state: {"log": [interrupt("which?"), interrupt("sure?")]}).compile(saver)
    graph.invoke({}, config)
    first = graph.get_state(config).interrupts[0].id
    graph.invoke(Command(resume="a small thing"), config)
    graph.invoke(Command(resume="yes"), config)
    result = graph.invoke(Command(resume={first: "everything"}), due(graph, config, "ask"))
    assert [question.value for question in result["__interrupt__"]] == ["sure?"]


def test_an_answer_at_an_old_breakpoint_makes_a_fork_and_its_question_is_seen(saver, config):
    graph = line(a=says("a"), ask=lambda state: {"x": interrupt("sure?")}).compile(saver)
    graph.invoke({}, config, interrupt_before=["ask"])
    old = graph.get_state(config).config
    graph.update_state(config, {"log": ["person"]})
    graph.invoke(Command(resume="passes the breakpoint"), old)
    assert [question.value for question in graph.get_state(config).interrupts] == ["sure?"]


def test_new_input_at_an_old_checkpoint_starts_a_branch_on_its_state(abc, config):
    abc.invoke({}, config)
    abc.invoke({}, config)
    old = [s for s in abc.get_state_history(config) if s.next == ()][-1]
    assert abc.invoke({"log": ["in"]}, old.config)["log"] == ["a", "b", "c", "in", "a", "b", "c"]


# -- threads


def test_threads_do_not_see_each_other(abc, config):
    abc.invoke({"x": 1}, config)
    assert abc.get_state({"configurable": {"thread_id": "other"}}).values == {}


def test_a_threads_id_may_be_a_number(abc):
    abc.invoke({"x": 1}, {"configurable": {"thread_id": 7}})
    assert abc.get_state({"configurable": {"thread_id": "7"}}).values["x"] == 1


def test_graphs_of_different_scope_do_not_see_each_others_threads(saver, config):
    one = line(a=says("one")).compile(saver, scope="one")
    two = line(a=says("two")).compile(saver, scope="two")
    one.invoke({}, config)
    assert two.get_state(config).values == {}
    two.invoke({}, config)
    assert one.get_state(config).values["log"] == ["one"]
    assert {str(info.key) for info in saver.threads()} == {"one/t", "two/t"}


def test_threads_that_wait_do_not_hold_each_other_up(config):
    graph = line(ask=lambda state: {"x": interrupt("?")}).compile(InMemorySaver())
    other = {"configurable": {"thread_id": "other"}}
    graph.invoke({}, config)
    graph.invoke({}, other)
    assert graph.invoke(Command(resume=2), other)["x"] == 2
    assert graph.get_state(config).next == ("ask",)
