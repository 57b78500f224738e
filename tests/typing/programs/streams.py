"""Streaming, policies, typed outputs, the runtime and stores, tasks: the second half of the engine."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, TypedDict, assert_type

from nbhitl import (
    END,
    START,
    BaseStore,
    CachePolicy,
    CompiledGraph,
    GraphOutput,
    InMemoryCache,
    InMemorySaver,
    InMemoryStore,
    Interrupt,
    RetryPolicy,
    RunControl,
    Runtime,
    StateGraph,
    StreamWriter,
    TimeoutPolicy,
    entrypoint,
    get_stream_writer,
    stream_message,
    task,
)


class State(TypedDict, total=False):
    topic: str
    said: str


class Said(TypedDict):
    said: str


@dataclass
class Caller:
    name: str


def tokens() -> Iterator[str]:
    yield from ("tea ", "for ", "two")


async def later() -> AsyncIterator[str]:
    for token in tokens():
        yield token


def write(state: State, runtime: Runtime[Caller]) -> State:
    writer: StreamWriter = get_stream_writer()
    writer({"done": 1})
    runtime.stream_writer("half-way")
    assert_type(runtime.context, Caller)
    message = stream_message(tokens())
    assert_type(message, dict[str, Any])
    return {"said": f"{message['content']} for {runtime.context.name}"}


async def awrite(state: State, *, store: BaseStore) -> State:
    message = await stream_message(later())
    await store.aput(("said",), "last", message)
    item = await store.aget(("said",), "last")
    return {"said": str(item.value["content"]) if item else ""}


def typed() -> tuple[str, str]:
    builder = StateGraph(State, Caller, output_schema=Said)
    builder.add_node("write", write, retry_policy=RetryPolicy(max_attempts=2), cache_policy=CachePolicy(ttl=60))
    builder.add_edge(START, "write").add_edge("write", END)
    graph = builder.compile(InMemorySaver(), cache=InMemoryCache(), store=InMemoryStore())
    config = {"configurable": {"thread_id": "1"}}
    for mode, chunk in graph.stream({}, config, context=Caller("Ada"), stream_mode=["custom", "messages"]):
        print(mode, chunk)
    config = {"configurable": {"thread_id": "2"}}
    control = RunControl()
    output = graph.invoke({"topic": "tea"}, config, context={"name": "Alan"}, control=control, version="v2")
    assert_type(output, GraphOutput[Said])
    assert_type(output.interrupts, tuple[Interrupt, ...])
    assert_type(graph.invoke({"topic": "tea"}, config, context=Caller("Alan")), Any)

    async def run() -> str:
        builder = StateGraph(State).add_node("write", awrite, timeout=TimeoutPolicy(run_timeout=5))
        later = builder.add_edge(START, "write").compile(store=InMemoryStore())
        found = await later.ainvoke({}, version="v2")
        assert_type(found, GraphOutput[State])
        return found.value.get("said", "")

    return output.value["said"], asyncio.run(run())


@task
def double(number: int) -> int:
    return 2 * number


@task(name="three times", retry_policy=RetryPolicy())
async def triple(number: int) -> int:
    return 3 * number


@entrypoint(checkpointer=InMemorySaver())
def total(numbers: list[int], *, previous: int | None = None) -> entrypoint.final[int, int]:
    futures = [double(number) for number in numbers]
    found: int = sum(future.result() for future in futures)
    return entrypoint.final(value=found, save=found + (previous or 0))


@entrypoint()
async def atotal(numbers: list[int]) -> int:
    found: list[int] = [await triple(number) for number in numbers]
    return sum(found)


def functional() -> tuple[int, int]:
    config = {"configurable": {"thread_id": "1"}}
    first: int = total.invoke([1, 2], config)
    second = asyncio.run(atotal.ainvoke([1, 2], version="v2"))
    assert_type(total, CompiledGraph[Any, Any, list[int], int])
    assert_type(second, GraphOutput[int])
    return first, second.value


if __name__ == "__main__":
    assert typed() == ("tea for two for Alan", "tea for two")
    assert functional() == (6, 9)
