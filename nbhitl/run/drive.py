"""The only two loops in the house: `drive` and `adrive` do what `next_move` says until it says stop.

There is no resume path: going on after an answer, a failure or a restart of the kernel is calling the same
driver again on the position that the saver remembers. What the two loops share stands in `Run`.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, assert_never

from nbhitl.engine import ids, moves
from nbhitl.engine.description import Graph, Node
from nbhitl.engine.errors import SaverError, UnstorableValueError
from nbhitl.engine.ports import Checker, Clock, Ids, Saver
from nbhitl.engine.records import (
    EMPTY,
    START,
    Answered,
    Asked,
    Checkpoint,
    Continued,
    Entry,
    Failed,
    Position,
    Stopped,
    StopReason,
    Task,
    ThreadKey,
    Wrote,
)
from nbhitl.run import hands
from nbhitl.run.claims import release
from nbhitl.run.context import TaskContext

Durability: TypeAlias = Literal["sync", "async"]
"""``sync``: each step is durable before the next one begins; ``async``: up to 50 ms later. Questions, answers and
stops are durable before they are reported, in both."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Microseconds since 1970."""
        return time.time_ns() // 1000


class RandomIds:
    """Run ids of 12 random hex digits."""

    def run(self) -> str:
        """A new run's id."""
        return secrets.token_hex(6)


class RunControl:
    """Asks a run, from any thread, to stop at the next node boundary. The thread can be continued later."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.reason = ""

    def request_drain(self, reason: str = "stopped on request") -> None:
        """Stop before the next node; ``reason`` is shown to people."""
        self.reason = reason
        self._asked.set()

    @property
    def drain_requested(self) -> bool:
        """Whether the run should stop."""
        return self._asked.is_set()


@dataclass(frozen=True, slots=True)
class Started:
    """These tasks are being performed."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """A task ended, and this came of it."""

    task: Task
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Committed:
    """A super-step is over."""

    checkpoint: Checkpoint


Event: TypeAlias = Started | Ended | Committed | Stopped


@dataclass(frozen=True, slots=True)
class World:
    """What a run needs from the outside."""

    checker: Checker
    saver: Saver | None = None
    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=RandomIds)


_START_NODE = Node(START, lambda values: values)


class Run:
    """One call of a graph: holds the position between two moves, and writes what happens into the saver."""

    def __init__(
        self,
        graph: Graph,
        key: ThreadKey,
        rules: moves.Rules,
        world: World,
        config: Mapping[str, Any] = EMPTY,
        control: RunControl | None = None,
        durability: Durability = "async",
    ) -> None:
        self.graph, self.key, self.rules, self.world = graph, key, rules, world
        self.config, self.control, self.durability = config, control, durability
        self.position: Position
        self.failures: tuple[Failed, ...] = ()
        self.claimed = False
        """Whether the thread is ours to work on, until `release`."""
        self._run_id = world.ids.run()
        self._count = 0
        self._news: list[Entry] = []
        limit = config.get("max_concurrency")
        self.workers: int = limit if isinstance(limit, int) and limit > 0 else hands.DEFAULT_CONCURRENCY

    # -- where to begin

    def new_id(self) -> str:
        """The id of this run's next checkpoint."""
        self._count += 1
        return ids.checkpoint_id(self._run_id, self._count)

    def start(self, values: Mapping[str, Any], previous: Position | None) -> None:
        """Take new input, on a new thread or behind a finished one."""
        checkpoint = moves.begin(
            self.graph,
            values,
            previous=None if previous is None else previous.checkpoint,
            id=self.new_id(),
            at=self.world.clock.now(),
        )
        self._enter(checkpoint)

    def resume(self, position: Position) -> None:
        """Go on from where a thread stands."""
        self.position = position
        self._record([Continued(self.world.clock.now())])

    def fork(self, position: Position, answers: Mapping[str, Answered] | None = None) -> None:
        """Go on from an old checkpoint, on a branch of its own; ``answers`` are new ones to its questions."""
        checkpoint = moves.branch(position.checkpoint, id=self.new_id(), at=self.world.clock.now())
        entries = [] if answers is None else moves.rebase(position, checkpoint, answers)
        self._enter(checkpoint, [*entries, Continued(self.world.clock.now(), passed=True)])

    def _enter(self, checkpoint: Checkpoint, entries: Sequence[Entry] = ()) -> None:
        if self.world.saver is not None:
            self.world.saver.commit(self.key, checkpoint, entries, wait=bool(entries))
        self.position = Position(checkpoint).after(entries)

    # -- one move

    def next(self) -> moves.Move:
        """What has to happen now."""
        if self.failures:
            return moves.Fail(self.failures)
        return moves.next_move(self.graph, self.position, self.rules)

    def jobs(self, tasks: Sequence[Task]) -> list[hands.Job]:
        """Tasks with what their bodies need."""
        position = self.position
        found = []
        for task in tasks:
            node = self.graph.nodes[task.node] if task.node != START else _START_NODE
            context = TaskContext(
                task,
                self.world.checker,
                self.world.clock,
                position.asked.get(task.id, ()),
                dict(position.answers),
                self.world.saver is not None,
            )
            found.append(hands.Job(self.graph, node, task, position.checkpoint.values, context, self.config))
        return found

    def take(self, entries: tuple[Entry, ...], tasks: Mapping[str, Task]) -> Ended:
        """Remember what came of one task."""
        task = next(tasks[e.task] for e in entries if isinstance(e, (Wrote, Asked, Failed)))
        try:
            # A task's writes travel with the checkpoint that follows; a question is durable before it is shown.
            self._record(entries, wait=isinstance(entries[0], Asked))
        except UnstorableValueError as error:
            error.add_note(f"in node {task.node!r}")
            entries = (Failed(task.id, type(error).__name__, str(error), error),)
            self._record(entries)
        return Ended(task, entries)

    def fold(self) -> None:
        """Bring the position up to date with what was taken."""
        self.position = self.position.after(self._news)
        self._news = []

    def commit(self) -> Committed | None:
        """Merge and move on; None when a reducer raised (the next move then says Fail)."""
        now = self.world.clock.now()
        try:
            checkpoint = moves.commit(self.graph, self.position, id=self.new_id(), at=now)
            if self.world.saver is not None:
                self.world.saver.commit(self.key, checkpoint, wait=self.durability == "sync")
        except Exception as error:
            if isinstance(error, SaverError) and not isinstance(error, UnstorableValueError):
                raise  # no reducer's fault: the place where runs are remembered is gone
            self.failures = (Failed("", type(error).__name__, str(error), error),)
            return None
        self.position = Position(checkpoint)
        return Committed(checkpoint)

    def stop(self, move: moves.Wait | moves.Finish | moves.Fail | None) -> Stopped:
        """Record why the run hands control back."""
        reason: StopReason
        match move:
            case moves.Wait(reason=reason, text=text):
                pass
            case moves.Finish():
                reason, text = "finished", "finished"
            case moves.Fail(failures=failures):
                self.failures = failures
                reason, text = "failed", "; ".join(f"{self._where(f)}{f.text}" for f in failures)
            case None:
                reason, text = "drained", self.control.reason if self.control else ""
            case _:
                assert_never(move)
        code = self.graph.fingerprints() if self.world.saver is not None else EMPTY
        stopped = Stopped(reason, text, self.world.clock.now(), code)
        self._record([stopped], wait=True)
        self.fold()
        return stopped

    def release(self) -> None:
        """Let others work on the thread; once, since it may be another's a moment later."""
        if self.claimed and self.world.saver is not None:
            self.claimed = False
            release(self.world.saver, self.key)

    @property
    def draining(self) -> bool:
        """Whether somebody asked the run to stop."""
        return self.control is not None and self.control.drain_requested

    def _where(self, failed: Failed) -> str:
        node = next((t.node for t in self.position.checkpoint.tasks if t.id == failed.task), None)
        return f"{node} failed: " if node else ""

    def _record(self, entries: Sequence[Entry], *, wait: bool = False) -> None:
        if self.world.saver is not None:
            self.world.saver.append(self.key, self.position.checkpoint.id, entries, wait=wait)
        self._news.extend(entries)


