"""`Session`: a graph, a thread and a saver; what a notebook holds. Knows nothing of notebooks itself."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nbhitl.calls import CallOptions
from nbhitl.compiled import CompiledGraph
from nbhitl.engine.description import Graph
from nbhitl.engine.errors import (
    AlreadyAnsweredError,
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
from nbhitl.run.claims import Claim
from nbhitl.run.drive import adrive, drive
from nbhitl.run.hands import has_async
from nbhitl.run.running import Run
from nbhitl.run.world import Event, RunControl
from nbhitl.state_snapshot import StateSnapshot, config_of

Watcher = Callable[["Session", Event], None]


class Session:
    """Runs one thread of one graph, one call at a time, and tells a watcher what happens.

    Args:
        compiled: a graph with a checkpointer.
        thread: the thread's id.
        watch: called with each event, on the thread that runs the graph.
    """

    def __init__(self, compiled: CompiledGraph, thread: str, watch: Watcher | None = None) -> None:
        if compiled.checkpointer is None:
            raise NbhitlError("a session needs a graph with a checkpointer: compile(checkpointer=...).")
        self.compiled = compiled
        self.saver: Saver = compiled.checkpointer
        self.thread = thread
        self.watch = watch
        self.key = ThreadKey(thread, compiled.scope)
        self.config = config_of(self.key)
        self.failure: BaseException | None = None
        """What the last call's first failed node raised."""
        self.run: Run | None = None
        """The call that is at work; None between calls."""
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
        for position in self.branch():
            nodes = {task.id: task.node for task in position.checkpoint.tasks}
            asked = [question for several in position.asked.values() for question in several]
            told = [(q.node or nodes[q.task], q, position.answers[q.id]) for q in asked if q.id in position.answers]
            found += told[::-1]
        return found[::-1]

    def began_with(self, input: Mapping[str, Any]) -> bool:
        """Whether the newest input of this branch was equal to ``input``."""
        for position in self.branch():
            checkpoint = position.checkpoint
            if checkpoint.source == "input" and checkpoint.tasks:
                return digest(dict(input)) == digest(dict(checkpoint.tasks[0].arg))
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

    # -- breakpoints: kept per graph, effective at once

    @property
    def breakpoints(self) -> dict[str, Any]:
        """Node name to how it stops there (``{"enabled": True}``)."""
        return dict(self.saver.breakpoints(self.name))

    def set_breakpoint(self, node: str, on: bool = True) -> None:
        """Set or remove the breakpoint before a node, also while the graph runs.

        Raises:
            UnknownNodeError: there is no such node.
        """
        self.graph.expect([node], "break")
        points = self.breakpoints
        if on:
            points[node] = {"enabled": True}
        else:
            points.pop(node, None)
        self.saver.set_breakpoints(self.name, points)
        run = self.run  # it may end while we look
        if run is not None:
            run.rules = replace(run.rules, hold_before=self._held(points))

    def toggle_breakpoint(self, node: str) -> bool:
        """Set the breakpoint before a node if there is none, else remove it; whether there is one now."""
        on = node not in self.breakpoints
        self.set_breakpoint(node, on)
        return on

    def _held(self, points: Mapping[str, Any]) -> frozenset[str]:
        # A breakpoint on a node that the graph no longer has is kept, and holds nothing.
        return frozenset(name for name in points if name.partition("/")[0] in self.graph.nodes)

    # -- moving

    def go(
        self,
        input: Mapping[str, Any] | None = None,
        *,
        restart: bool = False,
        control: RunControl | None = None,
        rename: Mapping[str, str] = EMPTY,
    ) -> Stopped:
        """Run on the calling thread until the graph finishes, asks, stops or fails; why it stopped.

        Args:
            input: new input; None goes on where the thread stands.
            restart: new input starts over on a new branch, even while a question waits.
            control: asks the run to stop; one of its own by default, see `pause`.
            rename: ``{old: new}`` names of nodes that were renamed since the thread stopped.

        Raises:
            ThreadBusyError: this session is at work already.
            NbhitlError: as ``CompiledGraph.invoke``. What a node raises is not raised: it is in `failure`.
        """
        if not self._busy.acquire(blocking=False):
            raise ThreadBusyError(f"thread {self.key} is being run already. Wait for it, or stop it: %graph pause.")
        claim = Claim()
        try:
            self._control = control or RunControl()
            options = CallOptions(
                hold_before=self._held(self.breakpoints),
                durability="sync",
                control=self._control,
                restart=restart,
                rename=rename,
            )
            self.run = self.compiled.calls.prepare(input, self.config, options, claim)
            return self._drive(self.run)
        finally:
            claim.release()
            self.run = None
            self._busy.release()

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
        answers = self.compiled.calls.check_answers(asked, given, options)
        self.saver.answer(self.key, position.checkpoint.id, answers)
        return answers[0]

    def _open(self, position: Position, id: str) -> str:
        """The id, if its question is open."""
        pending = {question.id for question in position.pending}
        if id in position.answers:
            found = position.answers[id]
            raise AlreadyAnsweredError(f"question {id} was answered already{_by(found)}: {found.value!r:.80}.", found)
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


def _by(answered: Answered) -> str:
    who = f" by {answered.by}" if answered.by else ""
    return f"{who} through {answered.via}" if answered.via else who


async def _tick() -> None:
    """Keep the loop turning, so that a Stop raised in its thread arrives while a node waits."""
    while True:
        await asyncio.sleep(0.2)
