"""Every error that a user can meet. Each message names what went wrong, where, and the cure.

One error stands apart: `GraphInterrupt` is the signal that leaves a node at ``interrupt()``. It is no
`Exception`, so that ``except Exception`` in a node cannot swallow a pause.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from nbhitl.engine.commands import Command
    from nbhitl.engine.records import Answered, Entry


class NbhitlError(Exception):
    """Base of all errors that nbhitl raises on purpose."""


class GraphError(NbhitlError, ValueError):
    """The graph cannot be built: the message lists every mistake that was found."""


class UnknownNodeError(GraphError):
    """A name that is no node of the graph was used as a destination or a breakpoint."""


class GraphChanged(NbhitlError):
    """A paused run needs a node that the graph no longer has; its answers are kept."""


class GraphRecursionError(NbhitlError, RecursionError):
    """The run took more super-steps than its ``recursion_limit``."""


class InvalidUpdateError(NbhitlError):
    """A node returned something that cannot be merged into the state."""


class EmptyInputError(NbhitlError):
    """There is nothing to run: no input was given and no run waits to be continued."""


class UnknownThreadError(NbhitlError):
    """The thread (or checkpoint) that should be continued does not exist."""


class PendingInterruptError(NbhitlError):
    """New input arrived on a thread that waits for an answer."""


class UnknownInterruptError(NbhitlError):
    """An answer names a question that is not pending."""


class AlreadyAnsweredError(UnknownInterruptError):
    """Somebody else was first: the question has its answer, which is kept in ``.answered``."""

    def __init__(self, message: str, answered: Answered) -> None:
        super().__init__(message)
        self.answered = answered


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field of an answer. ``field`` is a dotted path, empty for the whole answer."""

    field: str
    message: str


class AnswerRefused(NbhitlError, ValueError):
    """An answer does not fit its question; nothing was recorded. ``.problems`` has one entry a field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [f"{p.field}: {p.message}" if p.field else p.message for p in self.problems]
        super().__init__("the answer was refused: " + "; ".join(lines))


class UnansweredQuestion(NbhitlError):
    """A scripted person was asked what no rule has an answer for; the question stays open."""


class LeftoverAnswers(NbhitlError):
    """A script has answers that nobody asked for: the run took another way than whoever wrote it thought."""


class EndlessQuestions(NbhitlError):
    """A node asks a scripted person the same again and again, and always gets the same answer."""


class SchemaError(NbhitlError, TypeError):
    """A ``response_schema`` (or a state schema) is of a kind that cannot be shown or checked."""


class QuestionChanged(NbhitlError):
    """A node asks something else each time it runs, so no answer can be bound to its question."""


class TaskChanged(NbhitlError):
    """A body calls a `@task` with other arguments each time it runs, so no result can be bound to its call."""


class PauseSwallowed(NbhitlError):
    """A node went on after ``interrupt()``: its pause was caught (bare ``except``, ``return`` in ``finally``)."""


class CheckpointerRequired(NbhitlError):
    """Pausing needs a place to remember the run: compile the graph with a checkpointer."""


class ThreadBusyError(NbhitlError):
    """Another run is at work on this thread."""


class SaverError(NbhitlError):
    """A checkpointer cannot do what was asked."""


class StoreError(NbhitlError):
    """A store cannot do what was asked."""


class InvalidNamespaceError(StoreError, ValueError):
    """A namespace of a store is none."""


class FileLockedError(SaverError):
    """Another process owns the checkpoint file."""


class FileDamagedError(SaverError):
    """The checkpoint file cannot be trusted; it was not changed."""


class UnstorableValueError(SaverError, TypeError):
    """A value cannot be stored. ``.path`` says where in the state it stands, e.g. ``state['df'][3].x``."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


class UnknownTypeError(SaverError):
    """A stored value is of a class that this program does not know. ``.path`` says where it stands in the state."""

    def __init__(self, message: str, path: str, type_name: str) -> None:
        super().__init__(message)
        self.path = path
        self.type_name = type_name


class SchemaChanged(SaverError):
    """A stored value's class has other fields now. ``.path`` says where in the state the value stands."""

    def __init__(self, message: str, path: str, type_name: str) -> None:
        super().__init__(message)
        self.path = path
        self.type_name = type_name


class QueryRefused(SaverError, ValueError):
    """A query is no single read-only SELECT, reads outside the file, or took too long."""


