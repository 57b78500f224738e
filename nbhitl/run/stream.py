"""Turns a run's events into what ``stream`` yields."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, get_args

from nbhitl.engine import moves
from nbhitl.engine.commands import Interrupt
from nbhitl.engine.description import ROOT, Graph
from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.engine.records import START, Asked, Checkpoint, Position, Stopped, Wrote
from nbhitl.run.running import Run
from nbhitl.run.world import Committed, Ended, Event

StreamMode: TypeAlias = Literal["values", "updates"]
"""``values``: the whole state after each super-step; ``updates``: what each node returned."""


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
    if ROOT in graph.channels:
        return values.get(ROOT)
    if isinstance(keys, str):
        return values.get(keys)
    wanted = graph.output_keys if keys is None else keys
    return {name: values[name] for name in graph.channels if name in values and name in wanted}


def check_modes(mode: StreamMode | Sequence[StreamMode]) -> tuple[StreamMode, ...]:
    """One or several modes as a tuple. Raises `NbhitlError` for an unknown one."""
    modes: tuple[StreamMode, ...] = (mode,) if isinstance(mode, str) else tuple(mode)
    for name in modes:
        if name not in get_args(StreamMode):
            raise NbhitlError(f"unknown stream_mode {name!r}.{did_you_mean(name, get_args(StreamMode))}")
    return modes


def check_keys(graph: Graph, keys: str | Sequence[str] | None) -> Collection[str] | None:
    """``output_keys``, checked; None for the graph's own, one name for its bare value. Raises `NbhitlError`."""
    if keys is None:
        return None
    found = (keys,) if isinstance(keys, str) else tuple(keys)
    for name in found:
        if name not in graph.channels:
            raise NbhitlError(f"output_keys: the state has no key {name!r}.{did_you_mean(name, graph.channels)}")
    return keys if isinstance(keys, str) else found


class Chunks:
    """One stream: with several modes each chunk is a pair of the mode and its data, as in LangGraph."""

    def __init__(self, run: Run, mode: StreamMode | Sequence[StreamMode], keys: Collection[str] | None = None) -> None:
        self.run, self.mode, self.keys = run, mode, keys
        self.modes = check_modes(mode)
        self.paired = not isinstance(mode, str)

    def first(self) -> Iterator[Any]:
        """What is yielded before anything happens: the values that a resumed run starts with."""
        if self.run.position.checkpoint.source != "input":
            yield from self._in("values", self.values())

    def of(self, event: Event) -> Iterator[Any]:
        """The chunks of one event."""
        match event:
            case Ended(task=task, entries=(Wrote(updates=updates),)) if task.node != START:
                yield from self._in("updates", {task.node: self._shown(updates)})
            case Committed():
                yield from self._in("values", self.values())
            case Stopped(reason="interrupted"):
                asked = interrupts(self.run.position)
                yield from self._in("updates", {"__interrupt__": asked})
                values = self.values()
                yield from self._in(
                    "values",
                    {**values, "__interrupt__": asked} if isinstance(values, dict) else {"__interrupt__": asked},
                )
            case Stopped(reason="breakpoint"):
                yield from self._in("updates", {"__interrupt__": ()})
            case _:
                pass

    def _shown(self, updates: Iterable[tuple[str, Any]]) -> Any:
        """What a node returned, as it is streamed."""
        keys = (self.keys,) if isinstance(self.keys, str) else self.keys
        found = {name: value for name, value in updates if keys is None or name in keys}
        return found.get(ROOT, found or None)

    def values(self) -> Any:
        """The keys of the state as it stands: all of them, unless some were asked for."""
        graph = self.run.graph
        return output(graph, self.run.position, graph.channels if self.keys is None else self.keys)

    def _in(self, mode: StreamMode, data: Any) -> Iterator[Any]:
        if mode in self.modes:
            yield (mode, data) if self.paired else data


class Stream:
    """The chunks of a run, and, when asked for, those of its sub-graphs before those of the node that runs them."""

    def __init__(self, chunks: Chunks, run: Run, *, subgraphs: bool) -> None:
        self.chunks, self.subgraphs = chunks, subgraphs
        self._below: dict[int, Chunks] = {}
        self._heard: deque[Any] = deque()
        if subgraphs and run.parent is None:
            run.listener = self._hear

    def _hear(self, run: Run, event: Event) -> None:
        ns = tuple(run.key.ns.split("|"))
        chunks = self._below.get(id(run))
        if chunks is None:
            chunks = self._below[id(run)] = Chunks(run, self.chunks.mode)
            self._heard.extend(self._packed(ns, chunk) for chunk in chunks.first())
        self._heard.extend(self._packed(ns, chunk) for chunk in chunks.of(event))
        if isinstance(event, Stopped):
            del self._below[id(run)]

    def _packed(self, ns: tuple[str, ...], chunk: Any) -> Any:
        return (ns, *chunk) if self.chunks.paired else (ns, chunk)

    def first(self) -> Iterator[Any]:
        """What is yielded before anything happens."""
        for chunk in self.chunks.first():
            yield self._packed((), chunk) if self.subgraphs else chunk

    def of(self, event: Event) -> Iterator[Any]:
        """The chunks of one event of the run itself, and what its sub-graphs did before."""
        while self._heard:
            yield self._heard.popleft()
        for chunk in self.chunks.of(event):
            yield self._packed((), chunk) if self.subgraphs else chunk


def result(run: Run, keys: Collection[str] | None = None) -> Any:
    """What ``invoke`` returns: the values, and under ``__interrupt__`` the questions that wait."""
    found = output(run.graph, run.position, keys)
    asked = interrupts(run.position)
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
