"""``context=``: what it is made into, what is refused, and who gets it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

import pydantic
import pytest

from nbhitl import (
    START,
    Command,
    InMemorySaver,
    NbhitlError,
    Session,
    StateGraph,
    UnknownKeyWarning,
    get_runtime,
    interrupt,
)


class State(TypedDict, total=False):
    found: Any


@dataclass
class Data:
    user: str
    limit: int = 3
    tags: list[str] = field(default_factory=list)


class Model(pydantic.BaseModel):
    user: str
    limit: int = 3


class Keys(TypedDict):
    user: str
    limit: NotRequired[int]


@dataclass
class Picky:
    user: str

    def __post_init__(self):
        if self.user != self.user.lower():
            raise ValueError("users are written in small letters")


def look(state, runtime):
    return {"found": runtime.context}


def compiled(schema=None, body=look, **options):
    return StateGraph(State, context_schema=schema).add_node("n", body).add_edge(START, "n").compile(**options)


@pytest.mark.parametrize(
    ("schema", "given", "expected"),
    [
        (Data, {"user": "anna"}, Data("anna")),
        (Data, {"user": "anna", "limit": 5}, Data("anna", 5)),
        (Data, Data("bo"), Data("bo")),
        (Model, {"user": "anna", "limit": "7"}, Model(user="anna", limit=7)),
        (Model, Model(user="bo"), Model(user="bo")),
        (Keys, {"user": "anna"}, {"user": "anna"}),
        (None, {"any": "thing"}, {"any": "thing"}),
        (None, 5, 5),
        (dict, {"any": "thing"}, {"any": "thing"}),
        (Data, None, None),
        (Model, None, None),
        (None, None, None),
    ],
)
def test_a_dict_is_made_into_what_the_schema_says(schema, given, expected):
    graph = compiled(schema)
    assert graph.invoke({}, context=given) == {"found": expected}
    assert asyncio.run(graph.ainvoke({}, context=given)) == {"found": expected}
    assert list(graph.stream({}, context=given)) == [{"n": {"found": expected}}]
    langgraph = pytest.importorskip("langgraph.graph")
    theirs = langgraph.StateGraph(State, context_schema=schema).add_node("n", look).add_edge(START, "n").compile()
    assert theirs.invoke({}, context=given) == {"found": expected}


@pytest.mark.parametrize(
    ("schema", "given", "said"),
    [
        (Data, {}, "context lacks 'user' of Data: give context={'user': ...}"),
        (Data, {"user": "a", "limt": 1}, "context has 'limt', which is no field of Data. Did you mean 'limit'"),
        (Data, 5, r"context=5 is of type int, .* give context=Data\(...\), or a dict"),
        (Data, Model(user="a"), "is of type Model, and the graph's context schema is Data"),
        (Model, {"limit": "many"}, "context is no Model: user: Field required; limit: Input should be a valid integer"),
        (Model, Data("a"), "is of type Data, and the graph's context schema is Model"),
        (Keys, {}, "context lacks 'user' of Keys"),
        (Keys, Data("a"), "is a TypedDict: give a dict"),
        (Picky, {"user": "Anna"}, "context is no Picky: users are written in small letters"),
    ],
)
def test_a_context_that_does_not_fit_is_refused_before_anything_is_written(schema, given, said):
    saver = InMemorySaver()
    graph = compiled(schema, checkpointer=saver)
    config = {"configurable": {"thread_id": "t"}}
    with pytest.raises(NbhitlError, match=said):
        graph.invoke({}, config, context=given)
    with pytest.raises(NbhitlError, match=said):
        list(graph.stream({}, config, context=given))
    with pytest.raises(NbhitlError, match=said):
        asyncio.run(graph.ainvoke({}, config, context=given))
    assert saver.threads() == []


def test_an_unknown_key_of_a_typed_dict_is_a_warning():
    with pytest.warns(UnknownKeyWarning, match="'limt', which is no key of Keys. Did you mean 'limit'"):
        found = compiled(Keys).invoke({}, context={"user": "anna", "limt": 1})
    assert found == {"found": {"user": "anna", "limt": 1}}


def test_a_context_is_not_stored_and_is_given_again_to_go_on():
    def body(state, runtime):
        interrupt("sure?")
        return {"found": runtime.context}

    graph = compiled(Data, body, checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}
    graph.invoke({}, config, context={"user": "anna"})
    assert graph.invoke(Command(resume=True), config, context={"user": "bo"}) == {"found": Data("bo")}
    graph.invoke({}, config, context={"user": "anna"})
    assert graph.invoke(Command(resume=True), config) == {"found": None}


@pytest.mark.parametrize("context", [None, {"user": "anna"}])
def test_a_body_that_trips_over_a_store_that_was_not_given_is_told_so(context):
    with pytest.raises(AttributeError) as caught:
        compiled(Data, lambda state, runtime: {"found": runtime.store.search(())}).invoke({}, context=context)
    assert any("The store is None" in note for note in caught.value.__notes__)
    assert not any("context" in note for note in caught.value.__notes__)


def test_a_body_that_trips_over_a_context_that_was_not_given_is_told_so():
    with pytest.raises(AttributeError) as caught:
        compiled(Data, lambda state, runtime: {"found": runtime.context.user}).invoke({})
    assert any("the call gave no context=" in note for note in caught.value.__notes__)
    with pytest.raises(TypeError) as caught:
        compiled(Keys, lambda state: {"found": get_runtime().context["user"]}).invoke({})
    assert any("the call gave no context=" in note for note in caught.value.__notes__)
    with pytest.raises(AttributeError) as caught:
        compiled(Data, lambda state, runtime: {"found": runtime.context.usr}).invoke({}, context={"user": "a"})
    assert not any("context=" in note for note in caught.value.__notes__)


def test_what_a_config_says_is_still_in_the_config():
    def body(state, config, runtime):
        return {"found": (config["configurable"]["model"], runtime.context)}

    assert compiled(Data, body).invoke({}, {"configurable": {"model": "m"}}) == {"found": ("m", None)}


def test_a_graph_can_be_given_a_context_for_all_calls():
    graph = compiled(Data)
    bound = graph.with_context({"user": "anna"})
    assert bound.invoke({}) == {"found": Data("anna")}
    assert bound.invoke({}, context={"user": "bo"}) == {"found": Data("bo")}
    assert graph.invoke({}) == {"found": None}
    with pytest.raises(NbhitlError, match="context lacks 'user'"):
        graph.with_context({})


def test_a_session_has_a_context_for_each_of_its_calls():
    def body(state, runtime):
        return {"found": (interrupt("sure?"), runtime.context)}

    graph = compiled(Data, body, checkpointer=InMemorySaver())
    session = Session(graph, "t", context={"user": "anna"})
    assert session.context == Data("anna")
    session.go({})
    session.answer(True)
    session.go()
    assert session.state().values == {"found": (True, Data("anna"))}
    session.context = Data("bo")
    session.go({})
    session.answer(False)
    session.go()
    assert session.state().values == {"found": (False, Data("bo"))}
    with pytest.raises(NbhitlError, match="context=5 is of type int"):
        session.context = 5
    assert session.context == Data("bo")
