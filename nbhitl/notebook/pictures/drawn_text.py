"""A drawing at a moment of its run in words: for terminals, screen readers and tooltips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nbhitl.drawing import Drawing, DrawnNode, Frame, printable
from nbhitl.notebook.pictures.markers import Placed, placed
from nbhitl.notebook.pictures.moment import STATUSES, Moment, status_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINE_LIMIT: Final = 60
"""Nodes that the text lists."""


def title(drawing: Drawing, thread: str) -> str:
    """The names of graph and thread."""
    return " / ".join(printable(part) for part in (drawing.name, thread) if part)


def hint(label: str, path: str, moment: Moment, markers: Placed) -> str:
    """A node in one sentence: its state and its breakpoints."""
    return f"{label}: {said(path, moment, markers)}"


def said(path: str, moment: Moment, markers: Placed) -> str:
    """A node's state and its breakpoints."""
    spots = markers.nodes.get(path, {}).values()
    return "; ".join([moment.said(path), *(f"breakpoint {marker.said}" for marker in spots)])


def as_text(drawing: Drawing, moment: Moment, thread: str = "") -> str:
    """The drawing in words: the status, one line a node with sub-graphs indented, and the breakpoints elsewhere."""
    name, text, status = title(drawing, thread), status_text(moment), STATUSES[moment.status]
    first = f"{name}: {status[0].lower()}{status[1:]}" if name else status
    markers = placed(drawing, moment.breakpoints)
    lines = list(_lines(drawing, moment, markers))
    nodes = len(lines)
    if nodes > LINE_LIMIT:
        lines = [*lines[:LINE_LIMIT], f"  and {nodes - LINE_LIMIT:,} nodes more"]
    lines += [f"  breakpoint {marker.said}" for marker in (*markers.edges.values(), *markers.elsewhere)]
    return "\n".join([f"{first}. {text}" if text else first, *lines])


def _lines(drawing: Drawing, moment: Moment, markers: Placed) -> Iterator[str]:
    ends = _ends(drawing)
    nodes = {node.id: node for node in drawing.named}
    framed = _framed(drawing.frames)

    def arrow(id: str) -> str:
        return f" -> {', '.join(ends[id])}" if id in ends else ""

    def line(node: DrawnNode, indent: str) -> Iterator[str]:
        if node.kind != "end":
            inner = f"; {node.opens_what}" if node.opens else ""
            yield f"{indent}{node.label} [{said(node.name, moment, markers)}{inner}]{arrow(node.id)}"

    def inside(frame: Frame, indent: str) -> Iterator[str]:
        yield f"{indent}{frame.label} [{said(frame.name, moment, markers)}]{arrow(frame.id)}, inside:"
        for member in frame.members:
            if isinstance(member, Frame):
                yield from inside(member, f"{indent}  ")
            elif member in nodes:
                yield from line(nodes[member], f"{indent}  ")

    due = {next(_ids(frame), ""): frame for frame in drawing.frames}
    for id, node in nodes.items():
        if id in due:
            yield from inside(due[id], "  ")
        elif id not in framed:
            yield from line(node, "  ")


def _ids(frame: Frame) -> Iterator[str]:
    """The ids of the nodes in a frame, at any depth."""
    for member in frame.members:
        yield from (member,) if isinstance(member, str) else _ids(member)


def _framed(frames: tuple[Frame, ...]) -> frozenset[str]:
    return frozenset(id for frame in frames for id in _ids(frame))


def _ends(drawing: Drawing) -> dict[str, list[str]]:
    """Where lines lead from each drawn node, in words. A line into a frame leads to it, one out of it begins there."""
    labels = {node.id: node.label for node in drawing.nodes}
    labels |= {node.id: "any node" for node in drawing.nodes if node.kind == "unknown"}
    labels |= {frame.id: frame.label for frame in drawing.opened}
    around = dict(_around(drawing.frames, ()))
    joined = {edge.tail: edge.head for edge in drawing.edges if edge.tail.startswith("j")}
    found: dict[str, list[str]] = {}
    for edge in drawing.edges:
        head = joined.get(edge.head, edge.head)
        notes = [edge.label] if edge.label else ["waits for all"] if edge.head.startswith("j") else []
        tails, heads = (*around.get(edge.tail, ()), edge.tail), (*around.get(head, ()), head)
        apart = next((n for n, (one, other) in enumerate(zip(tails, heads, strict=False)) if one != other), 0)
        found.setdefault(tails[apart], []).append(labels[heads[apart]] + "".join(f" ({note})" for note in notes))
    return found


def _around(frames: Iterable[Frame], outer: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The id of each node in a frame, and the ids of the frames around it, outermost first."""
    for frame in frames:
        chain = (*outer, frame.id)
        yield from ((member, chain) for member in frame.members if isinstance(member, str))
        yield from _around([member for member in frame.members if isinstance(member, Frame)], chain)
