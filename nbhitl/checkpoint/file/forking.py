"""What a forked child must not do: let go of the parent's database.

Measured on duckdb 2.0: when the child's copy of a connection is destroyed at its exit, the child folds the
log into the parent's live file, and then crashes. So a child leaks its copies on purpose; the system closes
them.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

_open: dict[int, Any] = {}


def keep(*connections: Any) -> None:
    """These connections are open: a forked child must never destroy its copies."""
    _open.update((id(connection), connection) for connection in connections)


def drop(*connections: Any) -> None:
    """These connections were closed."""
    for connection in connections:
        _open.pop(id(connection), None)


def _leak() -> None:
    for connection in _open.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leak)
