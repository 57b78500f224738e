"""The verbs of ``%graph`` that say where a run stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nbhitl.checkpoint.sql.table import Table
from nbhitl.drawing.ways import Join, Stub, ways
from nbhitl.drawing.ways import Line as Edge
from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.verbs.arguments import Arguments
from nbhitl.notebook.verbs.verb import Verb, split

if TYPE_CHECKING:
    from nbhitl.debugging.breakpoint import Breakpoint
    from nbhitl.notebook.verbs.verb import Line
    from nbhitl.session import Session

_USAGE: Final = "break NODE [--after] [--if EXPR] [--hits N|>=N|%N] [--log TEXT] [--branch N] [--once] [--disabled]"
BREAK = (
    Arguments("break", f"{_USAGE}, or: break --on error|interrupt|edge A->B|change KEY", raw=("if", "log", "on"))
    .argument("nodes", nargs="*", metavar="NODE", help="where: a node, or its path into sub-graphs: review/ask")
    .argument("--after", action="store_true", help="stop when the node has run, before its result is merged")
    .argument("--hits", default="", metavar="N", help="3: at the third hit; >=3: from the third on; %%3: at each third")
    .argument("--branch", type=int, metavar="N", help="of a node that a fan-out runs several times: which, from 0")
    .argument("--once", action="store_true", help="remove it when it has stopped a run")
    .argument("--disabled", action="store_true", help="keep it without an effect: see enable")
)
_DETAILS: Final = """\
--if EXPR     stop where it is true: the state's keys are names, e.g. --if score > 3 and "tea" in topic
              also: arg, the input of a task that was sent; error and error_type; question
--log TEXT    print TEXT in place of stopping; expressions in braces: --log "score is {score}"
--on WHAT     error: a node raises; interrupt: a node asks, also where answers are scripted;
              edge A->B: the run goes from A to B; change KEY: a node writes another value of KEY.
              A NODE beside error, interrupt or change makes it that node's alone.

examples:
  %graph break publish
  %graph break review --after --if decision == "revise" --hits >=2
  %graph break draft --log "draft has {len(draft)} characters"
  %graph break --on change score
  %graph break --on edge review->publish --once

Breakpoints are kept with the graph, over restarts of the kernel. %graph breaks lists them."""


def break_(line: Line) -> None:
    """Stop before a node, after it, or when something happens; kept with the graph until it is removed."""
    given = BREAK.read(line.words)
    if not given.nodes and not given.on:
        raise NbhitlError(f"say which node: %graph {_USAGE}. Or when: --on error, interrupt, edge A->B, change KEY.")
    session = line.session
    for node in given.nodes or [""]:
        point = session.break_(
            node,
            after=given.after,
            on=given.on,
            condition=getattr(given, "if"),
            hits=given.hits,
            log=given.log,
            branch=given.branch,
            once=given.once,
            enabled=not given.disabled,
        )
        print(f"Breakpoint {point.words}.{_doubt(session, point)}")
    line.workspace.repaint(session.name)


def _doubt(session: Session, point: Breakpoint) -> str:
    """That no edge of the graph leads this way: a `Command` may all the same, so it is no mistake."""
    if point.kind != "edge" or "/" in point.node:
        return ""
    for way in ways(session.graph):
        match way:
            case Edge(source, target) if (source, target) == (point.node, point.target):
                return ""
            case Join(sources, target) if point.node in sources and target == point.target:
                return ""
            case Stub(source) if source == point.node:
                return ""
    return f" The graph has no edge from {point.node} to {point.target}: only a Command can go this way."


def unbreak(line: Line) -> None:
    """Remove a breakpoint, by its node or its name in the list; or all of them."""
    session = line.session
    for name in _names(session, line.words, "unbreak NODE|NAME|all"):
        point = session.remove_breakpoint(name)
        print(f"Removed: {point.words}.")
    line.workspace.repaint(session.name)


def enable(line: Line) -> None:
    """Switch a breakpoint on again, or all of them."""
    _switch(line, on=True)


def disable(line: Line) -> None:
    """Keep a breakpoint without an effect, or all of them."""
    _switch(line, on=False)


def _switch(line: Line, *, on: bool) -> None:
    session = line.session
    for name in _names(session, line.words, f"{'enable' if on else 'disable'} NODE|NAME|all"):
        point = session.enable_breakpoint(name, on)
        print(f"{'Enabled' if on else 'Disabled'}: {point.words}.")
    line.workspace.repaint(session.name)


def _names(session: Session, words: str, usage: str) -> list[str]:
    """The breakpoints that are meant. A name may have spaces in it: ``change score``."""
    points = session.breakpoints
    if words == "all":
        return list(points)
    if words in points:
        return [words]
    names = split(words, usage)
    if not names:
        known = ", ".join(points) or "none is set"
        raise NbhitlError(f"say which breakpoint: %graph {usage}. There are: {known}.")
    if all(session.has_breakpoint(name) for name in names):
        return names
    return [" ".join(names)] if len(names) > 1 and " ".join(names) in points else names


def breaks(line: Line) -> Table:
    """List the breakpoints of the graph, with how often this thread has hit them."""
    session = line.session
    hits = session.hits
    rows = [(id, point.words, hits.get(id, 0), _note(session, point)) for id, point in session.breakpoints.items()]
    return Table(("name", "stops", "hits", "note"), rows)


def _note(session: Session, point: Breakpoint) -> str:
    gone = [path for path in (point.node, point.target) if path and not session.has_node(path)]
    parts = [f"no node {path!r} now" for path in gone]
    return ", ".join([*parts, *([] if point.enabled else ["disabled"])])


VERBS = {
    "break": Verb(_USAGE, break_, f"{BREAK.options()}\n{_DETAILS}", takes=("node", "key")),
    "breaks": Verb("breaks", breaks),
    "unbreak": Verb("unbreak NODE|NAME|all", unbreak, takes=("breakpoint",)),
    "enable": Verb("enable NODE|NAME|all", enable, takes=("breakpoint",)),
    "disable": Verb("disable NODE|NAME|all", disable, takes=("breakpoint",)),
}
