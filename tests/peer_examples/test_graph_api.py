"""LangGraph's pages "Graph API" and "Use the graph API": state, reducers, schemas, branches, loops, Send, Command."""

import operator
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Annotated, Literal, NotRequired, TypedDict

import pytest
from pydantic import BaseModel, ValidationError


class Log(TypedDict):
    log: Annotated[list[str], operator.add]


def says(name):
    return lambda state: {"log": [name]}


def graph_of(lg, names, edges, **deferred):
    builder = lg.StateGraph(Log)
    for name in names:
        builder.add_node(name, says(name), **({"defer": True} if deferred.get(name) else {}))
    for start, end in edges:
        builder.add_edge(start, end)
    return builder


# -- state and reducers


def test_a_node_returns_an_update_and_the_result_is_the_whole_state(lg):
    class State(TypedDict, total=False):
        messages: list[str]
        extra: int

    def node(state: State):
        return {"messages": [*state["messages"], "Hello!"], "extra": 10}

    graph = lg.StateGraph(State).add_node(node).set_entry_point("node").compile()
    assert graph.invoke({"messages": ["Hi"]}) == {"messages": ["Hi", "Hello!"], "extra": 10}


def test_without_a_reducer_an_update_replaces_the_value(lg):
    class State(TypedDict):
        foo: int
        bar: list[str]

    graph = (
        lg.StateGraph(State)
        .add_node("one", lambda state: {"foo": 2})
        .add_node("two", lambda state: {"bar": ["bye"]})
        .add_edge(lg.START, "one")
        .add_edge("one", "two")
        .compile()
    )
    assert list(graph.stream({"foo": 1, "bar": ["hi"]}, stream_mode="values")) == [
        {"foo": 1, "bar": ["hi"]},
        {"foo": 2, "bar": ["hi"]},
        {"foo": 2, "bar": ["bye"]},
    ]


def test_with_a_reducer_an_update_is_added_to_the_value(lg):
    class State(TypedDict):
        foo: int
        bar: Annotated[list[str], operator.add]

    graph = (
        lg.StateGraph(State)
        .add_node("one", lambda state: {"foo": 2})
        .add_node("two", lambda state: {"bar": ["bye"]})
        .add_edge(lg.START, "one")
        .add_edge("one", "two")
        .compile()
    )
    assert graph.invoke({"foo": 1, "bar": ["hi"]}) == {"foo": 2, "bar": ["hi", "bye"]}


def test_a_reducer_gets_the_value_and_then_the_update(lg):
    seen = []

    def append(left: list[str], right: list[str]) -> list[str]:
        seen.append((list(left), list(right)))
        return left + right

    class State(TypedDict):
        tags: Annotated[list[str], append]

    graph = lg.StateGraph(State).add_node("node", lambda s: {"tags": ["review"]}).add_edge(lg.START, "node").compile()
    assert graph.invoke({"tags": ["draft"]}) == {"tags": ["draft", "review"]}
    assert seen[-1] == (["draft"], ["review"])


def test_an_empty_update_does_not_clear_what_a_reducer_gathered(lg):
    graph = lg.StateGraph(Log).add_node("node", lambda s: {"log": []}).add_edge(lg.START, "node").compile()
    assert graph.invoke({"log": ["kept"]}) == {"log": ["kept"]}


def test_a_reducer_of_ones_own_may_clear(lg):
    def merge(left: list[str], right: list[str] | None) -> list[str]:
        return [] if right is None else left + right

    class State(TypedDict):
        errors: Annotated[list[str], merge]

    graph = lg.StateGraph(State).add_node("clear", lambda s: {"errors": None}).add_edge(lg.START, "clear").compile()
    assert graph.invoke({"errors": ["one", "two"]}) == {"errors": []}


def test_a_reducer_that_replaces_lets_an_empty_update_clear(lg):
    class State(TypedDict):
        errors: Annotated[list[str], lambda left, right: right]

    graph = lg.StateGraph(State).add_node("clear", lambda s: {"errors": []}).add_edge(lg.START, "clear").compile()
    assert graph.invoke({"errors": ["one", "two"]}) == {"errors": []}


def test_a_node_may_return_nothing_or_the_state_itself(lg):
    class State(TypedDict):
        foo: str

    graph = (
        lg.StateGraph(State)
        .add_sequence([("nothing", lambda state: None), ("empty", lambda state: {}), ("same", lambda state: state)])
        .add_edge(lg.START, "nothing")
        .compile()
    )
    assert graph.invoke({"foo": "x"}) == {"foo": "x"}


def test_a_node_that_returns_something_else_is_an_error(lg):
    graph = lg.StateGraph(Log).add_node("node", lambda state: ["log"]).add_edge(lg.START, "node").compile()
    with pytest.raises(lg.InvalidUpdateError):
        graph.invoke({"log": []})


def test_two_parallel_updates_of_a_key_without_reducer_are_an_error(lg):
    class State(TypedDict):
        foo: str

    graph = (
        lg.StateGraph(State)
        .add_node("a", lambda state: {"foo": "a"})
        .add_node("b", lambda state: {"foo": "b"})
        .add_edge(lg.START, "a")
        .add_edge(lg.START, "b")
        .compile()
    )
    with pytest.raises(lg.InvalidUpdateError, match="foo"):
        graph.invoke({"foo": ""})


# -- messages


