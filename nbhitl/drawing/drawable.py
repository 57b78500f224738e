"""What ``get_graph()`` returns: nodes and edges as plain values, and texts for them. Names are LangGraph's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from nbhitl.drawing.dot_text import Direction, dot
from nbhitl.drawing.mermaid_text import MermaidDirection, mermaid
from nbhitl.drawing.picture import picture
from nbhitl.drawing.plain_text import plain
from nbhitl.drawing.region import Edge, Node, Region
from nbhitl.drawing.ways import Join, Line, Stub


@dataclass(frozen=True, slots=True)
class DrawableGraph:
    """A graph as data, made by `nbhitl.drawing.outline`; the same for every run of the graph."""

    nodes: dict[str, Node]
    """By id, in the order in which they were added; START first."""
    region: Region
    """How they are nested, with what edges cannot say: joins, and routers that may lead to any node."""
    edges: list[Edge] = field(init=False)
    """One for each pair of nodes and kind; of an edge that waits for several nodes, one from each of them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", list(_edges(self.region)))

    def first_node(self) -> Node | None:
        """The one node that nothing leads to; None where there are several, or none."""
        return self._only({edge.target for edge in self.edges})

    def last_node(self) -> Node | None:
        """The one node that nothing leaves; None where there are several, or none."""
        left = {edge.source for edge in self.edges}
        stubs = {way.source for region in self.region.walk() for way in region.ways if isinstance(way, Stub)}
        return self._only(left | stubs)

    def _only(self, excluded: set[str]) -> Node | None:
        found = [node for node in self.nodes.values() if node.id not in excluded]
        return found[0] if len(found) == 1 else None

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """``{"nodes": [{"id", "type", "data": {"id", "name"}, "metadata"}], "edges": [{"source", "target", ...}]}``.

        Keys without a value are left out: END is an id only, and an edge has ``data`` and ``conditional`` where they
        say something. Metadata is what the builder was given, so that it is JSON only where that was.
        """
        return {
            "nodes": [_node_json(node) for node in self.nodes.values()],
            "edges": [_edge_json(edge) for edge in self.edges],
        }

    def draw_ascii(self) -> str:
        """Text for a terminal: one edge a line, sub-graphs indented. ``-->`` is always taken, ``..>`` depends."""
        return plain(self.nodes, self.region)

    def print_ascii(self) -> None:
        """Print `draw_ascii`."""
        print(self.draw_ascii())

    def draw_mermaid(self, direction: MermaidDirection = "TD", *, with_styles: bool = True) -> str:
        """Text in the language of Mermaid, for Markdown cells and web pages.

        Args:
            direction: where the flow goes: ``TD`` (or ``TB``), ``LR``, ``BT``, ``RL``.
            with_styles: with colours like those in a notebook; else the page's own.
        """
        return mermaid(picture(self.nodes, self.region), direction, with_styles=with_styles)

    def draw_dot(self, direction: Direction = "TB") -> str:
        """Text in DOT, the language of graphviz."""
        return dot(picture(self.nodes, self.region), direction)


def _edges(region: Region) -> Iterator[Edge]:
    labels: dict[tuple[str, str, bool], list[str]] = {}
    for inside in region.walk():
        for way in inside.ways:
            match way:
                case Line(source, target, conditional, label):
                    found = labels.setdefault((source, target, conditional), [])
                    found += [] if label is None else [label]
                case Join(sources, target):
                    for source in sources:
                        labels.setdefault((source, target, False), [])
                case Stub():
                    pass  # an edge needs a target
    for (source, target, conditional), found in labels.items():
        yield Edge(source, target, ", ".join(found) if found else None, conditional)


def _node_json(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {"id": node.id}
    if node.data is not None:
        kind = node.data if isinstance(node.data, FunctionType | type) else type(node.data)
        path = [*kind.__module__.split("."), kind.__qualname__]
        found |= {"type": "runnable", "data": {"id": path, "name": node.name}}
    if node.metadata is not None:
        found["metadata"] = node.metadata
    return found


def _edge_json(edge: Edge) -> dict[str, Any]:
    found: dict[str, Any] = {"source": edge.source, "target": edge.target}
    if edge.data is not None:
        found["data"] = edge.data
    return found | ({"conditional": True} if edge.conditional else {})
