"""The verb of ``%graph`` that tells a thread to people without a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbhitl.notebook.verbs.arguments import Arguments
from nbhitl.notebook.verbs.verb import Verb
from nbhitl.report import STEPS

if TYPE_CHECKING:
    from nbhitl.notebook.verbs.verb import Line
    from nbhitl.session import Session

REPORT = (
    Arguments("report", "report FILE.html [--thread THREAD] [--title TEXT] [--limit N] [--force]", raw=("title",))
    .argument("file", metavar="FILE.html", help="where the page goes; an older report there is written over")
    .argument("--thread", metavar="THREAD", help="another thread of the graph, also one of an earlier kernel")
    .argument("--limit", type=int, default=STEPS, metavar="N", help=f"the newest N steps; {STEPS:,} by default")
    .argument("--force", action="store_true", help="write over a file that is no report, too")
)


def report(line: Line) -> None:
    """Write the thread as one HTML page with a step slider, to be read anywhere."""
    given = REPORT.read(line.words)
    session = _session(line, given.thread)
    file = session.report(given.file, title=given.title, limit=given.limit, force=given.force)
    size = file.stat().st_size
    room = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"
    print(f"Written: {file} ({room}). It needs no network; open it in any browser.")


def _session(line: Line, thread: str | None) -> Session:
    """The session that is meant; for a thread that was not opened in this kernel, one to look at it."""
    if thread is None or thread == line.session.thread:
        return line.session
    key = line.workspace.stored(thread, line.session.name)
    return type(line.session)(line.session.compiled, key.thread)


VERBS = {
    "report": Verb(
        REPORT.says,
        report,
        details=f"{REPORT.options()}\n\nThe page has the drawing with the state of each step, what ran and wrote, the "
        "questions with their answers, failures and branches. It loads nothing. Long values are cut.",
    ),
}
