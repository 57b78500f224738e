"""How far a thread has come, gathered from its history and the events of its runs, for the drawing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from nbhitl.drawing import Fan, Pair, State
from nbhitl.engine.records import START, Position, Stopped
from nbhitl.notebook.pictures.moment import Moment, Status
from nbhitl.notebook.pictures.trail import Trail, inner_trail, thread_trail
from nbhitl.run.world import Committed, Ended, Event, Started

if TYPE_CHECKING:
    from nbhitl.run.running import Run
    from nbhitl.session import Session


class Progress:
    """What ran, where, and how often, on the branch that the thread is on. Safe from any thread.

    Args:
        session: whose thread.
        heard: called when something has happened in a sub-graph, on the thread that runs it.
    """

    def __init__(self, session: Session, heard: Callable[[], None] = lambda: None) -> None:
        self.session = session
        self._heard = heard
        self._lock = threading.Lock()
        self._running: dict[str, set[str]] = {}
        """Namespace to the nodes that are performed there right now."""
        self.look()

    def look(self) -> None:
        """Forget what was gathered, and look the thread up."""
        found = thread_trail(self.session)
        with self._lock:
            self._thread = found
            self._inside: dict[str, Trail] = {}
            """By the path of the node that runs the sub-graph; of opened ones only."""
            self._running = {}

    # -- during a run, on any of its threads

    def see(self, event: Event) -> None:
        """Take note of what happened in the graph itself."""
        run = self.session.run
        if run is None:
            return
        if isinstance(event, Started) and run.listener is None:
            # Before any of its nodes begins: sub-graphs take the listener over when they are called.
            run.listener = self._hear
        if isinstance(event, Started) and self._is_elsewhere(run.position):
            self.look()  # new input, perhaps on a new branch
        with self._lock:
            self._note("", run, event)
            self._thread.see("", self.session.graph, run.position, event)
            match event:
                case Committed():
                    for trail in self._inside.values():
                        trail.stale = True
                case Stopped():
                    self._inside, self._running = {}, {}  # the file knows it all now

    def _hear(self, run: Run, event: Event) -> None:
        ns = run.key.ns
        with self._lock:
            self._note(ns, run, event)
            path = path_of(ns)
            trail = self._inside.get(path)
            if trail is not None:
                trail.see(ns, run.graph, run.position, event)
            if isinstance(event, Committed):
                for below, inner in self._inside.items():
                    inner.stale = inner.stale or below.startswith(f"{path}/")
        self._heard()

    def _note(self, ns: str, run: Run, event: Event) -> None:
        match event:
            case Started(tasks=tasks):
                self._running[ns] = {task.node for task in tasks} - {START}
            case Ended(task=task):
                self._running.get(ns, set()).discard(task.node)
            case Stopped():
                self._running.pop(ns, None)

    # -- what is to be seen

    def moment(self, opened: Collection[str] = ()) -> Moment:
        """What is to be seen now; of sub-graphs, what is in those that are ``opened``."""
        session = self.session
        busy = session.busy
        position = session.position if not busy else None
        if position is not None and self._is_elsewhere(position):
            self.look()  # the thread was moved by somebody else: from Python, or on another branch
        with self._lock:
            line = self._thread.lines.get("")
            if line is not None and position is not None:
                line.position = position
            position = position or (line.position if line is not None else None)
            stopped = position.stopped if position is not None and not busy else None
            status, text = _status(position, stopped, busy)
            if busy:
                text = ", ".join(self._at_work())
            gathered = _Gathered()
            gathered.add("", self._thread, self._running)
            for path in sorted(opened):
                if path not in self._inside:
                    self._inside[path] = inner_trail(session, path)
                gathered.add(f"{path}/", self._inside[path], self._running)
        points = tuple(session.breakpoints.values())
        return Moment(status, text, gathered.states, points, gathered.taken, gathered.fans, gathered.visits)

    def _is_elsewhere(self, position: Position) -> bool:
        with self._lock:
            line = self._thread.lines.get("")
        known = line.position if line is not None else None
        return known is None or known.checkpoint.id != position.checkpoint.id

    def _at_work(self) -> list[str]:
        """The paths of the nodes that are performed now; of one that runs a sub-graph, those in there."""
        paths = {f"{path_of(ns)}/{node}".lstrip("/") for ns, nodes in self._running.items() for node in nodes}
        return sorted(path for path in paths if not any(other.startswith(f"{path}/") for other in paths))


class _Gathered:
    """The trails of a graph and of its opened sub-graphs, put together by paths."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}
        self.fans: dict[str, Fan] = {}
        self.visits: dict[str, int] = {}
        self.taken: set[Pair] = set()

    def add(self, prefix: str, trail: Trail, running: dict[str, set[str]]) -> None:
        self.states |= {prefix + node: state for node, state in trail.states(running).items()}
        self.fans |= {prefix + node: fan for node, fan in trail.fans().items()}
        self.visits |= {prefix + node: count for node, count in trail.visits.items()}
        self.taken |= {(prefix + source, prefix + target) for source, target in trail.pairs}


def path_of(ns: str) -> str:
    """The path of the node that called the sub-graph of a namespace: ``review`` for ``review:task``."""
    return "/".join(part.partition(":")[0].partition("#")[0] for part in ns.split("|")) if ns else ""


def _status(position: Position | None, stopped: Stopped | None, busy: bool) -> tuple[Status, str]:
    if busy:
        return "running", ""
    if stopped is not None and stopped.reason == "interrupted" and position is not None and not position.pending:
        return "drained", "answered; run the cell to go on"
    if stopped is not None:
        return stopped.reason, "" if stopped.reason == "finished" else stopped.text
    if position is not None and position.checkpoint.tasks:  # the kernel was killed, or the state was edited
        return "drained", "not finished; run the cell to go on"
    return "idle", ""
