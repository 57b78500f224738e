"""SQL in the notebook: ``%%graph_sql`` and ``%graph sql``. One guarded query, its result as a DataFrame or a table."""

from __future__ import annotations

import builtins
import importlib.util
import inspect
import keyword
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.file.copies import snapshot
from nbhitl.checkpoint.file.schema import MACROS, VIEWS
from nbhitl.checkpoint.sql.guard import ROW_CAP
from nbhitl.checkpoint.sql.table import Table
from nbhitl.engine.errors import NbhitlError, did_you_mean

if TYPE_CHECKING:
    from nbhitl.checkpoint.duckdb import DuckDBSaver
    from nbhitl.notebook.workspace import Workspace

TIMEOUT: Final = 10.0
LIMIT: Final = ROW_CAP
_OPTION: Final = re.compile(r"--([A-Za-z]\w*)(?:=|\s+|$)(\"[^\"]*\"|'[^']*'|[^\s\"'-]\S*|)\s*")
EXAMPLES: Final = """Examples:

    %%graph_sql
    SELECT thread, step, node, answer FROM answers WHERE answered_by = $user ORDER BY answered_at

    %%graph_sql --out scores --limit 100
    SELECT step, CAST(value AS DOUBLE) AS score FROM state WHERE key = 'score'
"""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a query in a notebook."""

    out: str | None = None
    """The variable that gets the result."""
    timeout: float = TIMEOUT
    """Seconds."""
    limit: int = LIMIT
    """Rows."""
    db: str | None = None
    """Another checkpoint file; a copy of it is looked at."""


def run(workspace: Workspace, sql: str, options: Options) -> Any:
    """Run one query on the notebook's file; without a query, list the views.

    ``$name`` in it takes the value of the notebook's variable of that name, bound as a parameter.

    Returns:
        A pandas DataFrame, or a `Table` where there is no pandas; None when it was given to ``options.out``.

    Raises:
        QueryRefused: in one line, with the cure.
        NbhitlError: a mistake in the options.
    """
    if not sql.strip():
        print("A query of the checkpoint file, e.g.: SELECT * FROM answers. These can be asked:")
        return views()
    _check(options)
    hidden = getattr(workspace.shell, "user_ns_hidden", {})
    space = workspace.shell.user_ns
    values = {name: value for name, value in space.items() if name not in hidden}
    with _saver(workspace, options.db) as saver:
        table = saver.sql(sql, values, timeout=options.timeout, limit=options.limit)
    result = framed(table)
    if options.out is None:
        if table.limit_note and result is not table:
            print(f"Note: {table.limit_note}.")
        return result
    print(_assigned(space, options.out, result, table))
    return None


def split(words: str) -> tuple[Options, str]:
    """The options at the beginning of a ``%graph sql`` line, and the query. Raises `NbhitlError`."""
    options = Options()
    while match := _OPTION.match(words):
        name, value = match[1], match[2].strip("\"'")
        if name not in ("out", "timeout", "limit", "db"):
            known = ("--out", "--timeout", "--limit", "--db")
            raise NbhitlError(f"%graph sql --{name}: there is no such option.{did_you_mean(f'--{name}', known)}")
        if not value:
            raise NbhitlError(f"%graph sql --{name} needs a value.")
        given: dict[str, Any] = {name: _number(name, value) if name in ("timeout", "limit") else value}
        options = replace(options, **given)
        words = words[match.end() :]
    return options, words


def views() -> Table:
    """The views and macros that can be asked, with a sentence each."""
    return Table(("name", "what it has"), [*VIEWS.items(), *_macros()])


def described() -> str:
    """The views and macros as text, for a docstring."""
    return "\n".join(f"    {name}: {sentence}" for name, sentence in [*VIEWS.items(), *_macros()])


def _macros() -> list[tuple[str, str]]:
    """A macro's sentence begins with how it is called."""
    return [(call, sentence) for call, _, sentence in (text.partition(": ") for text in MACROS.values())]


def framed(table: Table) -> Any:
    """A DataFrame where pandas is installed (it is imported only now), else the table."""
    if importlib.util.find_spec("pandas") is None:
        return table
    try:
        return table.df()
    except ImportError:  # it is there and broken
        return table


def _number(name: str, value: str) -> float | int:
    try:
        return float(value) if name == "timeout" else int(value)
    except ValueError:
        raise NbhitlError(f"--{name} takes a number, not {value!r}.") from None


def _check(options: Options) -> None:
    if not 0 < options.timeout <= 3600:
        raise NbhitlError(f"--timeout takes seconds, more than 0 and at most 3600, not {options.timeout:g}.")
    if not 0 < options.limit <= LIMIT:
        raise NbhitlError(
            f"--limit takes 1 to {LIMIT} rows, not {options.limit}. For more, aggregate in SQL, or"
            " %graph export FOLDER."
        )
    out = options.out
    if out is not None and (not out.isidentifier() or keyword.iskeyword(out)):
        raise NbhitlError(f"--out {out}: this cannot be a variable's name.")


@contextmanager
def _saver(workspace: Workspace, db: str | None) -> Iterator[DuckDBSaver]:
    if db is None or Path(db).expanduser().resolve() == workspace.path.expanduser().resolve():
        yield workspace.saver
        return
    path = Path(db).expanduser()
    if not path.is_file():
        near = sorted(str(p) for p in Path(".nbhitl").glob("*.duckdb"))
        raise NbhitlError(f"--db {db}: there is no such file.{did_you_mean(db, near)}")
    with snapshot(path) as copy:  # it may be a running kernel's; and looking must not migrate it
        yield copy


def _assigned(space: dict[str, Any], name: str, result: Any, table: Table) -> str:
    """Give the result to a variable, and say so in a line."""
    before = space.get(name)
    was = ""
    if inspect.isroutine(before) or inspect.isclass(before) or inspect.ismodule(before):
        kind = "module" if inspect.ismodule(before) else "class" if inspect.isclass(before) else "function"
        was = f" It was a {kind} before."
    elif name not in space and hasattr(builtins, name):
        was = f" It hides Python's own {name}."
    space[name] = result
    rows, columns = len(table), len(table.columns)
    note = f" Note: {table.limit_note}." if table.limit_note else ""
    return (
        f"{name}: {type(result).__name__}, {rows} row{'' if rows == 1 else 's'} x {columns}"
        f" column{'' if columns == 1 else 's'}.{was}{note}"
    )
