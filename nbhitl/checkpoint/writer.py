"""The one thread that writes. It gets rows, never values; it may not know what they mean.

Whatever waits when it comes round is appended and committed as one group, with gap-free sequence numbers. A
failure poisons it: every later call says so, because what was acknowledged must never be followed by a gap.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from nbhitl.engine.errors import SaverError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbhitl.checkpoint.rows import Row

MOST_BEHIND: Final = 64
"""Groups of rows that may wait."""
LONGEST_BEHIND: Final = 0.05
"""Seconds that a group may wait before callers are held up."""
_LINGER: Final = 0.01
"""Seconds in which groups are collected while nobody waits for them."""
_IDLE: Final = 2.0
"""Seconds without work after which the write-ahead log is folded into the file (replaying it is slow)."""
_WORTH_FOLDING: Final = 64


class Writer:
    """Owns a connection and a daemon thread. ``seq`` is the last sequence number in the journal."""

    def __init__(self, connection: Any, seq: int, name: str) -> None:
        self.connection = connection
        self._seq = seq
        self._name = name
        self._pid = os.getpid()
        self._changed = threading.Condition(threading.Lock())
        self._queue: list[tuple[float, Sequence[Row]]] = []
        self._given = self._done = 0
        """Groups handed over, groups durable: tickets are counts."""
        self._waiting = 0
        self._stop = False
        self._failure: BaseException | None = None
        self._unfolded = 0
        self._thread = threading.Thread(target=self._run, name="nbhitl-writer", daemon=True)
        self._thread.start()

    def put(self, rows: Sequence[Row]) -> int:
        """Queue a group; returns its ticket."""
        with self._changed:
            self._check()
            self._queue.append((time.monotonic(), rows))
            self._given += 1
            if len(self._queue) in (1, MOST_BEHIND // 2):
                self._changed.notify_all()
            return self._given

    def room(self) -> None:
        """Hold the caller up while too much waits."""
        with self._changed:
            while self._failure is None and not self._stop and self._is_behind():
                self._waiting += 1
                self._changed.notify_all()
                try:
                    self._changed.wait(1.0)
                finally:
                    self._waiting -= 1
            self._check()

    def wait(self, ticket: int | None = None) -> None:
        """Return when the ticket's group (by default: everything) is durable. Raises `SaverError`."""
        with self._changed:
            ticket = self._given if ticket is None else ticket
            self._waiting += 1
            try:
                while self._done < ticket:
                    self._check()
                    self._changed.notify_all()
                    self._changed.wait(1.0)
            finally:
                self._waiting -= 1
            self._check(stopped_too=False)

    def close(self, timeout: float) -> bool:
        """Write what waits, fold the log, close the connection. False when ``timeout`` (s) was short."""
        if os.getpid() != self._pid or threading.current_thread() is self._thread:
            return False
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _is_behind(self) -> bool:
        if not self._queue:
            return False
        late = time.monotonic() - self._queue[0][0] > LONGEST_BEHIND
        return late or self._given - self._done >= MOST_BEHIND

    def _check(self, *, stopped_too: bool = True) -> None:
        if self._failure is not None:
            raise SaverError(
                f"writing to {self._name} failed ({type(self._failure).__name__}: {self._failure}). What was"
                " acknowledged before is safe; close this checkpointer, cure the cause, open the file again."
            ) from self._failure
        if self._stop and stopped_too:
            raise SaverError(f"the checkpointer of {self._name} was closed: open the file again")

    def _run(self) -> None:
        try:
            appender = self.connection.appender("journal")
            while (groups := self._take()) is not None:
                if groups:
                    self._write(appender, groups)
                else:
                    self._fold()
        except BaseException as error:  # noqa: BLE001 - kept for the callers: this thread has nobody to raise to
            with self._changed:
                self._failure = error
        finally:
            self._end()

    def _take(self) -> list[Sequence[Row]] | None:
        """The groups to write now; an empty list after idling; None at the end."""
        with self._changed:
            if not self._queue and not self._stop:
                self._changed.wait(_IDLE if self._unfolded else None)
                if not self._queue and not self._stop:
                    return []
            if not self._waiting and not self._stop and len(self._queue) < MOST_BEHIND // 2:
                self._changed.wait(_LINGER)
            groups = [rows for _, rows in self._queue]
            self._queue = []
            return groups or (None if self._stop else [])

    def _write(self, appender: Any, groups: list[Sequence[Row]]) -> None:
        seq = self._seq
        for rows in groups:
            appender.append_rows([(seq := seq + 1, *row) for row in rows])
        appender.flush()  # one statement, one transaction: all rows or none
        with self._changed:
            self._seq = seq
            self._done += len(groups)
            self._unfolded += len(groups)
            self._changed.notify_all()

    def _fold(self) -> None:
        if self._unfolded >= _WORTH_FOLDING:
            import duckdb

            try:
                self.connection.execute("CHECKPOINT")
            except duckdb.TransactionException:
                return  # a reader is at work: next time
        self._unfolded = 0

    def _end(self) -> None:
        try:
            if self._failure is None:
                self.connection.execute("CHECKPOINT")
        except Exception:  # noqa: BLE001, S110 - the rows are durable in the log; folding it is only faster to open
            pass
        try:
            self.connection.close()
            self.connection = None  # let go: whoever keeps the saver must not keep it
        finally:
            with self._changed:
                self._stop = True
                self._changed.notify_all()
