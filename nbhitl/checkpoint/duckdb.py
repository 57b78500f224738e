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
from nbhitl.checkpoint.claims import check_claims
from nbhitl.checkpoint.codec import Codec
from nbhitl.checkpoint.journal import Journal, merged, to_write
from nbhitl.checkpoint.lineage import newest_since, taken, unknown
from nbhitl.checkpoint.lines import Line, Lines
from nbhitl.checkpoint.lock import Ownership
from nbhitl.checkpoint.reading import Point, Reader
from nbhitl.checkpoint.rows import Place, entry_of, from_column, to_column
from nbhitl.checkpoint.writer import Writer
from nbhitl.engine.errors import AlreadyAnsweredError, QueryRefused, SaverError
from nbhitl.engine.ports import ThreadInfo
from nbhitl.engine.records import Answered, Checkpoint, Entry, Position, ThreadKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbhitl.checkpoint.table import Table

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
        self._codes: dict[str, dict[str, str]] | None = None  # read when first needed
        self._pid = os.getpid()
        ownership = None
        if file is not None:
            opening.make_folder(file)
            ownership = Ownership(file)
        try:
            connection = opening.connect(file)
            branches = reading.branches(connection)
            ((seq,),) = reading.query(connection, "SELECT coalesce(max(seq), 0) FROM journal")
            cursor = connection.cursor()
        except BaseException:
            if ownership is not None:
                ownership.release()
            raise
        self._writer = Writer(cursor, seq, self.path)
        self._reader = Reader(connection, self._writer)
        self._lines = Lines(self._reader, branches)
        forking.keep(connection, cursor)
        # Also runs at interpreter exit, and when a saver that nobody closed is collected.
        self._closing = (self._writer, connection, ownership)
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
            line = self._lines.find(key)
            parents = {} if line is None else self._lines.parents(key, line)
            if checkpoint.id in parents:
                raise taken(key, checkpoint.id)
            head = line.head if line is not None and line.head.id == checkpoint.parent else None
            branch = self._lines.next_branch(key) if head is None else head.branch
            place = Place(key, branch, checkpoint.id, checkpoint.step, {t.id: t.node for t in checkpoint.tasks})
            names = to_write(checkpoint, None if head is None else head.values)
            rows = self._journal.value_rows(place, checkpoint.values, names)
            made = self._journal.checkpoint_row(place, checkpoint)
            said = [self._journal.entry_row(place, entry) for entry in entries]
            values = merged({} if head is None else head.values, rows)
            point = Point(checkpoint.id, branch, checkpoint.step, 0, entry_of(made)[1], values)
            point.entries, point.nodes = [entry_of(row) for row in said], place.nodes
            self._lines.forget(key)
            self._lines.started(key, branch)
            ticket = self._writer.put([*rows, made, *said])
            parents[checkpoint.id] = checkpoint.parent
            self._lines.keep(key, Line(point, parents))
        if wait:
            self._writer.wait(ticket)

    def append(self, key: ThreadKey, checkpoint: str, entries: Iterable[Entry], *, wait: bool = True) -> None:
        """Append entries at a checkpoint. Raises `SaverError` for an unknown one."""
        self._check()
        self._writer.room()
        with self._lock:
            ticket = self._append(key, self._lines.point(key, checkpoint), entries)
        if wait:
            self._writer.wait(ticket)

    def answer(self, key: ThreadKey, checkpoint: str, answers: Sequence[Answered]) -> None:
        """Append answers, durably, all or none; see `nbhitl.engine.ports.Saver` for the errors."""
        self._check()
        with self._lock:  # this process owns the file, so its lock makes compare-and-set one act
            point = self._lines.point(key, checkpoint)
            try:
                check_claims(point.told(self._journal), answers)
            except AlreadyAnsweredError:
                self._writer.wait()  # the loser is told of an answer that is durable
                raise
            ticket = self._append(key, point, answers)
        self._writer.wait(ticket)

    def load(self, key: ThreadKey, checkpoint: str | None = None) -> Position | None:
        """The position at a checkpoint, the newest by default; None where there is none."""
        self._check()
        with self._lock:
            line = self._lines.find(key)
            return (
                None if line is None else self._position(key, line, line.head.id if checkpoint is None else checkpoint)
            )

    def newest(self, key: ThreadKey, since: str) -> Position | None:
        """The position of the newest checkpoint that is ``since`` or descends from it; None without ``since``."""
        self._check()
        with self._lock:
            line = self._lines.find(key)
            if line is None:
                return None
            parents = self._lines.parents(key, line)  # also of what still waits to be written
            found = newest_since(parents, since, parents.get)
            return None if found is None else self._position(key, line, found)

    def history(self, key: ThreadKey, *, before: str | None = None, limit: int | None = None) -> Iterator[Position]:
        """Positions of all branches, newest first. Raises `SaverError` for an unknown ``before``."""
        self._check()
        below = None
        if before is not None:
            found = self._lines.stored(key, before)
            if found is None:
                raise unknown(key, before)
            below = found.seq
        return self._pages(key, below, limit)

    def threads(self) -> list[ThreadInfo]:
        """All threads without sub-graphs, the most recently changed first."""
        self._check()
        rows = self._reader.rows(
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
        del self._reader, self._lines, self._closing
        self._writer.wait()  # raises what went wrong before

    def sql(self, query: str, params: Sequence[Any] | None = None, *, timeout: float = 10.0) -> Table:
        """One read-only query of the documented views (`nbhitl.checkpoint.schema.VIEWS`).

        ``timeout`` in seconds. Raises `QueryRefused` for anything else, and for a query that takes too long.
        """
        self.flush()
        cursor = self._reader.connection.cursor()
        try:
            return guard.run(cursor, query, params, timeout)
        except QueryRefused as error:
            raise error.with_traceback(None) from None  # frames that a traceback keeps would keep the cursor
        finally:
            cursor.close()
            del cursor

    def remember_code(self, digest: str, code: Mapping[str, str]) -> None:
        """Remember what a `Checkpoint.code` stands for; see `nbhitl.engine.ports.Saver`."""
        self._check()
        if self._codes is not None and digest in self._codes:
            return
        self._writer.room()
        with self._lock:
            known = self._known_codes()
            if digest not in known:
                kept = dict(code)
                data, json = self._journal.codec.encode_with_json(kept, "code")
                self._writer.put([Place(ThreadKey(""), 0, "", 0, {}).row("code", data, json, key=digest)])
                known[digest] = kept

    def code(self, digest: str) -> Mapping[str, str] | None:
        """What `remember_code` was given for a digest; None when it never was."""
        self._check()
        with self._lock:
            found = self._known_codes().get(digest)
        return None if found is None else dict(found)

    def _known_codes(self) -> dict[str, dict[str, str]]:
        if self._codes is None:
            rows = self._reader.rows("SELECT key, bytes FROM journal WHERE kind = 'code' ORDER BY seq DESC")
            self._codes = {from_column(digest): self._journal.codec.decode(data) for digest, data in rows}
        return self._codes

    def set_breakpoints(self, graph: str, points: Mapping[str, Any]) -> None:
        """Remember a graph's breakpoints, node to spec (storable data); replaces what was set before."""
        self._check()
        data, json = self._journal.codec.encode_with_json(dict(points), "breakpoints")
        place = Place(ThreadKey("", graph), 0, "", 0, {})
        self._writer.wait(self._writer.put([place.row("breakpoint", data, json)]))

    def breakpoints(self, graph: str) -> dict[str, Any]:
        """The graph's breakpoints as they were set last; empty when they never were."""
        self._check()
        sql = "SELECT bytes FROM journal WHERE kind = 'breakpoint' AND graph = ? ORDER BY seq DESC LIMIT 1"
        rows = self._reader.rows(sql, [to_column(graph)])
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

    def _pages(self, key: ThreadKey, below: int | None, limit: int | None) -> Iterator[Position]:
        left = limit
        while left is None or left > 0:
            self._check()
            page = self._reader.points(key, below=below, limit=_PAGE if left is None else min(left, _PAGE))
            for point in page:
                yield point.position(self._journal)
            if not page:
                return
            below = page[-1].seq
            left = None if left is None else left - len(page)

    def _position(self, key: ThreadKey, line: Line, checkpoint: str) -> Position | None:
        point = line.head if line.head.id == checkpoint else self._lines.stored(key, checkpoint)
        return None if point is None else point.position(self._journal)

    def _append(self, key: ThreadKey, point: Point, entries: Iterable[Entry]) -> int:
        place = point.place(self._journal, key)
        rows = [self._journal.entry_row(place, entry) for entry in entries]
        line = self._lines.forget(key)
        ticket = self._writer.put(rows)
        point.entries.extend(entry_of(row) for row in rows)
        if line is not None:
            self._lines.keep(key, line)
        return ticket


def _end(writer: Writer, connection: Any, ownership: Ownership | None, timeout: float) -> None:
    if writer.close(timeout):
        connection.close()
        forking.drop(connection, writer.connection)
        if ownership is not None:
            ownership.release()
