"""`Table`: the result of a query, small enough to show. It may not know where it came from."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHOWN_ROWS = 100
SHOWN_WIDTH = 60
WIDER = 4
"""HTML shows this many times `SHOWN_WIDTH` characters of a cell: it wraps them."""
LEFT = ' style="text-align: left"'
_NULL = "NULL"


class Table:
    """Rows of a query. Iterates over tuples; shows itself as text and as HTML; ``df()`` makes a DataFrame."""

    def __init__(self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], *, cut: int | None = None) -> None:
        self.columns: tuple[str, ...] = tuple(columns)
        self.rows: list[tuple[Any, ...]] = list(rows)
        self.cut = cut
        """The row limit that this result ran into, None when it is complete."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self.rows[index]

    @property
    def note(self) -> str:
        """What is not shown, in words; empty when everything is."""
        return self._note(SHOWN_WIDTH)

    @property
    def limit_note(self) -> str:
        """What was not read, in words; empty when everything was."""
        return "" if self.cut is None else f"only the first {self.cut} rows were read"

    def df(self) -> Any:
        """A pandas DataFrame of all rows; times are datetime64. Raises ImportError (with the cure) without pandas."""
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("Table.df() needs pandas: pip install pandas") from error
        frame = pd.DataFrame(self.rows, columns=list(self.columns))
        for i in range(len(self.columns)):
            kinds = {type(row[i]) for row in self.rows}
            # pandas would make floats of integers beside a NULL, and so another number of a large one.
            if kinds == {int, type(None)} and all(abs(row[i] or 0) < 1 << 63 for row in self.rows):
                frame.isetitem(i, pd.array([row[i] for row in self.rows], dtype="Int64"))
        return frame

    def __repr__(self) -> str:
        cells = [list(map(_one_line, self.columns))]
        cells += [[_one_line(_text(value)) for value in row] for row in self.rows[:SHOWN_ROWS]]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([*lines, self.note] if self.note else lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th{LEFT}>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td{_align(value)}>{_cell(value)}</td>" for value in row) + "</tr>"
            for row in self.rows[:SHOWN_ROWS]
        )
        note = self._note(WIDER * SHOWN_WIDTH)
        below = f"<p>{html.escape(note)}</p>" if note else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"

    def _note(self, width: int) -> str:
        if not self.rows:
            return "(no rows)"
        parts = [self.limit_note]
        if self.cut is None and len(self.rows) > SHOWN_ROWS:
            parts.append(f"{len(self.rows)} rows, the first {SHOWN_ROWS} are shown")
        if any(len(_text(value)) > width for row in self.rows[:SHOWN_ROWS] for value in row):
            parts.append("long values are cut (…); .rows and .df() have them whole")
        return "; ".join(filter(None, parts))


def _align(value: Any) -> str:
    return "" if isinstance(value, (int, float)) else LEFT  # numbers stay as the notebook has them: to the right


def _cell(value: Any) -> str:
    text = _text(value)
    shown = text if len(text) <= WIDER * SHOWN_WIDTH else text[: WIDER * SHOWN_WIDTH - 1] + "…"
    return "<i>NULL</i>" if value is None else html.escape(shown)  # a text that says NULL is upright


def _text(value: Any) -> str:
    return _NULL if value is None else str(value)


def _one_line(text: str) -> str:
    # Control characters could rewrite a terminal line, so they are shown as escapes.
    flat = "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text[:SHOWN_WIDTH])
    return flat if len(text) <= SHOWN_WIDTH else flat[: SHOWN_WIDTH - 1] + "…"
