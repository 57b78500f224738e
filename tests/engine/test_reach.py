"""Which nodes can never run, where every way is known."""

from nbhitl.engine.description import Graph, Node, Router, WaitingEdge
from nbhitl.engine.reach import unreachable
from nbhitl.engine.records import END, START


def closed(edges, *, nodes="abcd", goes=None, routers=None, waiting=(), subs=()):
    """A graph whose nodes promise where they go."""
    inner = Graph(nodes={}, channels={}, edges={}, routers={})
    goes = dict.fromkeys(nodes, ()) | (goes or {})
    return Graph(
        nodes={n: Node(n, len, goes[n], graph=inner if n in subs else None) for n in nodes},
        channels={},
        edges=edges,
        routers=routers or {},
        waiting=waiting,
    )


def test_nodes_that_no_way_leads_to_are_named_in_the_graphs_order():
    assert unreachable(closed({START: ("b",), "b": (END,), "d": ("c",)})) == ("a", "c", "d")


def test_edges_promises_routers_and_complete_waiting_edges_are_ways():
    graph = closed(
        {START: ("a",), "b": ("a",)},
        goes={"a": ("b",)},
        routers={"b": (Router("b", len, {1: "c", 2: END}),)},
        waiting=(WaitingEdge(("a", "c"), "d"),),
    )
    assert unreachable(graph) == ()


def test_a_waiting_edge_leads_nowhere_while_one_of_its_sources_cannot_run():
    assert unreachable(closed({START: ("a",)}, waiting=(WaitingEdge(("a", "c"), "d"),))) == ("b", "c", "d")


def test_nothing_is_said_where_a_node_may_go_anywhere():
    assert unreachable(closed({START: ("a",)}, goes={"a": None})) == ()


def test_nothing_is_said_where_a_sub_graph_may_go_anywhere():
    assert unreachable(closed({START: ("a",)}, subs="a")) == ()


def test_nothing_is_said_where_a_router_may_go_anywhere():
    assert unreachable(closed({START: ("a",)}, routers={"a": (Router("a", len),)})) == ()


def test_what_cannot_run_may_go_anywhere():
    assert unreachable(closed({START: ("a",)}, goes={"b": None})) == ("b", "c", "d")
