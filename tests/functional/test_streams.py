"""What a stream shows of entrypoints and tasks."""

import asyncio
from typing import TypedDict

import pytest

from nbhitl import START, Command, InMemorySaver, StateGraph, entrypoint, get_stream_writer, interrupt, task


@task
def write(topic):
    get_stream_writer()(f"writing about {topic}")
    return f"essay about {topic}"


@task
async def awrite(topic):
    get_stream_writer()(f"writing about {topic}")
    return f"essay about {topic}"


def reviewed(saver=None):
    @entrypoint(checkpointer=saver or InMemorySaver())
    def review(topic):
        essay = write(topic).result()
        return [essay, interrupt("ok?")]

    return review


def test_updates_are_the_results_of_the_tasks_and_then_that_of_the_entrypoint(saver, config):
    review = reviewed(saver)
    first, second = review.stream("cats", config)
    assert first == {"write": "essay about cats"}
    assert [one.value for one in second["__interrupt__"]] == ["ok?"]
    assert list(review.stream(Command(resume="yes"), config)) == [{"review": ["essay about cats", "yes"]}]


def test_values_are_the_result(config):
    @entrypoint(checkpointer=InMemorySaver())
    def main(n):
        return {"n": n}

    assert list(main.stream(1, config, stream_mode="values")) == [{"n": 1}]
    assert list(main.stream(2, config, stream_mode="values")) == [{"n": 2}]


def test_what_a_task_says_is_shown_as_said_by_its_caller(config):
    assert list(reviewed().stream("cats", config, stream_mode="custom")) == ["writing about cats"]
    spoken = list(reviewed().stream("cats", config, stream_mode=["custom", "updates"]))
    assert spoken[:2] == [("custom", "writing about cats"), ("updates", {"write": "essay about cats"})]


def test_tasks_of_tasks_are_shown_too():
    @task
    def outer(n):
        return write(n).result()

    @entrypoint()
    def main(n):
        return outer(n).result()

    assert [list(one) for one in main.stream(1)] == [["write"], ["outer"], ["main"]]


def test_the_mode_tasks_shows_the_arguments_of_a_call():
    @entrypoint()
    def main(n):
        return write(n).result()

    found = [one for one in main.stream("cats", stream_mode="tasks") if one["name"] == "write"]
    assert found[0]["input"] == (("cats",), {})
    assert found[1]["result"] == {"result": "essay about cats"}


def test_with_sub_graphs_tasks_are_in_the_namespace_of_their_caller(config):
    found = list(reviewed().stream("cats", config, subgraphs=True))
    assert found[0] == ((), {"write": "essay about cats"})


def test_the_tasks_of_a_node_come_before_the_node(config):
    class State(TypedDict):
        topic: str

    def node(state):
        return {"topic": write(state["topic"]).result()}

    graph = StateGraph(State).add_node(node).add_edge(START, "node").compile()
    assert list(graph.stream({"topic": "cats"})) == [
        {"write": "essay about cats"},
        {"node": {"topic": "essay about cats"}},
    ]


@pytest.mark.parametrize("mode", ["updates", "custom"])
def test_async_entrypoints_stream_as_well(mode, config):
    @entrypoint(checkpointer=InMemorySaver())
    async def main(topic):
        return await awrite(topic)

    async def story():
        return [one async for one in main.astream("cats", config, stream_mode=mode)]

    shown = {
        "updates": [{"awrite": "essay about cats"}, {"main": "essay about cats"}],
        "custom": ["writing about cats"],
    }
    assert asyncio.run(story()) == shown[mode]
