"""What changed between two values, part by part: keys, list items, cells of frames and arrays. Pure; never raises.

Lists are aligned, so that an item that was put in front is one addition and not a change of all that follow. Whatever
is too large to compare as a whole says how much of it is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from nbhitl.debugging.aligned import aligned
from nbhitl.debugging.cells import cells_of
from nbhitl.debugging.likeness import fields_of, held, is_array, kind_of, same
from nbhitl.debugging.looks import brief, sized, type_name
from nbhitl.engine.records import MISSING

Change: TypeAlias = Literal["added", "removed", "changed", "more"]
MOST: Final = 50
"""Differences inside one list, dict or table that are told one by one."""
ALTOGETHER: Final = 400
"""Differences of two states that are told one by one."""
COUNTED: Final = 10_000
"""Differences that are counted beyond those that are told."""
SHORT: Final = 160
"""Characters of a text whose length says nothing that it does not show."""
DEEPEST: Final = 12
"""Levels below which a part counts as a whole."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that changed."""

    path: tuple[str, ...]
    """Where: the state's key, then ``.name``, ``['a key']``, ``[3]`` or ``[row 3, price]``."""
    change: Change
    """``more``: there are further differences here, see `count`."""
    old: Any = MISSING
    new: Any = MISSING
    note: str = ""
    """In words what the two values do not show by themselves: ``+2``, ``int became str``, ``3 rows became 4``."""
    count: int = 0
    """Of ``more``: how many differences are left out; 0 where nobody counted."""

    @property
    def key(self) -> str:
        """The key of the state."""
        return self.path[0] if self.path else ""

    @property
    def where(self) -> str:
        """The path as one text: ``messages[2].content``."""
        return "".join(self.path)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What changed from one state to another, key by key in the order of ``new``, at most `ALTOGETHER` of them.

    A value that is in only one of the two is told as a whole. Never raises, whatever the values' classes do.
    """
    found = _Finder().members(old, new, (), lambda key, path: (str(key),))
    told = tuple(islice(found, ALTOGETHER))
    return (*told, Difference((), "more")) if next(found, None) is not None else told


def between(old: Any, new: Any, path: tuple[str, ...] = ()) -> tuple[Difference, ...]:
    """As `differences`, of two single values that stand at ``path``."""
    return tuple(islice(_Finder().values(old, new, path), ALTOGETHER))


class _Finder:
    """Walks two values side by side; remembers which pairs it is in, as a value may hold itself."""

    def __init__(self) -> None:
        self._inside: set[tuple[int, int]] = set()

    def values(self, old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Difference]:
        if same(old, new):
            return
        pair = (id(old), id(new))
        if pair in self._inside:
            return
        self._inside.add(pair)
        try:
            parts = self._parts(old, new, path) if len(path) < DEEPEST and type(old) is type(new) else iter(())
            found = _safely(parts, path)
            first = next(found, None)
            if first is None or first.change == "more":  # no parts, or they do not say what changed
                yield Difference(path, "changed", old, new, _note(old, new))
            else:
                yield first
                yield from found
        finally:
            self._inside.discard(pair)

    def _parts(self, old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Difference]:
        """The differences of the parts of two values of one class; none for values without parts."""
        fields = fields_of(old), fields_of(new)
        if fields[0] is not None and fields[1] is not None:
            return self.members(fields[0], fields[1], path, lambda key, at: (*at, f".{key}"))
        if isinstance(old, list | tuple):
            return self._items(held(old), held(new), path)
        if isinstance(old, dict):
            return self.members(held(old), held(new), path, _member)
        if isinstance(old, set | frozenset):
            return _of_sets(old, new, path)
        return _of_cells(old, new, path)

    def members(self, old: Mapping[Any, Any], new: Mapping[Any, Any], path: Any, name: Any) -> Iterator[Difference]:
        """The differences of two mappings, in the order of the new one."""
        pairs = ((key, old.get(key, MISSING), new.get(key, MISSING)) for key in dict.fromkeys((*new, *old)))
        limit = MOST if path else None
        yield from _at_most(limit, path, (self._pair(was, now, name(key, path)) for key, was, now in pairs))

    def _items(self, old: Sequence[Any], new: Sequence[Any], path: tuple[str, ...]) -> Iterator[Difference]:
        def found() -> Iterator[Iterator[Difference]]:
            for before, after in aligned(old, new):
                was = MISSING if before is None else old[before]
                now = MISSING if after is None else new[after]
                yield self._pair(was, now, (*path, f"[{before if after is None else after}]"))

        yield from _at_most(MOST, path, found())

    def _pair(self, old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Difference]:
        if old is MISSING:
            yield Difference(path, "added", new=new)
        elif new is MISSING:
            yield Difference(path, "removed", old=old)
        else:
            yield from self.values(old, new, path)


def _at_most(limit: int | None, path: tuple[str, ...], found: Iterable[Iterator[Difference]]) -> Iterator[Difference]:
    """All differences, as far as there are not more parts with some than ``limit``: the rest is counted."""
    told = rest = 0
    for several in found:
        first = next(several, None)
        if first is None:
            continue
        if limit is not None and told >= limit:
            rest += 1
            if rest == COUNTED:
                yield Difference(path, "more", note=f"more than {COUNTED:,} more")
                return
            continue
        told += 1
        yield first
        yield from several
    if rest:
        yield Difference(path, "more", count=rest)


def _member(key: Any, path: tuple[str, ...]) -> tuple[str, ...]:
    plain = isinstance(key, str) and key.isidentifier()
    return (*path, f".{key}" if plain else f"[{brief(key, 60)}]")


def _of_sets(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Difference]:
    gone = (_one("removed", item, path) for item in old if item not in new)
    come = (_one("added", item, path) for item in new if item not in old)
    yield from _at_most(MOST, path, (iter((each,)) for each in (*gone, *come)))


def _one(change: Literal["added", "removed"], item: Any, path: tuple[str, ...]) -> Difference:
    at = (*path, f"{{{brief(item, 40)}}}")
    return Difference(at, change, new=item) if change == "added" else Difference(at, change, old=item)


def _of_cells(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Difference]:
    """The differences of two frames or arrays."""
    found = cells_of(old, new)
    if found is None:
        return
    if found.note:
        yield Difference(path, "changed", old, new, found.note)
    for part in found.parts:
        yield Difference((*path, part.name), part.change, part.old, part.new, part.note or delta(part.old, part.new))
    if found.more:
        yield Difference(path, "more", count=found.more)


def _safely(found: Iterator[Difference], path: tuple[str, ...]) -> Iterator[Difference]:
    """The differences up to where a stranger's class breaks the comparison off."""
    try:
        yield from found
    except Exception as error:  # noqa: BLE001 - whatever the values' own code raises
        yield Difference(path, "more", note=f"comparing raised {type(error).__name__}")


def delta(old: Any, new: Any) -> str:
    """By how much a number changed: ``+2``; empty for what is no number."""
    old, new = _number(old), _number(new)
    if old is None or new is None:
        return ""
    try:
        return f"{new - old:+,}" if type(old) is type(new) is int else f"{new - old:+.6g}"
    except (ValueError, OverflowError):  # digits beyond what is turned into text
        return ""


def _number(value: Any) -> int | float | None:
    """An exact number of Python, also for one of numpy; None for everything else."""
    if kind_of(value)[0] == "numpy" and not is_array(value) and callable(getattr(value, "item", None)):
        value = value.item()
    return value if type(value) in (int, float) else None


def _note(old: Any, new: Any) -> str:
    if type(old) is not type(new):
        return f"{type_name(old)} became {type_name(new)}"
    if isinstance(old, str | bytes) and max(len(old), len(new)) < SHORT:
        return ""
    sizes = sized(old), sized(new)
    return delta(old, new) or (f"{sizes[0]} became {sizes[1]}" if sizes[0] != sizes[1] else "")
