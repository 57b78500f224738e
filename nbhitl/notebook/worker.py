"""The run's thread in a kernel. A cell's worker takes commands from a queue, one at a time, and runs its session.

A widget's callback, a comm message or a magic puts a command on the queue and returns: none of them relies on the
thread it is called on. The worker's thread is started in the cell's context, so that what nodes print lands in the
cell, also long after the cell ended. It is a daemon: a kernel's exit never waits for a node.
"""

from __future__ import annotations

import contextvars
import ctypes
import getpass
import queue
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from nbhitl.engine.errors import AnswerRefused, NbhitlError, UnknownInterruptError
from nbhitl.engine.records import EMPTY, Answered, Asked, Stopped
from nbhitl.run.world import Ended, Event, RunControl
from nbhitl.scripts import ScriptedAnswers
from nbhitl.session import Session


@dataclass(frozen=True, slots=True)
class Go:
    """Run: on new input, or on from where the thread stands."""

    input: Mapping[str, Any] | None = None
    restart: bool = False
    rename: Mapping[str, str] = field(default_factory=dict)
    """Old to new names of nodes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Record an answer, then run on."""

    value: Any
    id: str | None = None
    via: str = "form"


@dataclass(frozen=True, slots=True)
class Begin:
    """Run on the input that a form has gathered."""

    schema: Any
    raw: Mapping[str, Any]
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Show:
    """Show where the thread stands, without running."""


INPUT = "input"
"""Stands where a question's id would: the form for a run's input."""

Command: TypeAlias = Go | Begin | Answer | Show


class Screen(Protocol):
    """What a worker tells the person who watches. Owns nothing of the run."""

    interactive: bool
    """Whether somebody can fill in a form."""

    def draw(self) -> None:
        """Begin: the cell that runs shows the drawing."""

    def event(self, event: Event) -> None:
        """Something happened in the run."""

    def paint(self, *, at_once: bool = False) -> None:
        """The breakpoints, or something else outside the run, have changed."""

    def stopped(self, stopped: Stopped | None) -> None:
        """The run handed control back (None: it has not run yet): show questions, or how to go on."""

    def refuse(self, id: str | None, error: AnswerRefused) -> None:
        """An answer did not fit."""

    def ask_input(self, required: Mapping[str, Any], *, restart: bool) -> None:
        """Show a form for a run's input; sends `Begin`."""

    def taken(self, id: str, value: Any) -> None:
        """What a form has sent was taken."""

    def answered(self, question: Asked, answer: Answered) -> None:
        """An answer was recorded; the run goes on."""

    def running(self) -> None:
        """A run goes on while no cell waits for it: offer to stop it, if it lasts."""

    def gone(self, id: str | None, message: str) -> None:
        """A question is no longer open here."""

    def problem(self, error: BaseException) -> None:
        """Something went wrong while no cell waits for it."""


class _Job:
    """A command under way: who waits for it is told when it is done."""

    def __init__(self, command: Command, *, awaited: bool) -> None:
        self.command = command
        self.awaited = awaited
        self.control = RunControl()
        self.done = threading.Event()
        self.problem: BaseException | None = None


