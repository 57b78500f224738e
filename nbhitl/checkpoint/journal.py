"""Checkpoints <-> rows of the journal. Pure: knows neither SQL nor files.

A branch is a linear run of checkpoints, one row each. Most rows hold what changed: a channel's new value, the rest of
a list that grew, or that a channel has no value any more; the first row of a branch, and one from time to time, is
full. So a position is rebuilt from a branch's rows since its last full one (`Journal.values`). The write of a step's
last task stands in the row of the checkpoint that it led to. The bytes of a row say everything; the other columns and
the JSON repeat what SQL needs.
"""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nbhitl.checkpoint.entries import Entries
from nbhitl.checkpoint.file.parts import LARGEST_ROW
from nbhitl.checkpoint.file.schema import COLUMNS
from nbhitl.checkpoint.growth import GONE
from nbhitl.checkpoint.rows import BYTES, FULL, Place, Row
from nbhitl.checkpoint.values.projection import CAP, quote, shape, utf8
from nbhitl.engine.errors import FileDamagedError, UnstorableValueError
from nbhitl.engine.records import EMPTY, MISSING, Checkpoint, Entry, Send, Task, Wrote

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from nbhitl.checkpoint.growth import Lists
    from nbhitl.checkpoint.values.codec import Codec

_SET, _GREW, _GONE, _GREW_AS_WRITTEN = range(4)
"""How a channel's value stands in a row: whole; as the rest of a list; not any more; as the list that was written."""
_OWN, _AS_STORED = range(2)
"""How a write's value stands in a row: itself; it is the channel's new value."""
_SHOWN, _SHOWN_AS_VALUE, _SHOWN_AS_REST = range(3)
"""How the JSON shows an update: by itself; it is the channel's new value; it is what the channel's list grew by."""
_WORD: Final = 2**63
_KIND, _NODE = COLUMNS.index("kind") - 1, COLUMNS.index("node") - 1
_REPEATED: Final = 4096
"""Characters of JSON up to which a write that is the new value of a list that grew is shown again."""


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


class Journal:
    """Turns records into rows with a codec, and back."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._entries = Entries(codec)

    def checkpoint_row(self, place: Place, change: Change, lists: Lists) -> tuple[Row, Callable[[], None]]:
        """The row of a checkpoint with the values that changed, and what to call when it will surely be written.

        Raises `UnstorableValueError`.
        """
        try:
            packing = _Packing(self.codec, change, lists, trusting=True)
            data = self.codec.pack(packing.tree())
        except (OverflowError, UnicodeEncodeError):  # plain data that is not quite
            packing = _Packing(self.codec, change, lists, trusting=False)
            data = self.codec.pack(packing.tree(), trusting=False)
        cp, wrote = change.checkpoint, change.wrote
        if len(data) > LARGEST_ROW:
            raise self._too_large(change)
        row = place.row(
            "checkpoint",
            data,
            packing.json(len(data)),
            parent=cp.parent,
            task="" if wrote is None else wrote.task,
            node=change.writer,
            key=FULL if change.full else None,
            at=cp.at,
        )
        return row, packing.keep

    def entry_row(self, place: Place, entry: Entry) -> Row:
        """The row of one entry. Raises `UnstorableValueError`."""
        row = self._entries.row(place, entry)
        if len(row[BYTES] or b"") > LARGEST_ROW:
            what = f"what {row[_NODE]!r} {row[_KIND]}"
            if isinstance(entry, Wrote):
                what = f"state[{max(entry.updates, key=lambda update: len(self.codec.encode(update[1])))[0]!r}]"
            raise _too_much(what, len(row[BYTES]))
        return row

    def _too_large(self, change: Change) -> UnstorableValueError:
        """The error about a checkpoint that takes too many bytes; names the value that takes most."""
        values = change.checkpoint.values
        sizes = {name: len(self.codec.encode(values[name])) for name in change.names if name in values}
        largest = max(sizes, key=lambda name: sizes[name], default="")
        return _too_much(f"state[{largest!r}]", sizes.get(largest, 0))

    def read_entry(self, kind: str, data: bytes) -> Entry:
        """The entry of a row's kind and bytes. Raises `FileDamagedError`."""
        return self._entries.read(kind, data)

    def read(self, data: bytes) -> Stored:
        """What a checkpoint's row holds. Raises `FileDamagedError`."""
        match self.codec.decode(data):
            case [list(head), list(values), wrote]:
                return Stored(head, values, wrote)
        raise FileDamagedError("a checkpoint's record has an unknown form")

    def values(self, records: Iterable[bytes]) -> dict[str, Any]:
        """The channels' values after a branch's rows, from a full one on. Raises `FileDamagedError`."""
        values: dict[str, Any] = {}
        for data in records:
            self.read(data).change(values)
        return values


