"""What a call of a compiled graph means: new input, going on, an answer, or an edit. Performs no node.

Finds the thread, checks everything that can be checked, records answers, and hands back a `Run` that is ready to
be driven. What is wrong with a call is said here, before anything was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from nbhitl.run.claims import claim, release
from nbhitl.run.context import TaskContext
from nbhitl.run.drive import Durability, Run, RunControl, World
from nbhitl.run.revival import open_questions, revive
from nbhitl.snapshot import config_of

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


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one compiled graph."""

    graph: Graph
    world: World
    scope: str = ""
    interrupt_before: frozenset[str] = frozenset()
    interrupt_after: frozenset[str] = frozenset()

    def prepare(
        self,
        input: Mapping[str, Any] | Command | None,
        config: Config,
        options: CallOptions = CallOptions(),
    ) -> Run:
        """The run that a call means, ready for `drive`: answers are recorded, nothing has been performed.

        Raises:
            NbhitlError: as `invoke`; nothing was written then.
        """
        if options.durability not in get_args(Durability):
            raise NbhitlError(
                f"unknown durability {options.durability!r}.{did_you_mean(options.durability, get_args(Durability))}"
            )
        limit = config.get("recursion_limit", DEFAULT_RECURSION_LIMIT)
        if not isinstance(limit, int) or limit < 1:
            raise NbhitlError(f"recursion_limit is {limit!r}; it is a whole number of super-steps, at least 1.")
        before, after = self._static(options)
        key = ThreadKey("") if self.world.saver is None else self.key(config)
        if self.world.saver is not None:
            claim(self.world.saver, key)  # until `drive` has ended
        try:
            run = self._prepared(input, config, options, moves.Rules(limit, before, after))
            run.claimed = self.world.saver is not None
            return run
        except BaseException:
            if self.world.saver is not None:
                release(self.world.saver, key)
            raise

    def _prepared(
        self, input: Mapping[str, Any] | Command | None, config: Config, options: CallOptions, rules: moves.Rules
    ) -> Run:
        """As `prepare`, for a thread that was claimed; ``rules.last_step`` counts from where the run begins."""
        key, position = self.find(config)
        run = Run(self.graph, key, moves.Rules(0), self.world, config, options.control, options.durability)
        if isinstance(input, Command):
            self._answer(run, input, position, config, options)
        elif input is None:
            self._continue(run, position, config)
        else:
            self._begin(run, input, position, restart=options.restart)
        begun = run.position.checkpoint
        taking_input = any(task.node == START for task in begun.tasks)  # a step that no limit counts
        run.rules = replace(rules, last_step=begun.step + rules.last_step + taking_input)
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
                + (f"thread {run.key} does not exist." if self.world.saver else "the graph has no checkpointer.")
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
        saver = self.world.saver
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
            # A breakpoint asks nothing: it is passed, and the value answers no later question.
            if old:
                run.fork(position)
            else:
                run.resume(position)
            return
        answers = self.check_answers(asked, questions.match_answers(asked, command.resume), options)
        if old:
            run.fork(position, {a.interrupt: a for a in answers})
            return
        saver.answer(run.key, position.checkpoint.id, answers)
        run.resume(position.after(answers))

    def open_questions(self, position: Position) -> tuple[Asked, ...]:
        """The questions that wait at a position, each with its live schema where that can be found."""
        return open_questions(self.graph, position, self.world.checker)

    def check_answers(self, asked: Sequence[Asked], given: Mapping[str, Any], options: CallOptions) -> list[Answered]:
        """Answers, ``{interrupt id: answer}``, as they will be recorded. Raises `AnswerRefused`; writes nothing."""
        known = {q.id: q for q in asked}
        now = self.world.clock.now()
        found = []
        for id, value in given.items():
            schema = known[id].schema
            plain = value if schema is None else self.world.checker.check(schema, value)
            found.append(Answered(id, plain, options.by, options.via, options.note, now))
        return found

    def editing(self, config: Config, values: Any, as_node: str | None) -> tuple[hands.Job, Run]:
        """The job that writes ``values`` as a node would, and the run whose position it starts from."""
        self.saver()
        key, position = self.find(config)
        run = Run(self.graph, key, moves.Rules(0), self.world, config)
        if position is None:
            fresh = moves.begin(self.graph, {}, previous=None, id="", at=0)  # never committed: only a place to start
            position = Position(fresh)
            as_node = as_node or START
        run.position = position
        node = as_node or self._last_writer(position)
        if node not in (START, END):
            self.graph.expect([node], "update_state(as_node=...)")
        task = Task(f"{position.checkpoint.id}:update", node)
        context = TaskContext(task, self.world.checker, self.world.clock, can_pause=False)
        writer = Node(node, lambda state: values)
        return hands.Job(self.graph, writer, task, position.checkpoint.values, context, config), run

    def edit(self, run: Run, job: hands.Job, entries: hands.Entries) -> dict[str, Any]:
        """Commit what `editing`'s job came to; the config of the new checkpoint."""
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
        stopped = run.position.stopped
        held = stopped is not None and stopped.reason == "breakpoint" and bool(checkpoint.tasks)
        # Whoever edits the state at a breakpoint still stands at it, and passes it by going on.
        carried = [stopped] if held and stopped is not None else []
        self.saver().commit(run.key, replace(checkpoint, parent=checkpoint.parent or None), carried)
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

    def _static(self, options: CallOptions) -> tuple[frozenset[str], frozenset[str]]:
        before, after = self.interrupt_before, self.interrupt_after
        if options.interrupt_before is not None:
            before = named(self.graph, options.interrupt_before, "interrupt_before")
        if options.interrupt_after is not None:
            after = named(self.graph, options.interrupt_after, "interrupt_after")
        if self.world.saver is None and (before or after):
            raise CheckpointerRequired(
                "breakpoints need a checkpointer, or the run could not go on: compile(checkpointer=InMemorySaver())."
            )
        return before, after

    def saver(self) -> Saver:
        """The checkpointer. Raises `CheckpointerRequired`."""
        if self.world.saver is None:
            raise CheckpointerRequired("the graph remembers nothing: compile(checkpointer=InMemorySaver()).")
        return self.world.saver

    def key(self, config: Config) -> ThreadKey:
        """The thread that a config names. Raises `NbhitlError` when it names none."""
        configurable = config.get("configurable", EMPTY)
        thread = configurable.get("thread_id")
        if thread is None or isinstance(thread, (dict, list)) or thread == "":
            raise NbhitlError(
                'a graph with a checkpointer needs to know its thread: config={"configurable": {"thread_id": "1"}}.'
            )
        return ThreadKey(str(thread), self.scope, configurable.get("checkpoint_ns", ""))

    def find(self, config: Config, *, looking: bool = False) -> tuple[ThreadKey, Position | None]:
        """Where the thread of a config stands; None before its first input.

        Raises:
            UnknownThreadError: it has no checkpoint of the id that the config names.
        """
        if self.world.saver is None and not looking:
            return ThreadKey(""), None
        saver, key = self.saver(), self.key(config)
        id = config.get("configurable", EMPTY).get("checkpoint_id")
        position = saver.load(key, id)
        if id is not None and position is None:
            raise UnknownThreadError(f"thread {key} has no checkpoint {id!r}. get_state_history lists them.")
        return key, position

    def _is_old(self, key: ThreadKey, position: Position, config: Config) -> bool:
        if config.get("configurable", EMPTY).get("checkpoint_id") is None:
            return False
        newest = self.saver().load(key)
        return newest is not None and newest.checkpoint.id != position.checkpoint.id


def named(graph: Graph, names: Nodes, role: str) -> frozenset[str]:
    """``names`` as a set of nodes, ``"*"`` for all of them. Raises `UnknownNodeError`."""
    if names == "*":
        return frozenset(graph.nodes)
    return graph.expect([names] if isinstance(names, str) else names, role)


def _open(position: Position) -> str:
    return ", ".join(f"{q.value!r:.60}" for q in position.pending)
