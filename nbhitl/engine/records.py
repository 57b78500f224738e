"""What is remembered: checkpoints, and the entries that follow the last one.

A thread is a list of `Checkpoint` and, after the last one, a list of entries (`Entry`). Entries are past
participles: they say what happened. A `Position` is a checkpoint with its entries folded in; it is all
that `nbhitl.engine.moves.next_move` needs to know. Everything here is frozen and compares by value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, assert_never

from nbhitl.engine.record import record

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
Author: TypeAlias = Literal["", "cache", "handler"]
"""Who wrote in place of a node's body: an earlier run, whose result was kept, or the node's error handler. Where the
handler did, the node's edges are not taken: it alone says where to go."""
Place: TypeAlias = Literal["before", "after", "inside", "error", "question"]
StopReason: TypeAlias = Literal["finished", "interrupted", "breakpoint", "failed", "drained"]


@dataclass(frozen=True, slots=True)
class ThreadKey:
    """Which line of execution: the graph's scope (empty outside notebooks), the thread id, the sub-graph path."""

    thread: str
    graph: str = ""
    ns: str = ""

    @classmethod
    def of(cls, thread: ThreadKey | str) -> ThreadKey:
        """The key of a thread; a text is the ``thread_id`` of a graph without a scope."""
        return cls(thread) if isinstance(thread, str) else thread

    def below(self, part: str) -> str:
        """The namespace of a sub-graph whose call is named ``part``."""
        return f"{self.ns}|{part}" if self.ns else part

    def __str__(self) -> str:
        return f"{self.graph}/{self.thread}" if self.graph else self.thread


@dataclass(frozen=True, slots=True)
class Send:
    """A destination with an input of its own: run ``node`` on ``arg`` in the next super-step."""

    node: str
    arg: Any


@record
class Task:
    """One node's work in one super-step. ``id`` is the checkpoint's id and the task's place in it."""

    id: str
    node: str
    arg: Any = MISSING
    """The input, where it is not the whole state: of the START task and of a `Send`."""
    origin: str = ""
    """The task that this one continues on a branch or after an edit: its questions keep their ids. Empty: itself."""

    @property
    def root(self) -> str:
        """What the ids of its questions are made of."""
        return self.origin or self.id


@record
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
    deferred: tuple[str, ...] = ()
    """Deferred nodes that are due once nothing else is."""
    children: Mapping[str, str] = field(default_factory=_empty)
    """Sub-graphs that remember (``checkpointer=True``): their namespace to their newest checkpoint on this branch."""
    code: str = ""
    """Digest of the graph's code (`nbhitl.engine.description.Graph.code`) when this checkpoint was made."""


@record
class Wrote:
    """A task finished: its updates in order, and where it wants to go next."""

    task: str
    updates: tuple[tuple[str, Any], ...] = ()
    goto: tuple[str | Send, ...] = ()
    by: Author = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A task stopped at a question: its own, or one of a sub-graph that it runs."""

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
    node: str = ""
    """Who asks, where that is a node of a sub-graph: the path of names, ``review/ask``. Empty: the task's node."""
    ns: str = ""
    """The namespace of the sub-graph that holds the question; empty for the task's own."""
    head: str = ""
    """The checkpoint in ``ns`` at which it was asked."""
    deadline: int = 0
    """Microseconds since 1970 after which no answer is taken; 0: never."""
    default: Any = MISSING
    """The answer that counts when the deadline has passed; MISSING: the node fails then."""
    again: int = 0
    """How often the same was answered before with a secret that is forgotten by now: see `Answered.sealed`."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A question got its answer: plain data when the question has a schema. The first one wins."""

    interrupt: str
    value: Any
    by: str = ""
    """Who answered, as claimed."""
    via: str = ""
    """Through what: ``form``, ``file``, ``code``, ...; ``deadline``: nobody did in time."""
    note: str = ""
    at: int = 0
    sealed: str = ""
    """Where secrets were left out of ``value``: under which name this process's memory holds the whole of it."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """A question is no longer open, although nobody answered it."""

    interrupt: str
    by: str = ""
    """The question that took its place, or empty: its task was done by other means."""


@dataclass(frozen=True, slots=True)
class Reopened:
    """A task that waited at a question runs again, since the state was edited: it asks anew, or no longer."""

    task: str


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
class Retried:
    """An attempt of a task raised, and the task is not over: it is tried again, or its error handler takes over."""

    task: str
    attempt: int
    """How many attempts have been made, this one included."""
    error: str
    """The exception's class name."""
    text: str
    not_before: int = 0
    """Microseconds since 1970 before which it is not tried again."""
    first: int = 0
    """When the first attempt began."""
    handled: bool = False
    """It has failed for good: its error handler takes over."""
    exception: BaseException | None = field(default=None, compare=False, repr=False)
    """The live exception; None after loading from disk."""


