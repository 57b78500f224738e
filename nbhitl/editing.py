"""Writing into a thread from outside: ``update_state`` and ``bulk_update_state``, in a graph or in a sub-graph of it.

Performs no node, but the routers of the node that counts as the writer do run, so they may be async.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nbhitl.calls import Calls, Config
from nbhitl.engine import edits, moves
from nbhitl.engine.breakpoints import Rules
from nbhitl.engine.commands import StateUpdate
from nbhitl.engine.description import ByKey, Node
from nbhitl.engine.errors import InvalidUpdateError, NbhitlError, UnknownThreadError
from nbhitl.engine.records import END, START, Entry, Failed, Position, Task, ThreadKey, Wrote
from nbhitl.grafts import tell_parents
from nbhitl.nesting import path_of
from nbhitl.run import hands
from nbhitl.run.claims import Claim
from nbhitl.run.context import TaskContext
from nbhitl.run.running import Run
from nbhitl.state_snapshot import config_of
from nbhitl.subgraphs import graph_at, nodes_told

COPY = "__copy__"
"""As ``as_node``: make a branch of the checkpoint, and change nothing."""
INPUT = "__input__"
"""As ``as_node``: the values are new input."""


def within(calls: Calls, key: ThreadKey, position: Position | None) -> Calls:
    """The calls of the sub-graph that a namespace names. Raises `NbhitlError` where no node names it."""
    if not key.ns:
        return calls
    names = set() if position is None else nodes_told(position.checkpoint)
    graph = graph_at(calls.graph, [node for node, _, _ in path_of(key.ns)], names)
    if graph is None:
        raise NbhitlError(f"no node of the graph names the sub-graph of {key.ns!r}, so nothing can be written into it.")
    return replace(calls, graph=graph, interrupt_before=frozenset(), interrupt_after=frozenset())


@dataclass(slots=True)
class Edit:
    """Super-steps of updates for one thread: perform each of `jobs`, give the outcome to `write`, end with `done`."""

    calls: Calls
    run: Run
    steps: Sequence[Sequence[StateUpdate]]

    def jobs(self, step: Sequence[StateUpdate]) -> Iterator[TaskContext]:
        """What one super-step's updates come to: each a job that writes what it was given, and routes."""
        for number, update in enumerate(step):
            yield self._job(update, number)

    def _job(self, update: StateUpdate, number: int) -> TaskContext:
        position, graph = self.run.position, self.run.graph
        node = update.as_node
        if update.task_id is not None:
            task = next((t for t in position.checkpoint.tasks if t.id == update.task_id), None)
            if task is None:
                known = ", ".join(t.id for t in position.checkpoint.tasks)
                raise InvalidUpdateError(
                    f"update_state(task_id={update.task_id!r}): the due tasks are {known or 'none'}."
                )
            node = node or task.node
        if not node and graph.direct and not isinstance(update.values, ByKey):
            (node,) = graph.nodes  # the result of a function: it has returned
        node = node or last_writer(self.run)
        if node not in (START, END):
            graph.expect([node], "update_state(as_node=...)")
        task = Task(update.task_id or f"{position.checkpoint.id}:update:{number}", node)
        values = update.values
        # What is written into an entrypoint is its result, whatever it is.
        writer = Node(node, lambda state: values, pack=graph.unpacked if graph.direct else None)
        return TaskContext(self.run, writer, task, position)

    def write(self, outcomes: Sequence[tuple[TaskContext, hands.Entries]]) -> None:
        """Commit one super-step."""
        writers = [(job.task.node, _wrote(job, entries)) for job, entries in outcomes]
        run = self.run
        checkpoint, entries = edits.edit(
            run.graph, run.position, writers, id=run.new_id(), at=run.world.clock.now(), code=run.digest
        )
        self._enter(run, replace(checkpoint, parent=checkpoint.parent or None), entries)

    def special(self, step: Sequence[StateUpdate]) -> bool:
        """Commit a super-step that has no writer: a copy, or new input. False for any other."""
        names = {update.as_node for update in step} & {COPY, INPUT}
        if not names:
            return False
        if len(step) > 1:
            raise InvalidUpdateError(f"bulk_update_state: as_node={names.pop()!r} stands alone in its super-step.")
        if COPY in names:
            self.copy()
        else:
            self.take_input(step[0].values)
        return True

    def copy(self) -> None:
        """A branch of the checkpoint, with nothing changed."""
        run = self.run
        now, position = run.world.clock.now(), run.position
        # What is over is about to be done again; where nothing has happened, there is nothing to carry.
        over = position.untouched or len(position.wrote) == len(position.checkpoint.tasks)
        checkpoint = edits.branch(position.checkpoint, id=run.new_id(), at=now, code=run.digest, same=not over)
        self._enter(run, checkpoint, [] if over else edits.rebase(position, checkpoint, {}))

    def take_input(self, values: Any) -> None:
        """New input, which the next call merges."""
        run = self.run
        given = self.calls.accept(values)
        self.calls.refuse_pending(run.key, run.position)
        now, previous = run.world.clock.now(), run.position.checkpoint
        checkpoint = moves.begin(
            run.graph, given, previous=previous if previous.id else None, id=run.new_id(), at=now, code=run.digest
        )
        run.enter(checkpoint, keep=True)

    def _enter(self, run: Run, checkpoint: Any, entries: list[Entry]) -> None:
        stopped = run.position.stopped
        made = Position(checkpoint).after(entries)
        # Whoever edits the state at a breakpoint still stands at it, and passes it by going on.
        at_breakpoint = stopped is not None and stopped.reason == "breakpoint" and bool(checkpoint.tasks)
        carried: list[Entry] = [stopped] if stopped is not None and (at_breakpoint or made.pending) else []
        run.enter(checkpoint, [*entries, *carried])

    def done(self) -> dict[str, Any]:
        """The config of the newest checkpoint. What waits for a sub-graph is told of its edit."""
        run = self.run
        saver = self.calls.saver()
        saver.flush()
        if run.key.ns:
            tell_parents(saver, run.key, run.position)
        return config_of(run.key, run.position.checkpoint.id)


