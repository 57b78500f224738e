"""The timeline of a branch as a table: each step, how long it took and stood still, and what happened in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, assert_never

from nbhitl.checkpoint.sql.table import Table
from nbhitl.debugging.moments import Exchange, Happened, Moment
from nbhitl.engine.records import START
from nbhitl.notebook.inspecting.columns import in_columns
from nbhitl.notebook.inspecting.look_style import LOOK_STYLE
from nbhitl.notebook.questions.markup import escaped
from nbhitl.report.phrases import duration
from nbhitl.words import cut, plainly

if TYPE_CHECKING:
    from nbhitl.session import Session

SIGNS: Final[dict[Happened, tuple[str, str]]] = {
    "input": ("\u2192", "input"),
    "ran": ("\u2713", "ran"),
    "asked": ("?", "asks"),
    "failed": ("\u2717", "failed"),
    "due": ("\u25b6", "next"),
    "ended": ("\u25a0", "end"),
}
"""The sign of what happened in a step, and the word for it."""
COLUMNS: Final = ("step", "", "node", "worked", "waited", "wrote", "what happened")
SHOWN: Final = 200
"""Steps that are shown: the last ones."""


class Timeline:
    """The steps of a branch, oldest first. Iterates over them.

    Args:
        moments: the steps.
        heading: whose they are: ``Timeline of post / demo, on main``.
        limit: how many of the last ones are shown.
    """

    def __init__(self, moments: Sequence[Moment], heading: str, limit: int = SHOWN) -> None:
        self.moments = tuple(moments)
        self.heading = cut(heading)
        self.limit = limit

    def __iter__(self) -> Iterator[Moment]:
        return iter(self.moments)

    def __len__(self) -> int:
        return len(self.moments)

    @property
    def _rows(self) -> list[tuple[str, ...]]:
        shown = self.moments[-self.limit :]
        return [(str(m.step), sign(m), nodes(m.nodes), took(m), stood(m), wrote(m), told(m)) for m in shown]

    @property
    def _note(self) -> str:
        hidden = len(self.moments) - self.limit
        if hidden <= 0:
            return ""
        older = "1 older step is" if hidden == 1 else f"{hidden:,} older steps are"
        return f"{older} left out: %graph timeline {len(self.moments)} shows all."

    def __repr__(self) -> str:
        return "\n".join(filter(None, [self.heading, in_columns(COLUMNS, self._rows), self._note]))

    def _repr_html_(self) -> str:
        note = f'<div class="nbh-note">{escaped(self._note)}</div>' if self._note else ""
        heading = f'<div class="nbh-heading">{escaped(self.heading)}</div>'
        return f'{LOOK_STYLE}<div class="nbh-look">{heading}{Table(COLUMNS, self._rows)._repr_html_()}{note}</div>'


def timeline_of(session: Session, limit: int = SHOWN) -> Timeline:
    """The timeline of the branch where a thread stands."""
    moments = session.timeline()
    on = f", on {session.find_branch().name}" if moments else ": the thread has not run yet"
    return Timeline(moments, f"Timeline of {session.name} / {session.thread}{on}", limit)


def sign(moment: Moment) -> str:
    """What happened, as a sign and a word."""
    mark, word = SIGNS[moment.happened]
    return f"{mark} {word}"


def happening(moment: Moment) -> str:
    """What happened, with whom, to be read as a sentence: ``? review asked``."""
    mark = SIGNS[moment.happened][0]
    names = nodes(moment.nodes)
    match moment.happened:
        case "due":
            return f"{mark} next: {names}"
        case "ended":
            return f"{mark} end of the run"
        case "input":
            return f"{mark} input"
        case "ran" | "asked" | "failed":
            return f"{mark} {names} {moment.happened}"
        case _:
            assert_never(moment.happened)


def nodes(names: Iterable[str]) -> str:
    """The nodes of a step, each named once: ``work \u00d73``."""
    counted = Counter(name for name in names if name != START)
    return cut(", ".join(name if count == 1 else f"{name} \u00d7{count}" for name, count in counted.items()))


def took(moment: Moment) -> str:
    """How long its nodes worked; empty while that is not known."""
    known = moment.work is not None and moment.happened == "ran"
    return duration(moment.work / 1e6) if known and moment.work is not None else ""


def stood(moment: Moment) -> str:
    """How long it waited for a person; empty where it did not."""
    return duration(moment.waited / 1e6) if moment.waited >= 1_000 else ""


def wrote(moment: Moment) -> str:
    """The keys that it wrote."""
    return cut(", ".join(moment.wrote))


def told(moment: Moment) -> str:
    """Questions, answers, errors, edits and branches, in one line."""
    return "; ".join(happenings(moment))


def happenings(moment: Moment) -> Iterator[str]:
    """The same, one by one."""
    if moment.edited:
        yield f"edited by hand: {cut(', '.join(moment.edited))}"
    for exchange in moment.exchanges:
        yield _exchange(exchange)
    for node, text in moment.failures:
        yield cut(f"{node}: {text}" if node else text)
    if moment.copied:
        yield "taken up again here"
    if moment.leaving:
        yield f"left here: {cut(', '.join(moment.leaving))}"
    if moment.now:
        yield "\u25cf now"


def _exchange(exchange: Exchange) -> str:
    asked = f"{cut(exchange.node)} asked \u201c{plainly(exchange.asked.value)}\u201d"
    answered = exchange.answered
    if answered is None:
        return f"{asked}: no answer yet"
    if answered.via == "deadline":
        return f"{asked}: nobody answered in time"
    who = ", ".join(filter(None, [cut(answered.by), cut(answered.via)]))
    return f"{asked} \u2192 {plainly(answered.value)}{f' ({who})' if who else ''}"
