"""What the engine needs from the outside, as protocols: a saver, hands, a checker, a clock and ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from nbhitl.engine.records import Answered, Checkpoint, Entry, Position, ThreadKey


@dataclass(frozen=True, slots=True)
class ThreadInfo:
    """One row of a saver's list of threads."""

    key: ThreadKey
    checkpoint: str
    """The newest checkpoint."""
    step: int
    status: str
    """The last stop's reason; ``running`` when no stop was recorded since (a run at work, or killed)."""
    created_at: int
    updated_at: int


@runtime_checkable
class Saver(Protocol):
    """Remembers threads. Append-only: nothing that was written is changed.

    Every method may be called from any thread. ``wait=True`` returns only when the record (and everything
    before it) is durable; ``wait=False`` may return earlier, and order is kept all the same.
    """

    def commit(
        self, key: ThreadKey, checkpoint: Checkpoint, entries: Sequence[Entry] = (), *, wait: bool = True
    ) -> None:
        """Append ``checkpoint`` (and the ``entries`` that already follow it): it is the thread's newest now.

        ``checkpoint.parent`` names the checkpoint it grew from; a parent that is not the newest starts a
        branch. Raises `UnstorableValueError` before anything is written.
        """

    def append(self, key: ThreadKey, checkpoint: str, entries: Iterable[Entry], *, wait: bool = True) -> None:
        """Append entries that happened at the checkpoint with that id."""

    def answer(self, key: ThreadKey, checkpoint: str, answers: Sequence[Answered]) -> None:
        """Append answers, durably and all or none, by compare-and-set on their interrupt ids.

        Raises `AlreadyAnsweredError` when one of them has an answer, `UnknownInterruptError` when one was
        never asked at that checkpoint.
        """

    def load(self, key: ThreadKey, checkpoint: str | None = None) -> Position | None:
        """The position at a checkpoint, the newest by default; None where there is none."""

    def history(self, key: ThreadKey, *, before: str | None = None, limit: int | None = None) -> Iterator[Position]:
        """Positions of all branches, newest first; only those older than ``before`` when given."""

    def threads(self) -> list[ThreadInfo]:
        """All threads (of every graph, without sub-graphs), the most recently changed first."""

    def breakpoints(self, graph: str) -> Mapping[str, Any]:
        """The breakpoints that were set last for a graph: node name to how it stops there."""

    def set_breakpoints(self, graph: str, points: Mapping[str, Any]) -> None:
        """Remember a graph's breakpoints; ``points`` holds plain data (JSON types)."""

    def register(self, *classes: type) -> None:
        """Make classes known that values of the state may have: stored data alone never names code to run."""

    def flush(self) -> None:
        """Return when everything that was handed over is durable."""

    def close(self) -> None:
        """Flush and let go of all resources. Further calls raise `SaverError`; closing twice is fine."""


class Checker(Protocol):
    """Knows ``response_schema`` kinds: describes them for storage and forms, checks answers against them."""

    def describe(self, schema: Any) -> Mapping[str, Any]:
        """The JSON Schema of a live schema. Raises `SchemaError` for a kind that cannot be shown."""

    def name(self, schema: Any) -> str | None:
        """The name under which a class is known in its module, None for schemas without one."""

    def check(self, schema: Any, answer: Any) -> Any:
        """The answer as plain data (JSON types). Raises `AnswerRefused` naming each wrong field."""

    def take(self, schema: Any, raw: Mapping[str, Any]) -> Any:
        """As `check`, from a form's raw control values by field name."""

    def build(self, schema: Any, plain: Any) -> Any:
        """The typed value that ``interrupt()`` returns, from plain data that was checked."""


class Clock(Protocol):
    """Tells the time; only ever shown, never used for order."""

    def now(self) -> int:
        """Microseconds since 1970."""


class Ids(Protocol):
    """Source of names that nobody else uses."""

    def run(self) -> str:
        """A new run's id: a short string, unique among all runs."""
