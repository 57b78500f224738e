"""A value's JSON text for SQL: readable and queryable, never the truth. Pure; None when there is none.

Sets become sorted lists, models become objects, numpy arrays lists (or a summary when large), frames their columns
and first rows, bytes and NaN null.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import sys
from collections import deque
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from nbhitl.checkpoint.values import pandas_values, polars_values
from nbhitl.checkpoint.values.fields import is_namedtuple, is_pydantic
from nbhitl.checkpoint.values.kinds import is_zone
from nbhitl.checkpoint.values.opaque import Opaque

if TYPE_CHECKING:
    from collections.abc import Callable

CAP: Final = 256 * 1024
"""Characters; a longer projection is left out."""
_LISTED: Final = 1000
"""Elements up to which an array is shown in full."""
_LARGEST: Final = 2**127

_text: Final[Callable[[Any], str]] = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode
quote: Final = _text


def json_text(value: Any, size: int, plain: bool) -> str | None:
    """The projection of a value stored in ``size`` bytes; ``plain``: it holds only JSON's types."""
    if value is None:
        return "null"
    if size > 4 * CAP and not _is_summed_up(value):
        return None
    try:
        text = _text(value) if plain and type(value) is not bytes else _text(shape(value))
    except (ValueError, TypeError):  # NaN, or bytes, somewhere inside
        text = _text(shape(value))
    if len(text) > CAP:
        return None
    return text if text.isascii() else utf8(text)


def utf8(text: str) -> str:
    """The text with lone surrogates replaced: SQL text is UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def shape(value: Any) -> Any:
    """The value as JSON's types. The caller knows it is storable, so neither cyclic nor too deep."""
    match value:
        case None | bool() | bytes() | bytearray():
            return value if value is None or isinstance(value, bool) else None
        case Enum():
            return shape(value.value) if isinstance(value.value, int | str | float) else value.name
        case int():
            return int(value) if -_LARGEST <= value < _LARGEST else None
        case float():
            return float(value) if math.isfinite(value) else None
        case str():
            return str(value)
        case dict():
            return {_key(k): shape(v) for k, v in value.items()}
        case list() | deque():
            return [shape(v) for v in value]
        case tuple():
            if is_namedtuple(type(value)):
                fields: tuple[str, ...] = getattr(value, "_fields", ())
                return dict(zip(fields, map(shape, value), strict=True))
            return [shape(v) for v in value]
        case set() | frozenset():
            return sorted((shape(v) for v in value), key=_text)
        case Decimal() | Fraction() | UUID() | PurePath() | complex() | range() | dt.timezone():
            return str(value)
        case dt.datetime() | dt.timedelta() if type(value).__module__.startswith("pandas"):
            return pandas_values.plain(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return value.total_seconds()
        case Opaque():
            return shape(value.data)
    return _shape_object(value)


def _shape_object(value: Any) -> Any:
    summary = pandas_values.summary(value) or polars_values.summary(value)
    if summary is not None:
        return shape(summary)
    if type(value).__module__.startswith("pandas"):
        return pandas_values.plain(value)
    if is_zone(type(value)):
        return str(value)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
        if value.size > _LISTED:
            return {"dtype": str(value.dtype), "shape": list(value.shape)}
        if value.dtype.kind in "mM":
            value = value.astype(str)
        return shape(value.tolist())
    if is_pydantic(type(value)):
        return {k: shape(v) for k, v in {**value.__dict__, **(value.__pydantic_extra__ or {})}.items()}
    if dataclasses.is_dataclass(value):
        return {f.name: shape(getattr(value, f.name, None)) for f in dataclasses.fields(value)}
    return None


def _is_summed_up(value: Any) -> bool:
    """Whether the JSON is short however large the value is."""
    return type(value).__module__.startswith(("numpy", "pandas", "polars"))


def _key(key: Any) -> str:
    return str(key) if isinstance(key, str) else _text(shape(key))