def drive(run: Run) -> Iterator[Event]:
    """Do what has to be done until the run stops. Nodes are called on this thread, several at once on threads."""
    try:
        yield from _drive(run)
    finally:
        run.release()


def _drive(run: Run) -> Iterator[Event]:
    run.fold()
    while True:
        move = run.next()
        if run.draining and isinstance(move, moves.Perform):
            yield run.stop(None)
            return
        match move:
            case moves.Perform(tasks=tasks):
                yield Started(tasks)
                known = {task.id: task for task in tasks}
                jobs = run.jobs(tasks)
                for entries in hands.threads(jobs, run.workers) if len(jobs) > 1 else hands.inline(jobs):
                    yield run.take(entries, known)
                run.fold()
            case moves.Commit():
                committed = run.commit()
                if committed is not None:
                    yield committed
            case moves.Wait() | moves.Finish() | moves.Fail():
                yield run.stop(move)
                return
            case _:
                assert_never(move)


async def adrive(run: Run) -> AsyncIterator[Event]:
    """As `drive`, with nodes awaited on the running loop."""
    try:
        async for event in _adrive(run):
            yield event
    finally:
        run.release()


async def _adrive(run: Run) -> AsyncIterator[Event]:
    run.fold()
    while True:
        move = run.next()
        if run.draining and isinstance(move, moves.Perform):
            yield run.stop(None)
            return
        match move:
            case moves.Perform(tasks=tasks):
                yield Started(tasks)
                known = {task.id: task for task in tasks}
                async for entries in hands.loop(run.jobs(tasks), run.workers):
                    yield run.take(entries, known)
                run.fold()
            case moves.Commit():
                committed = run.commit()
                if committed is not None:
                    yield committed
            case moves.Wait() | moves.Finish() | moves.Fail():
                yield run.stop(move)
                return
            case _:
                assert_never(move)
