"""What a node's policies do: its body is tried again, broken off, taken from a cache, or its error handler takes over.

One attempt is a performance of the node without policies (`Node.plain`), in a `TaskContext` of its own that knows what
earlier attempts kept and called. Attempts and the time of the next one are entries (`Retried`), so a run that was
killed while it waited goes on waiting, and counting. The handler's own attempts are not: it starts anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from textwrap import shorten
from typing import TYPE_CHECKING, Final, TypeAlias

from nbhitl.engine.errors import NbhitlError, NodeError
from nbhitl.engine.policies import RetryPolicy, delay, knows
from nbhitl.engine.records import Entry, Failed, Retried, Wrote
from nbhitl.run import cached
from nbhitl.run.backoff import apause, pause
from nbhitl.run.failures import error_of
from nbhitl.run.limited import within
from nbhitl.run.results import ended

if TYPE_CHECKING:
    from nbhitl.engine.description import Node
    from nbhitl.run.context import TaskContext

Entries: TypeAlias = tuple[Entry, ...]
Perform: TypeAlias = "Callable[[TaskContext], Entries]"
APerform: TypeAlias = "Callable[[TaskContext], Awaitable[Entries]]"


_APART: Final = 10_000
"""The first number of a handler's questions and of its calls of sub-graphs: the body's answers are not meant for it."""
_SHOWN: Final = 160
"""Characters of an error that are told while its node waits."""


class Attempts:
    """The attempts of a node at a task: counts them, and says what follows from one that raised."""

    __slots__ = ("context", "handles", "last", "node")

    def __init__(self, job: TaskContext, node: Node, handles: Retried | None = None) -> None:
        self.context, self.node, self.handles = job, node, handles
        self.last = job.position.retried.get(job.task.id) if handles is None else None
        if self.last is not None:  # the run was broken off, perhaps while it waited
            self._tell(self.last, "")

    def begin(self) -> TaskContext:
        """The performance of the next attempt."""
        last, node = self.last, self.node
        self.context = context = self.context.again(node.plain or node)
        if last is not None:
            context.attempt, context.begun = last.attempt + 1, last.first
        else:
            context.begun = context.run.world.clock.now()
        if self.handles is not None:
            context.failure = NodeError(context.task.node, error_of(self.handles))
            context.calls = context.subcalls = _APART
        return context

    def end(self, entries: Entries) -> Entries | None:
        """What the task comes to after an attempt; None where another one, or the handler, follows."""
        failed = entries[0] if entries else None
        if not isinstance(failed, Failed) or len(entries) > 1:
            return entries if self.handles is None else tuple(_handled(entry) for entry in entries)
        count = self.context.attempt
        policy = self._policy(failed)
        if policy is not None and count < policy.max_attempts:
            world = self.context.run.world
            wait = delay(policy, count, world.chance())
            self._remember(failed, world.clock.now() + int(wait * 1_000_000), f" of {policy.max_attempts}")
            return None
        if count > 1 and failed.exception is not None:
            failed.exception.add_note(f"after {count} attempts")
        if self.handles is not None:
            return (_with_cause(failed, self.handles),)
        if self.node.handler is None:
            return entries
        self._remember(failed, 0, "", handled=True)
        return None

    def _policy(self, failed: Failed) -> RetryPolicy | None:
        error = failed.exception
        if not isinstance(error, Exception):
            return None
        try:
            return next((policy for policy in self.node.retry if knows(policy, error)), None)
        except Exception as wrong:  # noqa: BLE001 - a user's `retry_on`; what the node raised counts for more
            error.add_note(f"not tried again, since retry_on raised {type(wrong).__name__}: {wrong}")
            return None

    def _remember(self, failed: Failed, not_before: int, most: str, *, handled: bool = False) -> None:
        context = self.context
        self.last = Retried(
            failed.task,
            context.attempt,
            failed.error,
            failed.text,
            not_before,
            context.begun,
            handled,
            failed.exception,
        )
        if self.handles is None:
            context.run.note([self.last])
        self._tell(self.last, most)

    def _tell(self, last: Retried, most: str) -> None:
        """Let whoever looks on know why nothing happens for a while, and until when."""
        context = self.context
        if context.run.outlet is not None:
            context.emit("attempts", said(last, most, context.run.world.clock.now()))


def said(last: Retried, most: str, now: int) -> str:
    """An attempt that raised and what follows, in words; times are those of this machine's clock.

    >>> said(Retried("t", 2, "Closed", "shop.errors.Closed: for today"), " of 3", 0)
    'attempt 2 of 3: Closed: for today; trying again'
    """
    if last.handled:
        follows = "its error handler takes over"
    elif last.not_before - now < 1_000_000:
        follows = "trying again"
    else:
        follows = f"trying again at {datetime.fromtimestamp(last.not_before / 1e6, UTC).astimezone():%H:%M:%S}"
    text = last.error + last.text.partition(last.error)[2]  # without the module of the exception's class
    return f"attempt {last.attempt}{most}: {shorten(text, _SHOWN, placeholder='…')}; {follows}"


def perform(job: TaskContext, body: Perform) -> Entries:
    """Perform a task with its node's policies; ``body`` performs one attempt."""
    place = cached.place_of(job) if job.node.cache is not None else None
    if place is not None and (hit := cached.found(job, place)) is not None:
        return (hit,)
    if job.node.timeout is not None:
        text = "it has a timeout, and what is run without a loop cannot be broken off: run the graph with ainvoke()."
        return ended(job, NbhitlError(text))
    entries = _attempted(Attempts(job, job.node), body)
    if place is not None:
        cached.keep(job, place, entries)
    return entries


def _attempted(attempts: Attempts, body: Perform) -> Entries:
    while True:
        last = attempts.last
        if last is not None and last.handled and attempts.node.handler is not None:
            return _attempted(Attempts(attempts.context, attempts.node.handler, last), body)
        if last is not None and not pause(attempts.context.run, last):
            return ()
        entries = attempts.end(body(attempts.begin()))
        if entries is not None:
            return entries


async def aperform(job: TaskContext, body: APerform) -> Entries:
    """As `perform`, on the running loop."""
    place = await cached.aplace_of(job) if job.node.cache is not None else None
    if place is not None and (hit := await cached.afound(job, place)) is not None:
        return (hit,)
    entries = await _aattempted(Attempts(job, job.node), body)
    if place is not None:
        await cached.akeep(job, place, entries)
    return entries


async def _aattempted(attempts: Attempts, body: APerform) -> Entries:
    while True:
        last, limits = attempts.last, attempts.node.timeout
        if last is not None and last.handled and attempts.node.handler is not None:
            return await _aattempted(Attempts(attempts.context, attempts.node.handler, last), body)
        if last is not None and not await apause(attempts.context.run, last):
            return ()
        context = attempts.begin()
        entries = attempts.end(await (body(context) if limits is None else within(limits, context, body)))
        if entries is not None:
            return entries


def _handled(entry: Entry) -> Entry:
    return replace(entry, by="handler") if isinstance(entry, Wrote) else entry


def _with_cause(failed: Failed, handled: Retried) -> Failed:
    """A handler's failure, with what it was to handle."""
    error = failed.exception
    if error is not None:
        error.add_note(f"in the error handler, after {handled.error}")
        if error.__cause__ is None and error is not handled.exception:
            error.__cause__ = handled.exception
    return replace(failed, text=f"{failed.text} (in the error handler, after {handled.text})")