def test_messages_state_appends_and_takes_short_forms(lg):
    class State(lg.MessagesState):
        documents: NotRequired[list[str]]

    def node(state: State):
        return {"messages": [{"role": "assistant", "content": f"You said {lg.text(state['messages'][-1])}"}]}

    graph = lg.StateGraph(State).add_node(node).add_edge(lg.START, "node").compile()
    result = graph.invoke({"messages": [{"role": "user", "content": "Hi"}], "documents": ["d"]})
    assert [lg.text(one) for one in result["messages"]] == ["Hi", "You said Hi"]
    assert result["documents"] == ["d"]


def test_add_messages_replaces_a_message_with_the_same_id(lg):
    class State(TypedDict):
        messages: Annotated[list, lg.add_messages]

    def correct(state: State):
        return {"messages": [{"role": "user", "content": "Hello", "id": "1"}]}

    graph = lg.StateGraph(State).add_node(correct).add_edge(lg.START, "correct").compile()
    result = graph.invoke(
        {"messages": [{"role": "user", "content": "Helo", "id": "1"}, {"role": "user", "content": "you", "id": "2"}]}
    )
    assert [lg.text(one) for one in result["messages"]] == ["Hello", "you"]


def test_add_messages_is_a_function_too(lg):
    one = lg.add_messages([], [{"role": "user", "content": "a", "id": "1"}])
    two = lg.add_messages(one, {"role": "assistant", "content": "b", "id": "2"})
    assert [lg.text(message) for message in two] == ["a", "b"]


def test_messages_get_ids(lg):
    graph = (
        lg.StateGraph(lg.MessagesState)
        .add_node("node", lambda state: {"messages": [("assistant", "called")]})
        .add_edge(lg.START, "node")
        .compile()
    )
    messages = graph.invoke({"messages": [("user", "hi")]})["messages"]
    ids = [one["id"] if isinstance(one, dict) else one.id for one in messages]
    assert [lg.text(one) for one in messages] == ["hi", "called"]
    assert all(ids)
    assert len(set(ids)) == 2


def test_a_person_corrects_a_message_of_a_paused_run(lg):
    def model(state):
        return {"messages": [{"role": "assistant", "content": f"re: {lg.text(state['messages'][-1])}"}]}

    graph = (
        lg.StateGraph(lg.MessagesState)
        .add_node(model)
        .add_edge(lg.START, "model")
        .compile(checkpointer=lg.InMemorySaver(), interrupt_before=["model"])
    )
    config = lg.thread()
    graph.invoke({"messages": [{"role": "user", "content": "wrong", "id": "1"}]}, config)
    graph.update_state(config, {"messages": [{"role": "user", "content": "right", "id": "1"}]})
    result = graph.invoke(None, config)
    assert [lg.text(one) for one in result["messages"]] == ["right", "re: right"]


# -- Overwrite


def test_overwrite_passes_by_the_reducer(lg):
    graph = (
        lg.StateGraph(Log)
        .add_node("add", lambda state: {"log": ["first"]})
        .add_node("replace", lambda state: {"log": lg.Overwrite(["replaced"])})
        .add_edge(lg.START, "add")
        .add_edge("add", "replace")
        .add_edge("replace", lg.END)
        .compile()
    )
    assert graph.invoke({"log": ["initial"]}) == {"log": ["replaced"]}


def test_overwrite_has_a_json_form(lg):
    graph = (
        lg.StateGraph(Log)
        .add_node("replace", lambda state: {"log": {"__overwrite__": ["replaced"]}})
        .add_edge(lg.START, "replace")
        .compile()
    )
    assert graph.invoke({"log": ["initial"]}) == {"log": ["replaced"]}


def test_only_one_node_of_a_step_may_overwrite_a_key(lg):
    builder = lg.StateGraph(Log)
    for name in "ab":
        builder.add_node(name, lambda state: {"log": lg.Overwrite(["x"])}).add_edge(lg.START, name)
    with pytest.raises(lg.InvalidUpdateError):
        builder.compile().invoke({"log": []})


def test_one_overwrite_beside_other_updates_wins(lg):
    graph = (
        lg.StateGraph(Log)
        .add_node("a", lambda state: {"log": ["a"]})
        .add_node("b", lambda state: {"log": lg.Overwrite(["b"])})
        .add_node("c", lambda state: {"log": ["c"]})
        .add_edge(lg.START, "a")
        .add_edge(lg.START, "b")
        .add_edge(lg.START, "c")
        .compile()
    )
    assert graph.invoke({"log": ["in"]}) == {"log": ["b"]}


def test_an_update_from_outside_can_overwrite(lg):
    graph = lg.StateGraph(Log).add_node("a", says("a")).add_edge(lg.START, "a").compile(checkpointer=lg.InMemorySaver())
    config = lg.thread()
    graph.invoke({"log": ["in"]}, config)
    graph.update_state(config, {"log": lg.Overwrite(["new"])})
    assert graph.get_state(config).values == {"log": ["new"]}


# -- several schemas


class Question(TypedDict):
    question: str


class Answer(TypedDict):
    answer: str


class Both(Question, Answer):
    pass


def test_input_and_output_have_schemas_of_their_own(lg):
    def node(state: Question):
        return {"answer": "bye", "question": state["question"]}

    graph = (
        lg.StateGraph(Both, input_schema=Question, output_schema=Answer)
        .add_node(node)
        .add_edge(lg.START, "node")
        .add_edge("node", lg.END)
        .compile()
    )
    assert graph.invoke({"question": "hi"}) == {"answer": "bye"}