@dataclass(frozen=True, slots=True)
class Held:
    """The debugger stopped one task: before it began, after it ended in some way, or in a sub-graph that it runs."""

    task: str
    text: str
    """Where, in words, with the path from the outermost graph: ``before review/ask``."""
    place: Place = "before"
    """Of the task: ``inside`` is a sub-graph that it runs."""
    why: str = "at the breakpoint"
    """Stands before the text: a step holds tasks, too."""
    note: str = ""
    """Stands behind it: ``score > 3``."""

    @property
    def words(self) -> str:
        """Where, with the note."""
        return f"{self.text} ({self.note})" if self.note else self.text


@dataclass(frozen=True, slots=True)
class Kept:
    """The result of an effect that a task's body may not repeat: see `nbhitl.run.context.once`."""

    task: str
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Entered:
    """A task's body called a sub-graph, which has a line of checkpoints of its own."""

    task: str
    call: int
    """Which of the body's calls of sub-graphs, from 0; calls of a `@task` count down from -1."""
    ns: str
    """The sub-graph's namespace."""
    head: str = ""
    """The checkpoint from which its line goes on; empty: none yet, it will branch off ``source``."""
    source: str = ""
    """The checkpoint that ``head`` grew from, where that is one of another line."""
    fork: bool = False
    """``head`` is a copy of ``source``; otherwise it took new input behind it."""
    remembers: bool = False
    """The sub-graph keeps its memory from call to call (``checkpointer=True``)."""
    memory: Mapping[str, str] = field(default_factory=_empty)
    """When it has ended: where the sub-graphs in it that remember stand, by namespace."""
    binding: str = ""
    """Of a `@task`: what its result is bound to, which is its name, its arguments and which such call it is."""
    place: int = -1
    """Of a `@task` that the body itself called: which of its calls of that task, from 0. -1: called side by side."""

    @property
    def called(self) -> str:
        """The name of the `@task`; empty for a sub-graph."""
        return self.binding.rsplit(" ", 2)[0]


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


Entry: TypeAlias = (
    Wrote | Asked | Answered | Superseded | Reopened | Failed | Retried | Held | Kept | Entered | Stopped | Continued
)


@record
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
    superseded: Mapping[str, str] = field(default_factory=_empty)
    """Interrupt id to the question that took its place (empty: none did)."""
    held: Mapping[str, Held] = field(default_factory=_empty)
    """Tasks that a breakpoint holds."""
    released: frozenset[tuple[str, Place]] = frozenset()
    """Tasks whose breakpoint was passed, and which one."""
    kept: Mapping[str, Mapping[str, Any]] = field(default_factory=_empty)
    """Task id to the results of its effects, by key."""
    entered: Mapping[str, Mapping[int, Entered]] = field(default_factory=_empty)
    """Task id to its calls of sub-graphs, by number."""
    resumed: int = field(default=0, compare=False)
    """When a run took it up last, in microseconds since 1970; 0: never since its checkpoint. Only for show."""
    retried: Mapping[str, Retried] = field(default_factory=_empty)
    """Task id to its last attempt that raised, where the task is not over."""

    def after(self, entries: Iterable[Entry]) -> Position:
        """This position with ``entries`` folded in, in order."""
        news = tuple(entries)
        finished = [entry for entry in news if type(entry) is Wrote]
        if len(finished) == len(news) and not (self.parked or self.failed):
            # The usual step: some tasks have finished, nothing else.
            return self._wrote(finished) if news else self
        fold = _Fold(self)
        for entry in news:
            fold.take(entry)
        return fold.position()

    def _wrote(self, news: Sequence[Wrote]) -> Position:
        wrote = {entry.task: entry for entry in news}
        return Position(
            self.checkpoint,
            {**self.wrote, **wrote} if self.wrote else wrote,
            self.asked,
            self.answers,
            self.parked,
            self.failed,
            self.passed,
            self.stopped,
            self.superseded,
            self.held,
            self.released,
            self.kept,
            self.entered,
            self.resumed,
            self.retried,
        )

    @property
    def pending(self) -> tuple[Asked, ...]:
        """Questions that wait for an answer, in task order."""
        if not self.asked:
            return ()
        closed = self.answers.keys() | self.superseded.keys()
        wrote = self.wrote
        return tuple(
            q
            for t in self.checkpoint.tasks
            if t.id not in wrote
            for q in self.asked.get(t.id, ())
            if q.id not in closed
        )

    @property
    def untouched(self) -> bool:
        """Nothing has happened at this checkpoint yet."""
        return not (
            self.wrote
            or self.asked
            or self.failed
            or self.held
            or self.released
            or self.entered
            or self.kept
            or self.retried
        )


