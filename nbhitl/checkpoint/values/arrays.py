"""numpy arrays and scalars as (dtype, shape, bytes). Uses numpy only when it is loaded.

The memory order is kept (sums depend on it): C or Fortran; other strides become C. What comes back is writable.
"""

from __future__ import annotations

import math
import re
import sys
from typing import Any, Final

from nbhitl.checkpoint.values.kinds import Kind, Refusal, missing

# Plain numbers, booleans, text, bytes, dates. No objects, no records, no long doubles (their layout is the
# CPU's).
_DTYPE: Final = re.compile(r"[<>|=](b1|[iu][1248]|f[248]|c8|c16|[SU]\d{1,9}|[mM]8(\[\d*[A-Za-zμ]{1,8}\])?)")


def numpy_kind(cls: type) -> Kind | None:
    """How a numpy value is stored; None for other classes, and for subclasses of ``ndarray``."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if cls is numpy.ndarray:
        return Kind.ARRAY
    return Kind.NUMPY_SCALAR if issubclass(cls, numpy.generic) else None


def array_parts(kind: Kind, value: Any) -> Any:
    """Take an array or a scalar apart. Raises `Refusal` for a dtype outside the allow-list."""
    dtype = value.dtype
    name = dtype.str
    if dtype.metadata is not None:
        raise Refusal("has a dtype with metadata, which would be lost: use .astype(...) with a plain dtype")
    if not _DTYPE.fullmatch(name):
        what = "an array" if kind is Kind.ARRAY else "a numpy value"
        raise Refusal(f"is {what} of dtype {dtype}: use numbers, booleans, text or dates, or .tolist()")
    if kind is Kind.NUMPY_SCALAR:
        cls = type(value)
        if sys.modules["numpy"].dtype(name).type is not cls:  # a subclass, or a second name of an int's width
            raise Refusal(
                f"is a {cls.__module__}.{cls.__qualname__} that would come back changed: convert it to {dtype}"
            )
        if name[1] in "SU":  # keeps trailing NULs, which the fixed-width form would drop
            return [name, bytes.__getitem__(value, slice(None)) if name[1] == "S" else str.__str__(value)]
        return [name, value.tobytes()]
    if value.flags.fnc:  # Fortran's order and not C's
        return [name, list(value.shape), value.tobytes("F"), "F"]
    return [name, list(value.shape), value.tobytes("C")]


def make_array(kind: Kind, parts: Any) -> Any:
    """Rebuild an array or a scalar. Raises `Unfit` when the program has not imported numpy."""
    name, *rest = parts
    if not isinstance(name, str) or not _DTYPE.fullmatch(name):
        raise ValueError("a dtype outside the allow-list")
    numpy = sys.modules.get("numpy")
    if numpy is None:
        raise missing("numpy")
    dtype = numpy.dtype(name)
    if kind is Kind.NUMPY_SCALAR:
        (data,) = rest
        if name[1] == "U":
            return numpy.str_(data)
        if name[1] == "S":
            return numpy.bytes_(data)
        return _scalar(numpy, dtype, data)
    shape, data, *more = rest
    order = "F" if more == ["F"] else "C"
    if any(type(n) is not int or n < 0 for n in shape) or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError("the shape does not fit the data")
    if not dtype.itemsize:  # numpy would make it one wide, and as long as the data says
        raise ValueError("a dtype of no width")
    if not data:
        return numpy.empty(tuple(shape), dtype, order)
    return numpy.frombuffer(data, dtype).reshape(tuple(shape), order=order).copy(order)


def _scalar(numpy: Any, dtype: Any, data: bytes) -> Any:
    if len(data) != dtype.itemsize:
        raise ValueError("the data does not fit the dtype")
    return numpy.frombuffer(data, dtype)[0]
