"""How a run went, as text that stays in the saved file: why it stopped, questions and answers, the last state.

GitHub, nbviewer and nbconvert show it with nothing of ours installed. While a form or a button is alive on the page, it
says the same better, so that the text is hidden there: see `LIVE`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.sql.table import Table
from nbhitl.debugging.lineage import genuine
from nbhitl.engine.records import MISSING, Answered, Asked, Position
from nbhitl.inbox import accepted
from nbhitl.report.happenings import by_whom, replaced
from nbhitl.report.phrases import clean, reason_words
from nbhitl.report.texts import as_text, kind_of
from nbhitl.words import cut, plainly

if TYPE_CHECKING:
    from nbhitl.session import Session

LOOK_BACK: Final = 1_000
"""Checkpoints that are looked at for answers."""
SHOWN_KEYS: Final = 40
LIVE: Final = "nbh-live"
"""The class of what is alive on the page."""
STYLE: Final = f"""<style>
.jp-OutputArea:has(.{LIVE}) .nbh-story:not(.{LIVE} .nbh-story) {{ display: none; }}
.{LIVE}.jupyter-widgets-disconnected:not(button)::before,
.{LIVE} .jupyter-widgets-disconnected:not(button)::before {{ display: none; }}
</style>"""
"""Goes with what is alive, and so is not there where nothing is. A kernel that is gone is told once, by forms, and on
buttons: a sign of it on each text and box would tear what is read apart."""


def story(session: Session) -> dict[str, str]:
    """The story as mime type to text; empty texts before the first run."""
    position = session.position
    if position is None:
        return {"text/plain": "", "text/html": ""}
    stopped = position.stopped
    head = clean(reason_words(stopped.reason, stopped.text) if stopped is not None else "Not finished")
    parts = [part for part in (_answers(session), _open(session), _state(session)) if part is not None]
    plain = "\n\n".join([f"{head}.", *(f"{title}\n{table!r}" for title, table, _ in parts)])
    shown = "".join(
        f"<p><strong>{title}</strong></p>{table._repr_html_()}{f'<p>{html.escape(note)}</p>' if note else ''}"
        for title, table, note in parts
    )
    notes = "".join(f"\n{note}" for _, _, note in parts if note)
    return {
        "text/plain": plain + notes,
        "text/html": f'<div class="nbh-story"><p><strong>{html.escape(head)}.</strong></p>{shown}</div>',
    }


def answers_html(session: Session) -> str:
    """The answers alone, as they stand below the buttons of a run that has stopped; empty where there are none."""
    part = _answers(session)
    return "" if part is None else f'<div class="nbh-answers">{part[1]._repr_html_()}</div>'


_Part = tuple[str, Table, str]
"""A title, what stands below it, and a note."""


def _answers(session: Session) -> _Part | None:
    rows = list(_answered(islice(genuine(session.branch()), LOOK_BACK)))[::-1]
    if not rows:
        return None
    columns = ["node", "question", "answer", "answered by", "note", "before"]
    kept = [place for place in range(len(columns)) if place < 4 or any(row[place] for row in rows)]
    table = Table([columns[place] for place in kept], [tuple(row[place] for place in kept) for row in rows])
    return "Answers", table, ""


def _answered(branch: Iterable[Position]) -> Iterator[tuple[str, ...]]:
    """A row for each answer, the newest first."""
    for position in branch:
        nodes = {task.id: task.node for task in position.checkpoint.tasks}
        asked = [question for several in position.asked.values() for question in several]
        for question in asked[::-1]:
            if question.id in position.answers:
                node = question.node or nodes.get(question.task, "")
                yield _row(node, question, position.answers[question.id])


def _row(node: str, question: Asked, answer: Answered) -> tuple[str, ...]:
    value = question.default if answer.via == "deadline" else answer.value
    before = replaced(question, value)
    return (
        cut(node),
        plainly(question.value),
        "" if value is MISSING else plainly(value),
        by_whom(question, answer).removeprefix("by "),
        cut(answer.note),
        "" if before is MISSING else plainly(before),
    )


def _open(session: Session) -> _Part | None:
    pending = session.pending()
    if not pending:
        return None
    rows = [
        (cut(session.node_of(asked)), plainly(asked.value), cut(accepted(asked.described or {})), asked.id)
        for asked in pending
    ]
    how = (
        "To answer: run the cell in a notebook with nbhitl and fill in its form, or say %graph answer VALUE there, or "
        f"on the command line: nbhitl answer {_file(session)} {pending[0].id} VALUE"
    )
    return "Open questions", Table(("node", "question", "accepted", "id"), rows), how


def _file(session: Session) -> str:
    """The checkpoint file as it can be named beside the notebook; a path of this machine is nobody else's business."""
    path = getattr(session.saver, "path", None)
    return str(path) if isinstance(path, str) and not Path(path).is_absolute() else "FILE"


def _state(session: Session) -> _Part | None:
    values: Any = session.inspect().values if session.graph.direct else session.state().values
    named = values if isinstance(values, Mapping) else {"state": values}
    rows = [(cut(str(key)), cut(as_text(value)), kind_of(value)) for key, value in islice(named.items(), SHOWN_KEYS)]
    more = len(named) - len(rows)
    if not rows:
        return None
    return "State", Table(("key", "value", "type"), rows), f"and {more:,} keys more" if more else ""
