"""Frames as a table that a person edits: the schema of its rows, the rows as plain data, and back to the same types.

Imports neither pandas nor polars: whoever has a frame has imported what it is of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nbhitl.asking import pandas_frames, polars_frames
from nbhitl.engine.errors import NbhitlError

ROWS: Final = 1_000
COLUMNS: Final = 60
CELLS: Final = 20_000
"""What a form can hold without becoming slow."""


def is_frame(value: Any) -> bool:
    """Whether a value is a DataFrame of pandas or polars."""
    return type(value).__name__ == "DataFrame" and _room(value) in ("pandas", "polars")


def frame_table(frame: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The JSON Schema of a frame's rows, and the rows. Raises `NbhitlError` (with the cure) for what no form takes."""
    height, width = frame.shape
    if height > ROWS or width > COLUMNS or height * width > CELLS:
        raise NbhitlError(
            f"edit(): the frame has {height:,} rows and {width} columns; a form takes {ROWS:,} rows, {COLUMNS} columns "
            f"and {CELLS:,} cells at most. Edit a part of it, e.g. the rows that are in doubt, and put it back."
        )
    if not width:
        raise NbhitlError("edit(): the frame has no columns, so there is nothing to edit.")
    columns = pandas_frames.columns_of(frame) if _room(frame) == "pandas" else polars_frames.columns_of(frame)
    schema = {
        "type": "array",
        "x-table": True,
        "items": {
            "type": "object",
            "properties": {column.name: column.schema for column in columns},
            "required": [column.name for column in columns],
            "additionalProperties": False,
        },
    }
    rows = [{column.name: column.cells[n] for column in columns} for n in range(height)]
    return schema, rows


def frame_from(frame: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    """The rows of an answer as a frame like the one that was edited."""
    return (pandas_frames if _room(frame) == "pandas" else polars_frames).frame_from(frame, rows)


def _room(value: Any) -> str:
    return type(value).__module__.partition(".")[0]
