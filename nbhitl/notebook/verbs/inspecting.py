"""The verbs of ``%graph`` that look closely at the state, and that write into it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from nbhitl.debugging.looks import cut
from nbhitl.engine.errors import NbhitlError, ThreadBusyError, did_you_mean
from nbhitl.notebook.commands import Act
from nbhitl.notebook.inspecting.compared import Compared
from nbhitl.notebook.inspecting.inspector import Inspected
from nbhitl.notebook.inspecting.watching import Watches, watches_of
from nbhitl.notebook.verbs.arguments import Arguments
from nbhitl.notebook.verbs.pairs import pairs, values
from nbhitl.notebook.verbs.verb import Verb
from nbhitl.notebook.worker import Worker

if TYPE_CHECKING:
    from nbhitl.notebook.verbs.verb import Line
    from nbhitl.session import Session
    from nbhitl.session.writing import Written

STATE = (
    Arguments("state", "state [KEY ...] [--step N] [--in PATH] [--full]")
    .argument("keys", nargs="*", metavar="KEY", help="only these keys, unfolded")
    .argument("--step", metavar="N", help="at that step; -1 is the one before now; or a checkpoint's id")
    .argument("--in", dest="inside", default="", metavar="PATH", help="of a sub-graph: review, review/check, work[1]")
    .argument("--full", action="store_true", help="show more of large values")
)
_STATE_DETAILS: Final = """\
--step N    the state at step N of this branch; -1 is the step before; also a checkpoint's id, or how it ends
--in PATH   the state of a sub-graph: review, review/check; work[1] is the second of several tasks of work
--full      show more of large values

Signs: + new, ~ changed, = written with the same value, \u2212 gone, each in the step that led here.
found = %graph state keeps it: found["draft"] and found.values are the values."""


def state(line: Line) -> Inspected:
    """The state: each key with type, size and value, and what the last step changed."""
    given = STATE.read(line.words)
    session = line.session
    found = session.inspect(given.step, inside=given.inside)
    known = [row.key for row in found.rows]
    for key in given.keys:
        if key not in known:
            near = did_you_mean(key, known) or " No key has a value yet."
            raise NbhitlError(f"%graph state: there is no value {key!r} in the state.{near}")
    return Inspected(found, _whose(session), keys=tuple(given.keys), full=given.full)


DIFF = (
    Arguments("diff", "diff [A [B]]")
    .argument("old", nargs="?", metavar="A", help="a step, or a checkpoint's id")
    .argument("new", nargs="?", metavar="B", help="another one; now by default")
)
_DIFF_DETAILS: Final = """\
A and B are steps of this branch (-1 is the step before now), or checkpoints' ids of any branch.
Without B: from A to now. Without both: what the last step changed.

examples:
  %graph diff
  %graph diff 0
  %graph diff 2 5"""


def diff(line: Line) -> Compared:
    """What changed between two steps: values, keys, items of lists, words of texts, cells of frames."""
    given = DIFF.read(line.words)
    session = line.session
    found = session.diff(given.old, given.new)
    new = session.at(given.new).checkpoint
    parent = session.at(new.parent).checkpoint.step if new.parent else "nothing"
    old = parent if given.old is None else session.at(given.old).checkpoint.step
    return Compared(found, f"From step {old} to step {new.step} of {_whose(session)}")


_STEP: Final = re.compile(r"(?:^|\s)--step(?:=|\s+)(\S+)\s*$")
_WATCH_DETAILS: Final = """\
EXPR is an expression over the state's keys: score > 3, len(messages), draft[:40].
Watches are kept with the graph; their values are shown after each stop. --step N shows them at another step.

