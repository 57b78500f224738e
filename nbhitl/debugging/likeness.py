"""Whether two values of a state are the same, and what they consist of. Pure; never raises.

Stricter than ``==`` where that hides a change (``1`` and ``True`` and ``1.0`` differ), and milder where it invents one:
a NaN is the same as a NaN, and two objects with the same fields are the same although their class does not say so.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final

FRAMES: Final = frozenset((package, name) for package in ("pandas", "polars") for name in ("DataFrame", "Series"))
_PLAIN: Final = frozenset({str, bytes, bytearray, int, bool, type(None), complex})
DEEPEST: Final = 200
"""Levels that are looked into; values that differ only below count as the same."""


def same(old: Any, new: Any) -> bool:
    """Whether there is nothing to tell the two apart by. Never raises, whatever the values' own ``==`` does."""
    return _same(old, new, set(), 0)


def kind_of(value: Any) -> tuple[str, str]:
    """The package and the name of a value's class: ``("pandas", "DataFrame")``."""
    cls = type(value)
    return str(cls.__module__).partition(".")[0], cls.__name__


def is_frame(value: Any) -> bool:
    """Whether a value calls itself a frame or a series of pandas or polars."""
    return kind_of(value) in FRAMES


def is_array(value: Any) -> bool:
    """Whether a value calls itself an array of numpy."""
    return kind_of(value) == ("numpy", "ndarray")


def is_opaque(value: Any) -> bool:
    """Whether a value was loaded without its class (`nbhitl.checkpoint.values.opaque`); ``data`` is what it holds."""
    return kind_of(value) == ("nbhitl", "Opaque")


def held(value: Any) -> Any:
    """A list, a tuple or a dict as one of the built-in class: what it really holds, whatever its own class says."""
    match value:
        case list():
            return value if type(value) is list else [*list.__iter__(value)]
        case tuple():
            return value if type(value) is tuple else (*tuple.__iter__(value),)
        case dict():
            return value if type(value) is dict else dict(zip(dict.keys(value), dict.values(value), strict=True))
    return value


def fields_of(value: Any) -> Mapping[str, Any] | None:
    """The fields of a dataclass, a pydantic model or a named tuple by name; None for other values. Never raises."""
    cls = type(value)
    if isinstance(value, type):
        return None
    try:
        if is_opaque(value):
            return value.data if type(value.data) is dict else {"data": value.data}
        if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value)]
        elif isinstance(getattr(cls, "__pydantic_fields__", None), dict):
            extra = vars(value).get("__pydantic_extra__")
            return {**vars(value), **(extra if isinstance(extra, dict) else {})}
        elif issubclass(cls, tuple) and isinstance(named := getattr(cls, "_fields", None), tuple):
            return dict(zip(named, tuple.__iter__(value), strict=False))
        else:
            return None
        return {name: getattr(value, name) for name in names if hasattr(value, name)}
    except Exception:  # noqa: BLE001 - a stranger's class; then it is looked at from outside
        return None


_Seen = set[tuple[int, int]]
"""Pairs that were met before: they are the same, or the whole is not, since the first difference ends the search."""


def _same(old: Any, new: Any, seen: _Seen, depth: int) -> bool:
    if old is new or depth > DEEPEST:
        return True
    if type(old) is not type(new):
        return False
    kind = type(old)
    if kind in _PLAIN:
        return bool(old == new)
    if kind is float:
        return old == new or (math.isnan(old) and math.isnan(new))
    pair = (id(old), id(new))
    if pair in seen:  # a value that holds itself, or the same part many times over
        return True
    seen.add(pair)
    try:
        if isinstance(old, list | tuple):
            one, other = held(old), held(new)
            if len(one) != len(other):
                return False
            return all(_same(a, b, seen, depth + 1) for a, b in zip(one, other, strict=True))
        if isinstance(old, dict):
            return _same_dicts(held(old), held(new), seen, depth)
        return _same_objects(old, new, seen, depth)
    except Exception:  # noqa: BLE001 - a stranger's code; without a judgement the values count as changed
        return False


def _same_dicts(old: dict[Any, Any], new: dict[Any, Any], seen: _Seen, depth: int) -> bool:
    return old.keys() == new.keys() and all(_same(item, new[key], seen, depth + 1) for key, item in old.items())


def _same_objects(old: Any, new: Any, seen: _Seen, depth: int) -> bool:
    if is_frame(old):
        return _same_types(old, new) and bool(old.equals(new))
    if is_array(old):
        return _same_arrays(old, new)
    fields = fields_of(old), fields_of(new)
    if fields[0] is not None and fields[1] is not None:
        return _same_dicts(dict(fields[0]), dict(fields[1]), seen, depth)
    compares: Any = type(old).__eq__
    if compares is object.__eq__:  # loaded from a file they are two, and their class does not compare them
        one, other = getattr(old, "__dict__", None), getattr(new, "__dict__", None)
        return isinstance(one, dict) and isinstance(other, dict) and _same_dicts(one, other, seen, depth)
    return bool(old == new)


def _same_types(old: Any, new: Any) -> bool:
    """Whether the columns of two frames (or two series) are of the same types."""
    if kind_of(old)[1] == "Series":
        return bool(old.dtype == new.dtype and old.name == new.name)
    return list(old.dtypes) == list(new.dtypes)


def _same_arrays(old: Any, new: Any) -> bool:
    import numpy as np

    if old.shape != new.shape or old.dtype != new.dtype:
        return False
    if old.dtype.kind in "fc":
        return bool(np.array_equal(old, new, equal_nan=True))
    return bool(np.array_equal(old, new))
