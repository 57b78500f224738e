"""The state as a table: each key with its type, its size, its value, and what the last step did to it.

Shows itself as text and as HTML; in the page, values unfold. Of marks the sign says all, and the colour only helps.
"""

from __future__ import annotations

from typing import Any, Final

from nbhitl.checkpoint.sql.table import Table
from nbhitl.debugging.inspection import Inspection, Mark, Row
from nbhitl.debugging.likeness import is_frame
from nbhitl.debugging.looks import brief, cut, printable
from nbhitl.debugging.parts import outlined
from nbhitl.engine.records import MISSING
from nbhitl.notebook.inspecting.look_style import LOOK_STYLE
from nbhitl.notebook.inspecting.tree import Budget, value_html
from nbhitl.notebook.questions.markup import escaped
from nbhitl.notebook.questions.tables import grid

SIGNS: Final[dict[Mark, tuple[str, str]]] = {
    "": ("", ""),
    "new": ("+", "new in this step"),
    "changed": ("~", "changed in this step"),
    "written": ("=", "written in this step, with the same value"),
    "gone": ("\u2212", "gone since this step"),
}
"""The sign of each mark, and what it means."""
CELL: Final = 60
"""Characters of a cell that are shown as text."""
LINES: Final = 400
"""Lines of one value that are shown as text."""


class Inspected:
    """The state at one step, or some of its keys; ``values`` has them as they are.

    Args:
        inspection: what to show.
        whose: graph and thread, in words: ``post / demo``.
        keys: only these; all by default.
        full: show more of large values.
    """

    def __init__(self, inspection: Inspection, whose: str, *, keys: tuple[str, ...] = (), full: bool = False) -> None:
        self.inspection = inspection
        self.whose = whose
        self.full = full
        self.rows = tuple(row for row in inspection.rows if not keys or row.key in keys)
        self._chosen = bool(keys)

    @property
    def values(self) -> dict[str, Any]:
        """Key to value."""
        return {row.key: row.value for row in self.rows if row.value is not MISSING}

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def heading(self) -> str:
        """Which state it is, in words."""
        found = self.inspection
        inside = f", sub-graph {found.inside}" if found.inside else ""
        after = f", after {', '.join(found.after)}" if found.after else ""
        due = f" Next: {', '.join(found.next)}." if found.next else ""
        return printable(f"State of {self.whose}{inside} at step {found.step}{after}.{due}")

    def __repr__(self) -> str:
        if not self.rows:
            return f"{self.heading}\nNo key has a value yet."
        if not self._chosen:
            return "\n".join([self.heading, repr(self._table()), *self._key_of_signs()])
        return "\n".join([self.heading, *(line for row in self.rows for line in _whole(row, self.full))])

    def _table(self) -> Table:
        return Table(("", "key", "type", "size", "value", "written by"), [*map(_cells, self.rows)])

    def _key_of_signs(self) -> list[str]:
        used = dict.fromkeys(row.mark for row in self.rows if row.mark)
        return ["; ".join(f"{sign} {meaning}" for sign, meaning in map(SIGNS.__getitem__, used))] if used else []

    def _repr_html_(self) -> str:
        head = f'{LOOK_STYLE}<div class="nbh-look"><div class="nbh-heading">{escaped(self.heading)}</div>'
        if not self.rows:
            return f'{head}<div class="nbh-note">No key has a value yet.</div></div>'
        budget = Budget.full() if self.full else Budget()
        names = ("key", "type", "size", "value", "written by")
        heads = "".join(f'<th scope="col">{name}</th>' for name in names)
        rows = "".join(_row_html(row, budget, opened=self._chosen) for row in self.rows)
        legend = "".join(f'<div class="nbh-note">{escaped(line)}</div>' for line in self._key_of_signs())
        table = f"<thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody>"
        return f'{head}<table class="nbh-state">{table}</table>{legend}</div>'


def _cells(row: Row) -> tuple[str, ...]:
    value = "" if row.value is MISSING else brief(row.value, CELL)
    return SIGNS[row.mark][0], cut(row.key, CELL), row.type, row.size, value, cut(_by(row), CELL)


def _row_html(row: Row, budget: Budget, *, opened: bool) -> str:
    sign, meaning = SIGNS[row.mark]
    mark = f'<span aria-hidden="true">{sign}</span><span class="nbh-unseen">{meaning}</span>' if sign else ""
    value = "" if row.value is MISSING else value_html(row.value, budget, opened=opened)
    was = f'<div class="nbh-note">was {escaped(brief(row.old, 100))}</div>' if row.old is not MISSING else ""
    touched = ' class="nbh-touched"' if sign else ""
    return (
        f'<tr{touched}><td class="nbh-sign" title="{meaning}">{mark}</td><th scope="row">{escaped(printable(row.key))}'
        f'</th><td class="nbh-quiet">{escaped(row.type)}</td><td class="nbh-quiet">{escaped(row.size)}</td>'
        f"<td>{value}{was}</td><td>{escaped(printable(', '.join(row.by)))}</td></tr>"
    )


def _by(row: Row) -> str:
    was = f"was {brief(row.old, 30)}" if row.old is not MISSING else ""
    return "; ".join(filter(None, (", ".join(row.by), was)))


def _whole(row: Row, full: bool) -> list[str]:
    """One key with all of its value, as lines of text."""
    sign, meaning = SIGNS[row.mark]
    by = f" by {', '.join(row.by)}" if row.by else ""
    about = ", ".join(filter(None, (row.type, row.size, f"{meaning}{by}" if meaning else "")))
    lines = [f"{sign} {printable(row.key)} ({about})".strip()]
    if row.old is not MISSING:
        lines.append(f"  was {brief(row.old, 200)}")
    if row.value is MISSING:
        return lines
    most = LINES * (100 if full else 1)
    if isinstance(row.value, str):
        shown = printable(row.value).split("\n")
        rest = [f"\u2026 {len(shown) - most:,} more lines"] if len(shown) > most else []
        return [*lines, *(f"  {line}" for line in shown[:most]), *(f"  {line}" for line in rest)]
    found = grid(row.value) if is_frame(row.value) else None
    if found is not None:
        return [*lines, *(f"  {line}" for line in repr(Table(found.columns, list(found.rows))).split("\n"))]
    return [*lines, *(f"  {line}" for line in outlined(row.value, most))]
