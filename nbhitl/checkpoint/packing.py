"""A checkpoint on its way into a row: what of its values has to be written, for the packer and for the JSON. Pure."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nbhitl.checkpoint.growth import GONE
from nbhitl.checkpoint.values.projection import CAP, quote, shape, utf8
from nbhitl.engine.records import MISSING, Checkpoint, Send, Wrote

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from nbhitl.checkpoint.growth import Lists
    from nbhitl.checkpoint.values.codec import Codec

_WORD: Final = 2**63
_REPEATED: Final = 4096
"""Characters of JSON up to which a write that is the new value of a list that grew is shown again."""


class Held:
    """How a channel's value stands in a row."""

    WHOLE = 0
    GREW = 1
    """As the rest of a list."""
    GONE = 2
    """It has no value any more."""
    GREW_AS_WRITTEN = 3
    """As the number of the update that is the rest of the list."""


class Update:
    """How an update of a write stands in a row."""

    OWN = 0
    AS_HELD = 1
    """It is the channel's new value."""


class Shown:
    """How the JSON shows an update."""

    ITSELF = 0
    AS_VALUE = 1
    """It is the channel's new value, too."""
    AS_REST = 2
    """It is what the channel's list grew by, too."""


class Change(NamedTuple):
    """What a commit writes: which channels, and whether these are all of them."""

    checkpoint: Checkpoint
    names: Iterable[str]
    full: bool
    wrote: Wrote | None = None
    """The last write of the parent's tasks, which led here."""
    writer: str = ""
    """The node of ``wrote``."""
    joined: Container[str] = ()
    """The channels that only ever join lists."""


class Packing:
    """One checkpoint on its way into a row: its tree for the packer, and its JSON."""

    def __init__(self, codec: Codec, change: Change, lists: Lists, *, trusting: bool) -> None:
        self._codec, self._change, self._lists, self._trusting = codec, change, lists, trusting
        self._written = () if change.wrote is None else change.wrote.updates
        self._hows: dict[int, tuple[int, Any]] = {}
        """Of the write's updates: how it is shown, and what is shown."""
        self._shown: dict[str, Any] = {}
        """The JSON's members; values by what `shape` made of them where they are not plain."""
        self._grown: list[tuple[str, list[Any], int | None]] = []

    def tree(self) -> list[Any]:
        """What the packer packs."""
        cp, wrote, shown = self._change.checkpoint, self._change.wrote, self._shown
        shown.update(source=cp.source, ran=cp.ran, next=[t.node for t in cp.tasks], changed=cp.changed)
        values = [self._held(name) for name in self._change.names]
        if wrote is None:
            return [self._head(cp), values, None]
        goto: list[Any] = []
        for target in wrote.goto:
            if isinstance(target, Send):
                goto.append([target.node, self._lowered(target.arg, f"Send({target.node!r}).arg")])
            else:
                goto.append(target)
        if goto:
            shown["goto"] = [target if isinstance(target, str) else target.node for target in wrote.goto]
        by = [wrote.by] if wrote.by else []
        return [self._head(cp), values, [wrote.task, self._updates(), goto, *by]]

    def keep(self) -> None:
        """The row was made: its lists are the newest now."""
        for name, value, grown in self._grown:
            self._lists.keep(name, value, grown, self._change.joined)

    def json(self, size: int) -> str | None:
        """The JSON of a row of ``size`` bytes; values without one, or that are too long, are null there."""
        try:
            text = quote(self._shown) if size <= 4 * CAP else ""
        except (ValueError, TypeError):  # NaN, bytes, or keys that are no text, somewhere inside
            text = ""
        if not text or len(text) > CAP:
            text = quote(self._capped())
        return text if text.isascii() else utf8(text)

    def _head(self, cp: Checkpoint) -> list[Any]:
        tasks: list[Any] = []
        for t in cp.tasks:
            if t.arg is MISSING:
                tasks.append([t.id, t.node])
            else:
                tasks.append([t.id, t.node, self._lowered(t.arg, f"the input of {t.node!r}")])
        ran, changed = list(cp.ran), list(cp.changed)
        head: list[Any] = [cp.id, cp.parent, cp.step, cp.source, tasks, ran, changed, {}, cp.at]
        if cp.arrived:
            head[7] = {edge: sorted(sources) for edge, sources in cp.arrived.items()}
        if more := _more(cp):
            head.append(more)
        return head

    def _held(self, name: str) -> list[Any]:
        """How a channel's value stands in the row."""
        change, shown = self._change, self._shown
        value = change.checkpoint.values.get(name, MISSING)
        if type(value) is not list:
            self._grown.append((name, [], GONE))  # whatever list it was before, it is none now
            grown = None
        else:
            grown = None if change.full else self._lists.grown(name, value, change.joined)
            self._grown.append((name, value, grown))
        if value is MISSING:
            shown.setdefault("gone", []).append(name)
            return [name, Held.GONE]
        same = -1
        for i, (key, update) in enumerate(self._written):
            if update is value and key == name:
                same = i
        if grown is not None:
            return self._rest(name, value, grown, same)
        tree, seen = self._lower(value, name)
        if same >= 0:
            self._hows[same] = (Shown.AS_VALUE, seen)
        else:
            shown.setdefault("set", {})[name] = seen
        return [name, Held.WHOLE, tree]

    def _rest(self, name: str, value: list[Any], grown: int, same: int) -> list[Any]:
        """How a list stands in the row that grew from ``grown`` elements; ``same``: the update that is all of it."""
        tail = value[grown:]
        which = -1 if same >= 0 else _written_as(tail, name, self._written)
        if which >= 0:
            self._hows[which] = (Shown.AS_REST, None)
            return [name, Held.GREW_AS_WRITTEN, which]
        tree, seen = self._lower(tail, name, grown)
        self._shown.setdefault("add", {})[name] = seen
        if same >= 0:
            self._hows[same] = (Shown.ITSELF, _short(value, self._lists.size(value)))
        return [name, Held.GREW, tree]

    def _updates(self) -> list[Any]:
        """How each update of the write stands in the row."""
        shown: list[Any] = []
        updates: list[Any] = []
        for i, (name, value) in enumerate(self._written):
            how, seen = self._hows.get(i, (None, None))
            if how is None or how == Shown.AS_REST:
                tree, seen = self._lower(value, name)
                updates.append([name, Update.OWN, tree])
            else:
                updates.append([name, Update.AS_HELD])
            shown.append((name, seen, how) if how else (name, seen))
        if shown:
            self._shown["wrote"] = shown
        return updates

    def _lowered(self, value: Any, path: str) -> Any:
        return self._codec.lowered(value, path, trusting=self._trusting)[0]

    def _lower(self, value: Any, name: str, start: int | None = None) -> tuple[Any, Any]:
        """A value of the state for the packer, and for the JSON. Raises `UnstorableValueError`."""
        kind = type(value)
        if kind is str or kind is bool or value is None or (kind is int and -_WORD <= value < _WORD):
            return value, value
        path = f"state[{name!r}]" if start is None else f"state[{name!r}][{start}:]"
        tree, plain = self._codec.lowered(value, path, trusting=self._trusting)
        return tree, value if plain and kind is not int else shape(value)

    def _capped(self) -> dict[str, Any]:
        """The JSON's members with null for each value that has no JSON or is too long."""
        shown = dict(self._shown)
        for part in ("set", "add"):
            if part in shown:
                shown[part] = {name: _fitting(value) for name, value in shown[part].items()}
        if "wrote" in shown:
            shown["wrote"] = [(name, _fitting(value), *how) for name, value, *how in shown["wrote"]]
        return shown


