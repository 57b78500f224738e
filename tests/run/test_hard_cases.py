"""Cases that a merciless user found: each looked right until the body ran again, or somebody wrote beside it."""

import asyncio
import operator
import threading
from typing import Annotated, Any, TypedDict

import pytest

from nbhitl import (
    START,
    CheckpointerRequired,
    Command,
    NbhitlError,
    PendingInterruptError,
    SchemaError,
    Send,
    StateGraph,
    ThreadBusyError,
    UnknownInterruptError,
    interrupt,
    once,
)


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]
    x: int
    y: Any


def asks(name):
    return lambda state: {"log": [name + interrupt(name)]}


def alone(body):
    return StateGraph(State).add_node("b", body).add_edge(START, "b")


def memory(**nodes):
    return (
        StateGraph(State)
        .add_sequence(list(nodes.items()))
        .add_edge(START, next(iter(nodes)))
        .compile(checkpointer=True)
    )


def counts(state):
    return {"x": state.get("x", 0) + 1}


def test_calls_of_a_sub_graph_that_remembers_return_their_own_results_when_the_body_runs_again(saver, config):
    sub, seen = memory(k=lambda state: {"log": [state["y"]]}), []

    def body(state):
        seen.append([len(sub.invoke({"y": number})["log"]) for number in (1, 2, 3)])
        return {"log": [*seen[-1], interrupt("sure?")]}

    graph = alone(body).compile(saver)
    graph.invoke({}, config)
    assert graph.invoke(Command(resume="yes"), config)["log"] == [1, 2, 3, "yes"]
    assert seen == [[1, 2, 3], [1, 2, 3]]


@pytest.mark.parametrize("how", ["command", "edit", "goto"])
def test_a_deferred_node_waits_for_a_question_that_an_edit_left_open(saver, config, how):
    built = StateGraph(State).add_node("a", asks("a")).add_node("b", asks("b"))
    built.add_node("z", lambda state: {"log": ["z"]}, defer=True)
    for name in "ab":
        built.add_edge(START, name).add_edge(name, "z")
    graph = built.compile(saver)
    graph.invoke({}, config)
    first = next(q.id for q in graph.get_state(config).interrupts if q.value == "a")
    graph.invoke(Command(resume={first: "1"}), config)
    if how == "command":
        graph.invoke(Command(update={"log": ["me"]}), config)
    elif how == "goto":
        graph.invoke(Command(goto="z", update={"log": ["me"]}), config)
    else:
        graph.update_state(config, {"log": ["me"]}, as_node="a")
    assert graph.invoke(Command(resume="2"), config)["log"] == ["a1", "me", "b2", "z"]


def test_a_thread_that_is_run_cannot_be_edited(saver, config):
    begun, end = threading.Event(), threading.Event()

    def slow(state):
        begun.set()
        end.wait(10)

    graph = alone(slow).compile(saver)
    run = threading.Thread(target=graph.invoke, args=({"log": ["in"]}, config))
    run.start()
    begun.wait(10)
    with pytest.raises(ThreadBusyError):
        graph.update_state(config, {"log": ["lost"]})
    end.set()
    run.join()
    graph.update_state(config, {"log": ["kept"]})
    assert graph.get_state(config).values["log"] == ["in", "kept"]


def test_the_memory_of_a_sub_graph_can_be_edited_between_its_calls(saver, config):
    sub = memory(k=counts)
    graph = alone(lambda state: {"log": [sub.invoke({"y": 1})["x"]]}).compile(saver)
    graph.invoke({}, config)
    inner = {"configurable": {**config["configurable"], "checkpoint_ns": "b"}}
    graph.update_state(inner, {"x": 500}, as_node="k")
    assert graph.invoke({}, config)["log"] == [1, 501]
    assert graph.invoke({}, config)["log"] == [1, 501, 502]


def test_a_call_that_is_under_way_is_no_memory_yet(saver, config):
    sub = memory(k=counts, q=asks("q"))
    graph = alone(lambda state: {"log": [sub.invoke({})["x"]]}).compile(saver)
    graph.invoke({}, config)
    for _ in range(2):
        graph.update_state(config, {"log": []})
    graph.invoke(None, list(graph.get_state_history(config))[1].config)
    assert graph.invoke(Command(resume="!"), config)["log"] == [1]


def test_writing_for_one_of_several_sends_leaves_the_others_waiting(saver, config):
    built = StateGraph(State).add_node("w", lambda state: {"log": [interrupt(state["x"])]})
    built.add_conditional_edges(START, lambda state: [Send("w", {"x": number}) for number in range(3)], ["w"])
    graph = built.compile(saver)
    graph.invoke({"x": 0}, config)
    graph.update_state(config, {"log": ["by hand"]}, task_id=graph.get_state(config).tasks[1].id)
    found = graph.get_state(config)
    assert (found.next, [q.value for q in found.interrupts], found.values["log"]) == (("w", "w"), [0, 2], ["by hand"])


def test_the_same_effect_side_by_side_is_an_error_and_happens_once(saver, config):
    sent = []

    async def send():
        await asyncio.sleep(0.01)
        sent.append(1)

    async def body(state):
        await asyncio.gather(once("mail", send), once("mail", send))

    with pytest.raises(NbhitlError, match=r"once\('mail', ...\) while an earlier such call is under way"):
        asyncio.run(alone(body).compile(saver).ainvoke({}, config))
    assert len(sent) <= 1


def test_new_input_by_update_state_does_not_throw_a_question_away(saver, config):
    graph = alone(asks("q")).compile(saver)
    graph.invoke({}, config)
    with pytest.raises(PendingInterruptError):
        graph.update_state(config, {"log": ["new"]}, as_node="__input__")
    assert graph.invoke(Command(resume="A"), config)["log"] == ["qA"]


def test_a_refused_answer_renames_nothing(saver, config):
    def built(name):
        return StateGraph(State).add_node(name, asks("q")).add_edge(START, name).compile(saver)

    built("ask").invoke({}, config)
    with pytest.raises(UnknownInterruptError):
        built("asks").invoke(Command(resume={"f" * 16: 1}), config, rename={"ask": "asks"})
    assert built("ask").invoke(Command(resume="A"), config)["log"] == ["qA"]


def test_an_effect_that_nobody_would_remember_is_refused(saver, config):
    sub = alone(lambda state: {"log": [once("k", list)]}).compile(checkpointer=False)
    with pytest.raises(CheckpointerRequired, match=r"once\(\).*leave checkpointer= out"):
        alone(lambda state: sub.invoke({})).compile(saver).invoke({}, config)


def test_a_default_that_does_not_fit_its_schema_is_named(saver, config):
    graph = alone(lambda state: interrupt("q", response_schema=int, deadline=9, default="no int")).compile(saver)
    with pytest.raises(SchemaError, match="default='no int'"):
        graph.invoke({}, config)


@pytest.mark.parametrize("wrong", ["thread", {"configurable": None}])
def test_a_config_that_is_none_is_named(saver, wrong):
    with pytest.raises(NbhitlError, match="config is .*give a dict"):
        alone(counts).compile(saver).invoke({}, wrong)


def test_a_reducer_that_raises_names_its_key(saver, config):
    def refuses(old, new):
        raise ValueError("no")

    class Refusing(TypedDict, total=False):
        log: Annotated[list, refuses]

    graph = StateGraph(Refusing).add_node("b", lambda state: {"log": [1]}).add_edge(START, "b").compile(saver)
    with pytest.raises(ValueError, match="no") as caught:
        graph.invoke({}, config)
    assert caught.value.__notes__ == ["in the reducer of state key 'log'"]
