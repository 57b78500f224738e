"""When a step is kept: ``exit`` keeps only where a run stops; bodies that wait for each other all get a hand."""

import asyncio
import operator
import threading
from typing import Annotated, TypedDict

import pytest

from nbhitl import START, Command, InMemorySaver, StateGraph, interrupt
from nbhitl.engine.records import ThreadKey
from nbhitl.run.context import once


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


def says(name):
    return lambda state: {"log": [name]}


def asks(state):
    return {"log": [interrupt("sure?")]}


def line(**nodes):
    built = StateGraph(State).add_sequence(list(nodes.items()))
    return built.add_edge(START, next(iter(nodes)))


def kept(graph, config):
    return [(s.metadata["step"], s.next, s.metadata["stop"]) for s in graph.get_state_history(config)]


def test_with_exit_only_the_end_of_a_run_is_kept(saver, config):
    graph = line(a=says("a"), b=says("b"), c=says("c")).compile(saver)
    assert graph.invoke({"x": 1}, config, durability="exit") == {"x": 1, "log": ["a", "b", "c"]}
    assert kept(graph, config) == [(3, (), "finished")]
    assert graph.get_state(config).values == {"x": 1, "log": ["a", "b", "c"]}


def test_with_exit_a_question_is_kept_with_all_that_came_before_it(saver, config):
    graph = line(a=says("a"), ask=asks, c=says("c")).compile(saver)
    graph.invoke({}, config, durability="exit")
    assert kept(graph, config) == [(1, ("ask",), "interrupted")]
    assert graph.invoke(Command(resume="y"), config, durability="exit")["log"] == ["a", "y", "c"]
    assert kept(graph, config) == [(3, (), "finished"), (1, ("ask",), None)]


def test_with_exit_the_next_stop_names_the_one_before_as_its_parent(saver, config):
    graph = line(a=says("a"), ask=asks, c=says("c")).compile(saver)
    graph.invoke({}, config, durability="exit")
    at = graph.get_state(config).config
    graph.invoke(Command(resume="y"), config, durability="exit")
    assert graph.get_state(config).parent_config == at
    graph.invoke({"log": ["in"]}, config, durability="exit")
    assert graph.get_state(config).values["log"] == ["a", "y", "c", "in", "a"]


class Killed(BaseException):
    pass


def dies(state):
    raise Killed


def test_with_exit_a_run_that_was_killed_starts_over(saver, config):
    with pytest.raises(Killed):
        line(a=says("a"), b=dies).compile(saver).invoke({}, config, durability="exit")
    graph = line(a=says("a"), b=says("b")).compile(saver)
    assert kept(graph, config) == []
    assert graph.invoke({}, config, durability="exit")["log"] == ["a", "b"]


def test_with_exit_a_run_that_was_killed_behind_a_question_goes_on_from_there(saver, config):
    asked = []

    def asks_once(state):
        answer = interrupt("sure?")
        asked.append(answer)
        return {"log": [answer]}

    graph = line(ask=asks_once, b=says("b"), c=dies).compile(saver)
    graph.invoke({}, config, durability="exit")
    with pytest.raises(Killed):
        graph.invoke(Command(resume="y"), config, durability="exit")
    graph = line(ask=asks_once, b=says("b"), c=says("c")).compile(saver)
    assert graph.invoke(None, config, durability="exit")["log"] == ["y", "b", "c"]
    assert asked == ["y"]


def test_with_exit_a_failure_is_kept_and_can_be_tried_again(saver, config):
    def fails(state):
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        line(a=says("a"), b=fails).compile(saver).invoke({}, config, durability="exit")
    graph = line(a=says("a"), b=says("b")).compile(saver)
    assert kept(graph, config) == [(1, ("b",), "failed")]
    assert graph.invoke(None, config, durability="exit")["log"] == ["a", "b"]


def test_with_exit_a_breakpoint_is_kept(saver, config):
    graph = line(a=says("a"), b=says("b")).compile(saver, interrupt_before=["b"])
    graph.invoke({}, config, durability="exit")
    assert kept(graph, config) == [(1, ("b",), "breakpoint")]


def test_with_exit_the_effects_of_several_tasks_of_one_step_are_all_kept(saver, config):
    met = threading.Barrier(2, timeout=10)

    def body(name):
        def act(state):
            once(name, met.wait)
            met.wait()
            raise Killed

        return act

    built = StateGraph(State)
    for name in "ab":
        built.add_node(name, body(name)).add_edge(START, name)
    with pytest.raises(Killed):
        built.compile(saver).invoke({}, config, durability="exit")
    position = saver.load(ThreadKey("t"))
    assert sorted(key for found in position.kept.values() for key in found) == ["a", "b"]


def test_with_exit_an_answer_at_an_old_question_is_kept_at_once(saver, config):
    graph = line(ask=asks, b=says("b")).compile(saver)
    graph.invoke({}, config, durability="exit")
    at = graph.get_state(config).config
    graph.invoke(Command(resume="y"), config, durability="exit")
    with pytest.raises(Killed):
        line(ask=asks, b=dies).compile(saver).invoke(Command(resume="z"), at, durability="exit")
    assert graph.invoke(None, config, durability="exit")["log"] == ["z", "b"]


# -- hands


@pytest.mark.parametrize("workers", [{}, {"max_concurrency": 8}])
def test_bodies_that_wait_for_each_other_all_get_a_hand(workers, config):
    met = threading.Barrier(8, timeout=20)
    built = StateGraph(State)
    for n in range(8):
        built.add_node(f"n{n}", lambda state: {"log": [met.wait() >= 0]}).add_edge(START, f"n{n}")
    assert built.compile(InMemorySaver()).invoke({}, {**config, **workers})["log"] == [True] * 8


def test_with_max_concurrency_one_bodies_run_one_after_the_other_on_the_callers_thread(config):
    seen = []

    def body(state):
        seen.append(threading.current_thread())

    built = StateGraph(State)
    for n in range(4):
        built.add_node(f"n{n}", body).add_edge(START, f"n{n}")
    built.compile(InMemorySaver()).invoke({}, {**config, "max_concurrency": 1})
    assert seen == [threading.current_thread()] * 4


def test_side_by_side_sub_graphs_that_wait_for_each_other_do_not_deadlock(config):
    met = threading.Barrier(8, timeout=20)
    inner = line(a=lambda state: {"log": [met.wait() >= 0]}).compile()
    built = StateGraph(State)
    for n in range(8):
        built.add_node(f"n{n}", lambda state: {"log": inner.invoke({"x": 1})["log"]}).add_edge(START, f"n{n}")
    assert built.compile(InMemorySaver()).invoke({}, config)["log"] == [True] * 8


def test_async_bodies_that_wait_for_each_other_all_run(config):
    async def run():
        met = asyncio.Barrier(8)

        async def body(state):
            await met.wait()
            return {"log": [1]}

        built = StateGraph(State)
        for n in range(8):
            built.add_node(f"n{n}", body).add_edge(START, f"n{n}")
        return await asyncio.wait_for(built.compile(InMemorySaver()).ainvoke({}, config), 20)

    assert asyncio.run(run())["log"] == [1] * 8
