"""Whether a journal is whole: its sequence, its chains, the checksums of its frames, and what the mark beside it says.

Reads through a connection that it is given; changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from nbhitl.checkpoint.file import parts
from nbhitl.checkpoint.rows import linked
from nbhitl.checkpoint.values.codec import is_frame
from nbhitl.engine.errors import FileDamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbhitl.checkpoint.file.mark import Level, Mark

Line: TypeAlias = tuple[str, str, str]

MOST_CHECKED: Final = 10_000
"""Rows that are looked at when a file is opened that was not closed."""
_CHECKED: Final = ("seq", "graph", "thread", "ns", "kind", "checkpoint", "bytes", "chain")
"""Columns that are compared; that the others can be read is all that can be said of them."""
_PAGE: Final = 256
_GROUP: Final = 122_880
"""Rows of a row group of duckdb."""
_VECTOR: Final = 2048
_CORRUPT: Final = (
    "corrupt",
    "checksum",
    "not a valid duckdb",
    "could not read enough bytes",
    "failure while replaying wal",
    "deserialize",
)
_NAMED: Final = 5


class Bad(NamedTuple):
    """Rows that cannot be read: their places in a part of the journal, from ``start`` up to ``stop``."""

    part: str
    start: int
    stop: int


@dataclass(slots=True)
class Report:
    """What a whole journal looks like. ``problems`` in words; none of them means that all is well."""

    rows: int = 0
    newest: int = 0
    """The largest sequence number."""
    removed: int = 0
    """Rows that were taken out on purpose, or are known to be lost."""
    lines: int = 0
    problems: list[str] = field(default_factory=list)
    damages: list[dict[str, Any]] = field(default_factory=list)
    """What was lost before, as it was recorded then."""


def is_damage(error: BaseException) -> bool:
    """Whether an error of duckdb says that the file is damaged, and not that something else went wrong."""
    text = str(error).lower()
    return any(word in text for word in _CORRUPT)


def found_in_use(name: str, error: BaseException, mark: Mark | None) -> FileDamagedError:
    """The error to raise when reading an open file finds damage; the next open looks at every row.

    ``name`` is the file's, ``error`` what duckdb (see `is_damage`) or the codec said.
    """
    if mark is not None:
        mark.suspect()
    said = str(error).partition("\n")[0]
    return FileDamagedError(
        f"{name} is damaged: {said}. Close this checkpointer and open the file again: what can be read is saved then,"
        " and the damaged file is kept."
    )


def file_id(connection: Any) -> str:
    """The id of a file; empty when it has none."""
    found = connection.execute("SELECT value FROM about WHERE name = 'id'").fetchall()
    return str(found[0][0]) if found else ""


def problems_at_open(connection: Any, level: Level | None) -> list[str]:
    """What is wrong, in words, as far as it can be told quickly. ``level`` is the mark's, None without one.

    Raises duckdb's errors where the file cannot be read.
    """
    found = _gaps(connection, level)
    if found or level is None:
        return found
    ((newest,),) = connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchall()
    return _tail(connection, max(level.verified, newest - MOST_CHECKED), newest)


def problems_of_tail(connection: Any, level: Level | None) -> list[str]:
    """Whether rows are missing, in words, that the mark knows in the file's tail, now that it was taken in."""
    if level is None or not level.ahead:
        return []
    ((newest,),) = connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchall()
    return [lost_with_tail(level, newest)] if newest < level.newest else []


def lost_with_tail(level: Level, newest: int) -> str:
    """In words that the rows after ``newest`` are missing."""
    return f"the last {level.newest - newest:,} of {level.newest:,} rows are missing: its tail was changed, or is gone"


def verify_all(connection: Any, level: Level | None, progress: Callable[[int, int], None] | None = None) -> Report:
    """Look at every row. ``progress`` is called with the rows done and all rows, from time to time."""
    report = Report(removed=removed(connection), damages=damages(connection))
    ((expected, report.newest),) = connection.execute("SELECT count(*), coalesce(max(seq), 0) FROM journal").fetchall()
    report.problems += _gaps(connection, level)
    chains, last, twice, unreadable = Chains(), 0, 0, 0
    for item in scan(connection, f"{', '.join(_CHECKED)}, * EXCLUDE ({', '.join(_CHECKED)})"):
        if isinstance(item, Bad):
            unreadable += item.stop - item.start
            continue
        seq, graph, thread, ns, *rest = item[: len(_CHECKED)]
        report.rows += 1
        twice += seq <= last
        last = seq
        chains.look((graph, thread, ns), *rest)
        if progress is not None and report.rows % 10_000 == 0:
            progress(report.rows, expected)
    report.lines = len(chains.links)
    if unreadable:
        report.problems.append(f"up to {unreadable:,} rows cannot be read: their part of the file was changed")
    if twice:
        report.problems.append(f"{twice:,} rows are not in the order in which they were written")
    report.problems += chains.problems()
    return report


def removed(connection: Any) -> int:
    """How many rows were taken out on purpose, or are known to be lost."""
    sql = "SELECT json FROM journal WHERE kind IN ('pruned', 'damaged')"
    return sum(int(json.loads(text).get("rows", 0)) for (text,) in connection.execute(sql).fetchall())


def damages(connection: Any) -> list[dict[str, Any]]:
    """What was lost and is recorded, oldest first."""
    sql = "SELECT json FROM journal WHERE kind = 'damaged' ORDER BY seq"
    return [json.loads(text) for (text,) in connection.execute(sql).fetchall()]


