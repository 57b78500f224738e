"""Records <-> rows of the journal. Pure: knows neither SQL nor files.

A branch is a linear run of checkpoints. Its first checkpoint writes every channel, the following ones only
the channels that changed, so a position is rebuilt from the rows of one branch. The bytes of a row say
everything; the other columns and the JSON repeat what SQL needs.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from nbhitl.checkpoint.projection import quote, utf8
from nbhitl.engine.errors import FileDamagedError, UnstorableValueError
from nbhitl.engine.records import (
    MISSING,
    Answered,
    Asked,
    Checkpoint,
    Continued,
    Entry,
    Failed,
    Send,
    Stopped,
    Task,
    ThreadKey,
    Wrote,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbhitl.checkpoint.codec import Codec

Row: TypeAlias = tuple[Any, ...]
"""graph, thread, ns, branch, kind, checkpoint, parent, step, task, node, key, made_at, bytes, json. The
writer puts the sequence number in front."""

ENTRY_KINDS: Final = ("wrote", "asked", "answered", "failed", "stopped", "continued")
_PLAIN: Final[dict[str, Any]] = {
    "asked": Asked,
    "answered": Answered,
    "failed": Failed,
    "stopped": Stopped,
    "continued": Continued,
}
"""Entries that are stored as a dict of their fields."""
_ESCAPE: Final = "\x00u"


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


class Journal:
    """Turns records into rows with a codec, and back."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec

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
        match entry:
            case Wrote():
                return self._wrote_row(place, entry)
            case Asked():
                return self._asked_row(place, entry)
            case Answered():
                value = self._shown(entry.value, f"the answer to {entry.interrupt!r}")
                data = self.codec.encode(_fields(entry))
                json = _object(value=value, by=quote(entry.by), via=quote(entry.via), note=quote(entry.note))
                return place.row("answered", data, json, key=entry.interrupt, at=entry.at)
            case Failed():
                data = self.codec.encode({n: v for n, v in _fields(entry).items() if n != "exception"})
                json = _object(error=quote(entry.error), text=quote(entry.text))
                return place.row("failed", data, json, task=entry.task)
            case Stopped():
                data = self.codec.encode(_fields(entry))
                json = _object(reason=quote(entry.reason), text=quote(entry.text))
                return place.row("stopped", data, json, at=entry.at)
            case Continued():
                return place.row("continued", self.codec.encode(_fields(entry)), None, at=entry.at)

    def _wrote_row(self, place: Place, entry: Wrote) -> Row:
        shown = [f"[{quote(k)},{self._shown(v, f'state[{k!r}]')}]" for k, v in entry.updates]
        goto: list[Any] = []
        for target in entry.goto:
            if isinstance(target, Send):
                self.codec.encode(target.arg, f"Send({target.node!r}).arg")
                goto.append([target.node, target.arg])
            else:
                goto.append(target)
        data = self.codec.encode([entry.task, [[k, v] for k, v in entry.updates], goto])
        names = [target if isinstance(target, str) else target.node for target in entry.goto]
        json = _object(updates=f"[{','.join(shown)}]", goto=quote(names))
        return place.row("wrote", data, json, task=entry.task)

    def _asked_row(self, place: Place, entry: Asked) -> Row:
        # A live schema is code; what is stored and loaded is its description.
        schema = entry.described
        if schema is None and isinstance(entry.schema, dict):
            schema = entry.schema
        value = self._shown(entry.value, f"the question {entry.id!r}")
        data = self.codec.encode({**_fields(entry), "schema": schema})
        json = _object(
            value=value, schema=self._shown(schema, "the schema"), name=quote(entry.schema_name), key=quote(entry.key)
        )
        return place.row("asked", data, json, task=entry.task, key=entry.id, at=entry.at)

    def _shown(self, value: Any, path: str) -> str:
        return self.codec.encode_with_json(value, path)[1] or "null"

    def read_checkpoint(self, data: bytes, values: Mapping[str, Any]) -> Checkpoint:
        """The checkpoint of a row's bytes, with its values. Raises `FileDamagedError`."""
        match self.codec.decode(data):
            case [id_, parent, step, source, tasks, ran, changed, arrived, at, *_]:
                return Checkpoint(
                    id=id_,
                    parent=parent,
                    step=step,
                    source=source,
                    values=values,
                    tasks=tuple(Task(*task) for task in tasks),
                    ran=tuple(ran),
                    changed=tuple(changed),
                    arrived={edge: frozenset(sources) for edge, sources in arrived.items()},
                    at=at,
                )
        raise FileDamagedError("a checkpoint's record has an unknown form")

    def read_entry(self, kind: str, data: bytes) -> Entry:
        """The entry of a row's kind and bytes. Raises `FileDamagedError`."""
        match kind, self.codec.decode(data):
            case "wrote", [task, updates, goto, *_]:
                targets = tuple(g if isinstance(g, str) else Send(*g) for g in goto)
                return Wrote(task, tuple((k, v) for k, v in updates), targets)
            case str(), dict(fields) if kind in _PLAIN:
                # A field that this version does not know is left out, one that the file lacks has its
                # default.
                cls = _PLAIN[kind]
                entry: Entry = cls(**{f.name: fields[f.name] for f in dataclasses.fields(cls) if f.name in fields})
                return entry
        raise FileDamagedError(f"an entry of kind {kind!r} has an unknown form")


_KIND, _KEY, _BYTES = 4, 10, 12
"""Places in a `Row`."""


def entry_of(row: Row) -> tuple[str, bytes]:
    """The kind and the bytes of an entry's row."""
    return row[_KIND], row[_BYTES]


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
    for row in rows:
        name = from_column(row[_KEY])
        if row[_BYTES] is None:
            values.pop(name, None)
        else:
            values[name] = row[_BYTES]
    return values


def _fields(entry: Any) -> dict[str, Any]:
    values = ((f.name, getattr(entry, f.name)) for f in dataclasses.fields(entry))
    # The records' empty mapping is a proxy; a dict is equal to it.
    return {name: dict(v) if isinstance(v, MappingProxyType) else v for name, v in values}


def _object(**members: str) -> str:
    """A JSON object of members that are JSON text already."""
    return utf8("{" + ",".join(f'"{name}":{text}' for name, text in members.items()) + "}")
