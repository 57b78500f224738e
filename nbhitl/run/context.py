"""What a node's body can reach while it runs: ``interrupt()``, ``once()``, and nothing hidden behind them."""

from __future__ import annotations

import contextlib
import inspect
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, cast, overload

from nbhitl.engine import moves, questions
from nbhitl.engine.errors import (
    AnswerRefused,
    CheckpointerRequired,
    GraphInterrupt,
    InterruptExpired,
    NbhitlError,
    PauseSwallowed,
    SchemaError,
)
from nbhitl.engine.ids import digest, interrupt_id
from nbhitl.engine.records import (
    EMPTY,
    MISSING,
    Answered,
    Asked,
    Entered,
    Entry,
    Kept,
    Missing,
    Position,
    Superseded,
    Task,
)
from nbhitl.run import vault
from nbhitl.run.apart import apart
from nbhitl.run.secrets import has_secrets, secret_paths
from nbhitl.run.world import Emitted

if TYPE_CHECKING:
    from nbhitl.engine.description import Node
    from nbhitl.engine.errors import NodeError
    from nbhitl.run.running import Run
    from nbhitl.run.runtime import Runtime

SWALLOWED = (
    "node {node!r} went on after interrupt(): its pause was swallowed by a bare `except:`, `except BaseException`, "
    "gather(return_exceptions=True) or a `return` in `finally`. Let GraphInterrupt pass."
)
_COUNTING = threading.Lock()
_NEVER = 9_223_372_036_854_775_807
P = ParamSpec("P")
T = TypeVar("T")


class Subtasks(Protocol):
    """The calls of a `@task` that one performance has made: see `nbhitl.functional`."""

    def finish(self) -> None:
        """The body has returned: wait for all calls. Raises what the body has to hear of one that it did not ask."""

    def left(self, error: BaseException) -> BaseException:
        """The body has raised ``error``: wait for the calls that have begun. What leaves the body then."""

    async def afinish(self) -> None:
        """As `finish`, on the running loop."""

    async def aleft(self, error: BaseException) -> BaseException:
        """As `left`, on the running loop."""


class Beat(Protocol):
    """Tells whoever watches over a body's time that it is alive: see `nbhitl.run.limited`."""

    def __call__(self) -> None:
        """It says so itself."""

    def moved(self) -> None:
        """It has streamed, kept or called something."""


