"""The drawing in a cell's output: laid out once per topology, updated in place, with sub-graphs that open and close."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from IPython.display import DisplayHandle

from nbhitl.drawing import Direction, describe
from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.layout import Layout, lay_out
from nbhitl.notebook.pictures import picture
from nbhitl.notebook.pictures.progress import Progress
from nbhitl.subgraphs import compiled_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbhitl.drawing import Drawing
    from nbhitl.engine.description import Graph, Node
    from nbhitl.run.world import Event
    from nbhitl.session import Session

PAINTS_PER_SECOND: Final = 10
"""The drawing is updated at most so often: a server drops output above 1,000 messages a second, forms with it."""


class Canvas:
    """One drawing of a session. `paint` may be called from any thread, as often as one likes.

    Args:
        session: whose graph and thread.
        live: whether outputs can be updated in place: a terminal would print each update.
        direction: where the graph goes; None: what fits a page.
    """

    def __init__(self, session: Session, *, live: bool, direction: Direction | None = None) -> None:
        self.session = session
        self.live, self.direction = live, direction
        self.id = secrets.token_hex(8)
        """The display id, by which the page names this drawing."""
        self.opened: frozenset[str] = frozenset()
        """The paths of the nodes whose sub-graphs are opened."""
        self._closed: frozenset[str] = frozenset()
        """Those that a person has closed: they are not opened without being asked."""
        self._progress = Progress(session, self.paint)
        self._drawn = self._describe(self.opened)
        self._layout: Layout | None = None
        self._handle: DisplayHandle | None = None
        self._shown: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._painted = 0.0
        self._timer: threading.Timer | None = None

    def draw(self) -> None:
        """Show the drawing for the first time: in the cell that runs."""
        self._handle = DisplayHandle(self.id)
        with self._lock:
            self._shown = self._bundle()
        self._handle.display(self._shown, raw=True)

    def event(self, event: Event) -> None:
        """Something happened in the run."""
        self._progress.see(event)
        self.paint()

    def paint(self, *, at_once: bool = False) -> None:
        """Bring the drawing up to date, now or within a tenth of a second."""
        if self._handle is None or not (self.live or at_once):
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

    def repeat(self) -> None:
        """Send the drawing again, on behalf of the cell that runs now."""
        with self._lock:
            if self._handle is not None:
                self._handle.update(self._shown, raw=True)

    def open(self, path: str, on: bool = True) -> None:
        """Open or close the sub-graph of a node: the drawing is laid out anew, and remembers it.

        Raises:
            NbhitlError: the node runs none, or the drawing would be too large; all stays as it is.
        """
        closed = {node.name for node in self._drawn.named if node.opens}
        if path not in closed | {frame.name for frame in self._drawn.opened}:
            raise NbhitlError(f"{path!r} shows no sub-graph that could be opened.{did_you_mean(path, closed)}")
        # What is inside a closed one keeps its place: it is open again with it.
        opened = self.opened | {path} if on else self.opened - {path}
        drawn = self._describe(opened)
        if on and drawn.too_large is not None:
            raise NbhitlError(f"{drawn.too_large} Close another sub-graph first.")
        laid_out = lay_out(drawn, self.direction)
        with self._lock:
            self.opened, self._drawn, self._layout = opened, drawn, laid_out
            self._closed = self._closed - {path} if on else self._closed | {path}
        self.paint(at_once=True)

    def reveal(self) -> None:
        """Open the sub-graphs in which the run stands, so that the place is in sight."""
        if self._handle is None:
            return
        nodes = self.session.inside().split("/")[:-1]
        for path in ("/".join(nodes[: n + 1]) for n in range(len(nodes))):
            if path not in self.opened and path not in self._closed:
                with contextlib.suppress(NbhitlError):  # too large: it is said where the run stands all the same
                    self.open(path)

    def _describe(self, opened: frozenset[str]) -> Drawing:
        return describe(self.session.graph, opened, _inside)

    def _paint_now(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._painted = time.monotonic()
            bundle = self._bundle()
            if self._handle is not None and bundle != self._shown:
                self._shown = bundle
                self._handle.update(bundle, raw=True)

    def _bundle(self) -> dict[str, Any]:
        if self._layout is None:  # once: during a run only attributes change
            self._layout = lay_out(self._drawn, self.direction)
        moment = self._progress.moment([frame.name for frame in self._drawn.opened])
        return picture.bundle(self._drawn, self._layout, moment, view=self.id, thread=self.session.thread)


def _inside(node: Node) -> Sequence[Graph]:
    """The sub-graphs that a node runs, or that its body calls by name."""
    return [found.graph for found in compiled_in(node)]
