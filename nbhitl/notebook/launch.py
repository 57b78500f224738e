"""What running a ``%%graph`` cell does: build, draw, and run or take up again. One table, see `_plan`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from IPython.display import display

from nbhitl.compiled import CompiledGraph
from nbhitl.debugging.breakpoint import Breakpoint
from nbhitl.debugging.changes import Changes
from nbhitl.debugging.step import FIRST
from nbhitl.drawing import Direction
from nbhitl.engine.errors import NbhitlError, PendingInterruptError, ThreadBusyError, did_you_mean
from nbhitl.notebook.cell import Cell, build
from nbhitl.notebook.commands import Go, Show
from nbhitl.notebook.given import expect_input
from nbhitl.notebook.revising.anew import anew
from nbhitl.notebook.revising.choice import Choice
from nbhitl.notebook.revising.revision import Revision
from nbhitl.notebook.view import View
from nbhitl.notebook.worker import Worker
from nbhitl.outcomes import moment
from nbhitl.run.secrets import has_secrets
from nbhitl.scripts import ScriptedAnswers
from nbhitl.scripts.cells import CellSource
from nbhitl.session import Session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbhitl.notebook.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Launch:
    """The options of a ``%%graph`` line."""

    name: str
    thread: str | None = None
    input: Any = None
    context: Any = None
    store: Any = None
    """Counts where the cell compiles none."""
    breakpoints: tuple[str, ...] = ()
    execute: bool = True
    step: bool = False
    """Stop before the first nodes of a new run."""
    draw: bool = True
    direction: Direction | None = None
    """None: what fits."""
    answers: str | None = None
    state: str | None = None
    db: str | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    """Old to new names of nodes, for a run that stopped before they were renamed."""
    restart: bool = False
    quiet: bool = False


def launch(workspace: Workspace, source: str, options: Launch) -> None:
    """Run a ``%%graph`` cell. Returns when the run has finished, asks, or has stopped.

    Raises:
        NbhitlError: anything wrong with the cell or the options; nothing was run.
        Exception: what the cell's body or a node raised.
    """
    cell = build(workspace.shell, source, options.name, options.state)
    if options.db is not None:
        workspace.use(options.db)
    thread, note = (options.thread, "") if options.thread else workspace.next_thread(options.name)
    busy = workspace.workers.get((options.name, thread))
    if busy is not None and busy.session.busy:
        raise ThreadBusyError(f"thread {thread!r} is being run by another cell. Wait for it, or stop it: %graph pause")
    cell.graph.expect(options.breakpoints, "--break")
    if options.input is not None:
        expect_input(options.input, cell.graph, "--input")
    worker = _worker(workspace, source, cell, thread, options)
    if not options.quiet:
        for line in (*cell.notes, note):
            if line:
                print(line)
    for node in options.breakpoints:
        if Breakpoint("before", node).id not in worker.session.breakpoints:  # one with a condition stays as it is
            worker.session.set_breakpoint(node)
    workspace.adopt(worker)
    worker.screen.draw()
    if options.execute:
        _start(workspace, worker, cell, options)


def _worker(workspace: Workspace, source: str, cell: Cell, thread: str, options: Launch) -> Worker:
    compiled = CompiledGraph(
        cell.graph,
        workspace.saver,
        cell.interrupt_before,
        cell.interrupt_after,
        scope=options.name,
        debug=True,
        cache=cell.cache,
        store=options.store if cell.store is None else cell.store,
        context_schema=cell.context_schema,
    )
    session = Session(compiled, thread, context=options.context)
    session.source = CellSource(source, options.name, options.state, workspace.shell.user_ns)
    script = _script(options, session)
    view = View(
        session,
        interactive=interactive(workspace.shell) and script is None,
        live=getattr(workspace.shell, "kernel", None) is not None,
        direction=options.direction,
        draw=options.draw,
    )
    worker = Worker(session, view, script)
    view.worker = worker
    return worker


def _script(options: Launch, session: Session) -> ScriptedAnswers | None:
    """Who answers in people's place; where the run is taken up, their sequences go on where they were."""
    path = os.environ.get("NBHITL_ANSWERS")
    if options.answers is not None:
        script = ScriptedAnswers.read(options.answers)
        script.check(session.nodes())
    elif path:
        script = ScriptedAnswers.read(path, strict=False)  # may hold rules for the notebook's other graphs
    else:
        return None
    rounds = session.recording().rounds if not options.restart and session.position is not None else ()
    if rounds and session.state().next:
        told = [one for one in rounds[-1].answers if one.answered is not None and one.answered.via == script.via]
        script.take_up(session.thread, [(one.node, one.asked) for one in told])
    return script


