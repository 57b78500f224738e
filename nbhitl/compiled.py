"""`CompiledGraph`: runs a graph and looks at its threads, with LangGraph's names. The law stands in the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from nbhitl.calls import CallOptions, Calls, Config, Nodes, named
from nbhitl.engine.commands import Command
from nbhitl.engine.description import Graph
from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import EMPTY
from nbhitl.run import hands
from nbhitl.run.answers import SchemaChecker
from nbhitl.run.drive import Durability, Run, RunControl, World, adrive, drive
from nbhitl.run.stream import Chunks, StreamMode, check_modes, raise_failure, result
from nbhitl.snapshot import StateSnapshot, snapshot


class CompiledGraph:
    """A graph that can run. Made by ``StateGraph.compile``.

    ``config`` is LangGraph's: ``{"configurable": {"thread_id": "1"}, "recursion_limit": 50, "max_concurrency": 4}``;
    with a checkpointer a ``thread_id`` is needed, and a ``checkpoint_id`` goes back in time.
    """

    def __init__(
        self,
        graph: Graph,
        checkpointer: Saver | None,
        interrupt_before: Nodes = (),
        interrupt_after: Nodes = (),
        *,
        scope: str = "",
    ) -> None:
        if checkpointer is not None and not isinstance(checkpointer, Saver):
            raise NbhitlError(
                f"compile(checkpointer={checkpointer!r:.40}): give InMemorySaver() or DuckDBSaver('runs.duckdb')."
            )
        self.graph = graph
        self.name = graph.name
        self.checkpointer = checkpointer
        self.scope = scope
        self.interrupt_before = named(graph, interrupt_before, "interrupt_before")
        self.interrupt_after = named(graph, interrupt_after, "interrupt_after")
        world = World(SchemaChecker(), checkpointer)
        self.calls = Calls(graph, world, scope, self.interrupt_before, self.interrupt_after)
        if checkpointer is not None:
            checkpointer.register(*graph.types)

    # -- running

    def invoke(
        self,
        input: Mapping[str, Any] | Command | None,
        config: Config | None = None,
        *,
        interrupt_before: Nodes | None = None,
        interrupt_after: Nodes | None = None,
        durability: Durability = "async",
        control: RunControl | None = None,
    ) -> dict[str, Any]:
        """Run until the graph finishes, asks, or stops at a breakpoint; the state's values.

        Args:
            input: values of the state; None to go on where the thread stands; ``Command(resume=answer)`` to answer.
            config: which thread, see the class.
            interrupt_before: static breakpoints of this call only.
            interrupt_after: the same, after nodes.
            durability: ``sync`` or ``async``, see `nbhitl.run.drive.Durability`.
            control: asks the run to stop from another thread.

        Returns:
            The output keys; open questions stand under ``__interrupt__`` as a list of `Interrupt`. Why the run
            stopped is in ``get_state(config).metadata["stop"]``.

        Raises:
            Exception: what a node raised, as it was. The thread keeps what its siblings wrote; call with None to retry.
            EmptyInputError: None (or a Command without an answer), and nothing waits to be continued.
            PendingInterruptError: new input while a question waits.
            UnknownInterruptError: an answer to a question that is not open.
            AnswerRefused: an answer that does not fit its ``response_schema``; nothing was recorded.
            GraphRecursionError: more steps than ``recursion_limit``.
        """
        options = CallOptions(interrupt_before, interrupt_after, durability, control)
        run = self.calls.prepare(input, config or {}, options)
        for _ in drive(run):
            pass
        raise_failure(run)
        return result(run)

    async def ainvoke(
        self,
        input: Mapping[str, Any] | Command | None,
        config: Config | None = None,
        *,
        interrupt_before: Nodes | None = None,
        interrupt_after: Nodes | None = None,
        durability: Durability = "async",
        control: RunControl | None = None,
    ) -> dict[str, Any]:
        """As `invoke`, with async nodes awaited on the running loop and sync ones on threads."""
        options = CallOptions(interrupt_before, interrupt_after, durability, control)
        run = await self._prepared(input, config or {}, options)
        async for _ in adrive(run):
            pass
        raise_failure(run)
        return result(run)

    def stream(
        self,
        input: Mapping[str, Any] | Command | None,
        config: Config | None = None,
        *,
        stream_mode: StreamMode | Sequence[StreamMode] = "updates",
        interrupt_before: Nodes | None = None,
        interrupt_after: Nodes | None = None,
        durability: Durability = "async",
        control: RunControl | None = None,
    ) -> Iterator[Any]:
        """As `invoke`, yielding while the run goes on.

        ``stream_mode``: ``"updates"`` (``{node: what it returned}``), ``"values"`` (the state after each step), or a
        list of both, then each chunk is ``(mode, data)``. Questions come as ``{"__interrupt__": (Interrupt, ...)}``.
        """
        check_modes(stream_mode)  # before anything is written
        options = CallOptions(interrupt_before, interrupt_after, durability, control)
        run = self.calls.prepare(input, config or {}, options)
        try:  # whoever leaves the stream half-way lets the thread go
            chunks = Chunks(run, stream_mode)
            yield from chunks.first()
            for event in drive(run):
                yield from chunks.of(event)
        finally:
            run.release()
        raise_failure(run)

    async def astream(
        self,
        input: Mapping[str, Any] | Command | None,
        config: Config | None = None,
        *,
        stream_mode: StreamMode | Sequence[StreamMode] = "updates",
        interrupt_before: Nodes | None = None,
        interrupt_after: Nodes | None = None,
        durability: Durability = "async",
        control: RunControl | None = None,
    ) -> AsyncIterator[Any]:
        """As `stream`, on the running loop."""
        check_modes(stream_mode)  # before anything is written
        options = CallOptions(interrupt_before, interrupt_after, durability, control)
        run = await self._prepared(input, config or {}, options)
        try:
            chunks = Chunks(run, stream_mode)
            for chunk in chunks.first():
                yield chunk
            async for event in adrive(run):
                for chunk in chunks.of(event):
                    yield chunk
        finally:
            run.release()
        raise_failure(run)

    async def _prepared(self, input: Mapping[str, Any] | Command | None, config: Config, options: CallOptions) -> Run:
        """The run of an async call. Preparing it may wait for a disk, so that is done on a thread."""
        work = asyncio.ensure_future(asyncio.to_thread(self.calls.prepare, input, config, options))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.add_done_callback(_let_go)  # the thread goes on, and claims what nobody will drive
            raise

    # -- looking

    def get_state(self, config: Config) -> StateSnapshot:
        """Where a thread stands: values, what is next, open questions, and why it stopped."""
        key, position = self.calls.find(config, looking=True)
        past = "checkpoint_id" in config.get("configurable", EMPTY)
        return snapshot(self.graph, key, position, past=past)

    async def aget_state(self, config: Config) -> StateSnapshot:
        """As `get_state`, without blocking the loop."""
        return await asyncio.to_thread(self.get_state, config)

    def get_state_history(
        self, config: Config, *, before: Config | None = None, limit: int | None = None
    ) -> Iterator[StateSnapshot]:
        """Every checkpoint of a thread, newest first, those of all branches.

        Args:
            config: names the thread.
            before: only checkpoints older than the one that this config names.
            limit: at most so many.
        """
        key, saver = self.calls.key(config), self.calls.saver()
        older = None if before is None else before.get("configurable", {}).get("checkpoint_id")
        for position in saver.history(key, before=older, limit=limit):
            yield snapshot(self.graph, key, position, past=True)

    async def aget_state_history(
        self, config: Config, *, before: Config | None = None, limit: int | None = None
    ) -> AsyncIterator[StateSnapshot]:
        """As `get_state_history`, without blocking the loop."""
        for found in await asyncio.to_thread(lambda: list(self.get_state_history(config, before=before, limit=limit))):
            yield found

    # -- changing

    def update_state(
        self, config: Config, values: Mapping[str, Any] | None, as_node: str | None = None
    ) -> dict[str, Any]:
        """Write into a thread as if a node had: a new checkpoint, after which comes what follows that node.

        At an old checkpoint (``checkpoint_id`` in ``config``) this makes a branch; nothing is overwritten.

        Args:
            config: which thread, and which checkpoint if not the newest.
            values: updates, merged by the reducers as a node's are.
            as_node: the node that counts as the writer; the one that ran last by default.

        Returns:
            The config of the new checkpoint.

        Raises:
            InvalidUpdateError: a key that the state does not have, or a writer that cannot be told.
        """
        job, run = self.calls.editing(config, values, as_node)
        return self.calls.edit(run, job, hands.perform(job))

    async def aupdate_state(
        self, config: Config, values: Mapping[str, Any] | None, as_node: str | None = None
    ) -> dict[str, Any]:
        """As `update_state`, with async routers awaited."""
        job, run = await asyncio.to_thread(self.calls.editing, config, values, as_node)
        return await asyncio.to_thread(self.calls.edit, run, job, await hands.aperform(job))


def _let_go(work: asyncio.Future[Run]) -> None:
    if not work.cancelled() and work.exception() is None:
        work.result().release()
