"""What a `DuckDBSaver` keeps in memory of the lines in use, so that a commit needs no query. Reads, never writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nbhitl.checkpoint.lineage import unknown

if TYPE_CHECKING:
    from nbhitl.checkpoint.reading import Point, Reader
    from nbhitl.engine.records import ThreadKey

_MOST: Final = 256
"""Lines that are kept."""


@dataclass(slots=True)
class Line:
    """One line: its newest checkpoint, and every checkpoint's parent in the order of the commits."""

    head: Point
    parents: dict[str, str | None] | None = None
    """Read when first needed."""


class Lines:
    """The lines of a file, by key; ``branches``: every line with the number of its newest branch.

    Not thread-safe: the saver's lock is held by whoever calls.
    """

    def __init__(self, reader: Reader, branches: dict[ThreadKey, int]) -> None:
        self._reader = reader
        self._kept: dict[ThreadKey, Line] = {}
        self._branches = branches

    def find(self, key: ThreadKey) -> Line | None:
        """The line, from memory or read once; None for a new one."""
        line = self._kept.get(key)
        if line is None and key in self._branches:
            head = next(iter(self._reader.points(key)), None)
            if head is not None:
                line = Line(head)
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

    def keep(self, key: ThreadKey, line: Line) -> None:
        """This is how the line stands now."""
        while len(self._kept) >= _MOST and key not in self._kept:
            del self._kept[next(iter(self._kept))]  # it is read again when it is needed
        self._kept[key] = line

    def forget(self, key: ThreadKey) -> Line | None:
        """Let go of a line that is about to change; when a Ctrl-C strikes before `keep`, it is read from the file."""
        return self._kept.pop(key, None)
