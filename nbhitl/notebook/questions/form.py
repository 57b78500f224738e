"""A question as a form: what is asked, controls for the answer, errors beside their fields, and a button.

Only a view: it shows a form model (`nbhitl.run.fields`), gathers raw values and hands them to the caller's
``submit``, which has to put them on a queue and return. It checks nothing, holds no run state, never blocks
and does not rely on the thread or the moment of a callback. Works without a frontend.

Everything that comes from a question goes through `nbhitl.notebook.questions.markup`: it is shown as text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from weakref import WeakValueDictionary

import ipywidgets as W  # noqa: N812 - the name its users know

from nbhitl.notebook.questions.controls import Control, control_for, parts_of
from nbhitl.notebook.questions.markup import error_html, note, sentence, text_box
from nbhitl.notebook.questions.question import Question, headline, question_html
from nbhitl.notebook.questions.question_style import QUESTION_STYLE
from nbhitl.notebook.questions.style import STYLE
from nbhitl.notebook.questions.submit import submit_button
from nbhitl.run.fields import form_model

if TYPE_CHECKING:
    from nbhitl.engine.errors import Problem
    from nbhitl.engine.ports import Checker

__all__ = ["Form", "Question", "State"]

AGAIN: Final = "Asked again: a secret is not kept when the kernel restarts."
State: TypeAlias = Literal["open", "busy", "answered", "closed"]
_LATEST: Final[WeakValueDictionary[str, Form]] = WeakValueDictionary()
"""The form that was made last for a question, by its id: its cell may run again, and what was typed lives on."""

_RIVAL: Final = note("nbh-closed", "\u2298", "Another answer was sent as well, a moment later, and was not recorded.")


class Form:
    """A question with controls for its answer; place it with ``display(form.widget)``.

    Args:
        question: its ``value`` is shown, its ``schema`` makes the controls.
        title: the heading, e.g. the node's name.
        checker: describes the schema.
        submit: called with the raw values by field name when the person submits (`nbhitl.run.reading.collect`
            says what they are). It must put them on a queue and return. The form is busy from then on, until
            `answered`, `refuse` or `close`, which may be called from any thread and after the form is gone.
        action: what the button says; ``busy`` meanwhile, and ``done`` what is said when the answer was taken.

    All values travel with the submit message, so that a click cannot overtake what was typed before it.

    Raises:
        SchemaError: the schema cannot be shown.
    """

    def __init__(
        self,
        question: Question,
        *,
        title: str,
        checker: Checker,
        submit: Callable[[Any], None],
        action: str = "Submit",
        busy: str = "Answering ...",
        done: str = "Answered",
    ) -> None:
        self.model = form_model(checker.describe(question.schema))
        self.state: State = "open"
        self._submit = submit
        self._action, self._busy, self._done = action, busy, done
        self._gate = threading.Lock()
        self._first = 0
        """What was sent first, as a number: the same again is a double click, anything else is another page's."""
        self._rivals = False
        self.controls = tuple(control_for(field) for field in self.model.fields)
        """One for each field of the model, in its order."""
        self._summary = text_box("")
        self._status = text_box("")
        self._button = submit_button(parts_of(self.controls), self._pressed)
        self._button.description = action
        required = any(not field.may_be_blank for field in self.model.fields)
        legend = text_box("* required" if required and len(self.model.fields) > 1 else "", "nbh-help")
        self._foot = W.HBox([self._button, legend]).add_class("nbh-foot")
        self._fields = W.VBox([c.box for c in self.controls]).add_class("nbh-fields")
        self._headline = self.model.description or headline(question.value)
        shown = [W.HTML(p) for p in question_html(question.value, self._headline)]
        body = W.HBox([*shown, W.VBox([self._summary, self._fields, self._foot]).add_class("nbh-answer")])
        style = W.HTML(STYLE + QUESTION_STYLE, layout=W.Layout(display="none"))
        again = [text_box(AGAIN, "nbh-help")] if getattr(question, "again", 0) else []
        parts = [style, *self._heading(title), *again, body.add_class("nbh-body"), self._status]
        self.widget = W.VBox(parts).add_class("nbh-form")
        self._take_over(getattr(question, "id", ""))

    def press(self) -> None:
        """Submit as if the button was pressed, with the values that are known here."""
        self._pressed(None)

    def raw(self, sent: Sequence[Any] | None = None, buffers: Sequence[Any] = ()) -> dict[str, Any]:
        """The raw value of each control by field name; from the values ``sent`` by the page when given."""
        values = [part.value(i, sent) for i, part in enumerate(parts_of(self.controls))]
        found, at = {}, 0
        for control in self.controls:
            found[control.field.name] = control.read(values[at : at + len(control.parts)], buffers)
            at += len(control.parts)
        return found

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Show what is wrong, each beside its field, and take another answer. What was typed is kept."""
        said: dict[str, list[tuple[str, str]]] = {}
        rest = []
        for problem in problems:
            control = self._at(problem.field)
            if control is None:
                rest.append(": ".join(filter(None, (problem.field, problem.message))))
            else:
                inner = problem.field[len(control.field.name) :].removeprefix("." if control.field.name else "")
                said.setdefault(control.field.name, []).append((inner, problem.message))
        for control in self.controls:
            control.say(said.get(control.field.name, ()))
            control.forget()
        lines = [sentence(text) for text in rest]
        if len(said) > 1:
            labels = ", ".join(c.field.label for c in self.controls if c.field.name in said)
            lines.insert(0, f"{len(said)} fields need another answer: {labels}.")
        self._summary.value = error_html("\n".join(lines)) if lines else ""
        self._become("open", "")
        if problems:
            self._button.attention += 1

    def answered(self, text: str) -> None:
        """The answer was taken: say which one, and fold the form."""
        self._fields.layout.display = self._foot.layout.display = "none"
        self._quiet()
        self._become("answered", note("nbh-done", "\u2713", f"{self._done}: {text}" if text else self._done))

    def close(self, message: str) -> None:
        """Nothing can be answered here any more (answered elsewhere, superseded): say why, keep the draft."""
        self._foot.layout.display = "none"
        self._quiet()
        self._become("closed", note("nbh-closed", "\u2298", message))

    def _take_over(self, id: str) -> None:
        """Begin with what was typed into an earlier form for this question, and leave what is typed to a later one."""
        earlier = _LATEST.get(id) if id else None
        if earlier is not None and earlier.model == self.model and earlier.state != "answered":
            pairs = zip(parts_of(earlier.controls), parts_of(self.controls), strict=True)
            for old, new in pairs:
                setattr(new.widget, new.key, getattr(old.widget, old.key))
        if id:
            _LATEST[id] = self

    def _heading(self, title: str) -> list[Any]:
        texts = [(title or self.model.title, "nbh-title"), (self._headline, "nbh-description")]
        return [text_box(text, style) for text, style in texts if text]

    def _pressed(self, sent: Sequence[Any] | None, buffers: Sequence[Any] = ()) -> None:
        raw = self.raw(sent, buffers)
        number = hash(repr(raw))
        with self._gate:
            if self.state != "open":
                self._came_late(number)
                return
            self._first, self._rivals = number, False
            self._become("busy", "")
        try:
            self._submit(raw)
        except BaseException:
            self._become("open", "")
            raise

    def _came_late(self, number: int) -> None:
        """A second submit: a double click, or that of another page, whose person has to know that it does not count."""
        if number != self._first and self.state in ("busy", "answered") and not self._rivals:
            self._rivals = True
            if self.state == "answered":
                self._status.value += _RIVAL

    def _become(self, state: State, status: str) -> None:
        if self.state in ("answered", "closed") and state in ("open", "busy"):
            return  # a late message must not open what is done
        self.state = state
        self._status.value = status + (_RIVAL if state == "answered" and self._rivals else "")
        self._button.disabled = state != "open"
        self._button.description = self._busy if state == "busy" else self._action
        self._button.state = state

    def _quiet(self) -> None:
        self._summary.value = ""
        for control in self.controls:
            control.say(())
            control.lock()

    def _at(self, path: str) -> Control | None:
        """The control that a problem's dotted path leads to (a name may have dots itself)."""
        fits = [
            c for c in self.controls
            if c.field.name == "" or path == c.field.name or path.startswith(c.field.name + ".")
        ]  # fmt: skip
        return max(fits, key=lambda c: len(c.field.name), default=None)
