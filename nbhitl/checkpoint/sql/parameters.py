"""Values from Python as the parameters of a query: picked by name, and only of kinds that SQL has. Pure."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePath
from typing import Any, Final

from nbhitl.engine.errors import QueryRefused, did_you_mean

_LARGEST: Final = 1 << 127
_DEEPEST: Final = 20
_PLAIN: Final = (
    bool, float, bytes, bytearray, memoryview, decimal.Decimal, uuid.UUID,
    dt.date, dt.time, dt.timedelta,
)  # fmt: skip


def picked(names: AbstractSet[str], given: Sequence[Any] | Mapping[str, Any] | None) -> Any:
    """What a statement with these parameters is executed with.

    Args:
        names: of the statement's parameters; numbers for ``?``.
        given: values in order; or by name, and then it may have more than are named: a notebook's variables.

    Raises:
        QueryRefused: a name without a value, or a value that cannot be bound.
    """
    if given is None or not isinstance(given, Mapping):
        values = [value_of(str(i), value) for i, value in enumerate(given or (), 1)]
        if len(values) != len(names):
            raise QueryRefused(f"the query has {len(names)} parameters, and {len(values)} values were given")
        return values or None
    for name in sorted(names):
        if name not in given:
            if name.isdecimal():
                raise QueryRefused("? has no name: write $name, which takes the value of that name")
            known = [key for key in given if isinstance(key, str) and not key.startswith("_")]
            raise QueryRefused(f"${name}: there is no variable of that name.{did_you_mean(name, known)}")
    return {name: value_of(name, given[name]) for name in sorted(names)} or None


def value_of(name: str, value: Any, depth: int = 0) -> Any:
    """A value as duckdb takes it. Raises `QueryRefused`, which names it."""
    match value:
        case None:
            return None
        case bool():
            return value
        case int():
            if not -_LARGEST <= value < _LARGEST:
                raise QueryRefused(f"${name} is an integer of more than 128 bits: bind it as text")
            return int(value)
        case str():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise QueryRefused(f"${name} is a text with half a surrogate, which is no character") from None
            return str.__str__(value)
        case PurePath():
            return str(value)
        case _ if isinstance(value, _PLAIN):
            return value
    if depth > _DEEPEST:
        raise QueryRefused(f"${name} is nested more than {_DEEPEST} levels deep")
    if isinstance(value, (list, tuple, AbstractSet, range)):
        return [value_of(name, part, depth + 1) for part in value]
    if isinstance(value, Mapping):
        return {str(key): value_of(name, part, depth + 1) for key, part in value.items()}
    as_list = getattr(value, "tolist", None)  # of numpy and pandas: an array or a column, and a scalar as its value
    if callable(as_list) and not isinstance(value, type):
        return value_of(name, as_list(), depth + 1)
    raise QueryRefused(
        f"${name} is a {type(value).__name__}, which SQL cannot take: give text, a number, a time, a list, or None"
    )
