"""Hands perform tasks: they call a node's body, then its routers, and say in entries what came of it.

Only `perform` and `aperform` know whether a body is sync or async; what they share stands in `results`.
"""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import threading
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from nbhitl.engine.commands import Command
from nbhitl.engine.description import WHOLE, Graph
from nbhitl.engine.errors import (
    NbhitlError,
    NodeCancelledError,
    ParentCommand,
)
from nbhitl.engine.records import MISSING, Entry
from nbhitl.run import mutations, policies
from nbhitl.run.context import CURRENT, TaskContext
from nbhitl.run.results import choices, ended, routed, taken, wrote

Entries: TypeAlias = tuple[Entry, ...]
Outcome: TypeAlias = tuple[TaskContext, Entries]


def perform(job: TaskContext) -> Entries:
    """Run a task's body on the calling thread; as often and as its node's policies say."""
    if job.node.plain is not None:
        return policies.perform(job, perform)
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
    import asyncio

    if job.node.plain is not None:
        return await policies.aperform(job, aperform)
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
    except asyncio.CancelledError as error:
        if (task := asyncio.current_task()) is None or task.cancelling():
            raise
        own = NodeCancelledError(job.task.node)  # nobody cancelled us: the body raised it
        own.__cause__ = error
        return ended(job, own)
    except BaseException as error:  # noqa: BLE001 - becomes an entry, or is raised again
        return ended(job, error)
    finally:
        CURRENT.reset(token)


def _body(job: TaskContext) -> Any:
    """The body's result, or its awaitable; what a sub-graph sent to its parent counts as the result."""
    node, task = job.node, job.task
    try:
        if node.shape is WHOLE and not node.takes:
            result = node.action(dict(job.values) if task.arg is MISSING else task.arg)
        else:
            args, more = taken(job)
            result = node.action(*args, **more)
        if job.subtasks is not None:
            job.subtasks.finish()
        return result
    except ParentCommand as left:
        return Command(update=left.command.update, goto=left.command.goto)
    except BaseException as error:
        if job.subtasks is None or (joined := job.subtasks.left(error)) is error:
            raise
        raise joined from error


async def _abody(job: TaskContext) -> Any:
    args, more = taken(job)
    try:
        result = (job.node.twin or job.node.action)(*args, **more)
        result = await result if inspect.isawaitable(result) else result
        if job.subtasks is not None:
            await job.subtasks.afinish()
        return result
    except ParentCommand as left:
        return Command(update=left.command.update, goto=left.command.goto)
    except BaseException as error:
        if job.subtasks is None or (joined := await job.subtasks.aleft(error)) is error:
            raise
        raise joined from error


BODIES: Final = frozenset({_body.__code__, _abody.__code__})
"""The code of the frames right above a body, whose ``job`` it is: for whoever has to know what calls him."""


def inline(jobs: Sequence[TaskContext]) -> tuple[Outcome, ...]:
    """Perform the one job there is, here."""
    return ((jobs[0], perform(jobs[0])),)


def _caught(job: TaskContext) -> tuple[Any, BaseException | None]:
    """A sync body's result or error, as values: a future cannot carry every exception (StopIteration)."""
    try:
        return _body(job), None
    except BaseException as error:  # noqa: BLE001 - raised again on the loop's side
        return None, error


async def _on_thread(job: TaskContext) -> tuple[Any, BaseException | None]:
    """`_caught` on a daemon thread: the loop's own executor would wait at its end for a body that never ends."""
    import asyncio

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
