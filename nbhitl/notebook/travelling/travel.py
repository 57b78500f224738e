"""Moves in time on a worker's thread, so that the cell of the graph shows where it stands now."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.commands import Act
from nbhitl.session.what_if import WhatIf

if TYPE_CHECKING:
    from nbhitl.engine.records import Stopped
    from nbhitl.notebook.worker import Worker
    from nbhitl.session import Session


class Trip:
    """One move, and where the thread stands after it.

    Args:
        worker: whose thread moves.
        move: the move; runs nothing.
    """

    def __init__(self, worker: Worker, move: Callable[[Session], Stopped]) -> None:
        self.worker = worker
        self.move = move
        self.stopped: Stopped | None = None
        self.problem: NbhitlError | None = None

    def go(self) -> None:
        """Make the move, and wait until it is made: for the main thread of a cell.

        Raises:
            NbhitlError: it cannot be made.
        """
        self.expect_rest()
        self.worker.do(Act(self._make))

    def expect_rest(self) -> None:
        """Raise `NbhitlError` while the graph runs: the move would be made at the end, wherever that is."""
        if self.worker.session.busy:
            raise NbhitlError("the graph runs. Wait for it, or stop it first: %graph pause")

    def send(self, done: Callable[[Trip], None]) -> None:
        """Have the move made later, and ``done`` called then: for callbacks of the page."""

        def make() -> None:
            try:
                self._make()
            except NbhitlError as error:
                self.problem = error
            done(self)

        self.worker.put(Act(make))

    def _make(self) -> None:
        self.stopped = self.move(self.worker.session)
        self.worker.screen.stopped(self.stopped)

    @property
    def told(self) -> str:
        """Where the thread stands now, and how to go on, in words."""
        stopped, session = self.stopped, self.worker.session
        if stopped is None:
            return str(self.problem or "")
        match stopped.reason:
            case "interrupted":
                how = "Answer in the form, or: %graph answer VALUE"
            case "finished":
                how = "Run the cell for a new run, or go back further."
            case "failed":
                how = "Try again: %graph continue"
            case _:
                how = "Go on: %graph continue, or %graph step"
        return f"Graph {session.name}, thread {session.thread}: {stopped.text}, on {session.find_branch().name}.\n{how}"


def foresee(worker: Worker, answers: Sequence[Any] | None, steps: int, *, keep: bool) -> WhatIf:
    """A what-if on the worker's thread, where nodes may be async; a Ctrl-C stops it.

    Raises:
        NbhitlError: as `nbhitl.session.Session.what_if`.
    """
    found: list[WhatIf] = []

    def run() -> None:
        found.append(worker.session.what_if(answers, steps=steps, keep=keep, control=worker.control))

    here = contextvars.copy_context()  # what nodes print now is no output of the run itself: it lands in this cell
    worker.do(Act(lambda: here.run(run)))
    return found[0]
