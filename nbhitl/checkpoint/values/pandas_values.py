"""pandas values, column by column, through the codec's own set. Uses pandas only when it is loaded.

No Arrow IPC: it would need pyarrow, and its readers are made for bytes that can be trusted. The bytes here only
select constructors of pandas that check what they are given.
"""

from __future__ import annotations

import sys
from typing import Any

from nbhitl.checkpoint.values.kinds import Parts, Refusal
from nbhitl.checkpoint.values.pandas_columns import (
    array_parts,
    freq_name,
    loaded,
    make_array,
    offset,
    period_dtype,
    period_name,
    zoned,
)


def parts(value: Any) -> list[Any] | None:
    """Take a value apart, None when it is none of pandas. Raises `Refusal` for what is not covered."""
    cls = type(value)
    pandas = sys.modules.get("pandas") if cls.__module__.startswith("pandas") else None
    if pandas is None:
        return None
    if cls is pandas.DataFrame:
        return _frame_parts(pandas, value)
    if cls is pandas.Series:
        column = Parts("", *array_parts(pandas, value.array))
        return ["series", column, Parts(".index", value.index), Parts(".name", value.name), *_beside(value)]
    if isinstance(value, pandas.Index):
        return _index_parts(pandas, value)
    return _scalar_parts(pandas, value)


def make(parts: Any) -> Any:
    """Rebuild a value. Raises `Unfit` when the program has not imported pandas."""
    what, *rest = parts
    pandas = loaded("pandas")
    match what:
        case "frame":
            return _make_frame(pandas, *rest)
        case "series":
            column, (index,), (name,), *beside = rest
            array = make_array(pandas, column)
            return _finished(pandas.Series(array, index=index, name=name, dtype=array.dtype, copy=False), *beside)
        case "range":
            start, stop, step, name = rest
            return pandas.RangeIndex(start, stop, step, name=name)
        case "multi":
            levels, codes, names, sortorder = rest
            return pandas.MultiIndex(levels, codes, sortorder, names, copy=False)
        case "index":
            return _make_index(pandas, *rest)
    return _make_scalar(pandas, what, rest)


def summary(value: Any) -> dict[str, Any] | None:
    """A frame's or series' columns, number of rows and first five rows; None for other values."""
    pandas = sys.modules.get("pandas") if type(value).__module__.startswith("pandas") else None
    if pandas is None:
        return None
    if isinstance(value, pandas.DataFrame):
        columns = [value.iloc[:5, i].tolist() for i in range(value.shape[1])]
        return {"columns": list(value.columns), "rows": len(value), "head": list(zip(*columns, strict=True))}
    if isinstance(value, pandas.Series):
        return {"name": value.name, "rows": len(value), "head": value.iloc[:5].tolist()}
    if isinstance(value, pandas.Index):
        return {"name": value.name, "rows": len(value), "head": value[:5].tolist()}
    return None


def plain(value: Any) -> Any:
    """One of pandas' scalars for JSON: text, or None for what is missing."""
    pandas = sys.modules["pandas"]
    if value is pandas.NaT or value is pandas.NA:
        return None
    return str(value)


def _frame_parts(pandas: Any, frame: Any) -> list[Any]:
    labels = list(frame.columns)
    columns = [
        Parts(f"[{label!r}]", *_labelled(pandas, label, frame.iloc[:, i].array)) for i, label in enumerate(labels)
    ]
    return [
        "frame",
        Parts("", *columns),
        Parts(".columns", frame.columns),
        Parts(".index", frame.index),
        *_beside(frame),
    ]


def _labelled(pandas: Any, label: Any, array: Any) -> list[Any]:
    try:
        return array_parts(pandas, array)
    except Refusal as refusal:
        refusal.steps.append(f"[{label!r}]")
        raise


def _make_frame(pandas: Any, columns: Any, labels: Any, index: Any, *beside: Any) -> Any:
    (label,), (rows,) = labels, index
    arrays = [make_array(pandas, column) for column in columns]
    made = {i: pandas.Series(a, index=rows, dtype=a.dtype, copy=False) for i, a in enumerate(arrays)}
    frame = pandas.DataFrame(made, index=rows, copy=False)
    frame.columns = label
    return _finished(frame, *beside)


def _beside(value: Any) -> list[Any]:
    own = [name for name in vars(value) if not name.startswith("_")]
    if own:
        raise Refusal(
            f"is a {type(value).__name__} with an attribute {own[0]!r}, which pandas itself loses: use .attrs"
        )
    return [Parts(".attrs", dict(value.attrs)), value.flags.allows_duplicate_labels]


def _finished(value: Any, attrs: Any, duplicates: Any) -> Any:
    (value.attrs,) = attrs
    if not duplicates:
        value.flags.allows_duplicate_labels = False
    return value


def _index_parts(pandas: Any, index: Any) -> list[Any]:
    cls = type(index)
    if cls is pandas.RangeIndex:
        return ["range", index.start, index.stop, index.step, index.name]
    if cls is pandas.MultiIndex:
        levels, codes = Parts(".levels", *index.levels), Parts("", *index.codes)
        return ["multi", levels, codes, Parts(".names", *index.names), index.sortorder]
    own = (pandas.Index, pandas.DatetimeIndex, pandas.TimedeltaIndex, pandas.PeriodIndex)
    if cls not in (*own, pandas.IntervalIndex, pandas.CategoricalIndex):
        raise _refused(index)
    freq = None
    if cls in (pandas.DatetimeIndex, pandas.TimedeltaIndex) and index.freq is not None:
        freq = freq_name(pandas, index.freq)
    return ["index", Parts("", *array_parts(pandas, index.array)), Parts(".name", index.name), freq]


def _make_index(pandas: Any, column: Any, names: Any, freq: Any) -> Any:
    (name,) = names
    array = make_array(pandas, column)
    index = pandas.Index(array, dtype=array.dtype, name=name, copy=False)
    if freq is not None:
        index.freq = offset(pandas, freq)  # pandas checks that the values have that frequency
    return index


def _scalar_parts(pandas: Any, value: Any) -> list[Any] | None:
    cls = type(value)
    if value is pandas.NaT:
        return ["NaT"]
    if value is pandas.NA:
        return ["NA"]
    if cls is pandas.Timestamp:
        return ["timestamp", value.asm8, Parts(".tz", value.tz), value.fold]
    if cls is pandas.Timedelta:
        return ["timedelta", value.asm8]
    if cls is pandas.Period:
        return ["period", value.ordinal, period_name(pandas, pandas.PeriodDtype(value.freq))]
    if cls is pandas.Interval:
        return ["interval", Parts(".left", value.left), Parts(".right", value.right), value.closed]
    return None


def _make_scalar(pandas: Any, what: Any, rest: list[Any]) -> Any:
    match what, rest:
        case "NaT", []:
            return pandas.NaT
        case "NA", []:
            return pandas.NA
        case "timestamp", [moment, [zone], fold]:
            made = pandas.Timestamp(moment)
            return zoned(made, zone) if zone is not None else made.replace(fold=fold) if fold else made
        case "timedelta", [span]:
            return pandas.Timedelta(span)
        case "period", [int(ordinal), freq]:
            return pandas.Period(ordinal=ordinal, freq=period_dtype(pandas, freq).freq)
        case "interval", [[left], [right], closed]:
            return pandas.Interval(left, right, closed)
    raise ValueError("no value of pandas")


def _refused(value: Any) -> Refusal:
    cls = type(value)
    return Refusal(f"is a {cls.__module__}.{cls.__qualname__}, which would come back changed: use one of pandas' own")
