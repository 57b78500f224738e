"""The verbs of ``%graph`` that say where a run stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbhitl.checkpoint.sql.table import Table
from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.notebook.verbs.verb import Verb, split

if TYPE_CHECKING:
    from nbhitl.notebook.verbs.verb import Line


def break_(line: Line) -> None:
    """Stop before a node; kept with the graph until it is removed."""
    worker = line.worker
    for node in _names(line.words, "break NODE"):
        worker.session.set_breakpoint(node)
        print(f"Breakpoint before {node}.")
    line.workspace.repaint(worker.session.name)


def unbreak(line: Line) -> None:
    """Remove the breakpoint of a node, or of all nodes."""
    worker = line.worker
    points = worker.session.breakpoints
    names = list(points) if line.words == "all" else _names(line.words, "unbreak NODE, or: %graph unbreak all")
    for node in names:
        if node not in points:
            raise NbhitlError(f"%graph unbreak: there is no breakpoint at {node!r}.{did_you_mean(node, points)}")
        worker.session.set_breakpoint(node, on=False)
    line.workspace.repaint(worker.session.name)


def breaks(line: Line) -> Table:
    """List the breakpoints of the graph."""
    session = line.worker.session
    known = session.graph.nodes
    rows = [(node, "" if node in known else "no such node now") for node in sorted(session.breakpoints)]
    return Table(("stops before", "note"), rows)


def _names(words: str, usage: str) -> list[str]:
    names = split(words, usage)
    if not names:
        raise NbhitlError(f"say which node: %graph {usage}")
    return names


VERBS = {
    "break": Verb("break NODE", break_),
    "unbreak": Verb("unbreak NODE|all", unbreak),
    "breaks": Verb("breaks", breaks),
}
