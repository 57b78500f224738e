"""Graphs as recipes, which both engines can build, for tests of what is drawn of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypedDict

from nbhitl.drawing import outline
from nbhitl.engine.description import Graph, Node, Router, WaitingEdge
from nbhitl.engine.records import END, START

CORPUS = json.loads((Path(__file__).parent / "corpora" / "attacks.json").read_text(encoding="utf-8"))
ATTACKS = [
    *CORPUS["names_graph"],
    *CORPUS["xss_html"],
    *CORPUS["xss_markdown"],
    *CORPUS["xss_ansi_text"],
    *("end", 'click n0 href "x"', "%%{init: {}}%%", "%% c", "---\ntitle: x\n---", "style n0 fill:#red", "n0", "`md`"),
    *("1. one", "- x", "# head", "__b__", "$$x$$", "fa:fa-car", "a\\nb", "@{ shape: x }", ":::cls", "a\u2028b", "\r\n"),
]
NAMES = [name for name in dict.fromkeys(ATTACKS) if name not in (START, END)]


class State(TypedDict):
    x: int


def act(state):
    return {}


def choose(state):
    return "x"


def decide(state):
    return "x"


@dataclass(frozen=True)
class Recipe:
    """A graph that both engines can build."""

    nodes: str | tuple[str, ...]
    edges: str | tuple[tuple[str, str], ...] = ()
    """Pairs, or a text like ``"> a b, b >"``: an arrow for START or END."""
    routers: tuple[tuple[str, Any, Any], ...] = ()
    waiting: tuple[tuple[tuple[str, ...], str], ...] = ()
    destinations: dict[str, Any] = field(default_factory=dict)
    subs: dict[str, Recipe] = field(default_factory=dict)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    defer: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def pairs(self):
        if not isinstance(self.edges, str):
            return self.edges
        return [
            (START if a == ">" else a, END if b == ">" else b)
            for a, b in (pair.split() for pair in self.edges.split(",") if pair)
        ]


def build(module, recipe):
    """Through a StateGraph, theirs or ours."""
    builder = module.StateGraph(State)
    for name in recipe.nodes:
        body = build(module, recipe.subs[name]) if name in recipe.subs else act
        more = {"destinations": recipe.destinations[name]} if name in recipe.destinations else {}
        builder.add_node(name, body, metadata=recipe.metadata.get(name), defer=name in recipe.defer, **more)
    for source, target in recipe.pairs:
        builder.add_edge(source, target)
    for sources, target in recipe.waiting:
        builder.add_edge(list(sources), target)
    for source, path, ends in recipe.routers:
        builder.add_conditional_edges(source, path, ends)
    return builder.compile(interrupt_before=list(recipe.before), interrupt_after=list(recipe.after))


def engine_graph(recipe):
    """By hand, as the builder would."""
    nodes, edges, routers = {}, {}, {}
    for name in recipe.nodes:
        promised = recipe.destinations.get(name)
        nodes[name] = Node(
            name,
            act,
            None if promised is None else tuple(promised),
            recipe.metadata.get(name, {}),
            defer=name in recipe.defer,
            graph=engine_graph(recipe.subs[name]) if name in recipe.subs else None,
            labels=promised if isinstance(promised, dict) else {},
        )
    for source, target in recipe.pairs:
        edges[source] = (*edges.get(source, ()), target)
    for source, path, given_ends in recipe.routers:
        ends = {name: name for name in given_ends} if isinstance(given_ends, list) else given_ends
        routers[source] = (*routers.get(source, ()), Router(source, path, ends))
    waiting = tuple(WaitingEdge(sources, target) for sources, target in recipe.waiting)
    return Graph(nodes=nodes, channels={}, edges=edges, routers=routers, waiting=waiting, name="g")


def drawn(recipe, xray=False, **stops):
    stops = stops or {"interrupt_before": recipe.before, "interrupt_after": recipe.after}
    return outline(engine_graph(recipe), xray, **stops)


def hostile(names, label):
    """A graph whose every name and label comes from outside, some of them in a sub-graph."""
    inner = Recipe(tuple(names), ((START, names[0]), *pairwise(names)), ((names[-1], choose, {label: names[0]}),))
    return Recipe(
        tuple(names),
        ((START, names[0]), *pairwise(names)),
        ((names[-1], choose, {label: names[0], f"{label}!": END}),),
        subs={names[0]: inner},
        destinations={names[0]: {names[-1]: label}},
        before=(names[0], f"{names[0]}/{names[-1]}"),
    )


INNER = Recipe("pq", "> p,p q,q >")
AGAIN = Recipe("pq", "> p,p q", (("q", choose, {"again": "p", "done": END}),))
WIDE = Recipe("pq", "> p,> q,p >,q >")


def around(inner):
    return Recipe(("a", "sub", "z"), "> a,a sub,sub z,z >", subs={"sub": inner})


DEEP = Recipe(("a", "mid", "z"), "> a,a mid,mid z,z >", subs={"mid": around(INNER)})
