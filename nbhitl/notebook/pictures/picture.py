"""A drawing at a moment of its run -> what a cell shows: data for our page, a picture, and text.

The picture (`image/svg+xml`) and the text stand alone: GitHub, nbconvert, VS Code and terminals show them
with nothing of ours installed. Nothing here knows a session or a widget, and nothing is laid out.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from nbhitl.drawing import Frame, taken_edges
from nbhitl.notebook.pictures.bake import bake
from nbhitl.notebook.pictures.drawn_text import as_text, said
from nbhitl.notebook.pictures.legend import legend
from nbhitl.notebook.pictures.markers import Placed, placed
from nbhitl.notebook.pictures.moment import STATUSES, Moment, Status, status_text

if TYPE_CHECKING:
    from nbhitl.debugging.breakpoint import Breakpoint
    from nbhitl.drawing import Drawing, DrawnEdge, DrawnNode
    from nbhitl.layout import Layout

__all__ = ["MIME", "VERSION", "Moment", "Status", "bundle"]

MIME: Final = "application/vnd.nbhitl.graph+json"
VERSION: Final = 2
"""Of the data's shape: a page that knows another one shows the text, and says why."""


def bundle(drawing: Drawing, layout: Layout, moment: Moment, *, view: str, thread: str = "") -> dict[str, Any]:
    """The output of a cell as mime type to data. Without a layout it is the text alone, with the cure.

    Args:
        drawing: what is drawn.
        layout: of ``drawing``; made once, since during a run only attributes change.
        moment: what is to be seen on it now.
        view: the display id under which the page knows this drawing.
        thread: the thread that is shown.
    """
    text = as_text(drawing, moment, thread)
    if layout.svg is None:
        return {"text/plain": "\n".join(part for part in (text, layout.problem, layout.dot) if part)}
    markers = placed(drawing, moment.breakpoints)
    walked = taken_edges(drawing, moment.taken)
    shown: tuple[DrawnNode | Frame, ...] = (*drawing.named, *drawing.opened)
    data = {
        "version": VERSION,
        "view": view,
        "graph": _sendable(drawing.name),
        "thread": _sendable(thread),
        "svg": layout.svg,
        "nodes": [_node(node, moment, markers) for node in shown],
        "edges": [_edge(edge, edge.id in walked, markers) for edge in drawing.edges],
        "status": moment.status,
        "heading": STATUSES[moment.status],
        "text": status_text(moment),
        "legend": [entry._asdict() for entry in legend(drawing, moment, markers)],
        "elsewhere": [asdict(marker) for marker in markers.elsewhere],
    }
    return {MIME: data, "image/svg+xml": bake(drawing, layout.svg, moment, thread), "text/plain": text}


def _node(node: DrawnNode | Frame, moment: Moment, markers: Placed) -> dict[str, Any]:
    fixed = {"id": node.id, "name": _sendable(node.name), "label": node.label, "state": moment.state(node.name)}
    rest = {
        "count": moment.count(node.name),
        "subgraph": "open" if isinstance(node, Frame) else "closed" if node.opens else None,
        "breakable": isinstance(node, Frame) or node.kind == "node",
        "markers": {spot: asdict(marker) for spot, marker in markers.nodes.get(node.name, {}).items()},
        "breakpoints": [_spec(point) for point in markers.points.get(node.name, ())],
    }
    return {**fixed, "said": said(node.name, moment, markers), **_told(rest)}


def _edge(edge: DrawnEdge, taken: bool, markers: Placed) -> dict[str, Any]:
    marker = markers.edges.get(edge.id)
    rest = {
        "taken": taken,
        "pairs": [[_sendable(source), _sendable(target)] for source, target in edge.pairs],
        "marker": None if marker is None else asdict(marker),
    }
    return {"id": edge.id, **_told(rest)}


def _told(rest: dict[str, Any]) -> dict[str, Any]:
    """What says something: JupyterLab compares all values at each update, and of 1,000 nodes that are many."""
    return {name: value for name, value in rest.items() if value}


def _spec(point: Breakpoint) -> dict[str, Any]:
    """What the page's menu says of a breakpoint, and sends back changed."""
    return {
        "id": _sendable(point.id),
        "kind": point.kind,
        "target": _sendable(point.target),
        "branch": point.branch,
        "condition": _sendable(point.condition),
        "hits": _sendable(point.hits),
        "log": _sendable(point.log),
        "once": point.once,
        "enabled": point.enabled,
    }


def _sendable(name: str) -> str:
    """Half of a surrogate pair is a legal Python string that no message can carry."""
    return name.encode("utf-8", "replace").decode()
