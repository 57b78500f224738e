"""`Screen`: what a worker tells the person who watches. A worker knows no more of forms, drawings and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from nbhitl.engine.errors import AnswerRefused
from nbhitl.engine.records import Answered, Asked, Stopped
from nbhitl.run.world import Event


class Screen(Protocol):
    """What a worker tells the person who watches. Owns nothing of the run."""

    interactive: bool
    """Whether somebody can fill in a form."""

    def draw(self) -> None:
        """Begin: the cell that runs shows the drawing."""

    def event(self, event: Event) -> None:
        """Something happened in the run."""

    def paint(self, *, at_once: bool = False) -> None:
        """The breakpoints, or something else outside the run, have changed."""

    def repeat(self) -> None:
        """Another cell than the one that shows the run has moved it, and is about to end."""

    def stopped(self, stopped: Stopped | None) -> None:
        """The run handed control back (None: it has not run yet): show questions, or how to go on."""

    def refuse(self, id: str | None, error: AnswerRefused) -> None:
        """An answer did not fit."""

    def ask_input(self, required: Mapping[str, Any], *, restart: bool, step: bool) -> None:
        """Show a form for a run's input; sends `Begin`."""

    def taken(self, id: str, value: Any) -> None:
        """What a form has sent was taken."""

    def answered(self, question: Asked, answer: Answered) -> None:
        """An answer was recorded; the run goes on."""

    def kept(self, id: str, plain: Any) -> None:
        """What a form has sent fits its question, and waits to be submitted with others."""

    def look(self) -> None:
        """The thread may stand elsewhere than what is shown: say what became of each question that is not open."""

    def running(self) -> None:
        """A run goes on while no cell waits for it: offer to stop it, if it lasts."""

    def gone(self, message: str) -> None:
        """Nothing is to be done here any more."""

    def problem(self, error: BaseException) -> None:
        """Something went wrong while no cell waits for it."""