class TaskContext:
    """One performance of one task: what its body has asked, kept and called, and the answers that are known."""

    __slots__ = (
        "_asked",
        "_beat",
        "_doing",
        "_graphs",
        "_kept",
        "_keys",
        "_paused_in",
        "attempt",
        "begun",
        "calls",
        "entered",
        "failure",
        "made",
        "node",
        "pause",
        "position",
        "run",
        "runtime",
        "subcalls",
        "subtasks",
        "task",
        "values",
    )  # fmt: skip
    made: int
    """How many ids this performance has made; not there before the first one, so that bodies pay nothing for it."""

    def __init__(self, run: Run, node: Node, task: Task, position: Position) -> None:
        self.run, self.node, self.task, self.position = run, node, task, position
        self.values: Mapping[str, Any] = position.checkpoint.values
        self.attempt = 1
        """Which attempt of the task this is, over kills and pauses."""
        self.begun = 0
        """When its first attempt began, in microseconds since 1970; 0 where that is not known yet."""
        self.runtime: Runtime[Any] | None = None
        """See `nbhitl.run.runtime`; None until somebody asks."""
        self._beat: Beat | None = None
        self.failure: NodeError | None = None
        """Of an error handler: what it handles."""
        self.calls = 0
        """How many questions without a key this performance has asked."""
        self.subcalls = 0
        """How many sub-graphs this performance has called."""
        self.subtasks: Subtasks | None = None
        """The calls of a `@task` that this performance has made; None: none."""
        self.pause: GraphInterrupt | None = None
        """The pause that was signalled, to notice a body that swallows it."""
        # Most bodies neither ask nor keep anything: what these need is made when they do.
        self._keys: dict[str, str] | None = None
        self._paused_in: set[int] | None = None
        self._kept: dict[str, Any] | None = None
        self._graphs: list[object] | None = None
        self._doing: set[str] = set()
        """Effects that are under way, by key."""
        self._asked: frozenset[str] = frozenset()
        """Open questions that this performance has asked."""
        self.entered: dict[int, Entered] | None = None

    def again(self, node: Node) -> TaskContext:
        """Another performance of the same task, of ``node``: it knows what this one kept and entered."""
        other = TaskContext(self.run, node, self.task, self.position)
        other._kept, other.entered = self._kept, self.entered
        return other

    @property
    def beat(self) -> Beat | None:
        """Tells whoever watches over its time, or that of a node around it, that it is alive; None: nobody does."""
        return self._beat or self.run.beat

    @beat.setter
    def beat(self, beat: Beat) -> None:
        self._beat = beat

    @property
    def can_pause(self) -> bool:
        """Whether a checkpointer remembers the run."""
        return self.run.world.saver is not None

    def emit(self, mode: Literal["custom", "messages", "attempts"], data: Any) -> None:
        """Stream something to whoever watches; nothing happens where nobody does."""
        self._moved()
        outlet = self.run.outlet
        if outlet is not None and mode in outlet.modes:
            ns = self.run.shown_in
            outlet.put(Emitted(mode, data, self.task, ns), ns)

    def _moved(self) -> None:
        beat = self.beat
        if beat is not None:
            beat.moved()

    # -- questions

    def ask(self, value: Any, schema: Any, key: str | None, deadline: int = 0, default: Any = MISSING) -> Any:
        """The answer to a question if it is known; else leaves the body."""
        if not self.can_pause:
            raise CheckpointerRequired(
                f"node {self.task.node!r} called interrupt(), but the run could not go on: {self.run.no_memory}."
            )
        self._check_place(key)
        ordinal = self.calls
        if key is None:
            self.calls += 1
        world = self.run.world
        described = None if schema is None else world.checker.describe(schema)
        if default is not MISSING and schema is not None:
            default = self._checked_default(schema, described, default)
        binding = questions.binding(ordinal=ordinal, key=key, value=value, schema=described)
        question = Asked(
            task=self.task.id,
            id=interrupt_id(self.task.root, binding),
            value=value,
            schema=schema,
            described=described,
            schema_name=None if schema is None else world.checker.name(schema),
            ordinal=ordinal,
            key=key,
            binding=binding,
            at=world.clock.now(),
            deadline=deadline,
            default=default,
        )
        self._check_key(question, described)
        question, answer, plain = self._known(question)
        if answer is None:
            self._asked = self._asked | {question.id}
            raise self._asks(question)
        if answer.via == "deadline" and default is MISSING:
            raise InterruptExpired(f"nobody answered the question of node {self.task.node!r} in time: {value!r:.80}")
        return plain if schema is None else self._typed(schema, plain)

    def _known(self, question: Asked) -> tuple[Asked, Answered | None, Any]:
        """The question as it stands now, its answer and the answer's value; anew, where a secret is forgotten."""
        while True:
            answer = self.position.answers.get(question.id)
            plain = MISSING if answer is None else vault.opened(answer)
            if answer is None or plain is not MISSING:
                return question, answer, plain
            again = question.again + 1
            question = replace(
                question, id=interrupt_id(self.task.root, questions.anew(question.binding, again)), again=again
            )

    def _checked_default(self, schema: Any, described: Any, default: Any) -> Any:
        given = "default=..." if has_secrets(described) else f"default={default!r:.40}"
        try:
            plain = self.run.world.checker.check(schema, default)
        except AnswerRefused as refused:
            raise SchemaError(
                f"node {self.task.node!r}: interrupt({given}) does not fit the schema: {refused}"
            ) from refused
        if secret_paths(described, plain):
            raise SchemaError(
                f"node {self.task.node!r}: interrupt(default=...) holds a secret, and a default is stored with its "
                "question, in clear. Leave the secret out of it, or let the question expire."
            )
        return plain

    def _asks(self, question: Asked) -> GraphInterrupt:
        asked = self.position.asked.get(self.task.id, ())
        known = next((q for q in asked if q.id == question.id), None)
        if known is not None:  # asked before: its deadline goes on
            question = replace(question, at=known.at, deadline=known.deadline)
        elif question.deadline:
            question = replace(question, deadline=_moment(question.deadline, question.at))
            if question.again and question.deadline <= question.at:
                question = replace(question, deadline=0)  # somebody had answered in time
        edited = self.run.digest != self.position.checkpoint.code  # a person may edit a question more than once
        others = [q for q in asked if q.binding != question.binding]  # the same one asked again is no change
        questions.check_change(others, question, self.task.node, edited=edited)
        # What this body asked before, and does not ask now, is no longer open.
        closed = self.position.answers.keys() | self.position.superseded.keys() | self._asked
        left = [q for q in asked if not q.ns and q.id not in closed]
        return self.paused(question, *(Superseded(q.id, question.id) for q in left))

    def paused(self, *entries: Entry) -> GraphInterrupt:
        """The signal that leaves the body, with what it means."""
        self.pause = GraphInterrupt(*entries)
        if self._paused_in is None:
            self._paused_in = set()
        self._paused_in.add(_place())
        return self.pause

    def _check_key(self, question: Asked, described: Any) -> None:
        """In one performance, a key names one question."""
        if question.key is None:
            return
        content = questions.binding(ordinal=0, key=None, value=question.value, schema=described)
        if self._keys is None:
            self._keys = {}
        if self._keys.setdefault(question.key, content) != content:
            raise NbhitlError(
                f"node {self.task.node!r} uses the key {question.key!r} for two different questions, so one answer "
                "would count for both. Give each its own key, e.g. key=f'item {n}'."
            )

    def _check_place(self, key: str | None) -> None:
        """Nothing asks where a pause was signalled before; side by side, each question needs a name."""
        if self._paused_in is None:
            return
        if _place() in self._paused_in:
            raise PauseSwallowed(SWALLOWED.format(node=self.task.node))
        if key is None:
            raise PauseSwallowed(
                f"node {self.task.node!r} asks several questions side by side, and nobody could tell which answer is "
                "whose: give each one a name, interrupt(value, key='...')."
            )

    def _typed(self, schema: Any, plain: Any) -> Any:
        try:
            return self.run.world.checker.build(schema, plain)
        except AnswerRefused as error:
            # The answer was checked against what was known of the schema when it was given, e.g. after a
            # kernel restart without the class. It is kept; the node fails with the reason.
            raise SchemaError(
                f"the answer recorded for node {self.task.node!r} does not fit the class it is asked with now: {error}"
            ) from error

    # -- effects

    def kept(self, key: str) -> Any:
        """The result that an earlier performance (or this one) kept under ``key``, or `MISSING`."""
        if self._kept is None:
            self._kept = dict(self.position.kept.get(self.task.id, EMPTY))
        return self._kept.get(key, MISSING)

    @contextlib.contextmanager
    def doing(self, key: str) -> Iterator[None]:
        """While an effect is under way: the same one side by side would happen twice."""
        if not self.can_pause and self.run.remembered_above:
            raise CheckpointerRequired(
                f"node {self.task.node!r} called once(), but its result could not be kept: {self.run.no_memory}."
            )
        if key in self._doing:
            raise NbhitlError(
                f"node {self.task.node!r} calls once({key!r}, ...) while an earlier such call is under way. Give each "
                "effect a key of its own, e.g. f'mail {name}', or call it once and share its result."
            )
        self._doing.add(key)
        try:
            yield
        finally:
            self._doing.discard(key)

    def keep(self, key: str, value: T) -> T:
        """Remember a result, durably, before the body sees it."""
        self._moved()
        self.run.note([Kept(self.task.id, key, value)], wait=True)
        self.kept(key)
        if self._kept is not None:
            self._kept[key] = value
        return apart(value)

    # -- sub-graphs

    def next_call(self) -> int:
        """The number of the body's next call of a sub-graph."""
        number = self.subcalls
        self.subcalls += 1
        return number

    def place_of(self, graph: object) -> int:
        """Which of the sub-graphs that this performance calls ``graph`` is, in the order of their first calls."""
        if self._graphs is None:
            self._graphs = []
        for place, known in enumerate(self._graphs):
            if known is graph:
                return place
        self._graphs.append(graph)
        return len(self._graphs) - 1

    def memory(self) -> Mapping[str, str]:
        """Where the sub-graphs that remember stand: as the checkpoint says, and after this body's earlier calls."""
        found = moves.memories(self.position)
        calls: dict[int, Entered] = dict(self.position.entered.get(self.task.id, {}))
        calls.update(self.entered or {})
        if not calls:
            return found
        return {**found, **moves.memory(calls[number] for number in sorted(calls))}

    def line(self, number: int) -> Entered | None:
        """What is known of a call of a sub-graph from earlier performances."""
        if self.entered is not None and number in self.entered:
            return self.entered[number]
        return self.position.entered.get(self.task.id, {}).get(number)

    def enter(self, entered: Entered) -> None:
        """Remember where a sub-graph's line of checkpoints goes on."""
        self._moved()
        self.run.note([entered])
        if self.entered is None:
            self.entered = {}
        self.entered[entered.call] = entered


