"""The builder: what it takes, and every mistake that it reports at once."""

import operator
import warnings
from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import Annotated, Literal, TypedDict

import pytest

import nbhitl
from nbhitl import (
    END,
    START,
    Command,
    GraphError,
    InMemorySaver,
    RemainingSteps,
    StateGraph,
    UnknownNodeError,
    UnreachableNodeWarning,
)

pytest.importorskip("langgraph")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what LangGraph's own dependencies say is not ours to mend
    import langgraph.graph
    from langchain_core.runnables import RunnableLambda

BOTH = pytest.mark.parametrize("m", [nbhitl, langgraph.graph], ids=["nbhitl", "langgraph"])


class State(TypedDict, total=False):
    x: int
    log: Annotated[list, operator.add]


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


def test_a_reducer_without_a_first_value_takes_the_first_write_as_it_is():
    class Best(TypedDict, total=False):
        best: Annotated[int | None, max]

    graph = StateGraph(Best).add_node("a", lambda state: {"best": 3}).add_edge(START, "a").compile()
    assert [graph.invoke({"best": best})["best"] for best in (1, 5)] == [3, 5]
    assert graph.invoke({})["best"] == 3


@BOTH
def test_input_and_output_schemas_may_bring_keys_of_their_own(m):
    class Input(TypedDict):
        question: str

    class Output(TypedDict):
        answer: str

    def first(state: Input):
        return {"answer": state["question"].upper(), "x": 1}

    def second(state):
        return {"answer": f"{sorted(state)}"}

    built = m.StateGraph(State, input_schema=Input, output_schema=Output).add_node(first).add_node(second)
    built.add_edge(START, "first").add_edge("first", "second")
    assert built.compile().invoke({"question": "why"}) == {"answer": "['log', 'x']"}
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


def misspelt(state, runtim):
    return None


def yielding(state):
    yield {}


async def ayielding(state):
    yield {}


async def waiting(state):
    return None


class Worker:
    def __call__(self, state):
        return None

    def work(self, state):
        return None


class Bare:
    pass


def promising(state) -> Command[Literal["bb"]]:
    return Command(goto="b")


def undecided(state) -> Literal[True, False]:
    return True


def backwards(state):
    return "yes"


class Twice(TypedDict):
    x: Annotated[int, operator.sub]


class Again(TypedDict):
    x: Annotated[int, operator.add]


class Filled(TypedDict):
    x: RemainingSteps


def summing(state: Again):
    return None


def subtracting(state: Twice):
    return None


def counting(state: Filled):
    return None


