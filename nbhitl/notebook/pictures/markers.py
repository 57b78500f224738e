"""Breakpoints -> markers on a drawing: where each stands, how it looks, and what it says. They follow VS Code's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from nbhitl.debugging.breakpoint import Breakpoint
from nbhitl.drawing import Drawing, printable

Spot: TypeAlias = Literal["before", "after"]
"""Before a node is its upper left corner, after it the lower right one: as one reads."""
WORDS_LIMIT: Final = 120
"""Characters of a breakpoint in words."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A breakpoint, or several that share a place."""

    sign: str = ""
    """What stands on it: ``=`` a condition, ``3`` or ``≥3`` or ``%3`` its hits, ``[2]`` a branch of a fan-out."""
    log: bool = False
    """It prints in place of stopping: a diamond, not a dot."""
    enabled: bool = True
    known: bool = True
    """Whether its place is in the graph: else it is hollow."""
    said: str = ""
    """It, in words."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The markers of a drawing."""

    nodes: Mapping[str, Mapping[Spot, Marker]] = field(default_factory=dict)
    """By the node's path."""
    edges: Mapping[str, Marker] = field(default_factory=dict)
    """By the edge's id."""
    elsewhere: tuple[Marker, ...] = ()
    """Those that have no place on the drawing: of any node, inside a closed sub-graph, on a node that is gone."""
    points: Mapping[str, tuple[Breakpoint, ...]] = field(default_factory=dict)
    """The breakpoints of each node and of the lines that leave it, by its path."""

    def __iter__(self) -> Iterator[Marker]:
        """All of them."""
        for spots in self.nodes.values():
            yield from spots.values()
        yield from self.edges.values()
        yield from self.elsewhere


def placed(drawing: Drawing, breakpoints: Iterable[Breakpoint]) -> Placed:
    """Where the markers of ``breakpoints`` stand."""
    shown = {node.name for node in drawing.named if node.kind == "node"} | {frame.name for frame in drawing.opened}
    closed = {node.name for node in drawing.named if node.opens}
    lines = {pair: edge.id for edge in reversed(drawing.edges) for pair in edge.pairs}
    nodes: dict[tuple[str, Spot], list[Breakpoint]] = {}
    edges: dict[str, list[Breakpoint]] = {}
    elsewhere: list[Marker] = []
    points: dict[str, tuple[Breakpoint, ...]] = {}
    for point in breakpoints:
        if point.node in shown:
            points[point.node] = (*points.get(point.node, ()), point)
        match point.kind:
            case "before" | "after" if point.node in shown:
                nodes.setdefault((point.node, point.kind), []).append(point)
            case "edge" if (point.node, point.target) in lines:
                edges.setdefault(lines[point.node, point.target], []).append(point)
            case _:
                elsewhere.append(_elsewhere(point, shown, closed))
    spots: dict[str, dict[Spot, Marker]] = {}
    for (node, spot), found in nodes.items():
        spots.setdefault(node, {})[spot] = _marker(found)
    return Placed(spots, {id: _marker(found) for id, found in edges.items()}, tuple(elsewhere), points)


def sign(point: Breakpoint) -> str:
    """What stands on the marker of one breakpoint."""
    hits = point.hits.replace(" ", "").replace(">=", "≥")
    branch = "" if point.branch is None else f"[{point.branch}]"
    return ("=" if point.condition else "") + (printable(hits, 5) if hits else "") + branch


def _marker(points: list[Breakpoint]) -> Marker:
    if len(points) == 1:
        [point] = points
        return Marker(sign(point), bool(point.log), point.enabled, said=in_words(point))
    active = [point for point in points if point.enabled] or points
    said = "; ".join(in_words(point) for point in points)
    return Marker("…", all(p.log for p in active), any(p.enabled for p in points), said=said)


def _elsewhere(point: Breakpoint, shown: Iterable[str], closed: Iterable[str]) -> Marker:
    inside = next((path for path in closed if point.node.startswith(f"{path}/")), None)
    known = not point.node or point.node in shown or inside is not None
    why = f" (inside {printable(inside)})" if inside else "" if known else " (not in the graph)"
    return Marker(sign(point), bool(point.log), point.enabled, known, in_words(point) + why)


def in_words(point: Breakpoint) -> str:
    """A breakpoint in words that are safe to show."""
    return printable(point.words, WORDS_LIMIT) + ("" if point.enabled else ", disabled")
