"""Positions out of journal rows. Reads through a cursor that it is given; writes nothing."""

# ruff: noqa: S608 - the SQL is put together from constants of this module; values go in as parameters

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.entries import KINDS
from nbhitl.checkpoint.rows import Place, from_column, to_column
from nbhitl.engine.records import Entry, Position, ThreadKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbhitl.checkpoint.journal import Journal
    from nbhitl.checkpoint.writer import Writer

_THREAD: Final = "graph = ? AND thread = ? AND ns = ?"
_ENTRIES: Final = ", ".join(f"'{kind}'" for kind in KINDS)


@dataclass(slots=True)
class Point:
    """One checkpoint as stored: bytes only, decoded on demand so that every reader gets values of its own."""

    id: str
    branch: int
    step: int
    seq: int
    meta: bytes
    values: dict[str, bytes] = field(default_factory=dict)
    entries: list[tuple[str, bytes]] = field(default_factory=list)
    nodes: Mapping[str, str] | None = None
    """Task id to node; read from ``meta`` when first needed."""

    def position(self, journal: Journal) -> Position:
        """The decoded position. Raises `FileDamagedError`."""
        values = {name: journal.codec.decode(data) for name, data in self.values.items()}
        position = Position(journal.read_checkpoint(self.meta, values))
        entries = self.decoded(journal)
        return position.after(entries) if entries else position

    def decoded(self, journal: Journal) -> list[Entry]:
        """The entries, oldest first."""
        return [journal.read_entry(kind, data) for kind, data in self.entries]

    def told(self, journal: Journal) -> Position:
        """The position without the state's values: what is needed to judge an answer."""
        return Position(journal.read_checkpoint(self.meta, {})).after(self.decoded(journal))

    def place(self, journal: Journal, key: ThreadKey) -> Place:
        """Where further entries of this checkpoint belong."""
        if self.nodes is None:
            self.nodes = {t.id: t.node for t in journal.read_checkpoint(self.meta, {}).tasks}
        return Place(key, self.branch, self.id, self.step, self.nodes)


class Reader:
    """Reads what was handed over: whatever waits to be written is flushed first."""

    def __init__(self, connection: Any, writer: Writer) -> None:
        self.connection = connection
        self._writer = writer

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query of ours."""
        with self._cursor() as cursor:
            return query(cursor, sql, params)

    def points(self, key: ThreadKey, **which: Any) -> list[Point]:
        """See `points`."""
        with self._cursor() as cursor:
            return points(cursor, key, **which)

    def parents(self, key: ThreadKey) -> dict[str, str | None]:
        """Every checkpoint of a line with its parent, oldest first."""
        sql = f"SELECT checkpoint, parent FROM journal WHERE kind = 'checkpoint' AND {_THREAD} ORDER BY seq"
        return {
            from_column(id_): None if parent is None else from_column(parent)
            for id_, parent in self.rows(sql, thread_columns(key))
        }

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        self._writer.wait()
        cursor = self.connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()


def thread_columns(key: ThreadKey) -> list[str]:
    """A line's columns, in the order of our queries."""
    return [to_column(key.graph), to_column(key.thread), to_column(key.ns)]


def query(cursor: Any, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows. Ctrl-C, which duckdb turns into a RuntimeError, is a KeyboardInterrupt again."""
    try:
        rows: list[tuple[Any, ...]] = cursor.execute(sql, list(params)).fetchall()
        return rows
    except RuntimeError as error:
        if "interrupt" in str(error).lower():
            raise KeyboardInterrupt from error
        raise


def branches(cursor: Any) -> dict[ThreadKey, int]:
    """Every known line with the number of its newest branch."""
    sql = "SELECT thread, graph, ns, max(branch) FROM journal WHERE kind = 'checkpoint' GROUP BY ALL"
    return {ThreadKey(*map(from_column, names)): n for *names, n in query(cursor, sql)}


def points(
    cursor: Any, key: ThreadKey, *, checkpoint: str | None = None, below: int | None = None, limit: int = 1
) -> list[Point]:
    """Up to ``limit`` checkpoints of a line, newest first; of one id, or older than ``below``."""
    thread = thread_columns(key)
    where, params = _THREAD, list[Any](thread)
    if checkpoint is not None:
        where, params = f"{where} AND checkpoint = ?", [*params, to_column(checkpoint)]
    if below is not None:
        where, params = f"{where} AND seq < ?", [*params, below]
    rows = query(
        cursor,
        f"SELECT checkpoint, branch, step, seq, bytes FROM journal WHERE kind = 'checkpoint' AND {where}"
        f" ORDER BY seq DESC LIMIT {int(limit)}",
        params,
    )
    found = [Point(from_column(id_), *rest) for id_, *rest in rows]
    if found:
        _add_values(cursor, thread, found)
        _add_entries(cursor, thread, found)
    return found


def _add_values(cursor: Any, thread: list[str], found: list[Point]) -> None:
    oldest, newest = found[-1].seq, found[0].seq
    # What each branch held at the oldest of the points, and every change up to the newest.
    rows = query(
        cursor,
        f"""SELECT branch, key, seq, bytes FROM journal
        WHERE kind = 'value' AND {_THREAD} AND seq <= ? AND branch IN (SELECT unnest(?::INTEGER[]))
        QUALIFY seq > ? OR lead(seq, 1, ?) OVER (PARTITION BY branch, key ORDER BY seq) > ? ORDER BY seq""",
        [*thread, newest, sorted({p.branch for p in found}), oldest, newest + 1, oldest],
    )
    series: dict[int, dict[str, tuple[list[int], list[bytes | None]]]] = defaultdict(dict)
    for branch, name, seq, data in rows:
        seqs, blobs = series[branch].setdefault(from_column(name), ([], []))
        seqs.append(seq)
        blobs.append(data)
    for point in found:
        for name, (seqs, blobs) in series[point.branch].items():
            at = bisect_right(seqs, point.seq)
            if at and (blob := blobs[at - 1]) is not None:
                point.values[name] = blob


def _add_entries(cursor: Any, thread: list[str], found: list[Point]) -> None:
    by_id = {to_column(p.id): p for p in reversed(found)}
    rows = query(
        cursor,
        f"""SELECT checkpoint, kind, bytes FROM journal WHERE kind IN ({_ENTRIES}) AND {_THREAD} AND seq > ?
        AND checkpoint IN (SELECT unnest(?::VARCHAR[])) ORDER BY seq""",
        [*thread, found[-1].seq, list(by_id)],
    )
    for id_, kind, data in rows:
        by_id[id_].entries.append((kind, data))
