"""What running a ``%%graph`` cell does: build, draw, and run or take up again. One table, see `_plan`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbhitl.compiled import CompiledGraph
from nbhitl.drawing import Direction
from nbhitl.engine.errors import NbhitlError, PendingInterruptError, ThreadBusyError, did_you_mean
from nbhitl.engine.records import START, Position
from nbhitl.notebook.cell import Cell, build
from nbhitl.notebook.view import View
from nbhitl.notebook.worker import Go, Show, Worker
from nbhitl.scripts import ScriptedAnswers
from nbhitl.session import Session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbhitl.notebook.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Launch:
    """The options of a ``%%graph`` line."""

    name: str
    thread: str | None = None
    input: Mapping[str, Any] | None = None
    breakpoints: tuple[str, ...] = ()
    execute: bool = True
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
    worker = _worker(workspace, cell, thread, options)
    if not options.quiet:
        for line in (*cell.notes, note):
            if line:
                print(line)
    for node in options.breakpoints:
        worker.session.set_breakpoint(node)
    workspace.adopt(worker)
    worker.screen.draw()
    if options.execute:
        _start(worker, cell, options)


def _worker(workspace: Workspace, cell: Cell, thread: str, options: Launch) -> Worker:
    compiled = CompiledGraph(
        cell.graph,
        workspace.saver,
        cell.interrupt_before,
        cell.interrupt_after,
        scope=options.name,
        debug=True,
    )
    session = Session(compiled, thread)
    script = _script(options, compiled)
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


def _script(options: Launch, compiled: CompiledGraph) -> ScriptedAnswers | None:
    if options.answers is not None:
        script = ScriptedAnswers.read(options.answers)
        script.check(compiled.graph.nodes)
        return script
    path = os.environ.get("NBHITL_ANSWERS")
    return ScriptedAnswers.read(path) if path else None  # may hold rules for the notebook's other graphs


def _start(worker: Worker, cell: Cell, options: Launch) -> None:
    """Do what running the cell means for where its thread stands."""
    session = worker.session
    position = session.position
    stopped = position.stopped if position is not None else None
    if position is not None and not options.restart:
        _mention_changes(session, position, options.rename)
    finished = stopped is not None and stopped.reason == "finished"
    given = options.input
    if given is not None and position is not None and not (options.restart or finished) and session.began_with(given):
        given = None  # the same cell was run again: it takes its run up
    if options.restart or position is None or finished:
        restart = options.restart and position is not None
        if options.input is None and cell.required and worker.screen.interactive:
            worker.screen.ask_input(cell.required, restart=restart)
        else:
            worker.do(Go(_input(cell, options), restart=restart))
    elif options.rename and given is None:
        worker.do(Go(rename=options.rename))
    elif given is not None and position.pending:
        raise PendingInterruptError(
            f"thread {session.thread!r} waits for an answer, and another --input would throw the question away. "
            "Run the cell without --input to see it, take another --thread, or start over with --restart."
        )
    elif given is not None:
        worker.do(Go(given))
    elif position.pending or (stopped is not None and stopped.reason == "breakpoint"):
        worker.do(Show())
    else:  # it failed, was stopped, was answered elsewhere, or the kernel was killed: go on with what is left
        worker.do(Go())
    _leave(worker)


def _input(cell: Cell, options: Launch) -> Mapping[str, Any]:
    if options.input is not None:
        for key in options.input:
            if key not in cell.graph.input_keys:  # typed here, so a slip; in code it is a warning
                raise NbhitlError(
                    f"--input has {key!r}, which is no key of it.{did_you_mean(key, cell.graph.input_keys)}"
                )
        return options.input
    if not cell.required:
        return {}
    keys = ", ".join(cell.required)
    raise NbhitlError(
        f"graph {options.name!r} needs an input with {keys}: --input '{{\"{next(iter(cell.required))}\": ...}}' or a "
        "variable's name. Keys that a node fills in are not required with class State(TypedDict, total=False)."
    )


def _mention_changes(session: Session, position: Position, rename: Mapping[str, str]) -> None:
    changed = session.changed_code()
    if changed:
        print(
            f"Changed since the run stopped: {', '.join(changed)}. Going on uses the new code. "
            "To start over on a new branch: --restart; to leave this run as it is: --thread NAME."
        )
    due = [*(task.node for task in position.checkpoint.tasks), *position.checkpoint.deferred]
    for gone in dict.fromkeys(due):
        if gone not in session.graph.nodes and gone not in rename and gone != START:
            print(f"The run stands at {gone}, which is gone. Was it renamed? Run the cell with --rename {gone}=NEW.")


def _leave(worker: Worker) -> None:
    """Where nobody can fill in a form, say how the open questions can be answered."""
    session = worker.session
    pending = session.pending()
    if not pending or worker.screen.interactive:
        return
    nodes = ", ".join(session.node_of(question) for question in pending)
    text = (
        f"Paused: {nodes} waits for an answer. Answer with %graph answer VALUE, or run the cell with "
        "--answers FILE. The run is kept and goes on when the cell is run again."
    )
    if os.environ.get("NBHITL_ON_PAUSE") == "error":
        raise NbhitlError(text)
    print(text)


def interactive(shell: InteractiveShell) -> bool:
    """Whether somebody sits in front: a kernel whose front end can be asked for input."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    parent = kernel.get_parent() or {}
    return bool(parent.get("content", {}).get("allow_stdin", False))
