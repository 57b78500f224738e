"""What deletes and rewrites rows of a `DuckDBSaver`: delete, copy and prune threads. Plans only; the writer does it.

Each plan is one transaction: the rows that go, and those that take their place. Sequence numbers stay gap-free as a
sum: a row of kind ``pruned`` says how many rows are gone.
"""

# ruff: noqa: S608 - the SQL is put together from constants of this module; values go in as parameters

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint import reading
from nbhitl.checkpoint.file.schema import COLUMNS
from nbhitl.checkpoint.growth import Lists
from nbhitl.checkpoint.lineage import is_kept, kept
from nbhitl.checkpoint.notes import SETTING
from nbhitl.checkpoint.packing import Change
from nbhitl.checkpoint.rows import BYTES, FULL, Place, Row, from_column, to_column
from nbhitl.checkpoint.writer import Rewrite
from nbhitl.engine.errors import FileDamagedError
from nbhitl.engine.records import ThreadKey, Wrote

if TYPE_CHECKING:
    from nbhitl.checkpoint.journal import Journal

_ROW: Final = ", ".join(COLUMNS[1:-1])
_KIND, _BRANCH, _CHECKPOINT, _PARENT, _TASK, _NODE, _KEY = (
    COLUMNS.index(name) - 1 for name in ("kind", "branch", "checkpoint", "parent", "task", "node", "key")
)
_THREAD: Final = "graph = ? AND thread = ?"
_DELETE: Final = f"DELETE FROM journal WHERE {_THREAD}"


def lines_of(cursor: Any, key: ThreadKey) -> list[tuple[str, str, str]]:
    """The columns of a thread's lines: its own, and those of its sub-graphs."""
    sql = f"SELECT DISTINCT graph, thread, ns FROM journal WHERE {_THREAD} ORDER BY ns"
    return reading.query(cursor, sql, _columns(key))


def deletion(cursor: Any, key: ThreadKey) -> Rewrite:
    """What deletes a thread."""
    return Rewrite(_DELETE, _columns(key), (), lines_of(cursor, key), _pruned)


def copied(cursor: Any, source: ThreadKey, target: ThreadKey) -> list[Row]:
    """The rows of a thread's copy."""
    rows = reading.query(cursor, f"SELECT {_ROW} FROM journal WHERE {_THREAD} ORDER BY seq", _columns(source))
    return [(*_columns(target), *row[2:]) for row in rows]


def pruning(cursor: Any, journal: Journal, key: ThreadKey, keep: int) -> Rewrite:
    """What deletes all but a thread's newest checkpoints; the oldest one that stays of each branch is made full."""
    root = replace(key, ns="")
    parents = reading.parents(cursor, root)
    left = kept(parents, keep)
    rows: list[Row] = []
    full: set[int] = set()
    settings: dict[str, Row] = {}
    for row in reading.query(cursor, f"SELECT {_ROW} FROM journal WHERE {_THREAD} ORDER BY seq", _columns(key)):
        ns, checkpoint = from_column(row[2]), from_column(row[_CHECKPOINT])
        if row[_KIND] == SETTING:
            settings[row[_KEY]] = row
        elif ns:
            if is_kept(ns, left):
                rows.append(row)
        elif checkpoint in left:
            if row[_KIND] == "checkpoint" and row[_BRANCH] not in full:
                full.add(row[_BRANCH])
                rows.append(_made_full(cursor, journal, root, row, left))
            else:
                rows.append(row)
        elif row[_KIND] == "checkpoint" and row[_TASK] is not None and from_column(row[_PARENT]) in left:
            rows.append(_left_behind(cursor, journal, root, row))
    rows += [row for row in settings.values() if row[BYTES] is not None]
    return Rewrite(_DELETE, _columns(key), rows, lines_of(cursor, key), _pruned)


def _made_full(cursor: Any, journal: Journal, key: ThreadKey, row: Row, left: set[str]) -> Row:
    """A checkpoint's row with all of its channels; the write that led to it stays if its task's checkpoint does."""
    if row[_KEY] == FULL:
        return row
    (point,) = reading.points(cursor, key, checkpoint=from_column(row[_CHECKPOINT]))
    checkpoint, values = point.told(journal).checkpoint, point.values(journal)
    wrote = _led(cursor, journal, key, row)[1] if row[_TASK] and checkpoint.parent in left else None
    writer = from_column(row[_NODE] or "")
    change = Change(replace(checkpoint, values=values), values, full=True, wrote=wrote, writer=writer)
    place = Place(key, point.branch, point.id, point.step, {})
    return journal.checkpoint_row(place, change, Lists(journal.codec, dict))[0]


def _left_behind(cursor: Any, journal: Journal, key: ThreadKey, row: Row) -> Row:
    """The write that stands in the row of a checkpoint that goes, at the one that stays."""
    parent, wrote = _led(cursor, journal, key, row)
    return journal.entry_row(parent.place(journal, key), wrote)


def _led(cursor: Any, journal: Journal, key: ThreadKey, row: Row) -> tuple[reading.Point, Wrote]:
    """The parent of a checkpoint's row, and its write that led there."""
    (parent,) = reading.points(cursor, key, checkpoint=from_column(row[_PARENT]))
    wrote = journal.read(row[BYTES]).wrote(parent.values(journal))
    if wrote is None:
        raise FileDamagedError(f"the row of checkpoint {row[_CHECKPOINT]!r} lacks the write that led to it")
    return parent, wrote


def _pruned(gone: int) -> Row:
    return Place(ThreadKey(""), 0, "", 0, {}).row("pruned", None, f'{{"rows":{gone}}}')


def _columns(key: ThreadKey) -> list[str]:
    return [to_column(key.graph), to_column(key.thread)]
