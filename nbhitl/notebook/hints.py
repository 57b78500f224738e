"""What to do about errors that come from where a node runs: on a thread of its own, and not in the cell's."""

from __future__ import annotations

import re
from typing import Final

_HINTS: Final = {
    r"SQLite objects created in a thread can only be used in that same thread": (
        "nodes run on a thread of their own. Connect inside the node, or with "
        "sqlite3.connect(..., check_same_thread=False)."
    ),
    r"main thread is not in main loop|GUI outside of the main thread|QObject|QWidget|not the main thread": (
        "nodes run on a thread of their own, and windows belong to the main thread. Return the values from the node, "
        "and show them in the next cell."
    ),
    r"signal only works in main thread|set_wakeup_fd only works in main thread": (
        "nodes run on a thread of their own, and signals belong to the main thread. Set the handler in a cell."
    ),
    r"attached to a different loop|bound to a different event loop": (
        "async nodes run on an event loop of their own. Make what they await inside the node, not in a cell."
    ),
    r"[Cc]annot (?:switch|be called) (?:to|from) a different thread|Sync API inside the asyncio loop": (
        "nodes run on a thread of their own. Make this object inside the node that uses it."
    ),
    r"asyncio\.run\(\) cannot be called from a running event loop|[Tt]his event loop is already running": (
        "the node runs on an event loop already. Make it `async def`, and await instead."
    ),
}


def hint_of(error: BaseException) -> str:
    """What helps against an error of this kind; empty where nothing is known."""
    try:
        text = str(error)[:2_000]
    except Exception:  # noqa: BLE001 - a stranger's exception class
        return ""
    return next((hint for pattern, hint in _HINTS.items() if re.search(pattern, text)), "")
