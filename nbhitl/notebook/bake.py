"""A layout and a moment of a run -> a picture that stands alone, and the same in words.

During a run only attributes change, so a layout is taken apart once and `bake` only puts strings together.
The picture brings its own light ground, for dark pages; no state is told by its colour alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from nbhitl.drawing import Drawing, DrawnNode, Pair, State, printable, taken_edges, text_width
from nbhitl.notebook.layout import svg_size

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Status: TypeAlias = Literal["running", "interrupted", "breakpoint", "failed", "finished", "drained", "idle"]
Breakpoint: TypeAlias = Literal["before", "disabled"]


@dataclass(frozen=True, slots=True)
class Moment:
    """What is to be seen on a drawing now; everything is keyed by the names of nodes."""

    status: Status = "idle"
    text: str = ""
    """The status in words, e.g. why the run stopped."""
    states: Mapping[str, State] = field(default_factory=dict)
    breakpoints: Mapping[str, Breakpoint] = field(default_factory=dict)
    taken: Collection[Pair] = ()
    """The steps of the run so far: see `nbhitl.drawing.taken`."""


STATUSES: Final[Mapping[Status, str]] = {
    "running": "Running",
    "interrupted": "Waiting for a person",
    "breakpoint": "Stopped at a breakpoint",
    "failed": "Failed",
    "finished": "Finished",
    "drained": "Stopped",
    "idle": "Not started",
}
STATES: Final[Mapping[State, str]] = {
    "idle": "not run yet",
    "next": "runs next",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "waiting": "waits for a person",
    "paused": "stopped here, about to run",
}
BREAKPOINTS: Final[Mapping[Breakpoint, str]] = {"before": "breakpoint", "disabled": "breakpoint, disabled"}
LINE_LIMIT: Final = 60
"""Nodes that the text lists."""


def status_text(moment: Moment) -> str:
    """The status in words, fit to be shown: it comes with texts of exceptions and names in it."""
    return printable(moment.text, 200) if moment.text.strip() else ""


def _title(drawing: Drawing, thread: str) -> str:
    return " / ".join(printable(part) for part in (drawing.name, thread) if part)


def as_text(drawing: Drawing, moment: Moment, thread: str = "") -> str:
    """The drawing in words, for terminals and screen readers: the status, then one line a node."""
    title, text, status = _title(drawing, thread), status_text(moment), STATUSES[moment.status]
    first = f"{title}: {status[0].lower()}{status[1:]}" if title else status
    lines = [f"{first}. {text}" if text else first]
    ends = _ends(drawing)
    nodes = [node for node in drawing.named if node.kind != "end"]
    for node in nodes[:LINE_LIMIT]:
        arrow = f" -> {', '.join(ends[node.id])}" if node.id in ends else ""
        lines.append(f"  {node.label} [{_said(node, moment)}]{arrow}")
    if len(nodes) > LINE_LIMIT:
        lines.append(f"  and {len(nodes) - LINE_LIMIT:,} nodes more")
    return "\n".join(lines)


def _ends(drawing: Drawing) -> dict[str, list[str]]:
    """Where lines lead from each drawn node, in words."""
    labels = {node.id: node.label for node in drawing.nodes}
    labels |= {node.id: "any node" for node in drawing.nodes if node.kind == "unknown"}
    labels |= {edge.tail: labels[edge.head] for edge in drawing.edges if edge.tail.startswith("j")}
    found: dict[str, list[str]] = {}
    for edge in drawing.edges:
        notes = [edge.label] if edge.label else ["waits for all"] if edge.head.startswith("j") else []
        end = labels[edge.head] + "".join(f" ({note})" for note in notes)
        found.setdefault(edge.tail, []).append(end)
    return found


def _said(node: DrawnNode, moment: Moment) -> str:
    stop = moment.breakpoints.get(node.name)
    state = STATES[moment.states.get(node.name, "idle")]
    return f"{state}; {BREAKPOINTS[stop]}" if stop else state


_INK, _QUIET, _PAPER, _FRAME, _RED = "#1f2328", "#6e7781", "#ffffff", "#d0d7de", "#cf222e"
_FONT: Final = 'font-family="Helvetica,Arial,sans-serif"'
_MARGIN: Final = 12.0
_PAINT: Final[Mapping[State, tuple[str, str, str]]] = {
    "idle": (_QUIET, "#f6f8fa", "1"),
    "next": (_INK, _PAPER, '2" stroke-dasharray="6,3'),
    "running": ("#0969da", "#ddf4ff", "3"),
    "done": ("#1a7f37", "#dafbe1", "1.5"),
    "failed": (_RED, "#ffebe9", "2"),
    "waiting": ("#9a6700", "#fff8c5", "2"),
    "paused": (_INK, _PAPER, "3"),
}
"""Line, filling, and the line's width."""
_SIGNS: Final[Mapping[State, str]] = {
    "running": "M-3,0h.01M0,0h.01M3,0h.01",
    "done": "M-3,.2L-.9,2.4L3.2,-2.2",
    "failed": "M-2.3,-2.3L2.3,2.3M2.3,-2.3L-2.3,2.3",
    "waiting": "M0,-3.6V.2L2.6,1.7",
    "paused": "M-3.2,0H3M.3,-2.7L3,0L.3,2.7",
}
"""What stands on a state's badge, around 0,0: dots, check mark, cross, hands of a clock, arrow."""
_STATUS_SIGNS: Final[Mapping[Status, State]] = {
    "running": "running",
    "interrupted": "waiting",
    "breakpoint": "paused",
    "failed": "failed",
    "finished": "done",
    "drained": "paused",
}


