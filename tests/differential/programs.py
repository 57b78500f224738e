"""Random graph programs and scripts as plain frozen data: what a graph is made of, and what is done with it.

A program knows no engine; `tests.differential.build` makes it on one, `tests.differential.play` plays its script.
Printed, it is the whole of a failing example.
"""

from __future__ import annotations

from dataclasses import dataclass

START, END = "__start__", "__end__"


@dataclass(frozen=True)
class Node:
    """A node: its body does what is named here, in this order; or it is the graph ``sub``."""

    name: str
    calls: Sub | None = None
    """A graph that the body calls first."""
    asks: int = 0
    """Questions, one after the other."""
    patient: bool = False
    """Each question is asked until the answer is not "again"."""
    fails: bool = False
    """Fails the first time that it gets here with the same state."""
    update: str = "log"
    """What it writes: see `tests.differential.build`."""
    goto: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()
    """Destinations that get an input of their own."""
    parent: str = ""
    """Leaves the sub-graph for this node of the graph around it."""
    narrow: bool = False
    """It sees a part of the state only."""
    defer: bool = False
    sub: Sub | None = None


@dataclass(frozen=True)
class Router:
    source: str
    choices: tuple[str, ...]
    back: str | None = None
    """Where it goes while few steps were made: a loop."""
    sends: bool = False
    mapped: bool = False
    """It returns keys of a ``path_map``."""


@dataclass(frozen=True)
class Graph:
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    joins: tuple[tuple[tuple[str, ...], str], ...] = ()
    routers: tuple[Router, ...] = ()
    state: str = "dict"
    """The state is a ``dict``, a ``dataclass`` or a ``model``."""


@dataclass(frozen=True)
class Sub:
    graph: Graph
    memory: bool | None = None
    """The ``checkpointer`` it is compiled with."""


@dataclass(frozen=True)
class Act:
    """One thing done with the graph.

    ``input``, ``go``, ``command`` (an edit as input), ``answer`` (all), ``answer one``, ``answer bare``, ``update``,
    ``bulk``, ``update inside`` (a paused sub-graph), ``fork`` and ``replay`` (an old checkpoint).
    """

    do: str
    node: str = ""
    """Who writes; or where a command goes; or a breakpoint of this call."""
    place: int = 0
    """Which checkpoint of the history, or which of the open questions."""
    value: str | bool | int = "yes"


@dataclass(frozen=True)
class Program:
    graph: Graph
    script: tuple[Act, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    style: str = "stream"
    """``stream``, ``invoke``, or ``ainvoke``: how the graph is called, and whether its bodies are async."""
    durability: str = "sync"


def nodes_in(graph: Graph) -> list[Node]:
    """Every node at every depth."""
    found = []
    for node in graph.nodes:
        found.append(node)
        for sub in (node.sub, node.calls):
            found += nodes_in(sub.graph) if sub else []
    return found


def subs_in(graph: Graph) -> list[Sub]:
    return [sub for node in nodes_in(graph) for sub in (node.sub, node.calls) if sub]


def features(program: Program) -> set[str]:
    """What can be seen of a program before it runs."""
    graph, nodes = program.graph, nodes_in(program.graph)
    routers = [r for g in (graph, *(sub.graph for sub in subs_in(graph))) for r in g.routers]
    joins = [j for g in (graph, *(sub.graph for sub in subs_in(graph))) for j in g.joins]
    found = {
        "sub-graph": any(n.sub or n.calls for n in nodes),
        "sub-graph as a node": any(n.sub for n in nodes),
        "sub-graph called in a body": any(n.calls for n in nodes),
        "two levels of sub-graphs": any(subs_in(sub.graph) for sub in subs_in(graph)),
        "a sub-graph that asks": any(n.asks for sub in subs_in(graph) for n in nodes_in(sub.graph)),
        "send": any(n.sends for n in nodes) or any(r.sends for r in routers),
        "router": bool(routers),
        "loop": any(r.back for r in routers),
        "goto": any(n.goto for n in nodes),
        "leaves for the parent": any(n.parent for n in nodes),
        "waiting edge": bool(joins),
        "defer": any(n.defer for n in nodes),
        "several questions in a body": any(n.asks > 1 for n in nodes),
        "failing node": any(n.fails for n in nodes),
        "overwrite": any(n.update == "overwrite" for n in nodes),
        "private input": any(n.narrow for n in nodes),
        "static breakpoint": bool(program.before or program.after),
        f"memory {[sub.memory for sub in subs_in(graph)][:1]}": True,
        f"state {graph.state}": True,
        f"style {program.style}": True,
    }
    return {name for name, there in found.items() if there}
