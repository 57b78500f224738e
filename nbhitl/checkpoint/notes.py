"""What a file remembers beside the steps of its threads: fingerprints of code, breakpoints, settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.rows import Place, Row, from_column, to_column
from nbhitl.engine.records import MISSING, ThreadKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbhitl.checkpoint.reading import Reader
    from nbhitl.checkpoint.values.codec import Codec
    from nbhitl.checkpoint.writer import Writer

SETTING: Final = "setting"
"""The kind of a setting's row: its name is the row's key; without bytes it was removed."""
_MOST: Final = 256
"""Graphs and threads whose notes are kept in memory, as bytes: whoever reads gets values of its own."""
_SETTINGS: Final = "SELECT key, bytes FROM journal WHERE kind = ? AND graph = ? AND thread = ? ORDER BY seq"
_POINTS: Final = "SELECT bytes FROM journal WHERE kind = 'breakpoint' AND graph = ? ORDER BY seq DESC LIMIT 1"
_CODES: Final = "SELECT key, bytes FROM journal WHERE kind = 'code' ORDER BY seq DESC"


class Notes:
    """The notes of one open file. Each is read once; after that what is written is what is known.

    Not thread-safe: the saver's lock is held by whoever calls.
    """

    def __init__(self, reader: Reader, writer: Writer, codec: Codec) -> None:
        self._reader, self._writer, self._codec = reader, writer, codec
        self._codes: dict[str, dict[str, str]] | None = None
        self._points: dict[str, bytes | None] = {}
        self._settings: dict[ThreadKey, dict[str, bytes]] = {}

    def knows_code(self, digest: str) -> bool:
        """Whether a digest is known without a look at the file; needs no lock."""
        return self._codes is not None and digest in self._codes

    def remember_code(self, digest: str, code: Mapping[str, str]) -> None:
        """What was remembered first stays."""
        known = self._known_codes()
        if digest not in known:
            kept = dict(code)
            data, json = self._codec.encode_with_json(kept, "code")
            self._writer.put([_row(ThreadKey(""), "code", data, json, digest)])
            known[digest] = kept

    def code(self, digest: str) -> dict[str, str] | None:
        """What `remember_code` was given; None when it never was."""
        found = self._known_codes().get(digest)
        return None if found is None else dict(found)

    def _known_codes(self) -> dict[str, dict[str, str]]:
        if self._codes is None:
            rows = self._reader.rows(_CODES)
            self._codes = {from_column(digest): self._codec.decode(data) for digest, data in rows}
        return self._codes

    def breakpoints(self, graph: str) -> dict[str, Any]:
        """A graph's breakpoints as they were set last."""
        if graph not in self._points:
            rows = self._reader.rows(_POINTS, [to_column(graph)])
            _keep(self._points, graph, rows[0][0] if rows else None)
        data = self._points[graph]
        found: dict[str, Any] = {} if data is None else self._codec.decode(data)
        return found

    def set_breakpoints(self, graph: str, points: Mapping[str, Any]) -> int:
        """Replace a graph's breakpoints; returns the ticket of the write."""
        data, json = self._codec.encode_with_json(dict(points), "breakpoints")
        self._points.pop(graph, None)  # a Ctrl-C may come before they are kept: then they are read again
        ticket = self._writer.put([_row(ThreadKey("", graph), "breakpoint", data, json)], hurry=True)
        _keep(self._points, graph, data)
        return ticket

    def settings(self, key: ThreadKey) -> dict[str, Any]:
        """The settings of a thread, or of a graph, by name."""
        return {name: self._codec.decode(data) for name, data in self._known_settings(key).items()}

    def set_setting(self, key: ThreadKey, name: str, value: Any) -> int | None:
        """Remember a setting, `MISSING` for none; returns the ticket of the write, None where nothing changes."""
        known = self._known_settings(key)
        data, json = (None, None) if value is MISSING else self._codec.encode_with_json(value, f"setting {name!r}")
        if known.get(name) == data:
            return None
        self._settings.pop(_owner(key), None)  # see above
        ticket = self._writer.put([_row(_owner(key), SETTING, data, json, name)], hurry=True)
        changed = {other: kept for other, kept in known.items() if other != name}
        if data is not None:
            changed[name] = data
        _keep(self._settings, _owner(key), changed)
        return ticket

    def forget(self, key: ThreadKey) -> None:
        """A thread was deleted, rewritten or made: its settings are read again."""
        self._settings.pop(_owner(key), None)

    def _known_settings(self, key: ThreadKey) -> dict[str, bytes]:
        owner = _owner(key)
        if owner not in self._settings:
            rows = self._reader.rows(_SETTINGS, [SETTING, to_column(owner.graph), to_column(owner.thread)])
            _keep(self._settings, owner, newest_settings(rows))
        return self._settings[owner]


def newest_settings(rows: list[tuple[Any, ...]]) -> dict[str, bytes]:
    """The settings that rows of names and bytes, the oldest first, leave in force."""
    newest = {from_column(name): data for name, data in rows}
    return {name: data for name, data in newest.items() if data is not None}


def _owner(key: ThreadKey) -> ThreadKey:
    """Settings are a thread's, and not its sub-graphs'."""
    return replace(key, ns="") if key.ns else key


def _row(key: ThreadKey, kind: str, data: bytes | None, json: str | None, name: str | None = None) -> Row:
    return Place(key, 0, "", 0, {}).row(kind, data, json, key=name)


def _keep(known: dict[Any, Any], key: Any, value: Any) -> None:
    if len(known) >= _MOST:
        known.clear()
    known[key] = value
