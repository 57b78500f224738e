"""A polars DataFrame as columns of plain data, and rows of such back to a frame of the same schema."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from nbhitl.asking.columns import Column, choice, column, unfit
from nbhitl.engine.errors import NbhitlError

_BACK: Final[Mapping[str, Callable[[Any], Any]]] = {
    "Date": dt.date.fromisoformat,
    "Time": dt.time.fromisoformat,
    "Datetime": dt.datetime.fromisoformat,
    "Decimal": lambda cell: Decimal(str(cell)),
}
_BITS: Final = {"8": 8, "16": 16, "32": 32, "64": 64}


def columns_of(frame: Any) -> list[Column]:
    """The columns. Raises `NbhitlError` for what cannot be shown."""
    return [_column(series) for series in frame.get_columns()]


def frame_from(frame: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    """The rows as a frame with the schema that ``frame`` has."""
    import polars as pl

    made = []
    for name, kind in frame.schema.items():
        back = _BACK.get(type(kind).__name__)
        cells = [row[name] for row in rows]
        cells = [None if cell is None or back is None else back(cell) for cell in cells] if back else cells
        if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
            moments = pl.Series(name, [c and c.astimezone(dt.UTC) for c in cells], dtype=pl.Datetime("us", "UTC"))
            made.append(moments.dt.convert_time_zone(kind.time_zone).cast(kind))
        else:
            made.append(pl.Series(name, cells, dtype=kind))
    return pl.DataFrame(made) if made else frame.clear()


def _column(series: Any) -> Column:
    import polars as pl

    name, kind, missing = series.name, series.dtype, series.null_count() > 0
    cells = series.to_list()
    word = type(kind).__name__
    if kind.is_integer() and word.removeprefix("U").removeprefix("Int") in _BITS:
        bits, unsigned = _BITS[word.removeprefix("U").removeprefix("Int")], word.startswith("U")
        least = 0 if unsigned else -(2 ** (bits - 1))
        return column(name, "integer", cells, missing=missing, minimum=least, maximum=2 ** (bits - (not unsigned)) - 1)
    if kind.is_float():
        if any(cell is not None and math.isnan(cell) for cell in cells):
            raise NbhitlError(
                f"edit(): the column {name!r} holds NaN, which no answer can hold: .fill_nan(None) first."
            )
        if kind == pl.Float32:  # the shortest text of a float32 says which one it is
            cells = [None if cell is None else float(f"{cell:.9g}") for cell in cells]
        return column(name, "number", cells, missing=missing)
    if isinstance(kind, pl.Enum):
        return choice(name, kind.categories.to_list(), cells, missing=missing)
    if isinstance(kind, pl.Datetime):
        zone = "moment" if kind.time_zone is None else "moment in a zone"
        return column(name, zone, cells, missing=missing)
    if isinstance(kind, pl.Decimal):
        return column(name, "decimal", [None if cell is None else str(cell) for cell in cells], missing=missing)
    kinds = {"Boolean": "boolean", "String": "text", "Categorical": "text", "Date": "date", "Time": "time"}
    if word not in kinds:
        raise unfit(name, f"type {kind}", "polars")
    return column(name, kinds[word], cells, missing=missing)
