"""The pause is a signal: ``except Exception`` lets it pass, and a body that swallows it is told so."""

import asyncio
import operator
from typing import Annotated, TypedDict

import pytest

from nbhitl import (
    START,
    Command,
    GraphInterrupt,
    InMemorySaver,
    PauseSwallowed,
    StateGraph,
    interrupt,
)


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


def one(body):
    return StateGraph(State).add_node("body", body).add_edge(START, "body")


def pending(graph, config):
    return sorted(question.value for question in graph.get_state(config).interrupts)


def test_except_exception_lets_the_pause_pass(saver, config):
    def body(state):
        try:
            return {"x": interrupt("sure?")}
        except Exception:  # noqa: BLE001 - what this is about
            return {"x": "swallowed"}

    graph = one(body).compile(saver)
    assert graph.invoke({}, config)["__interrupt__"][0].value == "sure?"
    assert graph.invoke(Command(resume="yes"), config)["x"] == "yes"


def test_finally_and_context_managers_run_when_a_body_pauses(saver, config):
    closed = []

    def body(state):
        try:
            return {"x": interrupt("sure?")}
        finally:
            closed.append(True)

    one(body).compile(saver).invoke({}, config)
    assert closed == [True]


def bare_except(state):
    try:
        interrupt("sure?")
    except:  # noqa: E722 - what this is about
        return {"x": "swallowed"}


def except_base_exception(state):
    try:
        interrupt("sure?")
    except BaseException:  # noqa: BLE001 - what this is about
        return {"x": "swallowed"}


def return_in_finally(state):
    try:
        interrupt("sure?")
    finally:
        return {"x": "swallowed"}  # noqa: B012 - what this is about


@pytest.mark.parametrize("body", [bare_except, except_base_exception, return_in_finally])
def test_a_body_that_goes_on_after_its_pause_is_an_error_that_names_it(body, saver, config):
    graph = one(body).compile(saver)
    with pytest.raises(PauseSwallowed, match=r"node 'body' went on after interrupt\(\)"):
        graph.invoke({}, config)
    state = graph.get_state(config)
    assert (state.values, state.metadata["stop"]) == ({"log": []}, "failed")


def test_a_gather_that_returns_exceptions_swallows_the_pause(saver, config):
    async def question():
        return interrupt("sure?")

    async def body(state):
        await asyncio.gather(question(), return_exceptions=True)
        return {"x": "swallowed"}

    with pytest.raises(PauseSwallowed):
        asyncio.run(one(body).compile(saver).ainvoke({}, config))


def test_a_body_that_asks_again_after_it_swallowed_a_pause_is_an_error(saver, config):
    def body(state):
        try:
            interrupt("first?")
        except BaseException:  # noqa: BLE001 - what this is about
            pass
        return {"x": interrupt("second?")}

    with pytest.raises(PauseSwallowed):
        one(body).compile(saver).invoke({}, config)


def test_a_body_that_asks_again_by_a_key_after_it_swallowed_a_pause_is_an_error(config):
    def body(state):
        try:
            interrupt("first?", key="first")
        except BaseException:  # noqa: BLE001 - what this is about
            pass
        return {"x": interrupt("second?", key="second")}

    with pytest.raises(PauseSwallowed):
        one(body).compile(InMemorySaver()).invoke({}, config)


def test_a_body_that_catches_the_pause_and_raises_it_again_pauses(saver, config):
    def body(state):
        try:
            return {"x": interrupt("sure?")}
        except GraphInterrupt:
            raise

    assert one(body).compile(saver).invoke({}, config)["__interrupt__"][0].value == "sure?"


def test_a_pause_inside_a_task_group_is_a_pause(saver, config):
    async def body(state):
        async with asyncio.TaskGroup() as group:
            answer = group.create_task(ask("sure?"))
        return {"x": answer.result()}

    async def ask(text):
        return interrupt(text)

    async def run():
        graph = one(body).compile(saver)
        assert (await graph.ainvoke({}, config))["__interrupt__"][0].value == "sure?"
        return await graph.ainvoke(Command(resume="yes"), config)

    assert asyncio.run(run())["x"] == "yes"


def test_two_keyed_questions_in_a_task_group_are_asked_at_once_and_answered_one_by_one(saver, config):
    async def ask(text):
        return interrupt(text, key=text)

    async def body(state):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(text)) for text in ("a?", "b?")]
        return {"log": [task.result() for task in tasks]}

    async def run():
        graph = one(body).compile(saver)
        await graph.ainvoke({}, config)
        assert pending(graph, config) == ["a?", "b?"]
        ids = {question.value: question.id for question in graph.get_state(config).interrupts}
        await graph.ainvoke(Command(resume={ids["b?"]: "B"}), config)
        assert pending(graph, config) == ["a?"]
        return await graph.ainvoke(Command(resume="A"), config)

    assert asyncio.run(run())["log"] == ["A", "B"]


def test_questions_without_a_key_in_a_task_group_are_an_error_that_names_the_cure(config):
    async def ask(text):
        return interrupt(text)

    async def body(state):
        async with asyncio.TaskGroup() as group:
            for text in ("a?", "b?"):
                group.create_task(ask(text))

    with pytest.raises(
        PauseSwallowed, match="asks several questions side by side.*key="
    ):  # no group: it names the cure
        asyncio.run(one(body).compile(InMemorySaver()).ainvoke({}, config))


def test_a_pause_in_a_nested_group_is_found(config):
    def body(state):
        try:
            interrupt("deep?")
        except GraphInterrupt as pause:
            raise BaseExceptionGroup("outer", [BaseExceptionGroup("inner", [pause])]) from None

    graph = one(body).compile(InMemorySaver())
    assert graph.invoke({}, config)["__interrupt__"][0].value == "deep?"


def test_a_failure_beside_a_pause_in_a_group_fails_the_node(saver, config):
    broken = [True]

    async def fail():
        if broken:
            raise ValueError("broken")

    async def ask():
        return interrupt("sure?")

    async def body(state):
        async with asyncio.TaskGroup() as group:
            answer = group.create_task(ask())
            group.create_task(fail())
        return {"x": answer.result()}

    async def run():
        graph = one(body).compile(saver)
        with pytest.raises(BaseExceptionGroup) as caught:
            await graph.ainvoke({}, config)
        assert caught.value.subgroup(ValueError) is not None
        assert graph.get_state(config).metadata["stop"] == "failed"
        broken.clear()
        await graph.ainvoke(None, config)
        return await graph.ainvoke(Command(resume="yes"), config)

    assert asyncio.run(run())["x"] == "yes"


def test_a_group_of_ordinary_exceptions_fails_the_node(saver, config):
    def body(state):
        raise ExceptionGroup("several", [ValueError("one"), KeyError("two")])

    graph = one(body).compile(saver)
    with pytest.raises(ExceptionGroup, match="several"):
        graph.invoke({}, config)
    assert graph.get_state(config).metadata["stop"] == "failed"
