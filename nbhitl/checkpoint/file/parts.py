"""The tables that the journal's rows stand in. ``journal`` is a view of all of them; rows are appended to the newest.

duckdb holds the last rows of a table in memory, up to 122,880 of them, and writes them anew at every fold. With rows
of a megabyte that is more than there is: such a file could not even be opened any more. So a new table is begun when
one is large.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.rows import BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGE: Final = 128 << 20
"""Bytes of a part after which the next one is begun."""
LARGEST_ROW: Final = 128 << 20
"""Bytes of a row; what is larger is refused before it is written."""
_NAME: Final = re.compile(r"journal_(\d+)")
_COLUMNS: Final = """(
        seq BIGINT NOT NULL, graph VARCHAR NOT NULL, thread VARCHAR NOT NULL, ns VARCHAR NOT NULL,
        branch INTEGER NOT NULL, kind VARCHAR NOT NULL, checkpoint VARCHAR, parent VARCHAR, step BIGINT,
        task VARCHAR, node VARCHAR, key VARCHAR, made_at BIGINT, bytes BLOB USING COMPRESSION zstd,
        json VARCHAR USING COMPRESSION zstd, chain UBIGINT)"""
# No keys and no indexes: they make the file 5x larger and serve none of our queries.


def statements(number: int = 1) -> list[str]:
    """What begins a part: its table, and the view of all parts up to it."""
    parts = " UNION ALL ".join(f"SELECT * FROM journal_{n}" for n in range(1, number + 1))  # noqa: S608 - our own names
    return [f"CREATE TABLE journal_{number} {_COLUMNS}", f"CREATE OR REPLACE VIEW journal AS {parts}"]


def names(connection: Any) -> list[str]:
    """The parts of a file, the oldest first."""
    found = connection.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall()
    numbers = sorted(int(match[1]) for (name,) in found if (match := _NAME.fullmatch(name)))
    return [f"journal_{n}" for n in numbers]


def aimed(sql: str, part: str) -> str:
    """A query of ``journal``, asked of one of its parts (`names`) only."""
    return sql.replace("journal", part)


class Appender:
    """Appends numbered rows to the newest part, and begins the next one in time. For one thread."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        newest = names(connection)[-1]
        self._number = int(newest.removeprefix("journal_"))
        size = "SELECT coalesce(sum(octet_length(bytes)) + sum(strlen(json)), 0) FROM journal"
        ((self._size,),) = connection.execute(aimed(size, newest)).fetchall()
        self._appender = connection.appender(newest)

    def append(self, rows: Sequence[tuple[Any, ...]], *, inside: bool = False) -> None:
        """Append rows, all to one part. They are durable, all or none, after `flush`.

        ``inside``: a transaction is under way on the connection, and a new part belongs to it.
        """
        if self._size > LARGE:
            self._begin(inside=inside)
        for row in rows:
            self._size += len(row[BYTES + 1] or b"") + len(row[BYTES + 2] or "")
        self._appender.append_rows(rows)

    def flush(self) -> None:
        """Write what was appended: in a transaction of its own, unless one was begun on the connection."""
        self._appender.flush()

    def drop(self) -> None:
        """Forget what was appended and not written."""
        self._appender.clear()

    def _begin(self, *, inside: bool) -> None:
        self._appender.flush()
        begin, end = ([], []) if inside else (["BEGIN TRANSACTION"], ["COMMIT"])  # a table that no view has is lost
        for statement in [*begin, *statements(self._number + 1), *end]:
            self._connection.execute(statement)
        self._number += 1
        self._appender = self._connection.appender(f"journal_{self._number}")
        self._size = 0
