"""What a `DuckDBSaver` keeps in memory of the lines in use, so that a commit needs no query. Reads, never writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nbhitl.checkpoint.growth import Lists
from nbhitl.checkpoint.lineage import unknown
from nbhitl.checkpoint.reading import Point

if TYPE_CHECKING:
    from nbhitl.checkpoint.journal import Journal
    from nbhitl.checkpoint.reading import Reader
    from nbhitl.engine.records import ThreadKey

_MOST: Final = 4096
"""Lines that are kept: a body that calls a thousand tasks goes through as many lines each time that it runs again."""
_HEAVIEST: Final = 64 << 20
"""Bytes of records that are kept."""
_FEW: Final = 16
"""Rows of a branch that are read without asking whether a full one would be better."""
_MUCH: Final = 4 << 20
"""Bytes that are not read without asking either."""
_SPARING: Final = 2
"""How many times a full row's bytes may follow it before the next one."""


@dataclass(slots=True)
class Line:
    """One line: its newest checkpoint, and every checkpoint's parent in the order of the commits."""

    head: Point
    lists: Lists
    names: set[str] | None = None
    """The channels that have a value; None: as ``head`` has them, when they are needed."""
    full: int = 0
    """Bytes of the branch's last full row."""
    since: int = 0
    """Bytes of the rows after it."""
    parents: dict[str, str | None] | None = None
    """Read when first needed."""
    counted: int = 0
    """Bytes that this line was counted with when it was kept."""

    @classmethod
    def fresh(cls, journal: Journal, parents: dict[str, str | None] | None = None) -> Line:
        """A line whose first checkpoint is being written, or that goes on with a new branch."""
        return cls._of(journal, Point("", 0, 0, 0), {} if parents is None else parents)

    @classmethod
    def read(cls, journal: Journal, head: Point) -> Line:
        """A line as it stands in the file."""
        line = cls._of(journal, head, None)
        line.full, *since = map(len, head.rows)
        line.since = sum(since)
        return line

    @classmethod
    def _of(cls, journal: Journal, head: Point, parents: dict[str, str | None] | None) -> Line:
        line: Line
        # Records are kept and no values: nobody's state should be held in memory twice.
        lists = Lists(journal.codec, lambda: line.head.values(journal))
        line = cls(head, lists, parents=parents)
        return line

    def move(self, head: Point, record: bytes, *, full: bool) -> None:
        """The line has a new newest checkpoint, whose row is ``record``."""
        if full:
            head.rows = [record]
            self.full, self.since = len(record), 0
        else:
            head.rows = self.head.rows
            head.rows.append(record)
            self.since += len(record)
        head.count = len(head.rows)
        self.head = head

    @property
    def is_long(self) -> bool:
        """Whether the next row should be full: reading never has to go far back, and bytes stay linear all the same."""
        return (len(self.head.rows) >= _FEW or self.since > _MUCH) and self.since > _SPARING * self.full


class Lines:
    """The lines of a file, by key; ``branches``: every line with the number of its newest branch.

    Not thread-safe: the saver's lock is held by whoever calls.
    """

    def __init__(self, reader: Reader, journal: Journal, branches: dict[ThreadKey, int]) -> None:
        self._reader = reader
        self._journal = journal
        self._kept: dict[ThreadKey, Line] = {}
        self._bytes = 0
        self._branches = branches

    def find(self, key: ThreadKey) -> Line | None:
        """The line, from memory or read once; None for a new one."""
        line = self._kept.get(key)
        if line is None and key in self._branches:
            head = next(iter(self._reader.points(key)), None)
            if head is not None:
                line = Line.read(self._journal, head)
                self.keep(key, line)
        return line

    def parents(self, key: ThreadKey, line: Line) -> dict[str, str | None]:
        """Every checkpoint of the line with its parent, oldest first."""
        if line.parents is None:
            line.parents = self._reader.parents(key)
        return line.parents

    def stored(self, key: ThreadKey, checkpoint: str) -> Point | None:
        """A checkpoint as it stands in the file."""
        return next(iter(self._reader.points(key, checkpoint=checkpoint)), None)

    def point(self, key: ThreadKey, checkpoint: str) -> Point:
        """A checkpoint, from memory where it is the newest. Raises `SaverError` for an unknown one."""
        line = self.find(key)
        point = line.head if line is not None and line.head.id == checkpoint else self.stored(key, checkpoint)
        if point is None:
            raise unknown(key, checkpoint)
        return point

    def next_branch(self, key: ThreadKey) -> int:
        """The number of a branch that would start now."""
        return self._branches.get(key, -1) + 1

    def started(self, key: ThreadKey, branch: int) -> None:
        """A branch is about to be written to."""
        self._branches[key] = max(branch, self._branches.get(key, 0))

    def branches(self, key: ThreadKey) -> list[tuple[str, int]]:
        """The lines of a thread: namespace, and the number of the newest branch."""
        return [(k.ns, n) for k, n in self._branches.items() if k.graph == key.graph and k.thread == key.thread]

    def keep(self, key: ThreadKey, line: Line) -> None:
        """This is how the line stands now."""
        self.forget(key)
        line.counted = line.full + line.since
        self._kept[key] = line
        self._bytes += line.counted
        while len(self._kept) > _MOST or (self._bytes > _HEAVIEST and len(self._kept) > 1):
            self.forget(next(iter(self._kept)))  # the one that was not used for longest; it is read again when needed

    def forget(self, key: ThreadKey) -> Line | None:
        """Let go of a line that is about to change; when a Ctrl-C strikes before `keep`, it is read from the file."""
        line = self._kept.pop(key, None)
        if line is not None:
            self._bytes -= line.counted
        return line

    def drop(self, graph: str, thread: str, *, gone: bool) -> None:
        """A thread was rewritten, or is ``gone``: nothing that was known of its lines holds any more."""
        for key in [key for key in self._branches if key.graph == graph and key.thread == thread]:
            self.forget(key)
            if gone:
                del self._branches[key]
