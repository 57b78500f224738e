"""Checkpoints <-> rows of the journal. Pure: knows neither SQL nor files.

A branch is a linear run of checkpoints. Its first checkpoint writes every channel, the following ones only
the channels that changed, so a position is rebuilt from the rows of one branch. The bytes of a row say
everything; the other columns and the JSON repeat what SQL needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbhitl.checkpoint.entries import Entries
from nbhitl.checkpoint.projection import quote, utf8
from nbhitl.checkpoint.rows import Place, Row, value_of
from nbhitl.engine.errors import FileDamagedError, UnstorableValueError
from nbhitl.engine.records import EMPTY, MISSING, Checkpoint, Entry, Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbhitl.checkpoint.codec import Codec


class Journal:
    """Turns records into rows with a codec, and back."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._entries = Entries(codec)

    def value_rows(self, place: Place, values: Mapping[str, Any], names: Iterable[str]) -> list[Row]:
        """One row a channel; a channel without a value (any more) gets a row without bytes."""
        rows = []
        for name in names:
            data, json = None, None
            if name in values:
                data, json = self.codec.encode_with_json(values[name], f"state[{name!r}]")
            rows.append(place.row("value", data, json, key=name))
        return rows

    def checkpoint_row(self, place: Place, cp: Checkpoint) -> Row:
        """The row of the checkpoint itself; its values have rows of their own."""
        tasks = [[t.id, t.node] if t.arg is MISSING else [t.id, t.node, t.arg] for t in cp.tasks]
        arrived = {edge: sorted(sources) for edge, sources in cp.arrived.items()}
        record = [cp.id, cp.parent, cp.step, cp.source, tasks, list(cp.ran), list(cp.changed), arrived, cp.at]
        if more := _more(cp):
            record.append(more)
        try:
            data = self.codec.encode(record)
        except UnstorableValueError:
            for task in cp.tasks:  # the error should name the argument, not a place in our own list
                if task.arg is not MISSING:
                    self.codec.encode(task.arg, f"the input of {task.node!r}")
            raise
        shown = {
            "source": cp.source,
            "ran": list(cp.ran),
            "next": [t.node for t in cp.tasks],
            "changed": list(cp.changed),
        }
        return place.row("checkpoint", data, utf8(quote(shown)), parent=cp.parent, at=cp.at)

    def entry_row(self, place: Place, entry: Entry) -> Row:
        """The row of one entry. Raises `UnstorableValueError`."""
        return self._entries.row(place, entry)

    def read_entry(self, kind: str, data: bytes) -> Entry:
        """The entry of a row's kind and bytes. Raises `FileDamagedError`."""
        return self._entries.read(kind, data)

    def read_checkpoint(self, data: bytes, values: Mapping[str, Any]) -> Checkpoint:
        """The checkpoint of a row's bytes, with its values. Raises `FileDamagedError`."""
        match self.codec.decode(data):
            case [name, parent, step, source, tasks, ran, changed, arrived, at, *rest]:
                more = rest[0] if rest else {}
                origins = dict(more.get("origins", ()))
                return Checkpoint(
                    id=name,
                    parent=parent,
                    step=step,
                    source=source,
                    values=values,
                    tasks=tuple(
                        Task(id_, node, arg[0] if arg else MISSING, origins.get(i, ""))
                        for i, (id_, node, *arg) in enumerate(tasks)
                    ),
                    ran=tuple(ran),
                    changed=tuple(changed),
                    arrived={edge: frozenset(sources) for edge, sources in arrived.items()},
                    at=at,
                    deferred=tuple(more.get("deferred", ())),
                    children=more.get("children", EMPTY),
                    code=more.get("code", ""),
                )
        raise FileDamagedError("a checkpoint's record has an unknown form")


def _more(cp: Checkpoint) -> dict[str, Any]:
    """What most checkpoints do not have, or have by default: only what differs is stored."""
    more: dict[str, Any] = {}
    if origins := [[i, t.origin] for i, t in enumerate(cp.tasks) if t.origin]:
        more["origins"] = origins
    if cp.deferred:
        more["deferred"] = list(cp.deferred)
    if cp.children:
        more["children"] = dict(cp.children)
    if cp.code:
        more["code"] = cp.code
    return more


def to_write(checkpoint: Checkpoint, before: Mapping[str, bytes] | None) -> Iterable[str]:
    """The channels to write: all when a branch starts, else those that changed, came or went."""
    if before is None:
        return checkpoint.values
    names = dict.fromkeys(checkpoint.changed)
    if before.keys() != checkpoint.values.keys():
        names.update(dict.fromkeys(before.keys() ^ checkpoint.values.keys()))
    return [n for n in names if n in checkpoint.values or n in before]


def merged(old: Mapping[str, bytes], rows: list[Row]) -> dict[str, bytes]:
    """A branch's stored values after the value rows of its next checkpoint."""
    values = dict(old)
    for name, data in map(value_of, rows):
        if data is None:
            values.pop(name, None)
        else:
            values[name] = data
    return values
