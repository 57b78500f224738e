"""Hands perform tasks: they call a node's body, then its routers, and say in entries what came of it.

Only `perform` and `aperform` know whether a body is sync or async; what they share stands in `Job`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import queue
import threading
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from nbhitl.engine import moves
from nbhitl.engine.commands import Command, destinations
from nbhitl.engine.description import Graph, Node, Router
from nbhitl.engine.errors import (
    GraphInterrupt,
    InvalidUpdateError,
    NbhitlError,
    PauseSwallowed,
    UnknownNodeError,
    did_you_mean,
)
from nbhitl.engine.records import END, MISSING, Asked, Entry, Failed, Send, Task, Wrote
from nbhitl.run.context import CURRENT, SWALLOWED, TaskContext

Entries: TypeAlias = tuple[Entry, ...]
DEFAULT_CONCURRENCY = 16


@dataclass(frozen=True, slots=True)
class Job:
    """A task with all that is needed to perform it."""

    graph: Graph
    node: Node
    task: Task
    values: Mapping[str, Any]
    context: TaskContext
    config: Mapping[str, Any]

    def call(self) -> Any:
        """The body's result, or its awaitable."""
        state = dict(self.values) if self.task.arg is MISSING else self.task.arg
        if "config" in self.node.metadata.get("takes", ()):
            return self.node.action(state, config=self.config)
        return self.node.action(state)

    def wrote(self, result: Any) -> Wrote:
        """What a body's result means, before its routers have spoken."""
        if self.context.pause is not None:
            raise PauseSwallowed(SWALLOWED.format(node=self.task.node))
        goto: tuple[str | Send, ...] = ()
        if isinstance(result, Command):
            goto = destinations(result.goto)
            result = result.update
        if result is None:
            return Wrote(self.task.id, (), goto)
        if not isinstance(result, Mapping):
            raise InvalidUpdateError(
                f"node {self.task.node!r} returned {type(result).__name__}: {result!r:.60}. "
                "Return a dict of the state keys to change, a Command, or None."
            )
        for key in result:
            if key not in self.graph.channels:
                raise InvalidUpdateError(
                    f"node {self.task.node!r} returned {key!r}, which is no key of the state."
                    f"{did_you_mean(key, self.graph.channels)}"
                )
        return Wrote(self.task.id, tuple(result.items()), goto)

    def routed(self, wrote: Wrote, chosen: Sequence[Any]) -> Wrote:
        """``wrote`` with what the node's routers chose."""
        goto = list(wrote.goto)
        for router, choice in zip(self.routers, chosen, strict=True):
            goto += _ends(router, choice)
        for target in goto:
            name = target.node if isinstance(target, Send) else target
            if name not in self.graph.nodes and name != END:
                raise UnknownNodeError(
                    f"node {self.task.node!r} wants to go to {name!r}, which is no node."
                    f"{did_you_mean(name, self.graph.nodes)}"
                )
        return Wrote(wrote.task, wrote.updates, tuple(goto))

    @property
    def routers(self) -> tuple[Router, ...]:
        """The node's conditional edges."""
        return self.graph.routers.get(self.task.node, ())

    def choices(self, wrote: Wrote) -> list[Any]:
        """What the node's routers say, or their awaitables: each sees the state with the node's own writes."""
        state = moves.preview(self.graph, self.values, wrote.updates) if self.routers else {}
        return [router.path(state) for router in self.routers]

    def ended(self, error: BaseException) -> Entries:
        """What a raised exception means. Signals that are not ours (Ctrl-C, cancellation) pass."""
        if isinstance(error, BaseExceptionGroup):
            pauses, rest = error.split(GraphInterrupt)
            if pauses is not None and rest is None:
                return tuple(_questions(pauses))
            error = rest if rest is not None else error  # a failure counts for more than the questions beside it
        if isinstance(error, GraphInterrupt):
            return (error.asked,)
        if not isinstance(error, Exception):
            raise error
        failed = Failed(self.task.id, type(error).__name__, _text(error), error)
        error.add_note(f"in node {self.task.node!r}")
        return (failed,)


def perform(job: Job) -> Entries:
    """Run a task's body on the calling thread."""
    token = CURRENT.set(job.context)
    try:
        result = job.call()
        wrote = job.wrote(_now(result, job))
        if job.routers or wrote.goto:
            wrote = job.routed(wrote, [_now(choice, job) for choice in job.choices(wrote)])
        return (wrote,)
    except BaseException as error:  # noqa: BLE001 - becomes an entry, or is raised again
        return job.ended(error)
    finally:
        CURRENT.reset(token)


