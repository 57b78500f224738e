"""`Pipe`: from the threads and asyncio tasks that perform bodies to the one place that reads a stream.

Bounded for whoever can wait: a sync body that streams faster than its reader takes is held up. What a body on the
reader's own thread says (an async one, on the loop that reads) is never held up: waiting there would wait for ever.
"""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    import asyncio

ROOM: Final = 256
"""Chunks that may wait for the reader."""

_Sleeper: TypeAlias = "tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]"


class Pipe:
    """Chunks and outcomes in the order in which they came, for one reader."""

    def __init__(self, room: int = ROOM) -> None:
        self.context: Callable[[], contextvars.Context] = contextvars.copy_context
        """The context in which bodies are performed."""
        self._items: deque[Any] = deque()
        self._changed = threading.Condition()
        self._room = room
        self._closed = False
        self._reader = threading.get_ident()
        self._asleep: _Sleeper | None = None
        """A reader on a loop that waits for the next item."""
        self._hand: queue.SimpleQueue[Callable[[], None] | None] | None = None
        self._held: list[_Sleeper] = []
        """Async bodies that wait for room."""

    def work(self, what: Callable[[], None]) -> None:
        """Have something done on the thread that performs this stream's bodies, one after the other."""
        if self._hand is None:
            self._hand = queue.SimpleQueue()
            threading.Thread(target=_obey, args=(self._hand,), name="nbhitl-hand", daemon=True).start()
        self._hand.put(what)

    # -- putting in

    def put(self, item: Any) -> None:
        """Hand over what must not be lost and does not wait: the outcome of a task."""
        with self._changed:
            self._add(item)

    def offer(self, chunk: Any) -> None:
        """Hand over a chunk, when there is room; dropped when nobody reads any more."""
        with self._changed:
            if threading.get_ident() != self._reader:
                while len(self._items) >= self._room and not self._closed:
                    self._changed.wait()
            if not self._closed:
                self._add(chunk)

    async def room(self) -> None:
        """Wait on the running loop until there is room."""
        import asyncio

        while True:
            with self._changed:
                if len(self._items) < self._room or self._closed:
                    return
                loop = asyncio.get_running_loop()
                waiting: asyncio.Future[None] = loop.create_future()
                self._held.append((loop, waiting))
            await waiting

    def close(self) -> None:
        """Nobody reads chunks any more: whoever waits for room goes on."""
        with self._changed:
            self._closed = True
            self._let_go()
            self._changed.notify_all()
        if self._hand is not None:
            self._hand.put(None)

    def _add(self, item: Any) -> None:
        self._items.append(item)
        self._changed.notify_all()
        asleep, self._asleep = self._asleep, None
        if asleep is not None:
            _wake(*asleep)

    # -- taking out

    def empty(self) -> bool:
        """Whether nothing is there to be taken."""
        return not self._items

    def get(self, timeout: float | None = None) -> Any:
        """The next item. Raises `queue.Empty` after ``timeout`` seconds."""
        with self._changed:
            self._reader = threading.get_ident()
            if not self._items and not self._changed.wait_for(self._items.__len__, timeout):
                raise queue.Empty
            return self._taken()

    async def aget(self) -> Any:
        """The next item, waited for on the running loop."""
        import asyncio

        while True:
            with self._changed:
                self._reader = threading.get_ident()
                if self._items:
                    return self._taken()
                loop = asyncio.get_running_loop()
                waiting: asyncio.Future[None] = loop.create_future()
                self._asleep = (loop, waiting)
            await waiting

    def _taken(self) -> Any:
        item = self._items.popleft()
        if len(self._items) == self._room - 1:
            self._changed.notify_all()
        if self._held and len(self._items) < self._room:
            self._let_go()
        return item

    def _let_go(self) -> None:
        held, self._held = self._held, []
        for sleeper in held:
            _wake(*sleeper)


def _obey(orders: queue.SimpleQueue[Callable[[], None] | None]) -> None:
    """Do what is ordered, until nothing more will be: a thread for each step would cost more than most steps."""
    while (order := orders.get()) is not None:
        order()


def _wake(loop: asyncio.AbstractEventLoop, waiting: asyncio.Future[None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
        loop.call_soon_threadsafe(_done, waiting)


def _done(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
