"""A duckdb file that one process has, beside those of checkpoints: its connection and its lock, let go of together."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbhitl.checkpoint.file import forking, opening
from nbhitl.checkpoint.file.lock import Ownership

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike


class OwnedFile:
    """A connection to a file of its own, made by ``connect`` (which is given None for memory) under the file's lock.

    Let go of when it is closed, or when nobody holds it any more; never by a forked child, which has neither.
    ``lock`` is for whoever works with the connection: it belongs to one thread at a time.

    Raises:
        FileLockedError: another process has the file, or something else in this one.
        SaverError: the file cannot stand there. Whatever ``connect`` raises passes, and nothing is held then.
    """

    def __init__(self, path: str | PathLike[str], connect: Callable[[Path | None], Any]) -> None:
        file = None if str(path) == opening.MEMORY else Path(path).expanduser().resolve()
        self.path = opening.MEMORY if file is None else str(file)
        self.lock = threading.RLock()
        self._pid = os.getpid()
        owner = None
        if file is not None:
            opening.prepare(file)
            owner = Ownership(file)
        try:
            self.connection = connect(file)
        except BaseException:
            if owner is not None:
                owner.release()
            raise
        forking.keep(self.connection)
        self._end = weakref.finalize(self, _let_go, self.connection, owner, self._pid)

    @property
    def forked(self) -> bool:
        """Whether this process was forked from the one that has the file."""
        return self._pid != os.getpid()

    @property
    def closed(self) -> bool:
        """Whether it was let go of."""
        return not self._end.alive

    def close(self) -> None:
        """Let go of the file. Closing twice is fine."""
        with self.lock:
            self._end()


def _let_go(connection: Any, owner: Ownership | None, pid: int) -> None:
    if pid != os.getpid():  # a forked child must not close what its parent has open
        return
    connection.close()
    forking.drop(connection)
    if owner is not None:
        owner.release()
