"""What ``get_graph()`` returns: nodes, edges and sub-graphs as data, as upstream has them.

The same recipes go to LangGraph and to us; what differs on purpose stands in `DIFFERENCES`, and nowhere else.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import nbhitl
from nbhitl.drawing import Edge, Node, outline
from nbhitl.engine.description import Graph
from nbhitl.engine.description import Node as EngineNode
from nbhitl.engine.records import END, START
from tests.recipes import AGAIN, DEEP, INNER, WIDE, Recipe, State, act, around, build, choose, decide, drawn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what LangGraph's own dependencies say is not ours to mend
    import langgraph.graph
    import langgraph.types


def facts(graph):
    """What is compared: nodes by id with their names and metadata, and the set of edges."""
    nodes = {id: (node.id, node.name, node.metadata) for id, node in graph.nodes.items()}
    return nodes, {tuple(edge) for edge in graph.edges}


def ids(graph):
    return list(graph.nodes)


def ends_of(graph):
    return [node and node.id for node in (graph.first_node(), graph.last_node())]


SAME = {
    "a chain": (Recipe("ab", "> a,a b,b >"), False),
    "nodes that nothing follows lead to END": (Recipe("abc", "> a,a b,a c"), False),
    "a path map": (
        Recipe("abcd", "> a", (("a", choose, {"b": "b", "x": "c", "z": END, 3: "d"}),)),
        False,
    ),
    "a path map as a list": (Recipe("abc", "> a", (("a", choose, ["b", "c"]),)), False),
    "keys that are no texts": (Recipe("abc", (), ((START, choose, {True: "a", None: "b", 2.5: "c"}),)), False),
    "two routers": (
        Recipe("abc", "> a", (("a", choose, {"1": "b"}), ("a", decide, {"2": "c", "3": END}))),
        False,
    ),
    "a router beside a static edge": (Recipe("abc", "> a,a b", (("a", choose, {"x": "c"}),)), False),
    "destinations": (Recipe("abc", "> a", destinations={"a": ("b", "c", "a")}), False),
    "destinations with labels": (
        Recipe("abc", "> a", destinations={"a": {"b": "yes", "c": "c", END: ""}}),
        False,
    ),
    "a waiting edge": (Recipe("abc", "> a,> b", waiting=((("a", "b"), "c"),)), False),
    "a waiting edge to END": (Recipe("ab", "> a,> b", waiting=((("a", "b"), END),)), False),
    "a loop with a way out": (Recipe("ab", "> a,a b", (("b", choose, {"again": "a", "out": END}),)), False),
    "metadata and defer": (Recipe("ab", "> a,a b", metadata={"a": {"k": [1]}}, defer=("a", "b")), False),
    "breakpoints": (Recipe("abc", "> a,a b,b c", before=("a", "b"), after=("c", "a")), False),
    "a closed sub-graph": (around(INNER), False),
    "0 opens nothing": (around(INNER), 0),
    "an opened sub-graph": (around(INNER), True),
    "a sub-graph with a way back to its first node": (around(AGAIN), True),
    "a sub-graph with several first and last nodes": (around(WIDE), True),
    "a sub-graph of one node": (around(Recipe("p", "> p,p >")), True),
    "a sub-graph that is all": (Recipe(("sub",), "> sub", subs={"sub": INNER}), True),
    "a sub-graph with routers on both sides": (
        Recipe(
            ("a", "sub", "b"),
            (),
            ((START, choose, {"go": "sub", "no": "a"}), ("sub", choose, {"again": "sub", "ok": "b"})),
            subs={"sub": INNER},
        ),
        True,
    ),
    "two sub-graphs in a row": (Recipe(("s", "t"), "> s,s t", subs={"s": INNER, "t": AGAIN}), True),
    "sub-graphs that wait": (
        Recipe(("s", "t", "z"), "> s,> t", waiting=((("s", "t"), "z"),), subs={"s": INNER, "t": WIDE}),
        True,
    ),
    "a sub-graph that begins and ends with sub-graphs": (
        around(Recipe(("s", "t"), "> s,s t,t >", subs={"s": INNER, "t": around(INNER)})),
        True,
    ),
    "sub-graphs one level down": (DEEP, 1),
    "sub-graphs two levels down": (DEEP, 2),
    "sub-graphs at any depth": (DEEP, True),
    "a negative depth is any depth": (DEEP, -1),
}

UNKNOWN = Recipe("ab", "> a,b >", (("a", choose, None),))
E2 = Recipe("ab", "> a,b >")

DIFFERENCES: dict[str, tuple[Recipe, bool | int, set[tuple[Any, ...]], set[tuple[Any, ...]]]] = {
    # why: recipe, xray, edges that only we have, edges that only upstream has
    "all keys to one node are named; upstream keeps the first": (
        Recipe("ab", "> a", (("a", choose, {"x": "b", "y": "b"}),)),
        False,
        {("a", "b", "x, y", True)},
        {("a", "b", "x", True)},
    ),
    "an edge and a router to the same node are two edges": (
        Recipe("ab", "> a,a b", (("a", choose, {"k": "b"}),)),
        False,
        {("a", "b", None, False)},
        set(),
    ),
    "an edge to END is an edge, other edges or not; upstream drops it": (
        Recipe("ab", "> a,a b,a >"),
        False,
        {("a", END, None, False)},
        set(),
    ),
    "the edges of a node that nothing leads to are there; upstream drops them": (
        E2,
        False,
        {("b", END, None, False)},
        set(),
    ),
    "where a router may lead is not made up; upstream says that it always ends": (
        UNKNOWN,
        False,
        {("b", END, None, False)},
        {("a", END, None, False)},
    ),
    "an endless loop stays one; upstream makes up a way out": (
        Recipe("ab", "> a,a b,b a"),
        False,
        set(),
        {("b", END, None, True)},
    ),
    "a sub-graph is opened whatever is in it; upstream leaves it closed when a node has no edge to it": (
        around(E2),
        True,
        {
            *(("a", "sub:a", None, False), ("sub:a", "sub:__end__", None, False)),
            *(("sub:b", "sub:__end__", None, False), ("sub:__end__", "z", None, False)),
        },
        {("a", "sub", None, False), ("sub", "z", None, False)},
    ),
    "START and END of a sub-graph stay where a label would be lost; upstream lets one node stand in": (
        around(Recipe("pq", "> p,p q", (("q", choose, {"ok": END}),))),
        True,
        {("sub:q", "sub:__end__", "ok", True), ("sub:__end__", "z", None, False)},
        {("sub:q", "z", None, False)},
    ),
}


def _theirs(recipe, xray):
    return build(langgraph.graph, recipe).get_graph(xray=xray)


class TestAgainstLangGraph:
    @pytest.mark.parametrize("name", SAME)
    def test_nodes_and_edges_are_the_same(self, name):
        recipe, xray = SAME[name]
        assert facts(drawn(recipe, xray)) == facts(_theirs(recipe, xray))

    @pytest.mark.parametrize("name", SAME)
    def test_the_first_and_the_last_node_are_the_same(self, name):
        recipe, xray = SAME[name]
        assert ends_of(drawn(recipe, xray)) == ends_of(_theirs(recipe, xray))

    @pytest.mark.parametrize("name", DIFFERENCES)
    def test_we_differ_in_this_and_nothing_else(self, name):
        recipe, xray, only_ours, only_theirs = DIFFERENCES[name]
        ours, theirs = facts(drawn(recipe, xray))[1], facts(_theirs(recipe, xray))[1]
        assert (ours - theirs, theirs - ours) == (only_ours, only_theirs)

    def test_json_has_the_same_keys(self):
        recipe = Recipe("ab", "> a", (("a", choose, {"x": "b"}),), before=("a",))
        ours, theirs = drawn(recipe).to_json(), _theirs(recipe, False).to_json()
        assert ours["edges"] == theirs["edges"]
        assert [{**node, "data": ""} for node in ours["nodes"][1:3]] == [
            {**node, "data": ""} for node in theirs["nodes"][1:3]
        ]
        assert ours["nodes"][1]["data"]["name"] == "a"
        assert ours["nodes"][3] == theirs["nodes"][3] == {"id": END}

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
    @given(
        st.dictionaries(st.sampled_from("abcde"), st.sets(st.sampled_from("abcde"), max_size=2), min_size=1),
        st.dictionaries(st.sampled_from("abcde"), st.sets(st.sampled_from("abcde"), min_size=1, max_size=2)),
    )
    def test_between_nodes_that_can_be_reached_the_same_edges_are_drawn(self, static, routed):
        reached, todo = set(), ["a"]
        while todo:
            name = todo.pop()
            if name not in reached:
                reached.add(name)
                todo += [*static.get(name, ()), *routed.get(name, ())]
        assume(len(reached) > 1)
        recipe = Recipe(
            tuple(sorted(reached)),
            ((START, "a"), *((a, b) for a in sorted(reached) for b in sorted(static.get(a, ())))),
            tuple((a, choose, {f"to {b}": b for b in sorted(routed[a])}) for a in sorted(reached & set(routed))),
        )
        ours, theirs = (
            {(edge.source, edge.target) for edge in graph.edges if edge.target != END}
            for graph in (drawn(recipe), _theirs(recipe, False))
        )
        assert ours == theirs


class TestOutline:
    def test_nodes_and_edges_are_tuples_in_the_order_in_which_they_were_added(self):
        graph = drawn(around(INNER), True)
        assert list(graph.nodes.values()) == [
            Node(START, START),
            Node("a", "a", act),
            Node("sub:p", "p", act),
            Node("sub:q", "q", act),
            Node("z", "z", act),
            Node(END, END),
        ]
        assert graph.edges[:2] == [Edge(START, "a"), ("a", "sub:p", None, False)]

    def test_a_breakpoint_in_a_sub_graph_is_given_by_its_path(self):
        graph = drawn(DEEP, True, interrupt_before={"mid/sub/p", "mid/a", "sub/p"}, interrupt_after={"mid/sub/p"})
        found = {id: node.metadata for id, node in graph.nodes.items() if node.metadata}
        assert found == {"mid:sub:p": {"__interrupt": "before,after"}, "mid:a": {"__interrupt": "before"}}

    def test_a_star_marks_every_node_and_upstream_marks_none(self):
        graph = nbhitl.StateGraph(State).add_node("a", act).add_edge(START, "a").compile(interrupt_before="*")
        assert {id: node.metadata for id, node in graph.get_graph().nodes.items() if node.metadata} == {
            "a": {"__interrupt": "before"}
        }

    def test_a_breakpoint_on_a_sub_graph_stays_on_it_when_it_is_opened(self):
        graph = drawn(around(INNER), True, interrupt_before={"sub"})
        assert "stops before: sub" in graph.draw_ascii()
        assert 'subgraph c0["sub ● stops before"]' in graph.draw_mermaid()
        assert 'label="sub\\n● stops before"' in graph.draw_dot()

    def test_metadata_of_the_builder_is_not_touched(self):
        recipe = Recipe("a", "> a", metadata={"a": {"k": 1}}, defer=("a",))
        drawn(recipe, interrupt_before={"a"}).nodes["a"].metadata["more"] = 1
        assert recipe.metadata == {"a": {"k": 1}}

    def test_names_with_colons_do_not_meet(self):
        graph = drawn(Recipe(("sub", "sub:p", "sub:q'"), "> sub,sub sub:p,sub:p sub:q'", subs={"sub": INNER}), True)
        assert ids(graph) == [START, "sub:p'", "sub:q", "sub:p", "sub:q'", END]
        assert Edge("sub:q", "sub:p") in graph.edges
        assert graph.draw_ascii().splitlines()[2:5] == ["|  sub:p   --> sub:q", "+-", "sub:q      --> sub:p (2)"]

    def test_a_sub_graph_without_a_name_is_opened_like_any_other(self):
        graph = drawn(Recipe(("", "p"), ((START, ""), ("", "p")), subs={"": INNER}), True)
        assert ids(graph) == [START, ":p", ":q", "p", END]

    def test_a_destination_that_does_not_exist_is_left_out(self):
        graph = drawn(Recipe("ab", "> a", destinations={"a": ("b", "nope")}))
        assert graph.edges == [Edge(START, "a"), Edge("a", "b", None, True), Edge("b", END)]

    def test_an_endless_sub_graph_has_an_end_that_nothing_leads_to(self):
        graph = drawn(around(Recipe("pq", "> p,p q,q p")), True)
        assert Edge("sub:__end__", "z") in graph.edges
        assert graph.draw_ascii().endswith("no edge leads to: sub:END")

    def test_end_is_no_node_where_nothing_leads_there(self):
        assert ids(drawn(Recipe("ab", "> a,a b,b a"))) == [START, "a", "b"]

    def test_what_a_router_without_a_promise_does_is_drawn_as_a_question_mark(self):
        graph = drawn(UNKNOWN)
        assert [edge for edge in graph.edges if edge.source == "a"] == []
        assert "a      ..> ?  [choose may lead to any node]" in graph.draw_ascii()
        assert "n1 -.-> u0" in graph.draw_mermaid()
        assert "n1 -> u0" in graph.draw_dot()

    def test_classes_partials_and_builtins_have_a_path_in_json(self):
        class Callable:
            def __call__(self, state):
                return {}

        paths = []
        for action in (act, Callable(), Callable, [].append, len):
            graph = Graph(nodes={"a": EngineNode("a", action)}, channels={}, edges={START: ("a",)}, routers={})
            paths.append(outline(graph).to_json()["nodes"][1]["data"]["id"][-1].rpartition(".")[2])
        assert paths == ["act", "Callable", "Callable", "builtin_function_or_method", "builtin_function_or_method"]


@pytest.mark.parametrize("name", [*SAME, *DIFFERENCES])
def test_a_compiled_graph_gives_the_same_outline(name):
    recipe, xray, *_ = {**SAME, **DIFFERENCES}[name]
    assert facts(build(nbhitl, recipe).get_graph(xray=xray)) == facts(drawn(recipe, xray))


def route(state) -> Literal["b", "__end__"]:
    return "b"


def test_annotations_say_where_routers_and_commands_lead():
    found = []
    for module, command in ((nbhitl, nbhitl.Command), (langgraph.graph, langgraph.types.Command)):

        def go(state):
            return {}

        go.__annotations__["return"] = command[Literal["c", "__end__"]]
        builder = module.StateGraph(State).add_node("a", act).add_node("b", go).add_node("c", act)
        found.append(builder.add_edge(START, "a").add_conditional_edges("a", route).compile().get_graph())
    assert facts(found[0]) == facts(found[1])
    assert found[0].draw_ascii().splitlines() == [
        "START  --> a",
        "a      ..> b",
        "       ..> END",
        "b      ..> c",
        "       ..> END",
        "c      --> END",
    ]
