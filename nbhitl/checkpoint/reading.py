"""Positions out of journal rows. Reads through a cursor that it is given; writes nothing."""

# ruff: noqa: S608 - the SQL is put together from constants of this module; values go in as parameters

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.entries import KINDS
from nbhitl.checkpoint.file import verifying
from nbhitl.checkpoint.file.instances import stopped_by_ctrl_c
from nbhitl.checkpoint.rows import FULL, Place, from_column, to_column
from nbhitl.engine.records import Position, ThreadKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nbhitl.checkpoint.file.mark import Mark
    from nbhitl.checkpoint.journal import Journal, Stored
    from nbhitl.checkpoint.writer import Writer

_BYTES: Final = "journal.bytes"
_THREAD: Final = "graph = ? AND thread = ? AND ns = ?"
_FEW: Final = 16
"""Points that are looked for by their ids."""


@dataclass(slots=True)
class Point:
    """One checkpoint as stored: bytes only, decoded on demand so that every reader gets values of its own."""

    id: str
    branch: int
    step: int
    seq: int
    rows: list[bytes] = field(default_factory=list)
    """The branch's rows from its last full one on; later checkpoints share the list."""
    count: int = 0
    """How many of them lead to this checkpoint."""
    entries: list[tuple[str, bytes]] = field(default_factory=list)
    led: bytes | None = None
    """The row of the checkpoint to which the last write of this one's tasks led."""
    nodes: Mapping[str, str] | None = None
    """Task id to node; read from ``rows`` when first needed."""

    def values(self, journal: Journal) -> dict[str, Any]:
        """The decoded values of the state. Raises `FileDamagedError`."""
        return journal.values(islice(self.rows, self.count))

    def position(self, journal: Journal) -> Position:
        """The decoded position. Raises `FileDamagedError`."""
        return self.stand(journal, self.values(journal), journal.read)

    def told(self, journal: Journal) -> Position:
        """The position without the state's values: what is needed to judge an answer."""
        return self.stand(journal, {}, journal.read)

    def stand(self, journal: Journal, values: Mapping[str, Any], read: Callable[[bytes], Stored]) -> Position:
        """The position with ``values`` for its state; ``read`` decodes rows."""
        position = Position(read(self.rows[self.count - 1]).checkpoint(values))
        entries = [journal.read_entry(kind, data) for kind, data in self.entries]
        if self.led is not None and (wrote := read(self.led).wrote(values)) is not None:
            entries.append(wrote)
        return position.after(entries) if entries else position

    def place(self, journal: Journal, key: ThreadKey) -> Place:
        """Where further entries of this checkpoint belong."""
        if self.nodes is None:
            self.nodes = journal.read(self.rows[self.count - 1]).tasks
        return Place(key, self.branch, self.id, self.step, self.nodes)


def positions(journal: Journal, found: Sequence[Point]) -> Iterator[Position]:
    """The positions of checkpoints of one line, newest first as they are: each branch's rows are read once.

    Lists and dicts of the state are each position's own; what is in them may be shared by several. What was read is let
    go of with the rows of a full one, so that a long history is not held twice.
    """
    known: dict[int, Stored] = {}

    def read(data: bytes) -> Stored:
        # A row is read as a change, as a checkpoint, and for the write that led to it. Points share its bytes.
        stored = known.get(id(data))
        if stored is None:
            stored = known[id(data)] = journal.read(data)
        return stored

    runs: dict[int, list[Point]] = {}
    for point in found:
        runs.setdefault(id(point.rows), []).append(point)
    values: dict[int, dict[str, Any]] = {}
    for point in found:
        run = runs.pop(id(point.rows), None)
        if run is not None:
            known.clear()
            values.update(_values(run, read))
        yield point.stand(journal, values.pop(point.seq), read)


