"""Who is at work on a thread, in this process: a thread is run by one call at a time.

Other processes are kept out by the checkpointer, which owns its file.
"""

from __future__ import annotations

import threading
import weakref

from nbhitl.engine.errors import ThreadBusyError
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import ThreadKey

_lock = threading.Lock()
_at_work: weakref.WeakKeyDictionary[Saver, set[ThreadKey]] = weakref.WeakKeyDictionary()


def claim(saver: Saver, key: ThreadKey) -> None:
    """Begin to work on a thread. Raises `ThreadBusyError` when somebody is at it."""
    with _lock:
        keys = _at_work.setdefault(saver, set())
        if key in keys:
            raise ThreadBusyError(f"thread {key} is being run already. Wait for it, or stop it: %graph pause.")
        keys.add(key)


def release(saver: Saver, key: ThreadKey) -> None:
    """Work on a thread has ended."""
    with _lock:
        _at_work.get(saver, set()).discard(key)
