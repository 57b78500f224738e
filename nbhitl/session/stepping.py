"""Moving a run on: a step, a task, into and out of sub-graphs, to a node."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, assert_never

from nbhitl.debugging.step import FIRST, Step, StepKind
from nbhitl.engine.errors import EmptyInputError, NbhitlError, PendingInterruptError, UnknownNodeError, did_you_mean
from nbhitl.engine.records import Position, Stopped
from nbhitl.session.runner import Runner
from nbhitl.subgraphs import walk


class Stepping(Runner):
    """A runner that can be moved step by step. Each move returns why the run has stopped again, as `go` does."""

    def start(self, input: Any, *, restart: bool = False, paused: bool = False) -> Stopped:
        """Run on new input.

        Args:
            input: keys of the state; of an entrypoint, any value.
            restart: start over on a new branch, also while a question waits; nothing is deleted.
            paused: stop before the first nodes, to go on step by step.

        Raises:
            NbhitlError: as `go`.
        """
        return self.go(input, restart=restart, step=FIRST if paused else None)

    def continue_(self) -> Stopped:
        """Go on until a breakpoint, a question, a failure or the end. Raises `NbhitlError` where nothing is left."""
        self.expect_movable("continue")
        return self.go()

    def step(self, count: int = 1) -> Stopped:
        """Make so many super-steps of the graph in which the run stands; a sub-graph that they call is part of them.

        Raises:
            NbhitlError: nothing is left to do, or a question waits.
        """
        return self.go(step=self.move("over", count=count))

    def task(self, node: str = "") -> Stopped:
        """Run one task of the super-step, by default the first one that is due; the others wait. Raises as `step`."""
        return self.go(step=self.move("task", node=node))

    def into(self) -> Stopped:
        """Go to the next task, also where that is in a sub-graph. Raises as `step`."""
        return self.go(step=self.move("into"))

    def out(self) -> Stopped:
        """Go on until the sub-graph in which the run stands has ended. Raises as `step`, and outside of any."""
        return self.go(step=self.move("out"))

    def until(self, node: str) -> Stopped:
        """Go on until ``node`` is about to run; ``review/ask`` is a node in a sub-graph.

        Raises:
            UnknownNodeError: there is no such node.
            NbhitlError: as `step`.
        """
        return self.go(step=self.move("until", node=node))

    def move(self, kind: StepKind, *, count: int = 1, node: str = "") -> Step:
        """The step from where the run stands now, checked. Raises as the method of that name."""
        self.expect_movable("step" if kind in ("over", "task") else kind)
        inside = self.inside()
        match kind:
            case "over" if count < 1:
                raise NbhitlError(f"step takes a number of super-steps, 1 or more, not {count}.")
            case "out" if not inside:
                raise NbhitlError("the run stands in no sub-graph, so there is nothing to go out of. Use step.")
            case "task" if node:
                node = self._due(node, inside)
            case "until":
                self.expect_path(node, "until")
            case "over" | "out" | "task" | "into":
                pass
            case _:
                assert_never(kind)
        return Step(kind, count, node, inside)

    def expect_movable(self, what: str) -> None:
        """Raises `NbhitlError` where the run cannot be moved: it has not begun, has finished, or waits for a person."""
        position = self.position
        if position is None:
            raise EmptyInputError(
                f"{what}: thread {self.thread!r} has not run yet. Run its cell, or session.start({{...}}, paused=True)."
            )
        if not position.checkpoint.tasks:
            raise NbhitlError(f"{what}: the run has finished, so nothing is left to do. Run its cell for a new one.")
        waiting = position.parked | position.wrote.keys()
        if position.pending and all(task.id in waiting for task in position.checkpoint.tasks):
            if position.held:  # it stopped to show the question
                return
            nodes = ", ".join(dict.fromkeys(self.node_of(question) for question in position.pending))
            raise PendingInterruptError(
                f"{what}: {nodes} waits for an answer: fill in the form, or %graph answer VALUE (session.answer)."
            )

    def expect_path(self, path: str, role: str) -> None:
        """Raises `UnknownNodeError` for a path that leads to no node, as far as that can be seen."""
        known = self.nodes()
        outer = path.partition("/")[0]
        if path in known:
            return
        if "/" in path and outer in known and not any(name.startswith(f"{outer}/") for name in known):
            return  # whatever that node calls, it cannot be seen from here
        inner = [name for name in known if name.endswith(f"/{path}")]
        near = f" Did you mean {inner[0]!r}?" if inner else did_you_mean(path, known)
        raise UnknownNodeError(f"{role}: there is no node {path!r}.{near}")

    def inside(self) -> str:
        """The path of the sub-graph in which the run stands, with a slash behind it; empty for the outermost graph."""
        key, position, path = self.key, self.position, ""
        while position is not None:
            if any(held.place in ("before", "after") for held in position.held.values()):
                return path
            found = self._entered(position)
            if found is None:
                return path
            node, ns, head = found
            key = replace(key, ns=ns)
            position = self.saver.newest(key, head)
            if position is None or not position.checkpoint.tasks:
                return path
            path += f"{node}/"
        return path

    @property
    def has_subgraphs(self) -> bool:
        """Whether any node runs a sub-graph, as far as that can be seen."""
        return any(True for _ in walk(self.graph))

    def _entered(self, position: Position) -> tuple[str, str, str] | None:
        """Node, namespace and checkpoint of the first sub-graph that is under way."""
        for task in position.checkpoint.tasks:
            calls = position.entered.get(task.id)
            if calls and task.id not in position.wrote:
                last = calls[max(calls)]
                return task.node, last.ns, last.head or last.source
        return None

    def _due(self, node: str, inside: str) -> str:
        position = self.position
        tasks = () if position is None else position.checkpoint.tasks
        due = [f"{inside}{task.node}" for task in tasks] if not inside else []
        path = node if node.startswith(inside) else inside + node
        if not inside and path not in due:
            raise UnknownNodeError(f"task: {node!r} is not due.{did_you_mean(node, due)} Due are: {', '.join(due)}.")
        return path