class ExpressionError(NbhitlError, ValueError):
    """An expression, of a breakpoint or a watch, cannot be read or evaluated.

    ``.text`` is the expression and ``.column`` where in it the mistake stands, counted from 1 (0: nowhere in
    particular). ``.name`` is the name that has no value, where that is what is wrong.
    """

    def __init__(self, message: str, text: str = "", column: int = 0, name: str = "") -> None:
        super().__init__(message)
        self.text = text
        self.column = column
        self.name = name


class InterruptExpired(NbhitlError, TimeoutError):
    """Nobody answered a question in time, and it has no default."""


class NodeTimeoutError(NbhitlError):
    """One attempt of an async node took too long. No `TimeoutError`, so that a `RetryPolicy` tries again by default.

    ``.kind`` says which limit it was (``run`` or ``idle``), ``.timeout`` how long that is and ``.elapsed`` how long the
    attempt took, in seconds; ``.run_timeout`` and ``.idle_timeout`` are the limits that were set.
    """

    def __init__(
        self,
        node: str,
        elapsed: float,
        *,
        kind: Literal["idle", "run"],
        idle_timeout: float | None = None,
        run_timeout: float | None = None,
    ) -> None:
        self.node, self.elapsed, self.kind = node, elapsed, kind
        self.idle_timeout, self.run_timeout = idle_timeout, run_timeout
        self.timeout = (idle_timeout if kind == "idle" else run_timeout) or 0.0
        limit = f"{kind}_timeout={self.timeout:g}"
        what = "was at work" if kind == "run" else "gave no sign of life"
        super().__init__(
            f"node {node!r} {what} for more than {self.timeout:g} s (after {elapsed:.3g} s in all): {limit}. Give it "
            "more time, or a retry_policy."
        )


class NodeCancelledError(NbhitlError):
    """A node's body raised ``asyncio.CancelledError`` by itself: nobody had cancelled the run."""

    def __init__(self, node: str, message: str | None = None) -> None:
        self.node = node
        super().__init__(message or f"node {node!r} raised CancelledError, and nobody had cancelled the run.")


class NodeFailed(NbhitlError):
    """Stands for what a node raised before the process was started anew: only its name and text are known."""


class EmptyChannelError(NbhitlError):
    """A channel was read that has no value. Importable for code that names it.

    Nothing of nbhitl's raises it: a key without a value is absent from the state.
    """


class GraphDrained(NbhitlError):
    """A run was asked to stop before its end. Importable for code that names it.

    ``invoke`` returns the state all the same, and ``get_state(config).metadata["stop"]`` is ``"drained"``.
    """

    def __init__(self, reason: str = "shutdown") -> None:
        self.reason = reason
        super().__init__(f"the run was asked to stop: {reason}")


@dataclass(frozen=True, slots=True)
class NodeError:
    """What an error handler is told: which node failed, and what it raised."""

    node: str
    error: BaseException


class UncachedResultWarning(UserWarning):
    """A node's result could not be kept in the cache; the run goes on without it."""


class CallbackWarning(UserWarning):
    """A callback raised; the run goes on."""


class UnknownKeyWarning(UserWarning):
    """An update or an input has a key that the state does not have; it was left out."""


class MutatedStateWarning(UserWarning):
    """A node changed a value of the state in place instead of returning it."""


class CheckpointFileWarning(UserWarning):
    """A checkpoint file is not the one that stood in its place before."""


class UnreachableNodeWarning(UserWarning):
    """No edge leads to a node, so it never runs."""


class GraphInterrupt(BaseException):
    """Leaves a node's body at a pause. Not an `Exception`: let it pass.

    ``entries`` is what the journal of the task says of it: the question, those of a sub-graph, a breakpoint in there.
    """

    def __init__(self, *entries: Entry) -> None:
        super().__init__(*entries)
        self.entries = entries


class ParentCommand(BaseException):
    """Leaves a sub-graph: a node returned ``Command(graph=Command.PARENT)``. Let it pass."""

    def __init__(self, command: Command) -> None:
        super().__init__(command)
        self.command = command


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """A suggestion to put behind an error about an unknown ``word``: the nearest name, else all of them.

    >>> did_you_mean("drft", ["draft", "review"])
    " Did you mean 'draft'?"
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(word), names, n=1)
    if near:
        return f" Did you mean {near[0]!r}?"
    if not names:
        return ""
    shown = ", ".join(repr(n) for n in names[:12])
    return f" Known: {shown}{', ...' if len(names) > 12 else ''}."
