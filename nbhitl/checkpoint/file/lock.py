"""Who owns a checkpoint file: a lock file beside it, and a readable note about the owner.

The database's own lock is lost when its process merely opens and closes the file, so it cannot be trusted
alone. This module may not open the database file itself.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from nbhitl.engine.errors import FileLockedError, SaverError

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import FileLock


class Ownership:
    """Holds ``<file>.lock`` until released. The system frees the lock when its process dies.

    ``path`` has no symbolic links in it: a file has one lock, whatever it is called. A forked child does not own the
    file: `filelock` closes the inherited descriptor in the child. Raises `FileLockedError`, or `SaverError` where no
    lock can be made.
    """

    def __init__(self, path: Path) -> None:
        from filelock import FileLock, Timeout

        self._note = note_path(path)
        lock = path.with_name(path.name + ".lock")
        self._lock: FileLock = FileLock(lock, timeout=0, thread_local=False)
        self._pid = os.getpid()
        try:
            self._lock.acquire()
        except Timeout:
            raise FileLockedError(_refusal(path)) from None
        except (OSError, NotImplementedError) as error:
            raise SaverError(
                f"{lock} cannot be made ({getattr(error, 'strerror', None) or error}), and without a lock two kernels"
                " could write to one file: give a path on a disk of this machine, in a folder of yours"
            ) from error
        try:
            _write(self._note)
        except OSError as error:  # e.g. no room
            self._lock.release()
            raise SaverError(
                f"{self._note} cannot be written ({error.strerror}): make room, or give a path elsewhere"
            ) from error

    def release(self) -> None:
        """Let the file go. Does nothing in a forked child, and when done twice."""
        if self._pid == os.getpid() and self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()


def note_path(path: Path) -> Path:
    """Where the note about a file's owner stands. It may be that of a process that was killed."""
    return path.with_name(path.name + ".owner")


def owner(path: Path) -> dict[str, Any] | None:
    """What a file's owner noted: pid, program, started, host. None without a readable note."""
    try:
        found = json.loads(note_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    needed = {"pid": int, "program": str, "started": str}
    if not isinstance(found, dict) or any(not isinstance(found.get(name), kind) for name, kind in needed.items()):
        return None
    return found


def _program() -> str:
    """The notebook, where its kernel tells; else the program's name."""
    return os.environ.get("JPY_SESSION_NAME") or (sys.argv[0] if sys.argv and sys.argv[0] else "python")


def _write(note: Path) -> None:
    me = {
        "pid": os.getpid(),
        "program": _program(),
        "started": time.strftime("%Y-%m-%d %H:%M:%S"),
        "host": socket.gethostname(),
    }
    fresh = note.with_name(note.name + ".new")
    fresh.write_text(json.dumps(me), encoding="utf-8")
    os.replace(fresh, note)


def _refusal(path: Path) -> str:
    """One line: who has the file, and the ways out."""
    found = owner(path)
    ways = (
        f"look at it with nbhitl.snapshot({str(path)!r}), take another file (%graph db OTHER), or close the other"
        " kernel."
    )
    if found is None:
        return f"{path} is in use by another process: {ways}"
    pid, program, started = found["pid"], _plain(found["program"]), _plain(found["started"])
    if found.get("host", socket.gethostname()) != socket.gethostname():
        return f"{path} is in use by process {pid} on {_plain(str(found['host']))} ({program}, since {started}): {ways}"
    if pid == os.getpid():
        return (
            f"{path} is already open in this process (since {started}): use that saver or another file, or"
            " close the other one first."
        )
    if not _lives(pid):  # somebody has the lock who has not written a note yet
        return f"{path} is in use by another process: {ways}"
    return f"{path} is in use by process {pid} ({program}, since {started}): {ways}"


def _plain(text: str) -> str:
    """A text of somebody else's on one line."""
    return "".join(c if c.isprintable() else " " for c in text)[:200]


def _lives(pid: int) -> bool:
    """Whether there is such a process; True where that cannot be told."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
