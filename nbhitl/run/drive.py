"""The only two loops in the house: `drive` and `adrive` do what `next_move` says until it says stop.

There is no resume path: going on after an answer, a failure or a restart of the kernel is calling the same
driver again on the position that the saver remembers. What the two loops share stands in `Run`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from nbhitl.run import hands
from nbhitl.run.context import CURRENT
from nbhitl.run.running import Run
from nbhitl.run.world import Event


def drive(run: Run) -> Iterator[Event]:
    """Do what has to be done until the run stops. Nodes are called on this thread, several at once on threads too."""
    events: list[Event] = []
    tell = events.append if run.watched else None
    outer = CURRENT.get()
    try:
        while True:
            jobs = run.step(tell)
            if events:
                yield from events
                events.clear()
            if jobs is None:
                return
            for job, entries in hands.threads(jobs, run.workers) if len(jobs) > 1 else hands.inline(jobs):
                ended = run.take(job, entries)
                if tell is not None:
                    yield ended
    except GeneratorExit:
        run.leave()
        raise
    except BaseException:
        CURRENT.set(outer)  # a Ctrl-C may have come just before a performance could do it
        run.rescue()
        raise
    finally:
        run.release()


async def adrive(run: Run) -> AsyncIterator[Event]:
    """As `drive`, with nodes awaited on the running loop."""
    events: list[Event] = []
    tell = events.append if run.watched else None
    outer = CURRENT.get()
    try:
        while True:
            jobs = run.step(tell)
            for event in events:
                yield event
            events.clear()
            if jobs is None:
                return
            async for job, entries in hands.loop(jobs, run.workers):
                ended = run.take(job, entries)
                if tell is not None:
                    yield ended
    except GeneratorExit:
        run.leave()
        raise
    except BaseException:
        CURRENT.set(outer)  # a Ctrl-C may have come just before a performance could do it
        run.rescue()
        raise
    finally:
        run.release()
