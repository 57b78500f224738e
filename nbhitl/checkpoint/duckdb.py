"""`DuckDBSaver`: remembers threads in one DuckDB file. One writer thread, one append-only journal.

Encoding happens on the caller's thread, the writer gets bytes. For every thread in use the newest checkpoint
is kept here as bytes (`Point`), so that committing needs no query and loading the newest position neither.
May not know graphs or notebooks, and never opens the live file a second time.
"""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from nbhitl.checkpoint import forking, guard, opening, reading
from nbhitl.checkpoint.claims import claim
from nbhitl.checkpoint.codec import Codec
from nbhitl.checkpoint.journal import Journal, Place, entry_of, from_column, merged, to_column, to_write
from nbhitl.checkpoint.lock import Ownership
from nbhitl.checkpoint.reading import Point
from nbhitl.checkpoint.writer import Writer
from nbhitl.engine.errors import AlreadyAnsweredError, QueryRefused, SaverError
from nbhitl.engine.ports import ThreadInfo
from nbhitl.engine.records import Answered, Asked, Checkpoint, Entry, Position, ThreadKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbhitl.checkpoint.table import Table

_HEADS: Final = 256
"""Threads whose newest checkpoint is kept in memory."""
_PAGE: Final = 64
"""Checkpoints that `history` reads at a time."""
_CLOSING: Final = 30.0
_EXITING: Final = 3.0
"""Seconds to flush at interpreter exit: a kernel that takes long is killed."""