MISTAKES = [
    # what a node is
    (lambda g: g.add_node("a", a), r"add_node\('a'\): there is a node of that name already"),
    (lambda g: g.add_node(a), r"add_node\('a'\): there is a node of that name already"),
    (lambda g: g.add_node("", a), "a node's name is a text that is not empty"),
    (lambda g: g.add_node(7, a), "a node's name is a text"),
    (lambda g: g.add_node(START, a), "that name belongs to the graph itself"),
    (lambda g: g.add_node(END, a), "that name belongs to the graph itself"),
    (lambda g: g.add_node("c|d", a), r"a node's name has no \| in it"),
    (lambda g: g.add_node("c:d/e", a), "a node's name has no / : in it: that stands between a sub-graph and its nodes"),
    (lambda g: g.add_node("c"), "give a function of the state; None is none"),
    (lambda g: g.add_node("c", no_argument()), "Is it the result of a call. Leave out the parentheses"),
    (lambda g: g.add_node("c", a(None)), "is a dict. Is it the result of a call"),
    (lambda g: g.add_node("c", waiting({})), r"waiting\(...\) is the result of a call; give the async function itself"),
    (lambda g: g.add_node("c", 3), "give a function of the state; 3 is a int"),
    (lambda g: g.add_node(b, "c"), r"add_node\(b, 'c'\): give the name first, then the function"),
    (lambda g: g.add_node(lambda state: None), "a lambda has no name"),
    (lambda g: g.add_sequence([lambda state: None]), "a lambda has no name"),
    (lambda g: g.add_node("c", Worker), r"Worker is a class; give an instance: Worker\(\)"),
    (lambda g: g.add_node("c", Bare), "Bare is a class; give a function of the state"),
    (lambda g: g.add_node("c", State), "State is a class; give a function of the state"),
    (lambda g: g.add_node("c", Worker.work), r"a method that belongs to no instance: give Class\(\).method"),
    (lambda g: g.add_node("c", no_argument), "it takes no argument; it gets the state"),
    (lambda g: g.add_node("c", too_many), "parameter 'size' is unknown"),
    (lambda g: g.add_node("c", keyword), "parameter 'size' is unknown"),
    (
        lambda g: g.add_node("c", misspelt),
        "parameter 'runtim' is unknown; beside the state it gets `config`, `runtime`",
    ),
    (lambda g: g.add_node("c", yielding), "it is a generator"),
    (lambda g: g.add_node("c", ayielding), "it is a generator"),
    (lambda g: g.add_node("c", StateGraph(State)), r"a StateGraph is only a plan; give the graph that its compile\(\)"),
    (lambda g: g.add_node(StateGraph(State).add_node(a).add_edge(START, "a").compile()), "the graph has no name"),
    (lambda g: g.add_node("c", a, input_schema="State"), "input_schema is the text 'State', not a class"),
    (lambda g: g.add_node("c", a, input_schema=int), "int has no keys, and the state has"),
    (lambda g: g.add_node("c", a, retry_policy=3), "retry_policy=3: give a RetryPolicy"),
    (lambda g: g.add_node("c", a, timeout=3), "timeout: it is a sync function"),
    (lambda g: g.add_node("c", a, destinations="b"), r"destinations='b' is a text; give a list: \['b'\]"),
    (lambda g: g.add_node("c", a, destinations=["bb"]), "'c' promises to go to 'bb': there is no node 'bb'. Did you"),
    (lambda g: g.add_node("c", a, destinations={"bb": "to b"}), "'c' promises to go to 'bb': there is no node 'bb'"),
    (lambda g: g.add_node(promising), "'promising' promises to go to 'bb': there is no node 'bb'. Did you mean 'b'"),
    (lambda g: g.add_sequence([]), "give at least one function"),
    # what the state is
    (
        lambda g: g.add_node(subtracting).add_node(summing),
        "state key 'x': Twice says reducer sub, Again says reducer add",
    ),
    (lambda g: g.add_node(counting), "state key 'x': in Filled the run fills it in, in State it is an ordinary key"),
    # where edges lead
    (lambda g: g.add_edge("a", "bb"), "edge a -> bb: there is no node 'bb'. Did you mean 'b'"),
    (lambda g: g.add_edge("aa", "b"), "edge aa -> b: there is no node 'aa'. Did you mean 'a'"),
    (lambda g: g.add_edge(END, "a"), "edge __end__ -> a: nothing follows END"),
    (lambda g: g.add_edge("a", START), "edge a -> __start__: nothing leads to START. To begin again"),
    (lambda g: g.add_edge(a, b), "is no name; give 'a'"),
    (lambda g: g.add_edge("a", None), "None is no name; give that of a node"),
    (lambda g: g.add_edge("a", ["b", "b"]), "it has one end. To go to several nodes, add an edge to each"),
    (lambda g: g.add_edge([], "b"), "name the nodes to wait for"),
    (lambda g: g.add_edge([a, "b"], "b"), "is no name; give 'a'"),
    (lambda g: g.add_edge(["a", "bb"], "b"), r"edge \[a, bb\] -> b: there is no node 'bb'"),
    (lambda g: g.add_edge(["a", "b"], "bb"), "there is no node 'bb'"),
    (lambda g: g.add_edge(["a", START], "b"), "START is no node to wait for"),
    (lambda g: g.add_edge(["a", END], "b"), r"edge \[a, __end__\] -> b: nothing follows END"),
    (lambda g: g.set_finish_point("bb"), "edge bb -> __end__: there is no node 'bb'"),
    # where routers lead
    (lambda g: g.add_conditional_edges("aa", route), "conditional edge from aa: there is no node 'aa'"),
    (lambda g: g.add_conditional_edges(END, route), "conditional edge from __end__: nothing follows END"),
    (lambda g: g.add_conditional_edges(route, "a"), "give the name of the node first, then the function"),
    (lambda g: g.add_conditional_edges("a", "b"), "give a function of the state; 'b' is a str"),
    (lambda g: g.add_conditional_edges("a", no_argument), "it takes no argument"),
    (
        lambda g: g.add_conditional_edges("a", route).add_conditional_edges("a", route),
        "there is a router 'route' after",
    ),
    (lambda g: g.add_conditional_edges("a", route, {"k": "bb"}), "conditional edge from a: there is no node 'bb'"),
    (lambda g: g.add_conditional_edges("a", route, {"k": START}), "nothing leads to START"),
    (lambda g: g.add_conditional_edges("a", route, ["bb"]), "there is no node 'bb'. Did you mean 'b'"),
    (lambda g: g.add_conditional_edges("a", route, "b"), r"path_map='b' is a text; give a list: \['b'\]"),
    (lambda g: g.add_conditional_edges("a", route, {"k": b}), "is no name of a node. Write its name: 'k': 'b'"),
    (lambda g: g.add_conditional_edges("a", route, {"k": 3}), "3 is no name of a node"),
    (lambda g: g.add_conditional_edges("a", undecided), "True is no name of a node. Write path_map="),
    (lambda g: g.add_conditional_edges("a", backwards, {"b": "yes"}), "the wrong way round: write {'yes': 'b'}"),
]


