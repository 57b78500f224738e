"""Looking closely: the state with types and sizes, differences, watched expressions."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from nbhitl.debugging.differences import Difference, differences
from nbhitl.debugging.expressions import Expression
from nbhitl.debugging.inspection import Inspection, counted, rows_of, writers_of
from nbhitl.debugging.places import position_at
from nbhitl.debugging.watch import Watched, watch
from nbhitl.engine.description import ROOT, Graph
from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.engine.records import Position, Task, ThreadKey
from nbhitl.run.outputs import settled
from nbhitl.session.runner import Runner
from nbhitl.state_snapshot import snapshot
from nbhitl.subgraphs import graph_at, nodes_told

STATE = "state"
"""What the only value of a state without keys is called."""
WATCHES = "watches"
"""The graph's setting that holds them: a list of texts."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position, and the graph whose state it holds."""

    key: ThreadKey
    position: Position
    graph: Graph | None
    """None where the code no longer names the sub-graph."""
    newest: bool

    def values(self) -> dict[str, Any]:
        """The state as people see it: with what finished tasks have written, where it is the newest."""
        if self.graph is not None and self.graph.direct:  # its result is what other looks show; here are all keys
            found = settled(self.graph, self.position) if self.newest else self.position.checkpoint
            return {name: found.values[name] for name in self.graph.channels if name in found.values}
        values = snapshot(self.graph, self.key, self.position, past=not self.newest).values
        return values if self.graph is None or ROOT not in self.graph.channels else {STATE: values}


