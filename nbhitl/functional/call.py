"""One call of a task: what it is, and the run that performs it, or that has."""

from __future__ import annotations

import contextvars
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from nbhitl.engine.breakpoints import Rules
from nbhitl.engine.errors import GraphInterrupt
from nbhitl.functional.futures import AsyncTaskFuture, TaskFuture
from nbhitl.functional.ledger import Entry, Given
from nbhitl.nesting import Nest, nest
from nbhitl.run.context import TaskContext
from nbhitl.run.outputs import result
from nbhitl.run.vault import VAULT
from nbhitl.words import LIMIT, plainly

if TYPE_CHECKING:
    from nbhitl.functional.tasks import TaskFunction

CALL: Final = "call"
"""The state key of a task's own run that says what it was called with, in words: the arguments are not stored."""
_STEPS: Final = 25
"""Super-steps of a task's run; it needs one, and one more for its input."""

Future = TypeVar("Future", TaskFuture[Any], AsyncTaskFuture[Any])


@dataclass(eq=False, slots=True)
class Call(Generic[Future]):
    """One call of a task."""

    task: TaskFunction[Any, Any]
    given: Given
    written: Entry
    context: contextvars.Context
    future: Future


Here: TypeAlias = Call[TaskFuture[Any]]
"""A call from a sync body."""
There: TypeAlias = Call[AsyncTaskFuture[Any]]
"""A call from an async body."""


def opened_for(inside: TaskContext, call: Here | There) -> Nest:
    """The run that performs a call, or that has."""
    run, graph = inside.run, call.task.graph
    saver = run.world.saver
    if saver is not None and graph.types:
        saver.register(*graph.types)
    number, binding, place = call.written
    found = nest(graph, inside, Rules(_STEPS), {}, None, run.world, number)
    found.binding, found.place = binding, place
    found.run.given = call.given
    if found.listener is None and found.run.calls is not None:
        found.listener, found.run.watched = found.run.calls, True
    found.begin({CALL: "" if saver is None else _in_words(call)}, None)
    found.run.rules = found.run.rules.counted_from(found.run.position)
    return found


def result_of(opened: Nest) -> Any:
    """What a call returned, when that is remembered. Raises what it raised, or `GraphInterrupt` where it waits."""
    entries = opened.pause()
    if entries is not None:
        raise GraphInterrupt(*entries)
    if opened.open:
        opened.keep()
    return result(opened.run)


def _in_words(call: Here | There) -> str:
    args, kwargs = call.given
    shown = [*map(_shown, args), *(f"{name}={_shown(value)}" for name, value in kwargs.items())]
    return f"{call.task.name}({', '.join(shown)})"[:1000]


def _shown(value: Any) -> str:
    """A value in words, without secrets: these are hidden before anything is cut, or a part of one would stay."""
    if isinstance(value, str):
        return plainly(VAULT.hidden(value))
    text = plainly(value)
    return VAULT.hidden(text) if len(text) < LIMIT else type(value).__name__
