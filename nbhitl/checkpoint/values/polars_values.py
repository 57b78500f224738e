"""polars frames and series, column by column, through the codec's own set. Uses polars only when it is loaded.

No Arrow IPC: the reader of polars 2.1 ends the process ("memory allocation of ... bytes failed") on damaged bytes.
"""

from __future__ import annotations

import array
import sys
from typing import Any, Final

from nbhitl.checkpoint.values.kinds import Parts, Refusal, missing

_FIXED: Final = {
    "Int8": "b", "Int16": "h", "Int32": "i", "Int64": "q", "UInt8": "B", "UInt16": "H", "UInt32": "I", "UInt64": "Q",
    "Float32": "f", "Float64": "d",
}  # fmt: skip
"""Types that are stored as bytes, with their code in `array`."""
_NAMED: Final = frozenset(
    {*_FIXED, "Int128", "UInt128", "Float16", "Boolean", "String", "Binary", "Null", "Date", "Time"}
)
_UNITS: Final = ("ms", "us", "ns")


def parts(value: Any) -> list[Any] | None:
    """Take a frame or a series apart, None for other values. Raises `Refusal` for a type that is not covered."""
    cls = type(value)
    polars = sys.modules.get("polars") if cls.__module__.startswith("polars") else None
    if polars is None:
        return None
    if cls is polars.DataFrame:
        columns = [Parts(f"[{column.name!r}]", *_labelled(polars, column)) for column in value.get_columns()]
        return ["frame", value.height, Parts("", *columns)]
    return ["series", Parts("", *_series_parts(polars, value))] if cls is polars.Series else None


def make(parts: Any) -> Any:
    """Rebuild a value. Raises `Unfit` when the program has not imported polars."""
    polars = sys.modules.get("polars")
    if polars is None:
        raise missing("polars")
    try:
        match parts:
            case ["series", list(column)]:
                return _make_series(polars, *column)
            case ["frame", int(height), list(columns)]:
                made = [_make_series(polars, *column) for column in columns]
                frame = polars.DataFrame({column.name: column for column in made})  # a list would rename ""
                if frame.width != len(made) or (frame.height != height and made):
                    raise ValueError("the columns do not fit")
                return frame
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # Rust's, and no Exception
            raise ValueError(f"polars refused it: {error}") from error
        raise
    raise ValueError("no value of polars")


def summary(value: Any) -> dict[str, Any] | None:
    """A frame's or series' columns, number of rows and first five rows; None for other values."""
    polars = sys.modules.get("polars") if type(value).__module__.startswith("polars") else None
    if polars is None:
        return None
    if isinstance(value, polars.DataFrame):
        return {"columns": value.columns, "rows": value.height, "head": value.head(5).rows()}
    if isinstance(value, polars.Series):
        return {"name": value.name, "rows": len(value), "head": value.head(5).to_list()}
    return None


def _labelled(polars: Any, column: Any) -> list[Any]:
    try:
        return _series_parts(polars, column)
    except Refusal as refusal:
        refusal.steps.append(f"[{column.name!r}]")
        raise


def _series_parts(polars: Any, series: Any) -> list[Any]:
    """Name, type, the values as stored (bytes or a list), and which of the bytes are none."""
    spec = _spec(polars, series.dtype)
    stored = _stored(polars, series.dtype)
    plain = series if stored == series.dtype else series.cast(stored)
    code = _FIXED.get(str(stored))
    if code is None:
        return [series.name, _lists(spec), plain.to_list(), None]
    nulls = plain.is_null().arg_true().to_list() if plain.null_count() else []
    filled = plain.fill_null(0) if nulls else plain
    numpy = sys.modules.get("numpy")
    made = array.array(code, filled.to_list()) if numpy is None else filled.to_numpy()
    return [series.name, _lists(spec), _little(made).tobytes(), Parts("", *nulls)]


