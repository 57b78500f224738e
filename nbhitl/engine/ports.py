"""What the engine needs from the outside, as protocols: a saver, hands, a checker, a clock and ids."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

from nbhitl.engine.records import Answered, Checkpoint, Entry, Position, ThreadKey, Wrote


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

    A line is what one `ThreadKey` names: a thread, or a sub-graph of it (``ns`` set); lines do not mix, and the
    ids of checkpoints and questions are only known within theirs. Every method may be called from any thread.
    ``wait=True`` returns only when the record (and everything before it) is durable; ``wait=False`` may return
    earlier, and order is kept all the same. What is asked about an unknown line or checkpoint is answered with
    None (or nothing); what is written to an unknown checkpoint raises `SaverError`.
    """

    def commit(
        self,
        key: ThreadKey,
        checkpoint: Checkpoint,
        entries: Sequence[Entry] = (),
        *,
        wrote: Wrote | None = None,
        joined: Container[str] = (),
        wait: bool = True,
    ) -> None:
        """Append ``checkpoint`` (and the ``entries`` that already follow it): it is the line's newest now.

        ``checkpoint.parent`` names the checkpoint it grew from; a parent that is not the newest starts a
        branch, and so does one that the line does not hold (it may stand in another line).
        ``checkpoint.changed`` names every channel whose value differs from that parent's: only these are written
        where no branch starts. ``wrote`` is the last write of the parent's tasks, where that was not appended yet.
        ``joined`` names the channels that only ever join lists: of a list of theirs that begins with the very
        elements of the parent's, only the rest has to be written. All of it is written together or not at all.

        Raises `UnstorableValueError` for a value that cannot be stored, and `SaverError` when the line has a
        checkpoint of that id already, or when ``wrote`` is given and the line does not hold the parent; each before
        anything is written.
        """

    def append(self, key: ThreadKey, checkpoint: str, entries: Iterable[Entry], *, wait: bool = True) -> None:
        """Append entries that happened at the checkpoint with that id, all or none.

        Raises `SaverError` for an unknown checkpoint, `UnstorableValueError` for a value that cannot be stored.
        """

    def answer(self, key: ThreadKey, checkpoint: str, answers: Sequence[Answered]) -> None:
        """Append answers, durably and all or none, by compare-and-set on their interrupt ids.

        Raises `AlreadyAnsweredError` when one of them has an answer, `UnknownInterruptError` when one was
        never asked at that checkpoint or is no longer open (superseded, or its task is done), `SaverError` for
        an unknown checkpoint.
        """

    def load(self, key: ThreadKey, checkpoint: str | None = None, *, strict: bool = False) -> Position | None:
        """The position at a checkpoint, the newest by default; None where there is none.

        With ``strict``, for going on from there: a stored value of a class that this program does not know is an
        `UnknownTypeError`, and one that its class does not take any more is `SchemaChanged`. Without, for looking.
        """

    def newest(self, key: ThreadKey, since: str) -> Position | None:
        """The position of the newest checkpoint that is ``since`` or descends from it; None without ``since``.

        Cheap when the line's newest checkpoint is ``since`` or goes back to it.
        """

    def history(self, key: ThreadKey, *, before: str | None = None, limit: int | None = None) -> Iterator[Position]:
        """Positions of all branches, newest first; only those older than ``before`` when given.

        Raises `SaverError` for an unknown ``before``.
        """

    def threads(self) -> list[ThreadInfo]:
        """All threads (of every graph, without sub-graphs), the most recently changed first."""

    def delete_thread(self, key: ThreadKey | str) -> None:
        """Delete a thread with its sub-graphs, durably; a text is a ``thread_id``, see `ThreadKey.of`.

        Raises `SaverError` when there is none.
        """

    def copy_thread(self, source: ThreadKey | str, target: ThreadKey | str) -> None:
        """Copy a thread with its sub-graphs, under the same ids of checkpoints and questions; durably.

        Raises `SaverError` when there is no ``source``, or a ``target`` already.
        """

    def prune(self, key: ThreadKey | str, *, keep: int = 1) -> None:
        """Delete all but the newest ``keep`` checkpoints of a thread, along the parents of the newest; durably.

        Other branches are deleted, too, and the sub-graphs of the deleted checkpoints. What is left can be continued
        and answered as before. Raises `SaverError` for an unknown thread, and for ``keep`` below 1.
        """

    def remember_code(self, digest: str, code: Mapping[str, str]) -> None:
        """Remember what a `Checkpoint.code` stands for: node name to the fingerprint of its code.

        Written once a digest (what was remembered first stays), cheap when it is known, durable no later than
        the next record that is.
        """

    def code(self, digest: str) -> Mapping[str, str] | None:
        """What `remember_code` was given for a digest; None when it never was."""

    def breakpoints(self, graph: str) -> Mapping[str, Any]:
        """The breakpoints that were set last for a graph: id to what was set (see `nbhitl.debugging.breakpoint`)."""

    def set_breakpoints(self, graph: str, points: Mapping[str, Any]) -> None:
        """Remember a graph's breakpoints; ``points`` holds plain data (JSON types)."""

    def settings(self, key: ThreadKey) -> Mapping[str, Any]:
        """What `set_setting` was given for a thread, by name; for a graph with ``ThreadKey("", graph)``."""

    def set_setting(self, key: ThreadKey, name: str, value: Any) -> None:
        """Remember a value beside a thread or a graph, durably, until it is set again; `MISSING` removes it.

        It needs no checkpoint, and is no change of the thread; namespaces share it. It is deleted, and copied, with
        its thread. Raises `UnstorableValueError`.
        """

    def register(
        self, *classes: type, migrate: Callable[[dict[str, Any]], dict[str, Any]] | None = None, was: str | None = None
    ) -> None:
        """Make classes known that values of the state may have: stored data alone never names code to run.

        For exactly one class, ``migrate`` takes the fields of an object that was stored when the class had others and
        returns what it takes now; ``was`` is the qualified name that it had before.
        """

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


FullKey: TypeAlias = "tuple[tuple[str, ...], str]"
"""Where a cached result lies: a namespace of texts, and a key in it."""


class BaseCache(Protocol):
    """Keeps results for a time. Every method may be called from any thread."""

    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """Those of the keys that have a value which still counts, with it."""

    def set(self, pairs: Mapping[FullKey, tuple[Any, int | None]]) -> None:
        """Keep values; each for so many seconds, None for ever."""

    def clear(self, namespaces: Sequence[tuple[str, ...]] | None = None) -> None:
        """Forget what lies in these namespaces; None: everything."""
