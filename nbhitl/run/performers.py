"""Perform the tasks of a step side by side, on threads or on the running loop, and give them up when nobody looks on.

Where bodies are watched while they run (there is a `Pipe`), they run elsewhere than where the stream is read, and what
they say comes between their outcomes.
"""

from __future__ import annotations

import contextlib
import contextvars
import queue
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from nbhitl.run.context import TaskContext
from nbhitl.run.crew import Crew, hire
from nbhitl.run.hands import Outcome, aperform, perform
from nbhitl.run.streams.pipe import Pipe
from nbhitl.run.world import Chunk

if TYPE_CHECKING:
    import asyncio

Found: TypeAlias = Outcome | Chunk
_SHORT = 0.2
"""Seconds that are waited at a time: a Stop that is raised in this thread arrives between two waits."""


class Threads:
    """The tasks of one step, performed here and on threads; with a pipe on threads only.

    When one fails, those that have not begun are left for the next call.
    """

    def __init__(self, jobs: Sequence[TaskContext], workers: int, pipe: Pipe | None) -> None:
        most = max(1, min(workers, len(jobs)))
        # With a pipe this thread only reads, so the foreman counts a hand that does not work.
        self._crew = Crew(jobs, perform, most if pipe is None else most + 1, pipe)
        self._pipe = pipe
        self._left = len(jobs)

    def __iter__(self) -> Iterator[Found]:
        try:
            yield from self._here() if self._pipe is None else self._elsewhere(self._pipe)
        finally:
            self._crew.stop()  # whoever left the stream wants no further task to begin

    def _here(self) -> Iterator[Found]:
        crew = self._crew
        hire(crew)
        while (job := crew.take()) is not None:
            outcome = crew.perform(job)
            self._left -= 1
            yield outcome
            while not crew.outcomes.empty():
                yield self._outcome()
        while self._at_work:
            with contextlib.suppress(queue.Empty):
                yield self._outcome(_SHORT)

    def _elsewhere(self, pipe: Pipe) -> Iterator[Found]:
        crew, context = self._crew, pipe.context()
        crew.helpers = 1
        pipe.work(lambda: crew.help(context))
        if crew.untaken > 1:
            hire(crew, context)
        while self._at_work or not crew.idle:
            try:
                found = pipe.get(_SHORT)
            except queue.Empty:
                continue
            if isinstance(found, Chunk):
                yield found
            else:
                yield self._counted(found)

    @property
    def _at_work(self) -> bool:
        """Whether a task was begun whose outcome is not here yet."""
        return self._left > self._crew.untaken

    def _outcome(self, timeout: float | None = None) -> Outcome:
        return self._counted(self._crew.outcomes.get(timeout=timeout))

    def _counted(self, found: Outcome | BaseException) -> Outcome:
        self._left -= 1
        if isinstance(found, BaseException):
            raise found
        return found

    def rest(self, *, wait: bool) -> Iterator[Outcome]:
        """Nobody looks on any more: what came of the tasks that were begun. ``wait`` for those that have not ended."""
        self._crew.stop()
        if self._pipe is not None:
            self._pipe.close()
        while self._at_work:
            try:
                found = self._crew.outcomes.get(timeout=_SHORT if wait else 0)
            except queue.Empty:
                if not wait:
                    return
                continue
            if isinstance(found, Chunk):
                continue
            self._left -= 1
            if not isinstance(found, BaseException):
                yield found


class Loop:
    """The tasks of one step, awaited side by side on the running loop."""

    def __init__(self, jobs: Sequence[TaskContext], workers: int, pipe: Pipe | None) -> None:
        self._jobs, self._workers, self._pipe = jobs, workers, pipe
        self._tasks: list[asyncio.Task[Outcome]] = []
        self._given: set[int] = set()
        """The jobs whose outcome was handed over."""

    async def __aiter__(self) -> AsyncIterator[Found]:
        if self._pipe is None and len(self._jobs) == 1:
            yield self._jobs[0], await aperform(self._jobs[0])
            return
        try:
            async for found in self._ended() if self._pipe is None else self._watched(self._pipe):
                yield found
        finally:
            for task in self._tasks:
                task.cancel()

    def _begin(self, context: contextvars.Context) -> list[asyncio.Task[Outcome]]:
        import asyncio

        gate = asyncio.Semaphore(self._workers)

        async def one(job: TaskContext) -> Outcome:
            async with gate:
                return job, await aperform(job)

        self._tasks = [asyncio.create_task(one(job), context=context.copy()) for job in self._jobs]
        return self._tasks

    async def _ended(self) -> AsyncIterator[Outcome]:
        import asyncio

        for done in asyncio.as_completed(self._begin(contextvars.copy_context())):
            yield self._taken(await done)

    async def _watched(self, pipe: Pipe) -> AsyncIterator[Found]:
        for task in self._begin(pipe.context()):
            task.add_done_callback(pipe.put)
        left = len(self._tasks)
        while left:
            found = await pipe.aget()
            if isinstance(found, Chunk):
                yield found
            else:
                left -= 1
                yield self._taken(found.result())

    def _taken(self, outcome: Outcome) -> Outcome:
        self._given.add(id(outcome[0]))
        return outcome

    async def rest(self, *, wait: bool) -> list[Outcome]:
        """Nobody looks on any more: what came of the tasks that have ended; the others are cancelled.

        ``wait`` until they are. A sync body goes on, on its thread, until it ends by itself.
        """
        import asyncio

        if self._pipe is not None:
            self._pipe.close()
        for task in self._tasks:
            task.cancel()
        if wait and self._tasks:
            await asyncio.wait(self._tasks)
        ended = (t.result() for t in self._tasks if t.done() and not t.cancelled() and t.exception() is None)
        return [self._taken(outcome) for outcome in ended if id(outcome[0]) not in self._given]
