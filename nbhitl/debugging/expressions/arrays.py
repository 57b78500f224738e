"""Arrays and frames in expressions: what of numpy, pandas and polars may be called, found without importing them."""

from __future__ import annotations

import itertools
import sys
from typing import Any

_CLASSES = {"numpy": ("ndarray",), "pandas": ("Series", "DataFrame", "Index"), "polars": ("Series", "DataFrame")}
_NAMES = frozenset(itertools.chain(*_CLASSES.values()))

REDUCTIONS = frozenset(
    ["all", "any", "count", "is_null", "isna", "max", "mean", "median", "min", "notna", "nunique", "std", "sum"]
)
"""Methods of arrays and frames that an expression may call: what they return is one value, or of the same size."""


def is_array(value: Any) -> bool:
    """Whether a value is exactly of a class of numpy, pandas or polars that answers a comparison element by element."""
    return is_array_class(type(value))


def is_array_class(kind: type) -> bool:
    """Whether a class is one of those; see `is_array`."""
    if kind.__name__ not in _NAMES:
        return False
    root = str(kind.__module__).partition(".")[0]
    module = sys.modules.get(root)
    return any(getattr(module, name, None) is kind for name in _CLASSES.get(root, ()))


def is_frame(value: Any) -> bool:
    """Whether a value is a table with named columns."""
    return type(value).__name__ == "DataFrame" and is_array(value)


def is_numeric(value: Any) -> bool:
    """Whether all elements of an array are numbers of a fixed size, so that no product of them can grow."""
    found = getattr(value, "dtypes", None) if is_frame(value) else [value.dtype]
    return all(getattr(kind, "kind", "") in tuple("biufc") or _polars_number(kind) for kind in found or ())


def _polars_number(kind: Any) -> bool:
    asked = getattr(kind, "is_numeric", None)
    return bool(callable(asked) and asked())


def cells(left: Any, right: Any) -> int:
    """How many elements an operation on two values has, one of them an array: shapes are stretched to fit."""
    shapes = [getattr(value, "shape", ()) if is_array(value) else () for value in (left, right)]
    total = 1
    for pair in itertools.zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1):
        total *= max(pair)
    return total