def _values(run: Sequence[Point], read: Callable[[bytes], Stored]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The values at checkpoints with one full row, newest first as they are, by number."""
    now: dict[str, Any] = {}
    done = 0
    for point in reversed(run):
        for data in islice(point.rows, done, point.count):
            read(data).change(now)
        done = point.count
        yield point.seq, {name: _own(value) for name, value in now.items()}


def _own(value: Any) -> Any:
    return list(value) if type(value) is list else dict(value) if type(value) is dict else value


class Reader:
    """Reads what was handed over: whatever waits to be written is flushed first."""

    def __init__(self, connection: Any, writer: Writer, name: str, mark: Mark | None) -> None:
        self.connection = connection
        self._writer = writer
        self._name = name
        self._mark = mark

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query of ours."""
        with self.cursor() as cursor:
            return query(cursor, sql, params)

    def points(self, key: ThreadKey, **which: Any) -> list[Point]:
        """See `points`."""
        with self.cursor() as cursor:
            return points(cursor, key, **which)

    def parents(self, key: ThreadKey) -> dict[str, str | None]:
        """See `parents`."""
        with self.cursor() as cursor:
            return parents(cursor, key)

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """A cursor that sees all that was handed over, for as long as the block lasts."""
        import duckdb

        self._writer.settle()
        cursor = self.connection.cursor()
        try:
            yield cursor
        except duckdb.Error as error:
            if verifying.is_damage(error):
                raise verifying.found_in_use(self._name, error, self._mark) from error
            raise
        finally:
            cursor.close()


def thread_columns(key: ThreadKey) -> list[str]:
    """A line's columns, in the order of our queries."""
    return [to_column(key.graph), to_column(key.thread), to_column(key.ns)]


def query(cursor: Any, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows."""
    with stopped_by_ctrl_c():
        rows: list[tuple[Any, ...]] = cursor.execute(sql, list(params)).fetchall()
    return rows


def parents(cursor: Any, key: ThreadKey) -> dict[str, str | None]:
    """Every checkpoint of a line with its parent, oldest first."""
    sql = f"SELECT checkpoint, parent FROM journal WHERE kind = 'checkpoint' AND {_THREAD} ORDER BY seq"
    return {
        from_column(id_): None if parent is None else from_column(parent)
        for id_, parent in query(cursor, sql, thread_columns(key))
    }


def known(cursor: Any) -> tuple[int, dict[ThreadKey, int], dict[tuple[str, str, str], int]]:
    """The last sequence number, every line with its newest branch, and the newest link of its chain by its columns."""
    sql = """SELECT graph, thread, ns, max(branch) FILTER (kind = 'checkpoint'), arg_max(chain, seq), max(seq)
        FROM journal GROUP BY ALL"""
    newest, branches, links = 0, {}, {}
    for graph, thread, ns, branch, link, seq in query(cursor, sql):
        newest = max(newest, seq)
        links[graph, thread, ns] = link
        if branch is not None:
            branches[ThreadKey(from_column(thread), from_column(graph), from_column(ns))] = branch
    return newest, branches, links


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
        f"SELECT checkpoint, branch, step, seq, key FROM journal WHERE kind = 'checkpoint' AND {where}"
        f" ORDER BY seq DESC LIMIT {int(limit)}",
        params,
    )
    found = [Point(from_column(id_), *rest) for id_, *rest, _ in rows]
    if found:
        full = {seq for *_, seq, key in rows if key == FULL}
        _fill(cursor, thread, found, _bases(cursor, thread, found, full), full)
    return found


def _bases(cursor: Any, thread: list[str], found: list[Point], full: set[int]) -> dict[int, int]:
    """Of each branch the last full row that is not above the oldest of its points, by number."""
    oldest = {point.branch: point.seq for point in found}
    bases = {branch: seq for branch, seq in oldest.items() if seq in full}
    if len(bases) < len(oldest):
        spans = " OR ".join(f"branch = {b:d} AND seq <= {seq:d}" for b, seq in oldest.items() if b not in bases)
        sql = f"SELECT branch, max(seq) FROM journal WHERE kind = 'checkpoint' AND key = '{FULL}' AND {_THREAD}"
        bases.update(query(cursor, f"{sql} AND ({spans}) GROUP BY branch", thread))
    return bases


def _fill(cursor: Any, thread: list[str], found: list[Point], bases: dict[int, int], full: set[int]) -> None:
    """Give each point its branch's rows since the last full one, and what happened at it."""
    newest = {point.branch: point.seq for point in reversed(found)}
    by_id = {to_column(point.id): point for point in reversed(found)}
    where, params = f"{_THREAD} AND seq >= ?", [*thread, min(bases.values())]
    if len(found) <= _FEW:  # what happened at an old checkpoint may stand far behind it
        marks = ", ".join("?" * len(by_id))
        where += f" AND (seq <= ? OR checkpoint IN ({marks}) OR parent IN ({marks}))"
        params += [found[0].seq, *by_id, *by_id]
    rows = _heavy(
        cursor,
        f"""SELECT seq, {_BYTES} AS bytes, kind, checkpoint, branch, CASE WHEN task IS NOT NULL THEN parent END
        FROM journal WHERE {where} ORDER BY seq""",
        params,
    )
    by_seq = {point.seq: point for point in found}
    open_: dict[int, list[bytes]] = {}
    for seq, data, kind, id_, branch, parent in rows:
        if kind == "checkpoint":
            if bases.get(branch, seq + 1) <= seq <= newest.get(branch, -1):
                if seq in full or seq == bases[branch]:
                    open_[branch] = []
                open_[branch].append(data)
                if (point := by_seq.get(seq)) is not None:
                    point.rows, point.count = open_[branch], len(open_[branch])
            if parent in by_id:
                by_id[parent].led = data
        elif kind in KINDS and id_ in by_id:
            by_id[id_].entries.append((kind, data))


def _heavy(cursor: Any, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a query whose first columns are the number and the bytes of journal rows, written as `_BYTES`.

    Rows of many megabytes may be more than duckdb can hold at once: then their bytes are fetched one by one.
    """
    import duckdb

    try:
        return query(cursor, sql, params)
    except duckdb.OutOfMemoryException:
        rows = query(cursor, sql.replace(_BYTES, "NULL"), params)
        one = "SELECT bytes FROM journal WHERE seq = ?"
        return [(seq, query(cursor, one, [seq])[0][0], *rest) for seq, _, *rest in rows]
