"""What the Tab key offers: behind ``%graph`` verbs, nodes and options; in a query views, columns and variables.

The first line of a ``%%graph`` cell has a module of its own, `cell_completion`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, assert_never

from IPython.core.completer import SimpleCompletion, context_matcher

from nbhitl.checkpoint.file.schema import MACROS, VIEWS
from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.cell_completion import of_cell
from nbhitl.notebook.verbs import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbhitl.notebook.verbs.verb import Takes
    from nbhitl.notebook.workspace import Workspace
    from nbhitl.session import Session

_OPTIONS: Final = ("--out", "--timeout", "--limit", "--db")
_KEYWORDS: Final = (
    "SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "QUALIFY", "LIMIT", "JOIN", "LEFT JOIN", "ASOF JOIN",
    "DESCRIBE", "SUMMARIZE", "EXPLAIN",
)  # fmt: skip
_VERB: Final = re.compile(
    r"\s*(?:\w+\s*=\s*)?%graph(?P<address>(?:\s+-[gt]\s+\S+)*)\s+(?:(?P<verb>[\w-]+)\s+)?(?P<words>.*)\Z"
)
_EXPRESSION: Final = re.compile(r"--(?:if|on|log)\s")
_NAME: Final = re.compile(r"[^\s]*\Z")
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
        fragment, names, kind = found
        return {
            "completions": [SimpleCompletion(text=name, type=kind) for name in names],
            "matched_fragment": fragment,
            "suppress": True,  # names of Python would only be in the way
        }

    matchers[:] = [old for old in matchers if getattr(old, "matcher_identifier", "") != "nbhitl"]
    matchers.append(matcher)
    cleanup = workspace.shell.input_transformers_cleanup
    if help_of_verbs not in cleanup:
        cleanup.append(help_of_verbs)


def _offered(workspace: Workspace, columns: list[str], context: Any) -> tuple[str, list[str], str] | None:
    """The word before the cursor, what it can become, and what these are called; None where neither is written."""
    lines = context.full_text.split("\n")
    if context.cursor_line >= len(lines):
        return None
    before = lines[context.cursor_line][: context.cursor_position]
    if context.cursor_line == 0 and (found := of_cell(workspace, context.full_text, before)) is not None:
        return (*found, "graph")
    in_cell = context.full_text.lstrip().startswith("%%graph_sql")
    line = _VERB.match(before)
    if not in_cell and line is None:
        return None
    if line is not None and line["verb"] != "sql":
        return (*_of_verb(_session(workspace, line["address"]), workspace, line["verb"], line["words"]), "graph")
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
    return word, sorted({name for name in names if name.lower().startswith(word.lower())}), "sql"


def _session(workspace: Workspace, address: str) -> Session | None:
    """The session that a line is about."""
    given = dict(re.findall(r"-([gt])\s+(\S+)", address))
    try:
        return workspace.find(given.get("g"), given.get("t")).session
    except NbhitlError:
        return None


def _of_verb(session: Session | None, workspace: Workspace, name: str | None, words: str) -> tuple[str, list[str]]:
    """What can follow ``%graph``, or one of its verbs."""
    word = match[0] if (match := _NAME.search(words)) else ""
    verb = VERBS.get(name or "")
    names: Iterable[str] = ()
    if name is None:
        names = VERBS
    elif verb is not None and word.startswith("-"):
        names = re.findall(r"--[a-z-]+", verb.usage + verb.details)
    elif verb is not None:
        place = name == "break" and not _EXPRESSION.search(words)  # its keys stand in expressions, behind options
        kinds = [takes for takes in verb.takes if not (place and takes == "key")]
        names = (offered for takes in kinds for offered in _names(session, workspace, takes))
    return word, sorted({name for name in names if name.startswith(word)})


def _names(session: Session | None, workspace: Workspace, takes: Takes) -> Iterable[str]:
    if takes == "verb":
        return VERBS
    if session is None:
        return ()
    match takes:
        case "node":
            return session.nodes()
        case "breakpoint":
            return [*session.breakpoints, "all"]
        case "key":
            return session.graph.channels
        case "thread":
            return [key.thread for key in workspace.all_stored(session.name)]
        case "branch":
            return [name for branch in session.branches() if " " not in (name := branch.name)]
        case _:
            assert_never(takes)


def help_of_verbs(lines: list[str]) -> list[str]:
    """A cell's lines, in which ``%graph break?`` asks for help: IPython itself would look for an object ``break``."""
    return [_HELP.sub(r"\1%graph help \2", line) for line in lines]


_HELP: Final = re.compile(r"^(\s*)%graph\s+([\w-]+)\s*\?{1,2}\s*?(?=\n?\Z)")


def _columns(workspace: Workspace, known: list[str]) -> list[str]:
    """The columns of the views; read once, and only from a file that is open."""
    if not known and workspace.is_open:
        try:
            table = workspace.saver.sql("SELECT DISTINCT column_name FROM information_schema.columns", timeout=1.0)
        except NbhitlError:
            return known
        known += [name for (name,) in table]
    return known
