"""How a value looks in one line: its type, its size, and its text. For any value of anybody; never raises.

Nothing here shows more of a value than it is asked for: of a list of a million items it reads the first few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from itertools import islice
from typing import Any, Final

from nbhitl.debugging.likeness import fields_of, held, is_array, is_frame, is_opaque, kind_of
from nbhitl.words import readable

ITEMS: Final = 6
"""Items of a list or a dict that are shown in one line."""
DEEPEST: Final = 4
"""Levels that are shown in one line."""
_SHORT: Final = (bool, int, float, complex, type(None))


def brief(value: Any, room: int = 120) -> str:
    """The value in one line of at most ``room`` characters; what is left out is marked. Never raises."""
    try:
        text = "".join(_pieces(value, room, 0))
    except Exception as broken:  # noqa: BLE001 - a stranger's code, or deeper than Python goes
        text = f"<{type_name(value)}: its repr raised {type(broken).__name__}>"
    return cut(text, room)


def cut(text: str, room: int) -> str:
    """A text in one line of at most ``room`` characters; what is left out is marked."""
    line = readable(" ".join(text.split()))
    return line if len(line) <= room else f"{line[: max(room - 1, 0)]}\u2026"


def printable(text: str) -> str:
    """The text, line by line, with a mark in the place of each character that has no shape, such as an escape."""
    return text if text.isprintable() else "\n".join(map(readable, text.expandtabs(4).split("\n")))


def type_name(value: Any) -> str:
    """What people call the value's type: ``list``, ``DataFrame``, ``Review``; of an array with what it holds."""
    try:
        if is_array(value):
            return f"ndarray of {value.dtype}"
        if is_opaque(value):
            return f"{value.type_name} (not loaded)"
        return "None" if value is None else printable(type(value).__name__)[:60]
    except Exception:  # noqa: BLE001 - a stranger's class
        return "object"


def sized(value: Any) -> str:
    """How large a value is, in words that fit its type; empty for what has no size. Never raises."""
    try:
        return _size(value)
    except Exception:  # noqa: BLE001 - a stranger's len or shape
        return ""


def _size(value: Any) -> str:
    match value:
        case str():
            return _count(str.__len__(value), "character")
        case bytes() | bytearray():
            return _count(len(value), "byte")
        case dict():
            return _count(dict.__len__(value), "key")
        case list():
            return _count(list.__len__(value), "item")
        case tuple():
            return _count(tuple.__len__(value), "item")
        case set() | frozenset():
            return _count(len(value), "item")
    if is_frame(value):
        rows, *columns = value.shape
        return ", ".join([_count(int(rows), "row"), *[_count(int(n), "column") for n in columns]])
    if is_array(value):
        return " \u00d7 ".join(f"{int(n):,}" for n in value.shape) or "one number"
    fields = fields_of(value)
    if fields is not None:
        return _count(len(fields), "field")
    return _count(len(value), "item") if isinstance(value, Sized) and not isinstance(value, type) else ""


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _pieces(value: Any, room: int, depth: int) -> Iterator[str]:
    kind = type(value)
    if kind in _SHORT:
        yield _number(value) if kind is int else repr(value)
    elif isinstance(value, str):
        cut = str.__getitem__(value, slice(0, room))
        yield repr(str(cut)) if len(cut) == str.__len__(value) else f"{str(cut)!r}\u2026"
    elif isinstance(value, bytes | bytearray):
        yield repr(bytes(value[:room]))
    elif is_frame(value) or is_array(value):
        yield f"<{type_name(value)}, {sized(value)}>"
    elif kind_of(value)[0] == "numpy" and callable(getattr(value, "item", None)):
        yield from _pieces(value.item(), room, depth + 1) if depth < DEEPEST else repr(value)
    elif isinstance(value, dict):
        yield from _of_dict(value, room, depth)
    elif (fields := fields_of(value)) is not None:
        inner = ((f"{name}=", item) for name, item in fields.items())
        yield from _joined(f"{type_name(value)}(", ")", inner, len(fields), room, depth)
    elif (brackets := _brackets(value)) is not None:
        items = held(value)
        yield from _joined(*brackets, (("", item) for item in items), len(items), room, depth)
    else:
        yield _plain_repr(value, room)


def _brackets(value: Any) -> tuple[str, str] | None:
    """What stands around the items of a list, a tuple or a set; None for other values."""
    match value:
        case list():
            return "[", "]"
        case tuple():
            return "(", ")"
        case set() | frozenset() if type(value) in (set, frozenset) and value:
            return ("{", "}") if type(value) is set else ("frozenset({", "})")
    return None


def _of_dict(value: dict[Any, Any], room: int, depth: int) -> Iterator[str]:
    inner = ((f"{brief(key, 40)}: ", item) for key, item in dict.items(value))
    yield from _joined("{", "}", inner, dict.__len__(value), room, depth)


def _joined(left: str, right: str, inner: Any, count: int, room: int, depth: int) -> Iterator[str]:
    yield left
    if depth >= DEEPEST:
        yield "\u2026" if count else ""
    else:
        for place, (name, item) in enumerate(islice(inner, ITEMS)):
            yield ", " * (place > 0) + name
            yield from _pieces(item, room, depth + 1)
        if count > ITEMS:
            yield f", \u2026 {count - ITEMS:,} more"
    yield right


def _number(value: int) -> str:
    """Of a number with thousands of digits, that Python refuses to write out, how long it is."""
    bits = value.bit_length()
    return repr(value) if bits < 10_000 else f"<int of {bits:,} bits>"


def _plain_repr(value: Any, room: int) -> str:
    text = repr(value)
    if type(text) is not str:
        text = str.__str__(text)
    return text[: 4 * room + 100]
