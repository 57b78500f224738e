"""An outline -> a `Drawing`, which is what DOT and Mermaid are written from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from nbhitl.drawing.printable import printable
from nbhitl.drawing.region import INTERRUPT, Node, Region
from nbhitl.drawing.sketch import Drawing, DrawnEdge, DrawnNode, EdgeKind, Frame, NodeKind
from nbhitl.drawing.ways import Join, Line, Stub
from nbhitl.engine.records import END, START

if TYPE_CHECKING:
    from collections.abc import Mapping


def picture(nodes: Mapping[str, Node], region: Region) -> Drawing:
    """What is drawn of an outline: opened sub-graphs as frames, breakpoints in a second line of the labels."""
    return _Picture(nodes).drawing(region)


class _Picture:
    """A picture in the making: hands out ids of ours in the order in which things appear."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes
        self.ids = {id: f"n{n}" for n, id in enumerate(nodes)}
        self.extras: list[DrawnNode] = []
        self.edges: list[DrawnEdge] = []
        self.frames = 0

    def drawing(self, region: Region) -> Drawing:
        members = self._members(region)
        frames = tuple(member for member in members if isinstance(member, Frame))
        drawn = (self._node(node) for node in self.nodes.values())
        return Drawing(region.name, (*drawn, *self.extras), tuple(self.edges), frames)

    def _node(self, node: Node) -> DrawnNode:
        kinds: dict[str, tuple[NodeKind, str]] = {START: ("start", "START"), END: ("end", "END")}
        kind, label = kinds.get(node.name, ("node", printable(node.name)))
        return DrawnNode(self.ids[node.id], kind, node.id, label + _note(node.metadata))

    def _members(self, region: Region) -> tuple[str | Frame, ...]:
        """Draws what ``region`` declares, and returns what its frame holds: its nodes, joins and stubs."""
        before = len(self.extras)
        for way in region.ways:
            match way:
                case Line(source, target, conditional, label):
                    kind: EdgeKind = "conditional" if conditional else "static"
                    self._edge(self.ids[source], self.ids[target], kind, printable(label) if label else "")
                case Stub(source, _):
                    self._edge(self.ids[source], self._extra("u", "unknown", "?"), "conditional")
                case Join(sources, target):
                    dot = self._extra("j", "join", "")
                    for source in sources:
                        self._edge(self.ids[source], dot)
                    self._edge(dot, self.ids[target])
                case _:
                    assert_never(way)
        extras = [extra.id for extra in self.extras[before:]]
        return (*(self.ids[part] if isinstance(part, str) else self._frame(part) for part in region.parts), *extras)

    def _frame(self, region: Region) -> Frame:
        made = f"c{self.frames}"
        self.frames += 1
        return Frame(made, printable(region.name) + _note(region.metadata), self._members(region))

    def _edge(self, tail: str, head: str, kind: EdgeKind = "static", label: str = "") -> None:
        self.edges.append(DrawnEdge(f"e{len(self.edges)}", tail, head, kind, label))

    def _extra(self, letter: str, kind: NodeKind, label: str) -> str:
        made = DrawnNode(f"{letter}{sum(extra.kind == kind for extra in self.extras)}", kind, label=label)
        self.extras.append(made)
        return made.id


def _note(metadata: Mapping[str, Any] | None) -> str:
    """The second line of a label; never colour alone."""
    stop = (metadata or {}).get(INTERRUPT)
    return {
        "before": "\n● stops before",
        "after": "\n● stops after",
        "before,after": "\n● stops before and after",
    }.get(stop if isinstance(stop, str) else "", "")
