"""Waiting before a node is tried again. A run that is asked to stop, or that nobody drives, waits no longer."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from nbhitl.engine.records import Retried
    from nbhitl.run.running import Run

_SLICE = 0.2
"""Seconds: a Stop that is raised in this thread arrives between two of them."""


def pause(run: Run, last: Retried) -> bool:
    """Wait until a task may be tried again; False where the run should stop instead."""
    end = time.monotonic() + _left(run, last)
    while not run.leaving:
        left = end - time.monotonic()
        if left <= 0:
            return True
        if run.control is None:
            time.sleep(min(left, _SLICE))
        else:
            run.control.wait(min(left, _SLICE))
    return False


async def apause(run: Run, last: Retried) -> bool:
    """As `pause`, on the running loop."""
    import asyncio

    left = _left(run, last)
    if left > 0 and not run.leaving:
        if run.control is None:
            await asyncio.sleep(left)
        else:
            asked, loop = asyncio.Event(), asyncio.get_running_loop()
            with run.control.waking(lambda: _set(loop, asked)), contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asked.wait(), left)
    return not run.leaving


def _set(loop: asyncio.AbstractEventLoop, asked: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
        loop.call_soon_threadsafe(asked.set)


def _left(run: Run, last: Retried) -> float:
    """Seconds; never more than when the wait began, also where the clock was set back meanwhile."""
    return max(0, last.not_before - max(run.world.clock.now(), last.first)) / 1e6
