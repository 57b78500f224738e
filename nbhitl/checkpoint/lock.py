"""Who owns a checkpoint file: a lock file beside it, and a readable note about the owner.

The database's own lock is lost when its process merely opens and closes the file, so it cannot be trusted
alone. This module may not open the database file itself.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

from nbhitl.engine.errors import FileLockedError

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import FileLock


class Ownership:
    """Holds ``<file>.lock`` until released. The system frees the lock when its process dies.

    A forked child does not own the file: `filelock` closes the inherited descriptor in the child.
    """

    def __init__(self, path: Path) -> None:
        from filelock import FileLock, Timeout

        self._note = path.with_name(path.name + ".owner")
        self._lock: FileLock = FileLock(path.with_name(path.name + ".lock"), timeout=0, thread_local=False)
        self._pid = os.getpid()
        try:
            self._lock.acquire()
        except Timeout:
            raise FileLockedError(_refusal(path, self._note)) from None
        _write(
            self._note,
            {"pid": self._pid, "program": _program(), "started": time.strftime("%Y-%m-%d %H:%M:%S")},
        )

    def release(self) -> None:
        """Let the file go. Does nothing in a forked child, and when done twice."""
        if self._pid == os.getpid() and self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()


def _program() -> str:
    """The notebook, where its kernel tells; else the program's name."""
    return os.environ.get("JPY_SESSION_NAME") or (sys.argv[0] if sys.argv and sys.argv[0] else "python")


def _write(note: Path, owner: dict[str, object]) -> None:
    fresh = note.with_name(note.name + ".new")
    fresh.write_text(json.dumps(owner), encoding="utf-8")
    os.replace(fresh, note)


def _refusal(path: Path, note: Path) -> str:
    try:
        owner = json.loads(note.read_text(encoding="utf-8"))
        pid, program, started = owner["pid"], owner["program"], owner["started"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{path} is in use by another process: use another file, or close the other kernel."
    if pid == os.getpid():
        return (
            f"{path} is already open in this process (since {started}): use that saver or another file, or"
            " close the other one first."
        )
    return (
        f"{path} is in use by process {pid} ({program}, since {started}): use another file, or close the other kernel."
    )