def _place() -> int:
    """Which asyncio task, or else which thread, is running this."""
    task = None
    if (asyncio := sys.modules.get("asyncio")) is not None:  # else there is no loop, and it takes a while to load
        with contextlib.suppress(RuntimeError):  # no loop runs on this thread
            task = asyncio.current_task()
    return id(task) if task is not None else threading.get_ident()


CURRENT: ContextVar[TaskContext | None] = ContextVar("nbhitl_task", default=None)
"""The performance that the calling code belongs to."""


def fresh_id(of: Any) -> str:
    """An id for something new, ``of`` its content.

    Within a body each performance of its task makes the same ids: what it asks about, or gives to a `@task`, is the
    same again when the body runs again after an answer.
    """
    context = CURRENT.get()
    if context is None:
        return str(uuid.uuid4())
    with _COUNTING:
        context.made = number = getattr(context, "made", 0) + 1
    return str(uuid.UUID(digest((context.task.root, number, of))))


def here(name: str) -> TaskContext:
    """The performance that calls ``name``. Raises `NbhitlError` outside one."""
    context = CURRENT.get()
    if context is None:
        raise NbhitlError(
            f"{name}() was called outside a node. Call it in a function that is a node of a graph; a thread that a "
            "node starts needs the node's context: contextvars.copy_context().run(...)."
        )
    return context


