"""The verbs of ``%graph`` that look at a run and its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbhitl.checkpoint.sql.table import Table
from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook import queries
from nbhitl.notebook.findings import Findings, findings_of
from nbhitl.notebook.verbs.verb import Verb

if TYPE_CHECKING:
    from nbhitl.notebook.verbs.verb import Line


def where(line: Line) -> None:
    """Say where the run stands, and what can be done next."""
    print(line.session.where())


def history(line: Line) -> Table:
    """The checkpoints of the thread, newest first; N of them when given."""
    if line.words and not line.words.isdecimal():
        raise NbhitlError(f"%graph history takes a number of checkpoints, not {line.words!r}.")
    rows = []
    for state in line.worker.session.history(int(line.words) if line.words else None):
        meta = state.metadata or {}
        id = state.config["configurable"]["checkpoint_id"]
        rows.append((meta.get("step"), meta.get("source"), ", ".join(state.next), meta.get("stop_text"), id))
    return Table(("step", "source", "next", "stopped", "checkpoint"), rows)


def lint(line: Line) -> Findings:
    """What the linter sees in the graph's code: traps of asking, each with its reason and its cure."""
    return findings_of(line.worker.session.graph)


def threads(line: Line) -> Table:
    """The threads in the checkpoint file."""
    return line.workspace.saver.sql(
        "SELECT graph, thread, status, step, updated_at FROM threads ORDER BY updated_at DESC"
    )


def sql(line: Line) -> Any:
    """Query the checkpoint file; without a query, list its views."""
    options, query = queries.split(line.words)
    return queries.run(line.workspace, query, options)


VERBS = {
    "where": Verb("where", where),
    "history": Verb("history [N]", history),
    "lint": Verb("lint", lint),
    "threads": Verb("threads", threads),
    "sql": Verb("sql SELECT ...", sql),
}
