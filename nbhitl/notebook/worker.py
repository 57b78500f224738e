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
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from nbhitl.engine.errors import AnswerRefused, UnknownInterruptError
from nbhitl.engine.records import Answered, Asked, Stopped
from nbhitl.run.drive import Ended, Event
from nbhitl.scripts import ScriptedAnswers
from nbhitl.session import Session


@dataclass(frozen=True, slots=True)
class Go:
    """Run: on new input, or on from where the thread stands."""

    input: Mapping[str, Any] | None = None
    restart: bool = False


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


class _Retire:
    pass


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


class Worker:
    """Runs one session for one cell."""

    def __init__(self, session: Session, screen: Screen, script: ScriptedAnswers | None = None) -> None:
        self.session = session
        self.screen = screen
        self.script = script
        self.problem: BaseException | None = None
        """What the command that a cell waits for has raised."""
        session.watch = self._watch
        self._commands: queue.SimpleQueue[Command | _Retire] = queue.SimpleQueue()
        self._settled = threading.Event()
        self._awaited = False
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._work,), name="nbhitl-worker", daemon=True)
        self._thread.start()

    # -- from any thread

    def put(self, command: Command) -> None:
        """Have a command done later; returns at once."""
        self._commands.put(command)

    def do(self, command: Command) -> None:
        """Have a command done, and wait: for the main thread of a cell. Ctrl-C (Stop) asks the run to stop.

        Raises:
            BaseException: what the command raised, a node's failure included.
        """
        self.problem = None
        self._awaited = True
        self._settled.clear()
        self.put(command)
        self._wait()
        self._awaited = False
        if self.problem is not None:
            raise self.problem

    def retire(self, message: str) -> None:
        """Take no more commands; an open form says why."""
        self.screen.gone(None, message)
        self._commands.put(_Retire())

    def _wait(self) -> None:
        stops = 0
        while not self._settled.is_set():
            try:
                # Never Thread.join: it returns early after an interrupt. Short waits, since on Windows a long one
                # would not see Ctrl-C.
                self._settled.wait(0.5)
            except KeyboardInterrupt:
                stops += 1
                if stops == 1:
                    self.session.pause("stopped by the person; it can be continued")
                    print("Stopping after the node that runs now. Stop again to interrupt the node itself.")
                else:
                    self._interrupt()

    def _interrupt(self) -> None:
        """Raise KeyboardInterrupt in the worker's thread.

        It arrives between two Python instructions, so a node that waits inside C code ends only when that returns.
        """
        ident = self._thread.ident
        if ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(KeyboardInterrupt))

    # -- on the worker's thread

    def _work(self) -> None:
        while True:
            command = self._commands.get()
            if isinstance(command, _Retire):
                return
            try:
                self._do(command)
            except BaseException as error:  # noqa: BLE001 - shown, or raised in the cell that waits
                self._report(error)
            finally:
                self._settled.set()

    def _do(self, command: Command) -> None:
        match command:
            case Show():
                position = self.session.position
                self.screen.stopped(position.stopped if position is not None else None)
                self._follow_script()
            case Go(input=input, restart=restart):
                self._run(input, restart=restart)
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

    def _run(self, input: Mapping[str, Any] | None, *, restart: bool = False) -> None:
        if not self._awaited:
            self.screen.running()
        stopped = self.session.go(input, restart=restart)
        self.screen.stopped(stopped)
        if self.session.failure is not None:
            raise self.session.failure

    def _record(self, value: Any, id: str | None, via: str) -> bool:
        """Whether the answer was taken."""
        pending = {q.id: q for q in self.session.pending()}
        try:
            if via == "form" and id in pending:  # raw control values: made plain by the question's schema
                value = self.session.compiled.calls.world.checker.take(pending[id].schema, value)
            answered = self.session.answer(value, id=id, by=_user(), via=via)
        except AnswerRefused as error:
            self.screen.refuse(id, error)
            if self._awaited:
                raise
            return False
        except UnknownInterruptError as error:
            self.screen.gone(id, str(error))
            if self._awaited:
                raise
            return False
        self.screen.answered(pending[answered.interrupt], answered)
        return True

    def _follow_script(self) -> None:
        """Answer what the scripted people have an answer for, until they have none."""
        while self.script is not None:
            due = [q for q in self.session.pending() if self.script.has(self.session.node_of(q))]
            if not due:
                return
            for question in due:
                value = self.script.answer(self.session.node_of(question), question.value)
                self._record(value, question.id, "script")
            self._run(None)

    def _report(self, error: BaseException) -> None:
        if self._awaited:
            self.problem = error
            return
        try:
            self.screen.problem(error)
        except Exception:  # noqa: BLE001 - the worker has to live on, whatever became of the screen
            traceback.print_exc()

    def _watch(self, session: Session, event: Event) -> None:
        self.screen.event(event)
        if isinstance(event, Ended):
            _flush_figures()


def _flush_figures() -> None:
    """Show the figures that a node left open now: later they would land in another cell."""
    if "matplotlib_inline.backend_inline" in sys.modules and "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib_inline.backend_inline"].flush_figures()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        return ""
