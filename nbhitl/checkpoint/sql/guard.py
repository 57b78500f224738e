"""The gates before a user's SQL: one statement, read-only, inside the file, bounded.

Each gate alone has been got round in tests; the instance's own settings (`nbhitl.checkpoint.file.instances`) are the
others. Gates here: a text that the parser can take; exactly one SELECT or EXPLAIN; a walk over its parsed tree
(`inspection`); macros that bound what one call can make (`bounds`); a read-only transaction that is rolled
back; an interrupt when it takes too long or too much memory; a cap on rows.
"""

from __future__ import annotations

import contextlib
import re
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.sql import bounds, inspection
from nbhitl.checkpoint.sql.complaints import explained
from nbhitl.checkpoint.sql.inspection import ALLOWED
from nbhitl.checkpoint.sql.parameters import picked
from nbhitl.checkpoint.sql.table import Table
from nbhitl.engine.errors import QueryRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROW_CAP: Final = 10_000
_TICK: Final = 0.02
"""Seconds between two looks at a query that runs."""
_GRACE: Final = 1.0
"""Seconds that an interrupted query has to end; one call that nothing interrupts is left to end by itself."""
_MEMORY: Final = 512 << 20
"""Bytes by which the process may grow while a query runs, so that it stays near a GiB until it has been stopped.
duckdb's own limit counts less than it takes, e.g. of lists.
"""
_BATCH: Final = 500
_EXPLAIN: Final = re.compile(r"\s*explain\b(\s+analyze\b)?(\s*\([^()]*\))?", re.IGNORECASE)
_ZONED: Final = "TIMESTAMP WITH TIME ZONE"


def run(
    connection: Any, sql: str, params: Sequence[Any] | Mapping[str, Any] | None, timeout: float, limit: int = ROW_CAP
) -> Table:
    """Run one query, on a cursor of its own.

    Args:
        connection: nothing is executed on it. duckdb refuses to close it while a query that nothing could interrupt
            is still at work: `settle` first.
        sql: the query.
        params: values for ``?``, or by name for ``$name``. A mapping may have more than the query names: a notebook's
            variables are one.
        timeout: seconds.
        limit: how many rows are read.

    Raises:
        QueryRefused: in one line, with the cure.
        KeyboardInterrupt: somebody pressed Ctrl-C; the query is stopped.
    """
    inspection.check_text(sql)
    query = _Query(connection, connection.cursor(), sql, params, limit)
    _at_work.add(query)
    thread = threading.Thread(target=query.run, name="nbhitl-sql", daemon=True)
    thread.start()
    try:
        reason = _watch(query, timeout)
    except BaseException:
        _stop(query)
        raise
    if query.error is not None:
        raise query.error
    if query.table is None:
        raise QueryRefused(reason)
    return query.table


def settle(connection: Any, timeout: float) -> bool:
    """Stop the queries that are still at work on a connection, and wait; whether they all ended in time (seconds)."""
    end = time.monotonic() + timeout
    for query in [query for query in _at_work.copy() if query.connection is connection]:
        query.stopped = True
        while not query.done.wait(_TICK):
            query.interrupt()
            if time.monotonic() > end:
                return False
    return True


def _watch(query: _Query, timeout: float) -> str:
    """Wait for a query. Stops it when it takes too much, and says why."""
    deadline, size = time.monotonic() + timeout, _resident()
    while not query.done.wait(min(_TICK, max(0.001, deadline - time.monotonic()))):
        if time.monotonic() >= deadline:
            why = f"the query took longer than {timeout:g} s and was stopped"
            cure = "add a WHERE or a LIMIT, or give a longer timeout"
        elif size and _resident() - size > _MEMORY:
            why, cure = "the query needs more memory than is allowed here", "add a WHERE or a LIMIT"
        else:
            continue
        _stop(query)
        query.error = None  # that it was interrupted, which is said better here
        return f"{why}: {cure}"
    return ""


def _stop(query: _Query) -> None:
    query.stopped = True
    end = time.monotonic() + _GRACE
    while time.monotonic() < end:
        query.interrupt()
        if query.done.wait(_TICK):
            return


