"""How far the lines of one graph have come: the thread's own, or the calls of a sub-graph that it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from nbhitl.debugging.lineage import genuine
from nbhitl.drawing import Fan, Pair, State, fans, most_urgent, states
from nbhitl.engine.description import Graph
from nbhitl.engine.moves import taken
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import Asked, Entered, Failed, Position, Stopped, ThreadKey, Wrote
from nbhitl.run.world import Committed, Ended, Event, Started
from nbhitl.session import Session
from nbhitl.subgraphs import graph_at, nodes_told

LOOK_BACK: Final = 1000
"""Checkpoints of a line that are looked at: what ran before them is not counted."""
CALLS: Final = 100
"""Calls of a sub-graph that are looked at."""


@dataclass(slots=True)
class Line:
    """One line of checkpoints."""

    graph: Graph
    position: Position | None
    """Where it stands; None before its first input."""
    ran: set[str] = field(default_factory=set)

    def states(self, running: set[str]) -> dict[str, State]:
        """The state of each node of its graph."""
        return states(self.graph, self.position, running, self.ran)


@dataclass(slots=True)
class Trail:
    """What is known of a graph's lines."""

    lines: dict[str, Line]
    """By namespace: the line that is done now, or was last; several where a fan-out calls a sub-graph."""
    visits: Counter[str] = field(default_factory=Counter)
    """How often each node has run, on all lines that led to now."""
    pairs: set[Pair] = field(default_factory=set)
    stale: bool = False
    """Whether the next event is of a new call: the lines of the last one make way then."""

    def states(self, running: Mapping[str, set[str]]) -> dict[str, State]:
        """The state of each node: of several lines, the most urgent one."""
        found: dict[str, State] = {}
        for ns, line in self.lines.items():
            for node, state in line.states(running.get(ns, set())).items():
                found[node] = most_urgent(found.get(node, "idle"), state)
        return found

    def fans(self) -> dict[str, Fan]:
        """The nodes with several tasks in the step of its line; of several lines, none: their steps differ."""
        if len(self.lines) != 1:
            return {}
        [line] = self.lines.values()
        return {} if line.position is None else fans(line.position)

    def see(self, ns: str, graph: Graph, position: Position, event: Event) -> None:
        """Take note of what happened on a line; ``position`` is what its run knew before."""
        if self.stale:
            self.lines, self.stale = {}, False
        line = self.lines.setdefault(ns, Line(graph, position))
        match event:
            case Started():
                line.position = _newer(line.position, position)
            case Ended(entries=entries):
                facts = [entry for entry in entries if isinstance(entry, (Wrote, Asked, Failed))]
                # Siblings that ended in the same step are seen together.
                line.position = _newer(line.position, position).after(facts)
                self.pairs |= taken(graph, line.position)
            case Committed(checkpoint=checkpoint):
                line.position = Position(checkpoint)
                line.ran.update(checkpoint.ran)
                self.visits.update(checkpoint.ran)
            case Stopped():
                line.position = position


def _newer(known: Position | None, position: Position) -> Position:
    same = known is not None and known.checkpoint.id == position.checkpoint.id
    return known if same and known is not None else position


def thread_trail(session: Session) -> Trail:
    """The trail of a thread, as its file has it."""
    past = list(islice(session.branch(), LOOK_BACK))
    return _trail([("", session.graph, past)], {""})


def inner_trail(session: Session, path: str) -> Trail:
    """The trail of the sub-graph in the node of ``path``; an empty one where that has not run."""
    calls = list(islice(_calls(session, path.split("/")), CALLS))
    current = {ns for ns, _, _, newest in calls if newest}
    return _trail([(ns, graph, past) for ns, graph, past, _ in calls], current)


def _trail(lines: list[tuple[str, Graph, list[Position]]], current: set[str]) -> Trail:
    made = Trail({})
    seen: set[str] = set()
    for ns, graph, past in lines:
        ran = [node for position in past for node in position.checkpoint.ran]
        if ns in current and ns not in made.lines:
            made.lines[ns] = Line(graph, past[0] if past else None, set(ran))
        known = {position.checkpoint.id: position for position in past}
        for position in past:
            if position.checkpoint.id not in seen:
                made.visits.update(_runs(position, known.get(position.checkpoint.parent or "")))
        for position in _counting(past):
            if position.checkpoint.id not in seen:
                made.pairs |= taken(graph, position)
        seen |= known.keys()
    return made


def _counting(past: Iterable[Position]) -> Iterator[Position]:
    """The positions whose tasks count on a line: what came of one that a copy or an edit stands for was taken back."""
    child: Position | None = None
    for position in genuine(past):
        edited = child is not None and child.checkpoint.source == "update"
        if not (edited and len(position.wrote) == len(position.checkpoint.tasks)):
            yield position
        child = position


def _runs(position: Position, parent: Position | None) -> Iterable[str]:
    """The nodes whose runs led to a checkpoint: a copy names those of another one, an edit those that it wrote for."""
    match position.checkpoint.source:
        case "loop":
            return position.checkpoint.ran
        case "update" if parent is not None and len(parent.wrote) < len(parent.checkpoint.tasks):  # it merged these
            return {task.node for task in parent.checkpoint.tasks if task.id in parent.wrote}
        case _:
            return ()


_Call = tuple[str, Graph, list[Position], bool]
"""Namespace, graph, positions (newest first), and whether it is of the newest step that called."""


def _calls(session: Session, nodes: list[str]) -> Iterator[_Call]:
    """The calls of the sub-graph in a path of nodes, newest first."""
    *above, node = nodes
    first = [("", session.graph, list(islice(session.branch(), LOOK_BACK)), True)]
    newest = True
    for _, _, past, current in _calls(session, above) if above else first:
        newest = newest and current
        for position in _counting(past):
            calls = [
                entered
                for task in position.checkpoint.tasks
                if task.node == node
                for entered in position.entered.get(task.id, {}).values()
            ]
            for entered in calls:
                key = ThreadKey(session.thread, session.key.graph, entered.ns)
                line = _line(session.saver, key, entered)
                names = nodes_told(line[0].checkpoint) if line else set()
                graph = graph_at(session.graph, nodes, names)
                if graph is not None and line:
                    yield entered.ns, graph, line, newest
            newest = newest and not calls


def _line(saver: Saver, key: ThreadKey, entered: Entered) -> list[Position]:
    """The positions that led to where a call stands, newest first."""
    if entered.head:
        newest = saver.newest(key, entered.head)
    else:
        newest = saver.load(key, entered.source) if entered.source else None
    if newest is None:
        return []
    found = [newest]
    wanted = newest.checkpoint.parent
    for position in islice(saver.history(key), LOOK_BACK):
        if wanted is not None and position.checkpoint.id == wanted:
            found.append(position)
            wanted = position.checkpoint.parent
    return found
