"""Positions out of journal rows. Reads through a cursor that it is given; writes nothing."""

# ruff: noqa: S608 - the SQL is put together from constants of this module; values go in as parameters

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.journal import ENTRY_KINDS, Journal, Place, from_column, to_column
from nbhitl.engine.records import Answered, Entry, Position, ThreadKey

if TYPE_CHECKING:
    from collections.abc import Sequence

_THREAD: Final = "graph = ? AND thread = ? AND ns = ?"
_ENTRIES: Final = ", ".join(f"'{kind}'" for kind in ENTRY_KINDS)


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

    def position(self, journal: Journal) -> Position:
        """The decoded position. Raises `FileDamagedError`."""
        values = {name: journal.codec.decode(data) for name, data in self.values.items()}
        position = Position(journal.read_checkpoint(self.meta, values))
        entries = self.decoded(journal)
        return position.after(entries) if entries else position

    def decoded(self, journal: Journal) -> list[Entry]:
        """The entries, oldest first."""
        return [journal.read_entry(kind, data) for kind, data in self.entries]

    def answers(self, journal: Journal) -> dict[str, Answered]:
        """Interrupt id to its (first) answer."""
        found: dict[str, Answered] = {}
        for kind, data in self.entries:
            if kind == "answered" and isinstance(entry := journal.read_entry(kind, data), Answered):
                found.setdefault(entry.interrupt, entry)
        return found

    def place(self, journal: Journal, key: ThreadKey) -> Place:
        """Where further entries of this checkpoint belong."""
        tasks = journal.read_checkpoint(self.meta, {}).tasks
        return Place(key, self.branch, self.id, self.step, {t.id: t.node for t in tasks})


def query(cursor: Any, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows. Ctrl-C, which duckdb turns into a RuntimeError, is a KeyboardInterrupt again."""
    try:
        rows: list[tuple[Any, ...]] = cursor.execute(sql, list(params)).fetchall()
        return rows
    except RuntimeError as error:
        if "interrupt" in str(error).lower():
            raise KeyboardInterrupt from error
        raise


def points(
    cursor: Any, key: ThreadKey, *, checkpoint: str | None = None, below: int | None = None, limit: int = 1
) -> list[Point]:
    """Up to ``limit`` checkpoints of a thread, newest first; of one id, or older than ``below``."""
    thread = [to_column(key.graph), to_column(key.thread), to_column(key.ns)]
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
