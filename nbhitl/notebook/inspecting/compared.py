"""What changed between two states, as text and as HTML: a sign, where, before and after, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from nbhitl.debugging.differences import Difference
from nbhitl.debugging.looks import brief, printable
from nbhitl.engine.records import MISSING
from nbhitl.engine.shown import Diff
from nbhitl.notebook.inspecting.diffs import diff_html, marked
from nbhitl.notebook.inspecting.look_style import LOOK_STYLE
from nbhitl.notebook.inspecting.tree import Budget, value_html
from nbhitl.notebook.questions.markup import escaped

SIGNS: Final = {"added": "+", "removed": "\u2212", "changed": "~", "more": "\u22ef"}
SHORT: Final = 160
"""Characters up to which a text of one line is compared in its row."""
LINES: Final = 60
"""Changed lines of one text that are printed."""
TEXT_COMPARED: Final = 40_000
"""Characters of each text that are compared in print."""


class Compared:
    """Differences of two states. Iterates over them.

    Args:
        differences: what changed.
        heading: what is compared, in words: ``From step 0 to step 2 of post / demo``.
    """

    def __init__(self, differences: Sequence[Difference], heading: str) -> None:
        self.differences = tuple(differences)
        self.heading = printable(heading)

    def __iter__(self) -> Iterator[Difference]:
        return iter(self.differences)

    def __len__(self) -> int:
        return len(self.differences)

    def __repr__(self) -> str:
        if not self.differences:
            return f"{self.heading}: nothing has changed."
        width = min(40, max(len(_where(one)) for one in self.differences))
        lines = [line for one in self.differences for line in _lines(one, width)]
        return "\n".join([f"{self.heading}:", *lines])

    def _repr_html_(self) -> str:
        return f'{LOOK_STYLE}<div class="nbh-look">{self.inner_html()}</div>'

    def inner_html(self) -> str:
        """The differences as HTML, for a place that has the style already."""
        heading = f'<div class="nbh-heading">{escaped(self.heading)}</div>'
        if not self.differences:
            return f'{heading}<div class="nbh-note">Nothing has changed</div>'
        budget = Budget()
        heads = "".join(f'<th scope="col">{name}</th>' for name in ("where", "before", "after", ""))
        rows = "".join(_row(one, budget) for one in self.differences)
        table = f"<thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody>"
        return f'{heading}<table class="nbh-changes">{table}</table>'


def _where(one: Difference) -> str:
    return printable(one.where) or "the state"


def _left_out(one: Difference) -> str:
    return one.note or (f"{one.count:,} more differences" if one.count else "more differences")


# -- as text


def _lines(one: Difference, width: int) -> Iterator[str]:
    head = f"{SIGNS[one.change]} {_where(one):<{width}}"
    note = f"  ({printable(one.note)})" if one.note else ""
    match one.change:
        case "more":
            yield f"{head}  {_left_out(one)}"
        case "added":
            yield f"{head}  {_text(one.new)}{note}".rstrip()
        case "removed":
            yield f"{head}  {_text(one.old)}{note}".rstrip()
        case "changed" if _is_long(one):
            yield f"{head}{note}"
            yield from (f"    {line}" for line in _unified(str(one.old), str(one.new)))
        case "changed":
            sides = "" if one.old is MISSING and one.new is MISSING else f"{_text(one.old)} -> {_text(one.new)}"
            yield f"{head}  {sides}{note}".rstrip()


def _text(value: object) -> str:
    return "" if value is MISSING else brief(value, 80)


def _unified(old: str, new: str) -> Iterator[str]:
    found = str(Diff(old[:TEXT_COMPARED], new[:TEXT_COMPARED])).split("\n")
    yield from (printable(line) for line in found[:LINES])
    if len(found) > LINES:
        yield f"\u22ef {len(found) - LINES:,} more lines"
    if max(len(old), len(new)) > TEXT_COMPARED:
        yield "\u22ef only the beginning of the texts is compared: they are long"


def _is_long(one: Difference) -> bool:
    """Whether two texts are compared line by line."""
    sides = (one.old, one.new)
    return all(type(side) is str for side in sides) and any(
        len(side) > SHORT or "\n" in side for side in sides if isinstance(side, str)
    )


# -- as HTML


def _row(one: Difference, budget: Budget) -> str:
    sign = f'<span aria-hidden="true">{SIGNS[one.change]}</span><span class="nbh-unseen">{one.change}</span>'
    start = f'<tr><td class="nbh-sign" title="{one.change}">{sign}</td><th scope="row">{escaped(_where(one))}</th>'
    note = f'<td class="nbh-quiet">{escaped(printable(one.note))}</td>'
    if one.change == "more":
        return f'{start}<td colspan="3" class="nbh-note">{escaped(printable(_left_out(one)))}</td></tr>'
    if one.change == "changed" and _is_long(one):
        return f'{start}<td colspan="2">{diff_html(Diff(one.old, one.new))}</td>{note}</tr>'
    both = marked(one.old, one.new) if isinstance(one.old, str) and isinstance(one.new, str) else None
    if both is not None:
        was, now = (f'<span class="nbh-value">{text}</span>' for text in both)
    else:
        was, now = (_side(side, budget) for side in (one.old, one.new))
    return f"{start}<td{_tint(was, 'nbh-gone')}>{was}</td><td{_tint(now, 'nbh-come')}>{now}</td>{note}</tr>"


def _side(value: object, budget: Budget) -> str:
    return "" if value is MISSING else value_html(value, budget)


def _tint(html: str, style: str) -> str:
    return f' class="{style}"' if html else ""
