"""How the state of a node is told: in words, and by a sign, since no state is told by its colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nbhitl.drawing.path import State

STATES: Final[Mapping[State, str]] = {
    "idle": "not run yet",
    "next": "runs next",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "waiting": "waits for a person",
    "paused": "stopped here, about to run",
}
SIGNS: Final[Mapping[State, str]] = {
    "running": "M-3,0h.01M0,0h.01M3,0h.01",
    "done": "M-3,.2L-.9,2.4L3.2,-2.2",
    "failed": "M-2.3,-2.3L2.3,2.3M2.3,-2.3L-2.3,2.3",
    "waiting": "M0,-3.6V.2L2.6,1.7",
    "paused": "M-3.2,0H3M.3,-2.7L3,0L.3,2.7",
}
"""What stands on a state's badge, as an SVG path around 0,0: dots, check mark, cross, hands of a clock, arrow."""
