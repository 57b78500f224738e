"""What a run needs from the outside, what it tells those who look on, and how it is asked to stop."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from nbhitl.engine.ports import BaseCache, BaseStore, Checker, Clock, Ids, Saver
from nbhitl.engine.records import Checkpoint, Entry, Stopped, Task

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
    """Asks a run, from any thread, to stop at the next node boundary. The thread can be continued later."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.reason = ""

    def request_drain(self, reason: str = "stopped on request") -> None:
        """Stop before the next node; ``reason`` is shown to people."""
        self.reason = reason
        self._asked.set()

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


@dataclass(frozen=True, slots=True)
class Committed:
    """A super-step is over."""

    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Emitted:
    """A body streamed something while it runs."""

    mode: Literal["custom", "messages"]
    data: Any
    task: Task
    ns: str = ""
    """The namespace of the graph that the task belongs to."""


Event: TypeAlias = Started | Ended | Committed | Stopped | Emitted


class Outlet(Protocol):
    """Takes what happens while bodies run to whoever watches, from any thread. One for a whole run."""

    modes: frozenset[str]
    """What is wanted: nothing else needs to be put."""

    def put(self, event: Event, ns: str) -> None:
        """Hand over an event of the graph in ``ns``. May wait until somebody has taken earlier ones."""


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