class Public(TypedDict, total=False):
    a: str


class Private(TypedDict):
    private: str


def test_nodes_pass_private_data_that_others_do_not_see(lg):
    seen = []

    def node_1(state: Public) -> Private:
        seen.append(dict(state))
        return {"private": "set by node_1"}

    def node_2(state: Private) -> Public:
        seen.append(dict(state))
        return {"a": "set by node_2"}

    def node_3(state: Public) -> Public:
        seen.append(dict(state))
        return {"a": "set by node_3"}

    graph = lg.StateGraph(Public).add_sequence([node_1, node_2, node_3]).add_edge(lg.START, "node_1").compile()
    assert graph.invoke({"a": "set at start"}) == {"a": "set by node_3"}
    assert seen == [{"a": "set at start"}, {"private": "set by node_1"}, {"a": "set by node_2"}]


def name_graph(lg, **more):
    """Four schemas: input, output, the overall one, and a private one between two nodes."""

    class Given(TypedDict):
        user_input: str

    class Told(TypedDict):
        graph_output: str

    class Overall(TypedDict, total=False):
        foo: str
        user_input: str
        graph_output: str

    class Hidden(TypedDict):
        bar: str

    def node_1(state: Given) -> Overall:
        return {"foo": state["user_input"] + " name"}

    def node_2(state: Overall) -> Hidden:
        return {"bar": state["foo"] + " is"}

    def node_3(state: Hidden) -> Told:
        return {"graph_output": state["bar"] + " Lance"}

    return (
        lg.StateGraph(Overall, input_schema=Given, output_schema=Told)
        .add_sequence([node_1, node_2, node_3])
        .add_edge(lg.START, "node_1")
        .add_edge("node_3", lg.END)
        .compile(**more)
    )


def test_a_node_writes_to_any_key_and_the_result_has_the_output_keys(lg):
    assert name_graph(lg).invoke({"user_input": "My"}) == {"graph_output": "My name is Lance"}


def test_a_stream_of_values_shows_private_keys_too(lg):
    last = list(name_graph(lg).stream({"user_input": "My"}, stream_mode="values"))[-1]
    assert last["bar"] == "My name is"


def test_output_keys_limit_a_stream_of_values(lg):
    chunks = list(name_graph(lg).stream({"user_input": "My"}, stream_mode="values", output_keys=["graph_output"]))
    assert chunks[-1] == {"graph_output": "My name is Lance"}
    assert all(set(chunk) <= {"graph_output"} for chunk in chunks)


def test_a_stream_of_updates_shows_what_each_node_returned(lg):
    assert list(name_graph(lg).stream({"user_input": "My"}, stream_mode="updates")) == [
        {"node_1": {"foo": "My name"}},
        {"node_2": {"bar": "My name is"}},
        {"node_3": {"graph_output": "My name is Lance"}},
    ]


def test_a_node_can_be_given_its_input_schema(lg):
    seen = []

    def node(state):
        seen.append(dict(state))
        return {"answer": "yes"}

    graph = lg.StateGraph(Both).add_node("node", node, input_schema=Question).add_edge(lg.START, "node").compile()
    assert graph.invoke({"question": "?", "answer": "none"}) == {"question": "?", "answer": "yes"}
    assert seen == [{"question": "?"}]


# -- dataclasses and pydantic models


@dataclass
class Data:
    name: str
    log: Annotated[list[str], operator.add] = field(default_factory=list)
    count: int = 3


def test_a_dataclass_as_state_has_defaults(lg):
    seen = []

    def node(state: Data):
        seen.append(state)
        return {"count": state.count + 1, "log": ["node"]}

    graph = lg.StateGraph(Data).add_node(node).add_edge(lg.START, "node").compile()
    assert graph.invoke({"name": "Ada"}) == {"name": "Ada", "log": ["node"], "count": 4}
    assert seen == [Data("Ada", [], 3)]


def test_a_dataclass_can_be_given_and_returned(lg):
    def node(state: Data):
        return Data(name=state.name.upper(), log=["node"], count=0)

    graph = lg.StateGraph(Data).add_node(node).add_edge(lg.START, "node").compile()
    assert graph.invoke(Data("Ada", ["in"], 1)) == {"name": "ADA", "log": ["in", "node"], "count": 0}


class Model(BaseModel):
    a: str


def test_a_pydantic_model_as_state_checks_the_input(lg):
    graph = (
        lg.StateGraph(Model)
        .add_node("node", lambda state: {"a": "goodbye"})
        .add_edge(lg.START, "node")
        .add_edge("node", lg.END)
        .compile()
    )
    assert graph.invoke({"a": "hello"}) == {"a": "goodbye"}
    with pytest.raises(ValidationError):
        graph.invoke({"a": 123})


def test_each_node_with_a_pydantic_state_checks_what_it_gets(lg):
    def bad(state: Model):
        return {"a": 123}

    def next_one(state: Model):
        return {}

    graph = lg.StateGraph(Model).add_sequence([bad, next_one]).add_edge(lg.START, "bad").compile()
    with pytest.raises(ValidationError):
        graph.invoke({"a": "hello"})


class Nested(BaseModel):
    value: str


