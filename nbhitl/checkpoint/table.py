"""`Table`: the result of a query, small enough to show. It may not know where it came from."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHOWN_ROWS = 100
SHOWN_WIDTH = 60
LEFT = ' style="text-align: left"'


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
        if self.cut is not None:
            return f"only the first {self.cut} rows were read: add a LIMIT or a WHERE"
        if len(self.rows) > SHOWN_ROWS:
            return f"{len(self.rows)} rows, the first {SHOWN_ROWS} are shown"
        return ""

    def df(self) -> Any:
        """A pandas DataFrame of all rows. Raises ImportError (with the cure) when pandas is not installed."""
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("Table.df() needs pandas: pip install pandas") from error
        return pd.DataFrame(self.rows, columns=list(self.columns))

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
            "<tr>" + "".join(f"<td{_align(value)}>{html.escape(_short(_text(value)))}</td>" for value in row) + "</tr>"
            for row in self.rows[:SHOWN_ROWS]
        )
        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def _align(value: Any) -> str:
    return "" if isinstance(value, (int, float)) else LEFT  # numbers stay as the notebook has them: to the right


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _short(text: str) -> str:
    return text if len(text) <= 4 * SHOWN_WIDTH else text[: 4 * SHOWN_WIDTH - 1] + "…"


def _one_line(text: str) -> str:
    # Control characters could rewrite a terminal line, so they are shown as escapes.
    flat = "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text[:SHOWN_WIDTH])
    return flat if len(text) <= SHOWN_WIDTH else flat[: SHOWN_WIDTH - 1] + "…"
