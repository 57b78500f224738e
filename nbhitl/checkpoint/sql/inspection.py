"""What a user's query calls and reads, out of its text and its parsed tree. Pure: it asks nothing of a database."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.file.schema import MACROS, VIEWS
from nbhitl.checkpoint.sql import bounds
from nbhitl.engine.errors import QueryRefused, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

ALLOWED: Final = "only one SELECT (or EXPLAIN, DESCRIBE, SHOW TABLES, SUMMARIZE) is run here."
_VIEWS: Final = f"Query the views: {', '.join(VIEWS)}."
TABLE_FUNCTIONS: Final = frozenset({"range", "generate_series", "unnest", "json_each", "json_tree", *MACROS})
"""Table functions that see only their arguments, and ours. All others might read files, settings or secrets."""
_REFUSED: Final = frozenset(
    {"sleep_ms", "pg_sleep", "getenv", "current_setting", "getvariable", "write_log", "nextval", "currval", "setval",
     "setseed", "parse_duckdb_log_message",
     # These take SQL as text, which would pass by here.
     "json_serialize_sql", "json_deserialize_sql", "json_serialize_plan",
     # These trust their bytes to be what duckdb itself made.
     "to_aggregate_state", "combine", "combine_aggr", "finalize", "variant_bytes_to_variant", "remap_struct"}
)  # fmt: skip
_RANDOM: Final = frozenset({"random", "uuid", "gen_random_uuid", "uuidv4", "uuidv7"})
_SCHEMAS: Final = frozenset({"", "main", "information_schema"})
_SHOWN: Final = frozenset({'"tables"', '"databases"', "__show_tables_expanded"})

_LONGEST: Final = 50_000
_BRACKETS: Final = 300
_DEEPEST: Final = 600
"""Levels of the parsed tree; a call is about three of them."""
_JOINS: Final = 60
_LAMBDAS: Final = 8
_WIDEST: Final = 10_000
"""The largest width in a constant format."""
_SIGNS: Final = re.compile(r"(?:(?:-(?!-)|[+~!@])(?:\s|/\*[^*]*\*/|--[^\n]*\n)*+){200}")
_MEANT: Final = re.compile(r"[A-Za-z_]\w*")
_CHANGING: Final = frozenset(
    {"insert", "update", "delete", "merge", "truncate", "create", "drop", "alter", "copy", "attach", "detach",
     "install", "load", "call", "execute", "set", "reset", "pragma", "import", "export", "checkpoint", "returning"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Usage:
    """What a query uses."""

    functions: frozenset[str]
    """Names of the scalar functions and aggregates."""
    tables: frozenset[str]
    """Names of tables and views; no WITH names."""
    bounded: int = 0
    """How many calls `bounds` has macros for."""


def check_text(sql: str) -> None:
    """Refuse a text that must not reach the parser: some take it gigabytes or minutes. Raises `QueryRefused`."""
    if len(sql) > _LONGEST:
        raise QueryRefused(
            f"the query has {len(sql):,} characters, and at most {_LONGEST:,} are taken: bind long values as parameters"
        )
    if "\0" in sql or not _encodes(sql):
        raise QueryRefused("the query has a character that is no text (a zero byte or half a surrogate): remove it")
    open_, deepest = 0, 0
    for character in sql:
        if character in "([{":
            open_ += 1
            deepest = max(deepest, open_)
        elif character in ")]}" and open_:
            open_ -= 1
    if deepest > _BRACKETS or _SIGNS.search(sql):
        raise QueryRefused(f"the query is nested more than {_BRACKETS} levels deep: make it simpler")


def _encodes(sql: str) -> bool:
    try:
        sql.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_tree(text: str) -> Any:
    """The tree that duckdb made of a query. Raises `QueryRefused`."""
    try:
        tree = json.loads(text)
    except RecursionError:
        raise QueryRefused("the query is nested too deeply: make it simpler") from None
    if tree.get("error"):
        raise QueryRefused(f"this query cannot be checked ({tree.get('error_message')}): {ALLOWED}")
    return tree


def inspect(tree: Any, known: Collection[str]) -> Usage:
    """Walk a parsed query. ``known`` has the names of the file's tables and views. Raises `QueryRefused`."""
    functions, tables, names = set[str](), set[str](), set[str]()
    joins = calls = 0
    stack: list[tuple[Any, int, bool, bool, int]] = [(tree, 0, False, False, 0)]  # item, depth, ...: see below
    while stack:
        item, depth, is_table, bounded, lambdas = stack.pop()
        if depth > _DEEPEST or lambdas > _LAMBDAS:
            raise QueryRefused("the query is nested too deeply: make it simpler")
        if isinstance(item, list):
            stack.extend((child, depth + 1, False, bounded, lambdas) for child in item)
        if not isinstance(item, dict):
            continue
        kind = item.get("type")
        if "function_name" in item:
            name = _checked_function(item, is_table, bounded)
            if not is_table:
                functions.add(name)
                calls += name in bounds.NAMES
                bounded = bounded or name in bounds.NAMES
        elif kind in ("BASE_TABLE", "SHOW_REF"):
            _add_table(item, tables)
        elif kind == "JOIN":
            joins += 1
        elif kind == "LAMBDA":
            lambdas += 1
        if isinstance(found := item.get("cte_map"), dict):
            names.update(str(entry.get("key", "")).lower() for entry in found.get("map", ()))
        if item.get("cte_name"):
            names.add(str(item["cte_name"]).lower())
        called = item.get("function") if kind == "TABLE_FUNCTION" else None
        stack.extend((child, depth + 1, child is called, bounded, lambdas) for child in item.values())
    if joins > _JOINS:
        raise QueryRefused(f"the query joins more than {_JOINS} tables: take it apart")
    _expect_known(tables - names, known)
    return Usage(frozenset(functions), frozenset(tables - names), calls)


