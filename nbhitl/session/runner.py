"""`Runner`: runs one thread of one graph, looks at it and takes answers. What a debugger does stands beside."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice, takewhile
from typing import Any

from nbhitl.calls import CallOptions
from nbhitl.compiled import CompiledGraph
from nbhitl.debugging.debugger import Debugger
from nbhitl.debugging.lineage import genuine
from nbhitl.debugging.step import Step
from nbhitl.engine.description import Graph
from nbhitl.engine.errors import (
    AlreadyAnsweredError,
    AnswerRefused,
    NbhitlError,
    ThreadBusyError,
    UnknownInterruptError,
    did_you_mean,
)
from nbhitl.engine.fingerprints import changes
from nbhitl.engine.ids import digest
from nbhitl.engine.ports import Saver
from nbhitl.engine.questions import match_answers
from nbhitl.engine.records import EMPTY, Answered, Asked, Position, Stopped, ThreadKey
from nbhitl.outcomes import Outcome, attribution, outcome_of
from nbhitl.run.claims import Claim
from nbhitl.run.drive import adrive, drive
from nbhitl.run.hands import has_async
from nbhitl.run.running import Run
from nbhitl.run.streams.langchain import heard
from nbhitl.run.streams.told import Told
from nbhitl.run.world import Event, RunControl
from nbhitl.scripts.recording import Recording, input_of, recording
from nbhitl.scripts.script import paths
from nbhitl.scripts.sources import Source
from nbhitl.stand_ins import following
from nbhitl.state_snapshot import StateSnapshot, config_of
from nbhitl.subgraphs import walk

Watcher = Callable[["Runner", Event], None]
LOOK_BACK = 100
"""Checkpoints that are looked at for what became of a question."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of several answers that were given at once."""

    recorded: tuple[Answered, ...]
    refused: Mapping[str, NbhitlError]
    """The id of each question whose answer was not taken, and why: `AnswerRefused`, or that it is not open."""


