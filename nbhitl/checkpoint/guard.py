"""The gates before a user's SQL: one statement, read-only, inside the file, bounded.

Each gate alone has been got round in tests; the instance's own settings (`nbhitl.checkpoint.opening`) are the
others. Gates here: exactly one SELECT or EXPLAIN; a walk over its parsed tree; a read-only transaction that
is rolled back; duckdb's time limit; a cap on rows.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.schema import VIEWS
from nbhitl.checkpoint.table import Table
from nbhitl.engine.errors import QueryRefused, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROW_CAP: Final = 10_000
_TABLE_FUNCTIONS: Final = frozenset({"range", "generate_series", "unnest", "json_each", "json_tree"})
"""Table functions that see only their arguments. Everything else might read files, settings or secrets."""
_BLOWING_UP: Final = frozenset(
    {
        "repeat",
        "lpad",
        "rpad",
        "range",
        "generate_series",
        "list_resize",
        "array_resize",
        "printf",
        "format",
        "to_base",
        "bitstring",
        "replace",
        "regexp_replace",
        "translate",
    }
)
_REPLACING: Final = frozenset({"replace", "regexp_replace", "translate"})
"""One call can make a value of gigabytes, in a loop that no time limit interrupts."""
_SECRETIVE: Final = frozenset(
    {"sleep_ms", "getenv", "current_setting", "write_log", "getvariable", "nextval", "currval"}
)
_LARGEST_VALUE: Final = 1_000_000
_EXPLAIN: Final = re.compile(r"\s*explain\b(\s+analyze\b)?(\s*\([^()]*\))?", re.IGNORECASE)
_ALLOWED: Final = "only one SELECT (or EXPLAIN, DESCRIBE, SHOW TABLES, SUMMARIZE) is run here."


def run(cursor: Any, sql: str, params: Sequence[Any] | Mapping[str, Any] | None, timeout: float) -> Table:
    """Run one query on a cursor of its own. ``timeout`` in seconds. Raises `QueryRefused` with the cure."""
    import duckdb

    try:
        _check_statement(cursor, sql)
        cursor.execute(f"SET max_execution_time = {max(1, int(timeout * 1000))}")
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        try:
            cursor.execute(sql, params)
            columns = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchmany(ROW_CAP + 1)
        finally:
            _roll_back(cursor)
    except duckdb.InterruptException as error:
        raise QueryRefused(
            f"the query took longer than {timeout:g} s and was stopped: add a WHERE or a LIMIT, or give a"
            " longer timeout"
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise QueryRefused("the query needs more memory than is allowed here: add a WHERE or a LIMIT") from error
    except duckdb.Error as error:
        raise QueryRefused(_explained(str(error))) from error
    except RuntimeError as error:
        if "interrupt" in str(error).lower():  # Ctrl-C while a query runs
            raise KeyboardInterrupt from error
        raise
    return Table(columns, rows[:ROW_CAP], cut=ROW_CAP if len(rows) > ROW_CAP else None)


def _check_statement(cursor: Any, sql: str) -> None:
    import duckdb

    found = cursor.extract_statements(sql)
    if len(found) != 1:
        raise QueryRefused(f"{len(found)} statements were given: {_ALLOWED}")
    if found[0].type == duckdb.StatementType.EXPLAIN:
        inner = _EXPLAIN.sub("", _uncommented(sql), count=1)
        found = cursor.extract_statements(inner)
        if len(found) != 1:
            raise QueryRefused(f"this EXPLAIN cannot be checked: {_ALLOWED}")
        sql = inner
    if found[0].type != duckdb.StatementType.SELECT:
        raise QueryRefused(f"this is a {found[0].type.name} statement: {_ALLOWED} Change threads through their graph.")
    ((text,),) = cursor.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    tree = json.loads(text)
    if tree.get("error"):
        raise QueryRefused(f"this query cannot be checked ({tree.get('error_message')}): {_ALLOWED}")
    _check_tree(tree)


def _uncommented(sql: str) -> str:
    """Without leading comments, so that EXPLAIN is found at the start."""
    return re.sub(r"\A(\s+|--[^\n]*(\n|\Z)|/\*.*?\*/)+", "", sql, flags=re.DOTALL)


def _check_tree(tree: Any) -> None:
    largest = 1
    for node, is_table in _functions(tree, False):
        name = str(node.get("function_name", "")).lower()
        if is_table:
            if name not in _TABLE_FUNCTIONS:
                raise QueryRefused(
                    f"{name}() may read outside the threads, so it is not run here. Query the views:"
                    f" {', '.join(VIEWS)}."
                )
        elif name in _SECRETIVE:
            raise QueryRefused(
                f"{name}() is about the session and not about threads, so it is not run here: leave it out"
            )
        elif name in _BLOWING_UP:
            largest *= _bound(name, node)
            if largest > _LARGEST_VALUE:
                raise QueryRefused(
                    f"{name}() could make a value of more than {_LARGEST_VALUE:,} characters: use smaller constants"
                )


def _functions(node: Any, is_table: bool) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every function call of a parsed query, and whether it stands where a table does."""
    stack = [(node, is_table)]
    while stack:
        item, table = stack.pop()
        if isinstance(item, list):
            stack.extend((child, False) for child in item)
        elif isinstance(item, dict):
            if "function_name" in item:
                yield item, table
            called = item.get("function") if item.get("type") == "TABLE_FUNCTION" else None
            stack.extend((child, child is called) for child in item.values())


def _bound(name: str, node: dict[str, Any]) -> int:
    """How much larger a call can make a value, from its constants; what is no constant counts as too much."""
    bound = 1
    for i, argument in enumerate(node.get("arguments", [])):
        part = argument.get("expression", argument) if isinstance(argument, dict) else {}
        sign = part.get("arguments", [{}])[0].get("expression", {}) if part.get("function_name") == "-" else part
        literal = sign.get("literal") if sign.get("class") == "CONSTANT" else None
        text = str(literal.get("text", "")) if isinstance(literal, dict) else None
        if name in ("printf", "format"):
            if i == 0:
                widths = (
                    re.findall(r"\d+", text) if text is not None and "*" not in text and "{}}" not in text else None
                )
                if widths is None or (name == "format" and re.search(r"{[^}]*{", text or "")):
                    return _LARGEST_VALUE + 1
                bound = max([bound, *map(int, widths)])
        elif i == 0 and name not in ("range", "generate_series"):
            continue  # the value that is made larger
        elif text is None:
            return _LARGEST_VALUE + 1
        elif name in _REPLACING:
            bound = max(bound, len(text) if i == 2 else 1)
        elif re.fullmatch(r"\d{1,18}", text):
            bound = max(bound, int(text))
        elif re.fullmatch(r"[-\d.eE+]+", text):
            return _LARGEST_VALUE + 1
    return bound


def _roll_back(cursor: Any) -> None:
    import duckdb

    with contextlib.suppress(duckdb.Error):  # a query that failed may have ended the transaction
        cursor.execute("ROLLBACK")


def _explained(text: str) -> str:
    first = text.partition("\n")[0]
    missing = re.search(r"(?:Table|View) with name \"?([^\s\"]+)\"? does not exist", text)
    if missing:
        return f"there is no view {missing[1]!r}.{did_you_mean(missing[1], VIEWS)}"
    if "disabled by configuration" in text or "external access" in text.lower():
        return "the query reads outside the checkpoint file, which is not allowed here: query the views."
    if "read-only" in text.lower():
        return f"the query would change the file: {_ALLOWED}"
    return f"{first} (views: {', '.join(VIEWS)})"
