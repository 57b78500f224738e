"""Static breakpoints: where they hold, what passes them, what they never do."""

import operator
from typing import Annotated, TypedDict

import pytest

from nbhitl import (
    START,
    CheckpointerRequired,
    Command,
    InMemorySaver,
    StateGraph,
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


@pytest.fixture
def abc():
    return line(a=says("a"), b=says("b"), c=says("c"))


def test_a_breakpoint_before_a_node_holds_the_run_there(abc, saver, config):
    graph = abc.compile(saver, interrupt_before=["b"])
    assert graph.invoke({}, config) == {"log": ["a"]}
    state = graph.get_state(config)
    assert (state.next, state.interrupts) == (("b",), ())
    assert (state.metadata["stop"], state.metadata["stop_text"]) == ("breakpoint", "at the breakpoint before b")
    assert graph.invoke(None, config) == {"log": ["a", "b", "c"]}
    assert graph.get_state(config).metadata["stop"] == "finished"


def test_a_breakpoint_after_a_node_holds_the_run_there(abc, saver, config):
    graph = abc.compile(saver, interrupt_after=["b"])
    assert graph.invoke({}, config) == {"log": ["a", "b"]}
    state = graph.get_state(config)
    assert (state.next, state.metadata["stop"]) == (("c",), "breakpoint")
    assert state.metadata["stop_text"] == "at the breakpoint after b"
    assert graph.invoke(None, config) == {"log": ["a", "b", "c"]}


def test_a_breakpoint_after_the_last_node_holds_the_run_before_its_end(abc, saver, config):
    graph = abc.compile(saver, interrupt_after=["c"])
    assert graph.invoke({}, config) == {"log": ["a", "b", "c"]}
    assert graph.get_state(config).metadata["stop"] == "breakpoint"
    graph.invoke(None, config)
    assert graph.get_state(config).metadata["stop"] == "finished"


def test_after_one_node_and_before_the_next_is_one_stop(abc, saver, config):
    graph = abc.compile(saver, interrupt_before=["b"], interrupt_after=["a"])
    assert graph.invoke({}, config) == {"log": ["a"]}
    assert graph.invoke(None, config) == {"log": ["a", "b", "c"]}


@pytest.mark.parametrize(("which", "stops"), [("interrupt_before", 3), ("interrupt_after", 3)])
def test_a_star_means_every_node(which, stops, abc, saver, config):
    graph = abc.compile(saver, **{which: "*"})
    graph.invoke({}, config)
    count = 0
    while graph.get_state(config).metadata["stop"] == "breakpoint":
        count += 1
        graph.invoke(None, config)
    assert count == stops
    assert graph.get_state(config).values == {"log": ["a", "b", "c"]}


def test_a_breakpoint_holds_the_whole_super_step(saver, config):
    built = StateGraph(State).add_node("a", says("a")).add_node("b", says("b"))
    graph = built.add_edge(START, "a").add_edge(START, "b").compile(saver, interrupt_before=["b"])
    assert graph.invoke({}, config) == {"log": []}
    assert graph.get_state(config).next == ("a", "b")
    assert graph.invoke(None, config) == {"log": ["a", "b"]}


def test_a_breakpoint_in_a_loop_holds_every_time(saver, config):
    built = line(a=says("a"))
    built.add_conditional_edges("a", lambda state: "a" if len(state["log"]) < 3 else "__end__")
    graph = built.compile(saver, interrupt_before=["a"])
    seen = [graph.invoke(input, config)["log"] for input in ({}, None, None, None)]
    assert seen == [[], ["a"], ["a"] * 2, ["a"] * 3]


def test_breakpoints_may_be_given_for_one_call(abc, saver, config):
    graph = abc.compile(saver)
    assert graph.invoke({}, config, interrupt_before=["b"]) == {"log": ["a"]}
    assert graph.invoke(None, config, interrupt_after="*") == {"log": ["a", "b"]}
    assert graph.invoke(None, config) == {"log": ["a", "b", "c"]}


def test_breakpoints_of_a_call_replace_those_of_compile(abc, saver, config):
    graph = abc.compile(saver, interrupt_before=["b"])
    assert graph.invoke({}, config, interrupt_before=["c"]) == {"log": ["a", "b"]}


def test_an_empty_list_switches_breakpoints_off_for_a_call(abc, saver, config):
    graph = abc.compile(saver, interrupt_before=["b"], interrupt_after=["a"])
    assert graph.invoke({}, config, interrupt_before=[], interrupt_after=[]) == {"log": ["a", "b", "c"]}


@pytest.mark.parametrize("which", ["interrupt_before", "interrupt_after"])
def test_an_unknown_name_is_an_error_with_a_suggestion(which, saver, config):
    built = line(draft=says("d"), review=says("r"))
    with pytest.raises(UnknownNodeError, match=f"{which}: there is no node 'revew'. Did you mean 'review'"):
        built.compile(saver, **{which: ["revew"]})
    graph = built.compile(saver)
    with pytest.raises(UnknownNodeError, match="Did you mean 'review'"):
        graph.invoke({}, config, **{which: ["revew"]})
    assert saver.threads() == []


def test_breakpoints_need_a_checkpointer(abc):
    with pytest.raises(CheckpointerRequired, match="breakpoints need a checkpointer"):
        abc.compile(interrupt_before=["b"]).invoke({})
    with pytest.raises(CheckpointerRequired):
        abc.compile().invoke({}, interrupt_after=["b"])


def test_an_answer_at_a_breakpoint_passes_it_and_answers_no_later_question(saver, config):
    graph = line(ask=lambda state: {"x": interrupt("sure?")}).compile(saver, interrupt_before=["ask"])
    graph.invoke({}, config)
    result = graph.invoke(Command(resume="yes"), config)
    assert [question.value for question in result["__interrupt__"]] == ["sure?"]
    assert graph.invoke(Command(resume="really"), config)["x"] == "really"


def test_a_breakpoint_does_not_hold_a_node_again_that_goes_on_after_its_question(saver, config):
    graph = line(ask=lambda state: {"x": interrupt("sure?")}).compile(saver, interrupt_before="*")
    graph.invoke({}, config)
    graph.invoke(None, config)
    assert graph.invoke(Command(resume="yes"), config)["x"] == "yes"


def test_a_breakpoint_that_was_passed_does_not_hold_the_retry_of_its_node(saver, config):
    broken = [True]

    def a(state):
        if broken:
            raise ValueError("broken")
        return {"log": ["a"]}

    graph = line(a=a).compile(saver, interrupt_before=["a"])
    graph.invoke({}, config)
    with pytest.raises(ValueError, match="broken"):
        graph.invoke(None, config)
    broken.clear()
    assert graph.invoke(None, config) == {"log": ["a"]}


def test_a_breakpoint_that_a_replay_passed_does_not_hold_the_retry_of_its_node(saver, config):
    broken = []

    def a(state):
        if broken:
            raise ValueError("broken")
        return {"log": ["a"]}

    graph = line(a=a).compile(saver, interrupt_before=["a"])
    graph.invoke({}, config)
    graph.invoke(None, config)
    old = next(s for s in graph.get_state_history(config) if s.next == ("a",))
    broken.append(True)
    with pytest.raises(ValueError, match="broken"):
        graph.invoke(None, old.config)
    broken.clear()
    assert graph.invoke(None, config) == {"log": ["a"]}


def test_new_input_at_a_breakpoint_starts_over_on_the_state_there_is(abc, config):
    graph = abc.compile(InMemorySaver(), interrupt_before=["b"])
    graph.invoke({"x": 1}, config)
    assert graph.invoke({"x": 2}, config) == {"x": 2, "log": ["a", "a"]}
    assert graph.get_state(config).next == ("b",)


def test_the_state_can_be_changed_at_a_breakpoint_and_the_run_goes_on_from_there(abc, saver, config):
    graph = abc.compile(saver, interrupt_before=["b"])
    graph.invoke({}, config)
    graph.update_state(config, {"log": ["person"]})
    assert graph.invoke(None, config) == {"log": ["a", "person", "b", "c"]}