def _resident() -> int:
    """Bytes of memory of this process; 0 where the system does not say it at once."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * 4096
    except (OSError, ValueError, IndexError):
        return 0


@dataclass(slots=True, eq=False)
class _Query:
    """A query on its way, run by a thread of its own: one long call cannot be interrupted, but left behind."""

    connection: Any
    cursor: Any
    sql: str
    params: Sequence[Any] | Mapping[str, Any] | None
    limit: int
    done: threading.Event = field(default_factory=threading.Event)
    stopped: bool = False
    closed: bool = False
    table: Table | None = None
    error: BaseException | None = None
    tables: frozenset[str] = frozenset()
    open: threading.Lock = field(default_factory=threading.Lock)
    """Whoever interrupts must not meet the end: a connection that two threads call refuses one of them."""

    def interrupt(self) -> None:
        """Ask what is being executed to stop."""
        with self.open:
            if not self.closed:
                self.cursor.interrupt()

    def run(self) -> None:
        """Fill in ``table`` or ``error``."""
        try:
            table = self._table()
            if not self.stopped:
                self.table = table
        except BaseException as error:  # noqa: BLE001 - raised by who waits for it
            # Frames that a traceback keeps would keep the connection.
            self.error = error.with_traceback(None)
        finally:
            with self.open:
                self.closed = True
                self.cursor.close()
            _at_work.discard(self)
            self.done.set()

    def _table(self) -> Table:
        import duckdb

        try:
            params = self._bound()
            self.cursor.execute("BEGIN TRANSACTION READ ONLY")
            try:
                return self._fetched(params)
            finally:
                with contextlib.suppress(duckdb.Error):  # a query that failed may have ended the transaction
                    self.cursor.execute("ROLLBACK")
        except duckdb.OutOfMemoryException:
            text = "the query needs more memory than is allowed here: add a WHERE or a LIMIT"
        except duckdb.Error as error:
            text = explained(str(error), self._columns())
        raise QueryRefused(text) from None

    def _bound(self) -> Any:
        """Check the statement, put the bounds before its calls, and pick its parameters."""
        import duckdb

        found = self.cursor.extract_statements(self.sql)
        if len(found) != 1:
            raise QueryRefused(f"{len(found)} statements were given: {ALLOWED}")
        statement, sql = found[0], self.sql
        if statement.type == duckdb.StatementType.EXPLAIN:
            sql = _EXPLAIN.sub("", _uncommented(sql), count=1)
            found = self.cursor.extract_statements(sql)
            if len(found) != 1:
                raise QueryRefused(f"this EXPLAIN cannot be checked: {ALLOWED}")
        if found[0].type == duckdb.StatementType.MULTI and "pivot" in inspection.words(sql):
            inspection.check_words(sql, self._not_for_users())
            words = inspection.words(sql)
            functions, calls = frozenset(words), sum(word in bounds.NAMES for word in words)
        elif found[0].type == duckdb.StatementType.SELECT:
            ((text,),) = self.cursor.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
            usage = inspection.inspect(inspection.read_tree(text), self._known())
            functions, calls, self.tables = usage.functions, usage.bounded, usage.tables
        else:
            name = found[0].type.name
            raise QueryRefused(f"this is a {name} statement: {ALLOWED} Change threads through their graph.")
        bounds.bind(self.cursor, functions, calls)
        return picked(statement.named_parameters, self.params)

    def _fetched(self, params: Any) -> Table:
        result = self.cursor.execute(self.sql, params)
        described = result.description or ()
        names = [column[0] for column in described]
        zoned = [str(column[1]) == _ZONED for column in described]
        if any(zoned) and len({name.lower() for name in names}) == len(names):
            result.abort()
            rows = self._in_utc(params, names, zoned)
        else:
            rows = []
            while not self.stopped and len(rows) <= self.limit:
                batch = result.fetchmany(min(_BATCH, self.limit + 1 - len(rows)))
                if not batch:
                    break
                rows += batch
        return Table(names, rows[: self.limit], cut=self.limit if len(rows) > self.limit else None)

    def _in_utc(self, params: Any, names: list[str], zoned: list[bool]) -> list[tuple[Any, ...]]:
        """The rows, with times that have a zone as the views give them: in UTC. Fetching a zone would need pytz."""
        import duckdb

        wanted = []
        for name, is_zoned in zip(names, zoned, strict=True):
            column = duckdb.ColumnExpression(name)
            in_utc = duckdb.FunctionExpression("timezone", duckdb.ConstantExpression("UTC"), column)
            wanted.append(in_utc.alias(name) if is_zoned else column)
        relation = self.cursor.sql(self.sql, params=params).select(*wanted)
        rows: list[tuple[Any, ...]] = relation.limit(self.limit + 1).fetchall()
        return rows

    def _known(self) -> set[str]:
        """The names of the file's tables and views, in small letters."""
        rows = self.cursor.execute(
            "SELECT lower(table_name) FROM duckdb_tables() WHERE NOT internal UNION ALL"
            " SELECT lower(view_name) FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        return {name for (name,) in rows}

    def _not_for_users(self) -> set[str]:
        """The names of all table functions but the harmless ones, and of duckdb's own views."""
        rows = self.cursor.execute(
            "SELECT function_name FROM duckdb_functions() WHERE function_type IN ('table', 'table_macro', 'pragma')"
            " AND internal AND function_name NOT IN (SELECT unnest(?))"
            " UNION ALL SELECT view_name FROM duckdb_views() WHERE internal"
            " AND schema_name <> 'information_schema'",
            [sorted(inspection.TABLE_FUNCTIONS | {"repeat", "histogram", "show", "functions", "version", "platform"})],
        ).fetchall()
        return {name.lower() for (name,) in rows}

    def _columns(self) -> set[str]:
        """The columns of the views that the query names, or of all."""
        import duckdb

        try:
            rows = self.cursor.execute(
                "SELECT lower(table_name), column_name FROM duckdb_columns() WHERE NOT internal"
            ).fetchall()
        except duckdb.Error:
            return set()
        return {column for table, column in rows if not self.tables or table in self.tables}


def _uncommented(sql: str) -> str:
    """Without leading comments, so that EXPLAIN is found at the start."""
    return re.sub(r"\A(\s+|--[^\n]*(\n|\Z)|/\*.*?\*/)+", "", sql, flags=re.DOTALL)


_at_work: Final[set[_Query]] = set()
"""All queries of this process that have not ended."""
