"""What modes ``tasks``, ``checkpoints`` and ``debug`` say: dicts with LangGraph's keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from nbhitl.engine.description import ROOT
from nbhitl.engine.records import MISSING, START, Asked, Entry, Failed, Position, Task, Wrote
from nbhitl.run.context import TaskContext
from nbhitl.run.outputs import instance, interrupt_of
from nbhitl.run.results import shaped
from nbhitl.run.running import Run


def task_begun(run: Run, task: Task) -> dict[str, Any]:
    """A task that is about to be performed, with what its body will take."""
    return {"id": task.id, "name": task.node, "input": _input(run, task), "triggers": triggers(task)}


def _input(run: Run, task: Task) -> Any:
    if task.arg is not MISSING:
        return task.arg
    if run.graph.called:
        return run.given
    job = TaskContext(run, run.graph.nodes[task.node], task, run.position)
    try:
        return shaped(job, job.node.shape, job.values)
    except Exception:  # noqa: BLE001 - values that make no model fail the task itself, and that is told then
        return dict(job.values)


def triggers(task: Task) -> tuple[str, ...]:
    """What made a task due, under LangGraph's names: an edge, or a ``Send``."""
    return (f"branch:to:{task.node}",) if task.arg is MISSING else ("__pregel_push",)


def task_ended(task: Task, entries: Iterable[Entry]) -> dict[str, Any]:
    """What came of a task: what it wrote, what it asks, or its error."""
    error, result, asked = None, {}, []
    for entry in entries:
        match entry:
            case Wrote(updates=updates):
                result = _written(updates)
            case Failed(exception=exception, text=text):
                error = text if exception is None else exception
            case Asked():
                asked.append(_question(entry))
    return {"id": task.id, "name": task.node, "error": error, "result": result, "interrupts": asked}


def _written(updates: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Writes by key; several of one key stand in a list of their own."""
    found: dict[str, list[Any]] = {}
    for name, value in updates:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else {"$writes": values} for name, values in found.items()}


def _question(asked: Asked) -> dict[str, Any]:
    shown = interrupt_of(asked)
    return {"value": shown.value, "id": shown.id, "response_schema": shown.response_schema}


def checkpoint(run: Run, *, typed: bool = False) -> dict[str, Any]:
    """The checkpoint at which a run stands; ``typed``: its values as an instance of the state schema."""
    position = run.position
    found = position.checkpoint
    values: Any = {name: found.values[name] for name in run.graph.channels if name in found.values}
    if ROOT in run.graph.channels:
        values = values.get(ROOT)
    elif typed and found.source != "input":  # before the input is merged there is no state yet
        values = instance(run.graph.as_state, values)
    return {
        "config": _config(run, found.id),
        "parent_config": _config(run, found.parent) if found.parent else None,
        "values": values,
        "metadata": {"source": found.source, "step": found.step, "parents": _above(run)},
        "next": [task.node for task in found.tasks],
        "tasks": [_due(run, position, task) for task in found.tasks],
    }


def _config(run: Run, id: str) -> dict[str, Any]:
    key = run.key
    return {"configurable": {"thread_id": key.thread, "checkpoint_ns": key.ns, "checkpoint_id": id}}


def _above(run: Run) -> dict[str, str]:
    """Where the graphs around a sub-graph stand, by namespace."""
    found, above = {}, run.parent
    while above is not None:
        found[above.key.ns] = above.position.checkpoint.id
        above = above.parent
    return found


def _due(run: Run, position: Position, task: Task) -> dict[str, Any]:
    told: dict[str, Any] = {"id": task.id, "name": task.node}
    failed = position.failed.get(task.id)
    if failed is not None:
        return {**told, "error": failed.text, "state": _inner(run, position, task)}
    asked = [_question(q) for q in position.asked.get(task.id, ()) if q.id not in position.superseded]
    if task.id in position.wrote:
        told["result"] = _written(position.wrote[task.id].updates)
    return {**told, "interrupts": tuple(asked), "state": _inner(run, position, task)}


def _inner(run: Run, position: Position, task: Task) -> dict[str, Any] | None:
    """The config that names the state of the sub-graph that a task runs."""
    calls = position.entered.get(task.id)
    if calls:
        ns = calls[max(calls)].ns
    elif task.node != START and run.graph.nodes[task.node].graph is not None:
        ns = run.key.below(f"{task.node}:{task.id}")
    else:
        return None
    return {"configurable": {"thread_id": run.key.thread, "checkpoint_ns": ns}}


def debug(run: Run, type: str, step: int, payload: dict[str, Any]) -> dict[str, Any]:
    """A payload of another mode, with its super-step and the time."""
    now = datetime.fromtimestamp(run.world.clock.now() / 1e6, UTC).isoformat()
    return {"step": step, "timestamp": now, "type": type, "payload": payload}
