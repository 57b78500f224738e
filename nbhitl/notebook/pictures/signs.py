"""The signs of a baked picture as SVG text: badges of states, markers of breakpoints, counts, the legend's samples.

Colours are those of a light page. No meaning is told by colour alone: each sign has a shape of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from nbhitl.drawing import SIGNS, State, text_width
from nbhitl.notebook.pictures.markers import Marker

if TYPE_CHECKING:
    from collections.abc import Mapping

INK, QUIET, PAPER, FRAME, RED = "#1f2328", "#6e7781", "#ffffff", "#d0d7de", "#cf222e"
FONT: Final = 'font-family="Helvetica,Arial,sans-serif"'
PAINT: Final[Mapping[State, tuple[str, str, str]]] = {
    "idle": (QUIET, "#f6f8fa", "1"),
    "next": (INK, PAPER, '2" stroke-dasharray="6,3'),
    "running": ("#0969da", "#ddf4ff", "3"),
    "done": ("#1a7f37", "#dafbe1", "1.5"),
    "failed": (RED, "#ffebe9", "2"),
    "waiting": ("#9a6700", "#fff8c5", "2"),
    "paused": (INK, PAPER, "3"),
}
"""Line, filling, and the line's width."""
_HALF: Final = 6.0
"""Half the height of a marker."""


def badge(state: State, x: float, y: float) -> str:
    """The badge of a state, around a point; nothing for a state that has none."""
    if state not in SIGNS:
        return ""
    thick = "2.2" if state == "running" else "1.6"
    disc = f'<circle r="7" fill="{PAINT[state][0]}" stroke="{PAPER}" stroke-width="1.5"/>'
    return _at(x, y, disc + _pen(SIGNS[state], thick))


def marker(shown: Marker, x: float, y: float) -> str:
    """A breakpoint, around a point."""
    half = _HALF if not shown.sign else max(_HALF + 0.5, text_width(shown.sign, 9) / 2 + 4)
    outline = _diamond(half + 1) if shown.log else _pill(half)
    if not shown.known:
        return _at(x, y, f'<path d="{outline}" fill="{PAPER}" stroke="{RED}" stroke-width="2"/>' + _text(shown, RED))
    colour = RED if shown.enabled else QUIET
    parts = f'<path d="{outline}" fill="{colour}" stroke="{PAPER}" stroke-width="1.5"/>'
    if not shown.enabled:  # grey, and struck through
        parts += _pen("M-2.6,2.6L2.6,-2.6") if not shown.sign else _strike(half)
    return _at(x, y, parts + _text(shown, PAPER))


def control(x: float, y: float, *, opened: bool) -> str:
    """The sign of a node that runs a sub-graph: ``+`` closed, ``-`` opened."""
    box = f'<rect x="-6" y="-6" width="12" height="12" rx="2.5" fill="{PAPER}" stroke="{INK}" stroke-width="1.2"/>'
    return _at(x, y, f'{box}<path d="M-3,0H3{"" if opened else "M0,-3V3"}" stroke="{INK}" stroke-width="1.4"/>')


def count(text: str, x: float, y: float) -> str:
    """A count below a node."""
    half = text_width(text, 9.5) / 2 + 5
    box = f'<path d="{_pill(half)}" fill="{PAPER}" stroke="{FRAME}"/>'
    return _at(x, y, f'{box}<text y="3.3" {FONT} font-size="9.5" text-anchor="middle" fill="{INK}">{text}</text>')


def sample(sign: str, x: float, y: float) -> str:
    """A sign of the legend (see `nbhitl.notebook.pictures.legend`), around a point."""
    match sign:
        case "dot":
            return marker(Marker(), x, y)
        case "after":
            node = f'<path d="M-7,-6H5V4H-7Z" fill="none" stroke="{QUIET}"/>'
            return _at(x, y, f'{node}<circle cx="5" cy="4" r="3.5" fill="{RED}" stroke="{PAPER}"/>')
        case "diamond":
            return marker(Marker(log=True), x, y)
        case "disabled":
            return marker(Marker(enabled=False), x, y)
        case "=" | "3":
            return marker(Marker(sign), x, y)
        case "x":
            return count("x2", x, y)
        case "+":
            return control(x, y, opened=False)
        case "next":
            line = f'stroke="{INK}" stroke-width="2" stroke-dasharray="4,2"'
            return _at(x, y, f'<rect x="-7" y="-5" width="14" height="10" rx="2.5" fill="none" {line}/>')
    state: State | None = next((state for state in SIGNS if state == sign), None)
    return "" if state is None else badge(state, x, y)


def line_of_text(x: float, y: float, text: str, looks: str) -> str:
    """One line of text; ``looks`` are attributes."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {FONT} {looks}>{escape(text)}</text>\n'


def _at(x: float, y: float, inner: str) -> str:
    return f'<g transform="translate({x:.1f} {y:.1f})">{inner}</g>\n'


def _pen(path: str, thick: str = "1.6") -> str:
    look = f'fill="none" stroke="{PAPER}" stroke-width="{thick}" stroke-linecap="round" stroke-linejoin="round"'
    return f'<path d="{path}" {look}/>'


def _strike(half: float) -> str:
    return _pen(f"M{-half + 2:g},4L{half - 2:g},-4", "1.2")


def _text(shown: Marker, colour: str) -> str:
    if not shown.sign:
        return ""
    looks = f'{FONT} font-size="9" font-weight="bold" text-anchor="middle" fill="{colour}"'
    return f'<text y="3.2" {looks}>{escape(shown.sign)}</text>'


def _pill(half: float) -> str:
    """A disc, or wider: with straight lines between two half discs."""
    r, straight = _HALF, half - _HALF
    arc = f"A{r:g},{r:g} 0 0 1"
    return f"M{-straight:g},{-r:g}H{straight:g}{arc} {straight:g},{r:g}H{-straight:g}{arc} {-straight:g},{-r:g}Z"


def _diamond(half: float) -> str:
    """A diamond, or wider: with straight lines between two points."""
    r = _HALF + 1
    straight = half - r
    return f"M{-half:g},0L{-straight:g},{-r:g}H{straight:g}L{half:g},0L{straight:g},{r:g}H{-straight:g}Z"
