"""The state at one step, key by key: what it holds, what changed there, and who wrote it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from nbhitl.debugging.likeness import same
from nbhitl.debugging.looks import brief, sized, type_name
from nbhitl.engine.records import MISSING, START, Position, Source

Mark: TypeAlias = Literal["", "new", "changed", "written", "gone"]
Writers: TypeAlias = Mapping[str, tuple[str, ...]]
"""Key to the nodes that wrote it, in the order of merging; a node of a fan-out may come several times."""


@dataclass(frozen=True, slots=True)
class Row:
    """One key of the state."""

    key: str
    value: Any
    """MISSING where the step took it away."""
    mark: Mark = ""
    """What the last step did to it; ``written``: a node wrote what stood there already."""
    by: tuple[str, ...] = ()
    """Who wrote it in that step, in words: ``review``, ``work (3 times)``, ``the input``."""
    old: Any = MISSING
    """The value before that step, where it changed."""

    @property
    def type(self) -> str:
        """The name of the value's type."""
        return "" if self.value is MISSING else type_name(self.value)

    @property
    def size(self) -> str:
        """How large the value is, in words: ``3 items``, ``10 rows, 2 columns``; empty for what has no size."""
        return "" if self.value is MISSING else sized(self.value)

    @property
    def shown(self) -> str:
        """The value in one short line."""
        return "" if self.value is MISSING else brief(self.value)


@dataclass(frozen=True, slots=True)
class Inspection:
    """The state at one step."""

    rows: tuple[Row, ...]
    """In the order of the state's schema; keys that the step took away come last."""
    step: int
    checkpoint: str
    """The checkpoint's id."""
    after: tuple[str, ...]
    """The nodes that ran in the step that made it."""
    next: tuple[str, ...]
    """The nodes that are due."""
    inside: str = ""
    """The path of the sub-graph whose state it is; empty for the graph itself."""

    @property
    def values(self) -> dict[str, Any]:
        """Key to value."""
        return {row.key: row.value for row in self.rows if row.value is not MISSING}


def rows_of(old: Mapping[str, Any], new: Mapping[str, Any], writers: Writers) -> Iterator[Row]:
    """A row for each key of ``new``, compared with what it was before the step, and one for each that went."""
    for key, value in new.items():
        before, by = old.get(key, MISSING), counted(writers.get(key, ()))
        if before is MISSING:
            yield Row(key, value, "new", by)
        elif not same(before, value):
            yield Row(key, value, "changed", by, before)
        else:
            yield Row(key, value, "written" if by else "", by)
    yield from (Row(key, MISSING, "gone", (), value) for key, value in old.items() if key not in new)


def writers_of(position: Position, parent: Position | None, *, under_way: bool) -> dict[str, tuple[str, ...]]:
    """Who wrote which key in the step that made a position, and in the one that is ``under_way`` there."""
    found: dict[str, tuple[str, ...]] = {}
    checkpoint = position.checkpoint
    before = _written(parent) if parent is not None and _merged(checkpoint.source, parent) else ()
    for key, who in (*before, *(_written(position) if under_way else ())):
        found[key] = (*found.get(key, ()), who)
    if checkpoint.source == "update":
        nodes = [_called(node) for node in checkpoint.ran]
        by_hand = f"an edit as {', '.join(nodes)}" if nodes else "an edit"
        for key in checkpoint.changed:
            found.setdefault(key, (by_hand,))
    return found


def _merged(source: Source, parent: Position) -> bool:
    """Whether a checkpoint took along what the tasks at its parent had written: a branch begins without it."""
    half_way = len(parent.wrote) < len(parent.checkpoint.tasks)
    return source == "loop" or (source == "update" and half_way)


def counted(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, with how often it comes where that is more than once."""
    return tuple(name if times == 1 else f"{name} ({times} times)" for name, times in Counter(names).items())


def _written(position: Position) -> Iterator[tuple[str, str]]:
    """Each key that a task has written at a position, with the task's node, in the order of merging."""
    for task in position.checkpoint.tasks:
        wrote = position.wrote.get(task.id)
        for key in dict.fromkeys(key for key, _ in wrote.updates) if wrote is not None else ():
            yield key, _called(task.node)


def _called(node: str) -> str:
    return "the input" if node == START else node