class DuckDBSaver:
    """A checkpointer in a DuckDB file. Thread-safe; a context manager; one saver a file, in one process.

    ``path``: the file (its folder is made), or ``":memory:"``. ``types``: classes whose stored values should
    load as themselves.
    Raises `FileLockedError` when someone else has the file, `FileDamagedError` when it cannot be read.
    """

    def __init__(self, path: str | Path, *, types: Iterable[type] = ()) -> None:
        self.path = str(path)
        """As given; ``":memory:"`` for none."""
        file = None if self.path == opening.MEMORY else Path(path).expanduser().resolve()
        self._journal = Journal(Codec(types))
        self._lock = threading.RLock()
        self._heads: dict[ThreadKey, Point] = {}
        self._pid = os.getpid()
        ownership = None
        if file is not None:
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise SaverError(
                    f"the folder {file.parent} cannot be made ({error.strerror}): give a path in a folder of yours"
                ) from error
            ownership = Ownership(file)
        try:
            self._connection = opening.connect(file)
            self._branches = _branches(self._connection)
            ((seq,),) = reading.query(self._connection, "SELECT coalesce(max(seq), 0) FROM journal")
            cursor = self._connection.cursor()
        except BaseException:
            if ownership is not None:
                ownership.release()
            raise
        self._writer = Writer(cursor, seq, self.path)
        forking.keep(self._connection, cursor)
        # Also runs at interpreter exit, and when a saver that nobody closed is collected.
        self._closing = (self._writer, self._connection, ownership)
        self._end = weakref.finalize(self, _end, *self._closing, _EXITING)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"DuckDBSaver({self.path!r})"

    def register(self, *classes: type) -> None:
        """Make classes known; see `Codec.register`."""
        self._journal.codec.register(*classes)

    def commit(
        self, key: ThreadKey, checkpoint: Checkpoint, entries: Sequence[Entry] = (), *, wait: bool = True
    ) -> None:
        """Append ``checkpoint``; see `nbhitl.engine.ports.Saver`."""
        self._check()
        self._writer.room()
        with self._lock:
            head = self._head(key)
            grown = head is not None and head.id == checkpoint.parent
            branch = head.branch if head and grown else self._branches.get(key, -1) + 1
            place = Place(key, branch, checkpoint.id, checkpoint.step, {t.id: t.node for t in checkpoint.tasks})
            names = to_write(checkpoint, head.values if head and grown else None)
            rows = self._journal.value_rows(place, checkpoint.values, names)
            made = self._journal.checkpoint_row(place, checkpoint)
            values = merged(head.values if head and grown else {}, rows)
            point = Point(checkpoint.id, branch, checkpoint.step, 0, entry_of(made)[1], values)
            said = [self._journal.entry_row(place, entry) for entry in entries]
            point.entries = [entry_of(row) for row in said]
            self._branches[key] = max(branch, self._branches.get(key, 0))
            # A Ctrl-C may strike between these lines: then the next call reads the head from the file.
            self._heads.pop(key, None)
            ticket = self._writer.put([*rows, made, *said])
            self._keep(key, point)
        if wait:
            self._writer.wait(ticket)

    def append(self, key: ThreadKey, checkpoint: str, entries: Iterable[Entry], *, wait: bool = True) -> None:
        """Append entries at a checkpoint. Raises `SaverError` for an unknown one."""
        self._check()
        self._writer.room()
        with self._lock:
            ticket = self._append(key, self._point(key, checkpoint), entries)
        if wait:
            self._writer.wait(ticket)

    def answer(self, key: ThreadKey, checkpoint: str, answers: Sequence[Answered]) -> None:
        """Append answers, durably, all or none; see `nbhitl.engine.ports.Saver` for the errors."""
        self._check()
        with self._lock:  # this process owns the file, so its lock makes compare-and-set one act
            point = self._point(key, checkpoint)
            asked = [e.id for e in point.decoded(self._journal) if isinstance(e, Asked)]
            try:
                claim(asked, point.answers(self._journal), answers)
            except AlreadyAnsweredError:
                self._writer.wait()  # the loser is told of an answer that is durable
                raise
            ticket = self._append(key, point, answers)
        self._writer.wait(ticket)

    def load(self, key: ThreadKey, checkpoint: str | None = None) -> Position | None:
        """The position at a checkpoint, the newest by default; None where there is none."""
        self._check()
        with self._lock:
            point = self._head(key)
            if point is None:
                return None
            if checkpoint is not None and checkpoint != point.id:
                found = self._stored(key, checkpoint)
                return found.position(self._journal) if found else None
            return point.position(self._journal)

    def history(self, key: ThreadKey, *, before: str | None = None, limit: int | None = None) -> Iterator[Position]:
        """Positions of all branches, newest first. Raises `SaverError` for an unknown ``before``."""
        self._check()
        below = None
        if before is not None:
            found = self._stored(key, before)
            if found is None:
                raise _unknown(key, before)
            below = found.seq
        return self._pages(key, below, limit)

    def threads(self) -> list[ThreadInfo]:
        """All threads without sub-graphs, the most recently changed first."""
        rows = self._read(
            "SELECT graph, thread, checkpoint, step, status, coalesce(epoch_us(created_at), 0),"
            " coalesce(epoch_us(updated_at), 0) FROM threads ORDER BY last_seq DESC"
        )
        return [
            ThreadInfo(ThreadKey(from_column(thread), from_column(graph)), from_column(checkpoint), *rest)
            for graph, thread, checkpoint, *rest in rows
        ]

    def flush(self) -> None:
        """Return when everything that was handed over is durable."""
        self._check()
        self._writer.wait()

    def close(self) -> None:
        """Flush, fold the log into the file and let it go. Closing twice is fine."""
        if self._pid != os.getpid() or self._end.detach() is None:
            return
        _end(*self._closing, _CLOSING)
        # Not kept for whoever keeps this saver, e.g. in a traceback: duckdb complains at exit about what is left.
        del self._connection, self._closing
        self._writer.wait()  # raises what went wrong before

    def sql(self, query: str, params: Sequence[Any] | None = None, *, timeout: float = 10.0) -> Table:
        """One read-only query of the documented views (`nbhitl.checkpoint.schema.VIEWS`).

        ``timeout`` in seconds. Raises `QueryRefused` for anything else, and for a query that takes too long.
        """
        self.flush()
        cursor = self._connection.cursor()
        try:
            return guard.run(cursor, query, params, timeout)
        except QueryRefused as error:
            raise error.with_traceback(None) from None  # frames that a traceback keeps would keep the cursor
        finally:
            cursor.close()
            del cursor

    def set_breakpoints(self, graph: str, points: Mapping[str, Any]) -> None:
        """Remember a graph's breakpoints, node to spec (storable data); replaces what was set before."""
        self._check()
        data, json = self._journal.codec.encode_with_json(dict(points), "breakpoints")
        place = Place(ThreadKey("", graph), 0, "", 0, {})
        self._writer.wait(self._writer.put([place.row("breakpoint", data, json)]))

    def breakpoints(self, graph: str) -> dict[str, Any]:
        """The graph's breakpoints as they were set last; empty when they never were."""
        sql = "SELECT bytes FROM journal WHERE kind = 'breakpoint' AND graph = ? ORDER BY seq DESC LIMIT 1"
        rows = self._read(sql, [to_column(graph)])
        found: dict[str, Any] = self._journal.codec.decode(rows[0][0]) if rows else {}
        return found

    def _check(self) -> None:
        if self._pid != os.getpid():
            raise SaverError(
                f"{self.path} was opened by process {self._pid}, and this is a fork of it: writes here"
                " would be lost. Open another file in the child, or use threads."
            )
        if not self._end.alive:
            raise SaverError(f"the checkpointer of {self.path} was closed: open the file again")

    def _read(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.flush()
        cursor = self._connection.cursor()
        try:
            return reading.query(cursor, sql, params)
        finally:
            cursor.close()

    def _points(self, key: ThreadKey, **which: Any) -> list[Point]:
        self.flush()
        cursor = self._connection.cursor()
        try:
            return reading.points(cursor, key, **which)
        finally:
            cursor.close()

    def _pages(self, key: ThreadKey, below: int | None, limit: int | None) -> Iterator[Position]:
        left = limit
        while left is None or left > 0:
            page = self._points(key, below=below, limit=_PAGE if left is None else min(left, _PAGE))
            for point in page:
                yield point.position(self._journal)
            if not page:
                return
            below = page[-1].seq
            left = None if left is None else left - len(page)

    def _head(self, key: ThreadKey) -> Point | None:
        """The newest checkpoint, from memory or read once; None for a new thread."""
        head = self._heads.get(key)
        if head is None and key in self._branches:
            head = next(iter(self._points(key)), None)
            if head is not None:
                self._keep(key, head)
        return head

    def _point(self, key: ThreadKey, checkpoint: str) -> Point:
        head = self._head(key)
        point = head if head is not None and head.id == checkpoint else self._stored(key, checkpoint)
        if point is None:
            raise _unknown(key, checkpoint)
        return point

    def _stored(self, key: ThreadKey, checkpoint: str) -> Point | None:
        return next(iter(self._points(key, checkpoint=checkpoint)), None)

    def _keep(self, key: ThreadKey, head: Point) -> None:
        while len(self._heads) >= _HEADS and key not in self._heads:
            del self._heads[next(iter(self._heads))]  # it is read again when it is needed
        self._heads[key] = head

    def _append(self, key: ThreadKey, point: Point, entries: Iterable[Entry]) -> int:
        place = point.place(self._journal, key)
        rows = [self._journal.entry_row(place, entry) for entry in entries]
        head = self._heads.pop(key, None)
        ticket = self._writer.put(rows)
        point.entries.extend(entry_of(row) for row in rows)
        if head is not None:
            self._keep(key, head)
        return ticket


def _branches(connection: Any) -> dict[ThreadKey, int]:
    """Every known thread with the number of its newest branch."""
    sql = "SELECT thread, graph, ns, max(branch) FROM journal WHERE kind = 'checkpoint' GROUP BY ALL"
    return {ThreadKey(*map(from_column, names)): n for *names, n in reading.query(connection, sql)}


def _unknown(key: ThreadKey, checkpoint: str) -> SaverError:
    return SaverError(f"thread {key} has no checkpoint {checkpoint!r}: load the thread again")


def _end(writer: Writer, connection: Any, ownership: Ownership | None, timeout: float) -> None:
    if writer.close(timeout):
        connection.close()
        forking.drop(connection, writer.connection)
        if ownership is not None:
            ownership.release()
