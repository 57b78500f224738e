"""The verbs of ``%graph`` that go back in time, and look at the branches that come of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.travelling.branch_tree import BranchTree, SideBySide
from nbhitl.notebook.travelling.foreseen import Foreseen
from nbhitl.notebook.travelling.timeline import SHOWN, Timeline, timeline_of
from nbhitl.notebook.travelling.travel import Trip, foresee
from nbhitl.notebook.verbs.arguments import Arguments
from nbhitl.notebook.verbs.verb import Verb
from nbhitl.session.what_if import STEPS

if TYPE_CHECKING:
    from nbhitl.engine.records import Stopped
    from nbhitl.notebook.verbs.verb import Line
    from nbhitl.session import Session

_STEP: Final = "a step's number, or how a checkpoint's id begins or ends; %%graph timeline shows them"
BACK = (
    Arguments("back", "back [N | --to STEP]")
    .argument("count", nargs="?", type=int, default=1, metavar="N", help="so many super-steps; 1 by default")
    .argument("--to", metavar="STEP", help=_STEP)
)
REWIND = Arguments("rewind", "rewind NODE").argument("node", metavar="NODE", help="a node, or its path: review/ask")
GOTO = Arguments("goto", "goto NODE").argument("node", metavar="NODE", help="a node of the graph itself")
FORK = (
    Arguments("fork", "fork [STEP] [--set KEY=VALUE ...] [--as NODE] [--name NAME]")
    .argument("step", nargs="?", metavar="STEP", help=f"{_STEP}; by default where the thread stands")
    .argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="values: JSON, or text")
    .argument("--as", metavar="NODE", dest="as_node", help="who counts as the writer; what follows it is due then")
    .argument("--name", default="", metavar="NAME", help="what the branch is called")
)
SWITCH = Arguments("switch", "switch BRANCH").argument(
    "branch", metavar="BRANCH", help="its name, its number, or how a checkpoint's id on it begins or ends"
)
BRANCH = (
    Arguments("branch", "branch NAME [OF]")
    .argument("name", metavar="NAME", help="the new name; with spaces in quotes")
    .argument("of", nargs="?", default="", metavar="OF", help="which branch; by default where the thread stands")
)
BRANCHES = Arguments("branches", "branches [--all]").argument(
    "--all", action="store_true", help="those on which nothing was done, too"
)
COMPARE = (
    Arguments("compare", "compare BRANCH [BRANCH]")
    .argument("one", metavar="BRANCH", help="a name, a number, or how a checkpoint's id begins or ends")
    .argument("other", nargs="?", default="", metavar="BRANCH", help="by default where the thread stands")
)
TIMELINE = Arguments("timeline", "timeline [N]").argument(
    "count", nargs="?", type=int, metavar="N", help="only the last N steps, as a table"
)
WHAT_IF = (
    Arguments("what-if", "what-if [ANSWER ...] [--steps N] [--keep]")
    .argument("answers", nargs="*", metavar="ANSWER", help="KEY=VALUE for a field of the answer, or JSON, or text")
    .argument("--steps", type=int, default=STEPS, metavar="N", help=f"super-steps each may take; {STEPS} by default")
    .argument("--keep", action="store_true", help="leave the runs as threads of their own: demo~what-if-1")
)


def back(line: Line) -> None:
    """Stand before the last step again, or N steps ago, on a branch of its own; nothing is run."""
    given = BACK.read(line.words)
    _travel(line, lambda session: session.back(given.count, to=given.to))


def rewind(line: Line) -> None:
    """Stand before the last run of NODE again, on a branch of its own; nothing is run."""
    given = REWIND.read(line.words)
    _travel(line, lambda session: session.rewind(given.node))


def goto(line: Line) -> None:
    """Make NODE the next one: what was due is dropped, with its questions; nothing is run."""
    given = GOTO.read(line.words)
    _travel(line, lambda session: session.goto(given.node))


def fork(line: Line) -> None:
    """Begin a branch at a step, with edited values where some are given; nothing is run."""
    given = FORK.read(line.words)
    values = dict(_pair(text) for text in given.set)
    _travel(line, lambda session: session.fork(given.step, values, as_node=given.as_node, name=given.name))


def switch(line: Line) -> None:
    """Go on with another branch: a copy of its end becomes the newest checkpoint."""
    given = SWITCH.read(line.words)
    _travel(line, lambda session: session.switch(given.branch))


def _travel(line: Line, move: Callable[[Session], Stopped]) -> None:
    """Do it on the worker's thread, which brings the cell up to date; say where the thread stands now."""
    trip = Trip(line.worker, move)
    trip.go()
    print(trip.told)


