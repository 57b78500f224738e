"""`CompiledGraph`: runs a graph and looks at its threads, with LangGraph's names. The law stands in the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from nbhitl.engine import moves, questions
from nbhitl.engine.commands import Command
from nbhitl.engine.description import Graph, Node
from nbhitl.engine.errors import (
    CheckpointerRequired,
    EmptyInputError,
    InvalidUpdateError,
    NbhitlError,
    PendingInterruptError,
    UnknownThreadError,
    did_you_mean,
)
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import EMPTY, END, START, Answered, Asked, Failed, Position, Task, ThreadKey, Wrote
from nbhitl.run import hands
from nbhitl.run.answers import SchemaChecker
from nbhitl.run.context import TaskContext
from nbhitl.run.drive import Durability, Run, RunControl, World, adrive, drive
from nbhitl.run.revival import open_questions, revive
from nbhitl.run.stream import Chunks, StreamMode, raise_failure, result
from nbhitl.snapshot import StateSnapshot, config_of, snapshot

Config: TypeAlias = Mapping[str, Any]
Nodes: TypeAlias = Literal["*"] | Iterable[str]
DEFAULT_RECURSION_LIMIT = 10_000
"""Super-steps that one call may take."""


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What a call may set beside its input and config."""

    interrupt_before: Nodes | None = None
    """None: as compiled; an empty list switches static breakpoints off."""
    interrupt_after: Nodes | None = None
    durability: Durability = "async"
    control: RunControl | None = None
    by: str = ""
    """Who gives the answers of a ``Command(resume=...)``, as claimed."""
    via: str = "code"
    note: str = ""
    restart: bool = False
    """New input starts over on a branch of its own, even while a question waits; nothing is deleted."""


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
        self.interrupt_before = self._nodes(interrupt_before, "interrupt_before")
        self.interrupt_after = self._nodes(interrupt_after, "interrupt_after")
        self.world = World(SchemaChecker(), checkpointer)
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
        run = self.prepare(input, config, options)
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
        run = await asyncio.to_thread(self.prepare, input, config, options)
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
        options = CallOptions(interrupt_before, interrupt_after, durability, control)
        run = self.prepare(input, config, options)
        chunks = Chunks(run, stream_mode)
        yield from chunks.first()
        for event in drive(run):
            yield from chunks.of(event)
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
        options = CallOptions(interrupt_before, interrupt_after, durability, control)
        run = await asyncio.to_thread(self.prepare, input, config, options)
        chunks = Chunks(run, stream_mode)
        for chunk in chunks.first():
            yield chunk
        async for event in adrive(run):
            for chunk in chunks.of(event):
                yield chunk
        raise_failure(run)

    def prepare(
        self,
        input: Mapping[str, Any] | Command | None,
        config: Config | None = None,
        options: CallOptions = CallOptions(),
    ) -> Run:
        """The run that a call means, ready for `drive`: answers are recorded, nothing has been performed.

        Raises:
            NbhitlError: as `invoke`; nothing was written then.
        """
        config = config or {}
        if options.durability not in get_args(Durability):
            raise NbhitlError(
                f"unknown durability {options.durability!r}.{did_you_mean(options.durability, get_args(Durability))}"
            )
        limit = config.get("recursion_limit", DEFAULT_RECURSION_LIMIT)
        if not isinstance(limit, int) or limit < 1:
            raise NbhitlError(f"recursion_limit is {limit!r}; it is a whole number of super-steps, at least 1.")
        key, position = self._find(config)
        before, after = self._static(options)
        run = Run(self.graph, key, moves.Rules(0), self.world, config, options.control, options.durability)
        if isinstance(input, Command):
            self._answer(run, input, position, config, options)
        elif input is None:
            self._continue(run, position, config)
        else:
            self._begin(run, input, position, restart=options.restart)
        begun = run.position.checkpoint
        taking_input = any(task.node == START for task in begun.tasks)  # a step that no limit counts
        run.rules = moves.Rules(begun.step + limit + taking_input, before, after)
        return run

    def _begin(self, run: Run, values: Any, position: Position | None, *, restart: bool) -> None:
        keys = self.graph.input_keys
        if not isinstance(values, Mapping):
            raise InvalidUpdateError(
                f"the input is {type(values).__name__}; give a dict of state keys, or None to go on."
            )
        for name in values:
            if name not in keys:
                raise InvalidUpdateError(f"the input has {name!r}, which is no key of it.{did_you_mean(name, keys)}")
        if position is not None and position.pending and not restart:
            raise PendingInterruptError(
                f"thread {run.key} waits for an answer ({_open(position)}), and new input would throw that away. "
                "Answer with Command(resume=...), or take another thread_id."
            )
        run.start(values, None if restart else position)

    def _continue(self, run: Run, position: Position | None, config: Config) -> None:
        if position is None:
            raise EmptyInputError(
                "there is no input, and no run to go on with: "
                + (f"thread {run.key} does not exist." if self.checkpointer else "the graph has no checkpointer.")
            )
        if self._is_old(run.key, position, config):
            run.fork(position)
        else:
            run.resume(position)

    def _answer(
        self, run: Run, command: Command, position: Position | None, config: Config, options: CallOptions
    ) -> None:
        if command.update is not None or command.goto:
            raise InvalidUpdateError(
                "as input, Command takes only resume=. To change the state call update_state(config, values) first."
            )
        saver = self.checkpointer
        if saver is None:
            raise CheckpointerRequired("Command(resume=...) needs a checkpointer that remembers the question.")
        if position is None:
            raise UnknownThreadError(f"thread {run.key} does not exist, so there is no question to answer.")
        old = self._is_old(run.key, position, config)
        asked = self.open_questions(position)
        if old:  # at an old checkpoint the answered questions can be answered anew
            every = [q for t in position.checkpoint.tasks for q in position.asked.get(t.id, ())]
            asked = tuple(revive(self.graph, position, q, self.world.checker) for q in every)
        if not asked and position.stopped and position.stopped.reason == "breakpoint":
            run.resume(position)  # a breakpoint asks nothing: it is passed, and the value answers no later question
            return
        answers = self.check_answers(asked, command.resume, options)
        if old:
            run.fork(position, {a.interrupt: a for a in answers})
            return
        saver.answer(run.key, position.checkpoint.id, answers)
        run.resume(position.after(answers))

    def open_questions(self, position: Position) -> tuple[Asked, ...]:
        """The questions that wait at a position, each with its live schema where that can be found."""
        return open_questions(self.graph, position, self.world.checker)

    def check_answers(self, asked: Sequence[Asked], resume: Any, options: CallOptions) -> list[Answered]:
        """Answers as they will be recorded. Raises `AnswerRefused` or `UnknownInterruptError`; writes nothing."""
        given = questions.match_answers(asked, resume)
        known = {q.id: q for q in asked}
        now = self.world.clock.now()
        found = []
        for id, value in given.items():
            schema = known[id].schema
            plain = value if schema is None else self.world.checker.check(schema, value)
            found.append(Answered(id, plain, options.by, options.via, options.note, now))
        return found

    # -- looking

    def get_state(self, config: Config) -> StateSnapshot:
        """Where a thread stands: values, what is next, open questions, and why it stopped."""
        key, position = self._find(config, looking=True)
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
        key, saver = self._key(config), self._saver()
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
        job, run = self._writer(config, values, as_node)
        return self._write(run, job, hands.perform(job))

    async def aupdate_state(
        self, config: Config, values: Mapping[str, Any] | None, as_node: str | None = None
    ) -> dict[str, Any]:
        """As `update_state`, with async routers awaited."""
        job, run = await asyncio.to_thread(self._writer, config, values, as_node)
        return await asyncio.to_thread(self._write, run, job, await hands.aperform(job))

    def _writer(self, config: Config, values: Any, as_node: str | None) -> tuple[hands.Job, Run]:
        self._saver()
        key, position = self._find(config)
        run = Run(self.graph, key, moves.Rules(0), self.world, config)
        if position is None:
            position = Position(moves.begin(self.graph, {}, previous=None, id=run.new_id(), at=0))
            as_node = as_node or START
        run.position = position
        node = as_node or self._last_writer(position)
        if node not in (START, END):
            self.graph.expect([node], "update_state(as_node=...)")
        task = Task(f"{position.checkpoint.id}:update", node)
        context = TaskContext(task, self.world.checker, self.world.clock, can_pause=False)
        writer = Node(node, lambda state: values)
        return hands.Job(self.graph, writer, task, position.checkpoint.values, context, config), run

    def _write(self, run: Run, job: hands.Job, entries: hands.Entries) -> dict[str, Any]:
        entry = entries[0]
        if isinstance(entry, Failed) and entry.exception is not None:
            raise entry.exception
        if not isinstance(entry, Wrote):
            raise InvalidUpdateError(
                f"update_state as {job.task.node!r}: its router asked a question instead of routing."
            )
        checkpoint = moves.update(
            self.graph,
            run.position.checkpoint,
            job.task.node,
            entry,
            id=run.new_id(),
            at=self.world.clock.now(),
        )
        self._saver().commit(run.key, checkpoint)
        return config_of(run.key, checkpoint.id)

    def _last_writer(self, position: Position) -> str:
        ran = [node for node in position.checkpoint.ran if node in self.graph.nodes]
        if len(ran) == 1:
            return ran[0]
        if not ran:
            return START
        raise InvalidUpdateError(
            f"update_state: {', '.join(ran)} ran in the last step, so say which one counts as the writer: as_node=."
        )

    # -- shared

    def _nodes(self, names: Nodes, role: str) -> frozenset[str]:
        if names == "*":
            return frozenset(self.graph.nodes)
        return self.graph.expect([names] if isinstance(names, str) else names, role)

    def _static(self, options: CallOptions) -> tuple[frozenset[str], frozenset[str]]:
        before, after = self.interrupt_before, self.interrupt_after
        if options.interrupt_before is not None:
            before = self._nodes(options.interrupt_before, "interrupt_before")
        if options.interrupt_after is not None:
            after = self._nodes(options.interrupt_after, "interrupt_after")
        if self.checkpointer is None and (before or after):
            raise CheckpointerRequired(
                "breakpoints need a checkpointer, or the run could not go on: compile(checkpointer=InMemorySaver())."
            )
        return before, after

    def _saver(self) -> Saver:
        if self.checkpointer is None:
            raise CheckpointerRequired("the graph remembers nothing: compile(checkpointer=InMemorySaver()).")
        return self.checkpointer

    def _key(self, config: Config) -> ThreadKey:
        configurable = config.get("configurable", EMPTY)
        thread = configurable.get("thread_id")
        if thread is None or isinstance(thread, (dict, list)) or thread == "":
            raise NbhitlError(
                'a graph with a checkpointer needs to know its thread: config={"configurable": {"thread_id": "1"}}.'
            )
        return ThreadKey(str(thread), self.scope, configurable.get("checkpoint_ns", ""))

    def _find(self, config: Config, *, looking: bool = False) -> tuple[ThreadKey, Position | None]:
        if self.checkpointer is None and not looking:
            return ThreadKey(""), None
        saver, key = self._saver(), self._key(config)
        id = config.get("configurable", EMPTY).get("checkpoint_id")
        position = saver.load(key, id)
        if id is not None and position is None:
            raise UnknownThreadError(f"thread {key} has no checkpoint {id!r}. get_state_history lists them.")
        return key, position

    def _is_old(self, key: ThreadKey, position: Position, config: Config) -> bool:
        if config.get("configurable", EMPTY).get("checkpoint_id") is None:
            return False
        newest = self._saver().load(key)
        return newest is not None and newest.checkpoint.id != position.checkpoint.id


def _open(position: Position) -> str:
    return ", ".join(f"{q.value!r:.60}" for q in position.pending)
