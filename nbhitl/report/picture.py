"""A laid out drawing with the states of its nodes as attributes: the page's style says how each of them looks."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from nbhitl.drawing import badges
from nbhitl.report.story import Look

if TYPE_CHECKING:
    from nbhitl.drawing import Drawing, DrawnNode

WORDS: Final[Mapping[Look, str]] = {
    **dict[Look, str](badges.STATES.items()),
    "done": "done earlier",
    "ran": "ran in this step",
}
SIGNS: Final[Mapping[Look, str]] = {
    **dict[Look, str](badges.SIGNS.items()),
    "ran": badges.SIGNS["done"],
    "next": badges.SIGNS["paused"],
}
"""What stands on a look's badge: see `nbhitl.drawing.badges`."""
LARGE: Final = (1_900, 900)
"""Pixels: a picture that is wider or higher would be too small to read when it fits the page, so it is scrolled."""
_LEFT_OUT: Final = ("fill", "stroke", "stroke-width", "font-family", "style")
"""Attributes that the page's own style takes the place of."""


def painted(svg: str, drawing: Drawing, looks: Mapping[str, Look], taken: Collection[str]) -> str:
    """``svg`` (a clean layout of ``drawing``) with the looks of nodes by name, and the edges that were ``taken``."""
    nodes = {node.id: node for node in drawing.nodes}
    root = ET.fromstring(svg)  # noqa: S314 - written by our layout: shapes and texts, no entities
    box = (root.get("viewBox") or "0 0 1 1").split()
    width, height = float(box[2]), float(box[3])
    size = f'viewBox="{" ".join(box)}" width="{width:.0f}" height="{height:.0f}"'
    large = ' class="large"' if width > LARGE[0] or height > LARGE[1] else ""
    parts = [f'<svg id="picture"{large} {size} role="img" aria-label="The graph">\n']
    for child in root:
        _copy(child, parts, nodes, looks, taken)
    return "".join([*parts, "</svg>\n"])


def said(node: DrawnNode, look: Look) -> str:
    """A node's tooltip."""
    return f"{node.label}: {WORDS[look]}"


def _copy(
    element: ET.Element,
    parts: list[str],
    nodes: Mapping[str, DrawnNode],
    looks: Mapping[str, Look],
    taken: Collection[str],
) -> None:
    tag = element.tag.rpartition("}")[2]
    kept = "".join(f" {name}={quoteattr(value)}" for name, value in element.items() if name not in _LEFT_OUT)
    if tag == "title":
        return
    if tag != "g":
        parts.append(f"<{tag}{kept}>{escape(element.text or '')}</{tag}>\n" if tag == "text" else f"<{tag}{kept}/>\n")
        return
    id = element.get("id", "")
    node = nodes.get(id)
    look = looks.get(node.name, "idle") if node is not None else "idle"
    parts.append(f"<g{kept}{_data(id, node, look, taken)}>\n")
    if node is not None:
        parts.append(f"<title>{escape(said(node, look) if node.name else node.hint)}</title>\n")
    for child in element:
        _copy(child, parts, nodes, looks, taken)
    if node is not None and node.kind == "node":
        parts.append(_badge(element, look))
    parts.append("</g>\n")


def _data(id: str, node: DrawnNode | None, look: Look, taken: Collection[str]) -> str:
    if node is not None:
        return f' data-kind="{node.kind}" data-look="{look}"'
    return f' data-taken="{str(id in taken).lower()}"' if id.startswith("e") else ""


def _badge(group: ET.Element, look: Look) -> str:
    """A disc at the upper right corner of a node, with the look's sign."""
    outlines = [shape.get("d") or shape.get("points") or "" for shape in group]
    numbers = [float(number) for outline in outlines for number in re.findall(r"-?[\d.]+", outline)]
    right, top = max(numbers[::2], default=0.0), min(numbers[1::2], default=0.0)
    sign = SIGNS.get(look, "")
    return f'<g class="badge" transform="translate({right - 3:g} {top + 2:g})"><circle r="7"/><path d="{sign}"/></g>\n'
