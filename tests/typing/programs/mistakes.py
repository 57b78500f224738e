"""Mistakes that a type checker has to find: each line with a comment is one, and no other. Never run."""

from typing import Any, Literal, TypedDict

import nbhitl
from nbhitl import Command, InMemorySaver, Send, StateGraph, approve, ask, choose, edit, interrupt, once


class Trip(TypedDict):
    city: str
    days: int


class Wish(TypedDict):
    city: str


def pack(state: Trip) -> dict[str, Any]:
    return {"days": 2}


def leave(state: Trip) -> Command[Literal["pack"]]:
    if state["city"] == "Rome":
        return Command(goto="pakc")  # E: arg-type
    return Command(goto=3)  # E: arg-type


builder = StateGraph(Trip, input_schema=Wish)
builder.add_node("pack", 3)  # E: arg-type
builder.add_node("pack", pack, defre=True)  # E: call-arg
builder.add_edge("pack", None)  # E: arg-type
builder.add_edges("pack", "leave")  # E: attr-defined
graph = builder.compile(checkpointer=InMemorySaver)  # E: arg-type
graph.invoke({"days": 1})  # E: call-overload
graph.invoke({"town": "Rome"})  # E: call-overload
graph.invoke(3)  # E: call-overload
graph.invoke({"city": "Rome"}, durability="exti")  # E: call-overload
graph.invoke({"city": "Rome"}, resume=1)  # E: call-overload
graph.get_state(thread="1")  # E: call-arg
StateGraph(Trip).compile().invoke("Rome")  # E: call-overload
Send("pack")  # E: call-arg

number: str = interrupt("How many?", response_schema=int)  # E: assignment
name: int = ask("Your name?")  # E: assignment
sure: str = approve("Sure?")  # E: assignment
which: int = choose("Which?", ["a", "b"])  # E: assignment
text: int = edit("draft")  # E: assignment
length: str = once("length", len, [1])  # E: assignment
once("length", len, 3)  # E: arg-type


@nbhitl.task
def double(number: int) -> int:
    return 2 * number


@nbhitl.entrypoint()
def total(numbers: list[int]) -> int:
    double("one")  # E: arg-type
    found: str = double(1).result()  # E: assignment
    return len(found)


total.invoke("one")  # E: call-overload
print(graph.invoke(None, version="v2").valeu)  # E: attr-defined
StateGraph(Trip, Wish).compile().invoke(None, context=3)  # E: call-overload
nbhitl.interupt("How many?")  # E: attr-defined
nbhitl.StateGraf(Trip)  # E: attr-defined
