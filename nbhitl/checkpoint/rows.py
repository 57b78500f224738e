"""Rows of the journal: their columns, and where records belong. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from nbhitl.checkpoint.projection import utf8

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbhitl.engine.records import ThreadKey

Row: TypeAlias = tuple[Any, ...]
"""graph, thread, ns, branch, kind, checkpoint, parent, step, task, node, key, made_at, bytes, json. The
writer puts the sequence number in front."""

_ESCAPE: Final = "\x00u"
_KIND, _KEY, _BYTES = 4, 10, 12
"""Places in a `Row`."""


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where records belong: thread, branch, checkpoint and step, and the checkpoint's tasks by id."""

    key: ThreadKey
    branch: int
    checkpoint: str
    step: int
    nodes: Mapping[str, str]
    """Task id to node."""

    def row(self, kind: str, data: bytes | None, json: str | None, **columns: Any) -> Row:
        """A journal row; ``columns`` may give parent, task, node, key, at."""
        key, of = self.key, columns.get
        task: str = of("task", "")
        node = of("node") or self.nodes.get(task)
        return (
            to_column(key.graph),
            to_column(key.thread),
            to_column(key.ns),
            self.branch,
            kind,
            to_column(self.checkpoint),
            *(None if text is None else to_column(text) for text in (of("parent"),)),
            self.step,
            to_column(task) if task else None,
            to_column(node) if node else None,
            None if (name := of("key")) is None else to_column(name),
            of("at"),
            data,
            json,
        )


def entry_of(row: Row) -> tuple[str, bytes]:
    """The kind and the bytes of an entry's row."""
    return row[_KIND], row[_BYTES]


def value_of(row: Row) -> tuple[str, bytes | None]:
    """The channel and the bytes of a value's row."""
    return from_column(row[_KEY]), row[_BYTES]


def json_object(**members: str) -> str:
    """A JSON object of members that are JSON text already."""
    return utf8("{" + ",".join(f'"{name}":{text}' for name, text in members.items()) + "}")