class Stored:
    """One checkpoint's row, decoded."""

    __slots__ = ("_head", "_values", "_wrote")

    def __init__(self, head: list[Any], values: list[Any], wrote: Any) -> None:
        self._head, self._values, self._wrote = head, values, wrote

    def change(self, values: dict[str, Any]) -> None:
        """Make ``values``, those of the row before, the values of this checkpoint. Lists that grow are extended."""
        for name, how, *given in self._values:
            match how:
                case 0:  # _SET
                    value = given[0]
                    values[name] = list(value) if type(value) is list else value
                case 2:  # _GONE
                    values.pop(name, None)
                case _:
                    base = values.get(name)
                    if type(base) is not list:
                        raise FileDamagedError(f"the list that {name!r} grew from is missing")
                    base.extend(self._rest(how, given[0]))

    def wrote(self, before: Mapping[str, Any]) -> Wrote | None:
        """The write that led here, of a task of the parent; ``before`` are the parent's values."""
        if self._wrote is None:
            return None
        task, updates, goto = self._wrote
        found = tuple((name, given[0] if how == _OWN else self._value(name, before)) for name, how, *given in updates)
        return Wrote(task, found, tuple(g if isinstance(g, str) else Send(*g) for g in goto))

    def _rest(self, how: int, given: Any) -> list[Any]:
        """What a list grew by."""
        match how:
            case 1:  # _GREW
                rest = given
            case 3:  # _GREW_AS_WRITTEN
                rest = self._wrote[1][given][2]
            case _:
                raise FileDamagedError(f"a value is stored in an unknown way ({how})")
        if type(rest) is not list:
            raise FileDamagedError("the rest of a list is no list")
        return rest

    def _value(self, name: str, before: Mapping[str, Any]) -> Any:
        how, *given = next(stored[1:] for stored in self._values if stored[0] == name)
        return given[0] if how == _SET else [*before.get(name, ()), *self._rest(how, given[0])]

    @property
    def tasks(self) -> dict[str, str]:
        """Task id to node."""
        return {id_: node for id_, node, *_ in self._head[4]}

    def checkpoint(self, values: Mapping[str, Any]) -> Checkpoint:
        """The checkpoint with its values. Raises `FileDamagedError`."""
        match self._head:
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