examples:
  %graph watch len(log)
  %graph watch --step 2
  %graph unwatch len(log)"""


def watch(line: Line) -> Watches:
    """Watch an expression: its value is shown at each stop; without one, list the values now or at a step."""
    step = _STEP.search(line.words)
    text = line.words[: step.start()].strip() if step else line.words
    session = line.session
    if step is not None:
        session.at(step[1])  # before anything is written
    if text:
        session.add_watch(text)
        _show_watches(line)
    return watches_of(session, step[1] if step else None)


def unwatch(line: Line) -> None:
    """Watch an expression no longer, or none at all."""
    session = line.session
    if not line.words:
        raise NbhitlError(f"say which: %graph unwatch EXPR|all. Watched: {', '.join(session.watches) or 'nothing'}.")
    for text in session.watches if line.words == "all" and "all" not in session.watches else (line.words,):
        session.remove_watch(text)
        print(f"No longer watched: {cut(text, 120)}")
    _show_watches(line)


def _show_watches(line: Line) -> None:
    """Bring those that stand below the drawing up to date; while the graph runs, its next stop does."""
    worker = line.worker
    position = worker.session.position
    if worker.screen.interactive and not worker.session.busy and position is not None and position.stopped is not None:
        stopped = position.stopped
        worker.put(Act(lambda: worker.screen.stopped(stopped)))


_SET_USAGE: Final = "set KEY=EXPR [KEY=EXPR ...] [--overwrite] [--as NODE]"
_OPTIONS: Final = re.compile(r"(?:^|\s)(--overwrite|--as(?:=|\s+)(\"[^\"]*\"|'[^']*'|\S+))\s*$")
_SET_DETAILS: Final = """\
EXPR is an expression over the state's keys, as it is now: count + 1, log + ['x'], 'a text', {'a': 1},
true. $name alone is the notebook's variable of that name.

--overwrite  the value replaces what is there, also where the key has a reducer (by default it is merged)
--as NODE    the node that counts as the writer: what follows it is due. By default the one that ran last.

examples:
  %graph set topic='green tea' count=count + 1
  %graph set log=['only this'] --overwrite
  %graph set table=$clean --as load"""


def set_(line: Line) -> Compared:
    """Write values into the state, through the reducers or in place of what is there; nothing is run."""
    words, overwrite, as_node = _options(line.words)
    texts = pairs(words, _SET_USAGE)
    worker = line.worker
    session = worker.session
    expect_idle(session)
    state = session.inspect().values if session.position is not None else {}
    given = values(texts, state, line.workspace.shell.user_ns)
    written = in_turn(worker, lambda: session.set(given, overwrite=overwrite, as_node=as_node))
    return told(session, written)


def edit(line: Line) -> None:
    """Open a form with the state's values, or with those of some keys, to change them."""
    from nbhitl.notebook.inspecting.state_form import open_form

    worker = line.worker
    expect_idle(worker.session)
    open_form(worker, tuple(line.words.split()))


def told(session: Session, written: Written) -> Compared:
    """What an edit came to; doubts and what is due are printed."""
    for doubt in written.doubts:
        print(f"Does not fit the state's schema, and was written all the same: {doubt}")
    if written.next:
        print(f"Next: {', '.join(dict.fromkeys(written.next))}.")
    return Compared(written.differences, f"Written into {_whose(session)}")


def expect_idle(session: Session) -> None:
    """Raises `ThreadBusyError` while the thread is being run: whoever waits for its worker would wait for the run."""
    if session.busy:
        raise ThreadBusyError(f"thread {session.key} is being run. Wait for it, or stop it first: %graph pause.")


def in_turn(worker: Worker, does: Callable[[], Written]) -> Written:
    """Have the state written on the worker's thread, and the screen brought up to date. Raises what that raises."""
    found: list[Written] = []

    def act() -> None:
        found.append(does())
        position = worker.session.position
        worker.screen.stopped(position.stopped if position is not None else None)

    worker.do(Act(act))
    return found[0]


def _options(words: str) -> tuple[str, bool, str | None]:
    """The pairs, and the options behind them."""
    overwrite, as_node = False, None
    while match := _OPTIONS.search(words):
        if match[2] is None:
            overwrite = True
        else:
            as_node = match[2].strip("\"'")
        words = words[: match.start()]
    if unknown := re.search(r"\s(--\w[\w-]*)\s*$", words):
        near = did_you_mean(unknown[1], ["--overwrite", "--as"])
        raise NbhitlError(f"%graph {_SET_USAGE}: there is no option {unknown[1]}.{near}")
    return words.strip(), overwrite, as_node


def _whose(session: Session) -> str:
    return f"{session.name} / {session.thread}"


VERBS = {
    "state": Verb(STATE.says, state, _STATE_DETAILS, takes=("key",)),
    "diff": Verb(DIFF.says, diff, _DIFF_DETAILS),
    "watch": Verb("watch [EXPR] [--step N]", watch, _WATCH_DETAILS, takes=("key",)),
    "unwatch": Verb("unwatch EXPR|all", unwatch),
}
"""Those that look."""
EDITS = {
    "set": Verb(_SET_USAGE, set_, _SET_DETAILS, takes=("key",)),
    "edit": Verb("edit [KEY ...]", edit, takes=("key",)),
}
"""Those that write."""
