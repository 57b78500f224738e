"""What ``get_state`` shows: a thread's position as people read it. Names are LangGraph's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nbhitl.engine.commands import Interrupt
from nbhitl.engine.description import Graph
from nbhitl.engine.moves import preview
from nbhitl.engine.records import Position, ThreadKey
from nbhitl.run.stream import interrupts


@dataclass(frozen=True, slots=True)
class PregelTask:
    """A task that is due or under way at a checkpoint."""

    id: str
    name: str
    error: str | None = None
    interrupts: tuple[Interrupt, ...] = ()
    result: Mapping[str, Any] | None = None
    """What the node returned, when it has finished while its siblings have not."""


@dataclass(frozen=True, slots=True)
class StateSnapshot:
    """A thread at one checkpoint."""

    values: Mapping[str, Any]
    next: tuple[str, ...]
    """Nodes that still have to run in the next super-step."""
    config: Mapping[str, Any]
    """Give it to ``invoke`` or ``update_state`` to go on from here."""
    metadata: Mapping[str, Any] | None
    """``source``, ``step``; ``stop`` (finished, interrupted, breakpoint, failed, drained; None while running or
    after a kill) and ``stop_text``, the reason in words."""
    created_at: str | None
    parent_config: Mapping[str, Any] | None
    tasks: tuple[PregelTask, ...]
    interrupts: tuple[Interrupt, ...]


def config_of(key: ThreadKey, checkpoint: str | None = None) -> dict[str, Any]:
    """The config that names a thread, and a checkpoint of it."""
    configurable = {"thread_id": key.thread, "checkpoint_ns": key.ns}
    if checkpoint is not None:
        configurable["checkpoint_id"] = checkpoint
    return {"configurable": configurable}


def _values(graph: Graph, position: Position, *, past: bool) -> dict[str, Any]:
    """Every key of the state; now, with what finished tasks of the step have written already."""
    values = position.checkpoint.values
    if position.wrote and not past:
        done = [position.wrote[task.id] for task in position.checkpoint.tasks if task.id in position.wrote]
        try:
            values = preview(graph, values, [update for entry in done for update in entry.updates])
        except Exception:  # noqa: BLE001 - writes that do not merge fail the step when it is committed, not a look
            values = position.checkpoint.values
    return {name: values[name] for name in graph.channels if name in values}


def snapshot(graph: Graph, key: ThreadKey, position: Position | None, *, past: bool = False) -> StateSnapshot:
    """The snapshot of a position; an empty one for a thread that does not exist.

    Looking back (``past``), ``next`` names all tasks of the super-step, as LangGraph has it; now, those not done.
    """
    if position is None:
        return StateSnapshot({}, (), config_of(key), None, None, None, (), ())
    checkpoint = position.checkpoint
    asked = {q.id: q for q in interrupts(position)}
    tasks = tuple(
        PregelTask(
            id=task.id,
            name=task.node,
            error=position.failed[task.id].text if task.id in position.failed else None,
            interrupts=tuple(asked[q.id] for q in position.asked.get(task.id, ()) if q.id in asked),
            result=dict(position.wrote[task.id].updates) if task.id in position.wrote else None,
        )
        for task in checkpoint.tasks
    )
    stopped = position.stopped
    return StateSnapshot(
        values=_values(graph, position, past=past),
        next=tuple(t.node for t in checkpoint.tasks if past or t.id not in position.wrote),
        config=config_of(key, checkpoint.id),
        metadata={
            "source": checkpoint.source,
            "step": checkpoint.step,
            "parents": {},
            "stop": stopped.reason if stopped else None,
            "stop_text": stopped.text if stopped else "",
        },
        created_at=datetime.fromtimestamp(checkpoint.at / 1e6, UTC).isoformat(),
        parent_config=config_of(key, checkpoint.parent) if checkpoint.parent else None,
        tasks=tasks,
        interrupts=tuple(asked.values()),
    )
