"""The timeline in a live notebook: a list of steps, and what there is to see and to do at the one that is chosen.

A look reads, and is made at once. Going back and forking are commands on the worker's queue. The list is a plain list
box, so it works with the keyboard. Beside the widget stands the table, for the saved file.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from nbhitl.debugging.differences import differences
from nbhitl.debugging.moments import Moment
from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.inspecting.compared import Compared
from nbhitl.notebook.inspecting.inspector import Inspected
from nbhitl.notebook.inspecting.look_style import LOOK_STYLE
from nbhitl.notebook.questions.markup import error_html, escaped, note
from nbhitl.notebook.slot import Slot
from nbhitl.notebook.travelling.timeline import Timeline, happening, happenings, nodes, sign, stood, timeline_of, took
from nbhitl.notebook.travelling.travel import Trip
from nbhitl.words import cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbhitl.engine.records import Stopped
    from nbhitl.notebook.worker import Worker
    from nbhitl.session import Session

ROWS = 16
"""Rows of the list that are seen at once."""
OFFERED = 500
"""Steps that the list has: the last ones."""

STYLE = """<style>
.nbh-timeline { gap: 12px 24px; flex-flow: row wrap; align-items: flex-start; overflow: visible; margin: 4px 0;
  max-width: 1180px; color: var(--jp-ui-font-color1, #222); }
.nbh-timeline .nbh-steps { flex: 0 1 380px; min-width: 260px; overflow: visible; }
.nbh-timeline .nbh-steplist { width: 100%; height: auto; margin: 0; padding: 4px; box-sizing: border-box;
  font-family: var(--jp-code-font-family, monospace); font-size: var(--jp-code-font-size, 13px); line-height: 1.5;
  color: var(--jp-ui-font-color1, #222); background: var(--jp-layout-color1, #fff);
  border: 1px solid var(--jp-border-color1, #bdbdbd); }
.nbh-timeline .nbh-steplist:focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); }
.nbh-timeline .nbh-step { flex: 1 1 460px; min-width: 0; overflow: visible; }
.nbh-timeline .widget-html, .nbh-timeline .widget-html-content { height: auto; margin: 0; line-height: 1.45; }
.nbh-timeline .nbh-acts { gap: 8px; flex-flow: row wrap; align-items: center; overflow: visible; margin: 0 0 8px; }
.nbh-timeline .nbh-acts .jupyter-button { width: auto; min-width: 0; margin: 0; padding: 0 12px; }
.nbh-timeline .nbh-done { margin: 0 0 8px; font-weight: 600; white-space: pre-wrap;
  color: color-mix(in srgb, var(--jp-success-color1, #2e7d32) 80%, var(--jp-ui-font-color1, #000)); }
.nbh-timeline .nbh-error { margin: 0 0 8px; font-weight: 600; white-space: pre-wrap;
  color: color-mix(in srgb, var(--jp-error-color1, #c62828) 80%, var(--jp-ui-font-color1, #000)); }
.nbh-timeline .nbh-look ul { margin: 2px 0 8px; padding-left: 18px; }
.nbh-timeline .nbh-look.nbh-look { margin-bottom: 10px; }
</style>"""


def show_timeline(find: Callable[[], Worker], timeline: Timeline) -> None:
    """Show the timeline as a widget, with the table for when there is none.

    Args:
        find: the worker that runs the thread now: when its cell is run again, that is another one.
        timeline: what is shown at first.
    """
    slot = Slot()
    slot.show(TimelineView(find, timeline).widget)
    table = timeline._repr_html_()
    slot.tell({"text/plain": repr(timeline), "text/html": f'<div class="nbh-story">{table}</div>'})


class StepList(anywidget.AnyWidget):
    """The list box. Sends the place of the line that a person has chosen."""

    _esm = Path(__file__).with_name("steps.js").read_text("utf-8")
    lines: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)
    rows = traitlets.Int(ROWS).tag(sync=True)


class TimelineView:
    """The widget. Every method may be called from any thread."""

    def __init__(self, find: Callable[[], Worker], timeline: Timeline) -> None:
        import ipywidgets as widgets

        self._find = find
        self.moments: list[Moment] = []
        self._heading = widgets.HTML()
        self._list = StepList()
        self._back = self._button(
            "Go back here", "step-backward", "Stand before this step again; nothing is run", self._go
        )
        self._fork = self._button("Fork here", "code-fork", "Begin a branch here; nothing is run", self._branch)
        self._refresh = self._button("Refresh", "refresh", "Read the timeline again", self._reload)
        self._said = widgets.HTML()
        self._shown = widgets.HTML()
        self._lock = threading.RLock()
        acts = widgets.HBox([self._back, self._fork, self._refresh]).add_class("nbh-acts")
        steps = widgets.VBox([self._heading, self._list]).add_class("nbh-steps")
        step = widgets.VBox([acts, self._said, self._shown]).add_class("nbh-step")
        self.widget = widgets.HBox([widgets.HTML(STYLE), steps, step]).add_class("nbh-timeline")
        self._fill(timeline)
        self._list.on_msg(lambda _widget, content, _buffers: self._choose(content))

    def _button(self, name: str, icon: str, tip: str, does: Callable[[], None]) -> Any:
        import ipywidgets as widgets

        made = widgets.Button(description=name, icon=icon, tooltip=tip)
        made.on_click(lambda _: does())
        return made

    # -- looking

    def _fill(self, timeline: Timeline) -> None:
        with self._lock:
            self.moments = [moment for moment in timeline.moments if moment.happened != "input"][-OFFERED:]
            self._heading.value = f'<div class="nbh-heading"><b>{escaped(timeline.heading)}</b></div>'
            width = max((len(str(moment.step)) for moment in self.moments), default=1)
            self._list.lines = [_line(moment, width) for moment in self.moments]
            self._list.chosen = len(self.moments) - 1
            self._look()

    def _choose(self, content: Any) -> None:
        """What a page sends, whatever it is."""
        place = content.get("place") if isinstance(content, Mapping) else None
        if type(place) is int and 0 <= place < len(self.moments):
            self._list.chosen = place
            self._look()

    def _chosen(self) -> Moment | None:
        place = self._list.chosen
        return self.moments[place] if 0 <= place < len(self.moments) else None

    def _look(self) -> None:
        """Show the chosen step: what happened, what it changed, and the state behind it."""
        with self._lock:
            moment = self._chosen()
            if moment is None:
                return
            self._back.disabled = moment.now
            place = self.moments.index(moment)
            after = self.moments[place + 1] if place + 1 < len(self.moments) else moment
            try:
                self._shown.value = _step_html(self._find().session, moment, after)
            except NbhitlError as error:  # its checkpoint was pruned meanwhile, or its thread deleted
                self._shown.value = error_html(str(error))

    # -- doing

    def _go(self) -> None:
        moment = self._chosen()
        if moment is not None:
            self._send(lambda session: session.back(to=moment.checkpoint))

    def _branch(self) -> None:
        moment = self._chosen()
        if moment is not None:
            self._send(lambda session: session.fork(moment.checkpoint))

    def _send(self, move: Callable[[Session], Stopped]) -> None:
        try:
            trip = Trip(self._find(), move)
            trip.expect_rest()
        except NbhitlError as error:
            self._said.value = error_html(str(error))
            return
        self._enable(on=False)
        trip.send(self._moved)

    def _moved(self, trip: Trip) -> None:
        self._said.value = error_html(str(trip.problem)) if trip.problem else note("nbh-done", "\u2713", trip.told)
        self._enable(on=True)
        self._fill(timeline_of(trip.worker.session))

    def _enable(self, *, on: bool) -> None:
        for button in (self._back, self._fork, self._refresh):
            button.disabled = not on

    def _reload(self) -> None:
        try:
            self._said.value = ""
            self._fill(timeline_of(self._find().session))
        except NbhitlError as error:
            self._said.value = error_html(str(error))


def _line(moment: Moment, width: int) -> str:
    """One line of the list."""
    mark = sign(moment).partition(" ")[0]
    names = nodes(moment.nodes) or "end of the run"
    times = ", ".join(filter(None, [took(moment), f"waited {stood(moment)}" if stood(moment) else ""]))
    now = "  \u25cf now" if moment.now else ""
    return f"{moment.step:>{width}} {mark} {names}{f'  ({times})' if times else ''}{now}"


def _step_html(session: Session, moment: Moment, after: Moment) -> str:
    """What there is to see at a step. ``after`` is the one behind it, or itself."""
    title = f"Step {moment.step}: {happening(moment)}"
    facts = [f"worked {took(moment)}" if took(moment) else "", f"waited {stood(moment)}" if stood(moment) else ""]
    said = [", ".join(filter(None, facts)), *happenings(moment)]
    items = "".join(f"<li>{escaped(line)}</li>" for line in said if line)
    story = f"<ul>{items}</ul>" if items else ""
    head = f'{LOOK_STYLE}<div class="nbh-look"><div class="nbh-heading">{escaped(cut(title))}</div>{story}'
    whose = f"{session.name} / {session.thread}"
    behind = Inspected(session.inspect(after.checkpoint), whose)._repr_html_()
    if after is moment:
        return f"{head}</div>{behind}"
    before, then = session.at(moment.checkpoint).checkpoint.values, session.at(after.checkpoint).checkpoint.values
    changed = Compared(differences(before, then), "What this step changed").inner_html()
    return f"{head}{changed}</div>{behind}"
