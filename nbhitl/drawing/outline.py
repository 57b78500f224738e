"""An engine graph -> the outline that ``get_graph(xray=...)`` returns: sub-graphs closed, or opened to some depth."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nbhitl.drawing.drawable import DrawableGraph
from nbhitl.drawing.region import INTERRUPT, Node, Region
from nbhitl.drawing.ways import Join, Line, Stub, Way, dropped, stand_ins, targets, ways_to_end
from nbhitl.engine.records import END, START

if TYPE_CHECKING:
    from nbhitl.engine.description import Graph
    from nbhitl.engine.description import Node as EngineNode


def outline(
    graph: Graph,
    xray: bool | int = False,
    *,
    interrupt_before: Collection[str] = (),
    interrupt_after: Collection[str] = (),
) -> DrawableGraph:
    """``graph`` as nodes and edges.

    Each node after which nothing is known to follow leads to END. In an opened sub-graph, START and END are left out
    where exactly one node can stand in for them; what led to the sub-graph leads to its first node, and so on.

    Args:
        graph: what was built.
        xray: which sub-graphs are opened: none, all (``True``, or a negative number), or those so many levels down.
        interrupt_before: nodes with a breakpoint before them; ``sub/inner`` is a node of a sub-graph.
        interrupt_after: the same, after them.
    """
    depth = math.inf if xray is True or xray < 0 else float(xray)
    making = _Outline()
    stops = _Stops(frozenset(interrupt_before), frozenset(interrupt_after))
    region = making.level(graph, depth, stops).region
    return DrawableGraph(making.nodes, region)


@dataclass(frozen=True, slots=True)
class _Stops:
    """The breakpoints of one graph and, by path, of those inside it."""

    before: frozenset[str]
    after: frozenset[str]

    def within(self, name: str) -> _Stops:
        found = (_below(name, self.before), _below(name, self.after))
        return _Stops(*found)

    def of(self, name: str) -> str:
        return ",".join(word for word, names in (("before", self.before), ("after", self.after)) if name in names)


def _below(name: str, paths: Iterable[str]) -> frozenset[str]:
    return frozenset(path[len(name) + 1 :] for path in paths if path.startswith(f"{name}/"))


@dataclass(frozen=True, slots=True)
class _Level:
    """A graph that is laid open, and where it is entered and left."""

    region: Region
    entry: str
    exit: str


class _Outline:
    """An outline in the making: hands out ids, outer graphs first."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.used: set[str] = set()

    def level(self, graph: Graph, depth: float, stops: _Stops, frame: Region | None = None) -> _Level:
        """``graph``, the outermost one or the inside of ``frame``, which says its id, name and metadata."""
        found = list(ways_to_end(graph))
        if frame is not None:
            left_out = stand_ins(found)
        else:
            left_out = {} if any(END in targets(way) for way in found) else {END: END}
        prefix = "" if frame is None else f"{frame.id}:"
        ids = {name: self._id(prefix + name) for name in (START, *graph.nodes, END) if name not in left_out}
        entries, exits = dict(ids), dict(ids)
        parts: list[str | Region] = []
        for name, id in ids.items():
            node = graph.nodes.get(name)
            metadata = _metadata(node, stops.of(name)) if node else None
            if node and node.graph is not None and depth > 0:
                inside = Region(id, name, (), (), metadata)
                opened = self.level(node.graph, depth - 1, stops.within(name), inside)
                entries[name], exits[name] = opened.entry, opened.exit
                parts.append(opened.region)
            else:
                self.nodes[id] = Node(id, name, node and node.action, metadata)
                parts.append(id)
        kept = tuple(_moved(way, entries, exits) for way in found if not dropped(way, left_out))
        region = replace(frame or Region("", graph.name, (), ()), parts=tuple(parts), ways=kept)
        first, last = left_out.get(START, START), left_out.get(END, END)
        return _Level(region, entries.get(first, ""), exits.get(last, ""))

    def _id(self, wanted: str) -> str:
        while wanted in self.used:
            wanted += "'"  # a name may hold a colon
        self.used.add(wanted)
        return wanted


def _moved(way: Way, entries: Mapping[str, str], exits: Mapping[str, str]) -> Way:
    """A way between names as one between ids."""
    match way:
        case Line(source, target, conditional, label):
            return Line(exits[source], entries[target], conditional, label)
        case Stub(source, router):
            return Stub(exits[source], router)
        case Join(sources, target):
            return Join(tuple(exits[source] for source in sources), entries[target])


def _metadata(node: EngineNode, stop: str) -> dict[str, Any] | None:
    found = dict(node.metadata)
    if node.defer:
        found["defer"] = True
    if stop:
        found[INTERRUPT] = stop
    return found or None
