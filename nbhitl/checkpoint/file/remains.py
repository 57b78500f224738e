"""What can be read of a damaged file: rows from the best copy that opens, each line up to its first hole.

Works on copies in a folder that it is given; never opens the damaged file itself.
"""

from __future__ import annotations

import re
import shutil
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.entries import KINDS
from nbhitl.checkpoint.file import parts
from nbhitl.checkpoint.file.instances import opened, wal_of
from nbhitl.checkpoint.file.schema import COLUMNS
from nbhitl.checkpoint.file.verifying import Bad, Line, file_id, scan
from nbhitl.checkpoint.journal import Journal
from nbhitl.checkpoint.notes import SETTING
from nbhitl.checkpoint.rows import FULL, Place, from_column, linked
from nbhitl.checkpoint.values.codec import Codec, is_frame
from nbhitl.engine.errors import FileDamagedError, UnstorableValueError
from nbhitl.engine.records import ThreadKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_COPY: Final = "copy.duckdb"
_HEADS: Final = (0, 4096, 8192)
"""Where the headers begin: the file's own, and two of the database's, which are written in turn."""
_HEAD_SIZE: Final = 4096
_DATA: Final = 12_288
"""Where the first block begins, behind the headers."""
_FACTOR: Final = 0xBF58476D1CE4E5B9
_SEED: Final = 5381
_BITS: Final = 2**64 - 1


@dataclass(slots=True)
class Remains:
    """What came of reading a damaged file."""

    rows: int = 0
    newest: int = 0
    """The largest sequence number that was read, or that the mark knows of."""
    lost: int = 0
    ends: dict[Line, int] = field(default_factory=dict)
    """The last step that each line has now."""
    cut: dict[Line, int] = field(default_factory=dict)
    """Lines with a hole, and how many of their rows stand behind it and were left out."""
    unshown: int = 0
    """Rows of which only the JSON, which SQL shows, could not be read."""
    late: list[Line] = field(default_factory=list)
    """Lines whose beginning is lost."""


def readable(path: Path, work: Path) -> Any:
    """A connection to the best copy of a damaged file; None when nothing of ours can be read."""
    if not path.exists() or path.stat().st_size < _DATA:
        return None
    copy = work / _COPY
    shutil.copyfile(path, copy)
    with copy.open("rb") as file:
        heads = file.read(_DATA)
    for tried in dict.fromkeys(_likely(heads)):
        with copy.open("r+b") as file:
            file.write(tried)
        connection = _with_log(copy, wal_of(path))
        if connection is not None:
            return connection
    return None


def _likely(heads: bytes) -> Iterator[bytes]:
    """What the three headers may have been: as they are; with unused bytes changed; with one of the two used twice."""
    yield heads
    trusted = b"".join(_trusted(heads[start : start + _HEAD_SIZE]) for start in _HEADS)
    yield trusted
    own, one, other = (trusted[start : start + _HEAD_SIZE] for start in _HEADS)
    yield own + one + one
    yield own + other + other


def _trusted(head: bytes) -> bytes:
    """A header with the checksum that duckdb expects: most of it is unused, and what it points to has its own."""
    checksum = _SEED
    for (word,) in struct.iter_unpack("<Q", head[8:]):
        checksum ^= word * _FACTOR & _BITS
    return checksum.to_bytes(8, "little") + head[8:]


def _with_log(copy: Path, log: Path) -> Any:
    """A connection to a copy with the longest part of the log that opens; None when it opens without one neither."""
    size = log.stat().st_size if log.exists() else 0
    connection, place = _try(copy, log, size)
    if connection is None and 0 < place < size:  # duckdb says where the damage begins
        connection, _ = _try(copy, log, place)
    low, high = 0, size
    while connection is None and high > low:
        middle = (low + high) // 2
        found, _ = _try(copy, log, middle)
        if found is None:
            high = middle
        elif high - low <= 1:
            connection = found
        else:
            found.close()
            low = middle
    return connection