class Complex(BaseModel):
    text: str
    count: int
    nested: Nested


def test_a_pydantic_instance_goes_in_nodes_get_one_and_a_dict_comes_out(lg):
    seen = []

    def process(state: Complex):
        seen.append(state)
        return {"text": state.text + " processed", "count": state.count + 1}

    graph = lg.StateGraph(Complex).add_node(process).add_edge(lg.START, "process").compile()
    result = graph.invoke(Complex(text="hello", count=0, nested=Nested(value="test")))
    assert type(seen[0]) is Complex
    assert type(seen[0].nested) is Nested
    assert isinstance(result, dict)
    assert Complex(**result) == Complex(text="hello processed", count=1, nested=Nested(value="test"))


class Coerced(BaseModel):
    number: int
    flag: bool


def test_pydantic_coerces_what_a_node_gets(lg):
    seen = []

    def inspect(state: Coerced):
        seen.append((state.number, state.flag))
        return {}

    graph = lg.StateGraph(Coerced).add_node(inspect).add_edge(lg.START, "inspect").compile()
    graph.invoke({"number": "42", "flag": "true"})
    assert seen == [(42, True)]
    with pytest.raises(ValidationError):
        graph.invoke({"number": "not a number", "flag": "true"})


def test_a_pydantic_state_is_remembered(lg):
    def ask(state: Model):
        return {"a": state.a + lg.interrupt("more?")}

    graph = lg.StateGraph(Model).add_node(ask).add_edge(lg.START, "ask").compile(checkpointer=lg.InMemorySaver())
    config = lg.thread()
    graph.invoke({"a": "x"}, config)
    assert graph.get_state(config).values == {"a": "x"}
    assert graph.invoke(lg.Command(resume="!"), config) == {"a": "x!"}


# -- sequences


class Values(TypedDict, total=False):
    value_1: str
    value_2: int


def step_1(state: Values):
    return {"value_1": "a"}


def step_2(state: Values):
    return {"value_1": f"{state['value_1']} b"}


def step_3(state: Values):
    return {"value_2": 10}


def test_a_sequence_is_made_of_nodes_and_edges(lg):
    builder = lg.StateGraph(Values)
    builder.add_node(step_1)
    builder.add_node(step_2)
    builder.add_node(step_3)
    builder.add_edge(lg.START, "step_1")
    builder.add_edge("step_1", "step_2")
    builder.add_edge("step_2", "step_3")
    assert builder.compile().invoke({"value_1": "c"}) == {"value_1": "a b", "value_2": 10}


def test_a_sequence_has_a_short_form(lg):
    graph = lg.StateGraph(Values).add_sequence([step_1, step_2, step_3]).add_edge(lg.START, "step_1").compile()
    assert graph.invoke({"value_1": "c"}) == {"value_1": "a b", "value_2": 10}


def test_a_node_can_have_a_name_of_its_own(lg):
    graph = lg.StateGraph(Values).add_node("mine", step_1).add_edge(lg.START, "mine").compile()
    assert list(graph.stream({"value_1": "c"})) == [{"mine": {"value_1": "a"}}]


def test_a_call_can_return_the_updates_of_its_nodes_instead_of_the_state(lg):
    graph = lg.StateGraph(Values).add_sequence([step_1, step_3]).add_edge(lg.START, "step_1").compile()
    assert graph.invoke({"value_1": "c"}, stream_mode="updates") == [
        {"step_1": {"value_1": "a"}},
        {"step_3": {"value_2": 10}},
    ]


def test_entry_and_finish_points_are_edges_from_start_and_to_end(lg):
    builder = lg.StateGraph(Values).add_node(step_1)
    builder.set_entry_point("step_1")
    builder.set_finish_point("step_1")
    assert builder.compile().invoke({"value_1": "c"}) == {"value_1": "a"}


def test_a_graph_without_an_entry_or_with_an_unknown_node_does_not_compile(lg):
    with pytest.raises(ValueError):  # noqa: PT011 - the words are each engine's own
        lg.StateGraph(Values).add_node(step_1).compile()
    with pytest.raises(ValueError, match="nowhere"):
        lg.StateGraph(Values).add_node(step_1).add_edge(lg.START, "step_1").add_edge("step_1", "nowhere").compile()


def test_a_node_may_be_an_object_that_can_be_called(lg):
    class Node:
        def __init__(self, name):
            self.name = name

        def __call__(self, state: Log):
            return {"log": [f"called {self.name}"]}

    graph = lg.StateGraph(Log).add_node("mine", Node("x")).add_edge(lg.START, "mine").compile()
    assert graph.invoke({"log": []}) == {"log": ["called x"]}


# -- branches


def test_nodes_of_a_step_run_at_the_same_time_and_their_updates_are_gathered(lg):
    seen = {}

    def node(name):
        def body(state: Log):
            seen[name] = list(state["log"])
            return {"log": [name]}

        return body

    builder = lg.StateGraph(Log)
    for name in "abcd":
        builder.add_node(name, node(name))
    for start, end in [(lg.START, "a"), ("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", lg.END)]:
        builder.add_edge(start, end)
    assert builder.compile().invoke({"log": []}) == {"log": ["a", "b", "c", "d"]}
    assert seen == {"a": [], "b": ["a"], "c": ["a"], "d": ["a", "b", "c"]}


