"""The button of a form: it sends the values of all controls in one message, on a click or Ctrl+Enter.

An anywidget, since ipywidgets' own button sends no values. May not look at the values: the form reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import anywidget
import traitlets

from nbhitl.notebook.questions.controls import Part

AHEAD_CAP: Final = 256_000_000
"""Bytes of files that wait for their form's values: a stranger's page could send them for ever."""
Pressed: TypeAlias = Callable[[Sequence[Any] | None, Sequence[Any]], None]
"""Takes the value of each part as the page has it (None if it sent no list) and the buffers that came with them."""


class Submit(anywidget.AnyWidget):
    """The button, and Ctrl+Enter anywhere in its form: sends all values of the form in one message.

    ipywidgets sends each change on its own and holds changes back while one is under way, so a click on its
    own button could overtake what was typed before it. A server takes messages of up to 10 MB, so the content of
    larger files comes in messages ahead of that one.
    """

    _esm = Path(__file__).with_name("submit.js").read_text("utf-8")
    description = traitlets.Unicode("Submit").tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)
    state = traitlets.Unicode("open").tag(sync=True)
    attention = traitlets.Int(0).tag(sync=True)
    """Raised when an answer was refused: the cursor goes to what is wrong."""
    controls: traitlets.List[Any] = traitlets.List().tag(sync=True)


def submit_button(parts: Sequence[Part], pressed: Pressed) -> Submit:
    """A button that calls ``pressed`` with what the page has."""
    button = Submit()
    button.controls = [[part.widget.model_id, part.key, getattr(part.widget, "token", "")] for part in parts]
    inbox = _Inbox(pressed)
    button.on_msg(lambda _widget, content, buffers: inbox.take(content, buffers))
    return button


class _Inbox:
    """Puts the buffers of one submit together."""

    def __init__(self, pressed: Pressed) -> None:
        self._pressed = pressed
        self._batch: Any = None
        self._ahead: list[Any] = []
        self._bytes = 0

    def take(self, content: Any, buffers: Sequence[Any]) -> None:
        said = content if isinstance(content, Mapping) else {}
        batch = said.get("batch")
        if batch != self._batch:
            self._batch, self._ahead, self._bytes = batch, [], 0
        if said.get("ahead") is True:
            self._bytes += sum(len(buffer) for buffer in buffers)
            self._ahead = [*self._ahead, *buffers] if self._bytes <= AHEAD_CAP else []
            return
        values = said.get("values")
        found = [*self._ahead, *buffers]
        self._batch, self._ahead, self._bytes = None, [], 0
        self._pressed(values if isinstance(values, list) else None, found)
