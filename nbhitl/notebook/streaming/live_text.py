"""The text that nodes stream, below the drawing: alive while the run goes on, and in the saved file."""

from __future__ import annotations

import html
import secrets
from typing import TYPE_CHECKING, Final

from IPython.display import DisplayHandle

from nbhitl.notebook.streaming.passages import Passage, Passages
from nbhitl.notebook.streaming.throttle import Throttled
from nbhitl.run.world import Event, Started

if TYPE_CHECKING:
    from nbhitl.notebook.slot import Slot

BYTES_PER_SECOND: Final = 200_000
"""A server drops output above 1,000,000 bytes a second, forms with it."""
SAVED_EVERY: Final = 2.0
"""Seconds between two updates of what would be left in the file if the kernel was killed."""
STYLE: Final = """<style>
.nbh-streamed.nbh-streamed { margin: 4px 0 8px; padding: 0 0 0 10px; overflow: visible;
  border-left: 3px solid var(--jp-border-color1, #bdbdbd); }
.nbh-streamed .widget-html, .nbh-streamed .widget-html-content { margin: 0; height: auto; line-height: 1.45; }
.nbh-streamed .nbh-who { margin: 0; font-size: var(--jp-ui-font-size1, 13px); font-weight: 600;
  color: var(--jp-ui-font-color1, #222); }
.nbh-streamed .nbh-before { color: var(--jp-ui-font-color2, #616161); font-weight: normal; }
.nbh-streamed .nbh-roll.nbh-roll { display: flex; flex-direction: column-reverse; max-height: 18em; overflow: auto;
  margin-bottom: 6px; }
.nbh-streamed pre.nbh-text { margin: 0; padding: 0; white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere;
  line-height: 1.45; color: var(--jp-ui-font-color1, #222); background: none;
  font-family: var(--jp-ui-font-family, sans-serif); font-size: var(--jp-ui-font-size1, 13px); }
.nbh-story.nbh-streamed pre.nbh-text { max-height: 36em; overflow: auto; margin-bottom: 6px; }
</style>"""
"""A column in reverse keeps its end in sight while it grows, and stays where the person has scrolled to."""


class LiveText:
    """Shows what nodes stream. `see` may be called from any thread, as often as one likes.

    While a person sits in front, widgets show it: a page that was reloaded goes on with them, and where the person has
    scrolled to stays in sight. The same text is an output, hidden while they live; it is what stays in the file.

    Args:
        slot: where the widgets go: above the forms and buttons.
        interactive: whether a person sits in front.
        live: whether outputs can be updated in place: a terminal would print each update.
    """

    def __init__(self, slot: Slot, *, interactive: bool, live: bool) -> None:
        self._slot, self._interactive, self._live = slot, interactive, live
        self._passages = Passages()
        self._page = Throttled(self._paint_page)
        self._file = Throttled(self._paint_file)
        self._stops = self._rests = False
        self._output: DisplayHandle | None = None
        self._bundle: dict[str, str] = {}
        self._areas: dict[tuple[str, str], _Area] = {}

    def see(self, event: Event) -> None:
        """Something happened in the run."""
        if isinstance(event, Started):
            self._stops = self._rests = False
        if self._passages.see(event) and self._live:
            self._file.soon()
            if self._interactive:
                self._page.soon()

    def rest(self) -> None:
        """The run hands control back: all of it is shown now, and nothing is painted before the next run."""
        self._file.now()
        self._stops = True
        self._page.now()

    def html(self) -> str:
        """What was streamed, as it stays in the file; empty where nothing was."""
        return self._bundle.get("text/html", "")

    def repeat(self) -> None:
        """Send it again, on behalf of the cell that runs now."""
        if self._output is not None:
            self._output.update(dict(self._bundle), raw=True)

    def _paint_file(self) -> float:
        with self._passages.lock:
            before, shown = self._passages.shown()
            texts = [(passage.title, passage.text, passage.dropped) for passage in shown]
        if not texts and self._output is None:
            return 0
        bundle = _bundle(before, texts)
        if bundle == self._bundle:
            return 0
        self._bundle = bundle
        if self._output is None or not self._live:
            self._output = DisplayHandle(secrets.token_hex(8))
            self._output.display(dict(bundle), raw=True)
        else:
            self._output.update(dict(bundle), raw=True)
        return SAVED_EVERY

    def _paint_page(self) -> float:
        if self._rests or not self._interactive:
            return 0
        self._rests = self._stops
        with self._passages.lock:
            before, shown = self._passages.shown()
            fresh = [
                (passage, passage.changes, passage.text, passage.dropped)
                for passage in shown
                if (known := self._areas.get(passage.key)) is None or known.changes != passage.changes
            ]
        if not shown and not self._areas:
            return 0
        sent = 0
        for passage, changes, text, dropped in fresh:
            area = self._areas.setdefault(passage.key, _Area())
            area.changes = changes
            sent += area.show(passage.title, text, dropped)
        self._arrange(before, shown)
        return sent / BYTES_PER_SECOND

    def _arrange(self, before: int, shown: list[Passage]) -> None:
        """Put the areas in the box, in the order in which the tasks began."""
        import ipywidgets as widgets

        gone = self._areas.keys() - {passage.key for passage in shown}
        areas = [self._areas[passage.key].widget for passage in shown]
        box = self._slot.above()
        if [child for child in box.children if isinstance(child, widgets.VBox)] != areas:
            head = widgets.HTML(STYLE + (f"<p>{_earlier(before)}</p>" if before else ""))
            box.children = (head, *areas) if areas else ()
        for key in gone:
            self._areas.pop(key).widget.close()


class _Area:
    """The widgets of one task's text: who streams it, and the text in a part of the page that scrolls."""

    def __init__(self) -> None:
        import ipywidgets as widgets

        self.changes = 0
        """Up to which change of its passage it shows all."""
        self._head, self._roll = widgets.HTML(), widgets.HTML().add_class("nbh-roll")
        self.widget = widgets.VBox([self._head, self._roll]).add_class("nbh-streamed")

    def show(self, title: str, text: str, dropped: int) -> int:
        """Bring it up to date; the bytes that this takes."""
        head, body = _head(title, dropped), _body(text)
        self._head.value, self._roll.value = head, body
        return len(head) + len(body.encode())


def _bundle(before: int, texts: list[tuple[str, str, int]]) -> dict[str, str]:
    """All texts as they stay in the file."""
    if not texts:
        return {"text/plain": "", "text/html": ""}
    plain = [_earlier(before)] if before else []
    shown = [f"<p>{_earlier(before)}</p>"] if before else []
    for title, text, dropped in texts:
        plain.append(f"{title}:{f' ({_cut(dropped)})' if dropped else ''}\n{text}")
        shown.append(_head(title, dropped) + _body(text))
    return {
        "text/plain": "\n\n".join(plain),
        "text/html": f'<div class="nbh-story nbh-streamed">{STYLE}{"".join(shown)}</div>',
    }


def _head(title: str, dropped: int) -> str:
    note = f' <span class="nbh-before">{_cut(dropped)}</span>' if dropped else ""
    return f'<p class="nbh-who">{html.escape(title)}{note}</p>'


def _body(text: str) -> str:
    return f'<pre class="nbh-text">{html.escape(text)}</pre>'


def _cut(dropped: int) -> str:
    return f"{dropped:,} characters before are not shown"


def _earlier(before: int) -> str:
    return f"{before:,} {'tasks' if before > 1 else 'task'} before, not shown"
