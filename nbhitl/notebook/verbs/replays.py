"""The verbs of ``%graph`` that give a thread's recorded answers again: as a test in a file, or up to a question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import Stopped
from nbhitl.notebook.commands import Go
from nbhitl.notebook.verbs.verb import Verb, split
from nbhitl.scripts.replay import play, replayed

if TYPE_CHECKING:
    from nbhitl.notebook.verbs.verb import Line


def save_test(line: Line) -> None:
    """Write the thread as a pytest file that gives its answers again and compares path and final state."""
    names = split(line.words, "save-test FILE.py")
    if len(names) != 1:
        raise NbhitlError("say where the test goes: %graph save-test test_NAME.py")
    file = line.worker.session.save_test(names[0])
    cure = "" if file.name.startswith("test_") else " (pytest finds it by itself when its name begins with test_)"
    print(f"Written. Run it with: pytest {_quoted(file)}{cure}")


def replay(line: Line) -> None:
    """Run again on a new branch with the answers that were given; until NODE asks, which you answer."""
    usage = "replay [--until NODE]"
    given = split(line.words, usage)
    if given and (given[0] != "--until" or len(given) != 2):
        raise NbhitlError(f"%graph {usage}: {line.words!r} is neither of it.")
    until = given[1] if given else None
    worker = line.worker
    session = worker.session
    recorded = session.recording()
    script = replayed(recorded, until, session.nodes(), session.thread)
    before, worker.script = worker.script, script

    def go(input: Any, first: bool) -> Stopped | None:
        worker.do(Go(input, restart=first))
        position = session.position
        return position.stopped if position is not None else None

    try:
        play(recorded, script, go, until=until)
    finally:
        worker.script = before
    waiting = [session.node_of(question) for question in session.pending()]
    text = (session.state().metadata or {}).get("stop_text") or ""
    print(f"Graph {session.name}, replayed: {text}. See the drawing under its cell.")
    if until is not None and not waiting:
        print(f"{until} did not ask this time.")


def _quoted(file: Path) -> str:
    return str(file) if " " not in str(file) else f'"{file}"'


VERBS = {
    "replay": Verb("replay [--until NODE]", replay),
    "save-test": Verb("save-test FILE.py", save_test),
}