class _Packing:
    """One checkpoint on its way into a row: its tree for the packer, and its JSON."""

    def __init__(self, codec: Codec, change: Change, lists: Lists, *, trusting: bool) -> None:
        self._codec, self._change, self._lists, self._trusting = codec, change, lists, trusting
        self._shown: dict[str, Any] = {}
        """The JSON's members; values by what `shape` made of them where they are not plain."""
        self._grown: list[tuple[str, list[Any], int | None]] = []

    def tree(self) -> list[Any]:
        """What the packer packs."""
        cp = self._change.checkpoint
        updates: list[Any] = []
        shown: dict[str, Any] = {"source": cp.source, "ran": cp.ran, "next": [t.node for t in cp.tasks]}
        shown["changed"] = cp.changed
        self._shown = shown
        values = self._values(updates)
        wrote = self._change.wrote
        if wrote is None:
            return [self._head(cp), values, None]
        goto = [
            t
            if isinstance(t, str)
            else [t.node, self._codec.lowered(t.arg, f"Send({t.node!r}).arg", trusting=self._trusting)[0]]
            for t in wrote.goto
        ]
        if goto:
            shown["goto"] = [t if isinstance(t, str) else t.node for t in wrote.goto]
        return [self._head(cp), values, [wrote.task, updates, goto]]

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
                path = f"the input of {t.node!r}"
                tasks.append([t.id, t.node, self._codec.lowered(t.arg, path, trusting=self._trusting)[0]])
        ran, changed = list(cp.ran), list(cp.changed)
        head: list[Any] = [cp.id, cp.parent, cp.step, cp.source, tasks, ran, changed, {}, cp.at]
        if cp.arrived:
            head[7] = {edge: sorted(sources) for edge, sources in cp.arrived.items()}
        if more := _more(cp):
            head.append(more)
        return head

    def _values(self, updates: list[Any]) -> list[Any]:
        """How each channel's value stands in the row, and how each update of the write does."""
        change, shown = self._change, self._shown
        values, wrote = change.checkpoint.values, change.wrote
        written = () if wrote is None else wrote.updates
        stored: list[Any] = []
        set_: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        hows: dict[int, tuple[int, Any]] = {}
        """Of the write's updates: how it is shown, and what is shown."""
        for name in change.names:
            value = values.get(name, MISSING)
            if value is MISSING:
                stored.append([name, _GONE])
                shown.setdefault("gone", []).append(name)
                self._grown.append((name, [], GONE))
                continue
            same = -1
            for i, (key, update) in enumerate(written):
                if update is value and key == name:
                    same = i
            if type(value) is list:
                grown = None if change.full else self._lists.grown(name, value, change.joined)
                self._grown.append((name, value, grown))
                if grown is not None:
                    tail = value[grown:]
                    which = -1 if same >= 0 else _written_as(tail, name, written)
                    if which >= 0:
                        stored.append([name, _GREW_AS_WRITTEN, which])
                        hows[which] = (_SHOWN_AS_REST, None)
                    else:
                        tree, seen = self._lower(tail, name, grown)
                        stored.append([name, _GREW, tree])
                        rest[name] = seen
                        if same >= 0:
                            hows[same] = (_SHOWN, _short(value, self._lists.size(value)))
                    continue
            else:
                self._grown.append((name, [], GONE))  # whatever list it was before, it is none now
            tree, seen = self._lower(value, name)
            stored.append([name, _SET, tree])
            if same >= 0:
                hows[same] = (_SHOWN_AS_VALUE, seen)
            else:
                set_[name] = seen
        if set_:
            shown["set"] = set_
        if rest:
            shown["add"] = rest
        if written:
            shown["wrote"] = self._updates(written, hows, updates)
        return stored

    def _updates(
        self, written: Sequence[tuple[str, Any]], hows: Mapping[int, tuple[int, Any]], updates: list[Any]
    ) -> list[Any]:
        """Fill ``updates`` with how each one stands in the row; what the JSON shows of them."""
        shown: list[Any] = []
        for i, (name, value) in enumerate(written):
            how, seen = hows.get(i, (None, None))
            if how is None or how == _SHOWN_AS_REST:
                tree, seen = self._lower(value, name)
                updates.append([name, _OWN, tree])
            else:
                updates.append([name, _AS_STORED])
            shown.append((name, seen, how) if how else (name, seen))
        return shown

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


def _too_much(path: str, size: int) -> UnstorableValueError:
    return UnstorableValueError(
        f"{path} cannot be stored: it takes {size >> 20:,} MB, and one step may take {LARGEST_ROW >> 20} MB. Write it"
        " to a file, and keep the file's path in the state",
        path,
    )


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
