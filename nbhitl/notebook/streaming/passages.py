"""What the tasks of a run have streamed, as text: the last part of each. Knows no page."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from nbhitl.engine.records import START, Task
from nbhitl.notebook.pictures.progress import path_of
from nbhitl.report.texts import as_text
from nbhitl.run.streams.messages import text_of
from nbhitl.run.vault import VAULT
from nbhitl.run.world import Emitted, Event, Started
from nbhitl.words import cut, readable

SHOWN: Final = 8_000
"""Characters of a task's text that are shown: its end."""
MOST: Final = 12
"""Tasks whose text is shown: those that began last."""
KEPT: Final = 200
"""Tasks whose text is kept at all."""


class Passage:
    """What one task has streamed: the end of it, and how many characters came before.

    Chunks of one message are joined where the message stands, also when two messages come at the same time. Whatever
    else is streamed takes a line of its own.
    """

    __slots__ = ("_messages", "_pieces", "_total", "again", "changes", "dropped", "key", "title")

    def __init__(self, key: tuple[str, str], title: str) -> None:
        self.key, self.title = key, title
        self.again = False
        """Whether the task's body has begun anew since: what it streams then takes the place of this."""
        self.changes = 0
        """Counts up whenever there is something new to show."""
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._pieces: list[_Piece] = []
        self._messages: dict[str, _Piece] = {}
        self._total = 0
        self.dropped = 0
        """Characters that were streamed before what is shown."""
        self.again = False
        self.changes += 1

    def say(self, text: str, message: str | None) -> None:
        """Append to a message; None: a line of its own."""
        piece = None if message is None else self._messages.get(message)
        if piece is None:
            piece = _Piece([], 0, message)
            self._pieces.append(piece)
            if message is not None:
                self._messages[message] = piece
        piece.parts.append(text)
        piece.length += len(text)
        self._total += len(text)
        self.changes += 1
        if self._total > 2 * SHOWN or len(self._pieces) > SHOWN:
            self._shorten()

    @property
    def text(self) -> str:
        """What is shown: no secret, and no character that moves a cursor or turns the direction of writing."""
        self._shorten()
        whole = VAULT.hidden("\n".join("".join(piece.parts) for piece in self._pieces))
        lines = whole.expandtabs(4).splitlines()
        return "\n".join(map(readable, lines))

    def _shorten(self) -> None:
        """Let go of what is not shown any more."""
        gone = 0
        while self._total > SHOWN and self._total - self._pieces[gone].length >= SHOWN:
            self._forget(self._pieces[gone])
            gone += 1
        gone = max(gone, len(self._pieces) - SHOWN)  # empty texts are pieces, too
        del self._pieces[:gone]
        if self._total > SHOWN:
            first = self._pieces[0]
            text = VAULT.hidden("".join(first.parts))  # before it is cut, or a part of a secret would stay
            over = max(0, self._total - first.length + len(text) - SHOWN)
            self._total += len(text) - over - first.length
            first.parts, first.length = [text[over:]], len(text) - over
            self.dropped += over

    def _forget(self, piece: _Piece) -> None:
        self._total -= piece.length
        self.dropped += piece.length
        if piece.message is not None:
            self._messages.pop(piece.message, None)


@dataclass(slots=True)
class _Piece:
    """A message, or a line."""

    parts: list[str]
    length: int
    message: str | None


class Passages:
    """The passages of a thread's tasks since its last input. Safe from any thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._all: dict[tuple[str, str], Passage] = {}
        self._counts: dict[str, int] = {}
        self._gone = 0

    def see(self, event: Event) -> bool:
        """Take note of an event; whether there is something new to show."""
        match event:
            case Emitted():
                said = spoken(event)
                if said is not None:
                    with self.lock:
                        self._passage(event).say(*said)
                return said is not None
            case Started(tasks=tasks):
                with self.lock:
                    return self._begin(tasks)
        return False

    def shown(self) -> tuple[int, list[Passage]]:
        """How many tasks streamed earlier than those that are shown, and these. With the lock held."""
        several = list(self._all.values())
        return self._gone + max(0, len(several) - MOST), several[-MOST:]

    def _begin(self, tasks: Sequence[Task]) -> bool:
        """Tasks of the graph itself begin, alone; with a new input, all is cleared. Whether something was."""
        if any(task.node == START for task in tasks):
            had = bool(self._all)
            self._all, self._counts, self._gone = {}, {}, 0
            return had
        for passage in self._all.values():  # no body goes on across this: who speaks has begun anew
            passage.again = True
        return False

    def _passage(self, event: Emitted) -> Passage:
        key = (event.ns, event.task.id)
        passage = self._all.get(key)
        if passage is None:
            path = f"{path_of(event.ns)}/{event.task.node}".lstrip("/")
            number = self._counts[path] = self._counts.get(path, 0) + 1
            passage = self._all[key] = Passage(key, cut(path) if number == 1 else f"{cut(path)} ({number})")
            if len(self._all) > KEPT:
                del self._all[next(iter(self._all))]
                self._gone += 1
        elif passage.again:
            passage.clear()
        return passage


def spoken(event: Emitted) -> tuple[str, str | None] | None:
    """The text of an event, and the id of the message that it belongs to; None where there is nothing to show."""
    match event.mode:
        case "custom" | "attempts":
            data = event.data
            return (data if isinstance(data, str) else cut(VAULT.hidden(as_text(data)))), None
        case "messages":
            chunk = event.data[0] if isinstance(event.data, tuple) else event.data
            text = text_of(chunk)
            id = chunk.get("id") if isinstance(chunk, Mapping) else getattr(chunk, "id", None)
            return (text, str(id or "")) if text else None
        case _:
            assert_never(event.mode)
