"""Columns of pandas: what is stored of an array, and an array of it. For `nbhitl.checkpoint.values.pandas_values`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.values.kinds import Parts, Refusal, missing

if TYPE_CHECKING:
    import datetime as dt

_FREQ: Final = re.compile(r"-?\d{0,6}[A-Za-z]{1,5}(-[A-Z]{3}){0,2}")
"""The frequencies that a stored name may stand for: multiples of days, weeks, month ends, ..."""
_ARROW: Final = re.compile(r"(u?int(8|16|32|64)|float|double|bool|(large_)?(string|binary)|date32\[day\]|null)")
_ARROW_NAMES: Final = {"float": "float32", "double": "float64", "date32[day]": "date32"}


def loaded(name: str) -> Any:
    """A library that the program imported. Raises `Unfit`."""
    module = sys.modules.get(name)
    if module is None:
        raise missing(name)
    return module


def array_parts(pandas: Any, array: Any) -> list[Any]:
    """What is stored of a column: the name of a sort of array, and what it is made of."""
    numpy = sys.modules["numpy"]
    if type(array) is pandas.arrays.NumpyExtensionArray:
        array = array.to_numpy()
    dtype = array.dtype
    if isinstance(dtype, numpy.dtype):
        return ["object", array.tolist()] if dtype.kind == "O" else ["numpy", numpy.asarray(array)]
    match type(dtype).__name__:
        case "DatetimeTZDtype" if type(dtype) is pandas.DatetimeTZDtype:
            return ["zoned", array.asi8.view(f"M8[{dtype.unit}]"), Parts(".dtype.tz", dtype.tz)]
        case "CategoricalDtype" if type(dtype) is pandas.CategoricalDtype:
            return ["category", array.codes, dtype.categories, bool(dtype.ordered)]
        case "StringDtype" if type(dtype) is pandas.StringDtype:
            missing = "NA" if dtype.na_value is pandas.NA else "nan"
            return ["string", dtype.storage, missing, array.to_numpy(object, na_value=None).tolist()]
        case "PeriodDtype" if type(dtype) is pandas.PeriodDtype:
            return ["period", period_name(pandas, dtype), array.asi8]
        case "IntervalDtype" if type(dtype) is pandas.IntervalDtype:
            return ["interval", array.left, array.right, dtype.closed]
        case "ArrowDtype" if type(dtype) is pandas.ArrowDtype:
            return _arrow_parts(dtype, array)
    if isinstance(array, pandas.arrays.IntegerArray | pandas.arrays.FloatingArray | pandas.arrays.BooleanArray):
        given = dtype.numpy_dtype
        return ["masked", array.to_numpy(given, na_value=given.type(0)), array.isna()]
    raise Refusal(f"holds values of the dtype {dtype}, which cannot be stored: use .astype(...) with one of numpy's")


def make_array(pandas: Any, column: Any) -> Any:
    """The array of a column's parts. Raises ValueError for odd ones, `Unfit` without the library that they need."""
    numpy = loaded("numpy")
    match column:
        case ["numpy", numpy.ndarray() as values]:
            return values
        case ["object", list(values)]:
            array = numpy.empty(len(values), object)
            array[:] = numpy.fromiter(values, object, len(values))
            return array
        case ["zoned", numpy.ndarray() as values, [zone]]:
            return zoned(pandas.DatetimeIndex(values), zone).array
        case ["category", numpy.ndarray() as codes, pandas.Index() as categories, bool(ordered)]:
            return pandas.Categorical.from_codes(codes, dtype=pandas.CategoricalDtype(categories, ordered))
        case ["string", "python" | "pyarrow" as storage, "NA" | "nan" as missing, list(values)]:
            if storage == "pyarrow":
                loaded("pyarrow")
            dtype = pandas.StringDtype(storage) if missing == "NA" else pandas.StringDtype(storage, numpy.nan)
            return pandas.array(values, dtype=dtype)
        case ["period", freq, numpy.ndarray() as ordinals]:
            return pandas.arrays.PeriodArray(ordinals, dtype=period_dtype(pandas, freq))
        case ["interval", pandas.Index() as left, pandas.Index() as right, closed]:
            return pandas.arrays.IntervalArray.from_arrays(left, right, closed)
        case ["masked", numpy.ndarray() as values, numpy.ndarray() as mask]:
            return _masked(pandas, values, mask)
        case ["arrow", str(name), unit, zone, list(values)]:
            return _make_arrow(pandas, name, unit, zone, values)
    raise ValueError("no column")


