"""How long one attempt of an async node may take: over all, and without a sign of life."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from nbhitl.engine.errors import NodeTimeoutError
from nbhitl.engine.policies import seconds
from nbhitl.run.results import ended

if TYPE_CHECKING:
    import asyncio

    from nbhitl.engine.policies import TimeoutPolicy
    from nbhitl.engine.records import Entry
    from nbhitl.run.context import Beat, TaskContext


class Pulse:
    """When a body gave a sign of life last, in seconds of the monotonic clock. May be told from any thread."""

    __slots__ = ("_around", "_strict", "last")

    def __init__(self, around: Beat | None, *, strict: bool) -> None:
        self.last = time.monotonic()
        self._around, self._strict = around, strict

    def __call__(self) -> None:
        """A heartbeat."""
        self.last = time.monotonic()
        if self._around is not None:
            self._around()

    def moved(self) -> None:
        """It has streamed, kept or called something."""
        if not self._strict:
            self.last = time.monotonic()
        if self._around is not None:
            self._around.moved()


async def within(
    limits: TimeoutPolicy, job: TaskContext, body: Callable[[TaskContext], Awaitable[tuple[Entry, ...]]]
) -> tuple[Entry, ...]:
    """Perform one attempt; where it takes too long, cancel it, wait until it has ended, and let it have failed."""
    import asyncio

    pulse = Pulse(job.beat, strict=limits.refresh_on == "heartbeat")
    job.beat = pulse
    begun = time.monotonic()
    run, idle = seconds(limits.run_timeout), seconds(limits.idle_timeout)
    task = asyncio.ensure_future(body(job))
    try:
        while not task.done():
            left = [] if run is None else [begun + run - time.monotonic()]
            if idle is not None:
                left.append(pulse.last + idle - time.monotonic())
            if left and min(left) <= 0:
                break
            await asyncio.wait({task}, timeout=min(left, default=None))
        else:
            return task.result()
    except asyncio.CancelledError:
        await _stop(task)
        raise
    elapsed = time.monotonic() - begun
    await _stop(task)
    kind: Literal["run", "idle"] = "run" if run is not None and elapsed >= run else "idle"
    return ended(job, NodeTimeoutError(job.task.node, elapsed, kind=kind, idle_timeout=idle, run_timeout=run))


async def _stop(task: asyncio.Future[tuple[Entry, ...]]) -> None:
    """Cancel a body and wait for its end; what it still says is of no account."""
    import asyncio

    task.cancel()
    while not task.done():
        await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # or asyncio complains that nobody took it
