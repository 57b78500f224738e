"""Hands perform tasks: they call a node's body, then its routers, and say in entries what came of it.

Only `perform` and `aperform` know whether a body is sync or async; what they share stands in `results`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import queue
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, TypeAlias

from nbhitl.engine.commands import Command
from nbhitl.engine.description import WHOLE, Graph
from nbhitl.engine.errors import (
    NbhitlError,
    ParentCommand,
)
from nbhitl.engine.records import MISSING, Entry
from nbhitl.run import mutations
from nbhitl.run.context import CURRENT, TaskContext
from nbhitl.run.crew import Crew, hire
from nbhitl.run.results import arguments, choices, ended, routed, wrote
from nbhitl.run.world import DEFAULT_CONCURRENCY

Entries: TypeAlias = tuple[Entry, ...]
Outcome: TypeAlias = tuple[TaskContext, Entries]


def perform(job: TaskContext) -> Entries:
    """Run a task's body on the calling thread."""
    token = CURRENT.set(job)
    try:
        before = mutations.seen(job.values) if job.run.debug else None
        entry = wrote(job, _now(_body(job), job))
        if entry.goto or job.task.node in job.run.graph.routers:
            entry = routed(job, entry, [_now(choice, job) for choice in choices(job, entry)])
        if before is not None:
            mutations.check(job, before)
        return (entry,)
    except BaseException as error:  # noqa: BLE001 - becomes an entry, or is raised again
        return ended(job, error)
    finally:
        CURRENT.reset(token)


async def aperform(job: TaskContext) -> Entries:
    """Run a task's body on the running loop; a sync body on a thread, so that it cannot block the loop."""
    token = CURRENT.set(job)
    try:
        before = mutations.seen(job.values) if job.run.debug else None
        result = await _abody(job) if job.node.awaits or job.node.twin else _value(*await _on_thread(job))
        entry = wrote(job, await result if inspect.isawaitable(result) else result)
        if entry.goto or job.task.node in job.run.graph.routers:
            chosen = [await c if inspect.isawaitable(c) else c for c in choices(job, entry)]
            entry = routed(job, entry, chosen)
        if before is not None:
            mutations.check(job, before)
        return (entry,)
    except BaseException as error:  # noqa: BLE001 - becomes an entry, or is raised again
        return ended(job, error)
    finally:
        CURRENT.reset(token)


def _body(job: TaskContext) -> Any:
    """The body's result, or its awaitable; what a sub-graph sent to its parent counts as the result."""
    node, task = job.node, job.task
    try:
        if node.shape is WHOLE and not node.takes:
            return node.action(dict(job.values) if task.arg is MISSING else task.arg)
        state, more = arguments(job)
        return node.action(state, **more)
    except ParentCommand as left:
        return Command(update=left.command.update, goto=left.command.goto)


async def _abody(job: TaskContext) -> Any:
    state, more = arguments(job)
    try:
        result = (job.node.twin or job.node.action)(state, **more)
        return await result if inspect.isawaitable(result) else result
    except ParentCommand as left:
        return Command(update=left.command.update, goto=left.command.goto)


def inline(jobs: Sequence[TaskContext]) -> tuple[Outcome, ...]:
    """Perform the one job there is, here."""
    return ((jobs[0], perform(jobs[0])),)


def threads(jobs: Sequence[TaskContext], workers: int = DEFAULT_CONCURRENCY) -> Iterator[Outcome]:
    """Perform jobs side by side, here and on threads, each in a context of its own; yield as they end.

    When one fails, those that have not begun are left for the next call.
    """
    crew = Crew(jobs, perform, max(1, min(workers, len(jobs))))
    hire(crew)
    left = len(jobs)
    try:
        while (job := crew.take()) is not None:
            yield crew.perform(job)
            left -= 1
            while not crew.outcomes.empty():
                yield crew.outcome()
                left -= 1
        while left > crew.untaken:
            try:
                # Short waits: a Stop that is raised in this thread arrives between two of them.
                yield crew.outcome(timeout=0.2)
                left -= 1
            except queue.Empty:
                continue
    finally:
        crew.stop()  # whoever left the stream wants no further task to begin


async def loop(jobs: Sequence[TaskContext], workers: int = DEFAULT_CONCURRENCY) -> AsyncIterator[Outcome]:
    """Perform jobs side by side on the running loop; yield as they end."""
    if len(jobs) == 1:
        yield jobs[0], await aperform(jobs[0])
        return
    gate = asyncio.Semaphore(workers)

    async def one(job: TaskContext) -> Outcome:
        async with gate:
            return job, await aperform(job)

    tasks = [asyncio.create_task(one(job), context=contextvars.copy_context()) for job in jobs]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()


def _caught(job: TaskContext) -> tuple[Any, BaseException | None]:
    """A sync body's result or error, as values: a future cannot carry every exception (StopIteration)."""
    try:
        return _body(job), None
    except BaseException as error:  # noqa: BLE001 - raised again on the loop's side
        return None, error


async def _on_thread(job: TaskContext) -> tuple[Any, BaseException | None]:
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


def _now(value: Any, job: TaskContext) -> Any:
    """A value that is there; an awaitable has no loop to wait on here."""
    if value is None or type(value) is dict or type(value) is str or not inspect.isawaitable(value):
        return value
    if inspect.iscoroutine(value):
        value.close()  # or Python warns that nobody awaited it
    what = f"node {job.task.node!r}" if job.node.awaits else f"a router after {job.task.node!r}"
    raise NbhitlError(f"{what} is async: run the graph with ainvoke() or astream().")


def has_async(graph: Graph) -> bool:
    """Whether a graph can be run on a loop only."""
    if any(router.awaits for several in graph.routers.values() for router in several):
        return True
    return any(node.awaits or (node.graph is not None and has_async(node.graph)) for node in graph.nodes.values())