class Worker:
    """Runs one session for one cell."""

    def __init__(self, session: Session, screen: Screen, script: ScriptedAnswers | None = None) -> None:
        self.session = session
        self.screen = screen
        self.script = script
        session.watch = self._watch
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._job: _Job | None = None
        self._guard = threading.Lock()
        self._in_node = False
        """Whether the session is running, so that a Stop may be raised in this worker's thread."""
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._work,), name="nbhitl-worker", daemon=True)
        self._thread.start()

    # -- from any thread

    def put(self, command: Command) -> None:
        """Have a command done later; returns at once."""
        self._jobs.put(_Job(command, awaited=False))

    def do(self, command: Command) -> None:
        """Have a command done, and wait: for the main thread of a cell. Ctrl-C (Stop) asks the run to stop.

        Raises:
            BaseException: what the command raised, a node's failure included.
        """
        if threading.current_thread() is self._thread:
            raise NbhitlError("a node cannot run the graph that it is part of: it would wait for itself.")
        job = _Job(command, awaited=True)
        self._jobs.put(job)
        self._wait(job)
        if job.problem is not None:
            raise job.problem

    def retire(self, message: str) -> None:
        """Take no more commands; an open form says why."""
        self.screen.gone(None, message)
        self._jobs.put(None)

    def _wait(self, job: _Job) -> None:
        stops = 0
        while not job.done.is_set():
            try:
                # Never Thread.join: it returns early after an interrupt. Short waits, since on Windows a long one
                # would not see Ctrl-C.
                job.done.wait(0.5)
                if not self._thread.is_alive() and not job.done.is_set():
                    raise NbhitlError("the cell's worker has ended: run the %%graph cell again. The run is kept.")
            except KeyboardInterrupt:
                stops += 1
                if stops == 1:
                    job.control.request_drain("stopped by the person; it can be continued")
                    print("Stopping after the node that runs now. Stop again to interrupt the node itself.")
                else:
                    self._interrupt()

    def _interrupt(self) -> None:
        """Raise KeyboardInterrupt in the worker's thread, if a node is running there.

        It arrives between two Python instructions, so a node that waits inside C code ends only when that returns;
        nodes side by side are left behind on their threads.
        """
        with self._guard:
            if self._in_node:
                _raise_in(self._thread, KeyboardInterrupt)

    # -- on the worker's thread

    def _work(self) -> None:
        while True:
            try:
                job = self._job = self._jobs.get()
                if job is None:
                    return
                self._serve(job)
            except BaseException:  # noqa: BLE001 - a Stop that came too late must not end the worker
                traceback.print_exc()

    def _serve(self, job: _Job) -> None:
        try:
            self._do(job.command)
        except BaseException as error:  # noqa: BLE001 - shown, or raised in the cell that waits
            self._report(job, error)
        finally:
            job.done.set()

    @property
    def _awaited(self) -> bool:
        return self._job is not None and self._job.awaited

    def _do(self, command: Command) -> None:
        match command:
            case Show():
                position = self.session.position
                self.screen.stopped(position.stopped if position is not None else None)
                self._follow_script()
            case Go(input=input, restart=restart, rename=rename):
                self._run(input, restart=restart, rename=rename)
                self._follow_script()
            case Begin(schema=schema, raw=raw, restart=restart):
                try:
                    values = self.session.compiled.calls.world.checker.take(schema, raw)
                except AnswerRefused as error:
                    self.screen.refuse(INPUT, error)
                    return
                self.screen.taken(INPUT, values)
                self._run(values, restart=restart)
            case Answer(value=value, id=id, via=via):
                if self._record(value, id, via):
                    self._run(None)
                    self._follow_script()

    def _run(
        self, input: Mapping[str, Any] | None, *, restart: bool = False, rename: Mapping[str, str] = EMPTY
    ) -> None:
        if not self._awaited:
            self.screen.running()
        control = self._job.control if self._job is not None else None
        with self._guard:
            self._in_node = True
        try:
            stopped = self.session.go(input, restart=restart, control=control, rename=rename)
        finally:
            with self._guard:
                self._in_node = False
                _raise_in(self._thread, None)  # take back a Stop that has not arrived
        self.screen.stopped(stopped)
        if self.session.failure is not None:
            raise self.session.failure

    def _record(self, value: Any, id: str | None, via: str) -> bool:
        """Whether the answer was taken."""
        pending = {q.id: q for q in self.session.pending()}
        try:
            if via == "form" and id in pending:  # raw control values: made plain by the question's schema
                value = self.session.compiled.calls.world.checker.take(pending[id].schema, value)
            answered = self.session.answer(value, id=id, by=via if via == "script" else _user(), via=via)
        except AnswerRefused as error:
            self.screen.refuse(id, error)
            if self._awaited:
                raise
            return False
        except UnknownInterruptError as error:
            if self._awaited:
                raise
            self.screen.gone(id, str(error))
            return False
        self.screen.answered(pending[answered.interrupt], answered)
        return True

    def _follow_script(self) -> None:
        """Answer what the scripted people have an answer for, until they have none."""
        while self.script is not None and not (self._job and self._job.control.drain_requested):
            due = [q for q in self.session.pending() if self.script.has(self.session.node_of(q))]
            if not due:
                return
            for question in due:
                node = self.session.node_of(question)
                try:
                    self._record(self.script.answer(node, question.value), question.id, "script")
                except AnswerRefused as error:
                    error.add_note(f"in node {node!r}, from {self.script.name}")
                    raise
            self._run(None)

    def _report(self, job: _Job, error: BaseException) -> None:
        if job.awaited:
            job.problem = error
            return
        try:
            self.screen.problem(error)
        except Exception:  # noqa: BLE001 - the worker has to live on, whatever became of the screen
            traceback.print_exc()

    def _watch(self, session: Session, event: Event) -> None:
        self.screen.event(event)
        if isinstance(event, Ended):
            _flush_figures()


def _raise_in(thread: threading.Thread, kind: type[BaseException] | None) -> None:
    """Have an exception raised in another thread soon; None takes back one that has not been raised yet."""
    if thread.ident is not None:
        raised = ctypes.py_object(kind) if kind is not None else None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), raised)


def _flush_figures() -> None:
    """Show the figures that a node left open now: later they would land in another cell."""
    if "matplotlib_inline.backend_inline" in sys.modules and "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib_inline.backend_inline"].flush_figures()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        return ""