def editing(calls: Calls, config: Config, steps: Sequence[Sequence[StateUpdate]], claim: Claim) -> Edit:
    """An edit of the thread (or of the sub-graph) that a config names, which is ours until ``claim`` is released.

    Raises:
        ThreadBusyError: the thread is being run: what was written would be lost on a branch.
    """
    claim.take(calls.saver(), replace(calls.key(config), ns=""))
    key, position = calls.find(config)
    inner = within(calls, key, position)
    if position is None and key.ns:
        raise UnknownThreadError(f"thread {key} has no sub-graph at {key.ns!r} to write into.")
    run = Run(inner.graph, key, Rules(0), calls.world, config)
    run.context = calls.context  # for routers
    if position is None:
        # Never committed: only a place to start from.
        fresh = moves.begin(inner.graph, {}, previous=None, id="", at=0)
        position = Position(fresh)
        if not inner.graph.direct:
            steps = [[_at_start(update) for update in step] for step in steps]
    run.position, run.who = position, "update_state"
    if not calls.is_old(key, position, config):
        run.settle()  # killed between the last write of a step and its commit: what was written counts
    return Edit(calls, run, steps)


def _at_start(update: StateUpdate) -> StateUpdate:
    return update if update.as_node else update._replace(as_node=START)


def _wrote(job: TaskContext, entries: Sequence[Entry]) -> Wrote:
    entry = entries[0] if entries else None
    if isinstance(entry, Failed) and entry.exception is not None:
        raise entry.exception
    if not isinstance(entry, Wrote):
        raise InvalidUpdateError(f"update_state as {job.task.node!r}: its router asked a question instead of routing.")
    return entry


def last_writer(run: Run) -> str:
    """The node that counts as the writer when none is named. Raises `InvalidUpdateError` where that cannot be told."""
    if END in run.position.checkpoint.ran:  # somebody has ended the run: it stays so
        return END
    ran = [node for node in run.position.checkpoint.ran if node in run.graph.nodes]
    if len(ran) == 1:
        return ran[0]
    if not ran:
        return START
    raise InvalidUpdateError(
        f"update_state: {', '.join(ran)} ran in the last step, so say which one counts as the writer: as_node=."
    )


def steps_of(supersteps: Any) -> list[list[StateUpdate]]:
    """What ``bulk_update_state`` was given, checked. Raises `InvalidUpdateError`."""
    found = [list(step) for step in supersteps]
    if not found or not all(found):
        raise InvalidUpdateError("bulk_update_state takes at least one super-step, each with at least one StateUpdate.")
    for step in found:
        for update in step:
            if not isinstance(update, tuple) or not 2 <= len(update) <= 3:
                raise InvalidUpdateError(f"bulk_update_state: {update!r:.60} is no StateUpdate(values, as_node).")
    return [[StateUpdate(*update) for update in step] for step in found]
