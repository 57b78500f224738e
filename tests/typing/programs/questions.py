"""Questions and who answers them: the type of an answer follows from what was asked for."""

import enum
from typing import Annotated, Any, Literal, NotRequired, TypedDict, assert_type

from pydantic import BaseModel, Field

from nbhitl import (
    START,
    Command,
    DuckDBSaver,
    InMemorySaver,
    Interrupt,
    Session,
    StateGraph,
    answering,
    approve,
    ask,
    ask_until,
    choose,
    edit,
    interrupt,
    once,
    review_tools,
)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    number: Annotated[int, Field(ge=1)] = 1


class Verdict(TypedDict):
    good: bool
    why: NotRequired[str]


class State(TypedDict, total=False):
    name: str
    facts: list[str]


def odd(number: int) -> str | None:
    return "odd" if number % 2 else None


def asks(state: State) -> State:
    assert_type(interrupt("Free?"), Any)
    assert_type(interrupt("Where?", response_schema=Address), Address)
    assert_type(interrupt("Well?", response_schema=Verdict, key="verdict"), Verdict)
    assert_type(interrupt("Which?", response_schema=Color), Color)
    assert_type(interrupt("How many?", response_schema=int, deadline=60, default=1), int)
    assert_type(interrupt("Which?", response_schema=Literal["a", "b"]), Any)
    assert_type(interrupt("Raw?", response_schema={"type": "string"}), Any)
    assert_type(approve("Publish?", state), bool)
    assert_type(choose("Which?", ["a", "b"]), str)
    assert_type(choose("Which?", {"first": 1, "second": 2}, many=True), list[int])
    assert_type(ask("Your name?"), str)
    assert_type(ask("How many?", int, "a note", at_least=1), int)
    assert_type(ask("Where?", Address), Address)
    assert_type(ask("Which?", Literal["a", "b"]), Any)
    assert_type(ask_until("Even?", int, check=odd), int)
    assert_type(ask_until("Who?", check=lambda name: None if name.title() else "empty"), str)
    assert_type(edit(Address(street="Elm")), Address)
    review_tools([{"name": "search", "args": {"q": "tea"}}])
    assert_type(once("length", len, [1, 2]), int)
    return {"name": "asked"}


async def fetch(url: str, *, times: int) -> bytes:
    return url.encode() * times


async def effects(state: State) -> State:
    assert_type(await once("fetch", fetch, "a", times=2), bytes)
    return state


def greet(state: State) -> State:
    return {"name": ask("Your name?").title()}


def answers() -> tuple[str, str, bool]:
    builder = StateGraph(State).add_node(greet).add_edge(START, "greet")
    graph = builder.compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    pending: list[Interrupt] = graph.invoke({}, config)["__interrupt__"]
    first: str = graph.invoke(Command(resume={pending[0].id: "ada"}), config)["name"]
    with answering({"greet": "grace"}):
        second: str = graph.invoke({}, {"configurable": {"thread_id": "2"}})["name"]
    session = Session(graph, "3")
    session.go({})
    session.answer("alan")
    return first, second, session.go().reason == "finished"


def in_a_file(path: str) -> None:
    with DuckDBSaver(path) as saver:
        StateGraph(State).add_node(greet).add_edge(START, "greet").compile(saver).invoke(
            {}, {"configurable": {"thread_id": "1"}}
        )


if __name__ == "__main__":
    assert answers() == ("Ada", "Grace", True)
