"""A graph as a frozen value: nodes, edges, channels; and every mistake that can be seen in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbhitl.engine.channels import Channel
from nbhitl.engine.errors import UnknownNodeError, did_you_mean
from nbhitl.engine.ids import fingerprint
from nbhitl.engine.records import END, START


@dataclass(frozen=True, slots=True)
class Node:
    """A named function from state to update."""

    name: str
    action: Callable[..., Any]
    destinations: tuple[str, ...] | None = None
    """Where a returned ``Command(goto=...)`` may lead, for the drawing; None: no such promise."""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Router:
    """A conditional edge: a function of the state that says where to go."""

    source: str
    path: Callable[..., Any]
    ends: Mapping[Any, str] | None = None
    """What ``path`` returns to the node's name; None: it returns names, of any node."""

    @property
    def targets(self) -> tuple[str, ...] | None:
        """Every node this edge may lead to, in order; None when that is not known."""
        return None if self.ends is None else tuple(dict.fromkeys(self.ends.values()))


@dataclass(frozen=True, slots=True)
class WaitingEdge:
    """An edge that is taken when all of its sources have run."""

    sources: tuple[str, ...]
    target: str

    @property
    def key(self) -> str:
        """How checkpoints name it."""
        return f"{'+'.join(self.sources)}:{self.target}"


@dataclass(frozen=True, slots=True)
class Graph:
    """What `nbhitl.engine.moves` runs: built and checked by the builder above."""

    nodes: Mapping[str, Node]
    channels: Mapping[str, Channel]
    edges: Mapping[str, tuple[str, ...]]
    """Static edges: source to targets, END included."""
    routers: Mapping[str, tuple[Router, ...]]
    waiting: tuple[WaitingEdge, ...] = ()
    input_keys: frozenset[str] = frozenset()
    output_keys: frozenset[str] = frozenset()
    name: str = ""
    types: tuple[type, ...] = ()
    """Classes that values of the state may have, as far as the schema names them."""
    waits: Mapping[str, tuple[WaitingEdge, ...]] = field(init=False)
    """Source to the waiting edges that it feeds."""

    def __post_init__(self) -> None:
        waits: dict[str, tuple[WaitingEdge, ...]] = {}
        for edge in self.waiting:
            for source in edge.sources:
                waits[source] = (*waits.get(source, ()), edge)
        object.__setattr__(self, "waits", waits)

    def expect(self, names: Iterable[str], role: str) -> frozenset[str]:
        """``names`` as a set, when all of them are nodes; ``role`` says what they were given for.

        Raises:
            UnknownNodeError: one of them is not.
        """
        found = frozenset(names)
        for name in sorted(found):
            if name not in self.nodes:
                raise UnknownNodeError(f"{role}: there is no node {name!r}.{did_you_mean(name, self.nodes)}")
        return found

    def fingerprints(self) -> dict[str, str]:
        """Node name to the fingerprint of its code."""
        return {name: fingerprint(node.action) for name, node in self.nodes.items()}


def problems(graph: Graph) -> list[str]:
    """Every mistake of a graph, in words; empty when it can run."""
    found: list[str] = []
    known = set(graph.nodes)

    def expect(name: str, where: str, also: str) -> None:
        if name not in known and name != also:
            found.append(f"{where}: there is no node {name!r}.{did_you_mean(name, known)}")

    if not graph.nodes:
        found.append("the graph has no nodes: add one with add_node(name, function).")
    for source, targets in graph.edges.items():
        expect(source, f"edge {source} -> {', '.join(targets)}", START)
        for target in targets:
            expect(target, f"edge {source} -> {target}", END)
    for edge in graph.waiting:
        where = f"edge [{', '.join(edge.sources)}] -> {edge.target}"
        for source in edge.sources:
            expect(source, where, START)
        expect(edge.target, where, END)
    for source, routers in graph.routers.items():
        expect(source, f"conditional edge from {source}", START)
        for router in routers:
            for target in router.targets or ():
                expect(target, f"conditional edge from {source}", END)
    if graph.nodes and not graph.edges.get(START) and not graph.routers.get(START):
        first = next(iter(graph.nodes))
        found.append(f"nothing follows START, so no node would run: add_edge(START, {first!r}).")
    return found
