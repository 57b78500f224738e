"""Results that are kept, handed to a body that may change them: what is kept stays what was returned. Pure."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def apart(value: T) -> T:
    """``value`` with lists, dicts, sets and tuples of its own; whatever else is in them is shared.

    A checkpointer in memory keeps the very objects. What holds itself is given as it is.
    """
    try:
        return _apart(value)
    except RecursionError:
        return value


def _apart(value: T) -> T:
    kind = type(value)
    found: object = value
    if kind is list:
        found = [_apart(part) for part in value]  # type: ignore[attr-defined]
    elif kind is dict:
        found = {name: _apart(part) for name, part in value.items()}  # type: ignore[attr-defined]
    elif kind is tuple:
        found = tuple([_apart(part) for part in value])  # type: ignore[attr-defined]
    elif kind is set:
        found = set(value)  # type: ignore[call-overload]
    return found  # type: ignore[return-value]
