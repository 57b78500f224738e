"""Who performs tasks side by side: the thread that runs the graph, and daemon threads that help when it gets stuck.

Short bodies are done fastest by one thread: others would fight for the interpreter's lock. Bodies that wait (for a
network, for each other) need as many threads as there are. So the caller works, and a foreman looks every two
milliseconds whether the work moves; where it does not, he hires. Daemon threads, since an executor's would hold up the
exit of a kernel that is shut down.
"""

from __future__ import annotations

import contextvars
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from nbhitl.engine.records import Entry, Failed

if TYPE_CHECKING:
    from nbhitl.run.context import TaskContext
    from nbhitl.run.streams.pipe import Pipe

Outcome: TypeAlias = "tuple[TaskContext, tuple[Entry, ...]]"
Outcomes: TypeAlias = "queue.SimpleQueue[Outcome | BaseException] | Pipe"
Perform: TypeAlias = "Callable[[TaskContext], tuple[Entry, ...]]"

TICK = 0.002
_PATIENCE = 0.1
"""Seconds without work after which the foreman sleeps until he is called."""


class Helped(Protocol):
    """Work that helpers may join: a `Crew`, or the calls of tasks that a body makes."""

    most: int
    """At most so many work on it, its owner included."""
    helpers: int
    looked_at: int
    """How much was untaken when the foreman last looked."""

    @property
    def untaken(self) -> int:
        """How much of it nobody has begun."""

    @property
    def idle(self) -> bool:
        """Whether nobody is needed any more, or not at the moment: who needs somebody again calls again."""

    def help(self, context: contextvars.Context) -> None:
        """Work on it, on a helper's thread, until nothing is untaken."""


class Crew:
    """One super-step's tasks, taken one by one by whoever is free; ``most`` at a time."""

    def __init__(
        self, jobs: Sequence[TaskContext], perform: Perform, most: int, outcomes: Outcomes | None = None
    ) -> None:
        self.outcomes: Outcomes = queue.SimpleQueue() if outcomes is None else outcomes
        self.most = most
        self.untaken = len(jobs)
        self.looked_at = -1
        """How many were untaken when the foreman last looked."""
        self.helpers = 0
        self._jobs = iter(jobs)
        self._perform = perform
        self._lock = threading.Lock()
        self._stopped = False

    @property
    def idle(self) -> bool:
        """Whether nobody is needed any more."""
        return self._stopped or not self.untaken

    def take(self) -> TaskContext | None:
        """The next task that nobody has begun; None when there is none, or one has failed."""
        with self._lock:
            if self._stopped or not self.untaken:
                return None
            self.untaken -= 1
            return next(self._jobs)

    def perform(self, job: TaskContext) -> Outcome:
        """Perform one task on this thread."""
        entries = contextvars.copy_context().run(self._perform, job)
        if entries and isinstance(entries[0], Failed):
            self.stop()
        return job, entries

    def outcome(self, timeout: float | None = None) -> Outcome:
        """What a helper's task came to. Raises what stopped the helper, or `queue.Empty` after ``timeout`` seconds."""
        found = self.outcomes.get(timeout=timeout)
        if isinstance(found, BaseException):
            raise found
        return found

    def stop(self) -> None:
        """Let no further task begin."""
        self._stopped = True

    def help(self, context: contextvars.Context) -> None:
        """Perform tasks on a helper's thread until there are none."""
        while (job := self.take()) is not None:
            try:
                self.outcomes.put(context.copy().run(self.perform, job))
            except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
                self.stop()
                self.outcomes.put(error)


class _Foreman:
    """One daemon thread a process, which hires helpers for crews whose work does not move."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._crews: list[tuple[Helped, contextvars.Context]] = []
        self._called = threading.Event()
        threading.Thread(target=self._watch, name="nbhitl-foreman", daemon=True).start()

    def call(self, crew: Helped, context: contextvars.Context) -> None:
        """Watch over a crew."""
        self._crews.append((crew, context))
        if not self._called.is_set():
            self._called.set()

    def _watch(self) -> None:
        rest = time.monotonic() + _PATIENCE
        while True:
            time.sleep(TICK)
            crews, seen = self._crews[:], set()
            for entry in crews:
                if entry[0].idle:
                    self._crews.remove(entry)
                elif id(entry[0]) not in seen:  # called for several times since the last look
                    seen.add(id(entry[0]))
                    _hire(*entry)
            if crews:
                rest = time.monotonic() + _PATIENCE
            elif time.monotonic() > rest:
                self._called.clear()
                if not self._crews:  # nobody called in between
                    self._called.wait()
                rest = time.monotonic() + _PATIENCE


def _hire(crew: Helped, context: contextvars.Context) -> None:
    """Twice as many helpers for a crew that has begun nothing since the last look."""
    before, crew.looked_at = crew.looked_at, crew.untaken
    if before != crew.untaken:
        return
    wanted = min(max(1, crew.helpers), crew.most - 1 - crew.helpers, crew.untaken)
    for _ in range(wanted):
        crew.helpers += 1
        name = f"nbhitl-hand-{crew.helpers}"
        threading.Thread(target=crew.help, args=(context.copy(),), name=name, daemon=True).start()


_foreman: _Foreman | None = None
_lock = threading.Lock()


def hire(crew: Helped, context: contextvars.Context | None = None) -> None:
    """Let the foreman look after a crew that may need helpers; ``context`` is theirs, by default a copy of this one."""
    global _foreman  # noqa: PLW0603 - one thread a process
    if crew.most < 2:
        return
    if _foreman is None or _foreman.pid != os.getpid():  # a forked child has no foreman
        with _lock:
            if _foreman is None or _foreman.pid != os.getpid():
                _foreman = _Foreman()
    _foreman.call(crew, contextvars.copy_context() if context is None else context)
