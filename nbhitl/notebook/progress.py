"""How far a thread has come, gathered from its history and the events of its runs, for the drawing."""

from __future__ import annotations

import threading
from itertools import islice

from nbhitl.drawing import Pair, states, taken
from nbhitl.engine.records import START, Asked, Checkpoint, Failed, Position, Stopped, Wrote
from nbhitl.notebook.picture import Breakpoint, Moment, Status
from nbhitl.run.world import Committed, Ended, Event, Started
from nbhitl.session import Session

LOOK_BACK = 1000
"""Checkpoints of the past that are looked at: a drawing shows what ran, not how often."""


class Progress:
    """Nodes that ran and steps that were taken on the branch that the thread is on. Safe from any thread."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._lock = threading.Lock()
        self.look()

    def look(self) -> None:
        """Forget what was gathered, and look the thread up."""
        ran, pairs, now = set[str](), set[Pair](), None
        for position in islice(self.session.branch(), LOOK_BACK):
            now = now or position
            ran.update(position.checkpoint.ran)
            pairs |= taken(self.session.graph, position)
        with self._lock:
            self._ran, self._taken, self._running = ran, pairs, set[str]()
            self._position: Position | None = now

    def see(self, event: Event) -> None:
        """Take note of what happened."""
        with self._lock:
            match event:
                case Started(tasks=tasks):
                    self._running = {task.node for task in tasks}
                case Ended(task=task, entries=entries):
                    self._running.discard(task.node)
                    self._ended(entries)
                case Committed(checkpoint=checkpoint):
                    self._committed(checkpoint)
                case Stopped():
                    self._running = set()

    def _ended(self, entries: tuple[Wrote | Asked | Failed | object, ...]) -> None:
        run = self.session.run
        if run is not None:
            here = run.position.after(entry for entry in entries if isinstance(entry, (Wrote, Asked, Failed)))
            self._position = here if self._position is None else self._merged(here, entries)
            self._taken |= taken(self.session.graph, here)

    def _merged(self, here: Position, entries: tuple[object, ...]) -> Position:
        """Siblings that ended in the same step are seen together."""
        if self._position is None or self._position.checkpoint.id != here.checkpoint.id:
            return here
        return self._position.after(e for e in entries if isinstance(e, (Wrote, Asked, Failed)))

    def _committed(self, checkpoint: Checkpoint) -> None:
        self._ran.update(checkpoint.ran)
        self._position = Position(checkpoint)

    def moment(self) -> Moment:
        """What is to be seen now."""
        session = self.session
        busy = session.busy
        position = session.position if not busy else None
        if position is not None and (self._position is None or self._position.checkpoint.id != position.checkpoint.id):
            self.look()  # the thread was moved by somebody else: from Python, or on another branch
        with self._lock:
            position = position or self._position
            stopped = position.stopped if position is not None and not busy else None
            status, text = _status(position, stopped, busy)
            if busy:
                text = ", ".join(sorted(self._running - {START}))
            shown = states(session.graph, position, tuple(self._running), tuple(self._ran))
            walked = frozenset(self._taken)
        points: dict[str, Breakpoint] = {
            node: "before" if how.get("enabled", True) else "disabled" for node, how in session.breakpoints.items()
        }
        return Moment(status, text, shown, points, walked)


def _status(position: Position | None, stopped: Stopped | None, busy: bool) -> tuple[Status, str]:
    if busy:
        return "running", ""
    if stopped is not None and stopped.reason == "interrupted" and position is not None and not position.pending:
        return "drained", "answered; run the cell to go on"
    if stopped is not None:
        return stopped.reason, "" if stopped.reason == "finished" else stopped.text
    if position is not None and position.checkpoint.tasks:  # the kernel was killed, or the state was edited
        return "drained", "not finished; run the cell to go on"
    return "idle", "not started"
