"""The law of the house: where a thread stands decides what happens next.

`next_move` looks at a graph and a position and returns a move, an imperative: perform these tasks, commit,
wait, finish, fail. `begin`, `commit` and `branch` make the checkpoints. All are pure: reducers are the only
user code that runs in here, and only inside `commit` and `preview`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from nbhitl.engine import channels, ids
from nbhitl.engine.breakpoints import static_stop
from nbhitl.engine.description import Graph
from nbhitl.engine.errors import GraphChanged, GraphRecursionError, InvalidUpdateError, did_you_mean
from nbhitl.engine.records import (
    EMPTY,
    END,
    MISSING,
    START,
    Answered,
    Checkpoint,
    Entry,
    Failed,
    Position,
    Send,
    Source,
    StopReason,
    Task,
    Wrote,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What one call asks of the law."""

    last_step: int
    """No super-step after this one may begin."""
    before: frozenset[str] = frozenset()
    """Nodes with a static breakpoint before them."""
    after: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Perform:
    """Run these tasks now."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """All tasks have written: merge and go to the next checkpoint."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Hand control back: a person has to answer, or a breakpoint holds the run."""

    reason: StopReason
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Fail:
    """Tasks raised, and nothing else can be done in this call."""

    failures: tuple[Failed, ...]


Move: TypeAlias = Perform | Commit | Wait | Finish | Fail


def next_move(graph: Graph, position: Position, rules: Rules) -> Move:
    """What has to happen now. The whole control flow of a run is in here."""
    checkpoint = position.checkpoint
    held = static_stop(position, rules.before, rules.after)
    if held is not None:
        return Wait("breakpoint", held)
    if not checkpoint.tasks:
        return Finish()
    if position.untouched:
        if checkpoint.step >= rules.last_step:
            return Fail((_exhausted(checkpoint),))
        return _perform(graph, checkpoint.tasks)
    ready = tuple(
        task
        for task in checkpoint.tasks
        if task.id not in position.wrote and task.id not in position.parked and task.id not in position.failed
    )
    if ready:
        return _perform(graph, ready)
    if position.failed:
        return Fail(tuple(position.failed.values()))
    if position.parked:
        nodes = ", ".join(task.node for task in checkpoint.tasks if task.id in position.parked)
        count = len(position.pending)
        verb = "waits" if len(position.parked) == 1 else "wait"
        return Wait("interrupted", f"{nodes} {verb} for {'an answer' if count == 1 else f'{count} answers'}")
    return Commit()


