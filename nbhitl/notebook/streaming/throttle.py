"""`Throttled`: a function that is called soon, and at most so often."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from typing import Final

PAUSE: Final = 0.1
"""Seconds between two calls: a server drops output above 1,000 messages a second, forms with it."""


class Throttled:
    """Calls a function on a thread of its own soon after it was asked to, never two at a time.

    Args:
        does: returns the seconds that have to pass before the next call, where these are more than `PAUSE`. It runs in
            the context in which this object is made, so that what it shows belongs to that cell.
    """

    def __init__(self, does: Callable[[], float]) -> None:
        self._does = does
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()
        self._at_work = threading.Lock()
        self._timer: threading.Timer | None = None
        self._next = 0.0

    def soon(self) -> None:
        """Call it when the pause since the last call is over. From any thread, as often as one likes."""
        with self._lock:
            if self._timer is not None:
                return
            wait = max(0.0, self._next - time.monotonic())
            self._timer = threading.Timer(wait, self._context.copy().run, (self.now,))
            self._timer.daemon = True
            self._timer.start()

    def now(self) -> None:
        """Call it on this thread, at once or when a call on another one has ended."""
        with self._at_work:
            with self._lock:
                timer, self._timer = self._timer, None
                self._next = time.monotonic() + PAUSE
            if timer is not None:
                timer.cancel()
            pause = self._does()
            with self._lock:
                self._next = time.monotonic() + max(PAUSE, pause)
