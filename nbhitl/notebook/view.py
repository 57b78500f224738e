"""What a cell shows of its session: the drawing, the form or the buttons, and the answers that were given.

Outputs that are updated in place: the drawing (our own mime type with an SVG beside it, so that it stays in the saved
file), a slot for whatever the person can do now, and the story as text. Without a front end words are printed.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from nbhitl.drawing import Direction
from nbhitl.engine.errors import AnswerRefused
from nbhitl.engine.records import Answered, Asked, Stopped
from nbhitl.notebook.commands import INPUT, Begin, Go
from nbhitl.notebook.errors import show_problem
from nbhitl.notebook.pictures.canvas import Canvas
from nbhitl.notebook.slot import Slot
from nbhitl.notebook.story import answers_html, story
from nbhitl.notebook.streaming.live_text import LiveText
from nbhitl.run.world import Emitted
from nbhitl.session.whereabouts import watched_lines
from nbhitl.words import plainly

if TYPE_CHECKING:
    from nbhitl.notebook.commands import Command
    from nbhitl.notebook.questions.desk import Desk
    from nbhitl.notebook.questions.form import Form
    from nbhitl.notebook.revising.choice import Choice
    from nbhitl.notebook.worker import Worker
    from nbhitl.run.world import Event
    from nbhitl.session import Session

SHORT = 0.6
"""Seconds that a run may take before it is worth a Stop button."""


class View:
    """The output of one cell. Implements `nbhitl.notebook.screen.Screen`."""

    def __init__(
        self, session: Session, *, interactive: bool, live: bool, direction: Direction | None = None, draw: bool = True
    ) -> None:
        self.session = session
        self.interactive = interactive
        self.live = live
        """Whether outputs can be updated in place: a terminal would print each update."""
        self.direction = direction
        self._draws = draw
        self.canvas = Canvas(session, live=live, direction=direction)
        self.worker: Worker | None = None
        """Set by whoever makes both; takes the commands of forms and buttons."""
        self.choice: Choice | None = None
        """The ways to go on with code that was edited, while they are offered."""
        self._slot = Slot()
        self._text = LiveText(self._slot, interactive=interactive, live=live)
        self._desk: Desk | None = None
        """The questions, once there was one: without any, widgets need not be loaded."""
        self._input: Form | None = None
        self._offered = False
        """Whether all was answered elsewhere, and there is a button to go on."""
        self._lock = threading.Lock()

    def beside(self, session: Session) -> View:
        """A view of another thread with the settings of this one."""
        return View(session, interactive=self.interactive, live=self.live, direction=self.direction, draw=self._draws)

    # -- the drawing

    def draw(self) -> None:
        """Show the drawing for the first time: in the cell that runs."""
        if self._draws:
            self.canvas.draw()

    def paint(self, *, at_once: bool = False) -> None:
        """Bring the drawing up to date, now or within a tenth of a second. From any thread."""
        self.canvas.paint(at_once=at_once)

    def event(self, event: Event) -> None:
        """Something happened in the run."""
        self._text.see(event)
        if not isinstance(event, Emitted):  # of which there may be thousands a second
            self.canvas.event(event)

    def repeat(self) -> None:
        """Send the drawing and the story again, on behalf of the cell that runs now.

        What the worker sends belongs to the cell that has begun the run. Whoever runs a notebook without people
        (nbclient) takes only what belongs to the cell that it waits for, and would save an older picture.
        """
        if self.live and not self.interactive:
            self.canvas.repeat()
            self._text.repeat()
            self._slot.repeat()

    # -- what can be done now

    def stopped(self, stopped: Stopped | None) -> None:
        """Show the questions, or the buttons to go on with."""
        self._text.rest()
        if self.choice is not None:
            self.choice.look()
        if stopped is not None and stopped.reason == "breakpoint":
            self.canvas.reveal()
        self.paint(at_once=True)
        pending = self.session.pending()
        if pending and self.interactive:
            self._ask(pending)
        elif stopped is not None and stopped.reason in ("breakpoint", "drained", "failed") and self.interactive:
            self._end(self._buttons(stopped))
        else:
            self._end()
            self._tell(stopped)

    def _tell(self, stopped: Stopped | None) -> None:
        """Say in words how to go on, where there are no forms and buttons."""
        if self.interactive or stopped is None:
            return
        if stopped.reason in ("breakpoint", "drained"):
            print(f"{_in_words(stopped)}. Go on: %graph continue", *watched_lines(self.session), sep="\n")

    def _ask(self, pending: tuple[Asked, ...]) -> None:
        import ipywidgets as widgets

        from nbhitl.notebook.steering import watched

        if self._desk is None:
            from nbhitl.notebook.questions.desk import Desk

            self._desk = Desk(self.session, self._send)
        self._offered = False
        self._desk.look()
        self._desk.show(pending)
        self._layers(widgets, [*self._desk.widgets, *watched(self.session)])

    def _layers(self, widgets: Any, found: list[Any]) -> None:
        self._fill(found[0] if len(found) == 1 else widgets.VBox(found))

    def _end(self, buttons: Any = None) -> None:
        """No question is open: leave the answers as text, and forms that say what became of their questions."""
        self._input, self._offered = None, False
        told = "" if buttons is None else answers_html(self.session)
        forms: list[Any] = []
        if self._desk is not None:
            self._desk.look()
            if self._desk.clear():
                forms = self._desk.widgets
                told = told or story(self.session)["text/html"]
        if forms or told:
            import ipywidgets as widgets

            self._layers(widgets, [*forms, *([] if buttons is None else [buttons]), widgets.HTML(told)])
        else:
            self._fill(buttons)

    def look(self) -> None:
        """Somebody may have moved the thread: say what became of each question, and show what is open now."""
        self.paint()
        position = self.session.position
        if position is not None and position.stopped is not None and self._slot.has_told:
            self._tell_story()
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
        from nbhitl.notebook.steering import steering

        return steering(self.session, stopped, _in_words(stopped), self._send)

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

    def ask_input(self, required: Mapping[str, Any], *, restart: bool, step: bool) -> None:
        """Show a form for a run's input."""
        from nbhitl.notebook.questions.form import Form

        make: Any = TypedDict
        schema = make("Input", dict(required))  # its keys are known only now
        form = Form(
            Asked("", INPUT, f"What should {self.session.name} start with?", schema),
            title="input",
            checker=self.session.compiled.calls.world.checker,
            submit=lambda raw: self._send(Begin(schema, raw, restart, step)),
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
        if self.choice is not None:
            self.choice.close(message)
        if self._input is not None:
            self._input.close(message)
        elif self._desk is not None and self._desk.is_open:
            self._desk.close(message)
        elif self._box is not None:
            import ipywidgets as widgets

            self._slot.show(widgets.Label(message))

    def problem(self, error: BaseException) -> None:
        """Show an error that came while no cell was waiting."""
        if self._desk is not None and self._desk.widgets:
            self._desk.reopen()
        elif self.session.failure is not error:  # of a node that raised, the way on is shown already
            self._fill(None)
        show_problem(error)

    def _fill(self, content: Any) -> None:
        """Put a widget into the slot, or take away what is there; and tell the story as far as it has come."""
        if content is not None:
            self._slot.show(content)
        else:
            self._slot.clear(lambda: self._text.html() + story(self.session)["text/html"])
        self._tell_story()

    def _tell_story(self) -> None:
        if not self.session.busy:  # else at the next stop
            self._slot.tell(story(self.session))

    @property
    def _box(self) -> Any:
        return self._slot.box


def _in_words(stopped: Stopped) -> str:
    """Why the run stopped, as a sentence without its full stop."""
    if stopped.reason == "breakpoint":
        return f"Paused: {stopped.text}"
    if stopped.reason in ("failed", "interrupted"):  # these begin with a node's name, which is code
        return stopped.text
    return stopped.text[:1].upper() + stopped.text[1:]