def _under_way(graph: Graph, arrived: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    """Waiting edges that still wait: new input drops due tasks, and complete edges with them."""
    full = {edge.key for edge in graph.waiting if arrived.get(edge.key, frozenset()).issuperset(edge.sources)}
    return {key: seen for key, seen in arrived.items() if key not in full} if full else arrived


def _perform(graph: Graph, tasks: tuple[Task, ...]) -> Perform | Fail:
    """Perform ``tasks``, if the graph still has their nodes: it may have been edited since they became due."""
    gone = [task for task in tasks if task.node not in graph.nodes and task.node != START]
    if not gone:
        return Perform(tasks)
    return Fail(tuple(_gone(graph, task) for task in gone))


def _gone(graph: Graph, task: Task) -> Failed:
    text = (
        f"the run is about to run node {task.node!r}, which the graph no longer has."
        f"{did_you_mean(task.node, graph.nodes)} Give the node its name back, or start a new thread. Nothing was lost."
    )
    return Failed(task.id, "GraphChanged", text, GraphChanged(text))


def begin(graph: Graph, values: Mapping[str, Any], *, previous: Checkpoint | None, id: str, at: int) -> Checkpoint:
    """The checkpoint that takes new input: the START task carries it and merges it like any node's writes."""
    if previous is None:
        found = {name: channels.initial(channel) for name, channel in graph.channels.items()}
        state: Mapping[str, Any] = {name: value for name, value in found.items() if value is not MISSING}
    else:
        state = previous.values
    return Checkpoint(
        id=id,
        parent=None if previous is None else previous.id,
        step=-1 if previous is None else previous.step + 1,
        source="input",
        values=state,
        tasks=(Task(ids.task_id(id, 0), START, values),),
        changed=tuple(state) if previous is None else (),
        arrived=EMPTY if previous is None else _under_way(graph, previous.arrived),
        at=at,
    )


def commit(graph: Graph, position: Position, *, id: str, at: int) -> Checkpoint:
    """The next checkpoint: every task's writes merged in task order, and the tasks that follow from them.

    Raises:
        InvalidUpdateError: writes that cannot be merged. Whatever a reducer raises passes through.
    """
    checkpoint = position.checkpoint
    wrote = [(task.node, position.wrote[task.id]) for task in checkpoint.tasks]
    return _advance(graph, checkpoint, wrote, source="loop", id=id, at=at)


def update(graph: Graph, checkpoint: Checkpoint, node: str, wrote: Wrote, *, id: str, at: int) -> Checkpoint:
    """The checkpoint that follows when a person writes as ``node``: what comes after that node is due next.

    As in LangGraph, what was under way at ``checkpoint`` is not taken along. ``node`` may be `START` (the values
    count as input) or `END` (nothing follows).
    """
    made = _advance(graph, checkpoint, [(node, wrote)], source="update", id=id, at=at)
    return replace(made, tasks=(), arrived=EMPTY) if node == END else made


def branch(checkpoint: Checkpoint, *, id: str, at: int, source: Source = "fork") -> Checkpoint:
    """A copy of an old checkpoint that can be gone on from, without touching what came after the old one."""
    tasks = tuple(Task(ids.task_id(id, n), t.node, t.arg) for n, t in enumerate(checkpoint.tasks))
    return Checkpoint(
        id=id,
        parent=checkpoint.id,
        step=checkpoint.step + 1,
        source=source,
        values=checkpoint.values,
        tasks=tasks,
        ran=checkpoint.ran,
        arrived=checkpoint.arrived,
        at=at,
    )


def rebase(position: Position, onto: Checkpoint, answers: Mapping[str, Answered]) -> list[Entry]:
    """What happened at ``position``, as entries of its copy ``onto``, with ``answers`` in place of the old ones.

    Finished siblings stay finished. A task that gets a new answer runs again: it keeps its questions and the
    answers that came before. ``answers`` is keyed by the old interrupt ids.
    """
    found: list[Entry] = []
    for old, new in zip(position.checkpoint.tasks, onto.tasks, strict=True):
        questions = position.asked.get(old.id, ())
        renewed = [place for place, question in enumerate(questions) if question.id in answers]
        if renewed:  # what was asked after the question that is answered anew may have depended on it
            questions = questions[: max(renewed) + 1]
        answered = {q.id: answers.get(q.id, position.answers.get(q.id)) for q in questions}
        renamed = {q.id: ids.interrupt_id(new.id, q.binding) for q in questions}
        found += [replace(q, task=new.id, id=renamed[q.id]) for q in questions]
        found += [replace(a, interrupt=renamed[old_id]) for old_id, a in answered.items() if a is not None]
        if old.id in position.wrote and not any(q.id in answers for q in questions):
            found.append(replace(position.wrote[old.id], task=new.id))
    return found


def preview(graph: Graph, values: Mapping[str, Any], updates: Iterable[tuple[str, Any]]) -> Mapping[str, Any]:
    """``values`` as one task alone would leave them: what its routers look at."""
    state = dict(values)
    _merge(graph, state, updates)
    return state


def _advance(
    graph: Graph,
    checkpoint: Checkpoint,
    wrote: Sequence[tuple[str, Wrote]],
    *,
    source: Source,
    id: str,
    at: int,
) -> Checkpoint:
    state = dict(checkpoint.values)
    changed = _merge(graph, state, [update for _, entry in wrote for update in entry.updates])
    names: set[str] = set()
    sends: list[Send] = []
    arrived = checkpoint.arrived
    ran = {node for node, _ in wrote}
    if arrived:  # an edge that was complete is used up when its target runs, and only then
        full = {edge.key for edge in graph.waiting if arrived.get(edge.key, frozenset()).issuperset(edge.sources)}
        used = {edge.key for edge in graph.waiting if edge.key in full and edge.target in ran}
        arrived = {key: seen for key, seen in arrived.items() if key not in used}
        names.update(edge.target for edge in graph.waiting if edge.key in full - used)
    for node, entry in wrote:
        names.update(graph.edges.get(node, ()))
        for target in entry.goto:
            if isinstance(target, Send):
                sends.append(target)
            else:
                names.add(target)
        for edge in graph.waits.get(node, ()):
            seen = arrived.get(edge.key, frozenset()) | {node}
            arrived = {**arrived, edge.key: seen}
            if seen.issuperset(edge.sources):
                names.add(edge.target)
    names.discard(END)
    due: list[tuple[str, Any]] = [(name, MISSING) for name in sorted(names)]
    due += [(send.node, send.arg) for send in sends]
    return Checkpoint(
        id=id,
        parent=checkpoint.id,
        step=checkpoint.step + 1,
        source=source,
        values=state,
        tasks=tuple(Task(ids.task_id(id, n), node, arg) for n, (node, arg) in enumerate(due)),
        ran=tuple(dict.fromkeys(node for node, _ in wrote)),
        changed=changed,
        arrived=arrived,
        at=at,
    )


def _merge(graph: Graph, state: dict[str, Any], updates: Iterable[tuple[str, Any]]) -> tuple[str, ...]:
    """Merge ``updates`` into ``state`` in place; the names of the channels that they touched, in order."""
    grouped: dict[str, list[Any]] = {}
    for name, value in updates:
        grouped.setdefault(name, []).append(value)
    for name, writes in grouped.items():
        channel = graph.channels.get(name)
        if channel is None:
            raise InvalidUpdateError(f"{name!r} is no key of the state.{did_you_mean(name, graph.channels)}")
        state[name] = channels.merge(name, channel, state.get(name, MISSING), writes)
    return tuple(grouped)


def _exhausted(checkpoint: Checkpoint) -> Failed:
    nodes = ", ".join(task.node for task in checkpoint.tasks)
    text = (
        f"the run took as many steps as its recursion_limit allows and {nodes} still has to run. Is there a loop "
        "without an end? Otherwise raise it: config={'recursion_limit': 100}. The thread can be continued."
    )
    return Failed("", "GraphRecursionError", text, GraphRecursionError(text))
