"""Keys with a channel of their own in a run: what nodes see of them, and what is stored."""

import operator
from typing import Annotated, TypedDict

import pytest

from nbhitl import START, Command, DuckDBSaver, InvalidUpdateError, StateGraph, interrupt
from nbhitl.engine.channels import EphemeralValue, Topic, UntrackedValue
from nbhitl.engine.commands import Overwrite
from nbhitl.state import IsLastStep, RemainingSteps


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]
    note: Annotated[str, EphemeralValue]
    found: Annotated[list, Topic(str)]
    all: Annotated[list, Topic(str, accumulate=True)]
    cache: Annotated[object, UntrackedValue]


def line(**nodes):
    built = StateGraph(State).add_sequence(list(nodes.items()))
    return built.add_edge(START, next(iter(nodes)))


def test_an_overwrite_replaces_what_a_reducer_would_have_merged(saver, config):
    graph = line(a=lambda state: {"log": ["a"]}, b=lambda state: {"log": Overwrite(["b"])}).compile(saver)
    assert graph.invoke({"log": ["in"]}, config)["log"] == ["b"]
    graph.update_state(config, {"log": Overwrite([])})
    assert graph.get_state(config).values["log"] == []


def test_two_overwrites_in_one_step_fail_it(saver, config):
    built = StateGraph(State)
    for name in "ab":
        built.add_node(name, lambda state: {"log": Overwrite([])}).add_edge(START, name)
    with pytest.raises(InvalidUpdateError, match="several Overwrite values"):
        built.compile(saver).invoke({}, config)


def test_an_ephemeral_value_is_seen_by_the_next_step_only(saver, config):
    def looks(state):
        return {"log": [state.get("note")]}

    graph = line(a=lambda state: {"note": "hi"}, b=looks, c=looks).compile(saver)
    assert graph.invoke({"x": 1}, config)["log"] == ["hi", None]
    assert "note" not in graph.get_state(config).values


def test_a_topic_holds_what_the_last_step_wrote_and_an_accumulating_one_everything(saver, config):
    def looks(state):
        return {"log": [(state.get("found"), state.get("all"))]}

    def tells(state):
        return {"found": ["1", "2"], "all": "3"}

    graph = line(a=tells, b=looks, c=tells, d=looks, e=looks).compile(saver)
    assert graph.invoke({"x": 1}, config)["log"] == [
        (["1", "2"], ["3"]),
        (["1", "2"], ["3", "3"]),
        (None, ["3", "3"]),
    ]


def test_an_untracked_value_is_seen_by_the_run_and_is_gone_after_it(tmp_path, config):
    def body(state):
        return {"log": ["has" if "cache" in state else "has not", interrupt("sure?")]}

    build = line(a=lambda state: {"cache": object()}, b=body)  # what could not be stored at all
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = build.compile(saver)
        graph.invoke({"x": 1}, config)
        assert "cache" not in graph.get_state(config).values
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        assert build.compile(saver).invoke(Command(resume="y"), config)["log"] == ["has not", "y"]


def test_an_input_and_a_finished_sibling_may_hold_what_is_never_stored(tmp_path, config):
    built = StateGraph(State).add_node("a", lambda state: {"cache": object()}).add_edge(START, "a")
    built.add_node("ask", lambda state: {"log": ["cache" in state, interrupt("sure?")]}).add_edge(START, "ask")
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = built.compile(saver)
        graph.invoke({"cache": object()}, config)
        assert "cache" not in graph.get_state(config).values
        assert graph.invoke(Command(resume="y"), config)["log"] == [False, "y"]


def test_within_a_run_an_untracked_value_lasts(saver, config):
    def looks(state):
        return {"log": ["cache" in state]}

    graph = line(a=lambda state: {"cache": object()}, b=looks, c=looks).compile(saver)
    assert graph.invoke({"x": 1}, config)["log"] == [True, True]


# -- what a run tells a node about itself


class Counted(TypedDict, total=False):
    log: Annotated[list, operator.add]
    left: RemainingSteps
    last: IsLastStep


def counts(state):
    return {"log": [(state["left"], state["last"])]}


def test_a_node_may_know_how_many_steps_are_left(saver, config):
    built = StateGraph(Counted).add_sequence([(name, counts) for name in "abc"]).add_edge(START, "a")
    found = built.compile(saver).invoke({}, {**config, "recursion_limit": 4})
    assert found["log"] == [(3, False), (2, False), (1, True)]


def test_the_steps_that_are_left_count_anew_for_each_call(saver, config):
    def asks(state):
        interrupt("sure?")
        return counts(state)

    built = StateGraph(Counted).add_sequence([("a", counts), ("b", asks)]).add_edge(START, "a")
    graph = built.compile(saver)
    graph.invoke({}, {**config, "recursion_limit": 10})
    assert graph.invoke(Command(resume=1), {**config, "recursion_limit": 10})["log"] == [(9, False), (9, False)]


def test_what_a_run_says_is_no_part_of_the_state(saver, config):
    graph = StateGraph(Counted).add_node("a", counts).add_edge(START, "a").compile(saver)
    assert sorted(graph.invoke({}, config)) == ["log"]
    assert sorted(graph.get_state(config).values) == ["log"]
