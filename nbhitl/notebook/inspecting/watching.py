"""Watched expressions with their values, as text and as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nbhitl.checkpoint.sql.table import Table
from nbhitl.debugging.looks import brief, printable, sized, type_name
from nbhitl.notebook.inspecting.look_style import LOOK_STYLE
from nbhitl.notebook.inspecting.tree import Budget, value_html
from nbhitl.notebook.questions.markup import escaped

if TYPE_CHECKING:
    from nbhitl.debugging.watch import Watched
    from nbhitl.session import Session


class Watches:
    """The values of watched expressions. Iterates over them.

    Args:
        found: the expressions with their values.
        heading: of what they are, in words; may be empty.
    """

    def __init__(self, found: Sequence[Watched], heading: str = "") -> None:
        self.found = tuple(found)
        self.heading = printable(heading)

    def __iter__(self) -> Iterator[Watched]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __repr__(self) -> str:
        if not self.found:
            return "Nothing is watched yet: %graph watch EXPR."
        rows = [
            (one.text, "", f"! {printable(one.error)}") if one.error else (one.text, _about(one), brief(one.value))
            for one in self.found
        ]
        lines = repr(Table(("watched", "type", "value"), rows))
        return f"{self.heading}\n{lines}" if self.heading else lines

    def _repr_html_(self) -> str:
        return f'{LOOK_STYLE}<div class="nbh-look">{self.inner_html()}</div>'

    def inner_html(self) -> str:
        """The table as HTML, for a place that has the style already."""
        if not self.found:
            return '<div class="nbh-note">Nothing is watched yet: %graph watch EXPR.</div>'
        budget = Budget(parts=400)
        heading = f'<div class="nbh-heading">{escaped(self.heading)}</div>' if self.heading else ""
        heads = "".join(f'<th scope="col">{name}</th>' for name in ("watched", "type", "value"))
        rows = "".join(_row(one, budget) for one in self.found)
        return f'{heading}<table class="nbh-state"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def watches_of(session: Session, step: int | str | None = None) -> Watches:
    """The watched expressions of a session at a step, as `Session.at` takes it. Raises `NbhitlError` as that does."""
    where = "now" if step is None else f"at step {session.at(step).checkpoint.step}"
    return Watches(session.watched(step), f"Watched in {session.name} / {session.thread}, {where}")


def _row(one: Watched, budget: Budget) -> str:
    head = f'<tr><th scope="row"><span class="nbh-value">{escaped(printable(one.text))}</span></th>'
    if one.error:
        sign = '<span aria-hidden="true">\u26a0</span>'
        return f'{head}<td></td><td><span class="nbh-error">{sign} {escaped(printable(one.error))}</span></td></tr>'
    return f'{head}<td class="nbh-quiet">{escaped(_about(one))}</td><td>{value_html(one.value, budget)}</td></tr>'


def _about(one: Watched) -> str:
    return ", ".join(filter(None, (type_name(one.value), sized(one.value))))
