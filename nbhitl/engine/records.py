"""What is remembered: checkpoints, and the entries that follow the last one.

A thread is a list of `Checkpoint` and, after the last one, a list of entries (`Entry`). Entries are past
participles: they say what happened. A `Position` is a checkpoint with its entries folded in; it is all
that `nbhitl.engine.moves.next_move` needs to know. Everything here is frozen and compares by value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

START: Final = "__start__"
"""The virtual node before the first one: it takes the input."""
END: Final = "__end__"
"""The virtual node after the last one."""


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
"""No value: told apart from ``None``, which is one."""

EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


def _empty() -> Mapping[str, Any]:
    return EMPTY  # a factory, since dataclasses take no unhashable default


Source: TypeAlias = Literal["input", "loop", "update", "fork"]
StopReason: TypeAlias = Literal["finished", "interrupted", "breakpoint", "failed", "drained"]


@dataclass(frozen=True, slots=True)
class ThreadKey:
    """Which line of execution: the graph's scope (empty outside notebooks), the thread id, the sub-graph path."""

    thread: str
    graph: str = ""
    ns: str = ""

    def __str__(self) -> str:
        return f"{self.graph}/{self.thread}" if self.graph else self.thread


@dataclass(frozen=True, slots=True)
class Send:
    """A destination with an input of its own: run ``node`` on ``arg`` in the next super-step."""

    node: str
    arg: Any


@dataclass(frozen=True, slots=True)
class Task:
    """One node's work in one super-step. ``id`` is the checkpoint's id and the task's place in it."""

    id: str
    node: str
    arg: Any = MISSING
    """The input, where it is not the whole state: of the START task and of a `Send`."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state between two super-steps, and the tasks of the next one."""

    id: str
    parent: str | None
    step: int
    """-1 for a thread's first input; counts super-steps."""
    source: Source
    values: Mapping[str, Any] = field(default_factory=_empty)
    """Channel name to value; a channel that was never written is absent."""
    tasks: tuple[Task, ...] = ()
    """What has to be done next, in the order in which the results are merged."""
    ran: tuple[str, ...] = ()
    """Nodes whose writes made this checkpoint."""
    changed: tuple[str, ...] = ()
    """Channels whose value may differ from the parent's."""
    arrived: Mapping[str, frozenset[str]] = field(default_factory=_empty)
    """Waiting edges that are under way: edge key to the sources that have been seen."""
    at: int = 0
    """Microseconds since 1970, only for show: order comes from the saver's sequence."""


@dataclass(frozen=True, slots=True)
class Wrote:
    """A task finished: its updates in order, and where it wants to go next."""

    task: str
    updates: tuple[tuple[str, Any], ...] = ()
    goto: tuple[str | Send, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A task stopped at a question."""

    task: str
    id: str
    """Bound to task, call (``ordinal`` or ``key``), value and schema: see `nbhitl.engine.questions`."""
    value: Any
    schema: Any = None
    """The live ``response_schema``; after loading from disk, its JSON Schema."""
    schema_name: str | None = None
    """The name of the schema's class in the notebook or module, to find the live one again."""
    ordinal: int = 0
    """Which of the body's calls without a key asked, from 0."""
    key: str | None = None
    binding: str = ""
    """What an answer is bound to, the task aside: keeps its meaning when the question is taken to a fork."""
    at: int = 0
    described: Mapping[str, Any] | None = None
    """The schema as JSON Schema: what is stored of it."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A question got its answer: plain data when the question has a schema. The first one wins."""

    interrupt: str
    value: Any
    by: str = ""
    """Who answered, as claimed."""
    via: str = ""
    """Through what: ``form``, ``file``, ``code``, ..."""
    note: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """A task (or, with an empty ``task``, the merging of writes) raised."""

    task: str
    error: str
    """The exception's class name."""
    text: str
    exception: BaseException | None = field(default=None, compare=False, repr=False)
    """The live exception; None after loading from disk."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A run handed control back, and why: in a word, and in words."""

    reason: StopReason
    text: str = ""
    at: int = 0
    code: Mapping[str, str] = field(default_factory=_empty)
    """Node name to the fingerprint of its code at the stop, to notice later what was edited meanwhile."""


@dataclass(frozen=True, slots=True)
class Continued:
    """A run took the thread up again: a breakpoint that held it is passed, failed tasks may be tried again."""

    at: int = 0
    passed: bool = False
    """Breakpoints at this checkpoint do not hold the run, although it did not stop here: it is a replay."""


Entry: TypeAlias = Wrote | Asked | Answered | Failed | Stopped | Continued


@dataclass(frozen=True, slots=True)
class Position:
    """Where a thread stands: a checkpoint and what has happened since."""

    checkpoint: Checkpoint
    wrote: Mapping[str, Wrote] = field(default_factory=_empty)
    asked: Mapping[str, tuple[Asked, ...]] = field(default_factory=_empty)
    """Task id to its questions, oldest first."""
    answers: Mapping[str, Answered] = field(default_factory=_empty)
    """Interrupt id to its answer."""
    parked: frozenset[str] = frozenset()
    """Tasks that stopped at a question and got no answer since."""
    failed: Mapping[str, Failed] = field(default_factory=_empty)
    passed: bool = False
    """Breakpoints at this checkpoint were passed."""
    stopped: Stopped | None = None

    def after(self, entries: Iterable[Entry]) -> Position:
        """This position with ``entries`` folded in, in order."""
        wrote, asked, answers, failed = dict(self.wrote), dict(self.asked), dict(self.answers), dict(self.failed)
        parked, passed, stopped = set(self.parked), self.passed, self.stopped
        for entry in entries:
            match entry:
                case Wrote():
                    wrote[entry.task] = entry
                    failed.pop(entry.task, None)
                    parked.discard(entry.task)
                case Asked():
                    known = asked.get(entry.task, ())
                    if all(q.id != entry.id for q in known):
                        asked[entry.task] = (*known, entry)
                    parked.add(entry.task)
                case Answered():
                    if entry.interrupt not in answers:  # the first answer wins
                        answers[entry.interrupt] = entry
                        parked.difference_update(
                            task for task, qs in asked.items() if any(q.id == entry.interrupt for q in qs)
                        )
                case Failed():
                    failed[entry.task] = entry
                case Stopped():
                    stopped = entry
                case Continued():
                    passed = passed or entry.passed or (stopped is not None and stopped.reason == "breakpoint")
                    stopped = None
                    failed.clear()
        return Position(
            checkpoint=self.checkpoint,
            wrote=wrote,
            asked=asked,
            answers=answers,
            parked=frozenset(parked),
            failed=failed,
            passed=passed,
            stopped=stopped,
        )

    @property
    def pending(self) -> tuple[Asked, ...]:
        """Questions without an answer, in task order."""
        return tuple(q for t in self.checkpoint.tasks for q in self.asked.get(t.id, ()) if q.id not in self.answers)

    @property
    def untouched(self) -> bool:
        """Nothing has happened at this checkpoint yet."""
        return not (self.wrote or self.asked or self.failed)
