"""The open questions of a thread on the screen: a form for one, a board for several, and what became of each.

A form whose question was answered, expired or replaced by other means says so and keeps what was typed. Every method
may be called from any thread; what a person does is handed on as a command.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nbhitl.engine.errors import AnswerRefused, NbhitlError, SchemaError
from nbhitl.engine.records import Answered, Asked
from nbhitl.notebook.commands import Answer, AnswerAll, Check
from nbhitl.notebook.questions.board import Board, Row
from nbhitl.notebook.questions.countdown import Countdown
from nbhitl.notebook.questions.form import Form
from nbhitl.notebook.questions.remark import Remark
from nbhitl.notebook.worker import schema_of
from nbhitl.outcomes import Outcome, then, told
from nbhitl.run.vault import shown
from nbhitl.words import plainly

if TYPE_CHECKING:
    from nbhitl.session import Session

Send = Callable[[Answer | AnswerAll | Check], None]
"""Hands a command to the worker, and returns."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One question's form with what belongs to it."""

    question: Asked
    form: Form
    remark: Remark
    countdown: Countdown | None

    def finish(self) -> None:
        """Nothing is to be done here any more."""
        self.remark.disabled = True
        if self.countdown is not None:
            self.countdown.over = True


class Desk:
    """What a person can answer, and could.

    Args:
        session: whose questions they are.
        send: takes the commands.
    """

    def __init__(self, session: Session, send: Send) -> None:
        self.session = session
        self._send = send
        self._seen: dict[str, tuple[Asked, str]] = {}
        """Each open question by its id, and the checkpoint at which it was seen."""
        self._nodes: dict[str, str] = {}
        self._sheets: dict[str, Sheet] = {}
        self._ended: dict[str, tuple[Sheet, int]] = {}
        """Forms that say what became of their questions by other means, and at which turn that was."""
        self._turn = 0
        self._lock = threading.RLock()
        self._board: Board | None = None

    # -- what is on it

    @property
    def is_open(self) -> bool:
        """Whether a question waits here."""
        return bool(self._seen)

    def has(self, id: str) -> bool:
        """Whether this question waits here."""
        return id in self._seen

    @property
    def widgets(self) -> list[Any]:
        """What is to be seen, from top to bottom."""
        ended = [sheet.form.widget for sheet, _ in self._ended.values()]
        if self._board is not None:
            return [self._board.widget, *ended] if self._seen else [*ended, self._board.widget]
        return [*ended, *(sheet.form.widget for id, sheet in self._sheets.items() if id in self._seen)]

    def show(self, pending: Sequence[Asked]) -> None:
        """Lay out these questions, which are all that are open."""
        with self._lock:
            position = self.session.position
            at = position.checkpoint.id if position is not None else ""
            nodes = {task.id: task.node for task in position.checkpoint.tasks} if position is not None else {}
            self._nodes |= {question.id: question.node or nodes.get(question.task, "") for question in pending}
            self._next_turn()
            self._seen = {question.id: (question, at) for question in pending}
            if self._board is not None and not any(q.id in self._board.rows for q in pending):
                self._board = None
            if self._board is None and len(pending) > 1:
                self._board = Board(self._opened, self._submitted, self._same, self._lock)
            if self._board is not None:
                self._board.put([self._row(question) for question in pending])
            else:
                for question in pending:
                    self._sheet(question, partial(self._answered_in_form, question.id))

    def _next_turn(self) -> None:
        """Forms that ended since the last turn are to be seen for one more; older ones go."""
        self._ended = {id: (sheet, turn) for id, (sheet, turn) in self._ended.items() if turn == self._turn}
        self._turn += 1

    def _row(self, question: Asked) -> Row:
        return Row(
            question.id,
            self._nodes[question.id],
            plainly(question.value),
            kind=repr(question.described or schema_of(question)),
            deadline=question.deadline // 1000,
            then=then(question) if question.deadline else "",
        )

    def _sheet(self, question: Asked, submit: Callable[[Any], None], action: str = "Submit") -> Sheet:
        known = self._sheets.get(question.id)
        if known is not None:
            return known
        node = self._nodes[question.id]
        checker = self.session.compiled.calls.world.checker
        try:
            form = Form(
                replace(question, schema=schema_of(question)), title=node, checker=checker, submit=submit, action=action
            )
        except SchemaError as error:
            raise NbhitlError(f"the question of node {node!r} cannot be shown: {error}") from error
        countdown = None
        if question.deadline:
            clock = self.session.compiled.calls.world.clock
            countdown = Countdown(question.deadline, then(question), clock.now)
        sheet = Sheet(question, form, Remark(), countdown)
        _put_in(sheet)
        self._sheets[question.id] = sheet
        return sheet

    # -- what a person does

    def _answered_in_form(self, id: str, raw: Any) -> None:
        self._send(Answer(raw, id, note=self._sheets[id].remark.text))

    def _opened(self, id: str) -> Any:
        """The form of a question on the board; None when it is not open."""
        with self._lock:
            if id not in self._seen:
                return None
            question, _ = self._seen[id]
            return self._sheet(question, lambda raw: self._send(Check(raw, id)), action="Set answer").form.widget

    def _submitted(self, answers: Mapping[str, Any]) -> None:
        notes = {id: self._sheets[id].remark.text for id in answers if id in self._sheets}
        self._send(AnswerAll(dict(answers), notes))

    def _same(self, source: str, others: Sequence[str]) -> Sequence[str]:
        """Of the questions that are to get the same answer, those that are open and ask for the same."""
        board = self._board
        if board is None or source not in board.rows:
            return []
        kind = board.rows[source].kind
        return [id for id in others if id in self._seen and id in board.rows and board.rows[id].kind == kind]

    # -- what came of it

    def kept(self, id: str, plain: Any) -> None:
        """An answer fits, and waits on the board to be submitted."""
        with self._lock:
            sheet = self._sheets.get(id)
            if self._board is None or id not in self._seen:
                return
            described = self._seen[id][0].described or {}
            self._board.keep(id, plain, plainly(shown(described, plain)))
            if sheet is not None:
                sheet.form.refuse(())  # open again: the answer can be changed until it is submitted

    def refuse(self, id: str, error: AnswerRefused) -> None:
        """Say what is wrong with an answer."""
        with self._lock:
            if self._board is not None and id in self._board.rows:
                self._board.drop(id, f"Not taken: {'; '.join(str(p.message) for p in error.problems)}")
                self._opened(id)
            if id in self._sheets:
                self._sheets[id].form.refuse(error.problems)

    def answered(self, id: str, answer: Answered) -> None:
        """An answer from here was recorded."""
        with self._lock:
            if answer.via != "form":
                self._end(id, Outcome("answered", answer))
                return
            self._seen.pop(id, None)
            sheet = self._sheets.pop(id, None)
            if sheet is not None:
                sheet.finish()
                sheet.form.answered(plainly(answer.value))
            if self._board is not None:
                self._board.done(id, plainly(answer.value))

    def look(self) -> bool:
        """Say what became of every question that is not open any more; whether there was one."""
        with self._lock:
            if self._board is not None:
                self._board.settle()
            if not self._seen:
                return False
            pending = {question.id for question in self.session.pending()}
            gone = [id for id in self._seen if id not in pending]
            for id in gone:
                self._end(id, self.session.outcome(id, self._seen[id][1]))
            return bool(gone)

    def close(self, message: str) -> None:
        """Nothing is to be answered here any more."""
        with self._lock:
            for id in list(self._seen):
                self._seen.pop(id)
                sheet = self._sheets.pop(id, None)
                if sheet is not None:
                    sheet.finish()
                    sheet.form.close(message)
            if self._board is not None:
                self._board.close(message)

    def clear(self) -> bool:
        """The run is over: forget what was answered here; whether forms stay that say what became of them."""
        with self._lock:
            self._next_turn()
            self._seen.clear()
            self._sheets.clear()
            if self._board is not None and not self._board.has_lost:
                self._board = None
            return bool(self._ended) or self._board is not None

    def reopen(self) -> None:
        """Something went wrong while an answer was under way: what is open takes another one."""
        with self._lock:
            if self._board is not None:
                self._board.settle()
            for id, sheet in self._sheets.items():
                if id in self._seen and sheet.form.state == "busy":
                    sheet.form.refuse(())

    def _end(self, id: str, outcome: Outcome) -> None:
        if outcome.fate == "open" or id not in self._seen:
            return
        self._seen.pop(id)
        value = plainly(outcome.answered.value) if outcome.answered is not None else ""
        text = told(outcome, value)
        sheet = self._sheets.pop(id, None)
        if sheet is not None:
            sheet.finish()
            sheet.form.close(text)
        if self._board is not None:
            self._board.lost(id, text)
        elif sheet is not None:
            self._ended[id] = (sheet, self._turn)


def _put_in(sheet: Sheet) -> None:
    """Put the countdown above a form's body, and the note below its button."""
    children = list(sheet.form.widget.children)
    body = next((i for i, child in enumerate(children) if "nbh-body" in getattr(child, "_dom_classes", ())), None)
    at = len(children) if body is None else body
    above = [sheet.countdown] if sheet.countdown is not None else []
    children[at:at] = above
    after = at + len(above) + (body is not None)
    children[after:after] = [sheet.remark]
    sheet.form.widget.children = tuple(children)
