"""The builder: what it takes, and every mistake that it reports at once."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired, Required, TypedDict

import pytest

from nbhitl import END, START, Command, GraphError, SchemaError, StateGraph, UnknownNodeError
from nbhitl.engine.channels import BinaryOperatorAggregate, LastValue, initial
from nbhitl.engine.records import MISSING


class State(TypedDict, total=False):
    x: int
    log: Annotated[list, operator.add]


@dataclass
class Thing:
    """A class of the user's, in state hints."""

    size: int = 0


def a(state):
    return {"log": ["a"]}


def b(state):
    return {"log": ["b"]}


def route(state) -> Literal["a", "b"]:
    return "b"


@pytest.fixture
def built():
    return StateGraph(State).add_node(a).add_node(b)


# -- schemas


@pytest.mark.parametrize("schema", [dict, int, None, "State", Thing])
def test_a_schema_that_is_no_typeddict_is_refused(schema):
    with pytest.raises(SchemaError, match="no TypedDict"):
        StateGraph(schema)


def test_a_schema_with_a_name_that_is_not_defined_is_refused_naming_it():
    class Broken(TypedDict):
        x: "Nowhere"  # noqa: F821 - what this is about

    with pytest.raises(SchemaError, match="Broken.*Nowhere"):
        StateGraph(Broken)


def keep(old, new):
    return new


@pytest.mark.parametrize(
    ("hint", "channel", "first"),
    [
        (int, LastValue(), MISSING),
        (Annotated[list, operator.add], BinaryOperatorAggregate(operator.add, list), []),
        (Annotated[list[int], operator.add], BinaryOperatorAggregate(operator.add, list), []),
        (Annotated[int, operator.add], BinaryOperatorAggregate(operator.add, int), 0),
        (Annotated[Sequence[str], operator.add], BinaryOperatorAggregate(operator.add, list), []),
        (Annotated[int | None, keep], BinaryOperatorAggregate(keep), MISSING),
        (Annotated[range, keep], BinaryOperatorAggregate(keep), MISSING),
        (Annotated[list, "a remark"], LastValue(), MISSING),
        (Annotated[list, "a remark", operator.add], BinaryOperatorAggregate(operator.add, list), []),
        (Annotated[list, Thing], LastValue(), MISSING),
        (Required[Annotated[list, operator.add]], BinaryOperatorAggregate(operator.add, list), []),
        (NotRequired[int], LastValue(), MISSING),
    ],
)
def test_a_hint_makes_a_channel_with_its_first_value(hint, channel, first):
    graph = StateGraph(TypedDict("S", {"key": hint}))
    assert graph.channels == {"key": channel}
    assert initial(channel) == first


def test_a_reducer_without_a_first_value_takes_the_first_write_as_it_is():
    class Best(TypedDict, total=False):
        best: Annotated[int | None, max]

    graph = StateGraph(Best).add_node("a", lambda state: {"best": 3}).add_edge(START, "a").compile()
    assert [graph.invoke({"best": best})["best"] for best in (1, 5)] == [3, 5]
    assert graph.invoke({})["best"] == 3


def test_classes_in_hints_are_known_to_the_graph():
    class Things(TypedDict):
        things: Annotated[list[dict[str, Thing]], operator.add]

    assert Thing in StateGraph(Things).add_node(a).add_edge(START, "a").describe().types


def test_input_and_output_schemas_may_bring_keys_of_their_own():
    class Input(TypedDict):
        question: str

    class Output(TypedDict):
        answer: str

    built = StateGraph(State, input_schema=Input, output_schema=Output)
    built.add_node("a", lambda state: {"answer": state["question"].upper(), "x": 1}).add_edge(START, "a")
    assert built.compile().invoke({"question": "why"}) == {"answer": "WHY"}
    assert set(built.channels) == {"x", "log", "question", "answer"}


# -- nodes


def test_a_function_gives_its_node_its_name():
    assert list(StateGraph(State).add_node(a).nodes) == ["a"]


def test_a_callable_object_gives_its_node_its_classes_name():
    class Worker:
        def __call__(self, state):
            return None

    assert list(StateGraph(State).add_node(Worker()).nodes) == ["Worker"]


def test_destinations_are_given_or_read_from_the_return_annotation():
    def jump(state) -> Command[Literal["a", "b"]]:
        return Command(goto="a")

    built = StateGraph(State).add_node(jump).add_node("named", a, destinations=["jump"]).add_node(b)
    assert [node.destinations for node in built.nodes.values()] == [("a", "b"), ("jump",), None]


def test_metadata_is_kept_with_the_node():
    assert StateGraph(State).add_node("a", a, metadata={"owner": "me"}).nodes["a"].metadata["owner"] == "me"


def no_argument():
    return None


def too_many(state, size):
    return None


def keyword(state, *, size):
    return None


