"""The positions of a thread -> what happened at each step, with what changed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from nbhitl.drawing import Pair, State, states
from nbhitl.engine.moves import taken
from nbhitl.engine.records import EMPTY, START, Checkpoint, Position, StopReason
from nbhitl.report.happenings import Said, said, seconds, took, what_failed, writes
from nbhitl.report.texts import Texts, as_text, kind_of

if TYPE_CHECKING:
    from nbhitl.engine.description import Graph
    from nbhitl.report.branches import Other

Look: TypeAlias = Literal["ran"] | State
"""How a node is shown: ``ran`` says that it did in this very step, ``done`` earlier."""
How: TypeAlias = Literal["input", "loop", "update", "fork", "now"]
"""What made a step; ``now`` is what has happened since the last one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a thread: what ran, and the state after it. Texts are given by their numbers."""

    number: int
    how: How
    checkpoint: str
    at: int
    """Microseconds since 1970."""
    took: float
    """Seconds since the step before, the time that persons took left out."""
    waited: float
    """Seconds that at least one question was open."""
    ran: tuple[tuple[str, Mapping[str, int]], ...]
    """The tasks that finished: the node, and what it wrote by key."""
    values: Mapping[str, tuple[int, str] | None]
    """The keys that changed: the text and the type of the value; None: it is gone."""
    due: tuple[str, ...]
    """Nodes that run next."""
    looks: Mapping[str, Look]
    """The nodes that are to be shown otherwise than at the step before."""
    taken: frozenset[Pair] | None
    """The ways that were walked so far; None: the same as at the step before."""
    said: tuple[Said, ...] = ()
    errors: tuple[tuple[str, int], ...] = ()
    """Node and text of each task that failed."""


@dataclass(frozen=True, slots=True)
class Story:
    """A thread from its first step to where it stands."""

    steps: tuple[Step, ...]
    keys: tuple[str, ...]
    """Of the state, in the order in which they are shown."""
    texts: Texts
    reason: StopReason | None
    """Why it stopped; None: it runs, or was broken off."""
    stop: str
    """The same in words."""
    branches: tuple[Other, ...] = ()
    older: bool = False
    """Whether there are steps before the first one."""


def story(
    branch: Sequence[Position],
    graph: Graph | None,
    *,
    branches: Sequence[Other] = (),
    older: bool = False,
    texts: Texts | None = None,
) -> Story:
    """What happened on a branch.

    Args:
        branch: its positions, oldest first; at least one.
        graph: for the states of its nodes; None where the code is not at hand.
        branches: the others of the thread.
        older: whether the branch began before these positions.
        texts: keeps the texts.
    """
    telling = _Telling(graph, texts or Texts())
    previous: Position | None = None
    for place, position in enumerate(branch):
        telling.step(previous, position, last=place == len(branch) - 1)
        previous = position
    end = branch[-1]
    known = tuple(graph.channels) if graph is not None else ()
    keys = tuple(dict.fromkeys((*(key for key in known if key in telling.seen), *telling.seen)))
    stopped = end.stopped
    return Story(
        tuple(telling.steps),
        keys,
        telling.texts,
        stopped.reason if stopped is not None else None,
        stopped.text if stopped is not None else "",
        tuple(branches),
        older,
    )


_NOWHERE: Final[frozenset[Pair]] = frozenset()


@dataclass(slots=True)
class _Telling:
    """A story in the making."""

    graph: Graph | None
    texts: Texts
    steps: list[Step] = field(default_factory=list)
    seen: dict[str, None] = field(default_factory=dict)
    _values: Mapping[str, Any] = field(default_factory=dict)
    _shown: dict[str, tuple[int, str]] = field(default_factory=dict)
    _ran: set[str] = field(default_factory=set)
    _looks: Mapping[str, Look] = field(default_factory=dict)
    _taken: frozenset[Pair] = _NOWHERE
    _walked: frozenset[Pair] = _NOWHERE
    """What the step before has said of them."""

    def step(self, previous: Position | None, position: Position, *, last: bool) -> None:
        """Tell how ``position`` came about; of the last one also what has happened there since."""
        checkpoint = position.checkpoint
        led = previous if previous is not None and checkpoint.source == "loop" else None
        if led is not None and self.graph is not None:
            self._walk(taken(self.graph, led))
        pause = bool(checkpoint.tasks) and not position.untouched
        shown = position if last and not pause else Position(checkpoint)
        work, waited = (0.0, 0.0) if led is None else took(led, checkpoint.at)
        self._ran.update(checkpoint.ran)
        self._add(
            Step(
                number=checkpoint.step,
                how=checkpoint.source,
                checkpoint=checkpoint.id,
                at=checkpoint.at,
                took=work,
                waited=waited,
                ran=self._writes(led) if led is not None else tuple((node, EMPTY) for node in checkpoint.ran),
                values=self._changes(checkpoint),
                due=_due(shown),
                looks=self._looks_of(shown, checkpoint.ran),
                taken=None,
                said=said(led, self.texts) if led is not None else (),
            )
        )
        if last and pause:
            self._now(position)

    def _now(self, position: Position) -> None:
        """What has happened since the last checkpoint: of some tasks their end, questions, failures."""
        checkpoint = position.checkpoint
        nodes = {task.id: task.node for task in checkpoint.tasks}
        finished = [nodes[id] for id in position.wrote if id in nodes]
        if self.graph is not None:
            self._walk(taken(self.graph, position))
        failed = position.failed.values()
        self._add(
            Step(
                number=checkpoint.step + 1,
                how="now",
                checkpoint=checkpoint.id,
                at=position.stopped.at if position.stopped is not None else checkpoint.at,
                took=0.0,
                waited=seconds(position),
                ran=self._writes(position),
                values=EMPTY,
                due=_due(position),
                looks=self._looks_of(position, finished),
                taken=None,
                said=said(position, self.texts),
                errors=tuple((nodes.get(one.task, ""), self.texts.add(what_failed(one))) for one in failed),
            )
        )

    def _add(self, step: Step) -> None:
        first = not self.steps
        walked = self._taken if first or self._taken is not self._walked else None
        self._walked = self._taken
        self.steps.append(replace(step, taken=walked))

    def _walk(self, pairs: Collection[Pair]) -> None:
        if not self._taken.issuperset(pairs):
            self._taken |= frozenset(pairs)

    def _writes(self, position: Position) -> tuple[tuple[str, Mapping[str, int]], ...]:
        found = []
        for node, updates in writes(position):
            found.append((node, {key: self.texts.add(as_text(value)) for key, value in updates}))
        return tuple(found)

    def _changes(self, checkpoint: Checkpoint) -> dict[str, tuple[int, str] | None]:
        """The values that are not those of the step before."""
        values, changed = checkpoint.values, checkpoint.changed
        # Where a branch or the page begins, nothing says what changed.
        keys = (
            changed if checkpoint.source == "loop" and self.steps else dict.fromkeys((*self._values, *values, *changed))
        )
        found: dict[str, tuple[int, str] | None] = {}
        for key in keys:
            if key not in values:
                if self._shown.pop(key, None) is not None:
                    found[key] = None
                continue
            value = values[key]
            if key in self._shown and value is self._values.get(key):
                continue
            self.seen.setdefault(key)
            new = (self.texts.add(as_text(value)), kind_of(value))
            if new != self._shown.get(key):
                found[key] = self._shown[key] = new
        self._values = values
        return found

    def _looks_of(self, position: Position, now: Collection[str]) -> dict[str, Look]:
        if self.graph is None:
            return {}
        looks: dict[str, Look] = dict(states(self.graph, position, (), tuple(self._ran)))
        looks |= {node: "ran" for node in now if looks.get(node) == "done" and node != START}
        found = {node: look for node, look in looks.items() if self._looks.get(node, "idle") != look}
        self._looks = looks
        return found


def _due(position: Position) -> tuple[str, ...]:
    checkpoint = position.checkpoint
    due = (task.node for task in checkpoint.tasks if task.id not in position.wrote and task.node != START)
    return tuple(dict.fromkeys(due))
