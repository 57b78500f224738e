"""What followed from each answer, as a table."""

from __future__ import annotations

from collections.abc import Iterator

from nbhitl.checkpoint.sql.table import Table
from nbhitl.debugging.looks import brief
from nbhitl.engine.records import MISSING
from nbhitl.notebook.inspecting.look_style import LOOK_STYLE
from nbhitl.notebook.questions.markup import escaped
from nbhitl.session.what_if import Outlook, WhatIf
from nbhitl.words import cut, plainly

KEYS = 8
"""Keys of the state that get a column."""


class Foreseen:
    """The rows of a what-if: the answer, the path that was taken, how it stopped, and the values that differ.

    Iterates over `Outlook`.
    """

    def __init__(self, found: WhatIf, whose: str) -> None:
        self.found = found
        self.heading = cut(f"What if: {whose} under each answer")

    def __iter__(self) -> Iterator[Outlook]:
        return iter(self.found.rows)

    def __len__(self) -> int:
        return len(self.found.rows)

    @property
    def _keys(self) -> tuple[str, ...]:
        return self.found.differing[:KEYS]

    @property
    def _table(self) -> Table:
        kept = any(row.thread for row in self.found.rows)
        columns = ("answer", "path", "stops", *self._keys, *(["thread"] if kept else []))
        return Table(columns, [self._row(row, kept=kept) for row in self.found.rows])

    def _row(self, row: Outlook, *, kept: bool) -> tuple[str, ...]:
        values = [row.values.get(key, MISSING) for key in self._keys]
        path = cut(" \u2192 ".join(row.path)) or "(nothing ran to its end)"
        cells = ["\u2013" if value is MISSING else brief(value, 60) for value in values]
        return self._answer(row), path, cut(row.stopped.text), *cells, *([row.thread] if kept else [])

    def _answer(self, row: Outlook) -> str:
        """The answers of a row, each behind its node where there are several."""
        parts = []
        for id, value in row.answers.items():
            question = self.found.questions[id]
            told = plainly(value)
            parts.append(told if len(row.answers) == 1 else f"{plainly(question.value)}: {told}")
        return cut("; ".join(parts))

    @property
    def notes(self) -> list[str]:
        """What to know beside the table."""
        found = self.found
        said = ["The thread itself stands where it stood. What nodes do outside the state was done once for each row."]
        if found.rows and not found.differing:
            said.append("The last values are the same in all rows.")
        if len(found.differing) > KEYS:
            said.append(f"{len(found.differing) - KEYS} more keys differ.")
        if found.left_out:
            said.append(f"At least {found.left_out} more answers were not tried.")
        return said

    def __repr__(self) -> str:
        return "\n".join([self.heading, repr(self._table), *self.notes])

    def _repr_html_(self) -> str:
        notes = "".join(f'<div class="nbh-note">{escaped(note)}</div>' for note in self.notes)
        heading = f'<div class="nbh-heading">{escaped(self.heading)}</div>'
        return f'{LOOK_STYLE}<div class="nbh-look">{heading}{self._table._repr_html_()}{notes}</div>'
