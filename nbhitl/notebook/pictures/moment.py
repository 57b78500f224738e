"""`Moment`: what is to be seen on a drawing now, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from nbhitl.drawing import STATES, Fan, Pair, State, printable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nbhitl.debugging.breakpoint import Breakpoint

Status: TypeAlias = Literal["running", "interrupted", "breakpoint", "failed", "finished", "drained", "idle"]


@dataclass(frozen=True, slots=True)
class Moment:
    """What is to be seen on a drawing now. Nodes go by their paths: ``review``, in a sub-graph ``review/ask``."""

    status: Status = "idle"
    text: str = ""
    """The status in words, e.g. why the run stopped."""
    states: Mapping[str, State] = field(default_factory=dict)
    breakpoints: Collection[Breakpoint] = ()
    taken: Collection[Pair] = ()
    """The steps of the run so far: see `nbhitl.engine.moves.taken`."""
    fans: Mapping[str, Fan] = field(default_factory=dict)
    """Nodes that have several tasks in the step that is done now."""
    visits: Mapping[str, int] = field(default_factory=dict)
    """How often nodes have run on the branch."""

    def state(self, path: str) -> State:
        """The state that a node is shown in."""
        return self.states.get(path, "idle")

    def count(self, path: str) -> str:
        """What stands below a node: ``3/10 done`` of a fan-out, ``x4`` of a loop; empty for all others."""
        fan, visits = self.fans.get(path), self.visits.get(path, 0)
        return fan.words if fan is not None else f"x{visits}" if visits > 1 else ""

    def said(self, path: str) -> str:
        """A node's state in words, with its counts."""
        fan, visits = self.fans.get(path), self.visits.get(path, 0)
        counts = [fan.words] if fan is not None else []
        return ", ".join([STATES[self.state(path)], *counts, *([f"ran {visits} times"] if visits > 1 else [])])


STATUSES: Final[Mapping[Status, str]] = {
    "running": "Running",
    "interrupted": "Waiting for a person",
    "breakpoint": "Paused",
    "failed": "Failed",
    "finished": "Finished",
    "drained": "Stopped",
    "idle": "Not started",
}


def status_text(moment: Moment) -> str:
    """The status in words, fit to be shown: it comes with texts of exceptions and names in it."""
    return printable(moment.text, 200) if moment.text.strip() else ""
