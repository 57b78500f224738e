"""What the Tab key offers in a query: views, macros, columns, options, and after ``$`` the notebook's variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from IPython.core.completer import SimpleCompletion, context_matcher

from nbhitl.checkpoint.file.schema import MACROS, VIEWS
from nbhitl.engine.errors import NbhitlError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbhitl.notebook.workspace import Workspace

_OPTIONS: Final = ("--out", "--timeout", "--limit", "--db")
_KEYWORDS: Final = (
    "SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "QUALIFY", "LIMIT", "JOIN", "LEFT JOIN", "ASOF JOIN",
    "DESCRIBE", "SUMMARIZE", "EXPLAIN",
)  # fmt: skip
_LINE: Final = re.compile(r"\s*(?:\w+\s*=\s*)?%graph(?:\s+-[gt]\s+\S+)*\s+sql\s")
_WORD: Final = re.compile(r"(?:--|\$)?\w*\Z|--\Z")


def listen(workspace: Workspace) -> None:
    """Offer completions in the shell of a workspace; once, however often the extension is loaded."""
    matchers = workspace.shell.Completer.custom_matchers
    columns: list[str] = []

    @context_matcher(identifier="nbhitl")  # type: ignore[untyped-decorator]
    def matcher(context: Any) -> Any:
        found = _offered(workspace, columns, context)
        if found is None:
            return {"completions": []}
        fragment, names = found
        return {
            "completions": [SimpleCompletion(text=name, type="sql") for name in names],
            "matched_fragment": fragment,
            "suppress": True,  # names of Python would only be in the way
        }

    matchers[:] = [old for old in matchers if getattr(old, "matcher_identifier", "") != "nbhitl"]
    matchers.append(matcher)


def _offered(workspace: Workspace, columns: list[str], context: Any) -> tuple[str, list[str]] | None:
    """The word before the cursor, and what it can become; None where no query is written."""
    lines = context.full_text.split("\n")
    if context.cursor_line >= len(lines):
        return None
    before = lines[context.cursor_line][: context.cursor_position]
    in_cell = context.full_text.lstrip().startswith("%%graph_sql")
    if not in_cell and not _LINE.match(before):
        return None
    if before.lstrip().startswith("%%") and not re.match(r"\s*%%graph_sql\s", before):
        return None  # the magic's own name is being written
    word = match[0] if (match := _WORD.search(before)) else ""
    if word.startswith("$"):
        hidden = getattr(workspace.shell, "user_ns_hidden", {})
        names: Iterable[str] = (f"${name}" for name in workspace.shell.user_ns if name not in hidden and name[0] != "_")
    elif word.startswith("--") or (in_cell and context.cursor_line == 0):
        names = _OPTIONS
    else:
        names = (*VIEWS, *(f"{name}(" for name in MACROS), *_columns(workspace, columns), *_KEYWORDS)
    return word, sorted({name for name in names if name.lower().startswith(word.lower())})


def _columns(workspace: Workspace, known: list[str]) -> list[str]:
    """The columns of the views; read once, and only from a file that is open."""
    if not known and workspace.is_open:
        try:
            table = workspace.saver.sql("SELECT DISTINCT column_name FROM information_schema.columns", timeout=1.0)
        except NbhitlError:
            return known
        known += [name for (name,) in table]
    return known