_SETS: Final = frozenset({"parked", "released"})


class _Fold:
    """A position in the making: copies of those of its parts that entries are written into."""

    __slots__ = ("news", "owners", "start")

    def __init__(self, start: Position) -> None:
        self.start = start
        self.news: dict[str, Any] = {}
        self.owners: dict[str, str] | None = None
        """Interrupt id to the task that asked."""

    def part(self, name: str) -> Any:
        """A part of the position that may be written into."""
        found = self.news.get(name)
        if found is None:
            old = getattr(self.start, name)
            found = self.news[name] = set(old) if name in _SETS else dict(old)
        return found

    def owned(self) -> dict[str, str]:
        """Interrupt id to the task that asked."""
        if self.owners is None:
            self.owners = {q.id: task for task, asked in self.start.asked.items() for q in asked}
        return self.owners

    def take(self, entry: Entry) -> None:
        match entry:
            case Wrote():
                self.part("wrote")[entry.task] = entry
                self._forget(entry.task)
            case Asked():
                self._ask(entry)
            case Answered():
                answers = self.part("answers")
                if entry.interrupt not in answers:  # the first answer wins
                    answers[entry.interrupt] = entry
                    self.part("parked").discard(self.owned().get(entry.interrupt, ""))
            case Superseded():
                self.part("superseded")[entry.interrupt] = entry.by
            case Reopened():
                self.part("parked").discard(entry.task)
            case Failed():
                self.part("parked").discard(entry.task)
                self.part("failed")[entry.task] = entry
            case Retried():
                self.part("retried")[entry.task] = entry
            case Held():
                self.part("held")[entry.task] = entry
            case Kept():
                kept = self.part("kept")
                kept[entry.task] = {**kept.get(entry.task, EMPTY), entry.key: entry.value}
            case Entered():
                entered = self.part("entered")
                entered[entry.task] = {**entered.get(entry.task, EMPTY), entry.call: entry}
            case Stopped():
                self.news["stopped"] = entry
            case Continued():
                self._continue(entry)
            case _:
                assert_never(entry)

    def _forget(self, task: str) -> None:
        if self.start.failed or "failed" in self.news:
            self.part("failed").pop(task, None)
        if self.start.parked or "parked" in self.news:
            self.part("parked").discard(task)

    def _ask(self, entry: Asked) -> None:
        asked, owned = self.part("asked"), self.owned()
        if entry.id not in owned:
            asked[entry.task] = (*asked.get(entry.task, ()), entry)
            owned[entry.id] = entry.task
        elif entry.head:  # a sub-graph has moved on, and still asks
            asked[entry.task] = tuple([entry if q.id == entry.id else q for q in asked[entry.task]])
        if self.start.superseded or "superseded" in self.news:
            self.part("superseded").pop(entry.id, None)
        if entry.id not in self.news.get("answers", self.start.answers):
            self.part("parked").add(entry.task)

    def _continue(self, entry: Continued) -> None:
        stopped = self.news.get("stopped", self.start.stopped)
        held = stopped is not None and stopped.reason == "breakpoint"
        if entry.passed or held:
            self.news["passed"] = True
        self.news["stopped"] = None
        self.news["resumed"] = entry.at
        failed = self.news.get("failed", self.start.failed)
        if failed and (self.start.retried or "retried" in self.news):  # who tries again by hand has all attempts again
            retried = self.part("retried")
            for task in failed:
                retried.pop(task, None)
        self.news["failed"] = {}
        holding = self.news.get("held", self.start.held)
        if holding:
            self.part("released").update((task, one.place) for task, one in holding.items())
            self.news["held"] = {}

    def position(self) -> Position:
        start, new = self.start, self.news.get
        return Position(
            start.checkpoint,
            new("wrote", start.wrote),
            new("asked", start.asked),
            new("answers", start.answers),
            frozenset(new("parked", start.parked)),
            new("failed", start.failed),
            new("passed", start.passed),
            new("stopped", start.stopped),
            new("superseded", start.superseded),
            new("held", start.held),
            frozenset(new("released", start.released)),
            new("kept", start.kept),
            new("entered", start.entered),
            new("resumed", start.resumed),
            new("retried", start.retried),
        )
