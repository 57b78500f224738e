"""The buttons of a run that has stopped: go on, step by step, or try again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbhitl.engine.records import Stopped
from nbhitl.notebook.commands import Back, Command, Go, Move
from nbhitl.notebook.questions.markup import escaped
from nbhitl.session.whereabouts import watched_lines

if TYPE_CHECKING:
    from nbhitl.session import Session

Send = Callable[[Command], None]

STYLE = """<style>
.nbh-steering { gap: 8px; flex-flow: row wrap; align-items: center; overflow: visible; margin: 2px 0 6px; }
.nbh-steering .jupyter-button { width: auto; min-width: 0; margin: 0; padding: 0 12px; }
.nbh-steering .widget-html, .nbh-steering .widget-html-content { margin: 0; height: auto; line-height: 1.45; }
.nbh-steering .nbh-watched.nbh-watched { margin-left: 8px; }
.nbh-steering .nbh-why { flex: 1 1 320px; min-width: 0; color: var(--jp-ui-font-color1, #222); }
</style>"""
WATCHED_STYLE = """<style>
.nbh-watched.nbh-watched { flex: 1 1 100%; min-width: 0; height: auto; margin: 0; }
.nbh-watched .widget-html-content, .nbh-watched pre { height: auto; margin: 0; padding: 0; line-height: 1.45; }
.nbh-watched pre { white-space: pre-wrap; overflow-wrap: anywhere; color: var(--jp-ui-font-color1, #222);
  background: none; font-family: var(--jp-code-font-family, monospace); font-size: var(--jp-code-font-size, 13px); }
</style>"""


def steering(session: Session, stopped: Stopped, why: str, send: Send) -> Any:
    """A widget with the moves that make sense here, and why the run has stopped.

    Args:
        session: whose run.
        stopped: its stop.
        why: the same as a sentence, shown as text.
        send: puts a command on the worker's queue.
    """
    import ipywidgets as widgets

    buttons: list[Any] = []

    def button(name: str, icon: str, tip: str, command: Command, *, primary: bool = False) -> None:
        made = widgets.Button(description=name, icon=icon, tooltip=tip, button_style="primary" if primary else "")

        def clicked(_: Any) -> None:
            for each in buttons:  # one move at a time
                each.disabled = True
            send(command)

        made.on_click(clicked)
        buttons.append(made)

    failed = stopped.reason == "failed"
    if failed:
        button("Retry", "rotate-right", "Run the failed task again: %graph retry", Go(), primary=True)
    else:
        button("Continue", "play", "To the next stop: %graph continue", Go(), primary=True)
        button("Step", "step-forward", "One super-step: %graph step", Move("over"))
        if session.has_subgraphs:
            button("Into", "sign-in", "To the next task, also in a sub-graph: %graph into", Move("into"))
        if session.inside():
            button("Out", "sign-out", "Until the sub-graph has ended: %graph out", Move("out"))
    button("Back", "step-backward", "One step back, on a branch of its own: %graph back", Back())
    text = widgets.Label(why).add_class("nbh-why")
    return widgets.HBox([widgets.HTML(STYLE), *buttons, text, *watched(session)]).add_class("nbh-steering")


def watched(session: Session) -> list[Any]:
    """A widget with the values of the watched expressions; none where nothing is watched."""
    import ipywidgets as widgets

    lines = "\n".join(watched_lines(session))
    return [widgets.HTML(f"{WATCHED_STYLE}<pre>{escaped(lines)}</pre>").add_class("nbh-watched")] if lines else []