async def aperform(job: Job) -> Entries:
    """Run a task's body on the running loop; a sync body on a thread, so that it cannot block the loop."""
    token = CURRENT.set(job.context)
    try:
        result = job.call() if is_async(job.node.action) else _value(*await _on_thread(job))
        wrote = job.wrote(await result if inspect.isawaitable(result) else result)
        if job.routers or wrote.goto:
            wrote = job.routed(wrote, [await c if inspect.isawaitable(c) else c for c in job.choices(wrote)])
        return (wrote,)
    except BaseException as error:  # noqa: BLE001 - becomes an entry, or is raised again
        return job.ended(error)
    finally:
        CURRENT.reset(token)


def inline(jobs: Sequence[Job]) -> Iterator[Entries]:
    """Perform jobs one after the other, here."""
    for job in jobs:
        yield perform(job)


def threads(jobs: Sequence[Job], workers: int = DEFAULT_CONCURRENCY) -> Iterator[Entries]:
    """Perform jobs side by side on daemon threads, each in a context of its own; yield as they end.

    When one fails, those that have not begun are left for the next call. Daemon threads, since an executor's
    would hold up the exit of a kernel that is shut down.
    """
    results: queue.SimpleQueue[Entries | BaseException | None] = queue.SimpleQueue()
    todo = iter([(job, contextvars.copy_context()) for job in jobs])
    lock = threading.Lock()
    failed = threading.Event()

    def work() -> None:
        try:
            while not failed.is_set():
                with lock:
                    job, context = next(todo, (None, None))
                if job is None or context is None:
                    return
                entries = context.run(perform, job)
                if any(isinstance(entry, Failed) for entry in entries):
                    failed.set()
                results.put(entries)
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
            failed.set()
            results.put(error)
        finally:
            results.put(None)

    crew = max(1, min(workers, len(jobs)))
    for number in range(crew):
        threading.Thread(target=work, name=f"nbhitl-hand-{number}", daemon=True).start()
    try:
        while crew:
            try:
                # Short waits: a Stop that is raised in this thread arrives between two of them.
                result = results.get(timeout=0.2)
            except queue.Empty:
                continue
            if result is None:
                crew -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result
    finally:
        failed.set()  # whoever left the stream wants no further task to begin


async def loop(jobs: Sequence[Job], workers: int = DEFAULT_CONCURRENCY) -> AsyncIterator[Entries]:
    """Perform jobs side by side on the running loop; yield as they end."""
    if len(jobs) == 1:
        yield await aperform(jobs[0])
        return
    gate = asyncio.Semaphore(workers)

    async def one(job: Job) -> Entries:
        async with gate:
            return await aperform(job)

    tasks = [asyncio.create_task(one(job), context=contextvars.copy_context()) for job in jobs]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()


def _ends(router: Router, choice: Any) -> list[str | Send]:
    found: list[str | Send] = []
    for one in choice if isinstance(choice, (list, tuple)) else [choice]:
        if isinstance(one, Send) or router.ends is None:
            found.append(one)
        elif one in router.ends:
            found.append(router.ends[one])
        else:
            ways = ", ".join(repr(key) for key in router.ends)
            raise UnknownNodeError(f"the router after {router.source!r} returned {one!r}; it knows only {ways}.")
    return found


def _questions(group: BaseExceptionGroup[Any]) -> Iterator[Asked]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _questions(error)
        elif isinstance(error, GraphInterrupt):
            yield error.asked


def _caught(job: Job) -> tuple[Any, BaseException | None]:
    """A sync body's result or error, as values: a future cannot carry every exception (StopIteration)."""
    try:
        return job.call(), None
    except BaseException as error:  # noqa: BLE001 - raised again on the loop's side
        return None, error


async def _on_thread(job: Job) -> tuple[Any, BaseException | None]:
    """`_caught` on a daemon thread: the loop's own executor would wait at its end for a body that never ends."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def done(found: tuple[Any, BaseException | None]) -> None:
        if not future.done():
            future.set_result(found)

    def work() -> None:
        found = context.run(_caught, job)
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(done, found)

    threading.Thread(target=work, name="nbhitl-hand", daemon=True).start()
    return await future


def _value(result: Any, error: BaseException | None) -> Any:
    if error is not None:
        raise error
    return result


def _now(value: Any, job: Job) -> Any:
    """A value that is there; an awaitable has no loop to wait on here."""
    if not inspect.isawaitable(value):
        return value
    if inspect.iscoroutine(value):
        value.close()  # or Python warns that nobody awaited it
    what = f"node {job.task.node!r}" if is_async(job.node.action) else f"a router after {job.task.node!r}"
    raise NbhitlError(f"{what} is async: run the graph with ainvoke() or astream().")


def is_async(function: Any) -> bool:
    """Whether calling it gives an awaitable: an async function, or an object with an async ``__call__``."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def has_async(graph: Graph) -> bool:
    """Whether a graph can be run on a loop only."""
    routers = [router for several in graph.routers.values() for router in several]
    return any(is_async(n.action) for n in graph.nodes.values()) or any(is_async(r.path) for r in routers)


def _text(error: Exception) -> str:
    return "".join(traceback.format_exception_only(error)).strip()
