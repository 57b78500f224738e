"""Checkpoints <-> rows of the journal. Pure: knows neither SQL nor files.

A branch is a linear run of checkpoints, one row each. Most rows hold what changed: a channel's new value, the rest of
a list that grew, or that a channel has no value any more; the first row of a branch, and one from time to time, is
full. So a position is rebuilt from a branch's rows since its last full one (`Journal.values`). The write of a step's
last task stands in the row of the checkpoint that it led to. The bytes of a row say everything; the other columns and
the JSON repeat what SQL needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbhitl.checkpoint.entries import Entries
from nbhitl.checkpoint.file.parts import LARGEST_ROW
from nbhitl.checkpoint.file.schema import COLUMNS
from nbhitl.checkpoint.packing import Change, Held, Packing, Update
from nbhitl.checkpoint.rows import BYTES, FULL, Place, Row
from nbhitl.engine.errors import FileDamagedError, UnstorableValueError
from nbhitl.engine.records import EMPTY, MISSING, Checkpoint, Entry, Send, Task, Wrote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nbhitl.checkpoint.growth import Lists
    from nbhitl.checkpoint.values.codec import Codec

_KIND, _NODE = COLUMNS.index("kind") - 1, COLUMNS.index("node") - 1


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
            packing = Packing(self.codec, change, lists, trusting=True)
            data = self.codec.pack(packing.tree())
        except (OverflowError, UnicodeEncodeError):  # plain data that is not quite
            packing = Packing(self.codec, change, lists, trusting=False)
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
                case Held.WHOLE:
                    value = given[0]
                    values[name] = list(value) if type(value) is list else value
                case Held.GONE:
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
        task, updates, goto, *by = self._wrote
        found = tuple(
            (name, given[0] if how == Update.OWN else self._value(name, before)) for name, how, *given in updates
        )
        targets = tuple(g if isinstance(g, str) else Send(*g) for g in goto)
        return Wrote(task, found, targets, by[0] if by else "")

    def _rest(self, how: int, given: Any) -> list[Any]:
        """What a list grew by."""
        match how:
            case Held.GREW:
                rest = given
            case Held.GREW_AS_WRITTEN:
                rest = self._wrote[1][given][2]
            case _:
                raise FileDamagedError(f"a value is stored in an unknown way ({how})")
        if type(rest) is not list:
            raise FileDamagedError("the rest of a list is no list")
        return rest

    def _value(self, name: str, before: Mapping[str, Any]) -> Any:
        how, *given = next(stored[1:] for stored in self._values if stored[0] == name)
        return given[0] if how == Held.WHOLE else [*before.get(name, ()), *self._rest(how, given[0])]

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


def _too_much(path: str, size: int) -> UnstorableValueError:
    return UnstorableValueError(
        f"{path} cannot be stored: it takes {size >> 20:,} MB, and one step may take {LARGEST_ROW >> 20} MB. Write it"
        " to a file, and keep the file's path in the state",
        path,
    )