def _try(copy: Path, log: Path, size: int) -> tuple[Any, int]:
    """A connection to a copy with ``size`` bytes of a log; or None, and where the damage begins (0: unknown)."""
    import duckdb

    mine = wal_of(copy)
    mine.unlink(missing_ok=True)
    if size:
        with log.open("rb") as source, mine.open("wb") as target:
            target.write(source.read(size))
    connection = None
    try:
        connection = opened(copy)
        columns = tuple(row[0] for row in connection.execute("DESCRIBE journal").fetchall())
        for part in parts.names(connection):
            connection.execute(parts.aimed("SELECT max(rowid) FROM journal", part))
        file_id(connection)
    except duckdb.Error as error:  # a copy of a damaged file may say anything
        if connection is not None:
            connection.close()
        found = re.search(r"byte position (\d+)", str(error))
        return None, int(found[1]) if found else 0
    if columns != COLUMNS:
        connection.close()
        return None, 0
    return connection, 0


def _rows(source: Any, remains: Remains) -> Iterator[tuple[Any, ...]]:
    """All rows that can be read; where only the JSON cannot, without it: the bytes say everything."""
    journal = Journal(Codec())
    for item in scan(source, ", ".join(COLUMNS)):
        if not isinstance(item, Bad):
            yield item
            continue
        without = ", ".join("NULL" if name == "json" else name for name in COLUMNS)
        for row in scan(source, without, item):
            if not isinstance(row, Bad):
                remains.unshown += 1
                yield (*row[:-2], _projected(journal, row), row[-1])


def _with_tail(rows: Iterator[tuple[Any, ...]], tail: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    last = 0
    for row in rows:
        last = max(last, row[0])
        yield row
    yield from (row for row in tail if row[0] > last)


def _projected(journal: Journal, row: tuple[Any, ...]) -> str | None:
    """The JSON of an entry, made anew; None for a checkpoint, whose values only show where it is loaded."""
    _, graph, thread, ns, branch, kind, checkpoint, _, step, *_, data, _, _ = row
    if kind not in KINDS:
        return None
    place = Place(ThreadKey(*map(from_column, (thread, graph, ns))), branch, from_column(checkpoint), step, {})
    try:
        json: str | None = journal.entry_row(place, journal.read_entry(kind, data))[-1]
    except (FileDamagedError, UnstorableValueError):
        return None
    return json


def kept(
    source: Any, tail: Iterable[tuple[Any, ...]], remains: Remains, chains: dict[Line, int]
) -> Iterator[tuple[Any, ...]]:
    """The rows to keep, each with its link: those of a line up to its first hole; ``tail`` may repeat the last ones.

    ``chains`` gets the links as they are written. A line whose beginning is lost is kept from where it is full again.
    """
    links: dict[Line, int] = {}  # as they were
    last = 0
    for item in _with_tail(_rows(source, remains), tail):
        seq, graph, thread, ns, _, kind, checkpoint, _, step, _, _, key, _, data, _, chain = item
        remains.newest = max(remains.newest, seq)
        line = (graph, thread, ns)
        if seq <= last or (data is not None and not is_frame(data)):
            fits = False
        elif not thread:
            fits = True  # the file's own notes do not depend on each other
        elif line in remains.cut:
            fits = False
        elif not (fits := linked(links.get(line, 0), kind, checkpoint, data) == chain):
            if line not in chains and kind == "checkpoint" and key == FULL:
                fits = True
                remains.late.append(line)
            elif line in chains:
                remains.cut[line] = 0
        if not fits:
            if line in remains.cut:
                remains.cut[line] += 1
            continue
        last, links[line] = seq, chain
        chains[line] = linked(chains.get(line, 0), kind, checkpoint, data)
        if thread and kind != SETTING:
            remains.ends[line] = remains.ends.pop(line, 0) if step is None else step
        remains.rows += 1
        yield (*item[:-1], chains[line])
