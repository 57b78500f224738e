"""`InMemorySaver`: the reference of what a saver does. It may not do I/O, and it copies nothing.

Values are kept by reference, so what a node returned is what `load` gives back. Nothing outlives the process.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbhitl.checkpoint.claims import check_claims
from nbhitl.checkpoint.lineage import exists, gone, is_kept, kept, newest_since, taken, unknown
from nbhitl.engine.errors import SaverError
from nbhitl.engine.ports import ThreadInfo
from nbhitl.engine.records import (
    MISSING,
    Answered,
    Asked,
    Checkpoint,
    Continued,
    Entry,
    Position,
    Stopped,
    ThreadKey,
    Wrote,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence


class _Place:
    """A checkpoint, its entries, and how many of them are folded into ``position`` so far."""

    __slots__ = ("checkpoint", "entries", "folded", "position")

    def __init__(self, checkpoint: Checkpoint, entries: Sequence[Entry]) -> None:
        self.checkpoint = checkpoint
        self.entries: list[Entry] | None = list(entries) if entries else None
        self.position: Position | None = None
        self.folded = 0

    def add(self, entries: Sequence[Entry]) -> None:
        if self.entries is None:
            self.entries = list(entries)
        else:
            self.entries.extend(entries)

    def stand(self) -> Position:
        position, entries = self.position, self.entries
        if position is None:
            position = Position(self.checkpoint)
        if entries is not None and self.folded < len(entries):
            position = position.after(entries[self.folded :] if self.folded else entries)
            self.folded = len(entries)
        self.position = position
        return position


class _Line:
    """One `ThreadKey`: its checkpoints by id, in the order of their commits, each with what followed."""

    __slots__ = ("changed", "newest", "places")

    def __init__(self, newest: _Place) -> None:
        self.places: dict[str, _Place] = {}
        self.newest = newest
        self.changed = 0
        """The saver's sequence number of the newest record, to order threads by."""

    def copy(self, changed: int) -> _Line:
        """The same places; what happens at one of them later is the copy's own."""
        places = {name: _Place(place.checkpoint, place.entries or ()) for name, place in self.places.items()}
        made = _Line(places[self.newest.checkpoint.id])
        made.places, made.changed = places, changed
        return made

    def parent(self, name: str) -> str | None:
        place = self.places.get(name)
        return None if place is None else place.checkpoint.parent


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
        self._settings: dict[tuple[str, str], dict[str, Any]] = {}
        """Graph and thread (empty: the graph's own) to what was set, by name."""
        self._codes: dict[str, dict[str, str]] = {}
        self._seq = 0
        self._closed = False

    def commit(
        self,
        key: ThreadKey,
        checkpoint: Checkpoint,
        entries: Sequence[Entry] = (),
        *,
        wrote: Wrote | None = None,
        joined: Container[str] = (),
        wait: bool = True,
    ) -> None:
        """Append ``checkpoint``; see `nbhitl.engine.ports.Saver`."""
        place, id_ = _Place(checkpoint, entries), checkpoint.id
        with self._lock:
            self._check()
            line = self._lines.get(key)
            if line is not None and id_ in line.places:
                raise taken(key, id_)
            if wrote is not None:
                self._find(key, checkpoint.parent or "")[1].add((wrote,))
            if line is None:
                line = _Line(place)
                line.places[id_] = place
                self._lines[key] = line
            else:
                line.places[id_] = line.newest = place
            self._seq = line.changed = self._seq + 1

    def append(self, key: ThreadKey, checkpoint: str, entries: Iterable[Entry], *, wait: bool = True) -> None:
        """Append entries at a checkpoint. Raises `SaverError` for an unknown one."""
        new = tuple(entries)
        with self._lock:
            self._check()
            line, place = self._find(key, checkpoint)
            place.add(new)
            self._seq = line.changed = self._seq + 1

    def answer(self, key: ThreadKey, checkpoint: str, answers: Sequence[Answered]) -> None:
        """Append answers, all or none; see `nbhitl.engine.ports.Saver` for the errors."""
        with self._lock:
            self._check()
            line, place = self._find(key, checkpoint)
            check_claims(place.stand(), answers)
            place.add(answers)
            self._seq = line.changed = self._seq + 1

    def load(self, key: ThreadKey, checkpoint: str | None = None, *, strict: bool = False) -> Position | None:
        """The position at a checkpoint, the newest by default; None where there is none."""
        with self._lock:
            self._check()
            line = self._lines.get(key)
            if line is None:
                return None
            place = line.newest if checkpoint is None else line.places.get(checkpoint)
            return None if place is None else place.stand()

    def newest(self, key: ThreadKey, since: str) -> Position | None:
        """The position of the newest checkpoint that is ``since`` or descends from it; None without ``since``."""
        with self._lock:
            self._check()
            line = self._lines.get(key)
            name = None if line is None else newest_since(line.places, since, line.parent)
            return None if line is None or name is None else line.places[name].stand()

    def history(self, key: ThreadKey, *, before: str | None = None, limit: int | None = None) -> Iterator[Position]:
        """Positions of all branches, newest first. Raises `SaverError` for an unknown ``before``."""
        with self._lock:
            self._check()
            line = self._lines.get(key)
            # The list is taken now, so that commits during the iteration do not shift it.
            places = [] if line is None else list(line.places.values())[::-1]
            if before is not None:
                places = places[places.index(self._find(key, before)[1]) + 1 :]
        return self._stand_each(places[:limit])

    def threads(self) -> list[ThreadInfo]:
        """All threads without sub-graphs, the most recently changed first."""
        with self._lock:
            self._check()
            lines = sorted(self._lines.items(), key=lambda item: -item[1].changed)
            return [_info(key, line) for key, line in lines if not key.ns]

    def delete_thread(self, key: ThreadKey | str) -> None:
        """Delete a thread with its sub-graphs; see `nbhitl.engine.ports.Saver`."""
        key = ThreadKey.of(key)
        with self._lock:
            self._check()
            for line in self._family(key):
                del self._lines[line]
            self._settings.pop((key.graph, key.thread), None)

    def copy_thread(self, source: ThreadKey | str, target: ThreadKey | str) -> None:
        """Copy a thread with its sub-graphs; see `nbhitl.engine.ports.Saver`."""
        source, target = ThreadKey.of(source), ThreadKey.of(target)
        with self._lock:
            self._check()
            if any(line.thread == target.thread and line.graph == target.graph for line in self._lines):
                raise exists(target)
            for line in self._family(source):
                self._seq += 1
                self._lines[replace(target, ns=line.ns)] = self._lines[line].copy(self._seq)
            copied = self._settings.get((source.graph, source.thread), {})
            self._settings.setdefault((target.graph, target.thread), {}).update(copied)

    def prune(self, key: ThreadKey | str, *, keep: int = 1) -> None:
        """Delete all but the newest checkpoints of a thread; see `nbhitl.engine.ports.Saver`."""
        key = ThreadKey.of(key)
        with self._lock:
            self._check()
            family = self._family(key)
            root = self._lines[replace(key, ns="")]
            left = kept({name: place.checkpoint.parent for name, place in root.places.items()}, keep)
            root.places = {name: place for name, place in root.places.items() if name in left}
            self._seq = root.changed = self._seq + 1
            for line in family:
                if line.ns and not is_kept(line.ns, left):
                    del self._lines[line]

    def _family(self, key: ThreadKey) -> list[ThreadKey]:
        """A thread's lines: its own, and its sub-graphs'. Raises `SaverError` for an unknown thread."""
        found = [line for line in self._lines if line.thread == key.thread and line.graph == key.graph]
        if not found:
            raise gone(key)
        return found

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

    def settings(self, key: ThreadKey) -> Mapping[str, Any]:
        """The settings of a thread or a graph, by name; empty when there never were any."""
        with self._lock:
            self._check()
            return dict(self._settings.get((key.graph, key.thread), {}))

    def set_setting(self, key: ThreadKey, name: str, value: Any) -> None:
        """Remember a setting; see `nbhitl.engine.ports.Saver`."""
        with self._lock:
            self._check()
            known = self._settings.setdefault((key.graph, key.thread), {})
            if value is MISSING:
                known.pop(name, None)
            else:
                known[name] = value

    def remember_code(self, digest: str, code: Mapping[str, str]) -> None:
        """Remember what a `Checkpoint.code` stands for; what was remembered first stays."""
        if digest in self._codes:
            return
        with self._lock:
            self._check()
            self._codes.setdefault(digest, dict(code))

    def code(self, digest: str) -> Mapping[str, str] | None:
        """What `remember_code` was given for a digest; None when it never was."""
        with self._lock:
            self._check()
            found = self._codes.get(digest)
            return None if found is None else dict(found)

    def register(self, *classes: type, migrate: Any = None, was: str | None = None) -> None:
        """Nothing to do: values are kept as they are."""

    def flush(self) -> None:
        """Nothing to wait for."""
        self._check()

    def close(self) -> None:
        """Forget everything. Further calls raise `SaverError`."""
        with self._lock:
            self._closed = True
            self._lines.clear()
            self._codes.clear()
            self._settings.clear()

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
            raise unknown(key, checkpoint)
        return line, place


def _info(key: ThreadKey, line: _Line) -> ThreadInfo:
    first, newest = next(iter(line.places.values())), line.newest
    stopped = newest.stand().stopped
    return ThreadInfo(
        key=key,
        checkpoint=newest.checkpoint.id,
        step=newest.checkpoint.step,
        status=stopped.reason if stopped else "running",
        created_at=first.checkpoint.at,
        updated_at=max(at for p in line.places.values() for at in (p.checkpoint.at, *map(_time, p.entries or ()))),
    )


def _time(entry: Entry) -> int:
    return entry.at if isinstance(entry, Asked | Answered | Stopped | Continued) else 0