@overload
def interrupt(
    value: Any,
    *,
    response_schema: type[T],
    key: str | None = None,
    deadline: float | timedelta | datetime | None = None,
    default: Any = MISSING,
) -> T: ...


@overload
def interrupt(
    value: Any,
    *,
    response_schema: Any = None,
    key: str | None = None,
    deadline: float | timedelta | datetime | None = None,
    default: Any = MISSING,
) -> Any: ...


def interrupt(
    value: Any,
    *,
    response_schema: Any = None,
    key: str | None = None,
    deadline: float | timedelta | datetime | None = None,
    default: Any = MISSING,
) -> Any:
    """Stop this node and ask a person; return the answer when the run goes on.

    The node's body starts again from its first line when the answer is there, and this call then returns it. So
    what stands before the call runs once more: keep effects behind it, in an earlier node, or in `once`.

    Args:
        value: the question: text, or any value that can be stored; a form shows dicts as tables and images as
            images.
        response_schema: what an answer has to be: a pydantic model, Literal, Enum, bool, int, float, str,
            ``Annotated[int, Field(ge=0, le=9)]``, TypedDict, dataclass or a JSON Schema dict. None takes anything.
        key: a name for this question, where its value differs between two runs of the body.
        deadline: when it is too late to answer: seconds from when it is asked, a timedelta, or a datetime.
        default: the answer that counts then; without one the node fails with `InterruptExpired`. Whoever runs the
            thread next after the deadline takes it: a pause has no clock of its own.

    Returns:
        The answer, as an instance of ``response_schema`` when one was given.

    Raises:
        GraphInterrupt: leaves the body; it is no `Exception`, so ``except Exception`` lets it pass.
        CheckpointerRequired: the graph was compiled without a checkpointer.
        InterruptExpired: the deadline has passed, and there is no default.
        NbhitlError: called outside a node.
    """
    context = here("interrupt")
    if default is not MISSING and deadline is None:
        raise NbhitlError("interrupt(default=...) counts when a deadline has passed: give deadline= as well.")
    return context.ask(value, response_schema, key, _microseconds(deadline), default)


def _microseconds(deadline: float | timedelta | datetime | None) -> int:
    """A deadline as given: microseconds since 1970 for a datetime, negative for a time from now; 0 for none."""
    if deadline is None:
        return 0
    if isinstance(deadline, datetime):
        if deadline.tzinfo is None:
            deadline = deadline.astimezone()
        return max(1, int((deadline - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)))
    seconds = deadline.total_seconds() if isinstance(deadline, timedelta) else deadline
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < _NEVER / 1e7:
        raise NbhitlError(
            f"interrupt(deadline={deadline!r}): give seconds from now (above 0), a timedelta or a datetime."
        )
    return -max(1, int(seconds * 1_000_000))


def _moment(deadline: int, now: int) -> int:
    return deadline if deadline > 0 else now - deadline


def once(key: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """``function(*args, **kwargs)``, run once for this task although the node's body may run several times.

    The result is durable before it is returned; later runs of the body get it without calling the function again.
    A crash between the function's end and the record is the one moment after which it runs again.

    Args:
        key: names the effect in this node; in a loop make it part of the loop: ``f"mail {name}"``.
        function: sync or async; for an async one await the result: ``await once("send", send, mail)``.
        args: given to the function.
        kwargs: given to the function.

    Raises:
        UnstorableValueError: the result cannot be stored: return what can, e.g. an id.
        CheckpointerRequired: in a sub-graph with ``checkpointer=False``, whose results nobody would remember.
        NbhitlError: called outside a node, or side by side with the same key. Whatever the function raises passes, and
            nothing is kept.
    """
    context = here("once")
    if not isinstance(key, str) or not key:
        raise NbhitlError(f"once({key!r:.40}, ...): give the effect a name first, e.g. once('send mail', send, mail).")
    if inspect.iscoroutinefunction(function):
        return cast(T, _aonce(context, key, function, args, kwargs))
    known: T | Missing = context.kept(key)
    if known is not MISSING:
        return apart(known)
    with context.doing(key):
        return context.keep(key, function(*args, **kwargs))


async def _aonce(
    context: TaskContext, key: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    known = context.kept(key)
    if known is not MISSING:
        return apart(known)
    with context.doing(key):
        return context.keep(key, await function(*args, **kwargs))
