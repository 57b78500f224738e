"""What a run comes to: open questions as people see them, the output keys, what ``invoke`` returns or raises."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from nbhitl.engine import moves
from nbhitl.engine.commands import Interrupt
from nbhitl.engine.description import Graph
from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.engine.records import Asked, Checkpoint, Position
from nbhitl.run.running import Run

OutputT = TypeVar("OutputT")


@dataclass(frozen=True, slots=True)
class GraphOutput(Generic[OutputT]):
    """What ``invoke(..., version="v2")`` returns."""

    value: OutputT
    """The output keys of the state; with ``output_keys="name"`` the bare value."""
    interrupts: tuple[Interrupt, ...] = ()
    """The questions that wait."""


def interrupts(position: Position) -> tuple[Interrupt, ...]:
    """The open questions of a position."""
    return tuple(interrupt_of(q) for q in position.pending)


def interrupt_of(question: Asked) -> Interrupt:
    """A question as people see it; its schema as JSON Schema."""
    schema = question.schema if question.described is None else question.described
    return Interrupt(question.value, question.id, schema, _iso(question.deadline))


def _iso(at: int) -> str | None:
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat() if at else None


def settled(graph: Graph, position: Position) -> Checkpoint:
    """The checkpoint as people see it: with what finished tasks have written, and what is due when all of them have."""
    checkpoint = position.checkpoint
    if not position.wrote:
        return checkpoint
    done = [position.wrote[task.id] for task in checkpoint.tasks if task.id in position.wrote]
    try:
        if len(done) == len(checkpoint.tasks):
            return moves.commit(graph, position, id=checkpoint.id, at=checkpoint.at)
        return replace(checkpoint, values=moves.preview(graph, checkpoint.values, [u for w in done for u in w.updates]))
    except Exception:  # noqa: BLE001 - writes that do not merge fail the step when it is committed, not a look
        return checkpoint


def output(graph: Graph, position: Position, keys: Collection[str] | None = None) -> Any:
    """The output keys of the state, in the order in which the schema names them; the value of a state without keys."""
    values = settled(graph, position).values
    if graph.gives:
        return values.get(graph.gives)
    if isinstance(keys, str):
        return values.get(keys)
    wanted = graph.output_keys if keys is None else keys
    return {name: values[name] for name in graph.channels if name in values and name in wanted}


def check_keys(graph: Graph, keys: str | Sequence[str] | None) -> Collection[str] | None:
    """``output_keys``, checked; None for the graph's own, one name for its bare value. Raises `NbhitlError`."""
    if keys is None:
        return None
    found = (keys,) if isinstance(keys, str) else tuple(keys)
    for name in found:
        if name not in graph.channels:
            raise NbhitlError(f"output_keys: the state has no key {name!r}.{did_you_mean(name, graph.channels)}")
    return keys if isinstance(keys, str) else found


def instance(make: Callable[[dict[str, Any]], Any] | None, values: Any) -> Any:
    """Values as an instance of their schema, where that is a class; as they are while keys are missing."""
    if make is None or type(values) is not dict:
        return values
    try:
        return make(values)
    except Exception:  # noqa: BLE001 - a run that waits has no complete state yet, and is no failure for that
        return values


def result(run: Run, keys: Collection[str] | None = None, version: str = "v1") -> Any:
    """What ``invoke`` returns: the values, and under ``__interrupt__`` the questions that wait; v2: a `GraphOutput`."""
    found = output(run.graph, run.position, keys)
    asked = interrupts(run.position)
    if version == "v2":
        return GraphOutput(instance(run.graph.as_output, found) if keys is None else found, asked)
    if asked:
        return {**found, "__interrupt__": list(asked)} if isinstance(found, dict) else {"__interrupt__": list(asked)}
    return found


def raise_failure(run: Run) -> None:
    """Raise what a node of the run raised, if one did."""
    if not run.failures:
        return
    first, *others = run.failures
    for other in others:
        if first.exception is not None:
            first.exception.add_note(f"another node failed as well: {other.text}")
    if first.exception is not None:
        raise first.exception
    raise NbhitlError(first.text)
