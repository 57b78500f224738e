"""The verbs of ``%graph`` that move a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbhitl.debugging.step import FIRST
from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.commands import Go, Move
from nbhitl.notebook.given import expect_input, variable_or_json
from nbhitl.notebook.verbs.arguments import Arguments
from nbhitl.notebook.verbs.verb import Verb, tell

if TYPE_CHECKING:
    from nbhitl.notebook.verbs.verb import Line

RUN = (
    Arguments("run", "run [--input NAME|JSON] [--restart] [--step]")
    .argument("-i", "--input", help="the input: a variable's name, or JSON in quotes; without it the run goes on")
    .argument("--restart", action="store_true", help="start over on a new branch; deletes nothing")
    .argument("--step", action="store_true", help="stop before the first nodes, to go on step by step")
)
STEP = (
    Arguments("step", "step [N] [--task [NODE]]")
    .argument("count", nargs="?", type=int, default=1, metavar="N", help="so many super-steps; 1 by default")
    .argument(
        "--task",
        nargs="?",
        const="",
        metavar="NODE",
        help="run one task of the super-step, the first one or that of NODE; its siblings wait",
    )
)
UNTIL = Arguments("until", "until NODE").argument("node", metavar="NODE", help="a node, or its path: review/ask")


def run(line: Line) -> None:
    """Run the thread on new input, or on from where it stands."""
    given = RUN.read(line.words)
    worker = line.worker
    if given.input is None and not given.restart:
        if given.step:
            raise NbhitlError("run --step needs an --input: a run that has begun goes on with %graph step.")
        continue_(line)
        return
    if given.input is None:
        raise NbhitlError("run --restart needs an --input: a variable's name, or JSON in quotes.")
    values = variable_or_json(given.input, line.workspace.shell.user_ns, "run --input")
    expect_input(values, worker.session.graph, "run --input")
    worker.do(Go(values, restart=given.restart, step=FIRST if given.step else None))
    tell(worker)


def continue_(line: Line) -> None:
    """Go on until a breakpoint, a question, a failure or the end."""
    worker = line.worker
    worker.session.expect_movable("continue")
    worker.do(Go())
    tell(worker)


def step(line: Line) -> None:
    """Make one super-step, or N; a sub-graph that is called is part of the step."""
    given = STEP.read(line.words)
    if given.task is not None:
        _move(line, Move("task", node=given.task))
    else:
        _move(line, Move("over", given.count))


def into(line: Line) -> None:
    """Go to the next task, also where that is in a sub-graph."""
    Arguments("into", "into").read(line.words)
    _move(line, Move("into"))


def out(line: Line) -> None:
    """Go on until the sub-graph in which the run stands has ended."""
    Arguments("out", "out").read(line.words)
    _move(line, Move("out"))


def until(line: Line) -> None:
    """Go on until NODE is about to run."""
    _move(line, Move("until", node=UNTIL.read(line.words).node))


def _move(line: Line, move: Move) -> None:
    worker = line.worker
    worker.do(move)
    tell(worker)


def pause(line: Line) -> None:
    """Stop the run that is at work, before its next node; it can be continued."""
    session = line.session
    if not session.busy:
        raise NbhitlError("pause: nothing is running.")
    session.pause("stopped with %graph pause; it can be continued")


VERBS = {
    "run": Verb(RUN.says, run, RUN.options()),
    "step": Verb(STEP.says, step, STEP.options(), takes=("node",)),
    "into": Verb("into", into),
    "out": Verb("out", out),
    "continue": Verb("continue", continue_),
    "until": Verb(UNTIL.says, until, UNTIL.options(), takes=("node",)),
    "pause": Verb("pause", pause),
}
