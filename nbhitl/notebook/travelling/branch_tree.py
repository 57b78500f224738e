"""The branches of a thread as a tree, in words and box characters, and two of them side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nbhitl.checkpoint.sql.table import Table
from nbhitl.debugging.comparing import Comparison
from nbhitl.debugging.lineage import Branch
from nbhitl.debugging.moments import Moment
from nbhitl.notebook.inspecting.columns import in_columns
from nbhitl.notebook.inspecting.compared import Compared
from nbhitl.notebook.inspecting.look_style import LOOK_STYLE
from nbhitl.notebook.questions.markup import escaped
from nbhitl.notebook.travelling.timeline import happening, nodes, told, wrote
from nbhitl.words import cut

COLUMNS = ("branch", "", "left", "steps", "stands")

TREE_STYLE = """<style>
.nbh-look.nbh-look .nbh-branches > tbody > tr > th { white-space: pre; font-weight: normal; padding: 0 16px 0 0;
  font-family: var(--jp-code-font-family, monospace); line-height: 1.6; }
.nbh-look.nbh-look .nbh-branches > * > tr > :is(th, td) { text-align: left; border: 0; vertical-align: baseline;
  padding: 0 16px 0 0; line-height: 1.6; }
.nbh-look.nbh-look .nbh-branches > thead > tr > th { font-weight: normal; color: var(--jp-ui-font-color2, #616161); }
.nbh-look.nbh-look .nbh-branches .nbh-here > th { font-weight: 600; }
.nbh-look.nbh-look .nbh-branches .nbh-here > :is(th, td) { background: color-mix(in srgb,
  var(--jp-brand-color1, #1976d2) 10%, transparent); }
</style>"""
SIDES_STYLE = """<style>
.nbh-look.nbh-look .nbh-sides :is(td, th):is(:nth-child(2), :nth-child(6)) { min-width: 14ch; }
</style>"""


class BranchTree:
    """The branches of a thread. Iterates over them, in the order in which they began.

    Args:
        branches: those that are shown.
        heading: whose they are: ``Branches of post / demo``.
    """

    def __init__(self, branches: Sequence[Branch], heading: str) -> None:
        self.branches = tuple(branches)
        self.heading = cut(heading)

    def __iter__(self) -> Iterator[Branch]:
        return iter(self.branches)

    def __len__(self) -> int:
        return len(self.branches)

    def __repr__(self) -> str:
        if not self.branches:
            return f"{self.heading}: the thread has not run yet."
        rows = [_texts(lead, branch) for lead, branch in self._drawn()]
        return f"{self.heading}\n{in_columns(COLUMNS, rows)}"

    def _repr_html_(self) -> str:
        heading = (
            f'{LOOK_STYLE}{TREE_STYLE}<div class="nbh-look"><div class="nbh-heading">{escaped(self.heading)}</div>'
        )
        if not self.branches:
            return f'{heading}<div class="nbh-note">The thread has not run yet.</div></div>'
        head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
        rows = "".join(_row(lead, branch) for lead, branch in self._drawn())
        table = f'<table class="nbh-branches"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        return f"{heading}{table}</div>"

    def _drawn(self) -> Iterator[tuple[str, Branch]]:
        """Each branch below the one that it left, behind its part of the tree."""
        children: dict[str, list[Branch]] = {}
        known = {branch.id for branch in self.branches}
        for branch in self.branches:
            children.setdefault(branch.parent if branch.parent in known else "", []).append(branch)
        todo = [("", "", branch) for branch in reversed(children.get("", []))]
        while todo:  # no recursion: whoever goes back a thousand times gets a deep tree
            lead, stem, branch = todo.pop()
            yield lead, branch
            below = children.get(branch.id, [])[::-1]
            for place, child in enumerate(below):
                fork, stretch = _LAST if place == 0 else _BETWEEN
                todo.append((stem + fork, stem + stretch, child))


_LAST = ("\u2514\u2500 ", "   ")
_BETWEEN = ("\u251c\u2500 ", "\u2502  ")
"""How a branch hangs on the one above it, and what goes on below it."""


def _texts(lead: str, branch: Branch) -> tuple[str, str, str, str, str]:
    left = "" if branch.left_at is None else f"at step {branch.left_at}"
    here = "\u25cf now" if branch.current else ""
    return f"{lead}{cut(branch.name)}", here, left, str(branch.steps), cut(branch.status)


def _row(lead: str, branch: Branch) -> str:
    name, *cells = _texts(lead, branch)
    here = ' class="nbh-here" aria-current="true"' if branch.current else ""
    return (
        f'<tr{here}><th scope="row">{escaped(name)}</th>{"".join(f"<td>{escaped(cell)}</td>" for cell in cells)}</tr>'
    )


class SideBySide:
    """Two branches from where they part. As text and as HTML."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    @property
    def heading(self) -> str:
        """Where they part, in words."""
        found = self.comparison
        names = f"{cut(found.one.name)} and {cut(found.other.name)}"
        if found.parted is None:
            return f"{names} have no step in common."
        same = " The same nodes ran on both." if found.same_path else ""
        return f"{names} part after step {found.parted.step} ({nodes(found.parted.nodes)}).{same}"

    @property
    def _columns(self) -> tuple[str, ...]:
        one, other = cut(self.comparison.one.name), cut(self.comparison.other.name)
        return "step", one, "wrote and asked", "", "step", other, "wrote and asked"

    @property
    def _rows(self) -> list[tuple[str, ...]]:
        return [(*_cells(one), _mark(one, other), *_cells(other)) for one, other in self.comparison.rows]

    @property
    def _ends(self) -> Compared:
        one, other = self.comparison.one, self.comparison.other
        return Compared(self.comparison.differences, f"From the end of {one.name} to the end of {other.name}")

    def __repr__(self) -> str:
        return "\n\n".join([self.heading, in_columns(self._columns, self._rows), repr(self._ends)])

    def _repr_html_(self) -> str:
        heading = f'<div class="nbh-heading">{escaped(self.heading)}</div>'
        steps, ends = Table(self._columns, self._rows)._repr_html_(), self._ends.inner_html()
        sides = f'<div class="nbh-sides">{steps}</div>'
        return f'{LOOK_STYLE}{SIDES_STYLE}<div class="nbh-look">{heading}{sides}{ends}</div>'


def _cells(moment: Moment | None) -> tuple[str, str, str]:
    if moment is None:
        return "", "", ""
    return str(moment.step), happening(moment), "; ".join(filter(None, [wrote(moment), told(moment)]))


def _mark(one: Moment | None, other: Moment | None) -> str:
    """Whether the same nodes ran, as a sign."""
    return "=" if one is not None and other is not None and one.nodes == other.nodes else "\u2260"
