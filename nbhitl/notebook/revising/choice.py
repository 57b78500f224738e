"""The buttons below what was edited: continue, run again from before, a new thread, a node's new name.

Each puts a command on the worker's queue. When one was pressed, or the run has gone on by other means, words stand in
their place, so that the saved notebook says what was chosen.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.display import DisplayHandle

from nbhitl.notebook.commands import Act, Go, Rerun
from nbhitl.notebook.questions.markup import escaped, label_text

if TYPE_CHECKING:
    from nbhitl.debugging.changes import Changes
    from nbhitl.notebook.commands import Command
    from nbhitl.session import Session


class Choice:
    """How to go on with code that was edited.

    Args:
        session: whose run it is.
        changes: what was edited.
        send: takes the commands.
        anew: begins a run on a new thread; called on the worker's thread, in the cell's context.
    """

    def __init__(
        self, session: Session, changes: Changes, send: Callable[[Command], None], anew: Callable[[], None]
    ) -> None:
        self._session = session
        self._send = send
        self._at = self._stands()
        self._handle = DisplayHandle(secrets.token_hex(8))
        self._box: Any = None
        self._buttons = self._offered(changes, anew)

    def show(self) -> None:
        """Show the buttons: in the cell that runs."""
        import ipywidgets as widgets

        made = [self._button(widgets, *one) for one in self._buttons]
        self._box = widgets.HBox(made, layout=widgets.Layout(flex_flow="row wrap"))
        self._handle.display(self._box)

    def look(self) -> None:
        """Take the buttons away where the run has gone on by other means."""
        if self._box is not None and self._stands() != self._at:
            self._close("The run has gone on with the new code.")

    def close(self, text: str) -> None:
        """Take the buttons away: what they are for is not to be done here any more."""
        if self._box is not None:
            self._close(text)

    def _offered(self, changes: Changes, anew: Callable[[], None]) -> list[tuple[str, str, str, Command]]:
        """Each button: its name, its icon, what it says when it was pressed, and its command."""
        found: list[tuple[str, str, str, Command]] = []
        position = self._session.position
        stopped = position.stopped if position is not None else None
        for old in changes.gone:
            new = changes.renames.get(old)
            if new is not None:
                said = f"{old} is {new} now: gone on under the new name."
                found.append((f"{old} is {new} now", "tag", said, Go(rename={old: new})))
        answered = stopped is not None and stopped.reason == "interrupted" and not self._session.pending()
        if not changes.gone and (stopped is None or answered):  # else the form or the buttons below it go on
            found.append(("Continue with the new code", "play", "Continued with the new code.", Go()))
        if changes.before is not None:
            where = f"step {changes.before.step}, before {changes.before.words}"
            said = f"Run again with the new code from {where}, on a branch of its own."
            found.append((f"Run again from {where}", "undo", said, Rerun()))
        found.append(("New thread", "plus", "Run on the same input in a new thread.", Act(anew)))
        return found

    def _button(self, widgets: Any, name: str, icon: str, said: str, command: Command) -> Any:
        button = widgets.Button(description=label_text(name) or "Go on", icon=icon, tooltip=label_text(said))
        button.layout.width = "auto"

        def pressed(_: Any) -> None:
            self.look()
            if self._box is not None:
                self._close(said)
                self._send(command)

        button.on_click(pressed)
        return button

    def _close(self, text: str) -> None:
        self._box = None
        self._handle.update({"text/plain": text, "text/html": f"<p>{escaped(text)}</p>"}, raw=True)

    def _stands(self) -> tuple[str, object]:
        """Where the thread stands, to notice that it has moved."""
        position = self._session.position
        return ("", None) if position is None else (position.checkpoint.id, position.stopped)