@pytest.mark.parametrize(("add", "said"), MISTAKES)
def test_a_mistake_is_reported_when_the_graph_is_compiled(add, said, built):
    with pytest.raises(GraphError, match=said):
        add(built.add_edge(START, "a")).compile()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"checkpointer": InMemorySaver}, r"InMemorySaver\): that is a class; give an instance: InMemorySaver\(\)"),
        (
            {"checkpointer": "runs.duckdb"},
            r"compile\(checkpointer='runs.duckdb'\): give InMemorySaver\(\), DuckDBSaver",
        ),
        ({"checkpointer": 3}, "give InMemorySaver"),
        ({"interrupt_before": ["aa"]}, "interrupt_before: there is no node 'aa'. Did you mean 'a'"),
        ({"interrupt_after": "aa"}, "interrupt_after: there is no node 'aa'. Did you mean 'a'"),
        ({"interrupt_after": ["a/x"]}, None),
    ],
)
def test_a_mistake_in_what_compile_is_given_is_reported(options, said, built):
    built.add_edge(START, "a")
    if said is None:  # whether a function calls a sub-graph shows when it runs
        built.compile(InMemorySaver(), **options)
        return
    with pytest.raises(GraphError, match=said):
        built.compile(**options)


def test_six_mistakes_come_together_in_one_message():
    built = StateGraph(State).add_node("a", a).add_node("a", b).add_node("c", Worker).add_edge("a", "bb")
    with pytest.raises(GraphError) as caught:
        built.compile(InMemorySaver, interrupt_before=["aa"], name="mine")
    assert str(caught.value).split("\n- ") == [
        "graph 'mine' has 6 mistakes:",
        "add_node('a'): there is a node of that name already. Names are unique.",
        "add_node('c'): Worker is a class; give an instance: Worker().",
        "edge a -> bb: there is no node 'bb'. Known: 'a', 'c'.",
        "nothing follows START, so no node would run: add_edge(START, 'a').",
        "compile(checkpointer=InMemorySaver): that is a class; give an instance: InMemorySaver().",
        "interrupt_before: there is no node 'aa'. Did you mean 'a'?",
    ]


# -- nodes that nothing leads to


def only_dict(state) -> dict:
    return {}


def maybe(state) -> State | None:
    return None


def jumping(state) -> Command[Literal["lost"]]:
    return Command(goto="lost")


def test_a_node_that_nothing_leads_to_is_warned_about_where_every_way_is_known():
    built = StateGraph(State).add_node("a", only_dict).add_node("b", maybe).add_node("lost", only_dict)
    built.add_edge(START, "a").add_conditional_edges("a", lambda state: END, ["b", END])
    with pytest.warns(UnreachableNodeWarning, match="^node 'lost' can never run"):
        built.compile()


