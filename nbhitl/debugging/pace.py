"""`Pace`: which tasks a step of the debugger lets go, and which wait for the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from nbhitl.debugging.step import Step
from nbhitl.engine.records import START, Position, Task


@dataclass(frozen=True, slots=True)
class _Seen:
    """A checkpoint of a call."""

    begun: bool
    """The call began with it, so that what is due there goes."""
    takes_input: bool
    steps: int
    """Super-steps that the call has made on this line before it."""


class Pace:
    """One `Step`, under way. A line is that of the outermost graph, or of a call of a sub-graph."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self._depth = step.inside.count("/")
        self._seen: dict[str, _Seen] = {}
        self._made = 0
        """Super-steps that were made on lines as deep as the run stood."""
        self._chosen = ""
        """The one task that goes."""

    def waits(self, position: Position, ready: Sequence[Task], inside: str) -> list[Task]:
        """Those of the ``ready`` tasks that have to wait."""
        seen = self._look(position, inside)
        if seen.takes_input:
            return []
        depth, step = inside.count("/"), self.step
        match step.kind:
            case "until":
                return [t for t in ready if f"{inside}{t.node}" == step.node and not _let_go(position, t)]
            case "into":
                return list(ready) if not seen.begun else []
            case "out":
                return list(ready) if not seen.begun and depth < self._depth else self._others(position, ready, inside)
            case "over":
                if depth > self._depth:
                    return []
                over = not seen.begun and seen.steps >= step.count
                return list(ready) if over else self._others(position, ready, inside)
            case "task":
                if depth > self._depth:
                    return []
                if not seen.begun:
                    return list(ready)
                return (
                    self._all_but_one(ready, inside) if depth == self._depth else self._others(position, ready, inside)
                )
            case _:
                assert_never(step.kind)

    def _look(self, position: Position, inside: str) -> _Seen:
        checkpoint = position.checkpoint
        known = self._seen.get(checkpoint.id)
        if known is not None:
            return known
        before = self._seen.get(checkpoint.parent or "")
        depth, steps = inside.count("/"), 0
        if before is not None and not before.takes_input:
            steps = before.steps + 1
            if before.begun and depth < self._depth:  # the sub-graph has ended: its steps count, too
                steps += self._made
        if depth == self._depth:
            self._made = max(self._made, steps)
        takes_input = any(task.node == START for task in checkpoint.tasks)
        # The nodes of an entrypoint or a @task are due with their input: no step lies between the call and them.
        called = checkpoint.source == "input" and not takes_input and not position.resumed
        found = self._seen[checkpoint.id] = _Seen(before is None and not called, takes_input, steps)
        return found

    def _others(self, position: Position, ready: Sequence[Task], inside: str) -> list[Task]:
        """Tasks of the graphs above that were held before, and do not lead to where the run stands."""
        own = self.step.inside
        if not own.startswith(inside) or own == inside:
            return []
        on_the_way = own[len(inside) :].partition("/")[0]
        stood = [t for t in ready if t.node != on_the_way and (t.id, "before") in position.released]
        return [t for t in stood if t.id not in position.entered]  # or it stands in its own sub-graph

    def _all_but_one(self, ready: Sequence[Task], inside: str) -> list[Task]:
        if not self._chosen:
            wanted = self.step.node
            fitting = [task for task in ready if wanted in ("", f"{inside}{task.node}")]
            self._chosen = fitting[0].id if fitting else ""
        return [task for task in ready if task.id != self._chosen]


def _let_go(position: Position, task: Task) -> bool:
    """Whether somebody has gone on from a stop before this task."""
    return position.passed or (task.id, "before") in position.released
