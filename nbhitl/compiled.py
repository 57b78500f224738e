"""`CompiledGraph`: runs a graph and looks at its threads, with LangGraph's names. The law stands in the engine."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

from nbhitl.calls import CallOptions, Calls, Config, Nodes, named
from nbhitl.editing import editing, steps_of
from nbhitl.engine.commands import Command, StateUpdate
from nbhitl.engine.description import Graph
from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.generics import GraphTypes, InputT_contra, OutputT_co, RunContextT, RunStateT
from nbhitl.engine.ports import BaseCache, Saver
from nbhitl.engine.records import EMPTY
from nbhitl.engine.stores import BaseStore
from nbhitl.looking import look
from nbhitl.nesting import SEPARATOR
from nbhitl.run import hands
from nbhitl.run.answers import SchemaChecker
from nbhitl.run.cached import namespace
from nbhitl.run.claims import Claim, on_thread
from nbhitl.run.context import CURRENT, TaskContext
from nbhitl.run.contexts import as_context
from nbhitl.run.drive import adrive, drive
from nbhitl.run.outputs import check_keys, raise_failure, result
from nbhitl.run.streams.options import StreamMode, StreamVersion, check_version, stream_options
from nbhitl.run.world import Durability, RunControl, World
from nbhitl.stand_ins import following
from nbhitl.state_snapshot import StateSnapshot
from nbhitl.streaming import astream, stream
from nbhitl.subgraphs import walk

if TYPE_CHECKING:
    from nbhitl.drawing import DrawableGraph
    from nbhitl.run.keywords import AllKeywords, Keywords
    from nbhitl.run.outputs import GraphOutput

_CHECKER = SchemaChecker()


class CompiledGraph(GraphTypes[RunStateT, RunContextT, InputT_contra, OutputT_co]):
    """A graph that can run. Made by ``StateGraph.compile``.

    ``config`` is LangGraph's: ``{"configurable": {"thread_id": "1"}, "recursion_limit": 50, "max_concurrency": 4}``;
    with a checkpointer a ``thread_id`` is needed, and a ``checkpoint_id`` goes back in time.

    As a node of another graph, or called in a node's body, it is a sub-graph: its pauses are its parent's, and its
    checkpoints stand in the parent's checkpointer.
    """

    def __init__(
        self,
        graph: Graph,
        checkpointer: Saver | bool | None,
        interrupt_before: Nodes = (),
        interrupt_after: Nodes = (),
        *,
        scope: str = "",
        debug: bool = False,
        cache: BaseCache | None = None,
        store: BaseStore | None = None,
        context_schema: Any = None,
    ) -> None:
        if not isinstance(checkpointer, bool | None) and not isinstance(checkpointer, Saver):
            raise NbhitlError(
                f"compile(checkpointer={checkpointer!r:.40}): give InMemorySaver() or DuckDBSaver('runs.duckdb'); "
                "for a sub-graph True (it remembers from call to call), False (it cannot pause), None (as its parent)."
            )
        saver = None if isinstance(checkpointer, bool) else checkpointer
        self.graph = graph
        self.name = graph.name
        self.checkpointer = saver
        self.cache = cache
        self.store = store
        self.context_schema = context_schema
        self.scope = scope
        self.interrupt_before = named(graph, interrupt_before, "interrupt_before")
        self.interrupt_after = named(graph, interrupt_after, "interrupt_after")
        world = World(_CHECKER, saver, store, cache)
        self.calls = Calls(
            graph, world, scope, self.interrupt_before, self.interrupt_after, checkpointer, debug, context_schema
        )
        if saver is not None:
            saver.register(*graph.types)
        if cache is not None and hasattr(cache, "register"):
            cache.register(*graph.types)

    def with_context(self, context: RunContextT | Mapping[str, Any] | None) -> Self:
        """The same graph, with a context for the calls that give none.

        Raises:
            NbhitlError: it does not fit the graph's ``context_schema``.
        """
        found = copy.copy(self)
        found.calls = replace(self.calls, context=as_context(self.context_schema, context))
        return found

    # -- running

    @overload
    def invoke(
        self,
        input: InputT_contra | Command | None,
        config: Config | None = None,
        *,
        version: Literal["v2"],
        **keywords: Unpack[Keywords[RunContextT]],
    ) -> GraphOutput[OutputT_co]: ...

    @overload
    def invoke(
        self,
        input: InputT_contra | Command | None,
        config: Config | None = None,
        *,
        version: StreamVersion = "v1",
        **keywords: Unpack[AllKeywords[RunContextT]],
    ) -> Any: ...

    def invoke(
        self,
        input: InputT_contra | Command | None,
        config: Config | None = None,
        *,
        context: RunContextT | Mapping[str, Any] | None = None,
        stream_mode: StreamMode | Sequence[StreamMode] = "values",
        output_keys: str | Sequence[str] | None = None,
        interrupt_before: Nodes | None = None,
        interrupt_after: Nodes | None = None,
        durability: Durability = "async",
        control: RunControl | None = None,
        rename: Mapping[str, str] = EMPTY,
        restart: bool = False,
        version: StreamVersion = "v1",
    ) -> Any:
        """Run until the graph finishes, asks, or stops at a breakpoint; the state's values.

        Args:
            input: values of the state; None to go on where the thread stands; ``Command(resume=answer)`` to answer,
                ``Command(update=..., goto=...)`` to write and go elsewhere first.
            config: which thread, see the class.
            context: for the nodes, see `nbhitl.Runtime`: an instance of the graph's ``context_schema``, or a dict of
                its fields. It is not stored: give it again to go on after a pause. Sub-graphs get it as well.
            stream_mode: with another than ``"values"``, the chunks of `stream` are returned, as a list.
            output_keys: which keys of the state to return, or one for its bare value; by default the output schema's.
            interrupt_before: static breakpoints of this call only; ``"sub/node"`` is a node in a sub-graph.
            interrupt_after: the same, after nodes.
            durability: ``sync``, ``async`` or ``exit``, see `nbhitl.run.world.Durability`.
            control: asks the run to stop from another thread.
            rename: ``{old: new}`` names of nodes that were renamed since the thread stopped.
            restart: new input starts over on a branch of its own, also while a question is open; nothing is deleted.
            version: ``"v2"`` returns a `nbhitl.GraphOutput`, with the questions beside the values.

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
            GraphChanged: the thread waits for a node that the graph no longer has.
        """
        keys = check_keys(self.graph, output_keys)
        options = CallOptions(
            interrupt_before, interrupt_after, durability, control, context=context, rename=rename, restart=restart
        )
        check_version(version)
        inside = self._inside(config)
        if stream_mode != "values":
            wanted = stream_options(stream_mode, keys=keys, version=version)
            return list(stream(self.calls, input, config or {}, options, wanted, inside))
        if inside is not None:
            return self._nested(input, config or {}, options, inside, as_node=False)
        claim = Claim()
        try:
            while True:
                run = self.calls.prepare(input, config or {}, options, claim)
                run.watched = False
                for _ in drive(run):
                    pass
                answered = following(self.calls, run, config or {}, options)
                if answered is None:
                    break
                input, config, options = answered
        finally:
            claim.release()
        raise_failure(run)
        return result(run, keys, version)

    @overload
    async def ainvoke(
        self,
        input: InputT_contra | Command | None,
        config: Config | None = None,
        *,
        version: Literal["v2"],
        **keywords: Unpack[Keywords[RunContextT]],
    ) -> GraphOutput[OutputT_co]: ...

    @overload
    async def ainvoke(
        self,
        input: InputT_contra | Command | None,
        config: Config | None = None,
        *,
        version: StreamVersion = "v1",
        **keywords: Unpack[AllKeywords[RunContextT]],
    ) -> Any: ...

    async def ainvoke(
        self,
        input: InputT_contra | Command | None,
        config: Config | None = None,
        *,
        context: RunContextT | Mapping[str, Any] | None = None,
        stream_mode: StreamMode | Sequence[StreamMode] = "values",
        output_keys: str | Sequence[str] | None = None,
        interrupt_before: Nodes | None = None,
        interrupt_after: Nodes | None = None,
        durability: Durability = "async",
        control: RunControl | None = None,
        rename: Mapping[str, str] = EMPTY,
        restart: bool = False,
        version: StreamVersion = "v1",
    ) -> Any:
        """As `invoke`, with async nodes awaited on the running loop and sync ones on threads."""
        keys = check_keys(self.graph, output_keys)
        options = CallOptions(
            interrupt_before, interrupt_after, durability, control, context=context, rename=rename, restart=restart
        )
        check_version(version)
        inside = self._inside(config)
        if stream_mode != "values":
            wanted = stream_options(stream_mode, keys=keys, version=version)
            return [chunk async for chunk in astream(self.calls, input, config or {}, options, wanted, inside)]
        if inside is not None:
            return await self._anested(input, config or {}, options, inside, as_node=False)
        claim = Claim()
        try:
            while True:
                run = await on_thread(self.checkpointer, self.calls.prepare, input, config or {}, options, claim=claim)
                run.watched = False
                async for _ in adrive(run):
                    pass
                answered = following(self.calls, run, config or {}, options)
                if answered is None:
                    break
                input, config, options = answered
        finally:
            claim.release()
        raise_failure(run)
        return result(run, keys, version)

    def stream(
        self,
        input: InputT_contra | Command | None,
        config: Config | None = None,
        *,
        context: RunContextT | Mapping[str, Any] | None = None,
        stream_mode: StreamMode | Sequence[StreamMode] = "updates",
        output_keys: str | Sequence[str] | None = None,
        interrupt_before: Nodes | None = None,
        interrupt_after: Nodes | None = None,
        durability: Durability = "async",
        control: RunControl | None = None,
        rename: Mapping[str, str] = EMPTY,
        restart: bool = False,
        subgraphs: bool = False,
        version: StreamVersion = "v1",
        print_mode: StreamMode | Sequence[StreamMode] = (),
    ) -> Iterator[Any]:
        """As `invoke`, yielding while the run goes on.

        Whoever stops reading (``break``, ``close()``) stops the run: bodies that have begun end, what has finished is
        kept, and ``invoke(None, config)`` goes on. What bodies say comes while they run, on other threads; a sync one
        that streams faster than it is read is held up. Wrong arguments raise here, before anything is read.

        ``stream_mode``: one mode, and each chunk is its data; or a list, and each is ``(mode, data)``.

        - ``"updates"``: ``{node: what it returned}``; ``"values"``: the state after each step. Questions come as
          ``{"__interrupt__": (Interrupt, ...)}``.
        - ``"custom"``: what bodies give their ``writer``. ``"messages"``: ``(chunk, metadata)``, the pieces of messages
          (`nbhitl.stream_message`, models of LangChain) and whole ones that nodes return.
        - ``"tasks"``, ``"checkpoints"``, ``"debug"``: dicts that say what begins, ends and is kept.

        With ``subgraphs``, what happens in sub-graphs comes too, and each chunk begins with its namespace, a tuple.
        ``version="v2"`` yields dicts, see `nbhitl.StreamPart`. The chunks of ``print_mode`` are printed as well.
        """
        options = CallOptions(
            interrupt_before, interrupt_after, durability, control, context=context, rename=rename, restart=restart
        )
        wanted = stream_options(
            stream_mode,
            keys=check_keys(self.graph, output_keys),
            subgraphs=subgraphs,
            version=version,
            print_mode=print_mode,
        )
        return stream(self.calls, input, config or {}, options, wanted, self._inside(config))

    def astream(
        self,
        input: InputT_contra | Command | None,
        config: Config | None = None,
        *,
        context: RunContextT | Mapping[str, Any] | None = None,
        stream_mode: StreamMode | Sequence[StreamMode] = "updates",
        output_keys: str | Sequence[str] | None = None,
        interrupt_before: Nodes | None = None,
        interrupt_after: Nodes | None = None,
        durability: Durability = "async",
        control: RunControl | None = None,
        rename: Mapping[str, str] = EMPTY,
        restart: bool = False,
        subgraphs: bool = False,
        version: StreamVersion = "v1",
        print_mode: StreamMode | Sequence[StreamMode] = (),
    ) -> AsyncIterator[Any]:
        """As `stream`, on the running loop."""
        options = CallOptions(
            interrupt_before, interrupt_after, durability, control, context=context, rename=rename, restart=restart
        )
        wanted = stream_options(
            stream_mode,
            keys=check_keys(self.graph, output_keys),
            subgraphs=subgraphs,
            version=version,
            print_mode=print_mode,
        )
        return astream(self.calls, input, config or {}, options, wanted, self._inside(config))

    # -- as a sub-graph

    def _inside(self, config: Config | None) -> TaskContext | None:
        """The task whose body is calling; None for a call that stands on its own."""
        inside = CURRENT.get()
        if inside is None or self.checkpointer is None:
            return inside
        # A graph with a checkpointer of its own that is asked for another thread is no part of this run.
        thread = (config or EMPTY).get("configurable", EMPTY).get("thread_id")
        return inside if thread is None or str(thread) == inside.run.key.thread else None

    def as_action(self) -> Any:
        """This graph as a node's function."""
        return self._as_node

    def as_async_action(self) -> Any:
        """This graph as a node's async function."""
        return self._as_async_node

    def _as_node(self, state: Any) -> Any:
        inside = CURRENT.get()
        if inside is None:
            return self.invoke(state)
        return self._nested(state, {}, CallOptions(), inside, as_node=True)

    async def _as_async_node(self, state: Any) -> Any:
        inside = CURRENT.get()
        if inside is None:
            return await self.ainvoke(state)
        return await self._anested(state, {}, CallOptions(), inside, as_node=True)

    def _nested(self, input: Any, config: Config, options: CallOptions, inside: TaskContext, *, as_node: bool) -> Any:
        nest = self.calls.nested(input, config, options, inside, as_node=as_node)
        if nest.open:
            for _ in nest.events(drive(nest.run)):
                pass
        return nest.result()

    async def _anested(
        self, input: Any, config: Config, options: CallOptions, inside: TaskContext, *, as_node: bool
    ) -> Any:
        nest = self.calls.nested(input, config, options, inside, as_node=as_node)
        if nest.open:
            async for _ in nest.aevents(adrive(nest.run)):
                pass
        return nest.result()

    def get_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> Iterator[tuple[str, CompiledGraph]]:
        """The sub-graphs of the graph, as ``(path, graph)``: nodes that are one, and those that a function names.

        Args:
            namespace: only what lies at this path of node names, joined by ``|``.
            recurse: those of sub-graphs too.
        """
        for path, found in walk(self.graph, namespace or "", recurse=recurse):
            if isinstance(found, CompiledGraph) and (namespace is None or path.startswith(namespace)):
                yield path, found

    def clear_cache(self, nodes: Sequence[str] | None = None) -> None:
        """Forget cached results: those of the ``nodes``, or of all nodes of this graph.

        Raises:
            NbhitlError: the graph was compiled without a cache.
            UnknownNodeError: one of the names is no node.
        """
        if self.cache is None:
            raise NbhitlError("the graph has no cache: compile(cache=InMemoryCache()).")
        names = self.graph.nodes if nodes is None else [nodes] if isinstance(nodes, str) else nodes
        self.cache.clear([namespace(self.graph, name) for name in sorted(self.graph.expect(names, "clear_cache"))])

    async def aclear_cache(self, nodes: Sequence[str] | None = None) -> None:
        """As `clear_cache`, without blocking the loop."""
        import asyncio

        await asyncio.to_thread(self.clear_cache, nodes)

    # -- looking

    def get_graph(self, config: Config | None = None, *, xray: bool | int = False) -> DrawableGraph:
        """What there is to draw: nodes and edges, with ``draw_mermaid``, ``draw_ascii`` and ``draw_dot``.

        Args:
            config: taken for LangGraph's sake.
            xray: show what is in the sub-graphs; a number: so many levels deep.
        """
        from nbhitl.drawing import outline  # loaded when somebody looks

        before, after = set(self.interrupt_before), set(self.interrupt_after)
        for path, found in self.get_subgraphs(recurse=True):
            at = path.replace(SEPARATOR, "/")
            before.update(f"{at}/{name}" for name in found.interrupt_before)
            after.update(f"{at}/{name}" for name in found.interrupt_after)
        return outline(self.graph, xray, interrupt_before=before, interrupt_after=after)

    def get_state(self, config: Config, *, subgraphs: bool = False) -> StateSnapshot:
        """Where a thread (or a sub-graph, by ``checkpoint_ns``) stands: values, next nodes, questions, stop reason.

        With ``subgraphs``, tasks that run a sub-graph have its snapshot as ``state``, else the config that names it.
        """
        key, position = self.calls.find(config, looking=True)
        past = "checkpoint_id" in config.get("configurable", EMPTY)
        return look(self.calls, key, position, past=past, subgraphs=subgraphs)

    async def aget_state(self, config: Config, *, subgraphs: bool = False) -> StateSnapshot:
        """As `get_state`, without blocking the loop."""
        import asyncio

        return await asyncio.to_thread(self.get_state, config, subgraphs=subgraphs)

    def get_state_history(
        self,
        config: Config,
        *,
        filter: Mapping[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> Iterator[StateSnapshot]:
        """Every checkpoint of a thread, newest first, those of all branches.

        Args:
            config: names the thread.
            filter: only checkpoints whose metadata has these values, e.g. ``{"source": "update"}``.
            before: only checkpoints older than the one that this config names.
            limit: at most so many.
        """
        key, saver = self.calls.key(config), self.calls.saver()
        older = None if before is None else before.get("configurable", {}).get("checkpoint_id")
        left = limit
        for position in saver.history(key, before=older, limit=None if filter else limit):
            found = look(self.calls, key, position, past=True, subgraphs=False)
            if filter and any((found.metadata or {}).get(name) != value for name, value in filter.items()):
                continue
            if left is not None:
                if left <= 0:
                    return
                left -= 1
            yield found

    async def aget_state_history(
        self,
        config: Config,
        *,
        filter: Mapping[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[StateSnapshot]:
        """As `get_state_history`, without blocking the loop."""
        import asyncio

        history = self.get_state_history(config, filter=filter, before=before, limit=limit)
        for found in await asyncio.to_thread(list, history):
            yield found

    # -- changing

    def update_state(
        self, config: Config, values: Any, as_node: str | None = None, task_id: str | None = None
    ) -> dict[str, Any]:
        """Write into a thread as if a node had: a new checkpoint, after which comes what follows that node.

        At an old checkpoint (``checkpoint_id`` in ``config``) this makes a branch; nothing is overwritten. What
        finished siblings have written is merged first, and an open question stays open unless its own node is the
        writer.

        Args:
            config: which thread (and sub-graph, by ``checkpoint_ns``), and which checkpoint if not the newest.
            values: updates, merged by the reducers as a node's are.
            as_node: the node that counts as the writer; the one that ran last by default. ``END``: nothing follows.
            task_id: the due task that counts as done by this.

        Returns:
            The config of the new checkpoint.

        Raises:
            InvalidUpdateError: a writer that cannot be told, or values that are no update.
            ThreadBusyError: the thread is being run; stop it first.
        """
        return self.bulk_update_state(config, [[StateUpdate(values, as_node, task_id)]])

    async def aupdate_state(
        self, config: Config, values: Any, as_node: str | None = None, task_id: str | None = None
    ) -> dict[str, Any]:
        """As `update_state`, with async routers awaited."""
        return await self.abulk_update_state(config, [[StateUpdate(values, as_node, task_id)]])

    def bulk_update_state(self, config: Config, supersteps: Sequence[Sequence[StateUpdate]]) -> dict[str, Any]:
        """Several super-steps of updates, each with one or more writers; the config of the newest checkpoint."""
        claim = Claim()
        try:
            edit = editing(self.calls, config, steps_of(supersteps), claim)
            for step in edit.steps:
                if not edit.special(step):
                    edit.write([(job, hands.perform(job)) for job in edit.jobs(step)])
            return edit.done()
        finally:
            claim.release()

    async def abulk_update_state(self, config: Config, supersteps: Sequence[Sequence[StateUpdate]]) -> dict[str, Any]:
        """As `bulk_update_state`, with async routers awaited."""
        import asyncio

        claim = Claim()
        edit = await on_thread(self.checkpointer, editing, self.calls, config, steps_of(supersteps), claim=claim)
        try:
            for step in edit.steps:
                if not await asyncio.to_thread(edit.special, step):
                    outcomes = [(job, await hands.aperform(job)) for job in edit.jobs(step)]
                    await asyncio.to_thread(edit.write, outcomes)
            return await asyncio.to_thread(edit.done)
        finally:
            claim.release()
