"""Rows of the journal: their columns, and where records belong. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from nbhitl.checkpoint.values.projection import utf8
from nbhitl.engine.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbhitl.engine.records import ThreadKey

Row: TypeAlias = tuple[Any, ...]
"""graph, thread, ns, branch, kind, checkpoint, parent, step, task, node, key, made_at, bytes, json. The
writer puts the sequence number in front and the link of the chain behind."""

_from_bytes: Final = int.from_bytes
_ESCAPE: Final = "\x00u"
_KIND, _CHECKPOINT, BYTES = 4, 5, 12
"""Places in a `Row`."""
FULL: Final = "full"
"""The key of a checkpoint's row in which all channels stand, whether they changed or not."""


def to_column(text: str) -> str:
    """A string as SQL text, reversibly: lone surrogates cannot be stored in a column."""
    if text.isascii() and not text.startswith(_ESCAPE):
        return text
    try:
        text.encode()
        if not text.startswith(_ESCAPE):
            return text
    except UnicodeEncodeError:
        pass
    return _ESCAPE + text.encode("unicode_escape").decode("ascii")


def from_column(text: str) -> str:
    """The inverse of `to_column`."""
    if text.startswith(_ESCAPE):
        return text[len(_ESCAPE) :].encode("ascii").decode("unicode_escape")
    return text


@record
class Place:
    """Where records belong: thread, branch, checkpoint and step, and the checkpoint's tasks by id."""

    key: ThreadKey
    branch: int
    checkpoint: str
    step: int
    nodes: Mapping[str, str]
    """Task id to node."""

    def row(
        self,
        kind: str,
        data: bytes | None,
        json: str | None,
        *,
        parent: str | None = None,
        task: str = "",
        node: str = "",
        key: str | None = None,
        at: int | None = None,
    ) -> Row:
        """A journal row at this place. ``node`` is the task's where it is not given."""
        line = self.key
        if task and not node:
            node = self.nodes.get(task, "")
        return (
            to_column(line.graph),
            to_column(line.thread),
            to_column(line.ns),
            self.branch,
            kind,
            to_column(self.checkpoint),
            None if parent is None else to_column(parent),
            self.step,
            to_column(task) if task else None,
            to_column(node) if node else None,
            None if key is None else to_column(key),
            at,
            data,
            json,
        )


def entry_of(row: Row) -> tuple[str, bytes]:
    """The kind and the bytes of an entry's row."""
    return row[_KIND], row[BYTES]


def line_of(row: Row) -> tuple[str, str, str]:
    """The line that a row belongs to, as its columns say it."""
    return row[:3]


def linked(previous: int, kind: str, checkpoint: str | None, data: bytes | None) -> int:
    """The link of a line's next row: a digest (64 bits) of its kind, checkpoint and bytes, and of the link before it.

    A line's first row has 0 before it. A row that was changed, or that is missing in between, does not fit its link.
    """
    head = b"%b\0%b\0" % (kind.encode(), (checkpoint or "").encode())
    return _from_bytes(blake2b(previous.to_bytes(8, "little") + head + (data or b""), digest_size=8).digest(), "little")


def linked_row(previous: int, row: Row) -> int:
    """The link of a row; see `linked`."""
    return linked(previous, row[_KIND], row[_CHECKPOINT], row[BYTES])


def json_object(**members: str) -> str:
    """A JSON object of members that are JSON text already."""
    return utf8("{" + ",".join(f'"{name}":{text}' for name, text in members.items()) + "}")
