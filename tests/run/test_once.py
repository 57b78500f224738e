"""`once`: an effect that happened is not repeated, whatever becomes of its node."""

import asyncio
import operator
from typing import Annotated, TypedDict

import pytest

from nbhitl import (
    START,
    Command,
    DuckDBSaver,
    InMemorySaver,
    NbhitlError,
    Send,
    StateGraph,
    UnstorableValueError,
    interrupt,
)
from nbhitl.run.context import once


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


def fan(**nodes):
    built = StateGraph(State)
    for name, action in nodes.items():
        built.add_node(name, action).add_edge(START, name)
    return built


class Effects:
    """Counts what it is asked to do."""

    def __init__(self):
        self.done = []

    def __call__(self, what):
        self.done.append(what)
        return f"{what} {len(self.done)}"

    async def later(self, what):
        await asyncio.sleep(0)
        return self(what)


@pytest.fixture
def send():
    return Effects()


def test_an_effect_before_a_question_is_done_once_and_its_result_stays(send, saver, config):
    def body(state):
        mail = once("mail", send, "hello")
        return {"log": [mail, interrupt("sure?"), interrupt("really?"), once("mail", send, "other")]}

    graph = fan(body=body).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume=1), config)
    assert graph.invoke(Command(resume=2), config)["log"] == ["hello 1", 1, 2, "hello 1"]
    assert send.done == ["hello"]


def test_an_async_effect_is_done_once(send, saver, config):
    async def body(state):
        return {"log": [await once("mail", send.later, "hello"), interrupt("sure?")]}

    async def run():
        graph = fan(body=body).compile(saver)
        await graph.ainvoke({}, config)
        return await graph.ainvoke(Command(resume=1), config)

    assert asyncio.run(run())["log"] == ["hello 1", 1]
    assert send.done == ["hello"]


def test_in_a_loop_each_key_is_an_effect_of_its_own(send, saver, config):
    def body(state):
        return {"log": [(once(f"mail {name}", send, name), interrupt(f"{name}?")) for name in "abc"]}

    graph = fan(body=body).compile(saver)
    graph.invoke({}, config)
    for _ in range(3):
        found = graph.invoke(Command(resume="y"), config)
    assert found["log"] == [("a 1", "y"), ("b 2", "y"), ("c 3", "y")]
    assert send.done == ["a", "b", "c"]


def test_a_result_is_kept_over_a_failure_and_a_retry(send, saver, config):
    def body(state):
        once("mail", send, "hello")
        if len(tries := [*state.get("log", ()), *broken]) < 1:
            return {"log": tries}
        broken.clear()
        raise OSError("gone")

    broken = ["once"]
    graph = fan(body=body).compile(saver)
    with pytest.raises(OSError, match="gone"):
        graph.invoke({}, config)
    graph.invoke(None, config)
    assert send.done == ["hello"]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_a_result_is_in_the_file_when_the_process_ends_behind_it(durability, send, tmp_path, config):
    class Killed(BaseException):
        pass

    def dies(state):
        once("mail", send, "hello")
        raise Killed

    def lives(state):
        return {"log": [once("mail", send, "hello")]}

    with DuckDBSaver(tmp_path / "t.duckdb") as saver, pytest.raises(Killed):
        fan(body=dies).compile(saver).invoke({"x": 1}, config, durability=durability)
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = fan(body=lives).compile(saver)
        assert graph.get_state(config).next == ("body",)
        assert graph.invoke(None, config, durability=durability) == {"x": 1, "log": ["hello 1"]}
    assert send.done == ["hello"]


def test_a_result_that_is_none_is_a_result(saver, config):
    calls = []

    def body(state):
        return {"x": (once("e", calls.append, 1), interrupt("sure?"))}

    graph = fan(body=body).compile(saver)
    graph.invoke({}, config)
    assert graph.invoke(Command(resume=1), config)["x"] == (None, 1)
    assert calls == [1]


def test_arguments_are_handed_on(saver, config):
    def effect(*args, **kwargs):
        return [args, kwargs]

    def body(state):
        return {"x": once("e", effect, 1, 2, three=3)}

    assert fan(body=body).compile(saver).invoke({}, config)["x"] == [(1, 2), {"three": 3}]


def test_a_function_that_raises_keeps_nothing_and_is_called_again(send, saver, config):
    def first_fails(what):
        send(what)
        if len(send.done) == 1:
            raise OSError("gone")
        return "ok"

    def body(state):
        return {"x": once("mail", first_fails, "hello")}

    graph = fan(body=body).compile(saver)
    with pytest.raises(OSError, match="gone"):
        graph.invoke({}, config)
    assert graph.invoke(None, config)["x"] == "ok"
    assert send.done == ["hello", "hello"]


def test_a_result_that_cannot_be_stored_fails_the_node_and_says_where(tmp_path, config):
    def body(state):
        once("lock", object)

    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = fan(body=body).compile(saver)
        with pytest.raises(UnstorableValueError) as caught:
            graph.invoke({}, config)
        assert "in node 'body'" in caught.value.__notes__
        assert graph.get_state(config).metadata["stop"] == "failed"


def test_each_task_has_its_own_effects(send, saver, config):
    def body(arg):
        return {"log": [once("mail", send, arg["to"]) if arg else None]}

    built = StateGraph(State).add_node("body", body)
    built.add_conditional_edges(START, lambda state: [Send("body", {"to": name}) for name in "ab"], ["body"])
    found = built.compile(saver).invoke({}, config)["log"]
    assert sorted(text[0] for text in found) == ["a", "b"]
    assert sorted(send.done) == ["a", "b"]


def test_a_later_visit_of_the_node_does_it_again(send, saver, config):
    def body(state):
        return {"log": [once("mail", send, "hello")]}

    built = fan(body=body)
    built.add_conditional_edges("body", lambda state: "body" if len(state["log"]) < 2 else "__end__")
    assert built.compile(saver).invoke({}, config)["log"] == ["hello 1", "hello 2"]


def test_a_fork_with_a_new_answer_keeps_the_effect_and_a_replay_does_it_again(send, saver, config):
    def body(state):
        return {"log": [once("mail", send, "hello"), interrupt("sure?")]}

    graph = fan(body=body).compile(saver)
    graph.invoke({}, config)
    at = graph.get_state(config).config
    graph.invoke(Command(resume="no"), config)
    assert graph.invoke(Command(resume="yes"), at)["log"] == ["hello 1", "yes"]
    assert send.done == ["hello"]
    graph.invoke(None, at)
    assert send.done == ["hello", "hello"]


def test_without_a_checkpointer_it_is_done_each_time_its_node_runs(send):
    def body(state):
        return {"log": [once("mail", send, "hello"), once("mail", send, "hello")]}

    assert fan(body=body).compile().invoke({})["log"] == ["hello 1", "hello 1"]


@pytest.mark.parametrize("key", ["", None, len])
def test_an_effect_needs_a_name(key, config):
    with pytest.raises(NbhitlError, match=r"once\(.*give the effect a name first"):
        fan(body=lambda state: once(key, len, "")).compile(InMemorySaver()).invoke({}, config)


def test_outside_a_node_there_is_nothing_to_keep_it_in():
    with pytest.raises(NbhitlError, match=r"once\(\) was called outside a node"):
        once("mail", len, "")