def _written_as(tail: list[Any], name: str, written: Sequence[tuple[str, Any]]) -> int:
    """Which update is the list that ``tail`` is, element by element; -1 when none is."""
    for i, (key, value) in enumerate(written):
        if key == name and type(value) is list and len(value) == len(tail) and all(map(is_, value, tail)):
            return i
    return -1


def _fitting(value: Any) -> Any:
    """A value's JSON, as what `quote` makes text of; None where there is none or it is too long."""
    if isinstance(value, str | list | dict | tuple) and len(value) > CAP:
        return None  # nothing is shorter than a character
    seen = shape(value)
    return seen if len(quote(seen)) <= CAP else None


def _short(value: list[Any], size: int) -> Any:
    """A list that grew, shown as a write: where it is long, only the state shows it."""
    if size > _REPEATED:
        return None
    seen = shape(value)
    return seen if len(quote(seen)) <= _REPEATED else None


def _more(cp: Checkpoint) -> dict[str, Any]:
    """What most checkpoints do not have, or have by default: only what differs is stored."""
    more: dict[str, Any] = {}
    for i, task in enumerate(cp.tasks):
        if task.origin:
            more.setdefault("origins", []).append([i, task.origin])
    if cp.deferred:
        more["deferred"] = list(cp.deferred)
    if cp.children:
        more["children"] = dict(cp.children)
    if cp.code:
        more["code"] = cp.code
    return more


def to_write(checkpoint: Checkpoint, before: set[str] | None, *, full: bool, same: bool) -> Iterable[str]:
    """The channels to write: those that changed, came or went; all of them, and those that went, in a full row.

    ``before``: those that had a value, None where a branch starts. ``same``: none came or went.
    """
    values = checkpoint.values
    if full:
        return values if before is None or same else [*values, *(before - values.keys())]
    names = dict.fromkeys(checkpoint.changed)
    if before is not None and not same:
        names.update(dict.fromkeys(before ^ values.keys()))
    return [n for n in names if n in values or (before is not None and n in before)]