def _start(workspace: Workspace, worker: Worker, cell: Cell, options: Launch) -> None:
    """Do what running the cell means for where its thread stands."""
    session = worker.session
    position = session.position
    stopped = position.stopped if position is not None else None
    finished = stopped is not None and stopped.reason == "finished"
    taken_up = position is not None and not (finished or options.restart or options.rename)
    changes = _show_changes(workspace, worker) if taken_up else Changes()
    given = options.input
    if given is not None and position is not None and not (options.restart or finished) and session.began_with(given):
        given = None  # the same cell was run again: it takes its run up
    if options.restart or position is None or finished:
        restart = options.restart and position is not None
        if options.input is None and cell.required and worker.screen.interactive:
            _expect_no_secret(worker, cell)
            worker.screen.ask_input(cell.required, restart=restart, step=options.step)
        else:
            worker.do(Go(_input(cell, options), restart=restart, step=FIRST if options.step else None))
    elif options.rename and given is None:
        worker.do(Go(rename=options.rename))
    elif given is not None and position.pending:
        raise PendingInterruptError(
            f"thread {session.thread!r} waits for an answer, and another --input would throw the question away. "
            "Run the cell without --input to see it, take another --thread, or start over with --restart."
        )
    elif given is not None:
        worker.do(Go(given, step=FIRST if options.step else None))
    elif position.pending or (stopped is not None and stopped.reason == "breakpoint"):
        worker.do(Show())
    elif worker.screen.interactive and (changes.gone or changes.before is not None):
        worker.do(Show())  # what has run was edited: the person says how to go on
    else:  # it failed, was stopped, was answered elsewhere, or the kernel was killed: go on with what is left
        worker.do(Go())
    _leave(worker)


def _expect_no_secret(worker: Worker, cell: Cell) -> None:
    """Raises `NbhitlError` where the form for the input would ask for a secret that the state would keep, in clear."""
    checker = worker.session.compiled.calls.world.checker
    for key, kind in cell.required.items():
        if key not in cell.graph.untracked and has_secrets(checker.describe(kind)):
            raise NbhitlError(
                f"the input's key {key!r} is a secret, and the state is stored in clear. Ask for it where it is used: "
                f"interrupt(..., response_schema=...) in a node; or mark the key Annotated[..., UntrackedValue]."
            )


def _input(cell: Cell, options: Launch) -> Any:
    if options.input is not None:
        if cell.graph.takes:
            return options.input
        for key in options.input:
            if key not in cell.graph.input_keys:  # typed here, so a slip; in code it is a warning
                raise NbhitlError(
                    f"--input has {key!r}, which is no key of it.{did_you_mean(key, cell.graph.input_keys)}"
                )
        return options.input
    if not cell.required:
        return {}
    if cell.graph.takes:
        raise NbhitlError(
            f"graph {options.name!r} needs an input: --input '\"some text\"', other JSON, or a variable's name."
        )
    keys = ", ".join(cell.required)
    raise NbhitlError(
        f"graph {options.name!r} needs an input with {keys}: --input '{{\"{next(iter(cell.required))}\": ...}}' or a "
        "variable's name. Keys that a node fills in are not required with class State(TypedDict, total=False)."
    )


def _show_changes(workspace: Workspace, worker: Worker) -> Changes:
    """Show what was edited since the thread stopped, if anything was, and offer the ways to go on."""
    session, view = worker.session, worker.screen
    changes = session.changes()
    if not changes:
        return changes
    display(Revision(changes, session.thread, waits=bool(session.pending()), full=False))
    if view.interactive and isinstance(view, View):

        def elsewhere() -> None:
            fresh, begin = anew(workspace, worker, view)
            fresh.put(begin)

        view.choice = Choice(session, changes, worker.put, elsewhere)
        view.choice.show()
    return changes


def _leave(worker: Worker) -> None:
    """Where nobody can fill in a form, say what the run waits for and how to go on."""
    if worker.screen.interactive:
        return
    session, script = worker.session, worker.script
    position = session.position
    stopped = position.stopped if position is not None else None
    if stopped is not None and stopped.reason == "finished" and script is not None and script.strict:
        script.expect_used()
    if session.pending():
        text = _paused(session)
        if os.environ.get("NBHITL_ON_PAUSE") == "error":
            raise NbhitlError(text)
        print(text)
    elif stopped is not None and stopped.reason == "breakpoint":  # somebody has set it, so it is no error
        print(
            f"Paused: {stopped.text}. Go on with %graph continue, or run the cell without breakpoints "
            "(%graph unbreak all). The run is kept."
        )


def _paused(session: Session) -> str:
    """The open questions, and every way to answer them where there is no form."""
    pending = session.pending()
    nodes = ", ".join(dict.fromkeys(session.node_of(question) for question in pending))
    many = len(pending) > 1
    what = f"{len(pending)} answers" if many else "an answer"
    due = [question for question in pending if question.deadline]
    first = min((question.deadline for question in due), default=0)
    late = f" From {moment(first)} on running the cell again takes what counts when nobody answers." if first else ""
    return (
        f"Paused: {nodes} wait{'' if many else 's'} for {what}. Answer with %graph answer "
        f"{'NODE ' if many else ''}VALUE, or run the cell with --answers FILE.{late} "
        "The run is kept and goes on when the cell is run again."
    )


def interactive(shell: InteractiveShell) -> bool:
    """Whether somebody sits in front: a kernel whose front end can be asked for input."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    parent = kernel.get_parent() or {}
    return bool(parent.get("content", {}).get("allow_stdin", False))