def test_a_node_that_waits_for_one_that_nothing_leads_to_is_lost_too():
    built = StateGraph(State).add_node("a", only_dict).add_node("lost", only_dict).add_node("joined", only_dict)
    built.add_edge(START, "a").add_edge(["a", "lost"], "joined")
    with pytest.warns(UnreachableNodeWarning) as warned:
        built.compile()
    assert [str(warning.message).split("'")[1] for warning in warned] == ["lost", "joined"]


@pytest.mark.parametrize(
    "lead",
    [
        lambda g: g.add_node("c", a).add_edge("a", "c"),  # it may return a Command
        lambda g: g.add_node("c", jumping).add_edge("a", "c"),
        lambda g: g.add_conditional_edges("a", lambda state: "lost"),
        lambda g: g.add_conditional_edges("a", lambda state: "lost", ["lost"]),
        lambda g: g.add_edge("a", "lost"),
        lambda g: g.add_edge(["a"], "lost"),
        lambda g: g.add_node("c", StateGraph(State).add_node(a).add_edge(START, "a").compile()).add_edge("a", "c"),
    ],
)
def test_a_node_that_something_may_lead_to_is_not_warned_about(lead):
    built = StateGraph(State).add_node("a", only_dict).add_node("lost", only_dict).add_edge(START, "a")
    lead(built).compile()


def test_a_builtin_without_a_signature_may_be_a_node():
    StateGraph(TypedDict("S", {"x": int})).add_node("a", dict).add_edge(START, "a").compile().invoke({"x": 1})


def test_a_parameter_with_a_default_is_no_mistake():
    def body(state, size=2):
        return {"x": size}

    assert StateGraph(State).add_node(body).add_edge(START, "body").compile().invoke({})["x"] == 2


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


@pytest.mark.parametrize(
    ("returns", "promised"),
    [
        (Command[Literal["a", "b"]], ("a", "b")),
        (Command[Literal["a"]] | None, ("a",)),
        (Command[Literal["a", "__end__"]] | dict, ("a", "__end__")),
        (Command[Literal["a"]] | Command[Literal["b"]], ("a", "b")),
        (Command[Literal["a"] | Literal["b"]], ("a", "b")),  # noqa: PYI030 - a union is what this is about
        (list[Command[Literal["a"]]], ("a",)),
        ("Command[Literal['a']]", ("a",)),
        (Command, None),
        (Command[str], None),
        (dict, ()),
        (dict[str, int], ()),
        (State, ()),
        (State | None, ()),
        (None, ()),
        (object, None),
        (Mapping, None),
        ("Nowhere", None),
    ],
    ids=str,
)
def test_a_return_annotation_says_where_a_node_goes_by_itself(returns, promised):
    def body(state):
        return None

    body.__annotations__["return"] = returns
    assert StateGraph(State).add_node(body).nodes["body"].destinations == promised


def test_one_annotation_that_cannot_be_read_does_not_hide_the_others():
    def body(state: "Nowhere") -> Command[Literal["a"]]:  # noqa: F821 - what this is about
        return Command(goto="a")

    assert StateGraph(State).add_node(body).nodes["body"].destinations == ("a",)


def test_destinations_may_carry_what_the_drawing_writes_there():
    node = StateGraph(State).add_node("c", a, destinations={"a": "again", END: "enough"}).nodes["c"]
    assert (node.destinations, node.labels) == (("a", END), {"a": "again", END: "enough"})


@pytest.mark.parametrize(
    ("returns", "known"),
    [
        (Literal["a", "b"], ("a", "b")),
        (list[Literal["a"]], ("a",)),
        (Literal["a"] | None, ("a",)),
        (Literal["a"] | str, None),  # noqa: PYI051 - the union is what this is about
        (list[nbhitl.Send] | Literal["a"], None),
        (str, None),
    ],
    ids=str,
)
def test_a_return_annotation_says_where_a_router_leads(returns, known, built):
    def path(state):
        return "a"

    path.__annotations__["return"] = returns
    assert built.add_conditional_edges("a", path).routers["a"][0].targets == known


