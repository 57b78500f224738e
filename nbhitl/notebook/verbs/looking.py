"""The verbs of ``%graph`` that look at a run and its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbhitl.checkpoint.sql.table import Table
from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.engine.records import MISSING
from nbhitl.notebook import queries
from nbhitl.notebook.findings import Findings, findings_of
from nbhitl.notebook.verbs.verb import Verb
from nbhitl.words import plainly

if TYPE_CHECKING:
    from nbhitl.notebook.verbs.verb import Line


def where(line: Line) -> None:
    """Say where the run stands, and what can be done next."""
    worker = line.worker
    session, state = worker.session, worker.session.state()
    meta = state.metadata or {}
    answered = meta.get("stop") == "interrupted" and not state.interrupts
    status = "answered" if answered else meta.get("stop_text") or ("broken off" if state.metadata else "not run yet")
    status = "running" if session.busy else status
    print(f"Graph {session.name}, thread {session.thread}: {status}.")
    if state.next:
        print(f"Next: {', '.join(state.next)}.")
    for question in session.pending():
        print(f"Question of {session.node_of(question)}: {plainly(question.value)}")
    if len(state.interrupts) > 1:
        print("Answer in the forms, or: %graph answer NODE VALUE")
    elif state.interrupts:
        print("Answer in the form, or: %graph answer VALUE (JSON, key=value pairs, or text)")
    elif not state.next and state.metadata:
        print("Run the cell for a new run; %graph history shows how this one went.")
    elif state.next and not session.busy:
        print("Go on: %graph continue")


def state(line: Line) -> Any:
    """The state's values as they are now, or one of them."""
    values = dict(line.worker.session.state().values)
    if not line.words:
        return values
    found = values.get(line.words, MISSING)
    if found is MISSING:
        raise NbhitlError(
            f"%graph state: there is no value {line.words!r} in the state.{did_you_mean(line.words, values)}"
        )
    return found


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
    "state": Verb("state [KEY]", state),
    "history": Verb("history [N]", history),
    "lint": Verb("lint", lint),
    "threads": Verb("threads", threads),
    "sql": Verb("sql SELECT ...", sql),
}
