"""The calls of tasks that one performance of a body makes: side by side, on threads or on the running loop.

In a sync body nobody begins a call at once: whoever asks for its result performs it, and where the body does other
things for a while, helpers do (`nbhitl.run.crew`). So a chain of calls costs no thread, and a call never waits for a
free one. A body that leaves waits for what has begun, and takes along what its calls ask people.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, cast

from nbhitl.engine.errors import GraphInterrupt, NbhitlError
from nbhitl.engine.records import Entry
from nbhitl.functional.call import Call, Here, There, opened_for, result_of
from nbhitl.functional.futures import AsyncTaskFuture, TaskFuture
from nbhitl.functional.ledger import Given, Ledger
from nbhitl.run.apart import apart
from nbhitl.run.context import TaskContext
from nbhitl.run.crew import hire
from nbhitl.run.drive import adrive, drive
from nbhitl.run.results import leaves

if TYPE_CHECKING:
    from nbhitl.functional.tasks import TaskFunction


_lock = threading.Lock()


def calls_of(inside: TaskContext) -> Calling:
    """The calls of a performance."""
    found = inside.subtasks
    if found is None:
        with _lock:  # a body's threads may make its first calls at the same time
            found = inside.subtasks
            if found is None:
                found = inside.subtasks = Calling(inside)
    return cast(Calling, found)


class Calling:
    """The calls of one performance. Looked after by the foreman of `nbhitl.run.crew` as a crew is."""

    def __init__(self, inside: TaskContext) -> None:
        self.inside = inside
        # A body may wait for its calls with `concurrent.futures.wait` and the like: then one has to help in any case.
        self.most = max(2, inside.run.workers)
        self._turn: AbstractContextManager[Any] = threading.RLock() if inside.run.workers == 1 else nullcontext()
        """Held by who performs a call, where one works at a time."""
        self.looked_at = -1
        self.helpers = 0
        self._ledger = Ledger(inside)
        self._lock = threading.Lock()
        self._calls: list[Here | There] = []
        self._pending: deque[Here] = deque()
        """Calls of sync bodies that nobody has begun."""
        self._tasks: list[asyncio.Task[None]] = []
        """What performs the calls of async bodies."""
        self._gate: asyncio.Semaphore | None = None

    # -- beginning

    def call(self, task: TaskFunction[Any, Any], given: Given) -> TaskFuture[Any] | AsyncTaskFuture[Any]:
        """Make a call; the future of its result."""
        loop = _loop() if self.inside.run.awaited else None
        if loop is not None:
            return self._on_loop(task, given, loop)
        if task.awaits:
            raise NbhitlError(
                f"task {task.name!r} is async, and node {self.inside.task.node!r} that calls it here is not: make that "
                "an `async def` and run the graph with ainvoke() or astream(), or make the task a plain `def`."
            )
        future = TaskFuture[Any](self.inside, self._hurry)
        with self._lock:
            call = Call(task, given, self._ledger.entry(task.name, given), contextvars.copy_context(), future)
            self._calls.append(call)
            alone = not self._pending
            self._pending.append(call)
        if alone:
            hire(self)
        return future

    def _on_loop(
        self, task: TaskFunction[Any, Any], given: Given, loop: asyncio.AbstractEventLoop
    ) -> AsyncTaskFuture[Any]:
        future = AsyncTaskFuture[Any](self.inside)
        with self._lock:
            call = Call(task, given, self._ledger.entry(task.name, given), contextvars.copy_context(), future)
            self._calls.append(call)
        if self._gate is None:
            self._gate = asyncio.Semaphore(self.inside.run.workers)
        work = loop.create_task(self._aperform(call, self._gate), name=task.name, context=call.context)
        self._tasks.append(work)
        future.add_done_callback(lambda ended: self._cancelled(ended, work))
        return future

    def _cancelled(self, future: asyncio.Future[Any], task: asyncio.Task[None]) -> None:
        # A TaskGroup gives up the siblings of whoever pauses; these may have something to ask as well.
        if future.cancelled() and self.inside.pause is None:
            task.cancel()

    # -- on threads

    @property
    def untaken(self) -> int:
        """How many calls nobody has begun."""
        return len(self._pending)

    @property
    def idle(self) -> bool:
        """Whether nobody is needed at the moment."""
        return not self._pending

    def help(self, context: contextvars.Context) -> None:
        """Perform calls on a helper's thread until there are none; ``context`` is of no use: each has its own."""
        try:
            while self._pending:
                with self._turn:
                    if (call := self._take()) is not None:
                        self._perform(call)
        finally:
            with self._lock:
                self.helpers -= 1

    def _take(self) -> Here | None:
        with self._lock:
            return self._pending.popleft() if self._pending else None

    def _hurry(self, future: TaskFuture[Any], here: bool) -> None:
        """Somebody waits for a call: begin it, if nobody has; ``here``, or where he may stop waiting, on a thread."""
        if here:
            self._perform_now(future)
        else:
            threading.Thread(target=self._perform_now, args=(future,), name="nbhitl-task", daemon=True).start()

    def _perform_now(self, future: TaskFuture[Any]) -> None:
        with self._turn:  # first, or who holds it could wait for what was taken and not begun
            with self._lock:
                call = next((call for call in self._pending if call.future is future), None)
                if call is not None:
                    self._pending.remove(call)
            if call is not None:
                self._perform(call)

    def _perform(self, call: Here) -> None:
        future = call.future
        if not future.set_running_or_notify_cancel():
            return
        try:
            value = call.context.run(self._value, call)
        except BaseException as error:
            future.set_exception(error)
            if not isinstance(error, Exception | GraphInterrupt):
                raise
        else:
            future.set_result(value)

    def _value(self, call: Here) -> Any:
        opened = opened_for(self.inside, call)
        if opened.open:
            for _ in opened.events(drive(opened.run)):
                pass
        value = apart(result_of(opened))
        if opened.open and opened.run.world.saver is not None:
            opened.run.world.saver.flush()
        return value

    # -- on a loop

    async def _aperform(self, call: There, gate: asyncio.Semaphore) -> None:
        future = call.future
        try:
            async with gate:
                value = await self._avalue(call)
        except BaseException as error:
            if not future.done():
                future.set_exception(error) if isinstance(error, Exception | GraphInterrupt) else future.cancel()
            if not isinstance(error, Exception | GraphInterrupt):
                raise
        else:
            if not future.done():
                future.set_result(value)

    async def _avalue(self, call: There) -> Any:
        opened = opened_for(self.inside, call)
        if opened.open:
            async for _ in opened.aevents(adrive(opened.run)):
                pass
        value = apart(result_of(opened))
        if opened.open and opened.run.world.saver is not None:
            await asyncio.to_thread(opened.run.world.saver.flush)
        return value

    # -- when the body is over

    def finish(self) -> None:
        """As `nbhitl.run.context.Subtasks.finish`."""
        self._end()
        self._tell()

    async def afinish(self) -> None:
        """As `finish`."""
        await self._aend()
        self._tell()

    def left(self, error: BaseException) -> BaseException:
        """As `nbhitl.run.context.Subtasks.left`."""
        if _pauses(error):
            self._end()
            return self._joined(error)
        self._drop()
        if isinstance(error, Exception):
            self._end()
        return error

    async def aleft(self, error: BaseException) -> BaseException:
        """As `left`."""
        if _pauses(error):
            await self._aend()
            return self._joined(error)
        self._drop()
        if not isinstance(error, Exception):
            for task in self._tasks:
                task.cancel()
        await self._aend()
        return error

    def _end(self) -> None:
        """Perform what nobody has begun, and wait for the rest."""
        while (call := self._take()) is not None:
            self._perform(call)
        for made in self._calls:
            if isinstance(made.future, TaskFuture):
                made.future.settle()

    async def _aend(self) -> None:
        if any(isinstance(call.future, TaskFuture) and not call.future.done() for call in self._calls):
            await asyncio.to_thread(self._end)  # the body has called them from a thread of its own
        while running := [task for task in self._tasks if not task.done()]:
            await asyncio.wait(running)

    def _drop(self) -> None:
        """Begin no more calls."""
        while (call := self._take()) is not None:
            call.future.cancel()

    def _tell(self) -> None:
        """What a body that has returned has to hear of the calls that it did not ask."""
        outcomes = [call.future.outcome() for call in self._calls]
        unheard = [e for call, e in zip(self._calls, outcomes, strict=True) if e is not None and not call.future.heard]
        if not unheard or self.inside.pause is not None:  # a pause that it heard was swallowed: that is said elsewhere
            return
        failed = next((error for error in unheard if not isinstance(error, GraphInterrupt)), None)
        if failed is not None:
            failed.add_note(
                f"node {self.inside.task.node!r} returned without asking how this task ended. Where a failure does not "
                "matter, ask and let it pass: task(...).exception()."
            )
            raise failed
        raise self._joined(None)

    def _joined(self, error: BaseException | None) -> BaseException:
        """The signal of a body that pauses, with all that its calls wait for."""
        pauses = [leaf for leaf in leaves(error) if isinstance(leaf, GraphInterrupt)] if error is not None else []
        pauses += [outcome for call in self._calls if isinstance(outcome := call.future.outcome(), GraphInterrupt)]
        entries: dict[int, Entry] = {id(entry): entry for pause in pauses for entry in pause.entries}
        known = [entry for leaf in leaves(error) for entry in getattr(leaf, "entries", ())] if error else []
        if error is not None and len(entries) == len({id(entry) for entry in known}):
            return error
        return GraphInterrupt(*entries.values())


def _loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _pauses(error: BaseException) -> bool:
    """Whether a body pauses, and does not fail besides."""
    return all(isinstance(leaf, GraphInterrupt) for leaf in leaves(error))