def test_parallel_nodes_do_not_wait_for_each_other(lg):
    met = threading.Barrier(4, timeout=60)

    def slow(state: Log):
        met.wait()
        return {"log": ["slow"]}

    builder = lg.StateGraph(Log)
    for name in "abcd":
        builder.add_node(name, slow).add_edge(lg.START, name)
    assert builder.compile().invoke({"log": []}) == {"log": ["slow"] * 4}


def test_a_step_is_all_or_nothing(lg):
    def bad(state: Log):
        time.sleep(0.05)
        raise ValueError("bad")

    graph = (
        lg.StateGraph(Log)
        .add_node("good", says("good"))
        .add_node("bad", bad)
        .add_node("last", says("last"))
        .add_edge(lg.START, "good")
        .add_edge(lg.START, "bad")
        .add_edge("good", "last")
        .compile()
    )
    stream = graph.stream({"log": []}, stream_mode="values")
    assert next(stream) == {"log": []}
    with pytest.raises(ValueError, match="bad"):
        next(stream)


def test_max_concurrency_limits_how_many_nodes_run_at_the_same_time(lg):
    now, most = [], []

    def node(state: Log):
        now.append(1)
        most.append(len(now))
        time.sleep(0.02)
        now.pop()
        return {"log": ["x"]}

    builder = lg.StateGraph(Log)
    for name in "abcdef":
        builder.add_node(name, node).add_edge(lg.START, name)
    builder.compile().invoke({"log": []}, {"max_concurrency": 2})
    assert max(most) <= 2


LONG_AND_SHORT = [("a", "b"), ("a", "c"), ("b", "b_2"), ("b_2", "d"), ("c", "d")]


def test_a_deferred_node_waits_for_the_longer_branch(lg):
    edges = [(lg.START, "a"), *LONG_AND_SHORT, ("d", lg.END)]
    graph = graph_of(lg, ["a", "b", "b_2", "c", "d"], edges, d=True).compile()
    assert graph.invoke({"log": []}) == {"log": ["a", "b", "c", "b_2", "d"]}


def test_a_node_that_is_not_deferred_runs_for_each_branch(lg):
    edges = [(lg.START, "a"), *LONG_AND_SHORT, ("d", lg.END)]
    graph = graph_of(lg, ["a", "b", "b_2", "c", "d"], edges).compile()
    assert graph.invoke({"log": []})["log"].count("d") == 2


def test_an_edge_from_a_list_waits_for_all_of_them(lg):
    edges = [(lg.START, "a"), ("a", "b"), ("a", "c"), ("b", "b_2"), (["b_2", "c"], "d")]
    graph = graph_of(lg, ["a", "b", "b_2", "c", "d"], edges).compile()
    assert graph.invoke({"log": []}) == {"log": ["a", "b", "c", "b_2", "d"]}


