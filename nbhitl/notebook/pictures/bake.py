"""A layout and a moment of a run -> a picture that stands alone, and the same in words.

During a run only attributes change, so a layout is taken apart once and `bake` only puts strings together.
The picture brings its own light ground, for dark pages; no state is told by its colour alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from nbhitl.drawing import Drawing, State, taken_edges, text_width
from nbhitl.notebook.pictures import signs
from nbhitl.notebook.pictures.drawn_text import as_text, hint, title
from nbhitl.notebook.pictures.legend import Entry, legend
from nbhitl.notebook.pictures.markers import Marker, Placed, placed
from nbhitl.notebook.pictures.moment import STATUSES, Moment, Status, status_text
from nbhitl.notebook.pictures.template import Piece, template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MARGIN: Final = 12.0
_LEGEND_SIZE: Final = 11
"""Pixels of the legend's letters."""
_STATUS_SIGNS: Final[Mapping[Status, State]] = {
    "running": "running",
    "interrupted": "waiting",
    "breakpoint": "paused",
    "failed": "failed",
    "finished": "done",
    "drained": "paused",
}


def bake(drawing: Drawing, svg: str, moment: Moment, thread: str = "") -> str:
    """``svg`` (a layout of ``drawing``) with states, markers, a status line and a legend painted in."""
    laid_out = template(svg)
    markers = placed(drawing, moment.breakpoints)
    painter = _Painter(drawing, moment, markers)
    shapes = [painter.shape(piece) for piece in laid_out.pieces]
    # Markers come last: a line that passes may not hide them.
    marks = [painter.marks(piece) for piece in laid_out.pieces]
    inner = "".join((f'<g transform="{laid_out.transform}">\n', *shapes, *marks, "</g>\n"))
    return _framed(drawing, moment, thread, inner, markers, (laid_out.width, laid_out.height))


class _Painter:
    """Paints the pieces of one layout as they are at one moment."""

    def __init__(self, drawing: Drawing, moment: Moment, markers: Placed) -> None:
        self.moment, self.markers = moment, markers
        self.nodes = {node.id: node for node in drawing.nodes}
        self.frames = {frame.id: frame for frame in drawing.opened}
        self.walked = taken_edges(drawing, moment.taken)

    def shape(self, piece: Piece) -> str:
        """The outline and the text of a node, a frame or an edge."""
        node, frame = self.nodes.get(piece.id), self.frames.get(piece.id)
        if node is not None and node.kind in ("join", "unknown"):
            return piece.painted(f'stroke="{signs.QUIET}"', signs.QUIET, node.hint)
        shown = node or frame
        if shown is None:
            colour, thick = (signs.INK, "2") if piece.id in self.walked else (signs.QUIET, "1.2")
            marker = self.markers.edges.get(piece.id)
            return piece.painted(f'stroke="{colour}" stroke-width="{thick}"', colour, marker.said if marker else "")
        colour, filling, thick = signs.PAINT[self.moment.state(shown.name)]
        said = hint(shown.label, shown.name, self.moment, self.markers)
        return piece.painted(f'stroke="{colour}" stroke-width="{thick}"', "none" if frame else filling, said)

    def marks(self, piece: Piece) -> str:
        """What stands on a piece: badge, breakpoints, count, and the sign of a sub-graph."""
        edge = self.markers.edges.get(piece.id)
        if edge is not None:
            return signs.marker(edge, *piece.middle)
        node, frame = self.nodes.get(piece.id), self.frames.get(piece.id)
        if frame is None and (node is None or node.kind != "node"):
            return ""
        path = frame.name if frame is not None else node.name if node is not None else ""
        box = piece.box
        spots = self.markers.nodes.get(path, {})
        found = [signs.badge(self.moment.state(path), box.right, box.top)]
        if frame is not None or (node is not None and node.opens):
            found.append(signs.control(box.left, box.bottom, opened=frame is not None))
        if "before" in spots:
            found.append(signs.marker(spots["before"], box.left, box.top))
        if "after" in spots:
            found.append(signs.marker(spots["after"], box.right, box.bottom))
        count = self.moment.count(path)
        return "".join([*found, signs.count(count, (box.left + box.right) / 2, box.bottom + 7) if count else ""])


