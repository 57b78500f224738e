"""`DuckDBStore`: memory across threads in a file of its own, which anybody may query: the view ``store_items``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Self, TypeAlias, assert_never, cast

from nbhitl.checkpoint.file.owned import OwnedFile
from nbhitl.engine.errors import StoreError
from nbhitl.engine.stores import GetOp, Item, ListNamespacesOp, Namespace, PutOp, Result, SearchItem, SearchOp
from nbhitl.store import table
from nbhitl.store.filters import fits
from nbhitl.store.index import IndexConfig, Vector
from nbhitl.store.keeping import Indexed, KeepingStore, Prepared, TTLConfig, lasting, matched, moment

if TYPE_CHECKING:
    from nbhitl.engine.ports import Clock

_PORTION = 256
"""Rows that a search with a filter takes at a time."""


@dataclass(slots=True)
class _Row:
    """An item that is put. ``id`` is given to a new one when it is written."""

    id: int
    place: str
    op: PutOp
    value: str
    lives: int | None
    until: int | None
    vectors: Indexed


class DuckDBStore(KeepingStore):
    """Items by namespace and key, in a duckdb file. Each call is durable when it returns.

    The file is one of the store's own: that of a `DuckDBSaver` is refused. One kernel has it at a time. Its items
    can be read with duckdb as the view ``store_items``: namespace (a list), key, value (JSON), created_at,
    updated_at and expires_at.

    Args:
        path: the file; made where there is none. ``":memory:"`` for none.
        index: makes items findable by meaning, see `nbhitl.store.IndexConfig`. Vectors of another model that lie in the
            file are no use: put the items again.
        ttl: how long items live, see `nbhitl.store.TTLConfig`; by default for ever.
        clock: tells the time; the machine's by default.

    Raises:
        FileLockedError: another process has the file, or another store of this one.
        StoreError: the file cannot be opened, or is none of a store's.
    """

    def __init__(
        self,
        path: str | PathLike[str] = "store.duckdb",
        *,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(index, ttl, clock)
        self._file = OwnedFile(path, table.opened)
        self.path = self._file.path
        self._connection = self._file.connection

    def close(self) -> None:
        """Let go of the file. Further calls raise `StoreError`; closing twice is fine."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def perform(self, ops: Sequence[Prepared], now: int) -> list[Result]:
        """See `KeepingStore`: one transaction."""
        found: list[Result] = []
        with self._transaction():
            for puts, op, vectors in _grouped(ops):
                if op is None:
                    self._put(puts, now)
                    found += [None] * len(puts)
                else:
                    found.append(self._one(op, vectors, now))
        return found

    def sweep_ttl(self) -> int:
        """Remove items whose time is over, which nobody can see any more; how many there were."""
        with self._transaction():
            ids = [id for (id,) in self._rows(table.DELETE_OLD, [self._clock.now()])]
            self._connection.execute(table.DELETE_VECTORS, [ids])
            return len(ids)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        import duckdb

        if self._file.forked:
            raise StoreError(f"{self.path} was opened by the process that this one was forked from: open it anew")
        with self._file.lock:
            if self._file.closed:
                raise StoreError(f"{self.path} is closed: open it again with DuckDBStore({self.path!r})")
            try:
                self._connection.execute("BEGIN TRANSACTION")
                yield
                self._connection.execute("COMMIT")
            except BaseException as error:
                with suppress(duckdb.Error):  # there may be none: a commit that failed has ended it
                    self._connection.execute("ROLLBACK")
                if isinstance(error, duckdb.Error):
                    said = str(error).partition("\n")[0]
                    raise StoreError(f"{self.path} could not do it, and nothing was changed: {said}") from error
                raise

    def _rows(self, sql: str, given: Sequence[Any]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._connection.execute(sql, list(given)).fetchall()
        return found

    def _one(self, op: GetOp | SearchOp | ListNamespacesOp, query: Any, now: int) -> Result:
        match op:
            case GetOp():
                return self._get(op, now)
            case SearchOp():
                return self._search(op, query, now)
            case ListNamespacesOp():
                return self._namespaces(op, now)
            case _:
                assert_never(op)

    def _get(self, op: GetOp, now: int) -> Item | None:
        place = table.place(op.namespace, op.key)
        rows = self._rows(table.GET, [place, now])
        if not rows:
            return None
        if op.refresh_ttl and rows[0][-1] is not None:
            self._refresh_rows([rows[0][0]], now)
        return Item(**_fields(rows[0]))

    def _put(self, puts: Sequence[tuple[PutOp, Indexed]], now: int) -> None:
        """Put and delete items, no two under one key: a statement costs the same for one row and for a thousand."""
        places = [table.place(op.namespace, op.key) for op, _ in puts]
        known = {place: (id, until) for place, id, until in self._rows(table.KNOWN, [places])}
        gone: list[int] = []
        changed: list[_Row] = []
        new: list[_Row] = []
        for place, (op, vectors) in zip(places, puts, strict=True):
            id, until = known.get(place, (None, None))
            if id is not None and (op.value is None or (until is not None and until <= now)):
                gone.append(id)  # what nobody can see is not there: what is put in its place is a new item
                id = None
            if op.value is not None:
                lives = None if op.ttl is None else lasting(op.ttl)
                value = json.dumps(op.value, ensure_ascii=False)
                row = _Row(id or 0, place, op, value, lives, None if lives is None else now + lives, vectors)
                (new if id is None else changed).append(row)
        self._write(gone, changed, new, now)

    def _write(self, gone: list[int], changed: list[_Row], new: list[_Row], now: int) -> None:
        run = self._connection.execute
        if gone:
            run(table.DELETE, [gone])
        if changed:
            lasts = [[row.lives for row in changed], [row.until for row in changed]]
            run(table.UPDATE, [now, [row.id for row in changed], [row.value for row in changed], *lasts])
        if gone or changed:
            run(table.DELETE_VECTORS, [[*gone, *(row.id for row in changed)]])
        if new:
            ids = sorted(id for (id,) in self._rows(table.NEW_IDS, [len(new)]))
            for row, id in zip(new, ids, strict=True):
                row.id = id
            columns = [(r.id, r.place, table.path(r.op.namespace), r.op.key, r.value, r.lives, r.until) for r in new]
            run(table.INSERT, [now, now, *map(list, zip(*columns, strict=True))])
        vectors = [(row.id, path, list(vector)) for row in (*changed, *new) for path, vector in row.vectors]
        if vectors:
            run(table.INSERT_VECTORS, [list(column) for column in zip(*vectors, strict=True)])

    def _search(self, op: SearchOp, query: Vector | None, now: int) -> list[SearchItem]:
        sql, given = table.search(op.namespace_prefix, now, None if query is None else list(query))
        if not op.filter:
            rows = self._rows(sql + table.PAGE, [*given, op.limit, op.offset])
        else:
            rows = self._filtered(sql, given, op)
        if op.refresh_ttl:
            self._refresh_rows([row[0] for row in rows if row[-2] is not None], now)
        return [SearchItem(**_fields(row), score=row[-1]) for row in rows]

    def _filtered(self, sql: str, given: Sequence[Any], op: SearchOp) -> list[tuple[Any, ...]]:
        """Rows that fit a filter. It is Python that compares: SQL's numbers, texts and nulls are not JSON's."""
        found: list[tuple[Any, ...]] = []
        result = self._connection.execute(sql, list(given))
        while len(found) < op.offset + op.limit and (portion := result.fetchmany(_PORTION)):
            found += [row for row in portion if fits(json.loads(row[3]), op.filter)]
        return found[op.offset : op.offset + op.limit]

    def _namespaces(self, op: ListNamespacesOp, now: int) -> list[Namespace]:
        rows = self._rows(table.PATHS, [now])
        conditions = op.match_conditions or ()
        every = (table.namespace(path) for (path,) in rows)
        found = (n for n in every if all(matched(n, kind, path) for kind, path in conditions))
        return sorted({namespace[: op.max_depth] for namespace in found})[op.offset : op.offset + op.limit]

    def _refresh_rows(self, ids: Sequence[int], now: int) -> None:
        if ids:
            self._connection.execute(table.REFRESH, [now, list(ids)])


Step: TypeAlias = "tuple[list[tuple[PutOp, Indexed]], GetOp | SearchOp | ListNamespacesOp | None, Any]"
"""Puts that can be done at once; or none, and another operation with its query."""


def _grouped(ops: Sequence[Prepared]) -> Iterator[Step]:
    puts: list[tuple[PutOp, Indexed]] = []
    places: set[tuple[Namespace, str]] = set()
    for op, vectors in ops:
        place = (op.namespace, op.key) if isinstance(op, PutOp) else None
        if puts and (place is None or place in places):
            yield puts, None, None
            puts, places = [], set()
        if isinstance(op, PutOp):
            puts.append((op, cast("Indexed", vectors)))
            places.add((op.namespace, op.key))
        else:
            yield [], op, vectors
    if puts:
        yield puts, None, None


def _fields(row: Sequence[Any]) -> dict[str, Any]:
    _, path, key, value, created, updated = row[:6]
    return {
        "value": json.loads(value),
        "key": key,
        "namespace": table.namespace(path),
        "created_at": moment(created),
        "updated_at": moment(updated),
    }
