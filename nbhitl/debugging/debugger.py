"""`Debugger`: breakpoints and one step, for one call of a graph. Implements `nbhitl.engine.breakpoints.Debugger`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from nbhitl.debugging.breakpoint import Breakpoint
from nbhitl.debugging.expressions import ExpressionError
from nbhitl.debugging.pace import Pace
from nbhitl.debugging.sight import Sight, begins, ends
from nbhitl.debugging.step import Step
from nbhitl.debugging.trigger import Trigger
from nbhitl.engine import moves
from nbhitl.engine.description import Graph
from nbhitl.engine.records import EMPTY, Held, Position, Task

Say = Callable[[str], None]


class Debugger:
    """Holds tasks at breakpoints and behind a step.

    Asked on the thread that runs the graph; `set` may be called from any.

    Args:
        points: the breakpoints by id.
        hits: how often each was hit on this thread before.
        step: how far the call goes; None until something else stops it.
        say: takes the texts of log breakpoints.
    """

    def __init__(
        self,
        points: Mapping[str, Breakpoint] = EMPTY,
        hits: Mapping[str, int] = EMPTY,
        step: Step | None = None,
        say: Say = print,
    ) -> None:
        self.hits = dict(hits)
        self.counted = False
        """Whether any breakpoint was hit."""
        self.spent: set[str] = set()
        """Ids of breakpoints that were to stop once, and have."""
        self._pace = None if step is None else Pace(step)
        self._say = say
        self._triggers: tuple[Trigger, ...] = ()
        self._met: set[tuple[str, str]] = set()
        """What was seen, and the breakpoint that looked at it: once is enough."""
        self._known: set[str] = set()
        """Checkpoints that were seen, and questions that were open already when they were seen first."""
        self._ways: dict[str, frozenset[moves.Pair]] = {}
        """Checkpoint to the steps that its tasks have taken out of it."""
        self.set(points)

    def set(self, points: Mapping[str, Breakpoint]) -> None:
        """From now on these breakpoints count."""
        self._triggers = tuple(Trigger(point) for point in points.values() if point.enabled)

    def holds(self, graph: Graph, position: Position, ready: Sequence[Task], inside: str) -> tuple[Held, ...]:
        """The tasks to be held now: see `nbhitl.engine.breakpoints.Debugger`."""
        held: dict[str, Held] = {}
        if self._pace is not None:
            why = self._pace.step.why
            for task in self._pace.waits(position, ready, inside):
                held[task.id] = Held(task.id, f"before {inside}{task.node}", why=why)
        triggers = self._triggers
        if triggers:
            for sight in self._sights(graph, position, ready, inside):
                notes = [note for trigger in triggers if (note := self._stops(trigger, sight)) is not None]
                if notes:  # a breakpoint says more than a step
                    said = ", ".join(dict.fromkeys(note for note in notes if note))
                    held[sight.task.id] = Held(sight.task.id, sight.text, sight.place, note=said)
        return tuple(held.values())

    def _sights(self, graph: Graph, position: Position, ready: Sequence[Task], inside: str) -> Iterator[Sight]:
        checkpoint = position.checkpoint
        if checkpoint.id not in self._known:
            self._known.add(checkpoint.id)
            self._known.update(q.id for asked in position.asked.values() for q in asked)
        into: frozenset[moves.Pair] | None = None
        if any(trigger.point.kind == "edge" for trigger in self._triggers):
            self._ways[checkpoint.id] = moves.taken(graph, position)
            into = self._ways.get(checkpoint.parent or "")
        for sight in begins(position, ready, inside):
            yield replace(sight, into=into)
        for sight in ends(graph, position, inside):
            if sight.place != "question" or sight.id not in self._known:
                yield sight

    def _stops(self, trigger: Trigger, sight: Sight) -> str | None:
        """What the stop says of the breakpoint; None where it does not stop."""
        point = trigger.point
        if point.id in self.spent or not trigger.fits(sight):
            return None
        if (sight.id, point.id) in self._met:
            return None
        self._met.add((sight.id, point.id))
        try:
            if not trigger.holds_true(sight):
                return None
        except ExpressionError as error:
            return f"its condition {point.condition!r} failed: {error}"
        self.counted = True
        hits = self.hits[point.id] = self.hits.get(point.id, 0) + 1
        if not trigger.reached(hits):
            return None
        if point.once:
            self.spent.add(point.id)
        if point.log:
            self._say(trigger.text(sight))
            return None
        return trigger.note(sight, hits)
