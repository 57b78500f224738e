"""Where a thread stands -> the state that each node is shown in, and the edges that were taken. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from nbhitl.engine.records import END, START, Position

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from nbhitl.drawing.sketch import Drawing
    from nbhitl.engine.description import Graph
    from nbhitl.engine.moves import Pair

State: TypeAlias = Literal["idle", "next", "running", "done", "failed", "waiting", "paused"]


def states(
    graph: Graph, position: Position | None, running: Collection[str] = (), ran: Collection[str] = ()
) -> dict[str, State]:
    """The state of every node, START and END included.

    Args:
        graph: whose nodes.
        position: where the thread stands; None before its first input.
        running: nodes that are being performed right now.
        ran: nodes that ran at any earlier step of the thread.
    """
    found: dict[str, State] = dict.fromkeys((START, *graph.nodes, END), "idle")
    if position is None:
        return found
    checkpoint = position.checkpoint
    found |= {name: "done" for name in (*ran, *checkpoint.ran) if name in found}
    if checkpoint.step >= 0 or graph.direct:
        found[START] = "done"
    if not checkpoint.tasks:
        found[END] = "done"
    held = position.stopped is not None and position.stopped.reason == "breakpoint"
    # A write into the state takes open questions along; whoever asked them has not been parked since.
    waiting = position.parked if held else position.parked | _asking(position)
    now: dict[str, State] = {}
    for task in checkpoint.tasks:
        state = _state(position, task.id, task.node in running, held, waiting)
        now[task.node] = most_urgent(now.get(task.node, "idle"), state)
    return found | {name: state for name, state in now.items() if name in found}


def _asking(position: Position) -> set[str]:
    """The tasks with an open question."""
    pending = {question.id for question in position.pending}
    return {task for task, asked in position.asked.items() if any(question.id in pending for question in asked)}


_URGENT: Final[tuple[State, ...]] = ("idle", "done", "next", "paused", "waiting", "running", "failed")
"""A node with several tasks is shown in the last of its tasks' states."""


def most_urgent(*found: State) -> State:
    """Which of several states a node is shown in that is in all of them."""
    return max(found, key=_URGENT.index)


def _state(position: Position, task: str, running: bool, held: bool, waiting: Collection[str]) -> State:
    if task in position.failed:
        return "failed"
    if task in position.wrote:
        return "done"
    if running:
        return "running"
    if task in waiting:
        return "waiting"
    return "paused" if held else "next"


@dataclass(frozen=True, slots=True)
class Fan:
    """How far the tasks of one node in one step have come: of a node that a fan-out runs several times."""

    total: int
    done: int = 0
    failed: int = 0
    waiting: int = 0

    @property
    def words(self) -> str:
        """``3/10 done, 1 failed, 2 waiting``."""
        rest = ((self.failed, "failed"), (self.waiting, "waiting"))
        return ", ".join([f"{self.done}/{self.total} done", *(f"{count} {what}" for count, what in rest if count)])


def fans(position: Position) -> dict[str, Fan]:
    """The nodes that have several tasks in the step that ``position`` is about to do, or is doing."""
    tasks = position.checkpoint.tasks
    total = Counter(task.node for task in tasks)
    if len(total) == len(tasks):  # the usual step
        return {}

    def among(ids: Collection[str]) -> Counter[str]:
        return Counter(task.node for task in tasks if task.id in ids)

    done, failed, waiting = among(position.wrote), among(position.failed), among(position.parked)
    return {node: Fan(count, done[node], failed[node], waiting[node]) for node, count in total.items() if count > 1}


def taken_edges(drawing: Drawing, pairs: Iterable[Pair]) -> frozenset[str]:
    """Ids of the edges that these steps took. An unknown end stands for steps drawn nowhere else."""
    walked = set(pairs)
    shown = {pair for edge in drawing.edges for pair in edge.pairs}
    names = {node.id: node.name for node in drawing.nodes}
    off_the_map = {source for source, _ in walked - shown}
    return frozenset(
        edge.id
        for edge in drawing.edges
        if (walked.issuperset(edge.pairs) if edge.pairs else names[edge.tail] in off_the_map)
    )
