"""What a cell shows of its session: the drawing, the form or the buttons, and the answers that were given.

Two outputs that are updated in place: the drawing (our own mime type with an SVG beside it, so that it stays in the
saved file) and a slot for whatever the person can do now. A front end may be absent: then words are printed.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from IPython.display import DisplayHandle

from nbhitl.checkpoint.sql.table import Table
from nbhitl.drawing import Direction, describe
from nbhitl.engine.errors import AnswerRefused, NbhitlError, SchemaError
from nbhitl.engine.records import Answered, Asked, Stopped
from nbhitl.notebook import picture
from nbhitl.notebook.errors import show_problem
from nbhitl.notebook.layout import Layout, lay_out
from nbhitl.notebook.progress import Progress
from nbhitl.notebook.words import plainly
from nbhitl.notebook.worker import INPUT, Answer, Begin, Go

if TYPE_CHECKING:
    from nbhitl.notebook.form import Form
    from nbhitl.notebook.worker import Worker
    from nbhitl.run.world import Event
    from nbhitl.session import Session

SHORT = 0.6
"""Seconds that a run may take before it is worth a Stop button."""
PAINTS_PER_SECOND = 10
"""The drawing is updated at most so often: a server drops output above 1,000 messages a second, forms with it."""


class View:
    """The output of one cell. Implements `nbhitl.notebook.worker.Screen`."""

    def __init__(
        self, session: Session, *, interactive: bool, live: bool, direction: Direction | None = None, draw: bool = True
    ) -> None:
        self.session = session
        self.interactive = interactive
        self.live = live
        """Whether outputs can be updated in place: a terminal would print each update."""
        self.direction = direction
        self._draws = draw
        self.id = secrets.token_hex(8)
        self.worker: Worker | None = None
        """Set by whoever makes both; takes the commands of forms and buttons."""
        self.progress = Progress(session)
        self._drawn = describe(session.graph)
        self._layout: Layout | None = None
        self._drawing: DisplayHandle | None = None
        self._shown: dict[str, Any] = {}
        self._slot: DisplayHandle | None = None
        self._box: Any = None
        self._forms: dict[str, Form] = {}
        self._lock = threading.Lock()
        self._painted = 0.0
        self._timer: threading.Timer | None = None

    # -- the drawing

    def draw(self) -> None:
        """Show the drawing for the first time: in the cell that runs."""
        if not self._draws:
            return
        self._drawing = DisplayHandle(self.id)
        self._shown = self._bundle()
        self._drawing.display(self._shown, raw=True)

    def paint(self, *, at_once: bool = False) -> None:
        """Bring the drawing up to date, now or within a tenth of a second. From any thread."""
        if self._drawing is None or not (self.live or at_once):
            return
        with self._lock:
            wait = self._painted + 1 / PAINTS_PER_SECOND - time.monotonic()
            if wait > 0 and not at_once:
                if self._timer is None:
                    self._timer = threading.Timer(wait, self._paint_now)
                    self._timer.daemon = True
                    self._timer.start()
                return
        self._paint_now()

    def _paint_now(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._painted = time.monotonic()
            bundle = self._bundle()
            if self._drawing is not None and bundle != self._shown:
                self._shown = bundle
                self._drawing.update(bundle, raw=True)

    def _bundle(self) -> dict[str, Any]:
        if self._layout is None:  # once: during a run only attributes change
            self._layout = lay_out(self._drawn, self.direction)
        return picture.bundle(
            self._drawn, self._layout, self.progress.moment(), view=self.id, thread=self.session.thread
        )

    def event(self, event: Event) -> None:
        """Something happened in the run."""
        self.progress.see(event)
        self.paint()

    # -- what can be done now

    def stopped(self, stopped: Stopped | None) -> None:
        """Show the questions, or the buttons to go on with."""
        self.paint(at_once=True)
        pending = self.session.pending()
        if pending and self.interactive:
            self._show_forms(pending)
        elif stopped is not None and stopped.reason in ("breakpoint", "drained") and self.interactive:
            self._fill(self._buttons(stopped))
        else:
            self._forms.clear()
            self._fill(None)
            self._tell(stopped)

    def _tell(self, stopped: Stopped | None) -> None:
        """Say in words how to go on, where there are no forms and buttons."""
        if self.interactive or stopped is None:
            return
        if stopped.reason in ("breakpoint", "drained"):
            print(f"{_in_words(stopped)}. Go on: %graph continue")

    def _show_forms(self, pending: tuple[Asked, ...]) -> None:
        import ipywidgets as widgets

        from nbhitl.notebook.form import Form

        for question in pending:
            if question.id not in self._forms:
                node = self.session.node_of(question)
                try:
                    self._forms[question.id] = Form(
                        question,
                        title=node,
                        checker=self.session.compiled.calls.world.checker,
                        submit=partial(self._submit, question.id),
                    )
                except SchemaError as error:
                    raise NbhitlError(f"the question of node {node!r} cannot be shown: {error}") from error
        self._forms = {q.id: self._forms[q.id] for q in pending}
        forms = [form.widget for form in self._forms.values()]
        self._fill(forms[0] if len(forms) == 1 else widgets.VBox(forms))

    def _buttons(self, stopped: Stopped) -> Any:
        import ipywidgets as widgets

        go = widgets.Button(description="Continue", icon="play", button_style="primary")
        words = widgets.Label(_in_words(stopped))

        def clicked(_: Any) -> None:
            go.disabled = True
            self._send(Go())

        go.on_click(clicked)
        return widgets.HBox([go, words])

    def _submit(self, id: str, raw: Any) -> None:
        self._send(Answer(raw, id))

    def _send(self, command: Answer | Begin | Go) -> None:
        if self.worker is not None:
            self.worker.put(command)

    def ask_input(self, required: Mapping[str, Any], *, restart: bool) -> None:
        """Show a form for a run's input."""
        from nbhitl.notebook.form import Form

        make: Any = TypedDict
        schema = make("Input", dict(required))  # its keys are known only now
        form = Form(
            Asked("", INPUT, f"What should {self.session.name} start with?", schema),
            title="input",
            checker=self.session.compiled.calls.world.checker,
            submit=lambda raw: self._send(Begin(schema, raw, restart)),
        )
        self._forms = {INPUT: form}
        self._fill(form.widget)

    def taken(self, id: str, value: Any) -> None:
        """The form's values were taken: it folds."""
        form = self._forms.pop(id, None)
        if form is not None:
            form.answered(plainly(value))

    def running(self) -> None:
        """Offer to stop a run that goes on while no cell waits for it; not at once, since most are short."""
        if self.interactive:
            timer = threading.Timer(SHORT, self._offer_stop)
            timer.daemon = True
            timer.start()

    def _offer_stop(self) -> None:
        import ipywidgets as widgets

        if not self.session.busy or self._forms:
            return
        stop = widgets.Button(description="Stop", icon="stop", tooltip="Stop after the node that runs now")
        stop.on_click(lambda _: self.session.pause("stopped by the person; it can be continued"))
        with self._lock:
            if self.session.busy:
                self._fill(widgets.HBox([stop, widgets.Label("Running ...")]))

    def refuse(self, id: str | None, error: AnswerRefused) -> None:
        """Show what is wrong beside each field; what was typed is kept."""
        form = self._forms.get(id or "")
        if form is not None:
            form.refuse(error.problems)

    def answered(self, question: Asked, answer: Answered) -> None:
        """Fold the question's form: the run goes on."""
        form = self._forms.pop(question.id, None)
        if form is not None:
            form.answered(plainly(answer.value))

    def gone(self, id: str | None, message: str) -> None:
        """Close one form, or all of them and the buttons: what they are for is not to be done here any more."""
        if id is None and self._box is not None and not self._forms:
            import ipywidgets as widgets

            self._box.children = (widgets.Label(message),)
        for key in list(self._forms) if id is None else [id]:
            form = self._forms.pop(key, None)
            if form is not None:
                form.close(message)

    def problem(self, error: BaseException) -> None:
        """Show an error that came while no cell was waiting."""
        self._fill(None)
        show_problem(error)

    def _fill(self, content: Any) -> None:
        """Put a widget into the slot; None leaves the answers that were given there, as text that is saved.

        The slot is one box whose children change: that reaches a page that was reloaded meanwhile, where an update
        of the output does not.
        """
        if content is not None:
            self._show_widget(content)
            return
        story = self._story()
        if self._slot is None and not story["text/plain"]:
            return
        if self._box is not None:
            import ipywidgets as widgets

            self._box.children = (widgets.HTML(story["text/html"]),)
            self._box = None
        self._place(story, raw=True)

    def _show_widget(self, content: Any) -> None:
        if self._box is not None:
            self._box.children = (content,)
            return
        import ipywidgets as widgets

        self._box = widgets.VBox([content])
        self._place(self._box, raw=False)

    def _place(self, data: Any, *, raw: bool) -> None:
        if self._slot is None:
            self._slot = DisplayHandle(secrets.token_hex(8))
            self._slot.display(data, raw=raw)
        else:
            self._slot.update(data, raw=raw)

    def _story(self) -> dict[str, str]:
        """The answers of this run as text that stays in the saved file."""
        answers = self.session.answers()
        if not answers:
            return {"text/plain": "", "text/html": ""}
        rows = [
            (node, plainly(question.value), plainly(answer.value), f"{answer.by} ({answer.via})")
            for node, question, answer in answers
        ]
        table = Table(("node", "question", "answer", "answered by"), rows)
        return {"text/plain": repr(table), "text/html": table._repr_html_()}


def _in_words(stopped: Stopped) -> str:
    """Why the run stopped, as a sentence without its full stop."""
    if stopped.reason == "breakpoint":
        return f"Stopped {stopped.text}"
    return stopped.text[:1].upper() + stopped.text[1:]
