"""What ``get_state`` shows: a thread's position as people read it. Names are LangGraph's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

from nbhitl.engine.commands import Interrupt
from nbhitl.engine.description import ROOT, Graph
from nbhitl.engine.records import MISSING, START, Checkpoint, Entered, Position, Task, ThreadKey
from nbhitl.run.outputs import interrupt_of, settled


class PregelTask(NamedTuple):
    """A task that is due or under way at a checkpoint."""

    id: str
    name: str
    path: tuple[str | int, ...] = ()
    error: str | None = None
    interrupts: tuple[Interrupt, ...] = ()
    state: Any = None
    """Of a task that runs a sub-graph: the config that names its state, or with ``subgraphs=True`` its snapshot."""
    result: Any = None
    """What the node returned, when it has finished while its siblings have not."""


class StateSnapshot(NamedTuple):
    """A thread at one checkpoint."""

    values: Any
    next: tuple[str, ...]
    """Nodes that still have to run in the next super-step."""
    config: dict[str, Any]
    """Give it to ``invoke`` or ``update_state`` to go on from here."""
    metadata: dict[str, Any] | None
    """``source``, ``step``; ``stop`` (finished, interrupted, breakpoint, failed, drained; None while running or
    after a kill) and ``stop_text``, the reason in words; ``superseded``: questions that were closed unanswered, with
    the question that took their place."""
    created_at: str | None
    parent_config: dict[str, Any] | None
    tasks: tuple[PregelTask, ...]
    interrupts: tuple[Interrupt, ...]


Inner: TypeAlias = Callable[[Task, Entered], Any]
"""The state of a task's sub-graph, for its snapshot."""


def config_of(key: ThreadKey, checkpoint: str | None = None) -> dict[str, Any]:
    """The config that names a thread, and a checkpoint of it."""
    configurable = {"thread_id": key.thread, "checkpoint_ns": key.ns}
    if checkpoint is not None:
        configurable["checkpoint_id"] = checkpoint
    return {"configurable": configurable}


def _values(graph: Graph | None, checkpoint: Checkpoint) -> Any:
    """Every key of the state that has a value."""
    values = checkpoint.values
    if graph is None:
        return dict(values)
    if graph.gives:
        return values.get(graph.gives)
    return {name: values[name] for name in graph.channels if name in values}


def snapshot(
    graph: Graph | None, key: ThreadKey, position: Position | None, *, past: bool = False, inner: Inner | None = None
) -> StateSnapshot:
    """The snapshot of a position; an empty one for a thread that does not exist.

    Looking back (``past``), ``next`` names all tasks of the super-step, as LangGraph has it; now, those not done.
    ``graph`` is None for a sub-graph that the code no longer names: its values are shown as they are stored.
    """
    if position is None:
        return StateSnapshot({}, (), config_of(key), None, None, None, (), ())
    checkpoint = position.checkpoint
    # A look back shows what was asked there, answered since or not.
    asked: dict[str, Interrupt] = {}
    if position.asked:
        every = [q for several in position.asked.values() for q in several] if past else position.pending
        asked = {q.id: interrupt_of(q) for q in every}
    gives = ROOT if graph is None else graph.gives
    tasks = tuple(_task(position, task, n, asked, gives, inner) for n, task in enumerate(checkpoint.tasks))
    stopped = position.stopped
    shown = checkpoint if past or graph is None else settled(graph, position)
    return StateSnapshot(
        values=_values(graph, shown),
        next=tuple(t.node for t in shown.tasks if shown.step > checkpoint.step or past or t.id not in position.wrote),
        config=config_of(key, checkpoint.id),
        metadata={
            "source": checkpoint.source,
            "step": checkpoint.step,
            "parents": {},
            "stop": stopped.reason if stopped else None,
            "stop_text": stopped.text if stopped else "",
            **({"superseded": dict(position.superseded)} if position.superseded else {}),
        },
        created_at=datetime.fromtimestamp(checkpoint.at / 1e6, UTC).isoformat(),
        parent_config=config_of(key, checkpoint.parent) if checkpoint.parent else None,
        tasks=tasks,
        interrupts=tuple(asked.values()),
    )


def _task(
    position: Position, task: Task, number: int, asked: Mapping[str, Interrupt], gives: str, inner: Inner | None
) -> PregelTask:
    calls = position.entered.get(task.id)
    result = dict(position.wrote[task.id].updates) if task.id in position.wrote else None
    return PregelTask(
        id=task.id,
        name=task.node,
        path=("__pregel_pull", task.node) if not _sent(task) else ("__pregel_push", number),
        error=position.failed[task.id].text if task.id in position.failed else None,
        interrupts=tuple(asked[q.id] for q in position.asked.get(task.id, ()) if q.id in asked) if asked else (),
        state=inner(task, _last(calls)) if calls and inner is not None else None,
        result=result if result is None or gives not in result else result[gives],
    )


def _last(calls: Mapping[int, Entered]) -> Entered:
    """The last call of a sub-graph; where there was none, of a `@task`."""
    return calls[max(calls) if max(calls) >= 0 else min(calls)]


def _sent(task: Task) -> bool:
    return task.arg is not MISSING and task.node != START