class Runner:
    """Runs one thread of one graph, one call at a time, and tells a watcher what happens.

    Args:
        compiled: a graph with a checkpointer.
        thread: the thread's id.
        watch: called with each event, on the thread that runs the graph; with `Emitted` on that of the body.
        context: for the nodes, see `nbhitl.Runtime`; it is not stored, and counts for each call of this session.
    """

    def __init__(
        self, compiled: CompiledGraph, thread: str, watch: Watcher | None = None, *, context: Any = None
    ) -> None:
        if compiled.checkpointer is None:
            raise NbhitlError("a session needs a graph with a checkpointer: compile(checkpointer=...).")
        self.compiled = compiled if context is None else compiled.with_context(context)
        self.saver: Saver = compiled.checkpointer
        self.thread = thread
        self.watch = watch
        self.key = ThreadKey(thread, compiled.scope)
        self.config = config_of(self.key)
        self.failure: BaseException | None = None
        """What the last call's first failed node raised."""
        self.debugger: Debugger | None = None
        """Who holds its tasks."""
        self.run: Run | None = None
        """The call that is at work; None between calls."""
        self.source: Source | None = None
        """Where the graph's code stands, if whoever made the session knows: see `Replaying`."""
        self._busy = threading.Lock()
        self._control = RunControl()

    @property
    def name(self) -> str:
        """The graph's name."""
        return self.compiled.name

    @property
    def graph(self) -> Graph:
        """The graph as a frozen value."""
        return self.compiled.graph

    @property
    def context(self) -> Any:
        """For the nodes, see `nbhitl.Runtime`. Setting it raises `NbhitlError` where it does not fit the schema."""
        return self.compiled.calls.context

    @context.setter
    def context(self, context: Any) -> None:
        self.compiled = self.compiled.with_context(context)

    # -- looking

    @property
    def position(self) -> Position | None:
        """Where the thread stands; None before its first run."""
        run = self.run  # it may end while we look
        return run.position if run is not None else self.saver.load(self.key)

    def state(self) -> StateSnapshot:
        """Values, next nodes, open questions and stop reason."""
        return self.compiled.get_state(self.config)

    def history(self, limit: int | None = None) -> list[StateSnapshot]:
        """The checkpoints of all branches, newest first, at most ``limit``."""
        return list(self.compiled.get_state_history(self.config, limit=limit))

    def pending(self) -> tuple[Asked, ...]:
        """Open questions, with their live schema where it can be found again after a restart."""
        position = self.position
        return () if position is None else self.compiled.calls.open_questions(position)

    def node_of(self, question: Asked) -> str:
        """The node that asks."""
        position = self.position
        tasks = position.checkpoint.tasks if position is not None else ()
        return question.node or next((t.node for t in tasks if t.id == question.task), "")

    def branch(self) -> Iterator[Position]:
        """The positions that led to where the thread stands, newest first; other branches are left out."""
        wanted: str | None = None
        for position in self.saver.history(self.key):
            if wanted is None or position.checkpoint.id == wanted:
                yield position
                wanted = position.checkpoint.parent
                if wanted is None:
                    return

    def answers(self) -> list[tuple[str, Asked, Answered]]:
        """The answers on this branch, oldest first: the node that asked, the question, the answer."""
        found = []
        for position in genuine(self.branch()):
            nodes = {task.id: task.node for task in position.checkpoint.tasks}
            asked = [question for several in position.asked.values() for question in several]
            told = [(q.node or nodes[q.task], q, position.answers[q.id]) for q in asked if q.id in position.answers]
            found += told[::-1]
        return found[::-1]

    def outcome(self, id: str, since: str | None = None) -> Outcome:
        """What became of a question: open, answered (by whom), expired, superseded, or closed by other means.

        Args:
            id: the question.
            since: the checkpoint at which it was seen open, where the thread may have left that branch.
        """
        past = islice(takewhile(lambda position: position.checkpoint.id != since, self.branch()), LOOK_BACK)
        then = (found for found in [self.saver.load(self.key, since)] if found is not None) if since else ()
        return outcome_of(id, chain(past, then))

    def recording(self) -> Recording:
        """How this branch went: its inputs, answers and the nodes that ran."""
        return recording(self.branch(), self.graph.takes)

    def path(self) -> list[str]:
        """The nodes that ran on this branch, in the order in which their writes were merged."""
        return self.recording().path

    def nodes(self) -> list[str]:
        """The names of the graph's nodes, and the paths of those in its sub-graphs: ``review/ask``."""
        inner = [(path, found.graph.nodes) for path, found in walk(self.graph, recurse=True)]
        return list(paths(self.graph.nodes, inner))

    def began_with(self, input: Any) -> bool:
        """Whether the newest input of this branch was equal to ``input``."""
        given = input if self.graph.takes else dict(input)
        for position in self.branch():
            if position.checkpoint.source == "input" and position.checkpoint.tasks:
                return digest(given) == digest(input_of(position, self.graph.takes))
        return False

    def changed_code(self) -> list[str]:
        """What differs in the code since the thread stopped: nodes (new and removed ones too), wiring, state keys.

        ``review (Verdict, limit)`` where the node itself is the same, and what these names mean is not. After a kill
        it is compared with the code that made the last checkpoint.
        """
        position = self.position
        if position is None:
            return []
        then = position.stopped.code if position.stopped is not None else None
        then = then or self.saver.code(position.checkpoint.code)
        return changes(then, self.graph.fingerprints()) if then else []

    # -- moving

    def go(
        self,
        input: Any = None,
        *,
        restart: bool = False,
        control: RunControl | None = None,
        rename: Mapping[str, str] = EMPTY,
        step: Step | None = None,
    ) -> Stopped:
        """Run on the calling thread until the graph finishes, asks, stops or fails; why it stopped.

        Args:
            input: new input, keys of the state, or of an entrypoint any value; None goes on where the thread stands.
            restart: new input starts over on a new branch, even while a question waits.
            control: asks the run to stop; one of its own by default, see `pause`.
            rename: ``{old: new}`` names of nodes that were renamed since the thread stopped.
            step: how far to go; by default until something else stops the run.

        Raises:
            ThreadBusyError: this session is at work already.
            NbhitlError: as ``CompiledGraph.invoke``. What a node raises is not raised: it is in `failure`.
        """
        if not self._busy.acquire(blocking=False):
            raise ThreadBusyError(f"thread {self.key} is being run already. Wait for it, or stop it: %graph pause.")
        claim = Claim()
        try:
            self._control = control or RunControl()
            self.debugger = self._debugger(step)
            options = CallOptions(
                debugger=self.debugger,
                durability="sync",
                control=self._control,
                restart=restart,
                rename=rename,
            )
            while True:
                self.run = self.compiled.calls.prepare(input, self.config, options, claim)
                stopped = self._drive(self.run)
                answered = following(self.compiled.calls, self.run, self.config, options)
                if answered is None:
                    return stopped
                input, _, options = answered
        finally:
            debugger = self.debugger
            try:
                if debugger is not None:  # whoever goes on next finds what it has counted
                    self._debugged(debugger)
            finally:
                claim.release()
                self.run = self.debugger = None
                self._busy.release()

    def _debugger(self, step: Step | None) -> Debugger | None:
        """Who holds the tasks of the next call."""
        return None if step is None else Debugger(step=step)

    def _debugged(self, debugger: Debugger) -> None:
        """Keep what is worth keeping of a debugger whose call has ended."""

    def pause(self, reason: str = "stopped on request") -> None:
        """Ask a run that is at work to stop before its next node."""
        self._control.request_drain(reason)

    @property
    def busy(self) -> bool:
        """Whether a run is at work."""
        return self._busy.locked()

    def answer(self, value: Any, *, id: str | None = None, by: str = "", via: str = "code", note: str = "") -> Answered:
        """Check and record an answer; `go` then takes the run on. The first answer wins.

        Args:
            value: the answer, as plain data or as an instance of the question's schema.
            id: which question; the only open one by default.
            by: who answers, as claimed.
            via: through what.
            note: a remark that is kept with the answer.

        Raises:
            AnswerRefused: it does not fit; nothing was recorded.
            UnknownInterruptError: no such question is open.
            AlreadyAnsweredError: somebody was first.
        """
        position = self.saver.load(self.key)
        if position is None or not (position.pending or id in position.answers):
            raise UnknownInterruptError(f"no question is open on thread {self.key}.")
        asked = self.compiled.calls.open_questions(position)
        options = CallOptions(by=by, via=via, note=note)
        given = match_answers(asked, value, position.superseded) if id is None else {self._open(position, id): value}
        if len(given) > 1:
            raise UnknownInterruptError(
                f"these are answers to {len(given)} questions, and answer() takes one: use answer_all({{id: answer}})."
            )
        answers = self.compiled.calls.check_answers(asked, given, options)
        self.saver.answer(self.key, position.checkpoint.id, answers)
        return answers[0]

    def answer_all(
        self, given: Mapping[str, Any], *, by: str = "", via: str = "code", note: str | Mapping[str, str] = ""
    ) -> Answers:
        """Check several answers and record those that fit, in one act; `go` then takes the run on once.

        Args:
            given: the questions' ids, each with its answer as `answer` takes it.
            by: who answers, as claimed.
            via: through what.
            note: a remark that is kept with each of them, or one by question id.

        Returns:
            What was recorded, and why each of the others was not: they leave their questions as they were.
        """
        checked: dict[str, Answered] = {}
        refused: dict[str, NbhitlError] = {}
        position = self.saver.load(self.key)
        asked = () if position is None else self.compiled.calls.open_questions(position)
        for id, value in given.items():
            try:
                if position is None:
                    raise UnknownInterruptError(f"no question is open on thread {self.key}.")
                self._open(position, id)
                options = CallOptions(by=by, via=via, note=note if isinstance(note, str) else note.get(id, ""))
                checked[id] = self.compiled.calls.check_answers(asked, {id: value}, options)[0]
            except (AnswerRefused, UnknownInterruptError) as error:
                refused[id] = error
        while checked and position is not None:
            try:
                self.saver.answer(self.key, position.checkpoint.id, list(checked.values()))
                break
            except UnknownInterruptError:  # somebody was first for one of them, just now: the others still count
                known, position = position, self.saver.load(self.key)
                late = self._late(position, checked)
                refused |= late
                checked = {id: answered for id, answered in checked.items() if id not in late}
                if not late and position is not None and position.checkpoint.id == known.checkpoint.id:
                    raise
        return Answers(tuple(checked.values()), refused)

    def _late(self, position: Position | None, given: Mapping[str, Answered]) -> dict[str, NbhitlError]:
        """Which questions are not open any more, and why."""
        late: dict[str, NbhitlError] = {}
        for id in given:
            try:
                if position is None:
                    raise UnknownInterruptError(f"thread {self.key} is gone.")
                self._open(position, id)
            except UnknownInterruptError as error:
                late[id] = error
        return late

    def _open(self, position: Position, id: str) -> str:
        """The id, if its question is open."""
        pending = {question.id for question in position.pending}
        if id in position.answers:
            found = position.answers[id]
            raise AlreadyAnsweredError(
                f"question {id} was answered already {attribution(found)}: {found.value!r:.80}.", found
            )
        if id in position.superseded:
            by = position.superseded[id]
            why = f"question {by} took its place" if by else "it was closed by an edit of the state"
            raise UnknownInterruptError(f"question {id} is no longer open: {why}.")
        if id not in pending:
            raise UnknownInterruptError(f"no open question has the id {id!r}.{did_you_mean(id, pending)}")
        return id

    def _drive(self, run: Run) -> Stopped:
        self.failure = None
        try:
            with self._spoken(run):
                if has_async(self.graph):
                    asyncio.run(self._consume(adrive(run)))
                else:
                    for event in drive(run):
                        self._tell(event)
        except KeyboardInterrupt:
            self._control.request_drain("interrupted; the node that was running starts again from its first line")
            self._tell(run.stop(None))
        except BaseException as error:
            self._control.request_drain(f"broken off by {type(error).__name__}; it can be continued")
            with contextlib.suppress(Exception):  # the place where runs are remembered may be what broke
                run.stop(None)
            raise
        if run.failures:
            self.failure = run.failures[0].exception or NbhitlError(run.failures[0].text)
        stopped = run.position.stopped
        if stopped is None:
            raise NbhitlError(f"the run of thread {self.key} ended without saying why; please report this.")
        return stopped

    def _spoken(self, run: Run) -> contextlib.AbstractContextManager[None]:
        """Let the watcher hear what bodies stream, while they run and on their threads."""
        if self.watch is None:
            return contextlib.nullcontext()
        run.outlet = Told(self._tell)
        return heard(run)

    async def _consume(self, events: AsyncIterator[Event]) -> None:
        ticks = asyncio.create_task(_tick())
        try:
            async for event in events:
                self._tell(event)
        finally:
            ticks.cancel()

    def _tell(self, event: Event) -> None:
        if self.watch is None:
            return
        try:
            self.watch(self, event)
        except Exception:  # noqa: BLE001 - whoever looks on must not break what goes on
            traceback.print_exc()


async def _tick() -> None:
    """Keep the loop turning, so that a Stop raised in its thread arrives while a node waits."""
    while True:
        await asyncio.sleep(0.2)
