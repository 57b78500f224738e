"""What was edited in the code since the thread stopped, and the ways to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from nbhitl.debugging.changes import Before, Change, Changes, compared, first_before, likely_renames, with_renames
from nbhitl.engine import edits
from nbhitl.engine.errors import NbhitlError, UnknownNodeError
from nbhitl.engine.fingerprints import digest_of
from nbhitl.engine.records import EMPTY, MISSING, START, Position, Stopped, Task, ThreadKey
from nbhitl.run.running import Run
from nbhitl.scripts.recording import input_of
from nbhitl.session.branching import Branching
from nbhitl.session.failures import NodeFailure, failures_of
from nbhitl.session.sources import texts

_SOURCE: Final = "source "
"""What settings of sources are called, before the digest of the code."""
MOST_SOURCES: Final = 50
"""States of a graph's code whose sources are kept, the newest ones; of older code changes are shown without texts."""


class Revising(Branching):
    """A runner that knows how its code was edited, and which nodes raised."""

    failures: tuple[NodeFailure, ...] = ()
    """The nodes that raised in the last call, in the order of their tasks."""
    _kept = ""
    """The digest of the code whose sources are kept for certain."""

    def changes(self) -> Changes:
        """What was edited since the thread stopped: each part with its sources, and what that means for going on.

        After a kill it is compared with the code that made the last checkpoint.
        """
        position = self.position
        if position is None:
            return Changes()
        now = self.graph.fingerprints()
        then = self._code_of(position) or now
        gone = self._gone(position)
        if then == now and not gone:
            return Changes()
        texts_then, texts_now = self._sources(then), texts(self.graph)
        parts = compared(then, now, texts_then, texts_now)
        old = [*gone, *(change.part for change in parts if change.kind == "removed")]
        renames = likely_renames(dict.fromkeys(old), texts_then, texts_now, then)
        parts = with_renames(parts, renames)
        under_way = position.checkpoint.tasks or position.checkpoint.deferred
        before = (
            first_before(parts, self.path_here(), self.graph.nodes, self._ran_inside) if parts and under_way else None
        )
        return Changes(parts, gone, renames, before)

    def fork_before_change(self) -> Before:
        """Go back to just before the first part that was edited had its say, on a branch of its own; runs nothing.

        The next call runs from there with the new code. What came after it is kept on the old branch.

        Raises:
            NbhitlError: nothing that was edited has run.
            ThreadBusyError: the thread is being run.
        """
        before = self.changes().before
        if before is None:
            raise NbhitlError(
                f"nothing that was edited since thread {self.thread!r} stopped has run on this branch: going on uses "
                "the new code as it is. Any earlier step: %graph rewind NODE, or %graph fork STEP."
            )
        old = self.saver.load(self.key, before.checkpoint)
        if old is None:
            raise NbhitlError(f"checkpoint {before.checkpoint} of thread {self.thread!r} was deleted meanwhile.")
        with self._resting() as run:
            made = edits.branch(old.checkpoint, id=run.new_id(), at=run.world.clock.now(), code=run.digest)
            self._stand(run, made, [], f"back at step {before.step}, before {before.words}")
        return before

    def rename(self, old: str, new: str) -> Stopped:
        """Go on under the new name of a node that was renamed while the thread stood at it; its answers are kept.

        Raises:
            NbhitlError: there is no node ``new``, or ``old`` is there still.
        """
        return self.go(rename={old: new})

    def retry(self) -> Stopped:
        """Run again what failed, with the code as it is now: siblings that finished are not repeated.

        Raises:
            NbhitlError: the last call did not fail.
        """
        self.failed_nodes()
        return self.go()

    def failed_nodes(self) -> tuple[list[str], list[str]]:
        """The nodes of the step that failed or have not begun, and those that finished and are not repeated.

        Raises:
            NbhitlError: the last call did not fail.
        """
        position = self.position
        stopped = position.stopped if position is not None else None
        if position is None or stopped is None or stopped.reason != "failed":
            why = f"it has stopped: {stopped.text}" if stopped is not None else "it has not run, or was broken off"
            raise NbhitlError(f"nothing failed on thread {self.thread!r}, so there is nothing to retry: {why}.")
        tasks = position.checkpoint.tasks
        again = [task.node for task in tasks if task.id not in position.wrote and task.id not in position.parked]
        finished = [task.node for task in tasks if task.id in position.wrote]
        return list(dict.fromkeys(again)), list(dict.fromkeys(finished))

    def newest_input(self) -> Any:
        """The newest input of this branch; None where there is none, or it has no keys and is no entrypoint's."""
        takes = self.graph.takes
        for position in self.branch():
            if position.checkpoint.source == "input" and position.checkpoint.tasks:
                given = input_of(position, takes)
                return given if takes or isinstance(given, Mapping) else None
        return None

    # -- inside

    def _drive(self, run: Run) -> Stopped:
        self._keep_sources(run)
        self.failures = ()
        try:
            return super()._drive(run)
        finally:
            if run.failures:
                self.failures = tuple(failures_of(run.failures, run.position, self.saver, self.key))

    def _keep_sources(self, run: Run) -> None:
        """Remember the source of every part that has one, once for each state of the code."""
        if not run.digest or run.digest == self._kept:
            return
        key, name = self._settings, f"{_SOURCE}{run.digest}"
        with suppress(NbhitlError):  # a comfort: no run ends for it
            known = [each for each in self.saver.settings(key) if each.startswith(_SOURCE)]
            if name not in known:
                self.saver.set_setting(key, name, texts(self.graph))
                for old in known[: len(known) + 1 - MOST_SOURCES]:
                    self.saver.set_setting(key, old, MISSING)
            self._kept = run.digest

    def _sources(self, code: Mapping[str, str]) -> Mapping[str, str]:
        found = self.saver.settings(self._settings).get(f"{_SOURCE}{digest_of(code)}", EMPTY)
        return found if isinstance(found, Mapping) else EMPTY

    @property
    def _settings(self) -> ThreadKey:
        return ThreadKey("", self.key.graph)

    def _code_of(self, position: Position) -> Mapping[str, str] | None:
        """The fingerprints of the code that a thread stopped with."""
        stopped = position.stopped.code if position.stopped is not None else None
        return stopped or self.saver.code(position.checkpoint.code)

    def _ran_inside(self, position: Position, change: Change) -> bool:
        """Whether a sub-graph that is under way at a position has finished a node of it that changed."""
        paths = [path.split("/") for path in change.inside]
        tasks = [
            task for task in position.checkpoint.tasks if task.node == change.part and task.id not in position.wrote
        ]
        return bool(paths) and any(self._finished(self.key, position, task, paths) for task in tasks)

    def _finished(self, key: ThreadKey, position: Position, task: Task, paths: Sequence[list[str]]) -> bool:
        """Whether one of these nodes has finished in the sub-graphs that a task runs."""
        for call in position.entered.get(task.id, EMPTY).values():
            line = replace(key, ns=call.ns)
            inner = self.saver.newest(line, call.head) if call.head else None
            while inner is not None:
                for each in inner.checkpoint.tasks:
                    here = [path for path in paths if path[0] == each.node]
                    if each.id in inner.wrote and here:
                        return True
                    below = [path[1:] for path in here if len(path) > 1]
                    if below and self._finished(line, inner, each, below):
                        return True
                parent = inner.checkpoint.parent
                inner = self.saver.load(line, parent) if parent else None
        return False

    def _gone(self, position: Position) -> tuple[str, ...]:
        """The nodes that a thread stands at, by path, and that the graph does not have."""
        due = [task.node for task in position.checkpoint.tasks if task.id not in position.wrote]
        asking = [question.node for question in position.pending if question.node]
        found = []
        for path in dict.fromkeys([*due, *position.checkpoint.deferred, *asking]):
            try:
                self.graph.expect([path] if path != START else [], "due")
            except UnknownNodeError:
                found.append(path)
        return tuple(path for path in found if path.partition("/")[0] == path or path.partition("/")[0] not in found)
