"""What a value consists of, for whoever shows it part by part. Pure; never raises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from nbhitl.debugging.likeness import fields_of, held
from nbhitl.debugging.looks import brief


@dataclass(frozen=True, slots=True)
class Parts:
    """The first parts of a value."""

    named: tuple[tuple[str, Any], ...]
    """Name and value: ``title``, ``'two words'``, ``3``; the items of a set have no names."""
    more: int
    """Parts beyond these."""


def parts_of(value: Any, most: int) -> Parts | None:
    """The first ``most`` parts of a dict, a list, a tuple, a set, or an object with fields; None for other values."""
    try:
        fields = fields_of(value)
        match value:
            case _ if fields is not None:
                return _cut(fields.items(), len(fields), most)
            case dict():
                inner = held(value)
                return _cut(((_name(key), item) for key, item in inner.items()), len(inner), most)
            case list() | tuple():
                inner = held(value)
                return _cut(((str(place), item) for place, item in enumerate(inner)), len(inner), most)
            case set() | frozenset():
                return _cut((("", item) for item in value), len(value), most)
    except Exception:  # noqa: BLE001 - a stranger's class; then it is shown as a whole
        return None
    return None


def _cut(named: Iterable[tuple[str, Any]], count: int, most: int) -> Parts:
    return Parts(tuple(islice(named, most)), max(0, count - most))


def _name(key: Any) -> str:
    return key if type(key) is str and key.isidentifier() else brief(key, 60)


def outlined(value: Any, lines: int) -> Iterator[str]:
    """A value as indented lines of text, a part each, at most so many; the last one says what is left out."""
    found = _lines(value, "", 0, lines)
    yield from islice(found, lines)
    if next(found, None) is not None:
        yield "\u2026 and more"


def _lines(value: Any, indent: str, depth: int, most: int) -> Iterator[str]:
    parts = parts_of(value, most)
    if parts is None or depth > 8:
        yield f"{indent}{brief(value, 400)}"
        return
    for name, item in parts.named:
        head = f"{indent}{name}: " if name else f"{indent}- "
        inner = parts_of(item, 1)
        short = brief(item, 100)
        if inner is None or not inner.named or (not short.endswith("\u2026") and "\u2026" not in short):
            yield head + (brief(item, 400) if inner is None else short)
        else:
            yield head.rstrip()
            yield from _lines(item, f"{indent}  ", depth + 1, most)
    if parts.more:
        yield f"{indent}\u2026 {parts.more:,} more"
