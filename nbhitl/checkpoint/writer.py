"""The one thread that writes. It gets rows, never values; it may not know what they mean.

Whatever waits when it comes round is appended and committed as one group, with gap-free sequence numbers and each
line's chain of links, and then the high-water mark is moved. A group that somebody waits for is made durable in the
file's tail first, which costs a tenth, and goes into the database with the groups after it, or when nothing comes for a
moment. A failure poisons it: every later call says so, because what was acknowledged must never be followed by a gap.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from nbhitl.checkpoint import crashing
from nbhitl.checkpoint.file import forking, parts
from nbhitl.checkpoint.rows import BYTES, line_of, linked_row
from nbhitl.engine.errors import SaverError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbhitl.checkpoint.file.mark import Mark
    from nbhitl.checkpoint.file.tail import Tail
    from nbhitl.checkpoint.rows import Row

Links: TypeAlias = dict[tuple[str, str, str], int]
"""The newest link of each line's chain."""

LONGEST_BEHIND: Final = 0.05
"""Seconds that a group may wait before callers are held up."""
_LINGER: Final = 0.02
"""Seconds in which groups are collected while nobody waits: a commit costs the same for one row and for 500."""
_HEAVY: Final = 4 << 20
"""Bytes that are written without waiting for more."""
_HEAVIEST: Final = 64 << 20
"""Bytes that may wait."""
_IDLE: Final = 2.0
"""Seconds without work after which the write-ahead log is folded into the file (replaying it is slow)."""
_WORTH_FOLDING: Final = 64
_QUIET: Final = 0.05
"""Seconds without work after which the rows of the tail go into the database."""
_LONG_TAIL: Final = 512
"""Rows in the tail from which on they go into the database."""
_MOST_IN_TAIL: Final = 8192
"""Rows of a group that may go to the tail; one with more goes into the database at once."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """More than appending: ``delete`` is SQL on ``journal`` with its parameters, and ``rows`` take the place.

    All of it is one transaction. ``lines`` are those that are deleted whole, so that their chains start anew.
    """

    delete: str
    params: Sequence[Any]
    rows: Sequence[Row]
    lines: Sequence[tuple[str, str, str]]
    record: Callable[[int], Row]
    """Makes the row that says how many rows are gone."""


class _Turn(NamedTuple):
    """What to write now."""

    groups: Sequence[tuple[Sequence[Row] | Rewrite, bool]]
    """Rows to number, and whether their mark has to be durable."""
    tail: bool = False
    """Whether they may go to the tail only."""


class Writer:
    """Owns a connection and a daemon thread. ``seq`` is the last sequence number in the journal."""

    def __init__(
        self, connection: Any, seq: int, links: Links, name: str, mark: Mark | None = None, tail: Tail | None = None
    ) -> None:
        self.connection = connection
        self._seq = seq
        self._links = links
        self._mark = mark
        self._tail = tail
        self._name = name
        self._pid = os.getpid()
        # A Condition is entered, left and waited for in Python, where a Ctrl-C could keep its lock for ever, or give
        # back one that it does not hold. So the gate is taken by itself, and only the writer waits for the Condition.
        self._gate = threading.Lock()
        self._changed = threading.Condition(self._gate)
        self._bells: set[Any] = set()
        """Locks that callers wait for, which the writer opens."""
        self._queue: list[tuple[float, Sequence[Row] | Rewrite, bool]] = []
        self._heavy = 0
        """Bytes that wait."""
        self._done = self._taken = 0
        """Groups durable, groups being written: tickets are counts."""
        self._settled = 0
        """Groups in the database."""
        self._in_tail: list[tuple[Any, ...]] = []
        """Numbered rows that are durable, and not in the database yet."""
        self._firm = False
        """Whether the mark has to be made durable when they are."""
        self._hurry = False
        self._settle = False
        """Whether somebody waits until all is in the database."""
        self._stop = False
        self._failure: BaseException | None = None
        self._unfolded = 0
        self._thread = threading.Thread(target=self._run, name="nbhitl-writer", daemon=True)
        self._thread.start()

    @property
    def failed(self) -> bool:
        """Whether writing has failed."""
        return self._failure is not None

    @property
    def _given(self) -> int:
        """Groups handed over. Not counted apart: a Ctrl-C could come between the group and its count."""
        return self._done + self._taken + len(self._queue)

    def put(self, group: Sequence[Row] | Rewrite, *, firm: bool = False, hurry: bool = False) -> int:
        """Queue a group; returns its ticket.

        ``firm``: a person will hear of it, so the mark is made durable, too. ``hurry``: the caller is about to wait.
        """
        with self._gate:
            self._check()
            self._hurry = self._hurry or hurry
            queue = self._queue
            queue.append((time.monotonic(), group, firm))
            if type(group) is list:
                before = self._heavy
                for row in group:
                    self._heavy += len(row[BYTES] or b"")
                if hurry or len(queue) == 1 or before < _HEAVY <= self._heavy:
                    self._changed.notify_all()
            else:
                self._changed.notify_all()
            return self._given

    def room(self) -> None:
        """Hold the caller up while too much waits, or too long."""
        if self._failure is None and not self._stop and not self._is_behind():
            return
        self._sleep_until(lambda: self._failure is not None or self._stop or not self._is_behind())
        with self._gate:
            self._check()

    def wait(self, ticket: int | None = None) -> None:
        """Return when the ticket's group (by default: everything) is durable. Raises `SaverError`."""
        with self._gate:
            wanted = self._given if ticket is None else ticket
            self._hurry = self._hurry or self._done < wanted
        self._sleep_until(lambda: self._done >= wanted or self._failure is not None or self._stop)
        with self._gate:
            self._check(stopped_too=self._done < wanted)

    def settle(self) -> None:
        """Return when everything is in the database, where queries find it. Raises `SaverError`."""
        with self._gate:
            wanted = self._given
            self._settle = self._settle or self._settled < wanted
        self._sleep_until(lambda: self._settled >= wanted or self._failure is not None or self._stop)
        with self._gate:
            self._check(stopped_too=self._settled < wanted)

    def _sleep_until(self, over: Callable[[], bool]) -> None:
        bell = threading.Lock()
        bell.acquire()
        try:
            while True:
                with self._gate:
                    if over():
                        return
                    self._bells.add(bell)
                    self._changed.notify_all()
                bell.acquire(timeout=1.0)
        finally:
            with self._gate:
                self._bells.discard(bell)

    def _ring(self) -> None:
        """Wake all who wait; under the gate."""
        for bell in self._bells:
            if bell.locked():
                bell.release()
        self._bells.clear()
        self._changed.notify_all()

    def close(self, timeout: float) -> bool:
        """Write what waits, fold the log, close the connection. False when ``timeout`` (s) was short."""
        if os.getpid() != self._pid or threading.current_thread() is self._thread:
            return False
        with self._gate:
            self._stop = True
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _is_behind(self) -> bool:
        """Whether too much waits, or too long."""
        queue = self._queue  # also looked at without the gate: the writer never empties a queue, it makes another one
        return bool(queue) and (self._heavy > _HEAVIEST or time.monotonic() - queue[0][0] > LONGEST_BEHIND)

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
            appender = parts.Appender(self.connection)
            while (turn := self._take()) is not None:
                if turn.tail:
                    self._write_tail([group for group, _ in turn.groups])
                    self._firm = self._firm or any(firm for _, firm in turn.groups)
                elif turn.groups or self._in_tail:
                    self._write(appender, turn.groups)
                else:
                    self._fold()
        except BaseException as error:  # noqa: BLE001 - kept for the callers: this thread has nobody to raise to
            with self._gate:
                self._failure = error
        finally:
            self._end()

    def _take(self) -> _Turn | None:
        """What to write now, which is nothing after idling; None at the end."""
        with self._gate:
            if not self._queue and not self._stop and not self._settle:
                self._changed.wait(_QUIET if self._in_tail else _IDLE if self._unfolded else None)
                if not self._queue and not self._stop:
                    return _Turn(())
            if not (self._hurry or self._settle or self._bells or self._stop or self._heavy >= _HEAVY):
                self._changed.wait(_LINGER)
            groups = [(group, firm) for _, group, firm in self._queue]
            tail = self._hurry and not self._settle and not self._stop and self._fits_tail()
            self._hurry = self._settle = False
            self._taken += len(groups)
            self._queue, self._heavy = [], 0
            return _Turn(groups, tail) if groups or self._in_tail or not self._stop else None

    def _fits_tail(self) -> bool:
        """Whether what waits may go to the tail; under the gate."""
        if self._tail is None or self._heavy >= _HEAVY or not self._queue:
            return False
        rows = 0
        for _, group, _ in self._queue:
            if isinstance(group, Rewrite):
                return False
            rows += len(group)
        return rows <= _MOST_IN_TAIL

    def _write_tail(self, groups: Sequence[Any]) -> None:
        """Make groups durable beside the database."""
        rows: list[tuple[Any, ...]] = []
        for group in groups:
            self._number(group, rows)
        if rows and self._tail is not None:
            crashing.point("before_tail")
            self._tail.append(rows)
            crashing.point("after_tail_before_mark")
            self._in_tail += rows
            if self._mark is not None:
                self._mark.run_ahead(len(self._in_tail))
            crashing.point("after_tail")
        with self._gate:
            self._done += len(groups)
            self._taken -= len(groups)
            self._settle = self._settle or len(self._in_tail) >= _LONG_TAIL
            self._ring()

    def _write(self, appender: parts.Appender, groups: Sequence[tuple[Sequence[Row] | Rewrite, bool]]) -> None:
        """Put what is in the tail, and the groups behind it, into the database."""
        rows, self._in_tail = self._in_tail, []
        for group, _ in groups:
            if isinstance(group, Rewrite):
                self._flush(appender, rows)
                self._rewrite(appender, group)
                rows = []
            else:
                self._number(group, rows)
        self._flush(appender, rows)
        if self._mark is not None:
            if self._firm or any(firm for _, firm in groups):
                self._mark.sync()
                self._firm = False
            crashing.point("after_mark")
        if self._tail is not None:
            self._tail.begin_anew()
        with self._gate:
            self._done += len(groups)
            self._taken -= len(groups)
            self._settled = self._done
            self._unfolded += len(groups)
            self._ring()

    def _number(self, group: Sequence[Row], into: list[tuple[Any, ...]]) -> None:
        """Give rows their sequence numbers and their links."""
        links, seq = self._links, self._seq
        for row in group:
            line = line_of(row)
            links[line] = link = linked_row(links.get(line, 0), row)
            into.append((seq := seq + 1, *row, link))
        self._seq = seq

    def _flush(self, appender: parts.Appender, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            crashing.point("before_flush")
            appender.append(rows)
            appender.flush()  # one statement, one transaction: all rows or none
            self._note(rows)

    def _note(self, rows: list[tuple[Any, ...]]) -> None:
        crashing.point("after_flush_before_mark")
        if self._mark is not None:
            self._mark.write(rows[-1][0], rows[-1][-1])

    def _rewrite(self, appender: parts.Appender, work: Rewrite) -> None:
        execute = self.connection.execute
        execute("BEGIN TRANSACTION")
        try:
            gone = 0
            for part in parts.names(self.connection):
                ((count,),) = execute(parts.aimed(work.delete, part), list(work.params)).fetchall()
                gone += count
            crashing.point("during_rewrite")
            for line in work.lines:
                self._links.pop(line, None)
            rows: list[tuple[Any, ...]] = []
            self._number([*work.rows, work.record(gone)], rows)
            appender.append(rows, inside=True)
            appender.flush()
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT")
        self._note(rows)

    def _fold(self) -> None:
        if self._unfolded >= _WORTH_FOLDING:
            import duckdb

            crashing.point("before_fold")
            try:
                self.connection.execute("CHECKPOINT")
            except duckdb.TransactionException:
                return  # a reader is at work: next time
            crashing.point("after_fold")
        self._unfolded = 0

    def _end(self) -> None:
        try:
            if self._failure is None:
                self.connection.execute("CHECKPOINT")
        except Exception:  # noqa: BLE001, S110 - the rows are durable in the log; folding it is only faster to open
            pass
        try:
            self.connection.close()
            forking.drop(self.connection)
            self.connection = None  # let go: whoever keeps the saver must not keep it
        finally:
            with self._gate:
                self._stop = True
                self._ring()
