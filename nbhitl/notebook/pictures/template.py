"""A layout, taken apart into nodes, frames and edges, so that a picture of a moment is only strings put together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from nbhitl.layout import svg_size
from nbhitl.notebook.pictures.signs import INK

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Box:
    """Where the markers of a node stand: the corners of its outline, a little inside."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A node, a frame or an edge, taken apart."""

    id: str
    kind: str
    """``node``, ``cluster`` or ``edge``."""
    body: str
    r"""Its shapes; ``\0`` stands for the attributes of the line, ``\1`` for the colour of the filling."""
    box: Box
    middle: tuple[float, float]
    """Of an edge: a point in the middle of its line."""

    def painted(self, line: str, filling: str, title: str = "") -> str:
        """The piece as SVG text, with these attributes of its line, this colour and this tooltip."""
        body = self.body.replace("\0", line).replace("\1", filling)
        shown = f"<title>{escape(title)}</title>\n" if title else ""
        return f'<g id="{self.id}" class="{self.kind}">\n{shown}{body}</g>\n'


@dataclass(frozen=True, slots=True)
class Template:
    """A layout, taken apart."""

    width: float
    height: float
    transform: str
    pieces: tuple[Piece, ...]


@lru_cache(maxsize=64)
def template(svg: str) -> Template:
    """The pieces of a clean SVG, in the order in which they are painted."""
    root = ET.fromstring(svg)  # noqa: S314 - written by `layout.clean_svg`
    graph = next((group for group in root if group.get("class") == "graph"), root)
    pieces = tuple(_piece(group) for group in graph if group.get("class") in ("cluster", "node", "edge"))
    return Template(*svg_size(svg), graph.get("transform", ""), pieces)


def _piece(group: ET.Element) -> Piece:
    kind = group.get("class", "")
    body = "".join(_shape(shape, kind) for shape in group)
    return Piece(group.get("id", ""), kind, body, _box(group), _middle(group))


def _shape(shape: ET.Element, kind: str) -> str:
    tag = shape.tag.rpartition("}")[2]
    kept = (pair for pair in shape.items() if not pair[0].startswith(("fill", "stroke")))
    start = f"<{tag}" + "".join(f" {name}={quoteattr(value)}" for name, value in kept)
    if tag == "title":
        return ""
    if tag == "text":
        return f'{start} fill="{INK}">{escape(shape.text or "")}</text>\n'
    if kind == "edge" and tag == "path":
        dashes = shape.get("stroke-dasharray")
        return f'{start} \0 fill="none"' + (f' stroke-dasharray="{dashes}"/>\n' if dashes else "/>\n")
    if kind == "edge":  # an arrow's head: a thick outline would poke into the node
        return f'{start} fill="\1" stroke="\1" stroke-width="1"/>\n'
    return f'{start} \0 fill="\1"/>\n'


def _points(shapes: Iterable[ET.Element]) -> list[tuple[float, float]]:
    """The points of outlines; of curves, which graphviz writes with absolute numbers, the control points."""
    outlines = " ".join(shape.get("d") or shape.get("points") or "" for shape in shapes)
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", outlines)]
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def _box(group: ET.Element) -> Box:
    points = _points(group) or [(0.0, 0.0)]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs) + 3, min(ys) + 2, max(xs) - 3, max(ys) - 2)


def _middle(group: ET.Element) -> tuple[float, float]:
    """The middle of a line: of its middle curve, the point half way."""
    points = _points(shape for shape in group if shape.tag.endswith("}path"))
    curves = (len(points) - 1) // 3
    if curves < 1:
        return points[0] if points else (0.0, 0.0)
    first = curves // 2 * 3
    if curves % 2 == 0:  # two of them meet in the middle
        return points[first]
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points[first : first + 4]
    return (ax + 3 * bx + 3 * cx + dx) / 8, (ay + 3 * by + 3 * cy + dy) / 8
