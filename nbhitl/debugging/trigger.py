"""`Trigger`: a breakpoint made ready: its condition is read once, not at each task."""

from __future__ import annotations

from typing import Final, assert_never

from nbhitl.debugging.breakpoint import Breakpoint
from nbhitl.debugging.expressions import Expression, Template
from nbhitl.debugging.hits import Hits
from nbhitl.debugging.likeness import same
from nbhitl.debugging.looks import brief
from nbhitl.debugging.sight import Sight
from nbhitl.engine.records import MISSING, START
from nbhitl.words import cut

_ROOM: Final = 60
"""Characters of a value in the words of a stop."""


class Trigger:
    """Says of a task whether a breakpoint stops at it."""

    def __init__(self, point: Breakpoint) -> None:
        self.point = point
        self._condition = Expression.parse(point.condition) if point.condition else None
        self._hits = Hits.parse(point.hits) if point.hits else None
        self._log = Template.parse(point.log) if point.log else None

    def fits(self, sight: Sight) -> bool:
        """Whether the task is one that the breakpoint is about, its condition aside."""
        point = self.point
        if point.branch is not None and point.branch != sight.branch:
            return False
        match point.kind:
            case "before" | "after":
                return sight.place == point.kind and sight.path == point.node
            case "error":
                return sight.place == "error" and point.node in ("", sight.path)
            case "interrupt":
                return sight.place == "question" and point.node in ("", sight.path)
            case "edge":
                return sight.place == "before" and sight.path == point.target and self._came(sight)
            case "change":
                return sight.place == "after" and point.node in ("", sight.path) and self._changed(sight)
            case _:
                assert_never(point.kind)

    def _came(self, sight: Sight) -> bool:
        """Whether the step before went along the edge. After a restart only who ran then is known."""
        source = self.point.node.removeprefix(sight.inside)
        if sight.into is not None:
            return (source, sight.task.node) in sight.into
        return source in sight.position.checkpoint.ran or (source == START and not sight.position.checkpoint.ran)

    def _changed(self, sight: Sight) -> bool:
        key = self.point.key
        if sight.wrote is None or all(name != key for name, _ in sight.wrote.updates):
            return False
        before = sight.position.checkpoint.values.get(key, MISSING)
        after = sight.values.get(key, MISSING)
        return not same(before, after)

    def holds_true(self, sight: Sight) -> bool:
        """Whether the condition is true. A key that has no value yet makes it false.

        Raises:
            ExpressionError: it cannot be told.
        """
        condition = self._condition
        if condition is None:
            return True
        names = sight.names
        return condition.names <= names.keys() and condition.holds(names)

    def reached(self, hits: int) -> bool:
        """Whether this hit is one to stop at."""
        return self._hits is None or self._hits.reached(hits)

    def text(self, sight: Sight) -> str:
        """What a log breakpoint prints."""
        said = "" if self._log is None else self._log.text(sight.names)
        return f"[{sight.path}] {said}"

    def note(self, sight: Sight, hits: int) -> str:
        """What the stop says beside the place."""
        point, parts = self.point, []
        match point.kind:
            case "edge":
                parts.append(f"on the edge {point.node} -> {point.target}")
            case "change":
                before = sight.position.checkpoint.values.get(point.key, MISSING)
                old = "no value" if before is MISSING else brief(before, _ROOM)
                parts.append(f"{point.key}: {old} -> {brief(sight.values[point.key], _ROOM)}")
            case "error" if sight.failed is not None:
                parts.append(cut(sight.failed.text))
            case "interrupt" if sight.asked is not None:
                parts.append(brief(sight.asked.value, _ROOM))
            case _:
                pass
        if point.branch is not None:
            parts.append(f"branch {point.branch}")
        if point.condition:
            parts.append(point.condition)
        if point.hits:
            parts.append(f"hit {hits}")
        return ", ".join(parts)