def bake(drawing: Drawing, svg: str, moment: Moment, thread: str = "") -> str:
    """``svg`` (a layout of ``drawing``) with the states, markers and a status line painted in."""
    template = _template(svg)
    nodes = {node.id: node for node in drawing.nodes}
    walked = taken_edges(drawing, moment.taken)
    shapes: list[str] = []
    marks: list[str] = []
    for piece in template.pieces:
        node = nodes.get(piece.id)
        if node is None:
            colour, thick = (_INK, "2") if piece.id in walked else (_QUIET, "1.2")
            shapes.append(piece.painted(f'stroke="{colour}" stroke-width="{thick}"', colour))
        elif node.kind not in ("join", "unknown"):
            state = moment.states.get(node.name, "idle")
            colour, filling, thick = _PAINT[state]
            said = f"{node.label}: {_said(node, moment)}"
            shapes.append(piece.painted(f'stroke="{colour}" stroke-width="{thick}"', filling, said))
            marks.append(_marks(piece, node, state, moment.breakpoints.get(node.name)))
        else:
            shapes.append(piece.painted(f'stroke="{_QUIET}"', _QUIET, node.hint))
    # Markers come last: a line that passes may not hide them.
    inner = "".join((f'<g transform="{template.transform}">\n', *shapes, *marks, "</g>\n"))
    return _framed(drawing, moment, thread, inner, (template.width, template.height))


def _framed(drawing: Drawing, moment: Moment, thread: str, inner: str, size: tuple[float, float]) -> str:
    """The drawing on its light ground, below the status line."""
    head, width, top = _header(drawing, moment, thread, size[0] + 2 * _MARGIN)
    height = top + size[1] + _MARGIN
    words = as_text(drawing, moment, thread)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:100%;height:auto" role="img" '
        f"aria-label={quoteattr(words.splitlines()[0])}>\n<desc>{escape(words)}</desc>\n"
        f'<rect x=".5" y=".5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="8" '
        f'fill="{_PAPER}" stroke="{_FRAME}"/>\n{head}'
        f'<g transform="translate({(width - size[0]) / 2:.1f} {top:.1f})">\n{inner}</g>\n</svg>\n'
    )


def _header(drawing: Drawing, moment: Moment, thread: str, width: float) -> tuple[str, float, float]:
    """The status line; how wide the picture becomes, and where the drawing begins below it."""
    status, title = STATUSES[moment.status], _title(drawing, thread)
    sign = _STATUS_SIGNS.get(moment.status)
    left = _MARGIN + 20 if sign else _MARGIN
    width = max(width, left + text_width(status, 13) * 1.1 + text_width(title, 12) + 2 * _MARGIN, 300)
    lines = _wrapped(status_text(moment), width - 2 * _MARGIN)
    parts = [
        _badge(sign, f"{_MARGIN + 7:g} 20") if sign else "",
        _line(left, 24.5, status, f'font-size="13" font-weight="bold" fill="{_INK}"'),
        _line(width - _MARGIN, 24.5, title, 'font-size="12" text-anchor="end" fill="#57606a"'),
    ]
    looks = f'font-size="12" fill="{_INK}"'
    parts += [_line(_MARGIN, 43 + 16 * n, line, looks) for n, line in enumerate(lines)]
    return "".join(parts), width, 40 + 16 * len(lines)


