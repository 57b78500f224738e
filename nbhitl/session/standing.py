"""Writing down where a thread stands, between two runs: nothing is performed, and nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nbhitl.engine.breakpoints import Rules
from nbhitl.engine.errors import NbhitlError, ThreadBusyError
from nbhitl.engine.records import START, Checkpoint, Entry, Position, Stopped, StopReason
from nbhitl.run.claims import Claim
from nbhitl.run.running import Run
from nbhitl.session.inspecting import Inspecting


class Standing(Inspecting):
    """A runner whose thread can be made to stand elsewhere."""

    @contextmanager
    def _resting(self) -> Iterator[Run]:
        """A call that performs nothing, at the newest checkpoint; the thread is ours meanwhile.

        Raises:
            ThreadBusyError: somebody runs the thread.
            NbhitlError: it has not run yet.
        """
        claim = Claim()
        with self._reserved(claim):
            position = self.saver.load(self.key)
            if position is None:
                raise NbhitlError(f"thread {self.thread!r} has not run yet: there is nothing to go back to.")
            run = Run(self.graph, self.key, Rules(0), self.compiled.calls.world, self.config)
            run.position = position
            run.settle()  # killed between the last write of a step and its commit: what was written counts
            yield run

    @contextmanager
    def _reserved(self, claim: Claim, *, take: bool = True) -> Iterator[None]:
        """Nobody runs the thread meanwhile, neither through this session nor by ``claim`` through others."""
        if not self._busy.acquire(blocking=False):
            raise ThreadBusyError(f"thread {self.key} is being run. Wait for it, or stop it: %graph pause.")
        try:
            if take:
                claim.take(self.saver, self.key)
            self.failure = None
            yield
        finally:
            claim.release()
            self._busy.release()

    def _stand(self, run: Run, checkpoint: Checkpoint, entries: Sequence[Entry], text: str) -> Stopped:
        """Have the thread stand at a new checkpoint, durably; why, in words."""
        made = Position(checkpoint).after(entries)
        stopped = Stopped(reason_of(made), text, run.world.clock.now(), run.code)
        run.enter(checkpoint, [*entries, stopped])
        self.saver.flush()
        return stopped


def reason_of(position: Position) -> StopReason:
    """In a word, why a thread that was made to stand somewhere does not go on by itself."""
    if not position.checkpoint.tasks:
        return "finished"
    if position.pending:
        return "interrupted"
    return "failed" if position.failed else "breakpoint"


def takes_input(position: Position) -> bool:
    """Whether it is the place where an input is merged: no person ever stands there."""
    return any(task.node == START for task in position.checkpoint.tasks)


def standing(position: Position) -> str:
    """What is due there, in words: ``before draft``, ``review waits for an answer``."""
    tasks = position.checkpoint.tasks
    pending = position.pending
    if pending:
        names = {task.id: task.node for task in tasks}
        nodes = list(dict.fromkeys(question.node or names[question.task] for question in pending))
        count = "an answer" if len(pending) == 1 else f"{len(pending)} answers"
        return f"{', '.join(nodes)} {'waits' if len(nodes) == 1 else 'wait'} for {count}"
    due = list(dict.fromkeys(task.node for task in tasks if task.id not in position.wrote))
    return f"before {', '.join(due)}" if due else "where the run had finished"
