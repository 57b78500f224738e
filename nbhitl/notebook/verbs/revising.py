"""The verbs of ``%graph`` for code that was edited, and for nodes that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.commands import Go, Rerun
from nbhitl.notebook.revising.anew import anew
from nbhitl.notebook.revising.revision import Revision
from nbhitl.notebook.verbs.arguments import Arguments
from nbhitl.notebook.verbs.verb import Verb, split, tell
from nbhitl.notebook.view import View

if TYPE_CHECKING:
    from nbhitl.notebook.verbs.verb import Line

RERUN = Arguments("rerun", "rerun [--new]").argument(
    "--new", action="store_true", help="run on the same input in a new thread, and leave this one as it is"
)
_CHANGES = """\
Compares the code of the cell as it was run last with the code that the thread stopped with: nodes, what they mention
(helpers, classes, constants), the wiring, and the keys of the state. Below stand the ways to go on."""
_RENAME = """\
For a run that stands at a node whose name has changed since: its questions, answers and finished siblings are kept.
A node of a sub-graph goes by its path.

examples:
  %graph rename publish=release
  %graph rename review/ask=review/question"""


def changes(line: Line) -> Revision:
    """What was edited since the run stopped, as differences of source, and the ways to go on."""
    Arguments("changes", "changes").read(line.words)
    session = line.session
    return Revision(session.changes(), session.thread, waits=bool(session.pending()), over=not session.state().next)


def rerun(line: Line) -> None:
    """Run again from before the first part that was edited, with the new code, on a branch of its own."""
    given = RERUN.read(line.words)
    worker = line.worker
    if not given.new:
        before = worker.session.changes().before
        worker.do(Rerun())
        if before is not None:
            print(f"Run again from step {before.step}, before {before.words}.")
        tell(worker)
        return
    if not isinstance(worker.screen, View):
        raise NbhitlError("rerun --new needs a run that was begun by a cell.")
    fresh, begin = anew(line.workspace, worker, worker.screen)
    print(f"Thread {worker.session.thread} stays as it is; this is the new thread {fresh.session.thread}.")
    fresh.do(begin)
    tell(fresh)


def rename(line: Line) -> None:
    """Go on under the new name of a node that was renamed while the run stood at it."""
    usage = "rename OLD=NEW"
    names = {}
    for pair in split(line.words, usage):
        old, equals, new = pair.partition("=")
        if not (old and equals and new):
            raise NbhitlError(f"%graph {usage}: {pair!r} has no old and new name.")
        names[old] = new
    if not names:
        raise NbhitlError(f"say which node has which name now: %graph {usage}")
    line.worker.do(Go(rename=names))
    tell(line.worker)


def retry(line: Line) -> None:
    """Run again what failed, and nothing else of its step, with the code as it is now."""
    Arguments("retry", "retry").read(line.words)
    worker = line.worker
    failed, kept = worker.session.failed_nodes()
    print(f"Again: {', '.join(failed) or 'the merging of results'}.{_kept(kept)}")
    worker.do(Go())
    tell(worker)


def _kept(nodes: list[str]) -> str:
    return f" Finished already, and not repeated: {', '.join(nodes)}." if nodes else ""


VERBS = {
    "retry": Verb("retry", retry),
    "changes": Verb("changes", changes, _CHANGES),
    "rerun": Verb(RERUN.says, rerun, RERUN.options()),
    "rename": Verb("rename OLD=NEW", rename, _RENAME, takes=("node",)),
}
