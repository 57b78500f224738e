"""`InMemoryStore`: memory across threads for as long as the program runs. The reference of what a store does."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from nbhitl.engine.ports import Clock
from nbhitl.engine.stores import GetOp, Item, ListNamespacesOp, Namespace, PutOp, Result, SearchItem, SearchOp
from nbhitl.store.filters import fits
from nbhitl.store.index import IndexConfig, Vector, nearness
from nbhitl.store.keeping import Indexed, KeepingStore, Prepared, TTLConfig, lasting, matched, moment


@dataclass(frozen=True, slots=True)
class _Row:
    """One item. ``value`` belongs to the store alone."""

    namespace: Namespace
    key: str
    value: Mapping[str, Any]
    created: int
    updated: int
    lives: int | None
    """Microseconds."""
    until: int | None
    vectors: Indexed

    def gone(self, now: int) -> bool:
        return self.until is not None and self.until <= now


class InMemoryStore(KeepingStore):
    """Items by namespace and key, in memory.

    Args:
        index: makes items findable by meaning, see `nbhitl.store.IndexConfig`.
        ttl: how long items live, see `nbhitl.store.TTLConfig`; by default for ever.
        clock: tells the time; the machine's by default.

    Raises:
        StoreError: an option that does not exist, or a value that it cannot have.

    >>> store = InMemoryStore()
    >>> store.put(("memories", "anna"), "food", {"likes": "pizza"})
    >>> store.get(("memories", "anna"), "food").value
    {'likes': 'pizza'}
    """

    def __init__(
        self, *, index: IndexConfig | None = None, ttl: TTLConfig | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__(index, ttl, clock)
        self._lock = threading.Lock()
        self._rows: dict[tuple[Namespace, str], _Row] = {}
        """The oldest first."""

    def perform(self, ops: Sequence[Prepared], now: int) -> list[Result]:
        """See `KeepingStore`: what can fail was checked before."""
        with self._lock:
            return [self._one(op, vectors, now) for op, vectors in ops]

    def sweep_ttl(self) -> int:
        """Remove items whose time is over, which nobody can see any more; how many there were."""
        with self._lock:
            now = self._clock.now()
            gone = [place for place, row in self._rows.items() if row.gone(now)]
            for place in gone:
                del self._rows[place]
            return len(gone)

    def _one(self, op: Any, vectors: Any, now: int) -> Result:
        found: GetOp | SearchOp | PutOp | ListNamespacesOp = op
        match found:
            case GetOp():
                return self._get(found, now)
            case SearchOp():
                return self._search(found, vectors, now)
            case PutOp():
                self._put(found, vectors, now)
                return None
            case ListNamespacesOp():
                return self._namespaces(found, now)
            case _:
                assert_never(found)

    def _get(self, op: GetOp, now: int) -> Item | None:
        row = self._rows.get((op.namespace, op.key))
        if row is None or row.gone(now):
            return None
        if op.refresh_ttl:
            self._refresh_row(row, now)
        return Item(**_fields(row))

    def _put(self, op: PutOp, vectors: Indexed, now: int) -> None:
        place = (op.namespace, op.key)
        old = self._rows.get(place)
        if old is not None and old.gone(now):  # what nobody can see is not there: the item is a new one
            del self._rows[place]
            old = None
        if op.value is None:
            self._rows.pop(place, None)
            return
        lives = None if op.ttl is None else lasting(op.ttl)
        created, until = now if old is None else old.created, None if lives is None else now + lives
        self._rows[place] = _Row(op.namespace, op.key, op.value, created, now, lives, until, vectors)

    def _search(self, op: SearchOp, query: Vector | None, now: int) -> list[SearchItem]:
        length = len(op.namespace_prefix)
        found: Iterator[tuple[_Row, float | None]] = (
            (row, None)
            for row in self._rows.values()
            if row.namespace[:length] == op.namespace_prefix and not row.gone(now) and fits(row.value, op.filter)
        )
        if query is not None:
            found = iter(_nearest(query, [row for row, _ in found]))
        wanted = [pair for place, pair in zip(range(op.offset + op.limit), found, strict=False) if place >= op.offset]
        if op.refresh_ttl:
            for row, _ in wanted:
                self._refresh_row(row, now)
        return [SearchItem(**_fields(row), score=score) for row, score in wanted]

    def _namespaces(self, op: ListNamespacesOp, now: int) -> list[Namespace]:
        alive = {row.namespace for row in self._rows.values() if not row.gone(now)}
        conditions = op.match_conditions or ()
        found = (n for n in alive if all(matched(n, kind, path) for kind, path in conditions))
        return sorted({namespace[: op.max_depth] for namespace in found})[op.offset : op.offset + op.limit]

    def _refresh_row(self, row: _Row, now: int) -> None:
        if row.lives is not None:
            self._rows[row.namespace, row.key] = replace(row, until=now + row.lives)


def _nearest(query: Vector, rows: Sequence[_Row]) -> list[tuple[_Row, float | None]]:
    """Rows with their scores, the nearest first; those without vectors last."""
    near = iter(nearness(query, [vector for row in rows for _, vector in row.vectors]))
    scored = [(row, max((next(near) for _ in row.vectors), default=None)) for row in rows]
    return sorted(scored, key=lambda pair: (pair[1] is None, -(pair[1] or 0.0)))


def _fields(row: _Row) -> dict[str, Any]:
    return {
        "value": copy.deepcopy(row.value),
        "key": row.key,
        "namespace": row.namespace,
        "created_at": moment(row.created),
        "updated_at": moment(row.updated),
    }
