"""Results that are kept, handed to a body that may change them: what is kept stays what was returned. Pure."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def apart(value: T) -> T:
    """``value`` with lists, dicts, sets and tuples of its own; whatever else is in them is shared.

    A checkpointer in memory keeps the very objects. What holds itself is given as it is.
    """
    try:
        found: T = _apart(value)
    except RecursionError:
        return value
    return found


def _apart(value: Any) -> Any:
    kind = type(value)
    if kind is list:
        return [_apart(part) for part in value]
    if kind is dict:
        return {name: _apart(part) for name, part in value.items()}
    if kind is tuple:
        return tuple([_apart(part) for part in value])
    return set(value) if kind is set else value