class Inspecting(Runner):
    """A runner whose state can be inspected, compared and watched."""

    # -- looking

    def at(self, step: int | str | None = None) -> Position:
        """The position at a step of the current branch.

        Args:
            step: its number; how many checkpoints back (``-1`` is the one before now); or the id of any checkpoint of
                the thread, of which the beginning or the end is enough. None: now.

        Raises:
            NbhitlError: the thread has not run, or there is no such step; the steps are listed.
        """
        now = self.position
        if now is None:
            raise NbhitlError(f"thread {self.thread!r} has not run yet: there is no state to look at.")
        if step is None:
            return now
        whole = self.saver.load(self.key, step) if isinstance(step, str) and step else None
        found = whole or position_at(step, self.branch(), self.saver.history(self.key))
        return now if found.checkpoint.id == now.checkpoint.id else found

    def inspect(self, step: int | str | None = None, *, inside: str = "") -> Inspection:
        """The state at a step, key by key: types and sizes, what that step changed, and who wrote it.

        Args:
            step: as `at`.
            inside: the path of a sub-graph that was at work there (``review``, ``review/check``; ``work[1]`` is the
                second of several tasks of a node). Without a step: where it was at work last.

        Raises:
            NbhitlError: there is no such step, or no such sub-graph was at work there.
        """
        place = self._inside(step, inside) if inside else self._place_at(step)
        checkpoint = place.position.checkpoint
        parent = self.saver.load(place.key, checkpoint.parent) if checkpoint.parent else None
        before = {} if parent is None else replace(place, position=parent, newest=False).values()
        rows = rows_of(before, place.values(), writers_of(place.position, parent, under_way=place.newest))
        shown = snapshot(place.graph, place.key, place.position, past=not place.newest)
        ran = counted(node for node in checkpoint.ran if not node.startswith("__"))
        return Inspection(tuple(rows), checkpoint.step, checkpoint.id, ran, counted(shown.next), inside)

    def diff(self, old: int | str | None = None, new: int | str | None = None) -> tuple[Difference, ...]:
        """The differences of the states at two steps, as `at` takes them.

        Args:
            old: the first; without both, the step before the last: what the last step changed.
            new: the second; now by default.

        Raises:
            NbhitlError: there is no such step.
        """
        second = self._place_at(new)
        if old is None and new is None:
            parent = second.position.checkpoint.parent
            position = self.saver.load(self.key, parent) if parent else None
            before = {} if position is None else replace(second, position=position, newest=False).values()
        else:
            before = self._place_at(old).values()
        return differences(before, second.values())

    def _place_at(self, step: int | str | None) -> Place:
        position, now = self.at(step), self.position
        newest = now is not None and now.checkpoint.id == position.checkpoint.id
        return Place(self.key, position, self.graph, newest)

    def _inside(self, step: int | str | None, path: str) -> Place:
        """The place in a sub-graph. Raises `NbhitlError` where it was not at work."""
        candidates = self.branch() if step is None else iter((self.at(step),))
        for position in (self.at(), *candidates) if step is None else candidates:
            place = self._below(position, path.strip("/").split("/"))
            if place is not None:
                return place
        names = [name.replace("|", "/") for name, _ in self.compiled.get_subgraphs(recurse=True)]
        where = "on this branch" if step is None else f"at step {step}"
        known = f"{did_you_mean(path, names)} Sub-graphs: {', '.join(names)}." if names else ""
        raise NbhitlError(f"no sub-graph {path!r} was at work {where}.{known or ' None can be seen from here.'}")

    def _below(self, position: Position, path: list[str]) -> Place | None:
        key, nodes, found = self.key, [], position
        parts = deque(path)
        while parts:
            task = _task(found, parts.popleft())
            if task is None:
                return None
            calls = found.entered[task.id]
            entered = calls[max(calls)]
            tasks = [calls[number] for number in sorted(calls) if parts and calls[number].called == parts[0]]
            if tasks:  # of a @task, which has no state but that of its call
                entered = tasks[0]
                if len(parts) == 1:
                    parts.clear()
            key = replace(key, ns=entered.ns)
            inner = self.saver.newest(key, entered.head) if entered.head else self.saver.load(key, entered.source)
            if inner is None:
                return None
            nodes.append(task.node)
            found = inner
        return Place(key, found, graph_at(self.graph, nodes, nodes_told(found.checkpoint)), newest=True)

    # -- watching

    @property
    def watches(self) -> tuple[str, ...]:
        """The watched expressions of this graph, in the order in which they were added."""
        found = self.saver.settings(self._of_graph).get(WATCHES, ())
        return tuple(text for text in found if isinstance(text, str)) if isinstance(found, list | tuple) else ()

    def add_watch(self, text: str) -> None:
        """Watch an expression over the state's keys; kept with the graph. Raises `ExpressionError` for what is none."""
        Expression.parse(text)
        if text not in self.watches:
            self.saver.set_setting(self._of_graph, WATCHES, [*self.watches, text])

    def remove_watch(self, text: str) -> None:
        """Watch an expression no longer. Raises `NbhitlError` where it was not watched."""
        known = self.watches
        if text not in known:
            raise NbhitlError(f"unwatch: {text!r} is not watched.{did_you_mean(text, known)}")
        self.saver.set_setting(self._of_graph, WATCHES, [each for each in known if each != text])

    def watched(self, step: int | str | None = None) -> list[Watched]:
        """The watched expressions with their values at a step, as `at` takes it; before the first run without values.

        Raises:
            NbhitlError: there is no such step.
        """
        texts = self.watches
        if not texts:
            return []
        state = {} if step is None and self.position is None else self._place_at(step).values()
        return [watch(text, state) for text in texts]

    @property
    def _of_graph(self) -> ThreadKey:
        return ThreadKey("", self.key.graph)


def _task(position: Position, name: str) -> Task | None:
    """The task of a node that has called a sub-graph: the one that is under way, else the last; by ``[n]`` the n-th."""
    match = re.fullmatch(r"(.*?)(?:\[(\d+)\])?", name, re.DOTALL)
    node, number = (match[1], match[2]) if match else (name, None)
    tasks = [task for task in position.checkpoint.tasks if task.node == node]
    if number is not None:
        tasks = tasks[int(number) : int(number) + 1]
    called = [task for task in tasks if position.entered.get(task.id)]
    under_way = [task for task in called if task.id not in position.wrote]
    return next(iter((*under_way, *called[-1:])), None)
