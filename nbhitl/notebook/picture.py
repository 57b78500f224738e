"""A drawing at a moment of its run -> what a cell shows: data for our page, a picture, and text.

The picture (`image/svg+xml`) and the text stand alone: GitHub, nbconvert, VS Code and terminals show them
with nothing of ours installed. Nothing here knows a session or a widget, and nothing is laid out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nbhitl.drawing import taken_edges
from nbhitl.notebook.bake import Breakpoint, Moment, Status, as_text, bake, status_text

if TYPE_CHECKING:
    from nbhitl.drawing import Drawing, DrawnNode
    from nbhitl.notebook.layout import Layout

__all__ = ["MIME", "Breakpoint", "Moment", "Status", "bundle"]

MIME: Final = "application/vnd.nbhitl.graph+json"


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
    walked = taken_edges(drawing, moment.taken)
    data = {
        "version": 1,
        "view": view,
        "graph": _sendable(drawing.name),
        "thread": _sendable(thread),
        "svg": layout.svg,
        "nodes": [_node(node, moment) for node in drawing.named],
        "edges": [{"id": edge.id, "taken": edge.id in walked} for edge in drawing.edges],
        "status": moment.status,
        "text": status_text(moment),
    }
    return {MIME: data, "image/svg+xml": bake(drawing, layout.svg, moment, thread), "text/plain": text}


def _node(node: DrawnNode, moment: Moment) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": _sendable(node.name),
        "label": node.label,
        "state": moment.states.get(node.name, "idle"),
        "breakpoint": moment.breakpoints.get(node.name),
        "breakable": node.kind == "node",
    }


def _sendable(name: str) -> str:
    """Half of a surrogate pair is a legal Python string that no message can carry."""
    return name.encode("utf-8", "replace").decode()
