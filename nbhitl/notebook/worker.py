"""The run's thread in a kernel. A cell's worker takes commands from a queue, one at a time, and runs its session.

A widget's callback, a comm message or a magic puts a command on the queue and returns: none of them relies on the
thread it is called on. The worker's thread is started in the cell's context, so that what nodes print lands in the
cell, also long after the cell ended. It is a daemon: a kernel's exit never waits for a node.
"""

from __future__ import annotations

import contextlib
import contextvars
import ctypes
import getpass
import queue
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any, Final

from nbhitl.debugging.step import FIRST, Step
from nbhitl.engine.errors import AnswerRefused, NbhitlError, Problem, ThreadBusyError, UnknownInterruptError
from nbhitl.engine.records import EMPTY, Asked, Position
from nbhitl.notebook.commands import (
    INPUT,
    Act,
    Answer,
    AnswerAll,
    Back,
    Begin,
    Check,
    Command,
    Go,
    Look,
    Move,
    Rerun,
    Show,
)
from nbhitl.notebook.screen import Screen
from nbhitl.run.cards import card_schema
from nbhitl.run.vault import shown
from nbhitl.run.world import Ended, Event, RunControl
from nbhitl.scripts import ScriptedAnswers
from nbhitl.session import Runner, Session

PATIENCE: Final = 1.0
"""Seconds between two looks at the clock while a deadline is ahead: a clock that is set jumps over any timer."""
PAUSE: Final = 0.25
"""Seconds between two looks at a thread that is run by somebody else."""


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
        self._due = 0
        """Microseconds since 1970 at which the default of an open question counts; 0: none has a deadline."""
        self._taken_up = 0
        """The deadline after which the run was gone on with last."""
        self._told = threading.Event()
        """A look is on its way: one is enough."""
        self._in_node = False
        """Whether the session is running, so that a Stop may be raised in this worker's thread."""
        self._struck = False
        """Whether one was."""
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

    def moved(self) -> None:
        """Somebody may have moved the thread: have the screen brought up to date, unless it was this worker."""
        if threading.current_thread() is not self._thread and not self.session.busy and not self._told.is_set():
            self._told.set()
            self.put(Look())

    def follow(self) -> None:
        """An answer was recorded from elsewhere: go on with it."""
        self.put(Look(go_on=True))

    def retire(self, message: str) -> None:
        """Take no more commands; an open form says why."""
        self.screen.gone(message)
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
                self._struck = True
                _raise_in(self._thread, KeyboardInterrupt)

    # -- on the worker's thread

    def _work(self) -> None:
        while True:
            try:
                job = self._job = self._next()
                if job is None:
                    return
                self._serve(job)
                self._due = self._deadline()
            except BaseException:  # noqa: BLE001 - a Stop that came too late must not end the worker
                traceback.print_exc()

    def _next(self) -> _Job | None:
        """The next job; when a deadline passes meanwhile, the one to go on with what counts then."""
        clock = self.session.compiled.calls.world.clock
        tried = False
        while self._due:
            left = (self._due - clock.now()) / 1e6
            if left <= 0 and (tried or self._due != self._taken_up):
                self._taken_up = self._due
                return _Job(Look(go_on=True), awaited=False)
            tried = left <= 0  # in vain: somebody else runs the thread now
            with contextlib.suppress(queue.Empty):
                return self._jobs.get(timeout=min(left, PATIENCE) if left > 0 else PATIENCE)
        return self._jobs.get()

    def _deadline(self) -> int:
        position = self.session.position
        if position is None or not _only_waits(position):
            return 0
        return min((question.deadline for question in position.pending if question.deadline), default=0)

    def _serve(self, job: _Job) -> None:
        try:
            self._do(job.command)
        except BaseException as error:  # noqa: BLE001 - shown, or raised in the cell that waits
            self._report(job, error)
        finally:
            job.done.set()

    @property
    def control(self) -> RunControl:
        """Asked to stop by a Ctrl-C in the cell that waits for the command at work: for what an `Act` runs."""
        return self._job.control if self._job is not None else RunControl()

    @property
    def _awaited(self) -> bool:
        return self._job is not None and self._job.awaited

    def _do(self, command: Command) -> None:
        match command:
            case Show():
                self._show()
                self._follow_script()
            case Go():
                self._run(command.input, restart=command.restart, rename=command.rename, step=command.step)
                self._follow_script()
            case Move(kind=kind, count=count, node=node):
                self._run(None, step=self.session.move(kind, count=count, node=node))
                self._follow_script()
            case Back(count=count):
                self.session.back(count)
                self._show()
            case Rerun():
                self.session.fork_before_change()
                self._run(None)
                self._follow_script()
            case Act(does=does):
                does()
            case Begin(schema=schema, raw=raw):
                checker = self.session.compiled.calls.world.checker
                try:
                    values = checker.take(schema, raw)
                except AnswerRefused as error:
                    self.screen.refuse(INPUT, error)
                    return
                self.screen.taken(INPUT, shown(checker.describe(schema), values))
                whole = self.session.graph.takes  # of an entrypoint, which takes one value
                given = values[whole] if whole else values
                self._run(given, restart=command.restart, step=FIRST if command.step else None)
            case Answer():
                if self._record(command.value, command.id, command.via, command.by, command.note):
                    self._run(None)
                    self._follow_script()
            case AnswerAll(values=values, notes=notes):
                if self._record_all(values, notes):
                    self._run(None)
                    self._follow_script()
            case Check(raw=raw, id=id):
                self._check(raw, id)
            case Look(go_on=go_on):
                self._let_run(go_on=go_on)
                self._told.clear()
                self.screen.look()
                if go_on and self._can_go_on():
                    with contextlib.suppress(ThreadBusyError):  # who runs it takes the answer along
                        self._run(None)
                        self._follow_script()

    def _show(self) -> None:
        position = self.session.position
        self.screen.stopped(position.stopped if position is not None else None)

    def _run(
        self,
        input: Any,
        *,
        restart: bool = False,
        rename: Mapping[str, str] = EMPTY,
        step: Step | None = None,
    ) -> None:
        if not self._awaited:
            self.screen.running()
        control = self._job.control if self._job is not None else None
        with self._guard:
            self._in_node = True
        try:
            stopped = self.session.go(input, restart=restart, control=control, rename=rename, step=step)
        finally:
            with self._guard:
                self._in_node = False
                if self._struck:
                    self._struck = False
                    _take_back()
        self.screen.stopped(stopped)
        if self.session.failure is not None:
            raise self.session.failure

    def _let_run(self, *, go_on: bool) -> None:
        """Somebody else may run the thread right now, a step at a time: looking at each would only slow that down."""
        position = self.session.position
        if not go_on and position is not None and position.stopped is None:
            time.sleep(PAUSE)

    def _can_go_on(self) -> bool:
        """Whether a run that waited for a person has an answer, or need not wait any longer."""
        position = self.session.position
        if self.session.busy or position is None or not _only_waits(position):
            return False
        waits = position.wrote.keys() | position.parked | position.failed.keys() | position.held.keys()
        late = 0 < self._deadline() <= self.session.compiled.calls.world.clock.now()
        return late or any(task.id not in waits for task in position.checkpoint.tasks)

    def _record(self, value: Any, id: str | None, via: str, by: str | None = None, note: str = "") -> bool:
        """Whether the answer was taken."""
        pending = {q.id: q for q in self.session.pending()}
        try:
            if via == "form" and id in pending:  # raw control values: made plain by the question's schema
                value = self._taken(pending[id], value)
            by = by if by is not None else via if via in ("script", "replay") else user()
            answered = self.session.answer(value, id=id, by=by, via=via, note=note)
        except AnswerRefused as error:
            self.screen.refuse(id, error)
            if self._awaited:
                raise
            return False
        except UnknownInterruptError as error:
            if self._awaited:
                raise
            self._say_not_open(id, error)
            return False
        self.screen.answered(pending[answered.interrupt], answered)
        return True

    def _record_all(self, values: Mapping[str, Any], notes: Mapping[str, str]) -> bool:
        """Whether any of the answers was taken."""
        pending = {q.id: q for q in self.session.pending()}
        found = self.session.answer_all(values, by=user(), via="form", note=notes)
        for answered in found.recorded:
            self.screen.answered(pending[answered.interrupt], answered)
        self.screen.look()
        for id, error in found.refused.items():
            if isinstance(error, AnswerRefused):
                self.screen.refuse(id, error)
            else:
                self._say_not_open(id, error)
        return bool(found.recorded)

    def _say_not_open(self, id: str | None, error: NbhitlError) -> None:
        """Say who was first, or why the question is not open any more; or, where it still is, why no answer counts."""
        self.screen.look()
        if any(question.id == id for question in self.session.pending()):
            self.screen.refuse(id, AnswerRefused([Problem("", str(error))]))

    def _check(self, raw: Any, id: str) -> None:
        question = next((q for q in self.session.pending() if q.id == id), None)
        if question is None:
            self.screen.look()
            return
        try:
            self.screen.kept(id, self._taken(question, raw))
        except AnswerRefused as error:
            self.screen.refuse(id, error)

    def _taken(self, question: Asked, raw: Any) -> Any:
        """The plain answer from a form's raw values. Raises `AnswerRefused`."""
        return self.session.compiled.calls.world.checker.take(schema_of(question), raw)

    def _follow_script(self) -> None:
        """Answer what the scripted people have an answer for, until they have none, or a breakpoint stops the run."""
        while self.script is not None and not ((self._job and self._job.control.drain_requested) or self._held):
            due = [(self.session.node_of(question), question) for question in self.session.pending()]
            given = self.script.answers(due, self.session.thread)
            taken = False
            for node, question in due:
                if question.id not in given:
                    continue
                try:
                    taken |= self._record(given[question.id], question.id, self.script.via)
                except AnswerRefused as error:
                    self.script.explain(error, node, question)
                    raise
            if not taken:
                return
            self._run(None)

    @property
    def _held(self) -> bool:
        position = self.session.position
        return position is not None and bool(position.held)

    def _report(self, job: _Job, error: BaseException) -> None:
        if job.awaited:
            job.problem = error
            return
        try:
            self.screen.problem(error)
        except Exception:  # noqa: BLE001 - the worker has to live on, whatever became of the screen
            traceback.print_exc()

    def _watch(self, session: Runner, event: Event) -> None:
        self.screen.event(event)
        if isinstance(event, Ended):
            _flush_figures()