@pytest.mark.parametrize(
    ("add", "said"),
    [
        (lambda g: g.add_node("a", a), "there is a node of that name already"),
        (lambda g: g.add_node(""), "a node's name is a text that is not empty"),
        (lambda g: g.add_node(7, a), "a node's name is a text"),
        (lambda g: g.add_node(START, a), "that name belongs to the graph itself"),
        (lambda g: g.add_node(END, a), "that name belongs to the graph itself"),
        (lambda g: g.add_node("c", None), "give a function of the state"),
        (lambda g: g.add_node("c", {"x": 1}), "give a function of the state"),
        (lambda g: g.add_node(b, "c"), "give the name first, then the function"),
        (lambda g: g.add_node("c", no_argument), "the function takes no argument"),
        (lambda g: g.add_node("c", too_many), "parameter 'size' is unknown"),
        (lambda g: g.add_node("c", keyword), "parameter 'size' is unknown"),
        (lambda g: g.add_edge("a", "bb"), "there is no node 'bb'. Did you mean 'b'"),
        (lambda g: g.add_edge("aa", "b"), "there is no node 'aa'. Did you mean 'a'"),
        (lambda g: g.add_edge(END, "a"), "nothing follows END"),
        (lambda g: g.add_edge("a", START), "nothing leads to START"),
        (lambda g: g.add_edge([], "b"), "name the nodes to wait for"),
        (lambda g: g.add_edge(["a", "bb"], "b"), r"edge \[a, bb\] -> b: there is no node 'bb'"),
        (lambda g: g.add_edge(["a", "b"], "bb"), "there is no node 'bb'"),
        (lambda g: g.add_conditional_edges("aa", route), "conditional edge from aa: there is no node 'aa'"),
        (lambda g: g.add_conditional_edges("a", route, {"k": "bb"}), "there is no node 'bb'"),
        (lambda g: g.add_conditional_edges("a", route, ["bb"]), "there is no node 'bb'"),
        (lambda g: g.add_conditional_edges("a", "b"), "give a function of the state"),
    ],
)
def test_a_mistake_is_reported_when_the_graph_is_compiled(add, said, built):
    with pytest.raises(GraphError, match=said):
        add(built.add_edge(START, "a")).compile()


def test_a_builtin_without_a_signature_may_be_a_node():
    StateGraph(TypedDict("S", {"x": int})).add_node("a", dict).add_edge(START, "a").compile().invoke({"x": 1})


def test_a_parameter_with_a_default_is_no_mistake():
    def body(state, size=2):
        return {"x": size}

    assert StateGraph(State).add_node(body).add_edge(START, "body").compile().invoke({})["x"] == 2


def test_every_mistake_is_in_one_message():
    built = StateGraph(State).add_node("a", a).add_node("a", b).add_edge("a", "bb")
    with pytest.raises(GraphError) as caught:
        built.compile(name="mine")
    lines = str(caught.value).split("\n- ")
    assert lines[0] == "graph 'mine' has 3 mistakes:"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "add_node('a')",
        "edge a -> bb",
        "nothing follows START, so no node would run",
    ]


def test_one_mistake_is_a_plain_sentence(built):
    with pytest.raises(GraphError, match=r"^the graph cannot run: nothing follows START.*add_edge\(START, 'a'\)\.$"):
        built.compile()


def test_a_graph_without_nodes_is_a_mistake():
    with pytest.raises(GraphError, match="has no nodes"):
        StateGraph(State).compile()


def test_validate_checks_without_compiling_and_returns_the_builder(built):
    with pytest.raises(GraphError):
        built.validate()
    assert built.add_edge(START, "a").validate() is built


def test_a_breakpoint_on_an_unknown_node_is_found_at_compile(built, tmp_path):
    with pytest.raises(UnknownNodeError, match="Did you mean 'a'"):
        built.add_edge(START, "a").compile(interrupt_before=["aa"])


def test_compiling_again_after_more_was_added_gives_another_graph(built):
    first = built.add_edge(START, "a").compile()
    second = built.add_edge("a", "b").compile()
    assert [graph.invoke({})["log"] for graph in (first, second)] == [["a"], ["a", "b"]]


# -- edges


def test_the_same_edge_twice_is_one_edge(built):
    built.add_edge(START, "a").add_edge("a", "b").add_edge("a", "b")
    assert built.compile().invoke({})["log"] == ["a", "b"]


def test_a_waiting_edge_may_name_a_node_twice(built):
    built.add_edge(START, "a").add_edge(["a", "a"], "b")
    assert built.compile().invoke({})["log"] == ["a", "b"]


def test_entry_and_finish_points_are_edges(built):
    built.set_entry_point("b").set_finish_point("b")
    assert built.compile().invoke({})["log"] == ["b"]
    assert built.edges == {START: ("b",), "b": (END,)}


def test_a_sequence_adds_nodes_and_the_edges_between_them():
    built = StateGraph(State).add_sequence([a, ("second", b)]).add_edge(START, "a")
    assert built.compile().invoke({})["log"] == ["a", "b"]
    assert built.edges["a"] == ("second",)


@pytest.mark.parametrize(
    ("path", "ends", "expected"),
    [
        (route, None, ("a", "b")),
        (lambda state: "a", None, None),
        (lambda state: "a", ["a"], ("a",)),
        (lambda state: "k", {"k": "a", "l": "a", "m": "b"}, ("a", "b")),
    ],
)
def test_where_a_conditional_edge_may_lead_is_known_from_the_map_or_the_annotation(path, ends, expected, built):
    built.add_conditional_edges("a", path, ends)
    assert built.routers["a"][0].targets == expected


def test_a_router_may_promise_a_list_or_a_union_of_names(built):
    def several(state) -> list[Literal["a", "b"]]:
        return ["a"]

    def one_or_two(state) -> Literal["a"] | Literal["b"]:  # noqa: PYI030 - a union is what this is about
        return "a"

    built.add_conditional_edges("a", several).add_conditional_edges("b", one_or_two)
    assert [built.routers[name][0].targets for name in "ab"] == [("a", "b"), ("a", "b")]


def test_an_annotation_that_cannot_be_read_promises_nothing(built):
    def broken(state) -> "Nowhere":  # noqa: F821 - what this is about
        return "b"

    built.add_edge(START, "a").add_conditional_edges("a", broken)
    assert built.routers["a"][0].targets is None
    assert built.compile().invoke({})["log"] == ["a", "b"]
