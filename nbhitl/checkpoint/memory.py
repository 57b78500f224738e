"""`InMemorySaver`: the reference of what a saver does. It may not do I/O, and it copies nothing.

Values are kept by reference, so what a node returned is what `load` gives back. Nothing outlives the process.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from nbhitl.checkpoint.claims import check_claims
from nbhitl.engine.errors import SaverError
from nbhitl.engine.ports import ThreadInfo
from nbhitl.engine.records import Answered, Asked, Checkpoint, Continued, Entry, Position, Stopped, ThreadKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class _Line:
    """One thread: its checkpoints in the order of their commits, each with what followed."""

    __slots__ = ("changed", "order", "places")

    def __init__(self) -> None:
        self.order: list[str] = []
        self.places: dict[str, _Place] = {}
        self.changed = 0
        """The saver's sequence number of the newest record, to order threads by."""


class _Place:
    """A checkpoint, its entries, and how many of them are folded into ``position`` so far."""

    __slots__ = ("checkpoint", "entries", "folded", "position")

    def __init__(self, checkpoint: Checkpoint, entries: Sequence[Entry]) -> None:
        self.checkpoint = checkpoint
        self.entries: list[Entry] = list(entries)
        self.position: Position | None = None
        self.folded = 0

    def stand(self) -> Position:
        position = self.position
        if position is None:
            position = Position(self.checkpoint)
        if self.folded < len(self.entries):
            position = position.after(self.entries[self.folded :])
            self.folded = len(self.entries)
        self.position = position
        return position


class InMemorySaver:
    """Remembers threads in this process's memory. Thread-safe; ``wait`` makes no difference.

    >>> saver = InMemorySaver()
    >>> saver.commit(ThreadKey("t"), Checkpoint("a", None, -1, "input"))
    >>> saver.load(ThreadKey("t")).checkpoint.id
    'a'
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[ThreadKey, _Line] = {}
        self._breakpoints: dict[str, Mapping[str, Any]] = {}
        self._seq = 0
        self._closed = False

    def commit(
        self, key: ThreadKey, checkpoint: Checkpoint, entries: Sequence[Entry] = (), *, wait: bool = True
    ) -> None:
        """Append ``checkpoint``; see `nbhitl.engine.ports.Saver`."""
        place = _Place(checkpoint, entries)
        with self._lock:
            self._check()
            line = self._lines.get(key)
            if line is None:
                line = self._lines[key] = _Line()
            line.order.append(checkpoint.id)
            line.places[checkpoint.id] = place
            self._seq = line.changed = self._seq + 1

    def append(self, key: ThreadKey, checkpoint: str, entries: Iterable[Entry], *, wait: bool = True) -> None:
        """Append entries at a checkpoint. Raises `SaverError` for an unknown one."""
        new = tuple(entries)
        with self._lock:
            self._check()
            line, place = self._find(key, checkpoint)
            place.entries.extend(new)
            self._seq = line.changed = self._seq + 1

    def answer(self, key: ThreadKey, checkpoint: str, answers: Sequence[Answered]) -> None:
        """Append answers, all or none; see `nbhitl.engine.ports.Saver` for the errors."""
        with self._lock:
            self._check()
            line, place = self._find(key, checkpoint)
            check_claims(place.stand(), answers)
            place.entries.extend(answers)
            self._seq = line.changed = self._seq + 1

    def load(self, key: ThreadKey, checkpoint: str | None = None) -> Position | None:
        """The position at a checkpoint, the newest by default; None where there is none."""
        with self._lock:
            self._check()
            line = self._lines.get(key)
            if line is None:
                return None
            place = line.places.get(line.order[-1] if checkpoint is None else checkpoint)
            return None if place is None else place.stand()

    def history(self, key: ThreadKey, *, before: str | None = None, limit: int | None = None) -> Iterator[Position]:
        """Positions of all branches, newest first. Raises `SaverError` for an unknown ``before``."""
        with self._lock:
            self._check()
            line = self._lines.get(key)
            order = [] if line is None else line.order[::-1]
            if before is not None:
                self._find(key, before)
                order = order[order.index(before) + 1 :]
            # The list is taken now, so that commits during the iteration do not shift it.
            places = [] if line is None else [line.places[name] for name in order[:limit]]
        return self._stand_each(places)

    def threads(self) -> list[ThreadInfo]:
        """All threads without sub-graphs, the most recently changed first."""
        with self._lock:
            self._check()
            lines = sorted(self._lines.items(), key=lambda item: -item[1].changed)
            return [_info(key, line) for key, line in lines if not key.ns]

    def breakpoints(self, graph: str) -> Mapping[str, Any]:
        """The breakpoints that were set last for a graph; empty when they never were."""
        with self._lock:
            self._check()
            return dict(self._breakpoints.get(graph, {}))

    def set_breakpoints(self, graph: str, points: Mapping[str, Any]) -> None:
        """Remember a graph's breakpoints; replaces what was set before."""
        with self._lock:
            self._check()
            self._breakpoints[graph] = dict(points)

    def register(self, *classes: type) -> None:
        """Nothing to do: values are kept as they are."""

    def flush(self) -> None:
        """Nothing to wait for."""
        self._check()

    def close(self) -> None:
        """Forget everything. Further calls raise `SaverError`."""
        with self._lock:
            self._closed = True
            self._lines.clear()

    def _stand_each(self, places: list[_Place]) -> Iterator[Position]:
        for place in places:
            with self._lock:
                position = place.stand()
            yield position

    def _check(self) -> None:
        if self._closed:
            raise SaverError("this checkpointer was closed: make a new one")

    def _find(self, key: ThreadKey, checkpoint: str) -> tuple[_Line, _Place]:
        line = self._lines.get(key)
        place = None if line is None else line.places.get(checkpoint)
        if line is None or place is None:
            raise SaverError(f"thread {key} has no checkpoint {checkpoint!r}: load the thread again")
        return line, place


def _info(key: ThreadKey, line: _Line) -> ThreadInfo:
    first, newest = line.places[line.order[0]], line.places[line.order[-1]]
    stopped = newest.stand().stopped
    return ThreadInfo(
        key=key,
        checkpoint=newest.checkpoint.id,
        step=newest.checkpoint.step,
        status=stopped.reason if stopped else "running",
        created_at=first.checkpoint.at,
        updated_at=max(
            (at for p in line.places.values() for at in (p.checkpoint.at, *map(_time, p.entries))), default=0
        ),
    )


def _time(entry: Entry) -> int:
    return entry.at if isinstance(entry, Asked | Answered | Stopped | Continued) else 0
