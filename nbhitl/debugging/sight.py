"""What a breakpoint looks at: a task that is about to begin, or that has ended in some way. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from nbhitl.engine import moves
from nbhitl.engine.description import Graph
from nbhitl.engine.records import EMPTY, MISSING, START, Asked, Failed, Place, Position, Task, Wrote

OWN_NAMES: Final = frozenset({"arg", "error", "error_type", "question"})
"""What a condition can name beside the state's keys: a task's own input, what failed, what is asked."""


class Branches:
    """Which of the tasks of its node in a step each task is, from 0; worked out when the first breakpoint asks."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._numbers: dict[str, int] = {}

    def number(self, task: Task) -> int:
        """The number of a task of the step."""
        if not self._numbers:
            counted: Counter[str] = Counter()
            for one in self._tasks:
                self._numbers[one.id] = counted[one.node]
                counted[one.node] += 1
        return self._numbers[task.id]


@dataclass(frozen=True)
class Sight:
    """A task at a place where breakpoints are. Not slotted: its names are worked out when a condition asks."""

    task: Task
    place: Place
    inside: str
    """The path of the sub-graph, with a slash behind it."""
    position: Position
    branches: Branches
    into: frozenset[moves.Pair] | None = None
    """What the step before has taken; None where nobody saw them."""
    graph: Graph | None = None
    wrote: Wrote | None = None
    failed: Failed | None = None
    asked: Asked | None = None

    @property
    def path(self) -> str:
        """The node, by its path."""
        return f"{self.inside}{self.task.node}"

    @property
    def branch(self) -> int:
        """Which of the tasks of its node in this step it is, from 0."""
        return self.branches.number(self.task)

    @property
    def id(self) -> str:
        """What is counted once."""
        return self.asked.id if self.asked is not None else f"{self.place} {self.task.id}"

    @property
    def text(self) -> str:
        """Where it is, in words."""
        words = {"error": "on error in", "question": "on interrupt in"}
        return f"{words.get(self.place, self.place)} {self.path}"

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """The state there: with what the task itself has written."""
        values = self.position.checkpoint.values
        if self.wrote is None or self.graph is None:
            return values
        try:
            return moves.preview(self.graph, values, self.wrote.updates)
        except Exception:  # noqa: BLE001 - a reducer that raises does so again, and better, when the step ends
            return values

    @cached_property
    def names(self) -> Mapping[str, Any]:
        """What a condition can name: the state's keys, and what is the task's own."""
        own: dict[str, Any] = {}
        arg = self.task.arg
        if self.has_arg:
            own = {**(arg if isinstance(arg, Mapping) else EMPTY), "arg": arg}
        if self.failed is not None:
            own |= {"error": self.failed.text, "error_type": self.failed.error}
        if self.asked is not None:
            own["question"] = self.asked.value
        return {**self.values, **own}

    @property
    def has_arg(self) -> bool:
        """Whether the task has an input of its own: it was sent."""
        return self.task.node != START and self.task.arg is not MISSING


def begins(position: Position, ready: Sequence[Task], inside: str) -> Iterator[Sight]:
    """Tasks that are about to begin, those left out before which somebody has gone on, and those under way."""
    if position.passed:  # one stop at a step is enough
        return
    begun = position.asked.keys() | position.entered.keys() | position.kept.keys()
    branches = Branches(position.checkpoint.tasks)
    for task in ready:
        if task.node != START and task.id not in begun and (task.id, "before") not in position.released:
            yield Sight(task, "before", inside, position, branches)


def ends(graph: Graph, position: Position, inside: str) -> Iterator[Sight]:
    """Tasks that have ended, failed or asked, and are not held for it."""
    branches = Branches(position.checkpoint.tasks)
    for task in position.checkpoint.tasks:
        if task.node == START or task.id in position.held:
            continue
        if task.id in position.wrote:
            if (task.id, "after") not in position.released:
                wrote = position.wrote[task.id]
                yield Sight(task, "after", inside, position, branches, graph=graph, wrote=wrote)
        elif task.id in position.failed:
            yield Sight(task, "error", inside, position, branches, failed=position.failed[task.id])
        elif task.id in position.parked:
            asked = position.asked[task.id][-1]
            if not asked.ns:  # a question of a sub-graph is seen there
                yield Sight(task, "question", inside, position, branches, asked=asked)