def branch(line: Line) -> None:
    """Give the branch where the thread stands a name, or another one."""
    given = BRANCH.read(line.words)
    before = line.session.find_branch(given.of).name
    named = line.session.name_branch(given.name, given.of)
    print(f"{before} is called {named.name} now.")


def branches(line: Line) -> BranchTree:
    """The branches of the thread as a tree: where each left, how far it came, and where it stands."""
    given = BRANCHES.read(line.words)
    session = line.session
    lineage = session.lineage()
    found = lineage.branches if given.all else lineage.shown()
    hidden = len(lineage.branches) - len(found)
    more = f" ({hidden} on which nothing was done left out: branches --all)" if hidden else ""
    return BranchTree(found, f"Branches of {_whose(session)}{more}")


def compare(line: Line) -> SideBySide:
    """Two branches side by side: where they part, their steps from there on, and the values that differ."""
    given = COMPARE.read(line.words)
    return SideBySide(line.session.compare(given.one, given.other))


def timeline(line: Line) -> Timeline | None:
    """The steps of the branch: nodes, durations, writes, questions and answers; click a step to look at it."""
    given = TIMELINE.read(line.words)
    worker = line.worker
    found = timeline_of(worker.session, given.count or SHOWN)
    if given.count is None and worker.screen.interactive and found.moments:
        from nbhitl.notebook.travelling.timeline_view import show_timeline  # ipywidgets are loaded when somebody looks

        graph, thread = worker.session.name, worker.session.thread
        show_timeline(lambda: line.workspace.find(graph, thread), found)
        return None
    return found


def what_if(line: Line) -> Foreseen:
    """Run the paused thread under each possible answer, on copies; the path, the stop and what differs, in rows."""
    given = WHAT_IF.read(line.words)
    if given.steps < 1:
        raise NbhitlError("what-if --steps takes a number of super-steps, 1 or more.")
    answers = _answers(given.answers) if given.answers else None
    session = line.session
    found = foresee(line.worker, answers, given.steps, keep=given.keep)
    return Foreseen(found, _whose(session))


def _whose(session: Session) -> str:
    return f"{session.name} / {session.thread}"


def _pair(text: str) -> tuple[str, Any]:
    """``KEY=VALUE`` taken apart. Raises `NbhitlError`."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise NbhitlError(f"--set {text}: write the key and its value, --set KEY=VALUE; JSON in quotes.")
    return key, _value(value)


def _value(text: str) -> Any:
    """JSON, else the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _answers(words: list[str]) -> list[Any]:
    """The answers to try: each word one, or all combinations of the values that are given for the fields."""
    pairs = [word for word in words if _is_pair(word)]
    if not pairs:
        return [_value(word) for word in words]
    if len(pairs) < len(words):
        raise NbhitlError("what-if: give KEY=VALUE for fields, or whole answers, not both.")
    fields: dict[str, list[Any]] = {}
    for key, value in map(_pair, pairs):
        fields.setdefault(key, []).append(value)
    return [dict(zip(fields, chosen, strict=True)) for chosen in product(*fields.values())]


def _is_pair(word: str) -> bool:
    key, equals, _ = word.partition("=")
    return bool(equals) and key.isidentifier()


_FORK: Final = """

Values go through the reducers, as if the node of --as had written them; by default the one that ran last before the
step. What follows that node is due then. Without --set the step is due as it was.

examples:
  %graph fork 3
  %graph fork 1 --set topic=milk --name milk
  %graph fork --set decision=revise 'tags=["a", "b"]' --as review"""
_WHAT_IF: Final = """

Without an ANSWER every answer is tried that the question's schema lists: choices, yes and no, combined. Of a field
that is given several times each value is tried. Breakpoints do not stop these runs, and a question ends them. The
thread stays where it stands, with its question open; but what nodes do outside the state (mails, files) is done.

examples:
  %graph what-if
  %graph what-if decision=publish decision=revise
  %graph what-if yes no"""

VERBS = {
    "back": Verb(BACK.says, back, BACK.options()),
    "rewind": Verb(REWIND.says, rewind, REWIND.options(), takes=("node",)),
    "goto": Verb(GOTO.says, goto, GOTO.options(), takes=("node",)),
    "fork": Verb(FORK.says, fork, FORK.options() + _FORK, takes=("key", "node")),
    "branches": Verb(BRANCHES.says, branches, BRANCHES.options()),
    "branch": Verb(BRANCH.says, branch, BRANCH.options(), takes=("branch",)),
    "switch": Verb(SWITCH.says, switch, SWITCH.options(), takes=("branch",)),
    "compare": Verb(COMPARE.says, compare, COMPARE.options(), takes=("branch",)),
    "timeline": Verb(TIMELINE.says, timeline, TIMELINE.options()),
    "what-if": Verb(WHAT_IF.says, what_if, WHAT_IF.options() + _WHAT_IF),
}
