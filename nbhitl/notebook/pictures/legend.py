"""What the signs on a drawing mean: only those that are in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from nbhitl.drawing import STATES, Drawing, State
from nbhitl.notebook.pictures.moment import Moment

if TYPE_CHECKING:
    from nbhitl.notebook.pictures.markers import Placed


class Entry(NamedTuple):
    """A sign by its name, and what it means."""

    sign: str
    """A state, or one of ``dot``, ``after``, ``diamond``, ``disabled``, ``=``, ``3``, ``x``, ``+``."""
    text: str


_STATES: Final[tuple[State, ...]] = ("done", "running", "next", "paused", "waiting", "failed")


def legend(drawing: Drawing, moment: Moment, placed: Placed) -> tuple[Entry, ...]:
    """The signs that ``drawing`` shows now, states first."""
    return (*_states(drawing, moment), *_counts(drawing, moment), *_markers(placed))


def _states(drawing: Drawing, moment: Moment) -> Iterator[Entry]:
    paths = [node.name for node in drawing.named if node.kind == "node"]
    used = {moment.state(path) for path in (*paths, *(frame.name for frame in drawing.opened))}
    texts = {**STATES, "paused": "about to run"}
    return (Entry(state, texts[state]) for state in _STATES if state in used)


def _counts(drawing: Drawing, moment: Moment) -> Iterator[Entry]:
    if any(moment.count(node.name).startswith("x") for node in drawing.named if node.kind == "node"):
        yield Entry("x", "times run")
    for text in sorted({node.opens_what for node in drawing.named if node.opens}, reverse=True):
        yield Entry("+", text)


def _markers(placed: Placed) -> Iterator[Entry]:
    markers = list(placed)
    stops = [marker for marker in markers if not marker.log and marker.enabled and marker.known]
    if stops:
        yield Entry("dot", "breakpoint")
    if any("after" in spots for spots in placed.nodes.values()):
        yield Entry("after", "after the node")
    if any(marker.sign.startswith("=") for marker in markers):
        yield Entry("=", "conditional")
    if any(marker.sign.removeprefix("=")[:1] in set("123456789≥%") for marker in markers):
        yield Entry("3", "at a hit count")
    if any(marker.log for marker in markers):
        yield Entry("diamond", "prints a text")
    if any(not marker.enabled for marker in markers):
        yield Entry("disabled", "disabled")