def _masked(pandas: Any, values: Any, mask: Any) -> Any:
    match values.dtype.kind:
        case "b":
            return pandas.arrays.BooleanArray(values, mask)
        case "f":
            return pandas.arrays.FloatingArray(values, mask)
    return pandas.arrays.IntegerArray(values, mask)


def zoned(moments: Any, zone: dt.tzinfo | None) -> Any:
    """Moments of UTC in their zone."""
    return moments if zone is None else moments.tz_localize("UTC").tz_convert(zone)


def freq_name(pandas: Any, freq: Any) -> str:
    """A frequency's name, if it says all of it. Raises `Refusal`."""
    name: str = freq.freqstr
    if not _FREQ.fullmatch(name) or pandas.tseries.frequencies.to_offset(name) != freq:
        raise Refusal(f"has the frequency {name!r}, which would come back changed: set its .freq to None")
    return name


def offset(pandas: Any, name: Any) -> Any:
    """The frequency of that name."""
    if type(name) is not str or not _FREQ.fullmatch(name):
        raise ValueError("no frequency")
    return pandas.tseries.frequencies.to_offset(name)


def period_name(pandas: Any, dtype: Any) -> str:
    """The name of the periods of a dtype, if it says all of them. Raises `Refusal`."""
    name = str(dtype.name).removeprefix("period[").removesuffix("]")
    if not _FREQ.fullmatch(name) or period_dtype(pandas, name) != dtype:
        raise Refusal(f"has periods of {name!r}, which would come back changed: use .to_timestamp()")
    return name


def period_dtype(pandas: Any, name: Any) -> Any:
    """The dtype of periods of that name."""
    if type(name) is not str or not _FREQ.fullmatch(name):
        raise ValueError("no frequency")
    return pandas.PeriodDtype(name)


def _arrow_parts(dtype: Any, array: Any) -> list[Any]:
    arrow = dtype.pyarrow_dtype
    pyarrow = sys.modules["pyarrow"]
    name = str(arrow)
    values = pyarrow.chunked_array(pyarrow.array(array))
    if _ARROW.fullmatch(name):
        return ["arrow", name, None, None, _days(pyarrow, values, name)]
    for maker in ("timestamp", "duration"):
        if getattr(pyarrow.types, f"is_{maker}")(arrow):
            return ["arrow", maker, arrow.unit, getattr(arrow, "tz", None), values.cast(pyarrow.int64()).to_pylist()]
    raise Refusal(f"holds values of the dtype {dtype}, which cannot be stored: use .convert_dtypes()")


def _days(pyarrow: Any, values: Any, name: str) -> list[Any]:
    found: list[Any] = (values.cast(pyarrow.int32()) if name == "date32[day]" else values).to_pylist()
    return found


def _make_arrow(pandas: Any, name: str, unit: Any, zone: Any, values: list[Any]) -> Any:
    pyarrow = loaded("pyarrow")
    if name in ("timestamp", "duration") and unit in ("s", "ms", "us", "ns"):
        arrow = pyarrow.timestamp(unit, zone) if name == "timestamp" else pyarrow.duration(unit)
        made = pyarrow.array(values, pyarrow.int64()).cast(arrow)
    elif _ARROW.fullmatch(name):
        arrow = pyarrow.type_for_alias(_ARROW_NAMES.get(name, name))
        made = (
            pyarrow.array(values, pyarrow.int32()).cast(arrow)
            if name == "date32[day]"
            else pyarrow.array(values, arrow)
        )
    else:
        raise ValueError("no type of Arrow's")
    return pandas.arrays.ArrowExtensionArray(made)
