"""What a call of a compiled graph means: new input, going on, an answer. Performs no node.

Finds the thread, checks everything that can be checked, records answers, and hands back a `Run` that is ready to
be driven. What is wrong with a call is said here, before anything was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, get_args

from nbhitl.engine import edits, moves, questions
from nbhitl.engine.breakpoints import Debugger, Rules
from nbhitl.engine.commands import Command, destinations
from nbhitl.engine.description import Graph
from nbhitl.engine.errors import (
    CheckpointerRequired,
    EmptyInputError,
    GraphChanged,
    GraphError,
    InvalidUpdateError,
    NbhitlError,
    PendingInterruptError,
    UnknownInterruptError,
    UnknownThreadError,
    did_you_mean,
)
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import (
    EMPTY,
    MISSING,
    Answered,
    Asked,
    Continued,
    Position,
    ThreadKey,
    Wrote,
)
from nbhitl.grafts import graft
from nbhitl.nesting import Nest, head_of_memory, nest
from nbhitl.run import results
from nbhitl.run.claims import Claim
from nbhitl.run.context import CURRENT, TaskContext
from nbhitl.run.contexts import as_context
from nbhitl.run.revival import open_questions, revive
from nbhitl.run.running import Run
from nbhitl.run.vault import sealed
from nbhitl.run.world import Durability, RunControl, World
from nbhitl.stand_ins import STAND_IN

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
    context: Any = None
    """For the nodes, see `nbhitl.run.runtime.Runtime`; nothing stores it."""
    in_time: bool = False
    """The answers were there before their deadlines: the clock is not asked again."""
    restart: bool = False
    """New input starts over on a branch of its own, even while a question waits; nothing is deleted."""
    rename: Mapping[str, str] = field(default_factory=dict)
    """Old to new names of nodes, for a thread that stopped before they were renamed."""
    debugger: Debugger | None = None
    """Holds single tasks."""
    last_step: int | None = None
    """The super-step that no part of the call may go beyond, where it is one of several; None: counted from here."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one compiled graph."""

    graph: Graph
    world: World
    scope: str = ""
    interrupt_before: frozenset[str] = frozenset()
    interrupt_after: frozenset[str] = frozenset()
    memory: Any = None
    """What the graph was compiled with: a saver, or None, True or False for a sub-graph."""
    debug: bool = False
    context_schema: Any = None
    """What a context is made into, see `nbhitl.run.contexts`."""
    context: Any = None
    """For calls that give none."""

    def prepare(
        self, input: Any, config: Config, options: CallOptions = CallOptions(), claim: Claim | None = None
    ) -> Run:
        """The run that a call means, ready for `drive`: answers are recorded, nothing has been performed.

        ``claim`` is taken, and is the run's until `drive` has ended; who gives one lets go of it as well.

        Raises:
            NbhitlError: as `invoke`; nothing was written then.
        """
        rules = self.rules(config, options)
        if options.context is not None or self.context is not None:
            given = self.context if options.context is None else options.context
            options = replace(options, context=as_context(self.context_schema, given))
        key = ThreadKey("") if self.world.saver is None else self.key(config)
        root = replace(key, ns="")
        claim = claim or Claim()
        try:
            if self.world.saver is not None:
                claim.take(self.world.saver, root)
            run = self._prepared(input, config, options, rules)
            run.claim = claim
            return run
        except BaseException:
            claim.release()
            raise

    def nested(self, input: Any, config: Config, options: CallOptions, inside: TaskContext, *, as_node: bool) -> Nest:
        """The same for a call from a node's body: a part of the run that the node belongs to."""
        config = {**{k: v for k, v in inside.run.config.items() if k == "recursion_limit"}, **config}
        found = nest(self.graph, inside, self.rules(config, options), config, self.memory, self.world)
        if options.context is not None:
            found.run.context = as_context(self.context_schema, options.context)
        if as_node:
            # What the parent has beside the keys of the sub-graph is its own.
            input = (
                {self.graph.takes: input}
                if self.graph.takes
                else {k: v for k, v in self._pairs(input) if k in self.graph.input_keys}
            )
        else:
            if input is None or isinstance(input, Command):
                raise EmptyInputError(
                    f"node {inside.task.node!r} calls a sub-graph with {type(input).__name__}: give it an input. "
                    "It goes on by itself when the node runs again after an answer."
                )
            input = self.accept(input)  # of a call that goes on where it stands it does not count
        found.begin(input, head_of_memory(found))
        run = found.run
        run.rules = run.rules.counted_from(run.position)
        run.debug = run.debug or self.debug
        return found

    def rules(self, config: Config, options: CallOptions) -> Rules:
        """What a call asks of the law; ``last_step`` counts from where it begins."""
        if options.durability not in get_args(Durability):
            raise NbhitlError(
                f"unknown durability {options.durability!r}.{did_you_mean(options.durability, get_args(Durability))}"
            )
        _check_config(config)
        limit = config.get("recursion_limit", DEFAULT_RECURSION_LIMIT)
        if not isinstance(limit, int) or limit < 1:
            raise NbhitlError(f"recursion_limit is {limit!r}; it is a whole number of super-steps, at least 1.")
        before, after = self._static(options)
        return Rules(limit, before, after, options.debugger)

    def _prepared(self, input: Any, config: Config, options: CallOptions, rules: Rules) -> Run:
        """As `prepare`, for a thread that was claimed; ``rules.last_step`` counts from where the run begins."""
        inner = config.get("configurable", EMPTY).get("checkpoint_ns", "") if self.world.saver is not None else ""
        key, position = self.find(_outermost(config) if inner else config, strict=True)
        run = Run(self.graph, key, Rules(0), self.world, config, options.control, options.durability)
        run.debug, run.context = self.debug, options.context
        stand_in = STAND_IN.get()
        run.expires = stand_in is None or not stand_in.timeless
        if position is not None:
            position = self._fitted(run, input, position, config, options.rename)
        if inner:
            self._graft(run, input, config)
        elif isinstance(input, Command):
            self._command(run, input, position, config, options)
        elif input is None:
            self._continue(run, position, config)
        else:
            self._begin(run, input, position, restart=options.restart)
        run.rules = rules.counted_from(run.position)
        if options.last_step is not None:
            run.rules = replace(run.rules, last_step=options.last_step)
        return run

    # -- new input

    def _begin(self, run: Run, values: Any, position: Position | None, *, restart: bool) -> None:
        given = self.accept(values)
        if position is not None and not restart:
            self.refuse_pending(run.key, position)
        run.start(given, None if restart else position)

    def refuse_pending(self, key: ThreadKey, position: Position) -> None:
        """Raises `PendingInterruptError` where new input would throw a question away."""
        if position.pending:
            raise PendingInterruptError(
                f"thread {key} waits for an answer ({_open(position)}), and new input would throw that away. Answer "
                "with Command(resume=...), take another thread_id, or start over on a branch with restart=True."
            )

    def accept(self, values: Any) -> Any:
        """An input as updates by key. Raises `InvalidUpdateError`, `EmptyInputError`."""
        if self.graph.takes:
            return {self.graph.takes: values}
        pairs, keys = self._pairs(values), self.graph.input_keys
        if all(name in keys for name, _ in pairs):
            return dict(pairs)
        for name, _ in pairs:
            if name not in keys:
                results.unknown_key(self.graph, "the input has", name, known=keys)
        found = {name: value for name, value in pairs if name in keys}
        if not found:
            raise EmptyInputError(f"the input has none of the keys that the graph takes: {', '.join(sorted(keys))}.")
        return found

    def _pairs(self, values: Any) -> Sequence[tuple[str, Any]]:
        found = self.graph.unpack(values)
        if found is None:
            raise InvalidUpdateError(
                f"the input is {type(values).__name__}; give a dict of state keys, or None to go on."
            )
        return found

    # -- going on

    def _continue(self, run: Run, position: Position | None, config: Config) -> None:
        if position is None:
            raise EmptyInputError(
                "there is no input, and no run to go on with: "
                + (f"thread {run.key} does not exist." if self.world.saver else "the graph has no checkpointer.")
            )
        self._fits(position)
        if self.is_old(run.key, position, config):
            run.fork(position)
        else:
            run.resume(position)

    def _fits(self, position: Position) -> None:
        """Raises `GraphChanged` where a thread under way waits for what the graph no longer has."""
        if position.checkpoint.tasks or position.checkpoint.deferred:
            missing = moves.lost(self.graph, position.checkpoint)
            if missing is not None:
                raise GraphChanged(missing)

    def _fitted(self, run: Run, input: Any, position: Position, config: Config, names: Mapping[str, str]) -> Position:
        """A thread under way as the graph has it now: under new names, with the keys that it did not have.

        Where that changes anything, on a checkpoint of its own.
        """
        if names:
            self._check_names(names)
            if isinstance(input, Command) and input.resume is not MISSING:  # nothing is written for a wrong answer
                asked = self.open_questions(position)
                self.check_answers(
                    asked, questions.match_answers(asked, input.resume, position.superseded), CallOptions()
                )
        under_way = position.checkpoint.tasks or position.checkpoint.deferred
        going_on = under_way and (input is None or isinstance(input, Command))
        fresh = moves.unset(self.graph, position.checkpoint.values) if going_on else EMPTY
        renames = bool(names) and self._rename_below(run, run.key, position, names)
        renames = renames or edits.concerns(position, names)
        if not renames and (not fresh or self.is_old(run.key, position, config)):
            return position
        checkpoint, entries = edits.renamed(
            position, names, id=run.new_id(), at=self.world.clock.now(), code=run.digest, fresh=fresh
        )
        stopped = [position.stopped] if position.stopped is not None else []
        run.enter(checkpoint, [*entries, *stopped], keep=True)
        run.fold()
        return run.position

    def _check_names(self, names: Mapping[str, str]) -> None:
        self.graph.expect(names.values(), "rename")
        for old, new in names.items():
            if old in self.graph.nodes:
                raise GraphError(f"rename: node {old!r} is there still, so it was not renamed.")
            if old.count("/") != new.count("/"):
                raise GraphError(f"rename: {old!r} cannot become {new!r}: a node stays in its sub-graph.")
        twice = [new for new, count in Counter(names.values()).items() if count > 1]
        if twice:
            raise GraphError(f"rename: two nodes would become {twice[0]!r}, and their work would be mixed up.")

    def _rename_below(self, run: Run, key: ThreadKey, position: Position, names: Mapping[str, str]) -> bool:
        """The same for nodes of the sub-graphs that are under way at a position; whether there were any."""
        below: dict[str, dict[str, str]] = {}
        for old, new in names.items():
            first, _, rest = old.partition("/")
            if rest:
                below.setdefault(first, {})[rest] = new.partition("/")[2]
        found, saver = False, self.world.saver
        for task in position.checkpoint.tasks if below and saver is not None else ():
            inner = below.get(task.node, EMPTY)
            for entered in position.entered.get(task.id, EMPTY).values() if inner else ():
                line = replace(key, ns=entered.ns)
                newest = self.saver().newest(line, entered.head or entered.source)
                if newest is None or not (
                    self._rename_below(run, line, newest, inner) or edits.concerns(newest, inner)
                ):
                    continue
                made = edits.renamed(newest, inner, id=run.new_id(), at=self.world.clock.now())
                self.saver().commit(line, *made, wait=False)  # durable with what the outermost graph writes next
                found = True
        return found

    def _graft(self, run: Run, input: Any, config: Config) -> None:
        """Go on from a checkpoint of a sub-graph: a branch of it, and of every graph above it."""
        if input is not None:
            raise NbhitlError(
                "this config names a sub-graph's checkpoint: call with None to go on from there. Input and answers are "
                "given with the config of the whole thread, without checkpoint_ns."
            )
        saver, key = self.saver(), self.key(config)
        checkpoint, entries = graft(saver, key, config["configurable"].get("checkpoint_id"), run.new_id)
        now = self.world.clock.now()
        run.enter(replace(checkpoint, at=now, code=run.digest), [*entries, Continued(now, passed=True)])

    # -- commands

    def _command(
        self, run: Run, command: Command, position: Position | None, config: Config, options: CallOptions
    ) -> None:
        if command.graph is not None:
            raise InvalidUpdateError(
                "as input, Command takes update, resume and goto; graph= is for a node's return value."
            )
        edit = command.update is not None or bool(command.goto)
        if command.resume is MISSING and not edit:
            questions.match_answers((), MISSING)
        if edit and position is None and not command.goto:  # on a new thread an update is all the input there is
            self._begin(run, command.update, None, restart=False)
        elif edit:
            if position is not None and self.is_old(run.key, position, config):
                position = self._gone_back(run, command, position, config, options)
                command = replace(command, resume=MISSING)
            position = self._amend(run, command, position)
            config = _outermost(config)
        if command.resume is not MISSING:
            self._answer(run, command, position, config, options)
        elif position is not None:
            run.resume(position)

    def _gone_back(
        self, run: Run, command: Command, position: Position, config: Config, options: CallOptions
    ) -> Position:
        """An old position as it was before its tasks ran; with an answer, its fork with that answer."""
        if command.resume is MISSING:
            return Position(position.checkpoint)
        self._answer(run, command, position, config, options)
        run.fold()
        return run.position

    def _amend(self, run: Run, command: Command, position: Position | None) -> Position:
        """Write an update and destinations from outside; what was due stays due."""
        now = self.world.clock.now()
        if position is None:
            position = Position(replace(moves.begin(self.graph, {}, previous=None, id="", at=now), tasks=(), step=-2))
        pairs = () if command.update is None else self.graph.unpack(command.update)
        if pairs is None:
            raise InvalidUpdateError(f"Command(update={command.update!r:.60}): give a dict of state keys.")
        for name, _ in pairs:
            if name not in self.graph.channels:
                results.unknown_key(self.graph, "Command(update=...) has", name)
        pairs = tuple(pair for pair in pairs if pair[0] in self.graph.channels)
        goto = destinations(command.goto)
        for target in goto:
            results.check_target(self.graph, target, "Command(goto=...)")
        checkpoint, entries = edits.amend(
            self.graph, position, Wrote("", pairs, goto), id=run.new_id(), at=now, code=run.digest
        )
        stopped = position.stopped
        if stopped is not None and stopped.reason == "breakpoint" and checkpoint.tasks:
            entries.append(stopped)  # whoever says this at a breakpoint passes it
        elif position.passed:  # as it was passed here
            entries.append(Continued(now, passed=True))
        run.enter(replace(checkpoint, parent=checkpoint.parent or None), entries, keep=True)
        run.fold()
        return run.position

    def _answer(
        self, run: Run, command: Command, position: Position | None, config: Config, options: CallOptions
    ) -> None:
        saver = self.world.saver
        if saver is None:
            raise CheckpointerRequired("Command(resume=...) needs a checkpointer that remembers the question.")
        if position is None:
            raise UnknownThreadError(f"thread {run.key} does not exist, so there is no question to answer.")
        old = self.is_old(run.key, position, config)
        asked = self.open_questions(position)
        if old:  # at an old checkpoint the answered questions can be answered anew
            every = [q for t in position.checkpoint.tasks for q in _latest(position.asked.get(t.id, ()))]
            asked = tuple(revive(self.graph, position, q, self.world.checker) for q in every)
        if not asked and position.stopped and position.stopped.reason == "breakpoint":
            # A breakpoint asks nothing: it is passed, and the value answers no later question.
            if old:
                run.fork(position)
            else:
                run.resume(position)
            return
        if not old and isinstance(command.resume, Mapping):
            late = [id for id in command.resume if id in position.answers and all(q.id != id for q in asked)]
            if late:  # somebody was just in time: the saver says who
                saver.answer(run.key, position.checkpoint.id, [Answered(id, None) for id in late])
        given = questions.match_answers(asked, command.resume, position.superseded)
        answers = self.check_answers(asked, given, options)
        if old:
            run.fork(position, {a.interrupt: a for a in answers})
            return
        saver.answer(run.key, position.checkpoint.id, answers)
        self._fits(position)  # the answer is kept, whatever became of the graph
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
            question = known[id]
            if question.deadline and question.deadline <= now and not options.in_time:
                cure = "its default counts" if question.default is not MISSING else "it has expired"
                raise UnknownInterruptError(
                    f"question {id} was to be answered by {_utc(question.deadline)}, "
                    f"and {cure}: call with None to go on."
                )
            if options.via == "deadline":
                raise NbhitlError("via='deadline' says that nobody answered in time; name another way.")
            plain = value if question.schema is None else self.world.checker.check(question.schema, value)
            answered = Answered(id, plain, options.by, options.via, options.note, now)
            if question.schema is not None:
                described = question.described or self.world.checker.describe(question.schema)
                answered = sealed(answered, described)
            found.append(answered)
        return found

    # -- threads

    def _static(self, options: CallOptions) -> tuple[frozenset[str], frozenset[str]]:
        before, after = self.interrupt_before, self.interrupt_after
        if options.interrupt_before is not None:
            before = named(self.graph, options.interrupt_before, "interrupt_before")
        if options.interrupt_after is not None:
            after = named(self.graph, options.interrupt_after, "interrupt_after")
        if self.world.saver is None and self.memory is None and (before or after) and CURRENT.get() is None:
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
        _check_config(config)
        configurable = config.get("configurable", EMPTY)
        thread = configurable.get("thread_id")
        if thread is None or isinstance(thread, (dict, list)) or thread == "":
            raise NbhitlError(
                'a graph with a checkpointer needs to know its thread: config={"configurable": {"thread_id": "1"}}.'
            )
        return ThreadKey(str(thread), self.scope, configurable.get("checkpoint_ns", ""))

    def find(self, config: Config, *, looking: bool = False, strict: bool = False) -> tuple[ThreadKey, Position | None]:
        """Where the thread of a config stands; None before its first input.

        ``strict``: nodes are about to be given its values; see `nbhitl.engine.ports.Saver.load`.

        Raises:
            UnknownThreadError: it has no checkpoint of the id that the config names.
        """
        if self.world.saver is None and not looking:
            return ThreadKey(""), None
        saver, key = self.saver(), self.key(config)
        id = config.get("configurable", EMPTY).get("checkpoint_id")
        position = saver.load(key, id, strict=strict)
        if id is not None and position is None:
            raise UnknownThreadError(f"thread {key} has no checkpoint {id!r}. get_state_history lists them.")
        return key, position

    def is_old(self, key: ThreadKey, position: Position, config: Config) -> bool:
        """Whether a config goes back to a checkpoint that is not the thread's newest."""
        if config.get("configurable", EMPTY).get("checkpoint_id") is None:
            return False
        newest = self.saver().load(key)
        return newest is not None and newest.checkpoint.id != position.checkpoint.id


def _latest(asked: Sequence[Asked]) -> list[Asked]:
    """Questions without those that were asked again, since what they were answered with is forgotten."""
    repeated = {(q.ns, q.node, q.binding, q.again - 1) for q in asked if q.again}
    return [q for q in asked if (q.ns, q.node, q.binding, q.again) not in repeated]


def _check_config(config: Any) -> None:
    if not isinstance(config, Mapping) or not isinstance(config.get("configurable", EMPTY), Mapping):
        raise NbhitlError(f'config is {config!r:.60}; give a dict: {{"configurable": {{"thread_id": "1"}}}}.')


def _outermost(config: Config) -> Config:
    """A config's thread, without the sub-graph and the checkpoint that it names."""
    thread = config.get("configurable", EMPTY).get("thread_id")
    return {**config, "configurable": {"thread_id": thread}}


def named(graph: Graph, names: Nodes, role: str) -> frozenset[str]:
    """``names`` as a set of nodes, ``"*"`` for all of them. Raises `UnknownNodeError`."""
    if names == "*":
        return frozenset(graph.nodes)
    return graph.expect([names] if isinstance(names, str) else names, role)


def _utc(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _open(position: Position) -> str:
    return ", ".join(f"{q.value!r:.60}" for q in position.pending)
