"""`Holding`: a checkpoint file while it is open, with all that has to be let go of together."""

from __future__ import annotations

import time
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint import reading
from nbhitl.checkpoint.file import forking, opening
from nbhitl.checkpoint.file.instances import stopped_by_ctrl_c
from nbhitl.checkpoint.file.lock import Ownership
from nbhitl.checkpoint.sql import guard
from nbhitl.checkpoint.writer import Writer
from nbhitl.engine.errors import SaverError

if TYPE_CHECKING:
    from pathlib import Path


_FORGOTTEN: Final = 2.0
"""Seconds that closing may take where nobody waits for it."""


class Holding:
    """The connection to a file, its one writer, its mark and its lock; ``branches``: its lines, as they were opened.

    ``file``: None for a database in memory; ``name``: what errors call it; ``ownership``: its lock, where it is held
    already, which is let go when opening fails. Raises as `nbhitl.checkpoint.file.opening.open_file` does.

    One that nobody holds any more is closed, so that a Ctrl-C between any two lines of whoever opens it leaves nothing
    open.
    """

    def __init__(self, file: Path | None, name: str, ownership: Ownership | None = None) -> None:
        self._parts = parts = _Parts(ownership)
        try:
            if file is not None and ownership is None:
                opening.prepare(file)
                parts.ownership = Ownership(file)
            parts.opened = opened = _opened(file, name)
            self.connection, self.mark = opened.connection, opened.mark
            seq, self.branches, links = reading.known(self.connection)
            cursor = self.connection.cursor()
            self.writer = parts.writer = Writer(cursor, seq, links, name, self.mark, opened.tail)
            forking.keep(self.connection, cursor)
            weakref.finalize(self, parts.close, _FORGOTTEN).atexit = False
        except BaseException:
            parts.close(_FORGOTTEN)
            raise

    def close(self, timeout: float) -> None:
        """Write what waits, fold the log, and let go of all; ``timeout`` in seconds. Closing twice is fine.

        A query that nothing interrupts may still be at work, and duckdb closes nothing beneath it: then all of it is
        left open until the process ends; what was written is durable.
        """
        self._parts.close(timeout)

    def lend(self, timeout: float) -> Ownership | None:
        """Close the file but keep its lock, for whoever works on the file and opens it again."""
        self._parts.end(timeout)
        return self._parts.ownership

    def release(self) -> None:
        """Let go of the lock alone. Doing it twice is fine."""
        self._parts.release()


@dataclass(slots=True)
class _Parts:
    """What a `Holding` holds, as far as it has come."""

    ownership: Ownership | None
    opened: opening.Opened | None = None
    writer: Writer | None = None

    def close(self, timeout: float) -> None:
        if self.end(timeout):
            self.release()

    def end(self, timeout: float) -> bool:
        """Close all but the lock; whether that could be done in time."""
        if self.opened is None:
            return True
        connection, mark, tail, writer = self.opened.connection, self.opened.mark, self.opened.tail, self.writer
        if writer is not None and not (writer.close(timeout) and guard.settle(connection, timeout)):
            return False
        _close(connection, timeout)
        forking.drop(connection)
        clean = writer is not None and not writer.failed
        if mark is not None:
            with suppress(OSError):  # the rows are in the file: the next open finds the mark behind it
                mark.close(clean=clean)
        if tail is not None:
            with suppress(OSError):  # what stands there is known to be in the file
                tail.close(clean=clean)
        return True

    def release(self) -> None:
        if self.ownership is not None:
            self.ownership.release()


def _opened(file: Path | None, name: str) -> opening.Opened:
    import duckdb

    try:
        with stopped_by_ctrl_c():
            return opening.open_file(file)
    except (duckdb.Error, OSError) as error:
        said = str(error).partition("\n")[0]
        raise SaverError(
            f"{name} could not be opened or made ({said}): see that its disk has room and can be read, and open it"
            " again; what was written before is there"
        ) from error


def _close(connection: Any, timeout: float) -> None:
    """Close a connection, also one whose last call a Ctrl-C broke off: duckdb is at work on that for a moment."""
    import duckdb

    end = time.monotonic() + timeout
    while True:
        try:
            connection.close()
            return
        except duckdb.Error as error:
            if "in use" not in str(error).lower() or time.monotonic() > end:
                raise
            time.sleep(0.02)
