"""What a call of a `@task` returns at once: a future of its result, for bodies of either colour.

Both are futures of Python's own, so `concurrent.futures.wait`, ``asyncio.gather`` and the like take them. A call that
waits for a person raises the signal that leaves the body in whoever asks for its result.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Generator
from typing import Any, Final, Generic, Protocol, TypeVar

from nbhitl.engine.errors import GraphInterrupt
from nbhitl.run.context import TaskContext

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
_SLICE: Final = 0.2
"""Seconds of one wait: a Stop that is raised in this thread arrives between two of them."""


class SyncAsyncFuture(Protocol[T_co]):
    """What calling a `@task` returns: a future that is asked with ``result()`` in a sync body, with ``await`` else."""

    def result(self, timeout: float | None = None) -> T_co:
        """What the task returned. In an async body only when it has ended, and without ``timeout``."""

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the task raised, or None."""

    def done(self) -> bool:
        """Whether it has ended."""

    def cancel(self) -> bool:
        """Do not begin it; whether that could be done."""

    def cancelled(self) -> bool:
        """Whether it was cancelled."""

    def add_done_callback(self, function: Callable[[Any], object], /) -> None:
        """Call ``function`` with the future when it has ended."""

    def __await__(self) -> Generator[Any, None, T_co]:
        """In an async body: wait for what the task returns."""


class TaskFuture(concurrent.futures.Future[T], Generic[T]):
    """The result of a call in a sync body. Whoever asks for a call that nobody has begun performs it himself."""

    def __init__(self, inside: TaskContext, hurry: Callable[[TaskFuture[T], bool], None]) -> None:
        super().__init__()
        self._inside, self._hurry = inside, hurry
        self.heard = False
        """Whether the body has asked how it ended."""

    def result(self, timeout: float | None = None) -> T:
        """What the task returned; waits for it.

        Args:
            timeout: seconds to wait at most.

        Raises:
            TimeoutError: it has not ended in time; it goes on.
            GraphInterrupt: it waits for a person; leaves the body.
            Exception: what the task raised.
        """
        self._wait(timeout)
        try:
            return super().result()
        except GraphInterrupt as pause:
            raise self._inside.paused(*pause.entries) from None

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the task raised, or None; waits for it. Raises as `result` where it waits for a person."""
        self._wait(timeout)
        error = super().exception()
        if isinstance(error, GraphInterrupt):
            raise self._inside.paused(*error.entries)
        return error

    def outcome(self) -> BaseException | None:
        """What it raised, for whoever looks after the body."""
        return None if self.cancelled() else super().exception()

    def settle(self) -> None:
        """Wait until it has ended, without asking how."""
        while not self.done():
            concurrent.futures.wait((self,), _SLICE)

    def _wait(self, timeout: float | None) -> None:
        if not self.done():
            self._hurry(self, timeout is None)
        end = None if timeout is None else time.monotonic() + timeout
        while not self.done():
            left = _SLICE if end is None else min(_SLICE, end - time.monotonic())
            if left <= 0:
                raise TimeoutError("the task has not ended in time; it goes on")
            concurrent.futures.wait((self,), left)
        self.heard = True


class AsyncTaskFuture(asyncio.Future[T], Generic[T]):
    """The result of a call in an async body: ``await`` it."""

    def __init__(self, inside: TaskContext) -> None:
        super().__init__()
        self._inside = inside
        self.heard = False
        """Whether the body has asked how it ended."""

    def result(self) -> T:
        """What the task returned. Raises what it raised, or the signal that leaves the body where it waits."""
        self.heard = True
        try:
            return super().result()
        except GraphInterrupt as pause:
            raise self._inside.paused(*pause.entries) from None
        except asyncio.InvalidStateError:
            raise asyncio.InvalidStateError(
                "the task has not ended, and nothing waits for it here: in an async function write `await task(...)`, "
                "not `.result()`."
            ) from None

    def exception(self) -> BaseException | None:
        """What the task raised, the signal that leaves the body included; None where it has a result."""
        error = super().exception()
        self.heard = True
        return self._inside.paused(*error.entries) if isinstance(error, GraphInterrupt) else error

    def outcome(self) -> BaseException | None:
        """What it raised, for whoever looks after the body."""
        return None if self.cancelled() else super().exception()

    def __await__(self) -> Generator[Any, None, T]:
        """As a future's; asks `result`, which that of the C implementation does not do."""
        if not self.done():
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    __iter__ = __await__
