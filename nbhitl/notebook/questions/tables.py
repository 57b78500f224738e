"""Frames and lists of records as HTML tables that scroll: the first rows, and how many there are. Text only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nbhitl.notebook.questions.markup import escaped, pretty

ROWS_SHOWN: Final = 200
COLUMNS_SHOWN: Final = 40
CELL_SHOWN: Final = 300
"""Characters of a cell that are shown."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What of a table is shown, and how large it is in full."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    height: int
    width: int
    named: bool = False
    """The first column holds the names of the rows."""


def grid(value: Any) -> Grid | None:
    """A frame of pandas or polars, or a list of dicts, as a table; None for everything else. Never raises."""
    room, name = type(value).__module__.partition(".")[0], type(value).__name__
    try:
        if room == "pandas" and name in ("DataFrame", "Series"):
            return _of_pandas(value.to_frame() if name == "Series" else value)
        if room == "polars" and name in ("DataFrame", "Series"):
            return _of_polars(value.to_frame() if name == "Series" else value)
    except Exception:  # noqa: BLE001 - a stranger's object that only calls itself a frame
        return None
    return _of_records(value) if isinstance(value, list | tuple) else None


def table_html(found: Grid) -> str:
    """The table as safe HTML: it scrolls by itself, and says what is left out."""
    right = [_is_numeric(row[n] for row in found.rows) for n in range(len(found.columns))]
    head = "".join(_cell("th", name, right[n], "col") for n, name in enumerate(found.columns))
    lines = []
    for row in found.rows:
        cells = [_cell("td", _text(item), right[n]) for n, item in enumerate(row)]
        if found.named:
            cells[0] = _cell("th", _text(row[0]), right[0], "row")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    size = size_text(found)
    return (
        f'<div class="nbh-roll" tabindex="0" role="region" aria-label="table, {size}"><table class="nbh-rows">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
        f'<div class="nbh-note">{size}</div>'
    )


def size_text(found: Grid) -> str:
    """How large a table is, and how much of it is shown."""
    rows, columns = (
        f"{found.height:,} row{'s' * (found.height != 1)}",
        f"{found.width} column{'s' * (found.width != 1)}",
    )
    shown = []
    if len(found.rows) < found.height:
        shown.append(f"the first {len(found.rows)} rows")
    if len(found.columns) - found.named < found.width:
        shown.append(f"the first {len(found.columns) - found.named} columns")
    return f"{rows}, {columns}" + (f"; {' and '.join(shown)} are shown" if shown else "")


def _of_pandas(frame: Any) -> Grid:
    height, width = frame.shape
    part = frame.iloc[:ROWS_SHOWN, :COLUMNS_SHOWN]
    names = [_text(name) for name in part.columns]
    plain = type(frame.index).__name__ == "RangeIndex" and frame.index.name is None
    columns = [list(part.iloc[:, n]) for n in range(part.shape[1])]
    if not plain:
        names = [" / ".join(_text(name) for name in part.index.names if name is not None), *names]
        columns = [list(part.index), *columns]
    rows = tuple(zip(*columns, strict=True)) if columns else ()
    return Grid(tuple(names), rows, height, width, named=not plain)


def _of_polars(frame: Any) -> Grid:
    height, width = frame.shape
    names = tuple(frame.columns[:COLUMNS_SHOWN])
    return Grid(names, tuple(frame.select(names).head(ROWS_SHOWN).rows()), height, width)


def _of_records(value: Sequence[Any]) -> Grid | None:
    if len(value) < 2 or not all(isinstance(item, Mapping) and item for item in value):
        return None
    names = list(dict.fromkeys(key for item in value[:ROWS_SHOWN] for key in item))
    if not all(isinstance(name, str) for name in names):
        return None
    shown = names[:COLUMNS_SHOWN]
    rows = tuple(tuple(item.get(name, "") for name in shown) for item in value[:ROWS_SHOWN])
    return Grid(tuple(shown), rows, len(value), len(names))


def _cell(tag: str, text: str, right: bool, scope: str = "") -> str:
    style = ' class="nbh-right"' if right else ""
    heads = f' scope="{scope}"' if scope else ""
    return f"<{tag}{style}{heads}>{escaped(text)}</{tag}>"


def _is_numeric(column: Iterable[Any]) -> bool:
    kinds = {type(item) for item in column if item is not None}
    return bool(kinds) and all(
        kind in (int, float) or (kind.__module__ == "numpy" and kind.__name__.startswith(("int", "uint", "float")))
        for kind in kinds
    )


def _text(item: Any) -> str:
    if item is None or type(item).__name__ in ("NaTType", "NAType"):
        return ""
    if isinstance(item, float):
        text = "" if math.isnan(item) else f"{item:.10g}"
    elif isinstance(item, str):
        text = item
    elif type(item).__module__ in ("datetime", "decimal", "numpy") or type(item).__name__ == "Timestamp":
        text = str(item)
    else:
        text = pretty(item)
    return text if len(text) <= CELL_SHOWN else text[:CELL_SHOWN] + "\u2026"
