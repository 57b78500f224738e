"""The only two loops in the house: `drive` and `adrive` do what `next_move` says until it says stop.

There is no resume path: going on after an answer, a failure or a restart of the kernel is calling the same
driver again on the position that the saver remembers. What the two loops share stands in `Run`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterable

from nbhitl.run import hands
from nbhitl.run.context import CURRENT, TaskContext
from nbhitl.run.performers import Found, Loop, Threads
from nbhitl.run.running import Run
from nbhitl.run.world import Chunk, Event


def _outside(run: Run, tell: Callable[[Event], None] | None) -> list[TaskContext] | None:
    """`Run.step` of a graph that a body calls: what the step merges is not the doing of that body."""
    token = CURRENT.set(None)
    try:
        return run.step(tell)
    finally:
        CURRENT.reset(token)


def drive(run: Run) -> Generator[Event, None, None]:
    """Do what has to be done until the run stops. Nodes are called on this thread, several at once on threads too."""
    events: list[Event] = []
    tell = events.append if run.watched else None
    outer = CURRENT.get()
    performing: Threads | None = None
    performed: Iterable[Found]
    try:
        while True:
            jobs = run.step(tell) if outer is None else _outside(run, tell)
            if events:
                yield from events
                events.clear()
            if jobs is None:
                return
            if len(jobs) > 1 or run.pipe is not None:
                performed = performing = Threads(jobs, run.workers, run.pipe)
            else:
                performed = hands.inline(jobs)
            for found in performed:
                if isinstance(found, Chunk):
                    yield found
                    continue
                ended = run.take(*found)
                if tell is not None:
                    yield ended
    except GeneratorExit:
        run.left = True
        if performing is not None:
            run.keep(performing.rest(wait=True))
        run.leave()
        raise
    except BaseException:
        CURRENT.set(outer)  # a Ctrl-C may have come just before a performance could do it
        run.rescue(() if performing is None else performing.rest(wait=False))
        raise
    finally:
        run.release()


async def adrive(run: Run) -> AsyncGenerator[Event, None]:
    """As `drive`, with nodes awaited on the running loop."""
    run.awaited = True
    events: list[Event] = []
    tell = events.append if run.watched else None
    outer = CURRENT.get()
    performing: Loop | None = None
    try:
        while True:
            jobs = run.step(tell) if outer is None else _outside(run, tell)
            for event in events:
                yield event
            events.clear()
            if jobs is None:
                return
            performing = Loop(jobs, run.workers, run.pipe)
            async for found in performing:
                if isinstance(found, Chunk):
                    yield found
                    continue
                ended = run.take(*found)
                if tell is not None:
                    yield ended
    except GeneratorExit:
        run.left = True
        if performing is not None:
            run.keep(await performing.rest(wait=True))
        run.leave()
        raise
    except BaseException:
        CURRENT.set(outer)  # a Ctrl-C may have come just before a performance could do it
        run.rescue(() if performing is None else await performing.rest(wait=False))
        raise
    finally:
        run.release()
