"""The verbs of ``%graph`` that move a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.verbs.verb import Verb, tell
from nbhitl.notebook.worker import Go

if TYPE_CHECKING:
    from nbhitl.notebook.verbs.verb import Line


def continue_(line: Line) -> None:
    """Go on from where the run stands: past a breakpoint, or again after a failure."""
    worker = line.worker
    if worker.session.pending():
        raise NbhitlError("the run waits for an answer: fill in the form, or %graph answer VALUE.")
    position = worker.session.position
    if position is None or not position.checkpoint.tasks:
        raise NbhitlError("there is nothing to go on with: the run has finished. Run the cell for a new one.")
    worker.do(Go())
    tell(worker)


def pause(line: Line) -> None:
    """Stop the run that is at work, before its next node."""
    worker = line.worker
    if not worker.session.busy:
        raise NbhitlError("nothing is running.")
    worker.session.pause("stopped with %graph pause; it can be continued")


VERBS = {
    "continue": Verb("continue", continue_),
    "pause": Verb("pause", pause),
}