def _framed(
    drawing: Drawing, moment: Moment, thread: str, inner: str, markers: Placed, size: tuple[float, float]
) -> str:
    """The drawing on its light ground, below the status line and above the legend."""
    head, width, top = _header(drawing, moment, thread, size[0] + 2 * _MARGIN)
    foot, foot_height = _footer(legend(drawing, moment, markers), markers.elsewhere, width, top + size[1] + _MARGIN)
    height = top + size[1] + _MARGIN + foot_height
    words = as_text(drawing, moment, thread)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:100%;height:auto" role="img" '
        f"aria-label={quoteattr(words.splitlines()[0])}>\n<desc>{escape(words)}</desc>\n"
        f'<rect x=".5" y=".5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="8" '
        f'fill="{signs.PAPER}" stroke="{signs.FRAME}"/>\n{head}'
        f'<g transform="translate({(width - size[0]) / 2:.1f} {top:.1f})">\n{inner}</g>\n{foot}</svg>\n'
    )


def _header(drawing: Drawing, moment: Moment, thread: str, width: float) -> tuple[str, float, float]:
    """The status line; how wide the picture becomes, and where the drawing begins below it."""
    status, name = STATUSES[moment.status], title(drawing, thread)
    sign = _STATUS_SIGNS.get(moment.status)
    left = _MARGIN + 20 if sign else _MARGIN
    width = max(width, left + text_width(status, 13) * 1.1 + text_width(name, 12) + 2 * _MARGIN, 300)
    lines = _wrapped(status_text(moment), width - 2 * _MARGIN)
    parts = [
        signs.badge(sign, _MARGIN + 7, 20) if sign else "",
        signs.line_of_text(left, 24.5, status, f'font-size="13" font-weight="bold" fill="{signs.INK}"'),
        signs.line_of_text(width - _MARGIN, 24.5, name, 'font-size="12" text-anchor="end" fill="#57606a"'),
    ]
    looks = f'font-size="12" fill="{signs.INK}"'
    parts += [signs.line_of_text(_MARGIN, 43 + 16 * n, line, looks) for n, line in enumerate(lines)]
    return "".join(parts), width, 40 + 16 * len(lines)


def _footer(entries: Sequence[Entry], elsewhere: Sequence[Marker], width: float, top: float) -> tuple[str, float]:
    """The legend, and the breakpoints that have no place on the drawing, a line each; also how high that is."""
    parts: list[str] = []
    looks = f'font-size="{_LEGEND_SIZE}" fill="#57606a"'
    y = top
    for row in _rows(entries, width - 2 * _MARGIN):
        y += 18
        for x, entry in row:
            parts.append(signs.sample(entry.sign, _MARGIN + x + 7, y - 4))
            parts.append(signs.line_of_text(_MARGIN + x + 21, y, entry.text, looks))
    for marker in elsewhere:
        lines = _wrapped(marker.said, width - 2 * _MARGIN - 26)
        parts.append(signs.marker(marker, _MARGIN + 9, y + 14))
        for line in lines:
            y += 18
            parts.append(signs.line_of_text(_MARGIN + 26, y, line, looks))
    return "".join(parts), y - top + 8 if parts else 0.0


def _rows(entries: Sequence[Entry], width: float) -> Iterator[list[tuple[float, Entry]]]:
    """The legend's entries in rows of at most ``width``, each entry with where it begins."""
    row: list[tuple[float, Entry]] = []
    x = 0.0
    for entry in entries:
        wide = 21 + text_width(entry.text, _LEGEND_SIZE) + 12
        if row and x + wide > width:
            yield row
            row, x = [], 0.0
        row.append((x, entry))
        x += wide
    if row:
        yield row


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