def scan(connection: Any, columns: str, within: Bad | None = None) -> Iterator[tuple[Any, ...] | Bad]:
    """Every row in the order of the table (or of a part of it), and where rows cannot be read, which ones."""
    import duckdb

    wholes = _parts(connection) if within is None else [within]
    sql = f"SELECT rowid, {columns} FROM journal WHERE rowid >= ? AND rowid < ?"  # noqa: S608 - names of ours
    groups = [
        Bad(part, at, min(at + _GROUP, stop)) for part, start, stop in wholes for at in range(start, stop, _GROUP)
    ][::-1]
    while groups:
        part, start, stop = groups.pop()
        try:
            connection.execute(parts.aimed(sql, part), [start, stop])
            while rows := connection.fetchmany(_PAGE):
                for row in rows:
                    start = row[0] + 1
                    yield row[1:]
        except duckdb.Error as error:
            if not is_damage(error):
                raise
            if stop - start <= _VECTOR:
                yield Bad(part, start, stop)
            else:
                middle = start + max(_VECTOR, (stop - start) // 2 // _VECTOR * _VECTOR)
                groups += [Bad(part, middle, stop), Bad(part, start, middle)]


def _parts(connection: Any) -> list[Bad]:
    """The parts of the journal, from the first to the last place."""
    found = []
    for part in parts.names(connection):
        sql = "SELECT coalesce(max(rowid), -1) + 1 FROM journal"
        ((top,),) = connection.execute(parts.aimed(sql, part)).fetchall()
        found.append(Bad(part, 0, top))
    return found


class Chains:
    """Follows the chains of all lines while their rows go by, oldest first."""

    def __init__(self) -> None:
        self.links: dict[Line, int] = {}
        self._unlinked: dict[Line, int] = {}
        self._bad_frames: dict[Line, int] = {}

    def look(self, line: Line, kind: str, checkpoint: str | None, data: bytes | None, chain: int | None) -> None:
        """The next row. A chain that broke is followed from there on, so that a break counts once."""
        if not self.fits(line, kind, checkpoint, data, chain):
            self._unlinked[line] = self._unlinked.get(line, 0) + 1
        elif data is not None and not is_frame(data):
            self._bad_frames[line] = self._bad_frames.get(line, 0) + 1

    def fits(self, line: Line, kind: str, checkpoint: str | None, data: bytes | None, chain: int | None) -> bool:
        """Whether the next row of a line follows the one before it."""
        before = self.links.get(line, 0)
        self.links[line] = chain or 0
        return linked(before, kind, checkpoint, data) == chain

    def problems(self) -> list[str]:
        """What was found, in words."""
        return [
            *_named(self._unlinked, "do not follow the rows before them: rows were changed, or are missing"),
            *_named(self._bad_frames, "do not match their checksums"),
        ]


def named(line: Line) -> str:
    """A line in words."""
    graph, thread, ns = line
    if not thread:
        return "the file's own notes"
    words = f"thread {thread!r}" + (f" of graph {graph!r}" if graph else "")
    return f"{words}, sub-graph {ns!r}" if ns else words


def _named(counts: dict[Line, int], what: str) -> list[str]:
    if not counts:
        return []
    names = [named(line) for line in list(counts)[:_NAMED]]
    more = f" and {len(counts) - _NAMED} more" if len(counts) > _NAMED else ""
    return [f"{sum(counts.values()):,} rows {what} ({'; '.join(names)}{more})"]


def _gaps(connection: Any, level: Level | None) -> list[str]:
    """Whether rows are missing: inside, at the end, or in place of others."""
    ((rows, newest),) = connection.execute("SELECT count(*), coalesce(max(seq), 0) FROM journal").fetchall()
    gone = 0 if rows == newest else removed(connection)
    found = []
    if rows + gone < newest:
        found.append(f"{newest - rows - gone:,} rows are missing in between")
    elif rows + gone > newest:
        found.append(f"{rows + gone - newest:,} rows more than were written are there")
    if level is None:
        return found
    if newest < level.seq:
        found.append(f"the last {level.seq - newest:,} of {level.seq:,} rows are missing")
    elif level.seq:
        there = connection.execute("SELECT chain FROM journal WHERE seq = ?", [level.seq]).fetchall()
        if there != [(level.chain,)] and (there or not gone):  # it may have been deleted just before a crash
            found.append(f"row {level.seq:,} is not the one that was written")
    return found


def _tail(connection: Any, after: int, newest: int) -> list[str]:
    """Whether the rows after row ``after`` are as they were written."""
    if after >= newest:
        return []
    chains = Chains()
    chains.links.update(_links(connection, after))
    sql = (
        "SELECT graph, thread, ns, kind, checkpoint, bytes, chain FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq"
    )
    for start in range(after, newest, _VECTOR):
        for graph, thread, ns, *rest in connection.execute(sql, [start, start + _VECTOR]).fetchall():
            chains.look((graph, thread, ns), *rest)
    return chains.problems()


def _links(connection: Any, until: int) -> dict[Line, int]:
    """The newest links up to row ``until`` of the lines that go on after it."""
    sql = """SELECT graph, thread, ns, arg_max(chain, seq) FROM journal WHERE seq <= ?
        AND (graph, thread, ns) IN (SELECT graph, thread, ns FROM journal WHERE seq > ?) GROUP BY ALL"""
    return {(graph, thread, ns): link for graph, thread, ns, link in connection.execute(sql, [until, until]).fetchall()}
