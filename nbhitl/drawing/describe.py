"""A graph of the engine -> the `Drawing` of it, with sub-graphs closed or opened into frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

from nbhitl.drawing.printable import printable
from nbhitl.drawing.sketch import Drawing, DrawnEdge, DrawnNode, EdgeKind, Frame, NodeKind
from nbhitl.drawing.ways import Join, Line, Stub, Way, dropped, stand_ins, targets, ways, ways_to_end
from nbhitl.engine.moves import Pair
from nbhitl.engine.records import END, START

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from nbhitl.engine.description import Graph, Node

Inside: TypeAlias = "Callable[[Node], Sequence[Graph]]"
"""The sub-graphs that a node runs: usually one, or none."""


def describe(graph: Graph, opened: Collection[str] = (), inside: Inside | None = None) -> Drawing:
    """What there is to draw of ``graph``. END is left out where no edge is known to lead to it.

    In an opened sub-graph START and END are left out where one node can stand in for them.

    Args:
        graph: what was built.
        opened: paths of the nodes whose sub-graphs are opened: ``review``, ``review/ask``.
        inside: finds the sub-graphs of a node; by default those of nodes that are one.
    """
    return _Sketch(graph, frozenset(opened), inside or _own).drawing()


def _own(node: Node) -> Sequence[Graph]:
    return () if node.graph is None else (node.graph,)


@dataclass(frozen=True, slots=True)
class _Level:
    """A graph that is laid open: what its frame holds, and where lines enter and leave it."""

    members: tuple[str | Frame, ...]
    entry: str
    exit: str


class _Sketch:
    """A drawing in the making: hands out ids in the order in which things appear."""

    def __init__(self, graph: Graph, opened: Collection[str], inside: Inside) -> None:
        self.graph = graph
        self.opened, self.inside = opened, inside
        self.nodes: list[DrawnNode] = []
        self.extras: list[DrawnNode] = []
        self.edges: list[DrawnEdge] = []
        self.frames = 0

    def drawing(self) -> Drawing:
        found = list(ways(self.graph))
        left_out = {} if any(END in targets(way) for way in found) else {END: END}
        level = self._level(self.graph, "", found, left_out)
        frames = tuple(member for member in level.members if isinstance(member, Frame))
        return Drawing(self.graph.name, (*self.nodes, *self.extras), tuple(self.edges), frames)

    def _level(self, graph: Graph, prefix: str, found: Iterable[Way], left_out: Mapping[str, str]) -> _Level:
        """Draws a graph; ``left_out`` maps START and END to the nodes that stand in for them, where they are not drawn.

        ``prefix`` is the path of the node that runs it, with a slash behind it.
        """
        entries: dict[str, str] = {}
        exits: dict[str, str] = {}
        members: list[str | Frame] = []
        for name in (START, *graph.nodes, END):
            if name not in left_out:
                made, entries[name], exits[name] = self._part(graph, prefix, name)
                members.append(made)
        before = len(self.extras)
        for way in found:
            if not dropped(way, left_out):
                self._way(way, prefix, entries, exits)
        members += [extra.id for extra in self.extras[before:]]
        first, last = left_out.get(START, START), left_out.get(END, END)
        return _Level(tuple(members), entries.get(first, ""), exits.get(last, ""))

    def _part(self, graph: Graph, prefix: str, name: str) -> tuple[str | Frame, str, str]:
        """Draws a node, or the frame of its sub-graph; also the ids at which lines enter and leave it."""
        path = prefix + name
        node = graph.nodes.get(name)
        inner = () if node is None else self.inside(node)
        if inner and path in self.opened:
            return self._frame(path, name, inner)
        kinds: dict[str, tuple[NodeKind, str]] = {START: ("start", "START"), END: ("end", "END")}
        kind, label = kinds.get(name, ("node", printable(name)))
        calls = any(found.called for found in inner)
        made = DrawnNode(f"n{len(self.nodes)}", kind, path, label, opens=bool(inner), calls=calls)
        self.nodes.append(made)
        return made.id, made.id, made.id

    def _frame(self, path: str, name: str, inner: Sequence[Graph]) -> tuple[Frame, str, str]:
        id = f"c{self.frames}"
        self.frames += 1
        levels = [self._nested(graph, f"{path}/") for graph in inner]
        members = tuple(member for level in levels for member in level.members)
        if any(graph.called for graph in inner):
            body = self._body(path, name, inner, levels)
            return Frame(id, printable(name), (body, *members), path), body, body
        return Frame(id, printable(name), members, path), levels[0].entry, levels[-1].exit

    def _body(self, path: str, name: str, inner: Sequence[Graph], levels: Sequence[_Level]) -> str:
        """Draws the body that calls tasks, inside of its frame: it alone knows in which order, and how often."""
        made = DrawnNode(f"n{len(self.nodes)}", "node", path, printable(name))
        self.nodes.append(made)
        for graph, level in zip(inner, levels, strict=True):
            pairs = tuple((f"{path}/{START}", f"{path}/{node}") for node in graph.edges.get(START, ()))
            self._edge(made.id, level.entry, "conditional", pairs=pairs)
        return made.id

    def _nested(self, graph: Graph, prefix: str) -> _Level:
        found = list(ways_to_end(graph))
        return self._level(graph, prefix, found, stand_ins(found))

    def _way(self, way: Way, prefix: str, entries: dict[str, str], exits: dict[str, str]) -> None:
        """Draws a way between nodes of one graph."""
        match way:
            case Line(source, target, conditional, label):
                kind: EdgeKind = "conditional" if conditional else "static"
                shown = printable(label) if label else ""
                self._edge(exits[source], entries[target], kind, shown, ((prefix + source, prefix + target),))
            case Stub(source, router):
                self._edge(exits[source], self._unknown(router), "conditional")
            case Join(sources, target):
                dot = self._join(sources, target)
                pairs = tuple((prefix + source, prefix + target) for source in sources)
                for source, pair in zip(sources, pairs, strict=True):
                    self._edge(exits[source], dot, pairs=(pair,))
                self._edge(dot, entries[target], pairs=pairs)
            case _:
                assert_never(way)

    def _edge(
        self, tail: str, head: str, kind: EdgeKind = "static", label: str = "", pairs: tuple[Pair, ...] = ()
    ) -> None:
        self.edges.append(DrawnEdge(f"e{len(self.edges)}", tail, head, kind, label, pairs))

    def _unknown(self, router: str) -> str:
        cure = "To see where, give path_map or annotate it to return a Literal."
        return self._extra("u", "unknown", "?", f"{printable(router)} may lead to any node. {cure}")

    def _join(self, sources: Sequence[str], target: str) -> str:
        """A dot in which lines meet: one arrow leaves it, when all have arrived."""
        names = ", ".join(printable(source) for source in sources)
        return self._extra("j", "join", "", f"{printable(target)} waits for all of: {names}")

    def _extra(self, letter: str, kind: NodeKind, label: str, hint: str) -> str:
        made = DrawnNode(f"{letter}{sum(extra.kind == kind for extra in self.extras)}", kind, label=label, hint=hint)
        self.extras.append(made)
        return made.id
