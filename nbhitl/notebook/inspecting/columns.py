"""Rows as columns of text, the last of which may be as long as it likes."""

from __future__ import annotations

from collections.abc import Sequence

WIDEST = 60
"""Characters of a column that is not the last."""


def in_columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A heading, a line below it, and the rows; every cell is one line of printable text already."""
    last = len(head) - 1
    cells = [[_short(cell) if place < last else cell for place, cell in enumerate(row)] for row in (head, *rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(last)]
    ruled = [cells[0], ["-" * width for width in widths] + ["-" * len(head[last])], *cells[1:]]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=False)] + [row[last]] for row in ruled)
    return "\n".join("  ".join(row).rstrip() for row in padded)


def _short(cell: str) -> str:
    return cell if len(cell) <= WIDEST else cell[: WIDEST - 1] + "\u2026"
