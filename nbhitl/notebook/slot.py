"""Where a cell shows what can be done now, and below it the story that stays in the file."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from IPython.display import DisplayHandle

from nbhitl.notebook.story import LIVE, STYLE

_NOTHING: Final = {"text/plain": "", "text/html": ""}
"""What is left where a widget was."""


class Slot:
    """Two outputs that are updated in place: one for widgets, one for the story as text. Safe from any thread.

    The widgets are children of one box: a change of them reaches a page that was reloaded meanwhile, where an update of
    an output does not. A widget is lost in the saved file, and one with text beside it would show neither without its
    kernel, so the story is an output of its own. The page hides it while the box is alive.
    """

    def __init__(self) -> None:
        self.box: Any = None
        """What is alive on the page; None between two of them."""
        self._above: Any = None
        """The part of it where text is streamed: always there, so that what stands below keeps its place and focus."""
        self._lock = threading.RLock()
        self._widgets: DisplayHandle | None = None
        self._story: DisplayHandle | None = None
        self._told: Mapping[str, str] = _NOTHING

    @property
    def has_told(self) -> bool:
        """Whether the story stands there."""
        return self._story is not None

    def show(self, content: Any) -> None:
        """Put a widget there."""
        with self._lock:
            self._open(content)

    def above(self) -> Any:
        """The box above what is shown, for text that is streamed."""
        with self._lock:
            if self.box is None:
                self._open()
            return self._above

    def _open(self, *content: Any) -> None:
        import ipywidgets as widgets

        if self.box is not None:
            self.box.children = (*self.box.children[:2], *content)
            return
        self._above = widgets.VBox()
        style = widgets.HTML(STYLE, layout=widgets.Layout(display="none"))
        self.box = widgets.VBox([style, self._above, *content]).add_class(LIVE)
        bundle = self.box._repr_mimebundle_() | {"text/plain": ""}  # its repr would be what is left in the saved file
        if self._widgets is None:
            self._widgets = DisplayHandle(secrets.token_hex(8))
            self._widgets.display(bundle, raw=True)
        else:
            self._widgets.update(bundle, raw=True)

    def clear(self, told: Callable[[], str]) -> None:
        """Take the widget away; a page that was reloaded keeps the box, and is told in it what there is to tell.

        Args:
            told: the same as the story, as HTML.
        """
        with self._lock:
            box, self.box = self.box, None
            if box is None or self._widgets is None:
                return
            import ipywidgets as widgets

            box.children = (box.children[0], widgets.HTML(told()))
            self._widgets.update(_NOTHING, raw=True)

    def repeat(self) -> None:
        """Send the story again, on behalf of the cell that runs now."""
        if self._story is not None:
            self._story.update(dict(self._told), raw=True)

    def tell(self, story: Mapping[str, str]) -> None:
        """Bring the story up to date."""
        if story == self._told:
            return
        self._told = story
        if self._story is None:
            self._story = DisplayHandle(secrets.token_hex(8))
            self._story.display(dict(story), raw=True)
        else:
            self._story.update(dict(story), raw=True)