def _make_series(polars: Any, name: Any, spec: Any, values: Any, nulls: Any) -> Any:
    dtype = _dtype(polars, spec)
    stored = _stored(polars, dtype)
    if type(name) is not str:
        raise ValueError("no name")
    code = _FIXED.get(str(stored))
    if code is None:
        made = polars.Series(name, values, dtype=stored, strict=True)
    else:
        numpy = sys.modules.get("numpy")
        if numpy is None:
            found = array.array(code)
            found.frombytes(values)
            made = polars.Series(name, _little(found).tolist(), dtype=stored)
        else:
            made = polars.Series(name, numpy.frombuffer(values, f"<{code}"), dtype=stored)
        if nulls:
            if any(type(n) is not int or not 0 <= n < len(made) for n in nulls):
                raise ValueError("no rows")
            made = made.scatter(nulls, None)
    return made if stored == dtype else made.cast(dtype)


def _little(made: Any) -> Any:
    """The numbers with the least byte first."""
    if sys.byteorder == "big":
        made = made[:]
        made.byteswap(*(() if isinstance(made, array.array) else (True,)))
    return made


def _spec(polars: Any, dtype: Any) -> list[Any]:
    """A type as its name and what it takes. Raises `Refusal` for types outside the closed set."""
    name = type(dtype).__name__
    if type(dtype).__module__.startswith("polars"):
        if name in _NAMED:
            return [name]
        match name:
            case "Datetime":
                return [name, dtype.time_unit, dtype.time_zone]
            case "Duration":
                return [name, dtype.time_unit]
            case "Decimal":
                return [name, dtype.precision, dtype.scale]
            case "Categorical" if dtype == polars.Categorical():
                return [name]
            case "Enum":
                return [name, dtype.categories.to_list()]
            case "List":
                return [name, _spec(polars, dtype.inner)]
            case "Array":
                return [name, _spec(polars, dtype.inner), dtype.size]
            case "Struct":
                return [name, [[field.name, _spec(polars, field.dtype)] for field in dtype.fields]]
    raise Refusal(f"holds values of the type {dtype}, which cannot be stored: cast it")


def _lists(spec: Any) -> Any:
    """A type's description as parts, whose lists are no steps of a path."""
    return Parts("", *map(_lists, spec)) if type(spec) is list else spec


def _dtype(polars: Any, spec: Any) -> Any:
    match spec:
        case [str(name)] if name in _NAMED:
            return getattr(polars, name)()
        case ["Categorical"]:
            return polars.Categorical()
        case ["Datetime", unit, None | str() as zone] if unit in _UNITS:
            return polars.Datetime(unit, zone)
        case ["Duration", unit] if unit in _UNITS:
            return polars.Duration(unit)
        case ["Decimal", int(precision), int(scale)] if 0 <= scale <= precision <= 38:
            return polars.Decimal(precision, scale)
        case ["Enum", list(categories)] if all(type(c) is str for c in categories):
            return polars.Enum(categories)
        case ["List", inner]:
            return polars.List(_dtype(polars, inner))
        case ["Array", inner, int(size)] if 0 <= size < 2**31:
            return polars.Array(_dtype(polars, inner), size)
        case ["Struct", list(fields)]:
            return polars.Struct([polars.Field(_text(name), _dtype(polars, inner)) for name, inner in fields])
    raise ValueError("no type of polars")


def _text(name: Any) -> str:
    if type(name) is not str:
        raise ValueError("no name")
    return name


def _stored(polars: Any, dtype: Any) -> Any:
    """The type in which values are stored: times as their numbers, categories as text."""
    match type(dtype).__name__:
        case "Date":
            return polars.Int32()
        case "Time" | "Datetime" | "Duration":
            return polars.Int64()
        case "Categorical" | "Enum":
            return polars.String()
        case "List":
            return polars.List(_stored(polars, dtype.inner))
        case "Array":
            return polars.Array(_stored(polars, dtype.inner), dtype.size)
        case "Struct":
            return polars.Struct([polars.Field(f.name, _stored(polars, f.dtype)) for f in dtype.fields])
    return dtype