# -- what may be a node, as in LangGraph


class Methods:
    def __call__(self, state):
        return {"log": ["called"]}

    def named(self, state):
        return {"log": ["method"]}

    @staticmethod
    def static(state):
        return {"log": ["static"]}


def given_more(more, state):
    return {"log": [more]}


def said(word, state):
    return word


def b_next(state):
    return "b"


class Saying:
    def __call__(self, state):
        return "b"


def with_config(state, config):
    return {"log": [config["configurable"]["mark"]]}


def with_default(state, config=None, *, size=2, **rest):
    return {"log": [size]}


@BOTH
@pytest.mark.parametrize(
    ("action", "name", "log"),
    [
        (Methods(), "Methods", ["called"]),
        (Methods().named, "named", ["method"]),
        (Methods.static, "static", ["static"]),
        (partial(given_more, "partial"), "partial", ["partial"]),
        (with_config, "with_config", ["m"]),
        (with_default, "with_default", [2]),
        (lambda *args: {"log": [len(args)]}, None, [1]),
        (RunnableLambda(a), "a", ["a"]),
        (RunnableLambda(with_config), "with_config", ["m"]),
    ],
)
def test_what_can_be_called_or_invoked_may_be_a_node(m, action, name, log):
    built = m.StateGraph(State)
    named = built.add_node("named", action) if name is None else built.add_node(action)
    graph = named.add_edge(START, name or "named").compile()
    assert graph.invoke({"x": 1}, {"configurable": {"mark": "m"}})["log"] == log


def test_a_runnable_is_awaited_by_its_async_twin():
    node = StateGraph(State).add_node("r", RunnableLambda(a)).nodes["r"]
    assert (node.action.__name__, node.twin.__name__, node.takes) == ("invoke", "ainvoke", ("config",))


def test_an_object_with_nothing_but_invoke_has_no_twin():
    node = StateGraph(State).add_node("r", SimpleNamespace(invoke=lambda state: {"x": state["x"] + 1})).nodes["r"]
    assert (node.twin, node.takes) == (None, ())


def test_a_compiled_graph_is_a_node_under_its_name():
    inner = StateGraph(State).add_node(a).add_edge(START, "a").compile(name="inner")
    node = StateGraph(State).add_node(inner).nodes["inner"]
    assert node.graph is inner.graph
    assert node.twin is not None


@BOTH
def test_a_sequence_takes_names_or_functions(m):
    built = m.StateGraph(State).add_sequence([("first", a), b]).add_edge(START, "first")
    assert built.compile().invoke({"x": 1})["log"] == ["a", "b"]


@BOTH
@pytest.mark.parametrize("path", [partial(said, "b"), Saying(), RunnableLambda(b_next)], ids=str)
def test_what_can_be_called_or_invoked_may_be_a_router(m, path):
    graph = m.StateGraph(State).add_node(a).add_node(b).add_edge(START, "a").add_conditional_edges("a", path)
    assert graph.compile().invoke({"x": 1})["log"] == ["a", "b"]


def test_a_router_takes_config_where_it_wants_it(built):
    def path(state, config):
        return config["configurable"]["next"]

    graph = built.add_edge(START, "a").add_conditional_edges("a", path).compile()
    assert graph.invoke({}, {"configurable": {"next": "b"}})["log"] == ["a", "b"]


def test_the_context_schema_is_kept():
    assert StateGraph(State, dict).context_schema is dict


def test_a_strict_graph_says_so_to_the_engine(built):
    built.add_edge(START, "a")
    assert [built.describe(strict=strict).strict for strict in (False, True)] == [False, True]


def test_required_are_the_keys_that_neither_a_default_nor_a_reducer_gives():
    class Need(TypedDict):
        x: int
        log: Annotated[list, operator.add]

    assert StateGraph(Need).required == {"x"}
    assert StateGraph(State).required == frozenset()
    assert StateGraph(State, input_schema=Need).required == {"x"}