def _checked_function(item: dict[str, Any], is_table: bool, bounded: bool) -> str:
    name = str(item.get("function_name", "")).lower()
    path = item.get("qualified_name", {}).get("path", ()) if isinstance(item.get("qualified_name"), dict) else ()
    if item.get("schema") or item.get("catalog") or len(path) > 1:
        raise QueryRefused(f"{'.'.join(map(str, path)) or name}(): call functions without a schema before their name")
    if is_table:
        if name not in TABLE_FUNCTIONS:
            near = difflib.get_close_matches(name, TABLE_FUNCTIONS, n=1)
            cure = f"Did you mean {near[0]!r}?" if near else _VIEWS
            raise QueryRefused(f"{name}() may read outside the threads, so it is not run here. {cure}")
    elif name in _REFUSED or (name.startswith("__") and name != "__postfix"):
        raise QueryRefused(f"{name}() is about the session and not about threads, so it is not run here: leave it out")
    elif bounded and name in _RANDOM:
        raise QueryRefused(f"{name}() cannot say how long a value is to be: compute it in a subquery or leave it out")
    elif name in ("printf", "format"):
        _check_format(name, item)
    return name


def _check_format(name: str, item: dict[str, Any]) -> None:
    """Widths in a format are read from its constant: they make a value of any size."""
    first = (item.get("arguments") or [{}])[0]
    part = first.get("expression", first) if isinstance(first, dict) else {}
    text = (part.get("literal") or {}).get("text") if part.get("class") == "CONSTANT" else None
    if text is None:
        raise QueryRefused(f"{name}() needs its format as a constant here")
    free = "*" in text if name == "printf" else re.search(r"{[^}]*{", text.replace("{{", ""))
    if free or any(int(width[:9]) > _WIDEST for width in re.findall(r"\d+", text)):
        raise QueryRefused(f"{name}() could make a value of more than {_WIDEST:,} characters: use a smaller width")


def _add_table(item: dict[str, Any], tables: set[str]) -> None:
    name, schema = str(item.get("table_name", "")), str(item.get("schema_name", "")).lower()
    if schema not in _SCHEMAS:
        raise QueryRefused(f"{schema}.{name} is about the database and not about threads. {_VIEWS}")
    if name and schema != "information_schema" and not (item.get("type") == "SHOW_REF" and name in _SHOWN):
        tables.add(name.strip('"').lower())


def _expect_known(tables: Collection[str], known: Collection[str]) -> None:
    for name in sorted(tables):
        if name not in known:
            raise QueryRefused(f"there is no view {name!r}.{did_you_mean(name, VIEWS)}")


def check_words(sql: str, refused: Collection[str]) -> None:
    """The check of a PIVOT without IN, of which duckdb makes several statements and gives no tree.

    ``refused`` has the names of the table functions and views that are not for users. Strict: a word counts wherever it
    stands, except in a text. Raises `QueryRefused`.
    """
    words = {word.lower() for word in _MEANT.findall(re.sub(r"'(?:[^']|'')*'", "''", sql))}
    wrong = words & (_CHANGING | _REFUSED | _RANDOM | {"printf", "format"} | set(refused))
    if wrong:
        raise QueryRefused(
            f"a PIVOT that looks for its columns itself must not have the word {min(wrong)!r}: name its columns,"
            " PIVOT ... ON column IN (value, ...)"
        )


def words(sql: str) -> list[str]:
    """Every word of a query, in small letters."""
    return [word.lower() for word in _MEANT.findall(sql)]