def _only_waits(position: Position) -> bool:
    """Whether a run has stopped for answers alone: at a breakpoint it is a person who says when it goes on."""
    return position.stopped is not None and position.stopped.reason == "interrupted" and not position.held


def schema_of(question: Asked) -> Any:
    """What a form asks for: the question's schema, or that of a payload which is known without one."""
    return question.schema if question.schema is not None else card_schema(question.value)


class _Nothing(BaseException):
    """Takes the place of a Stop that has not arrived."""


def _raise_in(thread: threading.Thread, kind: type[BaseException]) -> None:
    """Have an exception raised in a thread soon, in place of one that has not been raised yet."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(kind))


def _take_back() -> None:
    """Let no Stop arrive in this thread any more.

    Something has to arrive: CPython remembers for the whole process that an exception is under way until one has been
    raised. Simply taken back, every call of a function is slower from then on, and with 3.11 a debugger that traces
    waits for ever.
    """
    try:
        _raise_in(threading.current_thread(), _Nothing)
        while True:  # it is raised at the next jump back
            pass
    except _Nothing:
        pass


def _flush_figures() -> None:
    """Show the figures that a node left open now: later they would land in another cell."""
    if "matplotlib_inline.backend_inline" in sys.modules and "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib_inline.backend_inline"].flush_figures()


def user() -> str:
    """The name of this machine's user: who answers, as far as is known here."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        return ""
