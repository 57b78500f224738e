"""A pandas DataFrame as columns of plain data, and rows of such back to a frame of the same types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from nbhitl.asking.columns import Column, choice, column, unfit
from nbhitl.engine.errors import NbhitlError


def columns_of(frame: Any) -> list[Column]:
    """The columns, that of the index first where it is one to keep. Raises `NbhitlError` for what cannot be shown."""
    if frame.columns.nlevels > 1 or frame.index.nlevels > 1:
        raise NbhitlError("edit(): the frame has names of several levels, which a table cannot show: edit it after "
                          ".reset_index(), with columns of one level.")  # fmt: skip
    names = [str(label) for label in frame.columns]
    found = [] if _is_counted(frame) else [_column(_index_name(frame), frame.index.to_series())]
    found += [_column(name, frame.iloc[:, n]) for n, name in enumerate(names)]
    known = [each.name for each in found]
    twice = next((name for name in known if known.count(name) > 1), None)
    if twice is not None:
        raise NbhitlError(f"edit(): two columns are called {twice!r}: rename one of them (of an index: .rename_axis).")
    return found


def frame_from(frame: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    """The rows as a frame with the columns, types and kind of index that ``frame`` has."""
    import pandas as pd

    data = [_series([row[str(label)] for row in rows], frame.iloc[:, n]) for n, label in enumerate(frame.columns)]
    made = pd.concat(data, axis=1) if data else pd.DataFrame(index=range(len(rows)))
    made.columns = frame.columns
    if _is_counted(frame):
        return made
    name = _index_name(frame)
    made.index = pd.Index(_series([row[name] for row in rows], frame.index.to_series()), name=frame.index.name)
    return made


def _is_counted(frame: Any) -> bool:
    """Whether the index only counts the rows: then it is made anew."""
    index = frame.index
    return (
        type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1 and index.name is None
    ) or len(index) == 0


def _index_name(frame: Any) -> str:
    return "index" if frame.index.name is None else str(frame.index.name)


def _column(name: str, series: Any) -> Column:
    import numpy as np
    import pandas as pd

    kind, absent = series.dtype, series.isna()
    cells = [None if gone else cell for cell, gone in zip(series, absent, strict=True)]
    missing = bool(absent.any())
    nullable = missing or pd.api.types.is_extension_array_dtype(kind)
    if isinstance(kind, pd.CategoricalDtype):
        if not all(isinstance(option, str) for option in kind.categories):
            raise unfit(name, "categories that are no texts", "pandas")
        return choice(name, list(kind.categories), cells, missing=missing)
    if isinstance(kind, pd.DatetimeTZDtype):
        return column(name, "moment in a zone", cells, missing=True)
    if kind.kind == "M":
        return column(name, "moment", cells, missing=True)
    if kind.kind == "b":
        return column(name, "boolean", [None if c is None else bool(c) for c in cells], missing=nullable)
    if kind.kind in "iu":
        bounds = np.iinfo(kind.numpy_dtype if hasattr(kind, "numpy_dtype") else kind)
        least = {"minimum": int(bounds.min), "maximum": int(bounds.max)}
        return column(name, "integer", [None if c is None else int(c) for c in cells], missing=nullable, **least)
    if kind.kind == "f":
        # The shortest text of a float32 says which one it is; as a float64 it would have a tail of digits.
        return column(name, "number", [None if c is None else float(str(c)) for c in cells], missing=True)
    return _of_objects(name, cells, missing, kind)


def _of_objects(name: str, cells: Sequence[Any], missing: bool, kind: Any) -> Column:
    held = {type(cell) for cell in cells if cell is not None}
    if held <= {str}:
        return column(name, "text", cells, missing=missing)
    if held == {dt.date}:
        return column(name, "date", cells, missing=missing)
    raise unfit(name, f"type {kind}" if str(kind) != "object" else "values of several kinds", "pandas")


def _series(cells: Sequence[Any], like: Any) -> Any:
    import pandas as pd

    kind = like.dtype
    if isinstance(kind, pd.DatetimeTZDtype):
        moments = pd.to_datetime(pd.Series(cells, dtype=object), utc=True, format="ISO8601")
        return moments.dt.tz_convert(kind.tz).astype(kind)
    if kind.kind == "M" and not isinstance(kind, pd.CategoricalDtype):
        return pd.to_datetime(pd.Series(cells, dtype=object), format="ISO8601").astype(kind)
    if str(kind) == "object":
        absent = like[like.isna()]
        gone = absent.iloc[0] if len(absent) else None
        dates = any(isinstance(cell, dt.date) for cell in like)
        return pd.Series([gone if c is None else dt.date.fromisoformat(c) if dates else c for c in cells], dtype=object)
    return pd.Series(cells, dtype=kind)
