"""`Chunks`: what happens in one run, as what a stream shows of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeAlias

from nbhitl.engine.commands import Interrupt
from nbhitl.engine.records import START, Stopped, Task, Wrote
from nbhitl.run.context import TaskContext
from nbhitl.run.outputs import instance, interrupts, output
from nbhitl.run.running import Run
from nbhitl.run.streams import payloads
from nbhitl.run.streams.messages import Seen, metadata
from nbhitl.run.streams.options import StreamMode
from nbhitl.run.world import Committed, Ended, Event, Started

Pack: TypeAlias = "Callable[[str, StreamMode, Any, tuple[Interrupt, ...]], Iterator[Any]]"
"""From a namespace, a mode, data and the questions that wait to what is yielded, if anything is."""


class Chunks:
    """What is shown of one run, in the modes that are wanted."""

    def __init__(
        self,
        run: Run,
        modes: frozenset[StreamMode],
        pack: Pack,
        seen: Seen,
        keys: Collection[str] | None = None,
        *,
        typed: bool = False,
    ) -> None:
        self.run, self.modes, self.pack, self.seen, self.keys = run, modes, pack, seen, keys
        self.typed = typed
        """Whether values are instances of the state schema."""
        self._tasks = "tasks" in modes or "debug" in modes
        self._checkpoints = run.world.saver is not None and ("checkpoints" in modes or "debug" in modes)
        self._messages = "messages" in modes
        self._takes_input = False
        """Whether the next step merges the input: its values are shown even if it changes none."""

    def first(self) -> Iterator[Any]:
        """What is shown before anything happens: where the run begins, and the values that one resumed has."""
        position = self.run.position
        self._takes_input = position.checkpoint.source == "input"
        if self._messages:
            self.seen.note(position.checkpoint.values)
        if position.checkpoint.source != "input" or (self.run.graph.function and position.resumed):
            yield from self._in("values", self.values())
        elif self._messages and position.checkpoint.tasks and type(position.checkpoint.tasks[0].arg) is dict:
            self.seen.note(position.checkpoint.tasks[0].arg)
        yield from self._checkpoint()

    def of(self, event: Event) -> Iterator[Any]:
        """The chunks of one event."""
        match event:
            case Started(tasks=tasks):
                if self._tasks:
                    yield from self._started(tasks)
            case Ended(task=task, entries=entries) if task.node != START and entries:
                yield from self._ended(event)
            case Committed() | Stopped() if self.run.graph.called:
                pass  # its caller's state is what there is to see
            case Committed(checkpoint=checkpoint):
                if self._messages:
                    self.seen.note(checkpoint.values)
                if self._shows(checkpoint.changed):
                    yield from self._in("values", self.values())
                self._takes_input = False
                yield from self._checkpoint()
            case Stopped(reason="interrupted"):
                asked = interrupts(self.run.position)
                yield from self._in("updates", {"__interrupt__": asked})
                yield from self._in("values", self.values(), asked)
            case Stopped(reason="breakpoint"):
                yield from self._in("updates", {"__interrupt__": ()})
            case _:
                pass

    def _shows(self, changed: Collection[str]) -> bool:
        """Whether values are worth showing: some that are shown were written."""
        if self.run.graph.function:
            return self.run.graph.gives in changed
        keys = (self.keys,) if isinstance(self.keys, str) else self.keys
        return self._takes_input or (bool(changed) if keys is None else any(name in keys for name in changed))

    def _started(self, tasks: tuple[Task, ...]) -> Iterator[Any]:
        for task in tasks:
            if task.node != START:
                told = payloads.task_begun(self.run, task)
                yield from self._in("tasks", told)
                yield from self._debug("task", 1, told)

    def _ended(self, event: Ended) -> Iterator[Any]:
        task = event.task
        wrote = next((entry for entry in event.entries if type(entry) is Wrote), None)
        if wrote is not None:
            if self._messages:
                yield from self._complete(task, wrote)
            cached = {"__metadata__": {"cached": True}} if event.cached else {}
            yield from self._in("updates", {task.node: self._shown(wrote), **cached})
        if self._tasks:
            told = payloads.task_ended(task, event.entries)
            yield from self._in("tasks", told)
            yield from self._debug("task_result", 1, told)

    def _complete(self, task: Task, wrote: Wrote) -> Iterator[Any]:
        """Messages that a node returned, and that were not streamed while they were written."""
        run, about = self.run, None
        for message in self.seen.news(wrote.updates):
            if about is None:
                about = metadata(TaskContext(run, run.graph.nodes[task.node], task, run.position))
            yield from self._in("messages", (message, about))

    def _shown(self, wrote: Wrote) -> Any:
        """What a node returned, as it is streamed: a dict for each write where one key was written more than once."""
        keys = (self.keys,) if isinstance(self.keys, str) else self.keys
        pairs = [pair for pair in wrote.updates if keys is None or pair[0] in keys]
        found = dict(pairs)
        if self.run.graph.gives in found:
            return found[self.run.graph.gives]
        if isinstance(self.keys, str):
            return found.get(self.keys)
        if len(found) < len(pairs):
            return [{name: value} for name, value in pairs]
        return found or None

    def _checkpoint(self) -> Iterator[Any]:
        if self._checkpoints:
            told = payloads.checkpoint(self.run, typed=self.typed)
            yield from self._in("checkpoints", told)
            yield from self._debug("checkpoint", 0, told)

    def _debug(self, type: str, later: int, payload: dict[str, Any]) -> Iterator[Any]:
        if "debug" in self.modes:
            step = self.run.position.checkpoint.step + later
            yield from self._in("debug", payloads.debug(self.run, type, step, payload))

    def values(self) -> Any:
        """The keys of the state as it stands: all of them, unless some were asked for."""
        graph, position = self.run.graph, self.run.position
        if self.keys is not None:
            return output(graph, position, self.keys)
        found = output(graph, position, graph.channels)
        return instance(graph.as_state, found) if self.typed else found

    def _in(self, mode: StreamMode, data: Any, asked: tuple[Interrupt, ...] = ()) -> Iterator[Any]:
        if mode in self.modes:
            yield from self.pack(self.run.shown_in, mode, data, asked)
