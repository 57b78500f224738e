"""What a cell shows of its session: the drawing, the form or the buttons, and the answers that were given.

Two outputs that are updated in place: the drawing (our own mime type with an SVG beside it, so that it stays in the
saved file) and a slot for whatever the person can do now. A front end may be absent: then words are printed.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from IPython.display import DisplayHandle

from nbhitl.checkpoint.sql.table import Table
from nbhitl.drawing import Direction, describe
from nbhitl.engine.errors import AnswerRefused
from nbhitl.engine.records import Answered, Asked, Stopped
from nbhitl.notebook import picture
from nbhitl.notebook.errors import show_problem
from nbhitl.notebook.layout import Layout, lay_out
from nbhitl.notebook.progress import Progress
from nbhitl.notebook.worker import INPUT, Begin, Go
from nbhitl.words import plainly

if TYPE_CHECKING:
    from nbhitl.notebook.desk import Desk
    from nbhitl.notebook.form import Form
    from nbhitl.notebook.worker import Command, Worker
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
        self._desk: Desk | None = None
        """The questions, once there was one: without any, widgets need not be loaded."""
        self._input: Form | None = None
        self._offered = False
        """Whether all was answered elsewhere, and there is a button to go on."""
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
            self._ask(pending)
        elif stopped is not None and stopped.reason in ("breakpoint", "drained") and self.interactive:
            self._fill(self._buttons(stopped))
        else:
            self._end()
            self._tell(stopped)

    def _tell(self, stopped: Stopped | None) -> None:
        """Say in words how to go on, where there are no forms and buttons."""
        if self.interactive or stopped is None:
            return
        if stopped.reason in ("breakpoint", "drained"):
            print(f"{_in_words(stopped)}. Go on: %graph continue")

    def _ask(self, pending: tuple[Asked, ...]) -> None:
        import ipywidgets as widgets

        if self._desk is None:
            from nbhitl.notebook.desk import Desk

            self._desk = Desk(self.session, self._send)
        self._offered = False
        self._desk.look()
        self._desk.show(pending)
        self._layers(widgets, self._desk.widgets)

    def _layers(self, widgets: Any, found: list[Any]) -> None:
        self._fill(found[0] if len(found) == 1 else widgets.VBox(found))

    def _end(self) -> None:
        """Nothing can be done now: leave the answers as text, and forms that say what became of their questions."""
        self._input, self._offered = None, False
        if self._desk is not None:
            self._desk.look()
            if self._desk.clear():
                import ipywidgets as widgets

                story = widgets.HTML(self._story()["text/html"])
                self._layers(widgets, [*self._desk.widgets, story])
                return
        self._fill(None)

    def look(self) -> None:
        """Somebody may have moved the thread: say what became of each question, and show what is open now."""
        self.paint()
        position = self.session.position
        if not self.interactive or self._desk is None or position is None or self.session.busy:
            return
        ended = self._desk.look()
        if position.stopped is None:  # somebody else runs it: there is another look when that stops
            return
        pending = self.session.pending()
        if any(not self._desk.has(question.id) for question in pending) or (ended and pending):
            self._ask(pending)
        elif not pending and (ended or self._offered):
            if position.stopped.reason == "interrupted":
                self._offer_to_go_on()
            else:
                self._end()

    def _offer_to_go_on(self) -> None:
        if self._desk is not None and not self._offered:
            import ipywidgets as widgets

            self._offered = True
            self._layers(widgets, [*self._desk.widgets, self._button("Continue", "Answered: the run can go on.")])

    def _buttons(self, stopped: Stopped) -> Any:
        return self._button("Continue", _in_words(stopped))

    def _button(self, name: str, text: str) -> Any:
        import ipywidgets as widgets

        go = widgets.Button(description=name, icon="play", button_style="primary")

        def clicked(_: Any) -> None:
            go.disabled = True
            self._send(Go())

        go.on_click(clicked)
        return widgets.HBox([go, widgets.Label(text)])

    def _send(self, command: Command) -> None:
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
        self._input = form
        self._fill(form.widget)

    def taken(self, id: str, value: Any) -> None:
        """The values of the input's form were taken: it folds."""
        form, self._input = self._input, None
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

        if not self.session.busy or self._input is not None or (self._desk is not None and self._desk.is_open):
            return
        stop = widgets.Button(description="Stop", icon="stop", tooltip="Stop after the node that runs now")
        stop.on_click(lambda _: self.session.pause("stopped by the person; it can be continued"))
        with self._lock:
            if self.session.busy:
                self._fill(widgets.HBox([stop, widgets.Label("Running ...")]))

    def refuse(self, id: str | None, error: AnswerRefused) -> None:
        """Show what is wrong beside each field; what was typed is kept."""
        if id == INPUT and self._input is not None:
            self._input.refuse(error.problems)
        elif id is not None and self._desk is not None:
            self._desk.refuse(id, error)

    def kept(self, id: str, plain: Any) -> None:
        """An answer waits on the board to be submitted with others."""
        if self._desk is not None:
            self._desk.kept(id, plain)

    def answered(self, question: Asked, answer: Answered) -> None:
        """Fold the question's form: the run goes on."""
        if self._desk is not None:
            self._desk.answered(question.id, answer)

    def gone(self, message: str) -> None:
        """Close all forms, and take the buttons away: what they are for is not to be done here any more."""
        if self._input is not None:
            self._input.close(message)
        elif self._desk is not None and self._desk.is_open:
            self._desk.close(message)
        elif self._box is not None:
            import ipywidgets as widgets

            self._box.children = (widgets.Label(message),)

    def problem(self, error: BaseException) -> None:
        """Show an error that came while no cell was waiting."""
        if self._desk is not None and self._desk.widgets:
            self._desk.reopen()
        else:
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
