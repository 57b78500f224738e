"""What deletes and rewrites rows of a `DuckDBSaver`: delete, copy and prune threads. Plans only; the writer does it.

Each plan is one transaction: the rows that go, and those that take their place. Sequence numbers stay gap-free as a
sum: a row of kind ``pruned`` says how many rows are gone.
"""

# ruff: noqa: S608 - the SQL is put together from constants of this module; values go in as parameters

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint import reading
from nbhitl.checkpoint.growth import Lists
from nbhitl.checkpoint.journal import Change
from nbhitl.checkpoint.lineage import is_kept, kept
from nbhitl.checkpoint.rows import FULL, Place, Row, from_column, to_column
from nbhitl.checkpoint.schema import COLUMNS
from nbhitl.checkpoint.writer import Rewrite
from nbhitl.engine.records import ThreadKey

if TYPE_CHECKING:
    from nbhitl.checkpoint.journal import Journal

_ROW: Final = ", ".join(COLUMNS[1:-1])
_KIND, _BRANCH, _CHECKPOINT, _KEY = (COLUMNS.index(name) - 1 for name in ("kind", "branch", "checkpoint", "key"))
_THREAD: Final = "graph = ? AND thread = ?"


def lines_of(cursor: Any, key: ThreadKey) -> list[tuple[str, str, str]]:
    """The columns of a thread's lines: its own, and those of its sub-graphs."""
    sql = f"SELECT DISTINCT graph, thread, ns FROM journal WHERE {_THREAD} ORDER BY ns"
    return reading.query(cursor, sql, _columns(key))


def deletion(cursor: Any, key: ThreadKey) -> Rewrite:
    """What deletes a thread."""
    return Rewrite(f"WHERE {_THREAD}", _columns(key), (), lines_of(cursor, key), _pruned)


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
    for row in reading.query(cursor, f"SELECT {_ROW} FROM journal WHERE {_THREAD} ORDER BY seq", _columns(key)):
        ns, checkpoint = from_column(row[2]), from_column(row[_CHECKPOINT])
        if ns:
            if is_kept(ns, left):
                rows.append(row)
        elif checkpoint in left:
            if row[_KIND] == "checkpoint" and row[_BRANCH] not in full:
                full.add(row[_BRANCH])
                rows.append(_made_full(cursor, journal, root, row))
            else:
                rows.append(row)
    return Rewrite(f"WHERE {_THREAD}", _columns(key), rows, lines_of(cursor, key), _pruned)


def _made_full(cursor: Any, journal: Journal, key: ThreadKey, row: Row) -> Row:
    """A checkpoint's row with all of its channels, and without what led to it: that is gone."""
    if row[_KEY] == FULL:
        return row
    (point,) = reading.points(cursor, key, checkpoint=from_column(row[_CHECKPOINT]))
    checkpoint = point.told(journal).checkpoint
    values = journal.values(point.records)
    change = Change(replace(checkpoint, values=values), values, full=True)
    place = Place(key, point.branch, point.id, point.step, {})
    return journal.checkpoint_row(place, change, Lists(journal.codec, dict))[0]


def _pruned(gone: int) -> Row:
    return Place(ThreadKey(""), 0, "", 0, {}).row("pruned", None, f'{{"rows":{gone}}}')


def _columns(key: ThreadKey) -> list[str]:
    return [to_column(key.graph), to_column(key.thread)]
