"""`DuckDBSaver`: remembers threads in one DuckDB file. One writer thread, one append-only journal.

Encoding happens on the caller's thread, the writer gets bytes. For every thread in use the newest checkpoint
is kept here as bytes (`Point`), so that committing needs no query and loading the newest position neither.
May not know graphs or notebooks, and never opens the live file a second time.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from nbhitl.checkpoint import crashing, reading, upkeep
from nbhitl.checkpoint.claims import check_claims
from nbhitl.checkpoint.file import compacting, instances, opening
from nbhitl.checkpoint.holding import Holding
from nbhitl.checkpoint.journal import Journal
from nbhitl.checkpoint.lineage import exists, gone, newest_since, taken, unknown
from nbhitl.checkpoint.lines import Line, Lines
from nbhitl.checkpoint.notes import Notes
from nbhitl.checkpoint.packing import Change, to_write
from nbhitl.checkpoint.reading import Point, Reader
from nbhitl.checkpoint.rows import Place, entry_of, from_column
from nbhitl.checkpoint.sql import guard
from nbhitl.checkpoint.values.codec import Codec
from nbhitl.engine.errors import AlreadyAnsweredError, QueryRefused, SaverError
from nbhitl.engine.ports import ThreadInfo
from nbhitl.engine.records import MISSING, Answered, Asked, Checkpoint, Entry, Position, Stopped, ThreadKey, Wrote

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from nbhitl.checkpoint.sql.table import Table
    from nbhitl.checkpoint.values.rebuilding import Migrate
    from nbhitl.checkpoint.writer import Rewrite

_PAGES: Final = (16, 2048)
"""Checkpoints that `history` reads at first, and later at a time: a query costs the same for few and for many."""
_CLOSING: Final = 30.0
_EXITING: Final = 3.0
"""Seconds to flush at interpreter exit: a kernel that takes long is killed."""


class DuckDBSaver:
    """A checkpointer in a DuckDB file. Thread-safe; a context manager; one saver a file, in one process.

    ``path``: the file (its folder is made), or ``":memory:"``. ``types``: classes whose stored values should
    load as themselves. ``allow_pickle``: what cannot be stored otherwise is pickled; **loading a pickle runs whatever
    code is in it**, so only for files that nobody else could have written.
    Raises `FileLockedError` when someone else has the file, `FileDamagedError` when it was damaged: what could be read
    was saved then, and opening it again works.
    """

    def __init__(self, path: str | Path, *, types: Iterable[type] = (), allow_pickle: bool = False) -> None:
        self.path = str(path)
        """As given; ``":memory:"`` for none."""
        self._file = None if self.path == opening.MEMORY else Path(path).expanduser().resolve()
        self._journal = Journal(Codec(types, allow_pickle=allow_pickle))
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._open(Holding(self._file, self.path))

    def _open(self, holding: Holding) -> None:
        self._holding, self._writer = holding, holding.writer
        self._reader = Reader(holding.connection, holding.writer, self.path, holding.mark)
        self._lines = Lines(self._reader, self._journal, holding.branches)
        self._notes = Notes(self._reader, holding.writer, self._journal.codec)
        # Also runs at interpreter exit, and when a saver that nobody closed is collected.
        self._end = weakref.finalize(self, holding.close, _EXITING)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"DuckDBSaver({self.path!r})"

    @property
    def failed(self) -> bool:
        """Whether writing has failed: then every call says so, until the file is closed and opened again."""
        return self._writer.failed

    def register(self, *classes: type, migrate: Migrate | None = None, was: str | None = None) -> None:
        """Make classes known; see `Codec.register`."""
        self._journal.codec.register(*classes, migrate=migrate, was=was)

    def commit(
        self,
        key: ThreadKey,
        checkpoint: Checkpoint,
        entries: Sequence[Entry] = (),
        *,
        wrote: Wrote | None = None,
        joined: Container[str] = (),
        wait: bool = True,
    ) -> None:
        """Append ``checkpoint``; see `nbhitl.engine.ports.Saver`."""
        self._check()
        with self._lock:
            self._writer.room()
            line = self._lines.find(key)
            parents = {} if line is None else self._lines.parents(key, line)
            if checkpoint.id in parents:
                raise taken(key, checkpoint.id)
            node = "" if wrote is None else self._node_of(key, line, checkpoint.parent, wrote)
            if line is None or line.head.id != checkpoint.parent:
                branch, before = self._lines.next_branch(key), None
                line = Line.fresh(self._journal, None if line is None else parents)
            else:
                branch, before = line.head.branch, self._names(line)
            place = Place(key, branch, checkpoint.id, checkpoint.step, {t.id: t.node for t in checkpoint.tasks})
            full = before is None or line.is_long
            same = before is not None and before == checkpoint.values.keys()
            names = to_write(checkpoint, before, full=full, same=same)
            change = Change(checkpoint, names, full, wrote, node, joined)
            row, keep = self._journal.checkpoint_row(place, change, line.lists)
            said = [self._journal.entry_row(place, entry) for entry in entries]
            self._lines.forget(key)
            self._lines.started(key, branch)
            keep()
            ticket = self._writer.put([row, *said], firm=bool(entries) and _is_firm(entries), hurry=wait)
            line.move(Point(checkpoint.id, branch, checkpoint.step, 0), entry_of(row)[1], full=full)
            line.head.entries, line.head.nodes = [entry_of(row) for row in said], place.nodes
            if not same:
                line.names = set(checkpoint.values)
            if line.parents is not None:
                line.parents[checkpoint.id] = checkpoint.parent
            self._lines.keep(key, line)
            writer = self._writer  # compacting makes another one, with tickets of its own
        if wait:
            writer.wait(ticket)

    def append(self, key: ThreadKey, checkpoint: str, entries: Iterable[Entry], *, wait: bool = True) -> None:
        """Append entries at a checkpoint. Raises `SaverError` for an unknown one."""
        self._check()
        with self._lock:
            self._writer.room()
            ticket = self._append(key, self._lines.point(key, checkpoint), tuple(entries), hurry=wait)
            writer = self._writer
        if wait:
            writer.wait(ticket)

    def answer(self, key: ThreadKey, checkpoint: str, answers: Sequence[Answered]) -> None:
        """Append answers, durably, all or none; see `nbhitl.engine.ports.Saver` for the errors."""
        self._check()
        with self._lock:  # this process owns the file, so its lock makes compare-and-set one act
            point = self._lines.point(key, checkpoint)
            try:
                check_claims(point.told(self._journal), answers)
                crashing.point("after_answer_before_commit")
            except AlreadyAnsweredError:
                self._writer.wait()  # the loser is told of an answer that is durable
                raise
            ticket = self._append(key, point, answers, hurry=True)
            writer = self._writer
        writer.wait(ticket)

    def load(self, key: ThreadKey, checkpoint: str | None = None, *, strict: bool = False) -> Position | None:
        """The position at a checkpoint, the newest by default; None where there is none.

        ``strict`` raises `UnknownTypeError` or `SchemaChanged` for a value that this program does not know as it was
        stored; otherwise that is an `Opaque`.
        """
        self._check()
        codec = self._journal.codec
        with self._lock:
            line = self._lines.find(key)
            if line is None:
                return None
            before = codec.opaques
            position = self._position(key, line, line.head.id if checkpoint is None else checkpoint)
        if strict and position is not None and codec.opaques != before:
            _expect_known(codec, position)
        return position

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
        if self._pid != os.getpid() or not self._end.alive:
            return
        self._holding.close(_CLOSING)  # may be broken off by a Ctrl-C, and is done again then
        self._end.detach()
        # Not kept for whoever keeps this saver, e.g. in a traceback: duckdb complains at exit about what is left.
        del self._reader, self._lines, self._notes, self._holding
        self._writer.wait()  # raises what went wrong before

    def delete_thread(self, key: ThreadKey | str) -> None:
        """Delete a thread with its sub-graphs; see `nbhitl.engine.ports.Saver`. `compact` gives the room back."""
        key = ThreadKey.of(key)
        with self._family(key) as cursor:
            plan = upkeep.deletion(cursor, key)
            self._rewrite(key, plan, gone=True)

    def copy_thread(self, source: ThreadKey | str, target: ThreadKey | str) -> None:
        """Copy a thread with its sub-graphs; see `nbhitl.engine.ports.Saver`."""
        source, target = ThreadKey.of(source), ThreadKey.of(target)
        with self._family(source) as cursor:
            if self._lines.find(replace(target, ns="")) is not None:
                raise exists(target)
            rows = upkeep.copied(cursor, source, target)
            for ns, branch in self._lines.branches(source):  # a line that is nowhere yet is looked for, and not found
                self._lines.started(replace(target, ns=ns), branch)
            self._notes.forget(target)
            self._writer.wait(self._writer.put(rows, firm=True, hurry=True))

    def prune(self, key: ThreadKey | str, *, keep: int = 1) -> None:
        """Delete all but the newest checkpoints of a thread; see `nbhitl.engine.ports.Saver`."""
        key = ThreadKey.of(key)
        with self._family(key) as cursor:
            plan = upkeep.pruning(cursor, self._journal, key, keep)
            self._rewrite(key, plan, gone=False)

    def compact(self) -> tuple[int, int]:
        """Write the file anew without the room of what was deleted; its size in bytes before and after.

        Needs as much room again while it works. Nobody may be reading at the same time. A database in memory stays as
        it is. Raises `SaverError` when there is no room; the file is as it was then.
        """
        self._check()
        with self._lock:
            self._writer.wait()
            file, holding, end = self._file, self._holding, self._end
            if file is None:
                return (0, 0)
            try:
                holding.lend(_CLOSING)
                before = file.stat().st_size  # with what was in the log
                compacting.compact(file)
            finally:
                made = None
                try:  # closing again, since a Ctrl-C may have broken it off
                    made = Holding(file, self.path, holding.lend(_CLOSING))
                    self._open(made)
                except KeyboardInterrupt:  # it would leave a saver that is closed
                    (made or holding).close(_CLOSING)
                    self._open(Holding(file, self.path))
                    raise
                except BaseException:
                    holding.release()
                    raise
                finally:
                    end.detach()
            return before, file.stat().st_size

    def size(self) -> int:
        """Bytes of the file and of its log; 0 in memory."""
        self._settle()
        if self._file is None:
            return 0
        # Only looked at: opening and closing it here would let go of the database's lock.
        return sum(file.stat().st_size for file in (self._file, instances.wal_of(self._file)) if file.exists())

    def export(self, folder: str | Path, views: Sequence[str] | None = None) -> list[Path]:
        """Write the views (by default all) as Parquet files to a folder; see `nbhitl.checkpoint.file.export`."""
        from nbhitl.checkpoint.file.export import export_parquet

        self._settle()
        if self._file is None:
            raise SaverError("a database in memory cannot be exported: query it with sql(...).df().to_parquet(...)")
        return export_parquet(self._file, folder, views)

    def sql(
        self,
        query: str,
        params: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        timeout: float = 10.0,
        limit: int = guard.ROW_CAP,
    ) -> Table:
        """One read-only query of the documented views (`nbhitl.checkpoint.file.schema.VIEWS`).

        ``params`` for ``?`` (a sequence) or ``$name`` (a mapping); ``timeout`` in seconds; ``limit`` in rows. Raises
        `QueryRefused` for anything else, and for a query that takes too long.
        """
        self._settle()
        try:
            return guard.run(self._reader.connection, query, params, timeout, limit)
        except QueryRefused as error:
            raise error.with_traceback(None) from None  # frames that a traceback keeps would keep the cursor

    def _settle(self) -> None:
        """Return when everything that was handed over stands in the database."""
        self._check()
        self._writer.settle()

    def remember_code(self, digest: str, code: Mapping[str, str]) -> None:
        """Remember what a `Checkpoint.code` stands for; see `nbhitl.engine.ports.Saver`."""
        self._check()
        if self._notes.knows_code(digest):
            return
        self._writer.room()
        with self._lock:
            self._notes.remember_code(digest, code)

    def code(self, digest: str) -> Mapping[str, str] | None:
        """What `remember_code` was given for a digest; None when it never was."""
        self._check()
        with self._lock:
            return self._notes.code(digest)

    def set_breakpoints(self, graph: str, points: Mapping[str, Any]) -> None:
        """Remember a graph's breakpoints, id to spec (storable data); replaces what was set before."""
        self._check()
        with self._lock:
            ticket, writer = self._notes.set_breakpoints(graph, points), self._writer
        writer.wait(ticket)

    def breakpoints(self, graph: str) -> dict[str, Any]:
        """The graph's breakpoints as they were set last; empty when they never were."""
        self._check()
        with self._lock:
            return self._notes.breakpoints(graph)

    def set_setting(self, key: ThreadKey, name: str, value: Any) -> None:
        """Remember a setting of a thread or a graph; see `nbhitl.engine.ports.Saver`."""
        self._check()
        with self._lock:
            ticket, writer = self._notes.set_setting(key, name, value), self._writer
        if ticket is not None:
            writer.wait(ticket)

    def settings(self, key: ThreadKey) -> dict[str, Any]:
        """The settings of a thread or a graph, by name; empty when there never were any."""
        self._check()
        with self._lock:
            return self._notes.settings(key)

    @contextmanager
    def _family(self, key: ThreadKey) -> Iterator[Any]:
        """A cursor, while nobody else writes. Raises `SaverError` for an unknown thread."""
        self._check()
        with self._lock:
            if self._lines.find(replace(key, ns="")) is None:
                raise gone(key)
            with self._reader.cursor() as cursor:
                yield cursor

    def _rewrite(self, key: ThreadKey, plan: Rewrite, *, gone: bool) -> None:
        self._lines.drop(key.graph, key.thread, gone=False)
        self._notes.forget(key)
        ticket = self._writer.put(plan, firm=True, hurry=True)
        if gone:
            self._lines.drop(key.graph, key.thread, gone=True)
        self._writer.wait(ticket)

    def _check(self) -> None:
        if self._pid != os.getpid():
            raise SaverError(
                f"{self.path} was opened by process {self._pid}, and this is a fork of it: writes here"
                " would be lost. Open another file in the child, or use threads."
            )
        if not self._end.alive:
            raise SaverError(f"the checkpointer of {self.path} was closed: open the file again")

    def _pages(self, key: ThreadKey, below: int | None, limit: int | None) -> Iterator[Position]:
        left, size = limit, _PAGES[0]
        while left is None or left > 0:
            self._check()
            with self._lock:  # nobody prunes between the queries of a page
                page = self._reader.points(key, below=below, limit=size if left is None else min(left, size))
            yield from reading.positions(self._journal, page)
            if len(page) < size:
                return
            below, size = page[-1].seq, _PAGES[1]
            left = None if left is None else left - len(page)

    def _position(self, key: ThreadKey, line: Line, checkpoint: str) -> Position | None:
        if line.head.id == checkpoint:
            position = line.head.position(self._journal)
            line.lists.hold(position.checkpoint.values)
            return position
        point = self._lines.stored(key, checkpoint)
        return None if point is None else point.position(self._journal)

    def _names(self, line: Line) -> set[str]:
        """The channels that have a value at a line's newest checkpoint."""
        if line.names is None:
            line.names = set(line.head.values(self._journal))
        return line.names

    def _node_of(self, key: ThreadKey, line: Line | None, parent: str | None, wrote: Wrote) -> str:
        """The node of a write at a checkpoint's parent. Raises `SaverError` for an unknown parent."""
        head = None if line is None else line.head
        nodes = head.nodes if head is not None and head.id == parent else None
        if nodes is None:
            nodes = self._lines.point(key, parent or "").place(self._journal, key).nodes
        return nodes.get(wrote.task, "")

    def _append(self, key: ThreadKey, point: Point, entries: Sequence[Entry], *, hurry: bool) -> int:
        place = point.place(self._journal, key)
        rows = [self._journal.entry_row(place, entry) for entry in entries]
        line = self._lines.forget(key)
        ticket = self._writer.put(rows, firm=_is_firm(entries), hurry=hurry)
        point.entries.extend(entry_of(row) for row in rows)
        if line is not None:
            self._lines.keep(key, line)
        return ticket


def _expect_known(codec: Codec, position: Position) -> None:
    """Raise for the first value that a node would be given and this program does not know."""
    cp = position.checkpoint
    given = [(f"state[{name!r}]", value) for name, value in cp.values.items()]
    given += [(f"the input of {task.node!r}", task.arg) for task in cp.tasks if task.arg is not MISSING]
    given += [(f"state[{name!r}]", value) for wrote in position.wrote.values() for name, value in wrote.updates]
    for path, value in given:
        codec.decode(codec.encode(value, path), strict=True, path=path)


def _is_firm(entries: Iterable[Entry]) -> bool:
    """Whether somebody is about to be told of these."""
    return any(isinstance(entry, Stopped | Asked | Answered) for entry in entries)
