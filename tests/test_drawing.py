"""What is drawn of a graph, its DOT text, and the states of nodes: plain values in, plain values out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbhitl.drawing import (
    DrawnEdge,
    DrawnNode,
    Fan,
    Frame,
    describe,
    dot,
    fans,
    printable,
    states,
    taken_edges,
)
from nbhitl.engine.description import Graph, Node, Router, WaitingEdge
from nbhitl.engine.moves import taken
from nbhitl.engine.records import END, START, Checkpoint, Failed, Position, Send, Stopped, Task, Wrote

CORPUS = json.loads((Path(__file__).parent / "corpora" / "attacks.json").read_text(encoding="utf-8"))


def act(state):
    return {}


def choose(state):
    return "x"


def graph(*names, edges=None, routers=None, waiting=(), destinations=None, name="g"):
    ends = destinations or {}
    return Graph(
        nodes={n: Node(n, act, ends.get(n)) for n in names},
        channels={},
        edges=edges or {START: (names[0],)},
        routers=routers or {},
        waiting=waiting,
        name=name,
    )


POST = graph(
    "draft",
    "review",
    "publish",
    edges={START: ("draft",), "draft": ("review",), "publish": (END,)},
    routers={"review": (Router("review", choose, {"publish": "publish", "revise": "draft"}),)},
    name="post",
)


def at(*tasks, ran=(), step=3, **rest):
    made = tuple(Task(f"t{n}", node) for n, node in enumerate(tasks))
    return Position(Checkpoint("c", None, step, "loop", tasks=made, ran=ran), **rest)


class TestDescribe:
    def test_start_nodes_and_end_get_ids_of_ours_in_order(self):
        assert describe(POST).nodes == (
            DrawnNode("n0", "start", START, "START"),
            DrawnNode("n1", "node", "draft", "draft"),
            DrawnNode("n2", "node", "review", "review"),
            DrawnNode("n3", "node", "publish", "publish"),
            DrawnNode("n4", "end", END, "END"),
        )

    def test_conditional_edges_are_labelled_only_where_the_key_says_more_than_the_name(self):
        assert describe(POST).edges == (
            DrawnEdge("e0", "n0", "n1", pairs=((START, "draft"),)),
            DrawnEdge("e1", "n1", "n2", pairs=(("draft", "review"),)),
            DrawnEdge("e2", "n2", "n3", "conditional", "", (("review", "publish"),)),
            DrawnEdge("e3", "n2", "n1", "conditional", "revise", (("review", "draft"),)),
            DrawnEdge("e4", "n3", "n4", pairs=(("publish", END),)),
        )

    def test_keys_that_lead_to_the_same_node_share_one_edge(self):
        drawn = describe(graph("a", "b", routers={"a": (Router("a", choose, {True: "b", 2: "b", None: "b"}),)}))
        assert [edge.label for edge in drawn.edges] == ["", "True, 2, None"]

    def test_a_key_that_is_an_object_is_named_by_its_type_and_none_of_its_code_runs(self):
        class Key:
            def __repr__(self):
                raise AssertionError

            __str__ = __repr__

        drawn = describe(graph("a", "b", routers={"a": (Router("a", choose, {Key(): "b"}),)}))
        assert drawn.edges[1].label == "Key"

    def test_a_waiting_edge_meets_in_a_dot(self):
        drawn = describe(graph("a", "b", "c", edges={START: ("a", "b")}, waiting=(WaitingEdge(("a", "b"), "c"),)))
        assert drawn.nodes[-1] == DrawnNode("j0", "join", hint="c waits for all of: a, b")
        assert drawn.edges[2:] == (
            DrawnEdge("e2", "n1", "j0", pairs=(("a", "c"),)),
            DrawnEdge("e3", "n2", "j0", pairs=(("b", "c"),)),
            DrawnEdge("e4", "j0", "n3", pairs=(("a", "c"), ("b", "c"))),
        )

    def test_a_waiting_edge_with_one_source_is_a_plain_edge(self):
        drawn = describe(graph("a", "b", waiting=(WaitingEdge(("a",), "b"),)))
        assert drawn.edges[1] == DrawnEdge("e1", "n1", "n2", pairs=(("a", "b"),))

    def test_a_router_with_unknown_ends_is_a_stub_that_says_so(self):
        drawn = describe(graph("a", "b", routers={"a": (Router("a", choose),)}))
        assert drawn.nodes[-1] == DrawnNode(
            "u0",
            "unknown",
            label="?",
            hint="choose may lead to any node. To see where, give path_map or annotate it to return a Literal.",
        )
        assert drawn.edges[1] == DrawnEdge("e1", "n1", "u0", "conditional")

    def test_destinations_of_a_command_are_conditional_and_unknown_ones_have_no_place(self):
        drawn = describe(graph("a", "b", destinations={"a": ("b", "nowhere", END)}))
        assert drawn.edges[1:] == (
            DrawnEdge("e1", "n1", "n2", "conditional", pairs=(("a", "b"),)),
            DrawnEdge("e2", "n1", "n3", "conditional", pairs=(("a", END),)),
        )

    def test_end_is_left_out_where_nothing_leads_to_it(self):
        assert [node.kind for node in describe(graph("a")).nodes] == ["start", "node"]

    def test_a_graph_that_is_too_large_says_so(self):
        names = [f"k{n}" for n in range(60)]
        dense = graph(*names, edges={START: ("k0",), **{n: tuple(m for m in names if m != n) for n in names}})
        assert describe(dense).too_large == (
            "The graph is too large to be drawn: 61 nodes and 3,541 edges; the limits are 300 and 2,000."
        )
        assert describe(graph(*(f"n{n}" for n in range(10_000)))).too_large is not None
        assert describe(POST).too_large is None


INNER = graph("ask", "check", edges={START: ("ask",), "ask": ("check",)}, name="inner")
LOOP = graph(
    "try",
    "judge",
    edges={START: ("try",), "try": ("judge",)},
    routers={"judge": (Router("judge", choose, {"ok": END, "again": "try"}),)},
    name="loop",
)


def around(inner, name="review"):
    """A graph with a sub-graph between two nodes; the last one may lead back to it."""
    return Graph(
        nodes={"draft": Node("draft", act), name: Node(name, act, graph=inner), "publish": Node("publish", act)},
        channels={},
        edges={START: ("draft",), "draft": (name,), name: ("publish",)},
        routers={"publish": (Router("publish", choose, {"more": "draft", "done": END}),)},
        waiting=(),
        name="outer",
    )


class TestSubgraphs:
    def test_a_closed_one_is_a_node_that_opens(self):
        drawn = describe(around(INNER))
        assert [(node.name, node.opens) for node in drawn.nodes] == [
            (START, False),
            ("draft", False),
            ("review", True),
            ("publish", False),
            (END, False),
        ]
        assert drawn.frames == ()

    def test_an_opened_one_is_a_frame_with_its_nodes_by_path(self):
        drawn = describe(around(INNER), ["review"])
        assert drawn.frames == (Frame("c0", "review", ("n2", "n3"), "review"),)
        assert [node.name for node in drawn.nodes] == [START, "draft", "review/ask", "review/check", "publish", END]
        assert [node.label for node in drawn.nodes[2:4]] == ["ask", "check"]

    def test_lines_enter_at_its_first_node_and_leave_at_its_last(self):
        pairs = {(edge.tail, edge.head): edge.pairs for edge in describe(around(INNER), ["review"]).edges}
        assert pairs["n1", "n2"] == (("draft", "review"),)
        assert pairs["n2", "n3"] == (("review/ask", "review/check"),)
        assert pairs["n3", "n4"] == (("review", "publish"),)

    def test_its_start_and_end_are_drawn_where_no_node_can_stand_in_for_them(self):
        drawn = describe(around(LOOP), ["review"])
        assert [node.name for node in drawn.nodes if node.name.startswith("review/")] == [
            f"review/{START}",
            "review/try",
            "review/judge",
            f"review/{END}",
        ]

    def test_one_inside_another_opens_on_its_own(self):
        nested = around(around(INNER, "deep"))
        closed = describe(nested, ["review"])
        assert [node.name for node in closed.nodes if node.opens] == ["review/deep"]
        opened = describe(nested, ["review", "review/deep"])
        assert [frame.name for frame in opened.opened] == ["review", "review/deep"]
        assert "review/deep/ask" in {node.name for node in opened.nodes}

    def test_a_path_that_leads_to_none_opens_nothing(self):
        assert describe(around(INNER), ["draft", "nowhere", "review/ask"]) == describe(around(INNER))

    def test_what_a_body_calls_is_found_by_whoever_knows(self):
        drawn = describe(POST, ["review"], lambda node: [INNER] if node.name == "review" else [])
        assert [frame.name for frame in drawn.opened] == ["review"]

    def test_in_dot_a_frame_is_a_cluster_and_a_loop_is_turned_where_it_leads_back(self):
        text = dot(describe(around(INNER), ["review"]))
        assert "subgraph cluster_c0 {" in text
        assert "n1 -> n4 [id=e4, style=dashed" in text  # from publish back to draft, drawn the other way round
        assert text.count("dir=back") == 1


class TestFans:
    def test_several_tasks_of_a_node_are_counted(self):
        position = at(
            *["draft"] * 4,
            "review",
            wrote={"t0": Wrote("t0")},
            parked=frozenset(["t1"]),
            failed={"t2": Failed("t2", "E", "x")},
        )
        assert fans(position) == {"draft": Fan(4, 1, 1, 1)}
        assert Fan(4, 1, 1, 1).words == "1/4 done, 1 failed, 1 waiting"
        assert Fan(10, 3).words == "3/10 done"

    def test_the_usual_step_has_none(self):
        assert fans(at("draft", "review")) == {}


class TestDot:
    def test_each_node_and_edge_is_a_line_with_its_id(self):
        lines = dot(describe(graph("a", 'say "hi"', edges={START: ("a",), "a": ('say "hi"',)}))).splitlines()
        assert lines[-5:] == [
            '  n1 [id=n1, label="a", width="0.75", margin="0.15,0.08"]',
            '  n2 [id=n2, label="say \\"hi\\"", width="1.19", margin="0.15,0.08"]',
            "  n0 -> n1 [id=e0]",
            "  n1 -> n2 [id=e1]",
            "}",
        ]

    def test_conditional_edges_are_dashed_and_lines_to_a_join_have_no_head(self):
        text = dot(describe(POST))
        assert "n2 -> n1 [id=e3, style=dashed, label=" in text
        joined = graph("a", "b", "c", edges={START: ("a", "b")}, waiting=(WaitingEdge(("a", "b"), "c"),))
        assert "n1 -> j0 [id=e2, arrowhead=none]" in dot(describe(joined))

    def test_it_goes_where_it_is_told(self):
        assert "rankdir=TB" in dot(describe(POST), "TB")

    @given(st.text(min_size=1))
    def test_no_name_leaves_its_quotes(self, name):
        text = dot(describe(graph("a", name) if name not in ("a", START, END) else POST))
        # Without escaped characters, quotes come in pairs and hold no quote, and nothing else opens anything.
        bare = text.replace("\\\\", "").replace('\\"', "")
        outside = "".join(bare.split('"')[::2])
        assert set(outside) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \n={}[],->.")
        assert "URL" not in outside
        assert "href" not in outside


class TestPrintable:
    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ("draft", "draft"),
            ("a\nb\t\tc", "a b c"),
            ("a\x00b\ud800", "a\ufffdb\ufffd"),
            ("\u202egpj.exe", "gpj.exe"),
            ("", "(no name)"),
            ("x" * 100_000, "x" * 39 + "…"),
            ("a" + "\u0301" * 500, "a\u0301\u0301…"),
            ("<b>&amp;</b>", "<b>&amp;</b>"),
            ("\x1b[2J", "\ufffd[2J"),
        ],
    )
    def test_text_becomes_one_short_line_without_tricks(self, given, shown):
        assert printable(given) == shown

    @given(st.text())
    def test_it_is_always_printable_and_never_long(self, text):
        shown = printable(text)
        assert 0 < len(shown) <= 40
        assert all(char.isprintable() for char in shown)


class TestStates:
    def test_before_the_first_input_all_are_idle(self):
        assert states(POST, None) == dict.fromkeys([START, "draft", "review", "publish", END], "idle")

    @pytest.mark.parametrize(
        ("position", "running", "expected"),
        [
            (at("draft", ran=(START,), step=0), (), ["done", "next", "idle", "idle", "idle"]),
            (at("draft", ran=(START,), step=0), ("draft",), ["done", "running", "idle", "idle", "idle"]),
            (at("review", parked=frozenset(["t0"])), (), ["done", "done", "waiting", "idle", "idle"]),
            (at("review", stopped=Stopped("breakpoint")), (), ["done", "done", "paused", "idle", "idle"]),
            (at("review", stopped=Stopped("drained")), (), ["done", "done", "next", "idle", "idle"]),
            (
                at("review", failed={"t0": Failed("t0", "E", "x")}),
                (),
                ["done", "done", "failed", "idle", "idle"],
            ),
            (at("review", wrote={"t0": Wrote("t0")}), ("review",), ["done", "done", "done", "idle", "idle"]),
            (at(ran=("publish",)), (), ["done", "done", "idle", "done", "done"]),
            (at("draft", ran=("review",)), (), ["done", "next", "done", "idle", "idle"]),
        ],
    )
    def test_a_position_decides_the_states(self, position, running, expected):
        found = states(POST, position, running, ran=["draft"] if position.checkpoint.step else [])
        assert list(found.values()) == expected

    def test_of_several_tasks_of_one_node_the_most_urgent_counts(self):
        three = at("draft", "draft", "draft", wrote={"t0": Wrote("t0")}, parked=frozenset(["t1"]))
        assert states(POST, three)["draft"] == "waiting"

    def test_nodes_that_the_graph_no_longer_has_are_not_shown(self):
        assert set(states(POST, at("gone", ran=("old",)), ran=["older"])) == {
            START,
            "draft",
            "review",
            "publish",
            END,
        }


class TestTaken:
    def test_static_edges_and_destinations_of_finished_tasks_were_taken(self):
        position = at(
            "draft",
            "review",
            wrote={"t0": Wrote("t0"), "t1": Wrote("t1", goto=("draft", Send("publish", 1)))},
        )
        assert taken(POST, position) == {("draft", "review"), ("review", "draft"), ("review", "publish")}

    def test_edges_are_taken_when_all_their_steps_were(self):
        joined = graph("a", "b", "c", edges={START: ("a", "b")}, waiting=(WaitingEdge(("a", "b"), "c"),))
        drawn = describe(joined)
        half = taken(joined, at("a", "b", wrote={"t0": Wrote("t0")}))
        both = taken(joined, at("a", "b", wrote={"t0": Wrote("t0"), "t1": Wrote("t1")}))
        assert taken_edges(drawn, half) == {"e2"}
        assert taken_edges(drawn, both) == {"e2", "e3", "e4"}

    def test_a_stub_is_taken_by_steps_that_are_drawn_nowhere_else(self):
        drawn = describe(graph("a", "b", routers={"a": (Router("a", choose),)}))
        assert taken_edges(drawn, [(START, "a")]) == {"e0"}
        assert taken_edges(drawn, [(START, "a"), ("a", "b")]) == {"e0", "e1"}


def test_every_name_of_the_corpus_is_a_quoted_label():
    names = [name for name in dict.fromkeys(CORPUS["names_graph"]) if name not in (START, END)]
    text = dot(describe(graph(*names)))
    assert len(text.splitlines()) == len(names) + 7
    text.encode()
