"""A graph -> what is drawn of it: nodes and edges with ids of ours. The same for every run of the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never

from nbhitl.drawing.printable import printable
from nbhitl.drawing.ways import Join, Line, Stub, ways
from nbhitl.engine.records import END, START

if TYPE_CHECKING:
    from nbhitl.engine.description import Graph

NODE_LIMIT: Final = 300
EDGE_LIMIT: Final = 2_000
"""Above either, a drawing helps nobody and its layout may take minutes."""

NodeKind: TypeAlias = Literal["start", "node", "end", "join", "unknown"]
EdgeKind: TypeAlias = Literal["static", "conditional"]
Pair: TypeAlias = tuple[str, str]
"""A step that a run can take: from one node's name to another's."""


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """Something with a place of its own."""

    id: str
    """Ours: ``n0``, ``n1`` ... for START, nodes, END; ``j0`` ... for joins; ``u0`` ... for unknown ends."""
    kind: NodeKind
    name: str = ""
    """The node's name in the graph; joins and unknown ends have none."""
    label: str = ""
    """What is shown: one short line of printable text, and perhaps a second one of ours."""
    hint: str = ""
    """A sentence for the tooltip of a join or an unknown end."""


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """A line between two drawn nodes, given by their ids."""

    id: str
    tail: str
    head: str
    kind: EdgeKind = "static"
    label: str = ""
    pairs: tuple[Pair, ...] = ()
    """Steps that it stands for; it is taken when all of them are. Empty for an unknown end."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame around what is inside an opened sub-graph."""

    id: str
    """Ours: ``c0``, ``c1`` ..."""
    label: str
    members: tuple[str | Frame, ...]
    """Ids of drawn nodes, and frames inside this one, in order."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of a graph; the same for every run of it."""

    name: str
    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]
    frames: tuple[Frame, ...] = ()

    @property
    def named(self) -> tuple[DrawnNode, ...]:
        """What has a state: all but joins and unknown ends."""
        return tuple(node for node in self.nodes if node.kind not in ("join", "unknown"))

    @property
    def too_large(self) -> str | None:
        """Why this is not laid out, in words; None for a drawing of a sensible size."""
        nodes, edges = len(self.nodes), len(self.edges)
        if nodes <= NODE_LIMIT and edges <= EDGE_LIMIT:
            return None
        return (
            f"The graph is too large to be drawn: {nodes:,} nodes and {edges:,} edges; the limits are "
            f"{NODE_LIMIT:,} and {EDGE_LIMIT:,}."
        )


def describe(graph: Graph) -> Drawing:
    """What there is to draw of ``graph``. END is left out where no edge is known to lead to it."""
    return _Sketch(graph).drawing()


class _Sketch:
    """A drawing in the making: hands out ids in the order in which things appear."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.ids = {name: f"n{n}" for n, name in enumerate((START, *graph.nodes, END))}
        self.extras: list[DrawnNode] = []
        self.edges: list[DrawnEdge] = []

    def drawing(self) -> Drawing:
        for way in ways(self.graph):
            match way:
                case Line(source, target, conditional, label):
                    self._line(source, target, "conditional" if conditional else "static", label or "")
                case Stub(source, router):
                    self._unknown(source, router)
                case Join(sources, target):
                    self._join(sources, target)
                case _:
                    assert_never(way)
        nodes = [DrawnNode(self.ids[START], "start", START, "START")]
        nodes += [DrawnNode(self.ids[name], "node", name, printable(name)) for name in self.graph.nodes]
        if any(edge.head == self.ids[END] for edge in self.edges):
            nodes.append(DrawnNode(self.ids[END], "end", END, "END"))
        return Drawing(self.graph.name, (*nodes, *self.extras), tuple(self.edges))

    def _line(self, source: str, target: str, kind: EdgeKind = "static", label: str = "") -> None:
        shown = printable(label) if label else ""
        self._edge(self.ids[source], self.ids[target], kind, shown, ((source, target),))

    def _edge(
        self,
        tail: str,
        head: str,
        kind: EdgeKind = "static",
        label: str = "",
        pairs: tuple[Pair, ...] = (),
    ) -> None:
        self.edges.append(DrawnEdge(f"e{len(self.edges)}", tail, head, kind, label, pairs))

    def _unknown(self, source: str, router: str) -> None:
        hint = (
            f"{printable(router)} may lead to any node. To see where, give path_map or annotate it to return a Literal."
        )
        self._edge(self.ids[source], self._extra("u", "unknown", "?", hint), "conditional")

    def _join(self, sources: tuple[str, ...], target: str) -> None:
        """Lines that meet in a dot: one arrow leaves it, when all have arrived."""
        names = ", ".join(printable(source) for source in sources)
        dot = self._extra("j", "join", "", f"{printable(target)} waits for all of: {names}")
        for source in sources:
            self._edge(self.ids[source], dot, pairs=((source, target),))
        self._edge(dot, self.ids[target], pairs=tuple((source, target) for source in sources))

    def _extra(self, letter: str, kind: NodeKind, label: str, hint: str) -> str:
        made = DrawnNode(f"{letter}{sum(extra.kind == kind for extra in self.extras)}", kind, label=label, hint=hint)
        self.extras.append(made)
        return made.id
