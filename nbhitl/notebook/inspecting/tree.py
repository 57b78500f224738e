"""Any value as safe HTML: short ones as text, others folded, to be opened part by part. Text only; never raises."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

from nbhitl.debugging.likeness import is_array, is_frame, is_opaque
from nbhitl.debugging.looks import brief, printable
from nbhitl.debugging.parts import parts_of
from nbhitl.notebook.questions.markup import escaped, pretty
from nbhitl.notebook.questions.photos import picture
from nbhitl.notebook.questions.tables import COLUMNS_SHOWN, ROWS_SHOWN, Grid, grid, table_html

LINE: Final = 120
"""Characters of a value that are shown unfolded."""
DEEPEST: Final = 12


@dataclass(slots=True)
class Budget:
    """How much one output may show: the page and the saved file have to stay light."""

    parts: int = 1_000
    """Parts of values altogether."""
    each: int = 100
    """Parts of one value."""
    text: int = 20_000
    """Characters of one text."""

    @classmethod
    def full(cls) -> Budget:
        """What a person gets who asks for all of it."""
        return cls(parts=20_000, each=5_000, text=1_000_000)


def value_html(value: Any, budget: Budget, *, opened: bool = False) -> str:
    """The value as HTML.

    Args:
        value: anything.
        budget: how much may be shown; what is spent is taken from it.
        opened: unfold the first level.
    """
    return _value(value, budget, 0, opened=opened)


def _value(value: Any, budget: Budget, depth: int, *, opened: bool = False) -> str:
    try:
        inner = _inside(value, budget, depth)
    except Exception as broken:  # noqa: BLE001 - a stranger's class: what can be said of it is its line
        inner = f'<div class="nbh-note">{escaped(f"its parts cannot be shown: {type(broken).__name__}")}</div>'
    line = f'<span class="nbh-value">{escaped(brief(value, LINE))}</span>'
    if not inner:
        return line
    return f"<details{' open' if opened else ''}><summary>{line}</summary>{inner}</details>"


def _inside(value: Any, budget: Budget, depth: int) -> str:
    """What is shown when the value is opened; empty where its line says all."""
    if isinstance(value, str):
        return _long_text(str.__str__(value), budget)
    found = None if _holds_numbers(value) else picture(value.data if is_opaque(value) else value)
    if found is not None:
        kind, data = found
        return f'<img src="data:image/{kind};base64,{base64.b64encode(data).decode()}" alt="picture">'
    table = _table(value)
    if table is not None:
        return table_html(table)
    parts = parts_of(value, budget.each)
    if parts is None:
        text = "" if isinstance(value, bool | int | float | bytes | None) else pretty(value)
        return _long_text(text, budget)
    if not parts.named:
        return ""
    if depth >= DEEPEST or budget.parts <= 0:
        return '<div class="nbh-note">too much to show here: ask for this key alone, with --full</div>'
    budget.parts -= len(parts.named)
    rows = [
        f'<tr><th scope="row">{escaped(printable(name))}</th><td>{_value(item, budget, depth + 1)}</td></tr>'
        for name, item in parts.named
    ]
    rest = f'<div class="nbh-note">and {parts.more:,} more</div>' if parts.more else ""
    return f'<div><table class="nbh-parts"><tbody>{"".join(rows)}</tbody></table>{rest}</div>'


def _long_text(text: str, budget: Budget) -> str:
    if len(text) <= LINE - 2 and "\n" not in text.strip():
        return ""
    rest = f"\n\u2026 {len(text) - budget.text:,} more characters" if len(text) > budget.text else ""
    return f'<pre tabindex="0">{escaped(printable(text[: budget.text]))}{rest}</pre>'


def _table(value: Any) -> Grid | None:
    """Frames, arrays of one or two dimensions, and lists of flat dicts as a table."""
    if is_frame(value):
        return grid(value)
    if is_array(value) and value.ndim in (1, 2) and value.size:
        part = value[:ROWS_SHOWN, :COLUMNS_SHOWN] if value.ndim == 2 else value[:ROWS_SHOWN, None]
        width = value.shape[1] if value.ndim == 2 else 1
        names = ("row", *(str(n) for n in range(part.shape[1]))) if value.ndim == 2 else ("row", "value")
        rows = tuple((n, *row) for n, row in enumerate(part.tolist()))
        return Grid(names, rows, value.shape[0], width, named=True)
    found = grid(value) if type(value) is list else None
    flat = found is not None and all(_is_flat(cell) for row in found.rows for cell in row)
    return found if flat else None


def _holds_numbers(value: Any) -> bool:
    """Whether an array is rather one of numbers than a picture."""
    return is_array(value) and (value.ndim < 2 or (value.ndim == 2 and value.dtype != "uint8"))


def _is_flat(cell: Any) -> bool:
    return isinstance(cell, bool | int | float | None) or (isinstance(cell, str) and len(cell) <= 60)
