"""What duckdb says about a user's query, in one line of ours with the cure. Only text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from nbhitl.checkpoint.file.schema import MACROS, VIEWS
from nbhitl.checkpoint.sql.inspection import ALLOWED
from nbhitl.engine.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

_KIND: Final = re.compile(r"^(?:[A-Z][A-Za-z-]* )+(?:Error|Exception): ")
_COLUMN: Final = re.compile(
    r'Referenced (?:column|table) "([^"]+)" not found'
    r'|does not have a column named "([^"]+)"'
    r'|column "?([^"\s]+)"? not found',
    re.IGNORECASE,
)
_TABLE: Final = re.compile(r"(?:Table|View) with name \"?([^\s\"]+)\"? does not exist")
_FUNCTION: Final = re.compile(r'(?:Function|Macro)[\w\s]* with name "?([^\s"]+)"? does not exist')
_MEANT: Final = re.compile(r'Did you mean "([^"]+)"')
_AT: Final = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)
_LONGEST: Final = 300
_AROUND: Final = 20
"""Characters of the query that are shown on each side of a mistake."""


def explained(text: str, columns: Collection[str] = ()) -> str:
    """A short message out of duckdb's; ``columns`` are those of the views in the query."""
    if found := _COLUMN.search(text):
        name = next(group for group in found.groups() if group)
        return f"there is no column {name!r} here.{did_you_mean(name, columns)}{_where(text)}"
    if found := _TABLE.search(text):
        return f"there is no view {found[1]!r}.{did_you_mean(found[1], [*VIEWS, *MACROS])}"
    if found := _FUNCTION.search(text):
        near = _MEANT.search(text)
        return f"there is no function {found[1]}().{f' Did you mean {near[1]!r}?' if near else ''}{_where(text)}"
    if "disabled by configuration" in text or "external access" in text.lower():
        return "the query reads outside the checkpoint file, which is not allowed here: query the views."
    if "read-only" in text.lower():
        return f"the query would change the file: {ALLOWED}"
    if "pytz" in text:
        return "a time with a zone can only be fetched with pytz: CAST(... AS TIMESTAMP), or pip install pytz"
    first = _KIND.sub("", text.partition("\n")[0])
    return (first if len(first) <= _LONGEST else first[: _LONGEST - 1] + "…") + _where(text)


def _where(text: str) -> str:
    """The place of a mistake, as line and column, and what stands there."""
    found = _AT.search(text)
    if not found:
        return ""
    line, shown, spaces = int(found[1]), found[2], found[3]
    at = len(spaces) - len(f"LINE {line}: ")
    if not 0 <= at <= len(shown):
        return f" (line {line})"
    before, after = shown[max(0, at - _AROUND) : at], shown[at : at + _AROUND]
    here = f"{before.lstrip()}⟨here⟩{after.rstrip()}"
    column = "" if shown.startswith("...") else f", column {at + 1}"  # duckdb shows a piece of a long line
    return f" (line {line}{column}: {here})"