def _line(x: float, y: float, text: str, looks: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {_FONT} {looks}>{escape(text)}</text>\n'


def _wrapped(text: str, width: float) -> list[str]:
    """``text`` in at most three lines of about ``width``; a word that is too long is broken."""
    lines: list[str] = []
    words = text.split()[::-1]
    while words:
        word = words.pop()
        if text_width(word, 12) > width:
            half = len(word) // 2
            words += [word[half:], word[:half]]
        elif lines and text_width(f"{lines[-1]} {word}", 12) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines if len(lines) <= 3 else [*lines[:2], f"{lines[2]} …"]


def _marks(piece: _Piece, node: DrawnNode, state: State, stop: Breakpoint | None) -> str:
    badge = _badge(state, piece.right) if state in _SIGNS and node.kind == "node" else ""
    match stop:
        case None:
            return badge
        case "before":
            return badge + _disc(_RED, piece.left, 5.5)
        case "disabled":
            return badge + _disc(_QUIET, piece.left, 5.5, "M-2.2,2.2L2.2,-2.2")


def _badge(state: State, at: str) -> str:
    return _disc(_PAINT[state][0], at, 7, _SIGNS[state], "2.2" if state == "running" else "1.6")


def _disc(colour: str, at: str, radius: float, sign: str = "", thick: str = "1.6") -> str:
    pen = f'fill="none" stroke="{_PAPER}" stroke-width="{thick}" stroke-linecap="round" stroke-linejoin="round"'
    return (
        f'<g transform="translate({at})"><circle r="{radius:g}" fill="{colour}" stroke="{_PAPER}" '
        f'stroke-width="1.5"/>{f"""<path d="{sign}" {pen}/>""" if sign else ""}</g>\n'
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A node or an edge, taken apart."""

    id: str
    kind: str
    body: str
    r"""Its shapes; ``\0`` stands for the attributes of the line, ``\1`` for the colour of the filling."""
    left: str
    """Where a marker at the upper left stands, as ``x y``."""
    right: str

    def painted(self, line: str, filling: str, title: str = "") -> str:
        body = self.body.replace("\0", line).replace("\1", filling)
        shown = f"<title>{escape(title)}</title>\n" if title else ""
        return f'<g id="{self.id}" class="{self.kind}">\n{shown}{body}</g>\n'


@dataclass(frozen=True, slots=True)
class _Template:
    width: float
    height: float
    transform: str
    pieces: tuple[_Piece, ...]


@lru_cache(maxsize=64)
def _template(svg: str) -> _Template:
    root = ET.fromstring(svg)  # noqa: S314 - written by `layout.clean_svg`
    graph = next((group for group in root if group.get("class") == "graph"), root)
    pieces = tuple(_piece(group) for group in graph if group.get("class") in ("node", "edge"))
    return _Template(*svg_size(svg), graph.get("transform", ""), pieces)


def _piece(group: ET.Element) -> _Piece:
    kind = group.get("class", "")
    body = "".join(_shape(shape, kind) for shape in group)
    return _Piece(group.get("id", ""), kind, body, *_corners(group))


def _shape(shape: ET.Element, kind: str) -> str:
    tag = shape.tag.rpartition("}")[2]
    kept = (pair for pair in shape.items() if not pair[0].startswith(("fill", "stroke")))
    start = f"<{tag}" + "".join(f" {name}={quoteattr(value)}" for name, value in kept)
    if tag == "title":
        return ""
    if tag == "text":
        return f'{start} fill="{_INK}">{escape(shape.text or "")}</text>\n'
    if kind == "edge" and tag == "path":
        dashes = shape.get("stroke-dasharray")
        return f'{start} \0 fill="none"' + (f' stroke-dasharray="{dashes}"/>\n' if dashes else "/>\n")
    if kind == "edge":  # an arrow's head: a thick outline would poke into the node
        return f'{start} fill="\1" stroke="\1" stroke-width="1"/>\n'
    return f'{start} \0 fill="\1"/>\n'


def _corners(group: ET.Element) -> tuple[str, str]:
    """The upper corners of a node's outline, a little inside."""
    outlines = [shape.get("d") or shape.get("points") or "" for shape in group]
    numbers = [float(number) for outline in outlines for number in re.findall(r"-?[\d.]+", outline)]
    xs, top = numbers[::2] or [0.0], min(numbers[1::2], default=0.0)
    return f"{min(xs) + 3:g} {top + 2:g}", f"{max(xs) - 3:g} {top + 2:g}"