def test_a_deferred_node_waits_for_a_question_as_well(lg):
    def ask(state: Log):
        return {"log": [lg.interrupt("go?")]}

    graph = (
        lg.StateGraph(Log)
        .add_node("short", says("short"))
        .add_node("long", says("long"))
        .add_node(ask)
        .add_node("last", says("last"), defer=True)
        .add_edge(lg.START, "short")
        .add_edge(lg.START, "long")
        .add_edge("long", "ask")
        .add_edge("short", "last")
        .add_edge("ask", "last")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    result = graph.invoke({"log": []}, config)
    assert (result["log"], lg.asked(result)) == (["long", "short"], ["go?"])
    assert graph.invoke(lg.Command(resume="went"), config) == {"log": ["long", "short", "went", "last"]}


class Which(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    which: str


def branching(lg, route, *more):
    builder = lg.StateGraph(Which).add_node("a", lambda state: {"log": ["a"]})
    for name in "bcd":
        builder.add_node(name, says(name)).add_edge(name, lg.END)
    return builder.add_edge(lg.START, "a").add_conditional_edges("a", route, *more).compile()


def test_a_function_of_the_state_chooses_the_next_node(lg):
    def route(state: Which) -> Literal["b", "c", "d"]:
        return state["which"]

    graph = branching(lg, route)
    assert graph.invoke({"log": [], "which": "c"})["log"] == ["a", "c"]
    assert graph.invoke({"log": [], "which": "b"})["log"] == ["a", "b"]


def test_a_function_may_choose_several_nodes(lg):
    def route(state: Which):
        return ["c", "d"] if state["which"] == "cd" else ["b", "c"]

    graph = branching(lg, route)
    assert graph.invoke({"log": [], "which": "cd"})["log"] == ["a", "c", "d"]
    assert graph.invoke({"log": [], "which": ""})["log"] == ["a", "b", "c"]


def test_a_map_names_the_nodes_that_a_function_chooses(lg):
    graph = branching(
        lg,
        lambda state: state["which"] == "b",
        {True: "b", False: "c"},
    )
    assert graph.invoke({"log": [], "which": "b"})["log"] == ["a", "b"]
    assert graph.invoke({"log": [], "which": "x"})["log"] == ["a", "c"]


def test_the_entry_can_be_conditional(lg):
    builder = lg.StateGraph(Which)
    for name in "bc":
        builder.add_node(name, says(name))
    builder.set_conditional_entry_point(lambda state: state["which"], {"b": "b", "c": "c"})
    graph = builder.compile()
    assert graph.invoke({"log": [], "which": "c"})["log"] == ["c"]


# -- map and reduce


class Jokes(TypedDict, total=False):
    topic: str
    subjects: list[str]
    jokes: Annotated[list[str], operator.add]
    best: str


def map_reduce(lg, body=None):
    def topics(state: Jokes):
        return {"subjects": ["lions", "elephants", "penguins"]}

    def joke(state):
        return {"jokes": [f"about {state['subject']}"]}

    def each(state: Jokes):
        return [lg.Send("joke", {"subject": subject}) for subject in state["subjects"]]

    def best(state: Jokes):
        return {"best": max(state["jokes"], key=len)}

    return (
        lg.StateGraph(Jokes)
        .add_node("topics", topics)
        .add_node("joke", body or joke)
        .add_node("best", best)
        .add_edge(lg.START, "topics")
        .add_conditional_edges("topics", each, ["joke"])
        .add_edge("joke", "best")
        .add_edge("best", lg.END)
        .compile()
    )


def test_send_runs_a_node_once_for_each_subject_with_an_input_of_its_own(lg):
    chunks = list(map_reduce(lg).stream({"topic": "animals"}))
    assert chunks[0] == {"topics": {"subjects": ["lions", "elephants", "penguins"]}}
    assert sorted(chunk["joke"]["jokes"][0] for chunk in chunks[1:-1]) == [
        "about elephants",
        "about lions",
        "about penguins",
    ]
    assert chunks[-1] == {"best": {"best": "about elephants"}}


def test_updates_of_sent_tasks_are_merged_in_the_order_of_the_sends(lg):
    def joke(state):
        time.sleep({"lions": 0.06, "elephants": 0.03, "penguins": 0}[state["subject"]])
        return {"jokes": [state["subject"]]}

    assert map_reduce(lg, joke).invoke({"topic": "animals"})["jokes"] == ["lions", "elephants", "penguins"]


def test_a_sent_task_sees_only_what_was_sent(lg):
    seen = []

    def joke(state):
        seen.append(dict(state))
        return {"jokes": ["x"]}

    map_reduce(lg, joke).invoke({"topic": "animals"})
    assert sorted(one["subject"] for one in seen) == ["elephants", "lions", "penguins"]
    assert all(set(one) == {"subject"} for one in seen)


def test_send_in_async_nodes(lg):
    async def joke(state):
        return {"jokes": [f"about {state['subject']}"]}

    result = lg.run(map_reduce(lg, joke).ainvoke({"topic": "animals"}))
    assert result["jokes"] == ["about lions", "about elephants", "about penguins"]


# -- loops and limits


def loop(lg, size):
    def route(state: Log) -> Literal["b", "__end__"]:
        return "b" if len(state["log"]) < size else lg.END

    return (
        lg.StateGraph(Log)
        .add_node("a", says("a"))
        .add_node("b", says("b"))
        .add_edge(lg.START, "a")
        .add_conditional_edges("a", route)
        .add_edge("b", "a")
        .compile()
    )


def test_a_conditional_edge_ends_a_loop(lg):
    assert loop(lg, 7).invoke({"log": []}) == {"log": ["a", "b", "a", "b", "a", "b", "a"]}


def test_the_recursion_limit_ends_a_loop_with_an_error(lg):
    with pytest.raises(lg.GraphRecursionError):
        loop(lg, 7).invoke({"log": []}, {"recursion_limit": 4})


def test_a_run_within_the_recursion_limit_ends_well(lg):
    assert len(loop(lg, 7).invoke({"log": []}, {"recursion_limit": 8})["log"]) == 7


def test_long_loops_are_allowed_by_default(lg):
    assert len(loop(lg, 101).invoke({"log": []})["log"]) == 101


def test_a_step_counts_once_however_many_nodes_it_has(lg):
    def route(state: Log) -> Literal["b", "__end__"]:
        return "b" if len(state["log"]) < 7 else lg.END

    builder = graph_of(lg, "abcd", [(lg.START, "a"), ("b", "c"), ("b", "d"), (["c", "d"], "a")])
    graph = builder.add_conditional_edges("a", route).compile()
    assert graph.invoke({"log": []}, {"recursion_limit": 8})["log"] == ["a", "b", "c", "d", "a", "b", "c", "d", "a"]
    with pytest.raises(lg.GraphRecursionError):
        graph.invoke({"log": []}, {"recursion_limit": 4})


def test_the_recursion_limit_of_a_call_holds_in_the_sub_graphs_of_its_nodes(lg):
    inner = loop(lg, 7)
    graph = (
        lg.StateGraph(Log)
        .add_node("call", lambda state: inner.invoke({"log": []}))
        .add_edge(lg.START, "call")
        .compile()
    )
    assert len(graph.invoke({"log": []}, {"recursion_limit": 8})["log"]) == 7
    with pytest.raises(lg.GraphRecursionError):
        graph.invoke({"log": []}, {"recursion_limit": 4})


def test_remaining_steps_let_a_loop_end_in_time(lg):
    class State(TypedDict):
        log: Annotated[list[str], operator.add]
        remaining_steps: lg.RemainingSteps

    def route(state: State) -> Literal["b", "__end__"]:
        return lg.END if state["remaining_steps"] <= 2 else "b"

    graph = (
        lg.StateGraph(State)
        .add_node("a", says("a"))
        .add_node("b", says("b"))
        .add_edge(lg.START, "a")
        .add_conditional_edges("a", route)
        .add_edge("b", "a")
        .compile()
    )
    assert graph.invoke({"log": []}, {"recursion_limit": 4}) == {"log": ["a", "b", "a"]}


def test_remaining_steps_count_down_and_are_not_part_of_the_state(lg):
    seen = []

    class State(TypedDict):
        log: Annotated[list[str], operator.add]
        remaining_steps: lg.RemainingSteps

    def reason(state: State):
        seen.append(state["remaining_steps"])
        return {"log": ["thinking"]}

    def route(state: State) -> Literal["reason", "fallback"]:
        return "fallback" if state["remaining_steps"] <= 2 else "reason"

    graph = (
        lg.StateGraph(State)
        .add_node(reason)
        .add_node("fallback", lambda state: {"log": ["best effort"]})
        .add_edge(lg.START, "reason")
        .add_conditional_edges("reason", route)
        .add_edge("fallback", lg.END)
        .compile()
    )
    result = graph.invoke({"log": []}, {"recursion_limit": 6})
    assert seen == [5, 4, 3, 2]
    assert result == {"log": ["thinking"] * 4 + ["best effort"]}


def test_a_node_can_read_its_step_and_its_name(lg):
    seen = []

    def node(state: Log, config):
        seen.append((config["metadata"]["langgraph_step"], config["metadata"]["langgraph_node"]))
        return {"log": ["x"]}

    graph = lg.StateGraph(Log).add_sequence([("one", node), ("two", node)]).add_edge(lg.START, "one").compile()
    graph.invoke({"log": []})
    assert seen == [(1, "one"), (2, "two")]


# -- async


def test_async_nodes_and_sync_nodes_in_one_async_call(lg):
    async def fetch(state: Log):
        return {"log": ["fetch"]}

    graph = lg.StateGraph(Log).add_sequence([fetch, ("sync", says("sync"))]).add_edge(lg.START, "fetch").compile()
    assert lg.run(graph.ainvoke({"log": []})) == {"log": ["fetch", "sync"]}


# -- Command


@pytest.mark.parametrize(("value", "end"), [("b", "bb"), ("c", "cc")])
def test_a_command_updates_the_state_and_says_where_to_go(lg, value, end):
    class State(TypedDict):
        foo: str

    def node_a(state: State) -> lg.Command[Literal["node_b", "node_c"]]:
        return lg.Command(update={"foo": value}, goto=f"node_{value}")

    graph = (
        lg.StateGraph(State)
        .add_edge(lg.START, "node_a")
        .add_node(node_a)
        .add_node("node_b", lambda state: {"foo": state["foo"] + "b"})
        .add_node("node_c", lambda state: {"foo": state["foo"] + "c"})
        .compile()
    )
    assert graph.invoke({"foo": ""}) == {"foo": end}


def test_a_command_adds_to_the_edges_of_its_node(lg):
    def node_a(state: Log) -> lg.Command[Literal["other"]]:
        return lg.Command(update={"log": ["a"]}, goto="other")

    graph = (
        lg.StateGraph(Log)
        .add_node(node_a)
        .add_node("other", says("other"))
        .add_node("static", says("static"))
        .add_edge(lg.START, "node_a")
        .add_edge("node_a", "static")
        .compile()
    )
    assert graph.invoke({"log": []}) == {"log": ["a", "other", "static"]}


def test_a_command_can_go_to_several_nodes_and_send(lg):
    def node_a(state: Log) -> lg.Command[Literal["b", "c", "d"]]:
        return lg.Command(goto=["b", lg.Send("d", {"log": ["mine"]}), "c"])

    graph = (
        lg.StateGraph(Log)
        .add_node(node_a)
        .add_node("b", says("b"))
        .add_node("c", says("c"))
        .add_node("d", lambda state: {"log": [f"d got {state['log']}"]})
        .add_edge(lg.START, "node_a")
        .compile()
    )
    assert sorted(graph.invoke({"log": []})["log"]) == ["b", "c", "d got ['mine']"]


def test_a_command_without_goto_is_an_update(lg):
    graph = (
        lg.StateGraph(Log)
        .add_node("a", lambda state: lg.Command(update={"log": ["a"]}))
        .add_node("b", says("b"))
        .add_edge(lg.START, "a")
        .add_edge("a", "b")
        .compile()
    )
    assert graph.invoke({"log": []}) == {"log": ["a", "b"]}


def test_a_node_may_return_several_commands_and_updates(lg):
    graph = (
        lg.StateGraph(Log)
        .add_node("a", lambda state: [lg.Command(update={"log": ["one"]}), {"log": ["two"]}])
        .add_edge(lg.START, "a")
        .compile()
    )
    assert graph.invoke({"log": []}) == {"log": ["one", "two"]}


@pytest.mark.parametrize("value", ["b", "c"])
def test_a_command_in_a_sub_graph_goes_to_a_node_of_the_parent(lg, value):
    class State(TypedDict):
        foo: Annotated[str, operator.add]

    def node_a(state: State):
        return lg.Command(update={"foo": "a"}, goto=f"node_{value}", graph=lg.Command.PARENT)

    subgraph = lg.StateGraph(State).add_node(node_a).add_edge(lg.START, "node_a").compile()
    graph = (
        lg.StateGraph(State)
        .add_edge(lg.START, "subgraph")
        .add_node("subgraph", subgraph)
        .add_node("node_b", lambda state: {"foo": "b"})
        .add_node("node_c", lambda state: {"foo": "c"})
        .compile()
    )
    assert graph.invoke({"foo": ""}) == {"foo": f"a{value}"}


def test_a_tool_returns_a_command_that_its_node_passes_on(lg):
    class State(lg.MessagesState):
        user_info: NotRequired[dict]

    def look_up(call_id, config):
        info = {"name": config["configurable"]["user_id"].title()}
        return lg.Command(
            update={
                "user_info": info,
                "messages": [{"role": "assistant", "content": f"looked up in call {call_id}"}],
            }
        )

    def tools(state: State, config):
        return [look_up("1", config)]

    graph = lg.StateGraph(State).add_node(tools).add_edge(lg.START, "tools").compile()
    result = graph.invoke({"messages": [("user", "hi")]}, {"configurable": {"user_id": "ada"}})
    assert result["user_info"] == {"name": "Ada"}
    assert [lg.text(one) for one in result["messages"]] == ["hi", "looked up in call 1"]


def test_a_command_as_input_on_a_finished_thread_runs_nothing_but_a_dict_does(lg):
    ran = []

    def node(state: Log):
        ran.append("node")
        return {"log": ["node"]}

    graph = lg.StateGraph(Log).add_node(node).add_edge(lg.START, "node").compile(checkpointer=lg.InMemorySaver())
    config = lg.thread()
    graph.invoke({"log": ["one"]}, config)
    result = graph.invoke(lg.Command(update={"log": ["two"]}), config)
    assert result["log"] == ["one", "node", "two"]
    assert ran == ["node"]
    assert graph.invoke({"log": ["three"]}, config)["log"] == ["one", "node", "two", "three", "node"]


# -- changing a graph that has threads


def test_a_finished_thread_goes_on_with_another_graph(lg):
    saver, config = lg.InMemorySaver(), lg.thread()
    old = lg.StateGraph(Log).add_node("a", says("a")).add_edge(lg.START, "a").compile(checkpointer=saver)
    old.invoke({"log": []}, config)
    new = lg.StateGraph(Log).add_node("b", says("b")).add_edge(lg.START, "b").compile(checkpointer=saver)
    assert new.invoke({"log": []}, config) == {"log": ["a", "b"]}


def test_a_paused_thread_goes_on_with_a_graph_that_has_more_nodes_and_keys(lg):
    class More(TypedDict, total=False):
        log: Annotated[list[str], operator.add]
        extra: str

    def ask(state):
        return {"log": [lg.interrupt("go?")]}

    saver, config = lg.InMemorySaver(), lg.thread()
    old = lg.StateGraph(Log).add_node("ask", ask).add_edge(lg.START, "ask").compile(checkpointer=saver)
    old.invoke({"log": []}, config)
    new = (
        lg.StateGraph(More)
        .add_node("ask", ask)
        .add_node("more", lambda state: {"log": ["more"], "extra": "x"})
        .add_edge(lg.START, "ask")
        .add_edge("ask", "more")
        .compile(checkpointer=saver)
    )
    assert new.invoke(lg.Command(resume="yes"), config) == {"log": ["yes", "more"], "extra": "x"}


def test_a_paused_thread_whose_node_is_gone(lg):
    saver, config = lg.InMemorySaver(), lg.thread()

    def ask(state: Log):
        return {"log": [lg.interrupt("go?")]}

    old = lg.StateGraph(Log).add_node(ask).add_edge(lg.START, "ask").compile(checkpointer=saver)
    old.invoke({"log": []}, config)
    new = lg.StateGraph(Log).add_node("b", says("b")).add_edge(lg.START, "b").compile(checkpointer=saver)
    # We differ: "a node removed or renamed while paused: the run silently "finishes""
    if lg.ours:
        with pytest.raises(lg.GraphChanged, match="ask"):
            new.invoke(lg.Command(resume="yes"), config)
    else:
        assert new.invoke(lg.Command(resume="yes"), config) == {"log": []}


# -- drawing


def test_a_graph_can_be_looked_at_as_nodes_and_edges(lg):
    def route(state: Log) -> Literal["b", "__end__"]:
        return "b"

    graph = (
        lg.StateGraph(Log)
        .add_node("a", says("a"))
        .add_node("b", says("b"))
        .add_edge(lg.START, "a")
        .add_conditional_edges("a", route)
        .add_edge("b", lg.END)
        .compile()
    )
    drawn = graph.get_graph()
    assert set(drawn.nodes) == {"__start__", "a", "b", "__end__"}
    assert {(edge.source, edge.target, edge.conditional) for edge in drawn.edges} == {
        ("__start__", "a", False),
        ("a", "b", True),
        ("a", "__end__", True),
        ("b", "__end__", False),
    }


def test_a_graph_can_be_written_as_mermaid(lg):
    graph = graph_of(lg, "ab", [(lg.START, "a"), ("a", "b"), ("b", lg.END)]).compile()
    text = graph.get_graph().draw_mermaid()
    assert re.search(r"^(graph|flowchart) TD;?$", text, re.MULTILINE)  # two words of Mermaid for the same
    assert len(re.findall(r"^\s*\w+ --> \w+;?$", text, re.MULTILINE)) == 3
    assert len(re.findall(r"^\s*\w+[(\[]+.*[)\]]+(:::\w+)?;?$", text, re.MULTILINE)) == 4
