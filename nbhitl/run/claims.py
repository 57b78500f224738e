"""Who is at work on a thread, in this process: a thread is run by one call at a time.

Other processes are kept out by the checkpointer, which owns its file.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import TypeVar

from nbhitl.engine.errors import ThreadBusyError
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import ThreadKey

T = TypeVar("T")
_lock = threading.Lock()
_at_work: weakref.WeakKeyDictionary[Saver, dict[ThreadKey, Claim]] = weakref.WeakKeyDictionary()


class Claim:
    """The right to work on one thread, from `take` to `release`.

    Whoever runs a thread makes the claim before anything else and releases it at the very end, although the run
    releases it, too: a Ctrl-C may come between any two lines, and would keep the thread busy for ever if one of them
    were the only one that lets go.
    """

    __slots__ = ("_key", "_keys", "_lent")

    def __init__(self) -> None:
        self._key: ThreadKey | None = None
        self._keys: dict[ThreadKey, Claim] | None = None
        self._lent = False

    def take(self, saver: Saver, key: ThreadKey) -> None:
        """Begin to work on a thread. Raises `ThreadBusyError` when somebody is at it."""
        with _lock:
            self._keys = keys = _at_work.setdefault(saver, {})
            if key in keys:
                raise ThreadBusyError(f"thread {key} is being run already. Wait for it, or stop it: %graph pause.")
            self._key = key
            keys[key] = self

    def release(self) -> None:
        """Work on the thread has ended; another claim of the same thread is left alone. Doing it twice is fine."""
        if self._keys is None or self._key is None or self._lent:
            return
        with _lock:
            if self._keys.get(self._key) is self:
                del self._keys[self._key]

    def lend(self) -> None:
        """Somebody else goes on with the work (a thread whose call was cancelled): `release` waits for `give_back`."""
        self._lent = True

    def give_back(self) -> None:
        """Whoever went on has ended."""
        self._lent = False
        self.release()


async def on_thread(saver: Saver | None, begin: Callable[..., T], *given: object, claim: Claim) -> T:
    """``begin(*given, claim)``; on a thread where there is a checkpointer, since it may wait for a disk."""
    import asyncio

    if saver is None:
        return begin(*given, claim)
    work = asyncio.ensure_future(asyncio.to_thread(begin, *given, claim))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        claim.lend()  # the thread goes on, and claims what nobody will drive
        work.add_done_callback(lambda _: claim.give_back())
        raise
