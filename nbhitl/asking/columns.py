"""A column of a frame as a form sees it: the JSON Schema of its cells, and a cell as plain data."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from nbhitl.engine.errors import NbhitlError

_DECIMAL: Final = {
    "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\s*[+-]?\d+(\.\d+)?\s*$"}],
    "x-decimal": True,
}
SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "text": {"type": "string", "minLength": 0},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "moment": {"type": "string", "format": "date-time"},
    "moment in a zone": {"type": "string", "format": "date-time", "x-timezone": "aware"},
    "decimal": _DECIMAL,
}
"""The JSON Schema of a cell, by what it holds."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in an answer, what a cell may be, and its cells as plain data."""

    name: str
    schema: dict[str, Any]
    cells: Sequence[Any]


def column(name: str, kind: str, cells: Sequence[Any], *, missing: bool, **more: Any) -> Column:
    """A column of one of `SCHEMAS`; ``missing``: a cell may be empty (null). ``more`` words are put into its schema."""
    if kind == "boolean" and not missing:
        more = {"default": False, **more}  # a box to tick; a row that is added begins without
    schema = {**SCHEMAS[kind], **more}
    schema = _or_null(schema) if missing else schema
    return Column(name, {"title": name, **schema}, [_plain(name, cell) for cell in cells])


def choice(name: str, options: Sequence[str], cells: Sequence[Any], *, missing: bool) -> Column:
    """A column of cells that are one of some texts."""
    schema: dict[str, Any] = {"enum": list(options)}
    schema = _or_null(schema) if missing else schema
    return Column(name, {"title": name, **schema}, list(cells))


def unfit(name: str, what: str, room: str) -> NbhitlError:
    """A column that no form can show."""
    drop = f"frame.drop(columns=[{name!r}])" if room == "pandas" else f"frame.drop({name!r})"
    return NbhitlError(
        f"edit(): the column {name!r} is of {what}, which a table cannot show. Convert it, or edit {drop}."
    )


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    branches = schema.get("anyOf", [{key: word for key, word in schema.items() if key != "x-decimal"}])
    mark = {"x-decimal": True} if schema.get("x-decimal") else {}
    return {"anyOf": [*branches, {"type": "null"}], **mark}


def _plain(name: str, cell: Any) -> Any:
    if isinstance(cell, float) and not math.isfinite(cell):
        raise NbhitlError(f"edit(): the column {name!r} holds {cell}, which no answer can hold: replace it first.")
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    return cell
