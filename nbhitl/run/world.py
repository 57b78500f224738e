"""What a run needs from the outside, what it tells those who look on, and how it is asked to stop."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import random
from typing import Any, Literal, Protocol, TypeAlias

from nbhitl.engine.ports import BaseCache, Checker, Clock, Ids, Saver
from nbhitl.engine.records import Checkpoint, Entry, Stopped, Task, Wrote
from nbhitl.engine.stores import BaseStore

DEFAULT_CONCURRENCY = 16
"""Tasks of a step that are performed at the same time."""

Durability: TypeAlias = Literal["sync", "async", "exit"]
"""``sync``: each step is durable before the next one begins; ``async``: up to 50 ms later; ``exit``: only the step at
which the run stops is kept. Questions, answers, results of `once` and stops are durable before they are reported, in
all of them."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Microseconds since 1970."""
        return time.time_ns() // 1000


class RandomIds:
    """Run ids of 12 random hex digits."""

    def run(self) -> str:
        """A new run's id."""
        return secrets.token_hex(6)


class RunControl:
    """Asks a run, from any thread, to stop at the next node boundary. The thread can be continued later.

    A node that waits to be tried again (`RetryPolicy`) is at such a boundary.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.RLock()  # a signal handler may ask while this very thread holds it
        self._wakers: list[Callable[[], object]] = []
        self.reason = ""

    def request_drain(self, reason: str = "shutdown") -> None:
        """Stop before the next node; ``reason`` is shown to people."""
        self.reason = reason
        with self._lock:
            self._asked.set()
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the run is asked to stop; whether it is."""
        return self._asked.wait(seconds)

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Have ``wake`` called, on whatever thread asks, as soon as the run is asked to stop."""
        with self._lock:
            self._wakers.append(wake)  # before it is looked at: a signal handler may ask in between
            asked = self._asked.is_set()
        if asked:
            wake()
        try:
            yield
        finally:
            with self._lock:
                if wake in self._wakers:
                    self._wakers.remove(wake)

    @property
    def drain_reason(self) -> str | None:
        """Why the run should stop; None while nobody has asked for it."""
        return self.reason if self.drain_requested else None

    @property
    def drain_requested(self) -> bool:
        """Whether the run should stop."""
        return self._asked.is_set()


@dataclass(frozen=True, slots=True)
class Started:
    """These tasks are being performed."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """A task ended, and this came of it."""

    task: Task
    entries: tuple[Entry, ...]

    @property
    def cached(self) -> bool:
        """Whether the body did not run, since an earlier run's result counts."""
        first = self.entries[0] if self.entries else None
        return type(first) is Wrote and first.by == "cache"


@dataclass(frozen=True, slots=True)
class Committed:
    """A super-step is over."""

    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Emitted:
    """A body streamed something while it runs; or it raised and is tried again (``attempts``, which no stream has)."""

    mode: Literal["custom", "messages", "attempts"]
    data: Any
    task: Task
    ns: str = ""
    """The namespace of the graph that the task belongs to."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Something that came while bodies ran, as whoever reads the stream of the run gets it."""

    item: Any


Event: TypeAlias = Started | Ended | Committed | Stopped | Emitted | Chunk


class Outlet(Protocol):
    """Takes what happens while bodies run to whoever watches, from any thread. One for a whole run."""

    @property
    def modes(self) -> frozenset[str]:
        """What is wanted: nothing else needs to be put."""

    def put(self, event: Emitted, ns: str) -> None:
        """Hand over what a body of the graph in ``ns`` says. May wait until somebody has taken what came earlier."""

    async def room(self) -> None:
        """Wait until there is room for more: for async bodies, where `put` does not wait."""


@dataclass(frozen=True, slots=True)
class World:
    """What a run needs from the outside."""

    checker: Checker
    saver: Saver | None = None
    store: BaseStore | None = None
    """Memory across threads."""
    cache: BaseCache | None = None
    """Results of earlier runs."""
    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=RandomIds)
    chance: Callable[[], float] = random
    """A number from 0 to 1: for waits that are not to end at the same time."""
