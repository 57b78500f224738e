"""Entries <-> rows of the journal. Pure: knows neither SQL nor files.

The bytes of a row say everything; the other columns and the JSON repeat what SQL needs. A field that has its
default is not stored, a field that the file lacks has its default, and one that this version does not know is
left out: so fields can be added without a new form.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, assert_never

from nbhitl.checkpoint.rows import Place, Row, json_object
from nbhitl.checkpoint.values.projection import quote
from nbhitl.engine.errors import FileDamagedError
from nbhitl.engine.records import (
    MISSING,
    Answered,
    Asked,
    Continued,
    Entered,
    Entry,
    Failed,
    Held,
    Kept,
    Reopened,
    Retried,
    Send,
    Stopped,
    Superseded,
    Wrote,
)

if TYPE_CHECKING:
    from nbhitl.checkpoint.values.codec import Codec

_PLAIN: Final[dict[str, Any]] = {
    "asked": Asked,
    "answered": Answered,
    "superseded": Superseded,
    "reopened": Reopened,
    "failed": Failed,
    "retried": Retried,
    "held": Held,
    "entered": Entered,
    "stopped": Stopped,
    "continued": Continued,
}
"""Entries that are stored as a dict of their fields."""
KINDS: Final = ("wrote", "kept", *_PLAIN)
_FIELDS: Final = {cls: dataclasses.fields(cls) for cls in _PLAIN.values()}


class Entries:
    """Turns entries into rows with a codec, and back."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def row(self, place: Place, entry: Entry) -> Row:
        """The row of one entry. Raises `UnstorableValueError`."""
        match entry:
            case Wrote():
                return self._wrote(place, entry)
            case Asked():
                return self._asked(place, entry)
            case Kept():
                return self._kept(place, entry)
            case Answered():
                value = self._shown(entry.value, f"the answer to {entry.interrupt!r}")
                json = json_object(value=value, by=quote(entry.by), via=quote(entry.via), note=quote(entry.note))
                return self._plain(place, "answered", entry, json, key=entry.interrupt, at=entry.at)
            case Superseded():
                return self._plain(place, "superseded", entry, json_object(by=quote(entry.by)), key=entry.interrupt)
            case Reopened():
                return self._plain(place, "reopened", entry, None, task=entry.task)
            case Failed():
                json = json_object(error=quote(entry.error), text=quote(entry.text))
                return self._plain(place, "failed", entry, json, task=entry.task)
            case Retried():
                json = json_object(error=quote(entry.error), text=quote(entry.text), attempt=quote(entry.attempt))
                return self._plain(place, "retried", entry, json, task=entry.task)
            case Held():
                return self._plain(place, "held", entry, json_object(text=quote(entry.text)), task=entry.task)
            case Entered():
                json = json_object(ns=quote(entry.ns), head=quote(entry.head), source=quote(entry.source))
                return self._plain(place, "entered", entry, json, task=entry.task, key=str(entry.call))
            case Stopped():
                json = json_object(reason=quote(entry.reason), text=quote(entry.text))
                return self._plain(place, "stopped", entry, json, at=entry.at)
            case Continued():
                return self._plain(place, "continued", entry, None, at=entry.at)
            case _:
                assert_never(entry)

    def read(self, kind: str, data: bytes) -> Entry:
        """The entry of a row's kind and bytes. Raises `FileDamagedError`."""
        match kind, self._codec.decode(data):
            case "wrote", [task, updates, goto, *by]:
                targets = tuple(g if isinstance(g, str) else Send(*g) for g in goto)
                return Wrote(task, tuple((k, v) for k, v in updates), targets, by[0] if by else "")
            case "kept", [task, key, value, *_]:
                return Kept(task, key, value)
            case str(), dict(fields) if kind in _PLAIN:
                cls = _PLAIN[kind]
                entry: Entry = cls(**{f.name: fields[f.name] for f in _FIELDS[cls] if f.name in fields})
                return entry
        raise FileDamagedError(f"an entry of kind {kind!r} has an unknown form")

    def _wrote(self, place: Place, entry: Wrote) -> Row:
        # Values are encoded once: their bytes are put together, and their JSON.
        encode = self._codec.encode
        shown, updates = [], []
        for name, value in entry.updates:
            data, json = self._codec.encode_with_json(value, f"state[{name!r}]")
            updates.append([encode(name), data])
            shown.append(f"[{quote(name)},{json or 'null'}]")
        goto = [
            [encode(target.node), encode(target.arg, f"Send({target.node!r}).arg")]
            if isinstance(target, Send)
            else encode(target)
            for target in entry.goto
        ]
        by = [encode(entry.by)] if entry.by else []
        whole = self._codec.encode_list([encode(entry.task), updates, goto, *by])
        names = [target if isinstance(target, str) else target.node for target in entry.goto]
        json = json_object(updates=f"[{','.join(shown)}]", goto=quote(names))
        return place.row("wrote", whole, json, task=entry.task)

    def _kept(self, place: Place, entry: Kept) -> Row:
        data, json = self._codec.encode_with_json(entry.value, f"the result of {entry.key!r}")
        encode = self._codec.encode
        whole = self._codec.encode_list([encode(entry.task), encode(entry.key), data])
        return place.row("kept", whole, json_object(value=json or "null"), task=entry.task, key=entry.key)

    def _asked(self, place: Place, entry: Asked) -> Row:
        # A live schema is code; what is stored and loaded is its description.
        schema = entry.described
        if schema is None and isinstance(entry.schema, dict):
            schema = entry.schema
        shown = {
            "value": self._shown(entry.value, f"the question {entry.id!r}"),
            "schema": self._shown(schema, "the schema"),
            "name": quote(entry.schema_name),
            "key": quote(entry.key),
        }
        if entry.default is not MISSING:
            shown["default"] = self._shown(entry.default, f"the default answer to {entry.id!r}")
        if entry.deadline:
            shown["deadline"] = quote(entry.deadline)
        if entry.ns:
            shown |= {"ns": quote(entry.ns), "head": quote(entry.head)}
        fields = _stored(entry)
        fields.pop("schema", None)
        if schema is not None:
            fields["schema"] = schema
        columns: dict[str, Any] = {"task": entry.task, "node": entry.node, "key": entry.id, "at": entry.at}
        return place.row("asked", self._codec.encode(fields), json_object(**shown), **columns)

    def _plain(self, place: Place, kind: str, entry: Entry, json: str | None, **columns: Any) -> Row:
        return place.row(kind, self._codec.encode(_stored(entry)), json, **columns)

    def _shown(self, value: Any, path: str) -> str:
        return self._codec.encode_with_json(value, path)[1] or "null"


def _stored(entry: Entry) -> dict[str, Any]:
    """The fields that differ from their defaults, by name."""
    fields = {}
    for field in _FIELDS[type(entry)]:
        value = getattr(entry, field.name)
        if field.name != "exception" and not _is_default(value, field):
            # The records' empty mapping is a proxy, which is no value of the codec's.
            fields[field.name] = dict(value) if type(value) is MappingProxyType else value
    return fields


def _is_default(value: Any, field: dataclasses.Field[Any]) -> bool:
    """Without comparing values of users: theirs may answer ``==`` with anything."""
    if field.default_factory is not dataclasses.MISSING:
        return not value  # the only factory makes the empty mapping
    default = field.default
    return value is default or (type(value) is type(default) and type(value) in (str, int, bool) and value == default)
