"""Which call of a `@task` is which: a body that runs again finds the results of the calls that it made before.

A call is known by the task's name, a digest of its arguments and how many such calls came before it, so calls may come
in another order. A call that is new where the same code has made another one before says that something in the body
changes from run to run; that is an error, since the task's effect would happen twice.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from nbhitl.engine.errors import TaskChanged
from nbhitl.engine.ids import digest
from nbhitl.engine.records import Entered
from nbhitl.run.context import TaskContext
from nbhitl.run.hands import BODIES

Given: TypeAlias = tuple[tuple[Any, ...], Mapping[str, Any]]
"""The arguments of a call."""


class Entry(NamedTuple):
    """How one call is written down."""

    number: int
    """Below 0: calls of sub-graphs count up from there."""
    binding: str = ""
    place: int = -1


class Ledger:
    """The calls of tasks that earlier performances of a body have made, and those that this one has made again.

    Not for several threads at once: whoever owns it has the lock.
    """

    def __init__(self, inside: TaskContext) -> None:
        self.inside = inside
        known: dict[int, Entered] = {**inside.position.entered.get(inside.task.id, {}), **(inside.entered or {})}
        self._known = {entered.binding: entered for entered in known.values() if entered.binding}
        # Of two at one place, the later one counts: the code was edited between them.
        calls = sorted(self._known.values(), key=lambda entered: -entered.call)
        self._places = {(entered.called, entered.place): entered for entered in calls if entered.place >= 0}
        self._next = min(known, default=0)
        self._same: Counter[str] = Counter()
        self._made: Counter[str] = Counter()
        self._used: set[str] = set()

    def entry(self, name: str, given: Given) -> Entry:
        """How a call with these arguments is written down.

        Raises:
            TaskChanged: the same code has called the task with other arguments here, and does not do so now.
        """
        if not self.inside.can_pause:  # nothing is remembered, so nothing has to be found again
            return self._new("", -1)
        args, kwargs = given
        same = f"{name} {digest([*args, *sorted(kwargs.items())])}"
        binding = f"{same} {self._same[same]}"
        self._same[same] += 1
        place = -1
        if called_by_body(self.inside):
            place = self._made[name]
            self._made[name] += 1
        self._used.add(binding)
        known = self._known.get(binding)
        if known is not None:
            return Entry(known.call, binding, known.place)
        self._expect_same(name, place)
        return self._new(binding, place)

    def _new(self, binding: str, place: int) -> Entry:
        self._next = min(self._next, 0) - 1
        return Entry(self._next, binding, place)

    def _expect_same(self, name: str, place: int) -> None:
        before = self._places.get((name, place))
        if before is None or before.binding in self._used:
            return
        run = self.inside.run
        if run.digest != self.inside.position.checkpoint.code:  # somebody has edited it, and means another call
            return
        raise TaskChanged(
            f"node {self.inside.task.node!r} calls task {name!r} with other arguments than when it ran before, and its "
            "code is the same: what the task did then would be done again. Something in the body changes from run to "
            "run, e.g. the time, a random number or what was read from outside: put that into a task of its own, whose "
            "result is kept, and give it to this one. Nothing was done; what the first call returned is kept."
        )


def called_by_body(inside: TaskContext) -> bool:
    """Whether it is the body itself that calls, and no thread or asyncio task that it has started: their order varies.

    Looked up on the stack, so that bodies that call no task pay nothing for it.
    """
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code in BODIES:
            return frame.f_locals.get("job") is inside
        frame = frame.f_back
    return False
