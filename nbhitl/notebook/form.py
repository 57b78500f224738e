"""A question as a form: what is asked, controls for the answer, errors beside their fields, and a button.

Only a view: it shows a form model (`nbhitl.run.fields`), gathers raw values and hands them to the caller's
``submit``, which has to put them on a queue and return. It checks nothing, holds no run state, never blocks
and does not rely on the thread or the moment of a callback. Works without a frontend.

Everything that comes from a question goes through `nbhitl.notebook.markup`: it is shown as text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import ipywidgets as W  # noqa: N812 - the name its users know

from nbhitl.notebook.controls import Control, control_for, parts_of
from nbhitl.notebook.markup import error_html, note, sentence, text_box
from nbhitl.notebook.question import Question, headline, question_html
from nbhitl.notebook.style import STYLE
from nbhitl.notebook.submit import submit_button
from nbhitl.run.fields import form_model

if TYPE_CHECKING:
    from nbhitl.engine.errors import Problem
    from nbhitl.engine.ports import Checker

__all__ = ["Form", "Question", "State"]

State: TypeAlias = Literal["open", "busy", "answered", "closed"]


class Form:
    """A question with controls for its answer; place it with ``display(form.widget)``.

    Args:
        question: its ``value`` is shown, its ``schema`` makes the controls.
        title: the heading, e.g. the node's name.
        checker: describes the schema.
        submit: called with the raw values by field name when the person submits (`nbhitl.run.reading.collect`
            says what they are). It must put them on a queue and return. The form is busy from then on, until
            `answered`, `refuse` or `close`, which may be called from any thread and after the form is gone.

    All values travel with the submit message, so that a click cannot overtake what was typed before it.

    Raises:
        SchemaError: the schema cannot be shown.
    """

    def __init__(self, question: Question, *, title: str, checker: Checker, submit: Callable[[Any], None]) -> None:
        self.model = form_model(checker.describe(question.schema))
        self.state: State = "open"
        self._submit = submit
        self._controls = tuple(control_for(field) for field in self.model.fields)
        self._summary = text_box("")
        self._status = text_box("")
        self._button = submit_button(parts_of(self._controls), self._pressed)
        required = any(not field.may_be_blank for field in self.model.fields)
        legend = text_box("* required" if required and len(self.model.fields) > 1 else "", "nbh-help")
        self._foot = W.HBox([self._button, legend]).add_class("nbh-foot")
        self._fields = W.VBox([c.box for c in self._controls]).add_class("nbh-fields")
        self._headline = self.model.description or headline(question.value)
        shown = [] if self._headline == question.value else [W.HTML(p) for p in question_html(question.value)]
        body = W.HBox([*shown, W.VBox([self._summary, self._fields, self._foot]).add_class("nbh-answer")])
        style = W.HTML(STYLE, layout=W.Layout(display="none"))
        parts = [style, *self._heading(title), body.add_class("nbh-body"), self._status]
        self.widget = W.VBox(parts).add_class("nbh-form")

    def press(self) -> None:
        """Submit as if the button was pressed, with the values that are known here."""
        self._pressed(None)

    def raw(self, sent: Sequence[Any] | None = None) -> dict[str, Any]:
        """The raw value of each control by field name; from the values ``sent`` by the page when given."""
        values = [part.value(i, sent) for i, part in enumerate(parts_of(self._controls))]
        found, at = {}, 0
        for control in self._controls:
            found[control.field.name] = control.read(values[at : at + len(control.parts)])
            at += len(control.parts)
        return found

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Show what is wrong, each beside its field, and take another answer. What was typed is kept."""
        said: dict[str, list[str]] = {}
        rest = []
        for problem in problems:
            control = self._at(problem.field)
            if control is None:
                rest.append(": ".join(filter(None, (problem.field, problem.message))))
            else:
                inner = problem.field[len(control.field.name) :].lstrip(".")
                text = f"{inner}: {problem.message}" if inner else problem.message
                said.setdefault(control.field.name, []).append(text)
        for control in self._controls:
            control.say("; ".join(said.get(control.field.name, ())))
        lines = [sentence(text) for text in rest]
        if len(said) > 1:
            labels = ", ".join(c.field.label for c in self._controls if c.field.name in said)
            lines.insert(0, f"{len(said)} fields need another answer: {labels}.")
        self._summary.value = error_html("\n".join(lines)) if lines else ""
        self._become("open", "")

    def answered(self, text: str) -> None:
        """The answer was taken: say which one, and fold the form."""
        self._fields.layout.display = self._foot.layout.display = "none"
        self._quiet()
        self._become("answered", note("nbh-done", "\u2713", f"Answered: {text}" if text else "Answered"))

    def close(self, message: str) -> None:
        """Nothing can be answered here any more (answered elsewhere, superseded): say why, keep the draft."""
        self._foot.layout.display = "none"
        self._quiet()
        self._become("closed", note("nbh-closed", "\u2298", message))

    def _heading(self, title: str) -> list[Any]:
        texts = [(title or self.model.title, "nbh-title"), (self._headline, "nbh-description")]
        return [text_box(text, style) for text, style in texts if text]

    def _pressed(self, sent: Sequence[Any] | None) -> None:
        if self.state != "open":
            return  # a second click, or one that was under way when the question was closed
        raw = self.raw(sent)
        self._become("busy", "")
        try:
            self._submit(raw)
        except BaseException:
            self._become("open", "")
            raise

    def _become(self, state: State, status: str) -> None:
        if self.state in ("answered", "closed") and state in ("open", "busy"):
            return  # a late message must not open what is done
        self.state = state
        self._status.value = status
        self._button.disabled = state != "open"
        self._button.description = "Answering ..." if state == "busy" else "Submit"

    def _quiet(self) -> None:
        self._summary.value = ""
        for control in self._controls:
            control.say("")
            for part in control.parts:
                part.widget.disabled = True
            for extra in control.extras:
                extra.disabled = True

    def _at(self, path: str) -> Control | None:
        """The control that a problem's dotted path leads to (a name may have dots itself)."""
        fits = [
            c for c in self._controls
            if c.field.name == "" or path == c.field.name or path.startswith(c.field.name + ".")
        ]  # fmt: skip
        return max(fits, key=lambda c: len(c.field.name), default=None)
