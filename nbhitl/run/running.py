"""`Run`: one call of a graph. Holds the position between two moves, and writes down what happens.

What the two drivers share stands here; it knows no colour, sync or async.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeAlias, assert_never

from nbhitl.engine import edits, ids, moves
from nbhitl.engine.breakpoints import Rules
from nbhitl.engine.description import ROOT, Graph, Node
from nbhitl.engine.errors import AlreadyAnsweredError, SaverError, UnstorableValueError
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import (
    EMPTY,
    MISSING,
    START,
    Answered,
    Asked,
    Checkpoint,
    Continued,
    Entry,
    Failed,
    Kept,
    Position,
    Stopped,
    StopReason,
    Task,
    ThreadKey,
    Wrote,
)
from nbhitl.run.claims import Claim
from nbhitl.run.context import Beat, TaskContext
from nbhitl.run.streams.pipe import Pipe
from nbhitl.run.world import (
    DEFAULT_CONCURRENCY,
    Committed,
    Durability,
    Ended,
    Event,
    Outlet,
    RunControl,
    Started,
    World,
)

Listener: TypeAlias = "Callable[[Run, Event], None]"

_START_NODE: Final = Node(START, lambda values: values.get(ROOT, values) if isinstance(values, Mapping) else values)
"""Merges the input, which has been unpacked already; where the state is one value, that is packed again."""
_NO_CODE: Final[tuple[Mapping[str, str], str]] = (EMPTY, "")


class Run:
    """One call of a graph: holds the position between two moves, and writes what happens into the saver.

    ``parent`` is the run of the graph whose node called this one, for a sub-graph.
    """

    no_memory = (
        "the graph was compiled without a checkpointer; use compile(checkpointer=InMemorySaver()) and give a thread_id"
    )
    """Why nothing can pause here, in words."""
    listener: Listener | None = None
    """Told what happens in this run's sub-graphs, and in theirs."""
    calls: Listener | None = None
    """Told what happens in calls of a `@task`, where nobody is told of all sub-graphs."""
    anchor: Callable[[str], None] | None = None
    """Of a sub-graph's run: lets the graph that called it remember, durably, at which checkpoint it stands."""
    who = ""
    """Who writes in place of the nodes, in words: an edit is no fault of theirs."""
    context: Any = None
    """What the caller gave as ``context=``: for all nodes, those of sub-graphs included."""
    outlet: Outlet | None = None
    """Where bodies stream to; None: nobody watches."""
    pipe: Pipe | None = None
    """Through which what happens while its bodies run reaches whoever drives it; None: they run where it is driven."""
    awaited = False
    """Whether it is driven on a loop."""
    given: tuple[tuple[Any, ...], Mapping[str, Any]] = ((), EMPTY)
    """Of the run of a `@task`: the arguments of its call, which need not be storable."""
    beat: Beat | None = None
    """Of a sub-graph's run: tells whoever watches over the time of the node that called it."""
    left = False
    """Whether whoever drove it has gone: what still waits, waits in vain."""
    debug = False
    expires = True
    """Whether deadlines pass: not while recorded answers are given again."""
    watched = True
    """Whether anybody looks at the events: a call that only wants the result does not pay for them."""

    def __init__(
        self,
        graph: Graph,
        key: ThreadKey,
        rules: Rules,
        world: World,
        config: Mapping[str, Any] = EMPTY,
        control: RunControl | None = None,
        durability: Durability = "async",
        parent: Run | None = None,
    ) -> None:
        self.graph, self.key, self.rules, self.world = graph, key, rules, world
        self.config, self.control, self.durability, self.parent = config, control, durability, parent
        self.position: Position
        self.failures: tuple[Failed, ...] = ()
        self.claim: Claim | None = None
        """The right to work on the thread, until `release`."""
        self._lock = threading.Lock()
        self._run_id = world.ids.run() if parent is None else parent.next_run_id()
        self._runs = 0
        self._count = 0
        self._news: list[Entry] = []
        self._open = 0
        """How many tasks are being performed."""
        self._late: Wrote | None = None
        """The write of the step's last task: it travels with the checkpoint that follows."""
        self._unsaved: list[Entry] | None = None
        """With durability ``exit``: what happened at a checkpoint that is not saved yet."""
        self._saved: str | None = None
        """The newest checkpoint that is saved: with durability ``exit`` the parent of the next one."""
        self._changed: dict[str, None] = {}
        limit = config.get("max_concurrency")
        self.workers: int = limit if isinstance(limit, int) and limit > 0 else DEFAULT_CONCURRENCY
        self.codes: dict[int, tuple[Mapping[str, str], str]] = {} if parent is None else parent.codes
        """The code of every graph of the whole run, by the graph's identity."""
        if parent is not None:
            self.listener, self.calls, self.debug = parent.listener, parent.calls, parent.debug
            self.context, self.outlet = parent.context, parent.outlet
        self.code: Mapping[str, str]
        self.code, self.digest = _NO_CODE if world.saver is None else self._coded(world.saver)

    @property
    def remembered_above(self) -> bool:
        """Whether a graph that calls this one has a checkpointer."""
        return self.parent is not None and (self.parent.world.saver is not None or self.parent.remembered_above)

    @property
    def shown_in(self) -> str:
        """The namespace in which a stream shows what happens here: what a `@task` does, its caller does."""
        return self.key.ns if self.parent is None or not self.graph.called else self.parent.shown_in

    @property
    def leaving(self) -> bool:
        """Whether nothing new should begin: it was asked to stop, or whoever drives it has gone."""
        if self.left or (self.control is not None and self.control.drain_requested):
            return True
        return self.parent is not None and self.parent.leaving

    def _coded(self, saver: Saver) -> tuple[Mapping[str, str], str]:
        """The fingerprints of the graph's nodes, and what checkpoints call them."""
        known = self.codes.get(id(self.graph))  # a sub-graph may be called a thousand times
        if known is None:
            known = self.codes[id(self.graph)] = self.graph.code()
            saver.remember_code(known[1], known[0])
        return known

    # -- where to begin

    def next_run_id(self) -> str:
        """An id for the run of a sub-graph: unique, as this one's is."""
        with self._lock:
            self._runs += 1
            return f"{self._run_id}.{self._runs}"

    def new_id(self) -> str:
        """The id of this run's next checkpoint."""
        self._count += 1
        return ids.checkpoint_id(self._run_id, self._count)

    def start(
        self, values: Any, previous: Position | None, id: str = "", memory: Mapping[str, str] | None = None
    ) -> None:
        """Take new input, on a new thread or behind a finished one; ``memory`` is that of the graph that calls."""
        checkpoint = moves.begin(
            self.graph,
            values,
            previous=None if previous is None else previous.checkpoint,
            id=id or self.new_id(),
            at=self.world.clock.now(),
            code=self.digest,
            children=moves.memories(previous) if memory is None and previous is not None else memory,
        )
        self.enter(checkpoint)

    def resume(self, position: Position, answers: Sequence[Answered] = ()) -> None:
        """Go on from where a thread stands; ``answers`` are news to it."""
        self.position = position
        self._saved = position.checkpoint.id
        self.note([*answers, Continued(self.world.clock.now())])
        if "callbacks" in self.config:
            from nbhitl.run.callbacks import resumed  # loaded where there is somebody to call

            resumed(self)

    def fork(self, position: Position, answers: Mapping[str, Answered] | None = None, id: str = "") -> None:
        """Go on from an old checkpoint, on a branch of its own; ``answers`` are new ones to its questions."""
        now = self.world.clock.now()
        same = answers is not None
        checkpoint = edits.branch(position.checkpoint, id=id or self.new_id(), at=now, code=self.digest, same=same)
        entries = [] if answers is None else edits.rebase(position, checkpoint, answers)
        self.enter(checkpoint, [*entries, Continued(now, passed=True)])

    def enter(self, checkpoint: Checkpoint, entries: Sequence[Entry] = (), *, keep: bool = False) -> None:
        """Begin at a checkpoint that nobody has seen, with what happened there already. ``keep``: make it durable."""
        self._saved = checkpoint.parent
        if (
            self.durability == "exit"
            and self.world.saver is not None
            and (keep or any(isinstance(e, Answered) for e in entries))
        ):
            self.world.saver.commit(self.key, self._stored(checkpoint), self._tracked(entries), wait=True)
            self._saved = checkpoint.id
        else:
            self._commit(checkpoint, entries, wait=bool(entries))
        self.position = Position(checkpoint).after(entries)

    # -- one move

    def step(self, tell: Callable[[Event], None] | None) -> list[TaskContext] | None:
        """Do all that needs no hands; what has to be performed then, or None when the run has stopped.

        ``tell`` hears what happens; None when nobody looks on.
        """
        self.fold()
        while True:
            move = moves.Fail(self.failures) if self.failures else self._next()
            match move:
                case moves.Perform(tasks=tasks):
                    if self.control is not None and self.control.drain_requested:
                        self._end(None, tell)
                        return None
                    if tell is None and self._silent(tasks):
                        continue
                    if tell is not None:
                        tell(Started(tasks))
                    return self._jobs(tasks)
                case moves.Commit():
                    committed = self._merge()
                    if committed is not None and tell is not None:
                        tell(committed)
                case moves.Hold(held=held):
                    self.note(held)
                    self.fold()
                case moves.Expire(questions=questions):
                    self._expire(questions)
                case moves.Wait() | moves.Finish() | moves.Fail():
                    self._end(move, tell)
                    return None
                case _:
                    assert_never(move)

    def _end(self, move: moves.Wait | moves.Finish | moves.Fail | None, tell: Callable[[Event], None] | None) -> None:
        stopped = self.stop(move)
        if tell is not None:
            tell(stopped)

    def _silent(self, tasks: tuple[Task, ...]) -> bool:
        """Take input without hands, where nobody looks on and no router has to be asked; whether that could be done."""
        start = tasks[0]
        if start.node != START or START in self.graph.routers or type(start.arg) is not dict:
            return False
        wrote = Wrote(start.id, tuple(start.arg.items()))
        if self._waits:
            self._late = wrote
            self._news.append(wrote)
        else:
            self.note([wrote])
        self.fold()
        return True

    @property
    def _waits(self) -> bool:
        """Whether the last write of a step may wait for the step's commit: with ``exit`` that may never be written."""
        return self.durability != "exit" and self.world.saver is not None

    def _next(self) -> moves.Move:
        # Deadlines are the business of the outermost run: people answer there.
        waits = self.expires and self.position.parked and self.parent is None
        now = self.world.clock.now() if waits else 0
        return moves.next_move(self.graph, self.position, self.rules, now)

    def _jobs(self, tasks: Sequence[Task]) -> list[TaskContext]:
        nodes, position = self.graph.nodes, self.position
        self._open = len(tasks)
        return [TaskContext(self, nodes[t.node] if t.node != START else _START_NODE, t, position) for t in tasks]

    def take(self, job: TaskContext, entries: tuple[Entry, ...]) -> Ended:
        """Remember what came of one task: no entries where its sub-graph was asked to stop before its next node."""
        task = job.task
        self._open -= 1
        first = entries[0] if entries else None
        if len(entries) == 1 and type(first) is Wrote and not self._open and self._waits:
            self._late = first
            self._news.append(first)
            return Ended(task, entries)
        try:
            self.note(entries, wait=any(isinstance(entry, Asked) for entry in entries))
        except UnstorableValueError as error:
            entries = self._unstorable(task, error)
        return Ended(task, entries)

    def _unstorable(self, task: Task, error: UnstorableValueError) -> tuple[Entry, ...]:
        """Remember that what came of a task cannot be stored."""
        error.add_note(f"in node {task.node!r}")
        entries = (Failed(task.id, type(error).__name__, str(error), error),)
        self.note(entries)
        return entries

    def fold(self) -> None:
        """Bring the position up to date with what was taken."""
        if self._news:
            news, self._news = self._news, []
            self.position = self.position.after(news)

    def _merge(self) -> Committed | None:
        """Merge and move on; None when a reducer raised (the next move then says Fail)."""
        now = self.world.clock.now()
        try:
            checkpoint = moves.commit(self.graph, self.position, id=self.new_id(), at=now, code=self.digest)
            self._commit(checkpoint, wait=self.durability == "sync")
        except Exception as error:
            if isinstance(error, SaverError) and not isinstance(error, UnstorableValueError):
                raise  # no reducer's fault: the place where runs are remembered is gone
            if self._keep_late():
                self.failures = (Failed("", type(error).__name__, str(error), error),)
            return None
        self.position = Position(checkpoint)
        return Committed(checkpoint)

    def _keep_late(self) -> bool:
        """Write what was to travel with a checkpoint; False when that cannot be stored, and its task has failed."""
        late = self._late
        if late is None:
            return True
        try:
            self._write_late()
        except UnstorableValueError as error:
            others = {id: wrote for id, wrote in self.position.wrote.items() if id != late.task}
            self.position = replace(self.position, wrote=others)
            self._unstorable(next(t for t in self.position.checkpoint.tasks if t.id == late.task), error)
            self.fold()
            return False
        return True

    def _expire(self, questions: Sequence[Asked]) -> None:
        now = self.world.clock.now()
        for question in questions:
            value = None if question.default is MISSING else question.default
            answer = Answered(question.id, value, via="deadline", at=now)
            if self.world.saver is not None:
                try:
                    self.world.saver.answer(self.key, self.position.checkpoint.id, [answer])
                except AlreadyAnsweredError as error:  # somebody was just in time
                    answer = error.answered
            self.position = self.position.after([answer])

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
        stopped = Stopped(reason, text, self.world.clock.now(), self.code)
        # What a sub-graph did is durable with the step of its parent; what a person hears of is durable before.
        self.note([stopped], wait=self.parent is None)
        self.fold()
        if self.parent is None and reason in ("interrupted", "breakpoint") and "callbacks" in self.config:
            from nbhitl.run.callbacks import paused  # loaded where there is somebody to call

            paused(self, stopped)
        return stopped

    def settle(self) -> None:
        """Go to the next checkpoint, if all of the step is done."""
        if isinstance(self._next(), moves.Commit):
            self._merge()

    def leave(self) -> None:
        """Whoever looked on has gone: finish the step if all of it is done, and stop before the next one."""
        self.left = True
        self.fold()
        if self.position.stopped is not None or self.failures:
            return
        self.settle()
        if self.control is None:
            self.control = RunControl()
            self.control.request_drain("its stream was left; it can be continued")
        self.stop(None)

    def release(self) -> None:
        """Let others work on the thread."""
        if self.claim is not None:
            self.claim.release()

    def _where(self, failed: Failed) -> str:
        node = next((t.node for t in self.position.checkpoint.tasks if t.id == failed.task), None)
        return f"{node} failed: " if node else ""

    # -- writing down

    def note(self, entries: Sequence[Entry], *, wait: bool = False) -> None:
        """Remember what happened at this checkpoint. Called by bodies too, from any thread."""
        saver = self.world.saver
        if saver is not None and entries:
            self._write_late()
            tracked = self._tracked(entries)
            if self.anchor is not None and self.durability == "exit" and any(type(entry) is Kept for entry in entries):
                self.anchor(self.position.checkpoint.id)  # or nobody would find the effect again
            if self._unsaved is None:
                saver.append(self.key, self.position.checkpoint.id, tracked, wait=wait)
            else:
                self._hold_back(saver, tracked, wait=wait)
        self._news.extend(entries)

    def _write_late(self) -> None:
        """Something else happens at this checkpoint first, or it is left: the write that waited is written now.

        Without the run's lock: a write waits only when no other task is at work, so nobody else can be here.
        """
        late, self._late = self._late, None
        if late is not None and self.world.saver is not None:
            self.world.saver.append(self.key, self.position.checkpoint.id, self._tracked([late]), wait=False)

    def rescue(self, outcomes: Iterable[tuple[TaskContext, tuple[Entry, ...]]] = ()) -> None:
        """Something broke in, Ctrl-C for example: what tasks have written by then is not lost."""
        self.left = True
        with suppress(SaverError):
            self.keep(outcomes)
            self._write_late()

    def keep(self, outcomes: Iterable[tuple[TaskContext, tuple[Entry, ...]]]) -> None:
        """Remember what came of tasks that nobody looks on at any more."""
        for job, entries in outcomes:
            self.take(job, entries)

    def _hold_back(self, saver: Saver, entries: Sequence[Entry], *, wait: bool) -> None:
        """Durability ``exit``: nothing of a step is saved until something in it has to be, or the run stops."""
        with self._lock:
            unsaved = self._unsaved
            if unsaved is None:  # another thread was first
                saver.append(self.key, self.position.checkpoint.id, entries, wait=wait)
                return
            if not wait and not any(isinstance(entry, (Asked, Kept, Stopped)) for entry in entries):
                unsaved.extend(entries)
                return
            changed = tuple(self._changed)  # since the checkpoint that is saved
            checkpoint = self._stored(replace(self.position.checkpoint, parent=self._saved, changed=changed))
            saver.commit(self.key, checkpoint, [*unsaved, *entries], wait=wait)
            self._saved, self._unsaved = checkpoint.id, None
            self._changed.clear()

    def save(self) -> None:
        """Durability ``exit``: save the step that is under way, and what leads to it in the graphs above."""
        if self.world.saver is None:
            return
        if self.anchor is not None:
            self.anchor(self.position.checkpoint.id)
        if self._unsaved is not None:
            self._hold_back(self.world.saver, [], wait=True)

    def _commit(self, checkpoint: Checkpoint, entries: Sequence[Entry] = (), *, wait: bool) -> None:
        saver = self.world.saver
        if saver is None:
            return
        if self.durability == "exit":
            self._unsaved = list(self._tracked(entries))
            self._changed.update(dict.fromkeys(checkpoint.changed))
            return
        graph, late = self.graph, self._late
        self._late = None  # a Ctrl-C that strikes from here on finds it written, or nobody's
        written = late
        if late is not None and graph.untracked:
            late = self._tracked_write(late)
        try:
            saver.commit(
                self.key,
                self._stored(checkpoint),
                self._tracked(entries),
                wrote=late,
                joined=graph.joined,
                wait=wait,
            )
        except Exception:
            self._late = written
            raise

    def _stored(self, checkpoint: Checkpoint) -> Checkpoint:
        """A checkpoint without the values that are never stored."""
        hidden = self.graph.untracked
        if not hidden:
            return checkpoint
        tasks = tuple(
            replace(task, arg={k: v for k, v in task.arg.items() if k not in hidden})
            if task.node == START and isinstance(task.arg, Mapping)
            else task
            for task in checkpoint.tasks
        )
        return replace(checkpoint, values={k: v for k, v in checkpoint.values.items() if k not in hidden}, tasks=tasks)

    def _tracked(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Entries without the values that are never stored."""
        hidden = self.graph.untracked
        if not hidden:
            return entries
        return [self._tracked_write(entry) if isinstance(entry, Wrote) else entry for entry in entries]

    def _tracked_write(self, wrote: Wrote) -> Wrote:
        hidden = self.graph.untracked
        return replace(wrote, updates=tuple(pair for pair in wrote.updates if pair[0] not in hidden))
