"""What a verb of ``%graph`` is, and what it is given."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nbhitl.engine.errors import NbhitlError
from nbhitl.session.whereabouts import watched_lines

if TYPE_CHECKING:
    from nbhitl.notebook.worker import Worker
    from nbhitl.notebook.workspace import Workspace
    from nbhitl.session import Session


Takes: TypeAlias = Literal["node", "breakpoint", "key", "thread", "verb", "branch"]


@dataclass(frozen=True, slots=True)
class Line:
    """A ``%graph`` line, taken apart."""

    workspace: Workspace
    words: str
    """What stands behind the verb."""
    graph: str | None = None
    """Of ``-g``: None means the graph that was used last."""
    thread: str | None = None
    """Of ``-t``."""

    @property
    def worker(self) -> Worker:
        """Who runs the thread that is meant. Raises `NbhitlError` where there is none."""
        return self.workspace.find(self.graph, self.thread)

    @property
    def session(self) -> Session:
        """The session that is meant. Raises `NbhitlError` where there is none."""
        return self.worker.session


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that ``%graph`` can do."""

    usage: str
    does: Callable[[Line], Any]
    details: str = ""
    """What ``%graph VERB?`` shows below the sentence: options and examples."""
    takes: tuple[Takes, ...] = ()
    """What its words are, for the Tab key."""

    @property
    def sentence(self) -> str:
        """What it does, in one sentence."""
        return (self.does.__doc__ or "").partition("\n")[0]


def split(words: str, usage: str) -> list[str]:
    """The words of a line, as a shell takes them apart. Raises `NbhitlError`."""
    try:
        return shlex.split(words)
    except ValueError as error:
        raise NbhitlError(f"%graph {usage}: {error} in {words!r}.") from error


def tell(worker: Worker) -> None:
    """Say in the cell that asked for it what came of it: the drawing may be far above."""
    text = (worker.session.state().metadata or {}).get("stop_text") or ""
    worker.screen.repeat()
    print(f"Graph {worker.session.name}: {text}. See the drawing under its cell.")
    for said in watched_lines(worker.session):
        print(said)
