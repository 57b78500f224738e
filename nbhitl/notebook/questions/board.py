"""Several open questions as one list: filter them, answer some, give many the same answer, submit once.

The list is drawn and filtered by the page; the form of a question is made when its row is opened. Answers wait here,
as plain data that was checked, until a person submits them together. What a page sends may be anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import anywidget
import ipywidgets as W  # noqa: N812 - the name its users know
import traitlets

from nbhitl.notebook.questions.markup import whole

RowState: TypeAlias = Literal["open", "ready", "answered", "lost", "refused"]
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """A question in the list."""

    id: str
    node: str
    text: str
    """The question in one line."""
    kind: str = ""
    """Equal for questions that ask for the same, so that one answer may do for all."""
    deadline: int = 0
    """Milliseconds since 1970; 0: none."""
    then: str = ""
    """What happens then."""


class BoardList(anywidget.AnyWidget):
    """The list on the page."""

    _esm = (_HERE / "board.js").read_text("utf-8")
    _css = (_HERE / "board.css").read_text("utf-8")
    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)
    opened = traitlets.Unicode("").tag(sync=True)
    last = traitlets.Unicode("").tag(sync=True)
    """The question that was answered last: its answer is offered for others."""
    busy = traitlets.Bool(False).tag(sync=True)
    closed = traitlets.Unicode("").tag(sync=True)


class Board:
    """The questions that wait, and the answers that were given here and are not submitted yet. Safe from any thread.

    Args:
        opened: makes (once) and returns the form of a question; None when it is not open any more.
        submitted: takes the answers, plain data by id, and returns at once.
        same: of the ids that are to get one question's answer, those that may.
        lock: held while anything here changes; the owner's own, where it calls and is called.
    """

    def __init__(
        self,
        opened: Callable[[str], Any],
        submitted: Callable[[Mapping[str, Any]], None],
        same: Callable[[str, Sequence[str]], Sequence[str]],
        lock: threading.RLock | None = None,
    ) -> None:
        self.rows: dict[str, Row] = {}
        self._opened, self._submitted, self._same = opened, submitted, same
        self._states: dict[str, tuple[RowState, str]] = {}
        self._drafts: dict[str, tuple[Any, str]] = {}
        self._lock = lock or threading.RLock()
        self.list = BoardList()
        self.list.on_msg(lambda _widget, content, _buffers: self.heard(content))
        self._detail = W.VBox([]).add_class("nbh-board-detail")
        side = W.VBox([self.list]).add_class("nbh-board-side")
        self.widget = W.HBox([side, self._detail]).add_class("nbh-board")

    @property
    def has_lost(self) -> bool:
        """Whether it says of a question that it went by other means."""
        return any(state == "lost" for state, _ in self._states.values())

    @property
    def drafts(self) -> dict[str, Any]:
        """The answers that wait to be submitted, plain data by id."""
        with self._lock:
            return {id: plain for id, (plain, _) in self._drafts.items()}

    # -- what the kernel says

    def put(self, rows: Sequence[Row]) -> None:
        """These questions are open now; what was here before keeps its place, its state and its answer."""
        with self._lock:
            for row in rows:
                self.rows.setdefault(row.id, row)
                if self._states.get(row.id, ("lost", ""))[0] in ("lost", "answered"):
                    self._states[row.id] = ("open", "")
            self._paint()
            if self._states.get(self.list.opened, ("", ""))[0] not in ("open", "ready", "refused"):
                self.open(next((row.id for row in rows), ""))

    def open(self, id: str) -> None:
        """Show the form of a question."""
        with self._lock:
            form = self._opened(id) if id in self.rows else None
            if form is not None:
                self._detail.children = (form,)
                self.list.opened = id

    def keep(self, id: str, plain: Any, text: str) -> None:
        """An answer that fits is ready to be submitted."""
        with self._lock:
            if self._states.get(id, ("", ""))[0] in ("open", "ready", "refused"):
                self._drafts[id] = (plain, text)
                self._states[id] = ("ready", text)
                self.list.last = id
                self._paint()

    def drop(self, id: str, why: str) -> None:
        """An answer was not taken: its question is open as before."""
        self._become(id, "refused", why)

    def done(self, id: str, text: str) -> None:
        """An answer was recorded."""
        self._become(id, "answered", text)

    def lost(self, id: str, text: str) -> None:
        """A question went by other means."""
        self._become(id, "lost", text)

    def settle(self) -> None:
        """What was submitted together has been dealt with."""
        with self._lock:
            if self.list.busy:
                self._paint()

    def close(self, message: str) -> None:
        """Nothing is to be answered here any more."""
        with self._lock:
            self._drafts.clear()
            self.list.closed = whole(message)

    # -- what the page says

    def heard(self, content: Any) -> None:
        """Do what a message of the page asks; what makes no sense is let be."""
        match content:
            case {"type": "open", "id": str(id)}:
                self.open(id)
            case {"type": "same", "from": str(source), "to": list(others)}:
                self._share(source, [id for id in others if isinstance(id, str)])
            case {"type": "back", "id": str(id)}:
                self._take_back(id)
            case {"type": "submit"}:
                self.submit()

    def submit(self) -> None:
        """Hand on the answers that are ready. A second time hands on nothing."""
        with self._lock:
            answers = self.drafts
            if not answers or self.list.closed or self.list.busy:
                return
            self.list.busy = True
        self._submitted(answers)

    def _take_back(self, id: str) -> None:
        with self._lock:
            if self._drafts.pop(id, None) is not None:
                self._states[id] = ("open", "")
                self._paint()

    def _share(self, source: str, others: Sequence[str]) -> None:
        with self._lock:
            if source not in self._drafts:
                return
            draft = self._drafts[source]
            for id in self._same(source, others):
                if self._states.get(id, ("", ""))[0] in ("open", "refused"):
                    self._drafts[id] = draft
                    self._states[id] = ("ready", draft[1])
            self._paint()

    def _become(self, id: str, state: RowState, text: str) -> None:
        with self._lock:
            if id in self.rows:
                self._drafts.pop(id, None)
                self._states[id] = (state, text)
                if not self.list.busy:  # else once, when all that was submitted has been settled
                    self._paint()

    def _paint(self) -> None:
        kinds = {kind: n for n, kind in enumerate(dict.fromkeys(row.kind for row in self.rows.values()))}
        self.list.busy = False
        self.list.rows = [
            {
                "id": row.id,
                "node": whole(row.node),
                "text": whole(row.text),
                "kind": kinds[row.kind],
                "until": row.deadline,
                "then": whole(row.then),
                "state": self._states[row.id][0],
                "said": whole(self._states[row.id][1]),
            }
            for row in self.rows.values()
        ]
