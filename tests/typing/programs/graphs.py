"""Graphs over each kind of state, as people write them. Read by mypy, and run."""

import asyncio
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict, assert_type

from pydantic import BaseModel

from nbhitl import END, START, Command, CompiledGraph, InMemorySaver, MessagesState, Send, StateGraph


class Trip(TypedDict):
    city: str
    days: int
    log: Annotated[list[str], operator.add]


class Wish(TypedDict):
    city: str


class Plan(TypedDict):
    days: int


def pack(state: Trip) -> dict[str, Any]:
    return {"log": [f"packed for {state['days']} days"]}


def leave(state: Trip) -> Command[Literal["pack", "__end__"]]:
    return Command(update={"days": 3}, goto="pack") if state["city"] else Command(goto=END)


def typed_dict() -> dict[str, Any]:
    builder = StateGraph(Trip).add_node("leave", leave).add_node(pack).add_edge(START, "leave")
    assert_type(builder, StateGraph[Trip, Any, Trip | Mapping[str, Any], Trip])
    graph = builder.compile(checkpointer=InMemorySaver(), name="trip")
    given: Trip = {"city": "Rome", "days": 1, "log": []}
    graph.invoke(given, {"configurable": {"thread_id": "whole"}})
    config = {"configurable": {"thread_id": "1"}}
    result: dict[str, Any] = graph.invoke({"city": "Rome"}, config)  # not every key has to be given
    snapshot = graph.get_state(config)
    assert_type(snapshot.next, tuple[str, ...])
    return result


def narrowed() -> Any:
    builder = StateGraph(Trip, input_schema=Wish, output_schema=Plan)
    assert_type(builder, StateGraph[Trip, Any, Wish, Plan])
    builder.add_node("leave", leave).add_node(pack).add_edge(START, "leave")
    return builder.compile().invoke({"city": "Oslo"})


@dataclass
class Count:
    number: int = 0


def up(state: Count) -> Count:
    return Count(state.number + 1)


async def up_later(state: Count) -> dict[str, int]:
    await asyncio.sleep(0)
    return {"number": state.number + 1}


def dataclass_state() -> list[Any]:
    builder: StateGraph[Count] = StateGraph(Count)
    builder.add_sequence([up, ("later", up_later)]).add_edge(START, "up")
    graph: CompiledGraph[Count] = builder.compile()

    async def run() -> list[Any]:
        return [chunk async for chunk in graph.astream(Count(1), stream_mode="updates")]

    return asyncio.run(run())


class Order(BaseModel):
    item: str
    prices: Annotated[list[float], operator.add] = []


def price(state: Order) -> dict[str, list[float]]:
    return {"prices": [float(len(state.item))]}


def fan_out(state: Order) -> list[Send]:
    return [Send("price", state), Send("price", state)]


def pydantic_state() -> Any:
    builder = StateGraph[Order](Order)
    builder.add_node("price", price)
    builder.add_conditional_edges(START, fan_out, ["price"])
    return builder.compile().invoke(Order(item="tea"))


class Chat(MessagesState):
    topic: str


def reply(state: Chat) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "content": state["topic"]}]}


def messages() -> Any:
    graph = StateGraph(Chat).add_node(reply).set_entry_point("reply").compile()
    return graph.invoke({"topic": "tea", "messages": [("user", "hello")]})


def joined(state: list[str]) -> list[str]:
    return [state[-1].upper()]


def bare_value() -> Any:
    builder = StateGraph(Annotated[list[str], operator.add])
    return builder.add_node("joined", joined).add_edge(START, "joined").compile().invoke(["a"])


def nested() -> Any:
    inner = StateGraph(Trip).add_node(pack).add_edge(START, "pack").compile()
    outer = StateGraph(Trip).add_node("inner", inner).add_edge(START, "inner").compile()
    return outer.invoke({"days": 2})


def takes_any(graph: CompiledGraph) -> str:
    return graph.name


if __name__ == "__main__":
    assert typed_dict()["log"] == ["packed for 3 days"]
    assert narrowed() == {"days": 3}
    assert dataclass_state() == [{"up": {"number": 2}}, {"later": {"number": 3}}]
    assert pydantic_state()["prices"] == [3.0, 3.0]
    assert messages()["messages"][-1]["content"] == "tea"
    assert bare_value() == ["a", "A"]
    assert nested()["log"] == ["packed for 2 days"]
    assert (
        takes_any(StateGraph(Trip, input_schema=Wish).add_node(pack).add_edge(START, "pack").compile(name="n")) == "n"
    )
