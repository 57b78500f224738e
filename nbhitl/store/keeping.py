"""What the stores share: operations are checked and their texts made into vectors before anything is done."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Literal, TypeAlias, TypedDict

from nbhitl.engine.errors import StoreError, did_you_mean
from nbhitl.engine.ports import Clock
from nbhitl.engine.stores import BaseStore, Namespace, NamespacePath, Op, PutOp, Result, SearchOp
from nbhitl.run.world import SystemClock
from nbhitl.store.checks import check_ttl, checked
from nbhitl.store.index import Index, IndexConfig, Vector, get_text_at_path, paths

Indexed: TypeAlias = "tuple[tuple[str, Vector], ...]"
"""The vectors of a value, each with the path of its text."""
Prepared: TypeAlias = "tuple[Op, Indexed | Vector | None]"
"""An operation with the vectors that it needs."""

_MINUTE: Final = 60_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SWEEP: Final = 5.0


class TTLConfig(TypedDict, total=False):
    """How long items live.

    ``default_ttl``: minutes, of items that are put without ``ttl``; by default for ever. ``refresh_on_read``: whether
    their time begins anew when they are read; by default it does. ``sweep_interval_minutes``: how often a `put` removes
    what nobody can see any more; 5 by default.
    """

    default_ttl: float | None
    refresh_on_read: bool
    sweep_interval_minutes: int | None


class KeepingStore(BaseStore):
    """A store whose operations are done by `perform`."""

    supports_ttl: ClassVar[bool] = True

    def __init__(self, index: IndexConfig | None, ttl: TTLConfig | None, clock: Clock | None) -> None:
        self.index = None if index is None else Index(_expect(index, "index", ("dims", "embed", "fields")))
        found = _expect(ttl or {}, "ttl", ("default_ttl", "refresh_on_read", "sweep_interval_minutes"))
        check_ttl(found.get("default_ttl"), "ttl: default_ttl")
        every = found.get("sweep_interval_minutes", _SWEEP)
        check_ttl(every, "ttl: sweep_interval_minutes")
        self.default_ttl = found.get("default_ttl")
        self.refresh_on_read = bool(found.get("refresh_on_read", True))
        self._clock = clock or SystemClock()
        self._every = None if every is None else lasting(every)
        self._swept = self._clock.now()

    @abstractmethod
    def perform(self, ops: Sequence[Prepared], now: int) -> list[Result]:
        """Do operations, all or none; ``now`` in microseconds since 1970."""

    @abstractmethod
    def sweep_ttl(self) -> int:
        """Remove items whose time is over, which nobody can see any more; how many there were."""

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do operations, all or none: reads find what was there before the batch, then puts are done in their order.

        Raises:
            StoreError: one of them cannot be; nothing was done.
            UnstorableValueError: the same, for a value that is no JSON.
        """
        given, texts, queries = self._read(ops)
        vectors = ([], []) if self.index is None else self.index.embed(texts, queries)
        return self._perform(self._prepared(given, *vectors))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """As `batch`, without blocking the loop."""
        given, texts, queries = self._read(ops)
        vectors = ([], []) if self.index is None else await self.index.aembed(texts, queries)
        return await asyncio.to_thread(self._perform, self._prepared(given, *vectors))

    def _perform(self, ops: Sequence[Prepared]) -> list[Result]:
        now = self._clock.now()
        order = sorted(range(len(ops)), key=lambda place: isinstance(ops[place][0], PutOp))  # as LangGraph does
        done = dict(zip(order, self.perform([ops[place] for place in order], now), strict=True))
        found = [done[place] for place in range(len(ops))]
        if self._every is not None and now - self._swept > self._every:
            self._swept = now
            self.sweep_ttl()
        return found

    def _read(self, ops: Iterable[Op]) -> tuple[list[Op], list[str], list[str]]:
        """The operations, checked; the texts that they store, and those that they look for."""
        given = [checked(op) for op in ops]
        if self.index is None:
            return given, [], []
        texts = [text for op in given if isinstance(op, PutOp) for _, text in self._texts(op)]
        queries = [op.query for op in given if isinstance(op, SearchOp) and op.query]
        return given, texts, queries

    def _texts(self, op: PutOp) -> list[tuple[str, str]]:
        """Texts of a value that are indexed, with their paths."""
        if self.index is None or op.value is None or op.index is False:
            return []
        wanted = self.index.fields if op.index is None else paths(op.index)
        return [(path, text) for path in wanted for text in get_text_at_path(op.value, path)]

    def _prepared(self, ops: Sequence[Op], texts: Sequence[Vector], queries: Sequence[Vector]) -> list[Prepared]:
        stored, asked = iter(texts), iter(queries)
        found: list[Prepared] = []
        for op in ops:
            if isinstance(op, PutOp):
                found.append((op, tuple((path, next(stored)) for path, _ in self._texts(op))))
            elif isinstance(op, SearchOp) and op.query and self.index is not None:
                found.append((op, next(asked)))
            else:
                found.append((op, None))
        return found


def _expect(given: Any, role: str, known: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise StoreError(f"{role}={given!r:.60}: give a dict with {', '.join(map(repr, known))}")
    for name in given:
        if name not in known:
            raise StoreError(f"{role}: there is no option {name!r}.{did_you_mean(name, known)}")
    return given


def lasting(minutes: float) -> int:
    """Minutes as microseconds."""
    return max(1, round(minutes * _MINUTE))


def moment(at: int) -> datetime:
    """Microseconds since 1970 as a time."""
    return _EPOCH + timedelta(microseconds=at)


def matched(namespace: Namespace, kind: Literal["prefix", "suffix"], path: NamespacePath) -> bool:
    """Whether a namespace begins, or ends, as a path says."""
    if len(path) > len(namespace):
        return False
    part = namespace[: len(path)] if kind == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in ("*", label) for label, wanted in zip(part, path, strict=True))
