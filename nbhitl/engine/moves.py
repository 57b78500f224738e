"""The law of the house: where a thread stands decides what happens next.

`next_move` looks at a graph and a position and returns a move, an imperative: perform these tasks, commit,
wait, finish, fail. `begin` and `commit` make the checkpoints of a run; those that people make stand in
`nbhitl.engine.edits`. All are pure: reducers are the only user code that runs in here, and only inside `commit`
and `preview`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from nbhitl.engine import channels, ids
from nbhitl.engine.breakpoints import Rules, static_stop
from nbhitl.engine.description import Graph, WaitingEdge, barrier_key
from nbhitl.engine.errors import GraphChanged, GraphRecursionError, InvalidUpdateError, did_you_mean
from nbhitl.engine.records import (
    EMPTY,
    END,
    MISSING,
    START,
    Asked,
    Checkpoint,
    Entered,
    Failed,
    Held,
    Position,
    Send,
    Source,
    StopReason,
    Task,
    Wrote,
)


@dataclass(frozen=True, slots=True)
class Perform:
    """Run these tasks now."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """Note that breakpoints stop these tasks; what else is due goes on."""

    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Expire:
    """The deadline of these questions has passed: their defaults count as answers."""

    questions: tuple[Asked, ...]


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


Move: TypeAlias = Perform | Hold | Expire | Commit | Wait | Finish | Fail


_COMMIT = Commit()

Pair: TypeAlias = tuple[str, str]
"""A step that a run can take: from one node to another."""


def next_move(graph: Graph, position: Position, rules: Rules, now: int = 0) -> Move:
    """What has to happen now. The whole control flow of a run is in here.

    ``now``, in microseconds since 1970, is what deadlines are compared with; 0 lets none pass.
    """
    checkpoint = position.checkpoint
    if position.untouched:
        if rules.before or rules.after:
            held = static_stop(position, rules.before, rules.after)
            if held is not None:
                return Wait("breakpoint", held)
        if not checkpoint.tasks:
            return Finish()
        if checkpoint.step >= rules.last_step:
            return Fail((_exhausted(checkpoint),))
        ready = checkpoint.tasks
    else:
        if not checkpoint.tasks:
            return Finish()
        if now and position.parked and (late := _late(position, now)):
            return Expire(late)
        if len(position.wrote) == len(checkpoint.tasks) and not (rules.debugger or position.held):
            return _COMMIT
        done = position.wrote.keys() | position.parked | position.failed.keys() | position.held.keys()
        ready = tuple(task for task in checkpoint.tasks if task.id not in done)
    if rules.debugger is not None:
        stopped = rules.debugger.holds(graph, position, ready, rules.inside)
        if stopped:
            return Hold(stopped)
    if ready:
        return _perform(graph, ready, rules.inside)
    return _barrier(position)


def _barrier(position: Position) -> Move:
    """What happens when no task of the step can go on."""
    held = position.held
    if held and any(one.place in ("error", "question") for one in held.values()):
        return _stopped(held.values())  # somebody wants to look before the run fails, or waits for a person
    if position.failed:
        return Fail(tuple(position.failed.values()))
    if position.parked:
        pending = position.pending
        names = {task.id: task.node for task in position.checkpoint.tasks}
        nodes = list(dict.fromkeys(q.node or names[q.task] for q in pending))
        verb = "waits" if len(nodes) == 1 else "wait"
        count = "an answer" if len(pending) == 1 else f"{len(pending)} answers"
        also = f"; {_stopped(held.values()).text}" if held else ""  # an answer goes past that as well
        return Wait("interrupted", f"{', '.join(nodes)} {verb} for {count}{also}")
    return _stopped(held.values()) if held else Commit()


def _stopped(held: Iterable[Held]) -> Wait:
    """The debugger holds the run: why and where, each named once."""
    reasons: dict[str, dict[str, None]] = {}
    for one in held:
        reasons.setdefault(one.why, {})[one.words] = None
    return Wait("breakpoint", "; ".join(f"{why} {', '.join(places)}" for why, places in reasons.items()))


def _late(position: Position, now: int) -> tuple[Asked, ...]:
    return tuple(q for q in position.pending if q.deadline and q.deadline <= now)


def _perform(graph: Graph, tasks: tuple[Task, ...], inside: str) -> Perform | Fail:
    """Perform ``tasks``, if the graph still has their nodes: it may have been edited since they became due."""
    nodes = graph.nodes
    for task in tasks:
        if task.node not in nodes and task.node != START:
            return Fail(tuple(_gone(graph, t, inside) for t in tasks if t.node not in nodes and t.node != START))
    return Perform(tasks)


def _gone(graph: Graph, task: Task, inside: str) -> Failed:
    path = inside + task.node
    text = (
        f"the run is about to run node {path!r}, which the graph no longer has."
        f"{did_you_mean(task.node, graph.nodes)} If it was renamed, go on with invoke(None, config, "
        f"rename={{{path!r}: '{inside}its new name'}}); or give it its name back, or start a new thread. Nothing was "
        "lost: questions and answers are kept."
    )
    return Failed(task.id, "GraphChanged", text, GraphChanged(text))


def taken(graph: Graph, position: Position) -> frozenset[Pair]:
    """The steps that the finished tasks of a position lead to; the union over a history is a run's path."""
    found: set[Pair] = set()
    nodes = {task.id: task.node for task in position.checkpoint.tasks}
    for task, wrote in position.wrote.items():
        node = nodes.get(task, START)
        targets: list[str] = []
        if wrote.by != "handler":
            targets += [*graph.edges.get(node, ()), *(edge.target for edge in graph.waits.get(node, ()))]
        targets += [goto.node if isinstance(goto, Send) else goto for goto in wrote.goto]
        found.update((node, target) for target in targets)
    if graph.direct and position.checkpoint.source == "input":  # what the START task of other graphs leads to
        found.update((START, task.node) for task in position.checkpoint.tasks)
    return frozenset(found)


def lost(graph: Graph, checkpoint: Checkpoint, inside: str = "") -> str | None:
    """What a checkpoint waits for that the graph no longer has, in words; None when it can go on.

    ``inside`` is the path of the sub-graph, with a slash behind it.
    """
    keys = {edge.key for edge in graph.waiting} | set(map(barrier_key, graph.barriers))
    gone = [key for key in checkpoint.arrived if key not in keys]
    if gone:
        sources, _, target = gone[0].rpartition(":")
        return (
            f"the run is under way to node {target!r} by an edge that waits for {sources.replace('+', ', ')}, which "
            "the graph no longer has. If nodes were renamed, go on with invoke(None, config, rename={'old': 'new'}); "
            "or give the edge back, or write what is missing with update_state(config, values, as_node=...), or start "
            "a new thread. Nothing was lost."
        )
    missing = [name for name in checkpoint.deferred if name not in graph.nodes]
    if missing:
        return _gone(graph, Task("", missing[0]), inside).text
    return None


def begin(
    graph: Graph,
    values: Any,
    *,
    previous: Checkpoint | None,
    id: str,
    at: int,
    code: str = "",
    children: Mapping[str, str] | None = None,
) -> Checkpoint:
    """The checkpoint that takes new input: the START task carries it and merges it like any node's writes.

    The input of a function (an entrypoint, a `@task`) is one value that nothing is merged with: its node is due at
    once.
    """
    fresh = unset(graph, EMPTY if previous is None else previous.values)
    tasks: tuple[Task, ...] = (Task(ids.task_id(id, 0), START, values),)
    if graph.direct:
        if graph.takes in values:  # an edit of a thread that is not there yet has no input
            fresh[graph.takes] = values[graph.takes]
        tasks = tuple(Task(ids.task_id(id, n), node) for n, node in enumerate(graph.edges[START]))
    state = fresh if previous is None else {**previous.values, **fresh}
    return Checkpoint(
        id=id,
        parent=None if previous is None else previous.id,
        step=-1 if previous is None else previous.step + 1,
        source="input",
        values=state,
        tasks=tasks,
        changed=tuple(fresh),
        arrived=EMPTY if previous is None else _under_way(graph, previous.arrived),
        at=at,
        deferred=() if previous is None else previous.deferred,
        children=children if children is not None else EMPTY if previous is None else previous.children,
        code=code,
    )


def unset(graph: Graph, values: Mapping[str, Any]) -> dict[str, Any]:
    """Keys that have a value from the start, and have none here: all on a new thread; else those that are new."""
    absent = ((name, channels.initial(channel)) for name, channel in graph.channels.items() if name not in values)
    return {name: value for name, value in absent if value is not MISSING}


def _under_way(graph: Graph, arrived: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    """Waiting edges that still wait: new input drops due tasks, and complete (or vanished) edges with them."""
    if not arrived:
        return arrived
    waits = {e.key for e in graph.waiting if not arrived.get(e.key, frozenset()).issuperset(e.sources)}
    waits.update(map(barrier_key, graph.barriers))
    return {key: seen for key, seen in arrived.items() if key in waits}


def commit(graph: Graph, position: Position, *, id: str, at: int, code: str = "") -> Checkpoint:
    """The next checkpoint: every task's writes merged in task order, and the tasks that follow from them.

    Raises:
        InvalidUpdateError: writes that cannot be merged. Whatever a reducer raises passes through.
    """
    checkpoint = position.checkpoint
    wrote = [(task.node, position.wrote[task.id]) for task in checkpoint.tasks]
    state, changed = merged(graph, checkpoint, wrote)
    due = successors(graph, checkpoint, wrote)
    children = checkpoint.children
    if position.entered:
        children = remembered(position)
    return next_checkpoint(checkpoint, due, wrote, "loop", state, changed, children, id=id, at=at, code=code)


@dataclass(slots=True)
class Due:
    """What has to be done next: nodes by name, sends in order; and the edges that still wait."""

    names: set[str]
    sends: list[Send]
    arrived: Mapping[str, frozenset[str]]
    deferred: tuple[str, ...] = ()

    def work(self) -> list[tuple[str, Any]]:
        """Node and argument of each task, in the order in which the results are merged."""
        names = sorted(self.names) if len(self.names) > 1 else self.names
        found: list[tuple[str, Any]] = [(name, MISSING) for name in names]
        return found + [(send.node, send.arg) for send in self.sends]


def successors(graph: Graph, checkpoint: Checkpoint, wrote: Sequence[tuple[str, Wrote]]) -> Due:
    """What follows when these nodes have written at ``checkpoint``."""
    due = Due(set(), [], checkpoint.arrived)
    if due.arrived:
        _use(graph, due, {node for node, _ in wrote})
    names = due.names
    arriving: dict[WaitingEdge, set[str]] = {}
    for node, entry in wrote:
        handled = entry.by == "handler"
        if not handled:
            names.update(graph.edges.get(node, ()))
        for target in entry.goto:
            if isinstance(target, Send):
                due.sends.append(target)
            else:
                names.add(target)
        for edge in graph.waits.get(node, ()) if not handled else ():
            arriving.setdefault(edge, set()).add(node)
    if arriving:
        due.arrived = dict(due.arrived)
        for edge, nodes in arriving.items():
            seen = due.arrived[edge.key] = due.arrived.get(edge.key, frozenset()) | nodes
            if seen.issuperset(edge.sources):
                names.add(edge.target)
    if graph.barriers:
        named = _named(graph, checkpoint, wrote)
        due.arrived = {**due.arrived, **{barrier_key(name): seen for name, seen in named.items()}}
    names.discard(END)
    if graph.deferred or checkpoint.deferred:
        _defer(graph, checkpoint, due)
    return due


def _use(graph: Graph, due: Due, ran: set[str]) -> None:
    """A waiting edge that is full is used up by the run of its target; until then its target stays due."""
    full = [edge for edge in graph.waiting if due.arrived.get(edge.key, frozenset()).issuperset(edge.sources)]
    used = {edge.key for edge in full if edge.target in ran}
    due.names.update(edge.target for edge in full if edge.key not in used)
    if used:
        due.arrived = {key: seen for key, seen in due.arrived.items() if key not in used}


def _defer(graph: Graph, checkpoint: Checkpoint, due: Due) -> None:
    """Deferred nodes wait until nothing else is due; a `Send` to one does not wait."""
    waiting = due.names & graph.deferred | set(checkpoint.deferred)
    due.names -= graph.deferred
    if due.names or due.sends:
        due.deferred = tuple(sorted(waiting))
    else:
        due.names = waiting


def remembered(position: Position) -> Mapping[str, str]:
    """Sub-graphs that remember, with those that ran at ``position`` brought up to date."""
    found = dict(memories(position))
    for task, calls in position.entered.items():
        if task in position.wrote:  # a call that is under way has no memory yet
            found.update(memory(calls.values()))
    return found


def memories(position: Position) -> Mapping[str, str]:
    """Sub-graphs that remember, as they stood before the tasks of ``position`` ran; what people wrote since counts."""
    written = position.entered.get("")
    children = position.checkpoint.children
    return {**children, **memory(written.values())} if written else children


def memory(calls: Iterable[Entered]) -> dict[str, str]:
    """What calls of sub-graphs say of those that remember: their namespace to their newest checkpoint."""
    found: dict[str, str] = {}
    for entered in calls:
        if entered.remembers and entered.head:
            found[entered.ns] = entered.head
        found.update(entered.memory)
    return found


def next_checkpoint(
    checkpoint: Checkpoint,
    due: Due,
    wrote: Sequence[tuple[str, Wrote]],
    source: Source,
    state: Mapping[str, Any],
    changed: tuple[str, ...],
    children: Mapping[str, str],
    *,
    id: str,
    at: int,
    code: str = "",
    tasks: tuple[Task, ...] | None = None,
) -> Checkpoint:
    """The checkpoint behind ``checkpoint``; its tasks are what became due, unless others are given."""
    if tasks is None:
        tasks = tuple([Task(ids.task_id(id, n), node, arg) for n, (node, arg) in enumerate(due.work())])
    return Checkpoint(
        id=id,
        parent=checkpoint.id,
        step=checkpoint.step + 1,
        source=source,
        values=state,
        tasks=tasks,
        ran=(wrote[0][0],) if len(wrote) == 1 else tuple(dict.fromkeys([node for node, _ in wrote])),
        changed=changed,
        arrived=due.arrived,
        at=at,
        deferred=due.deferred,
        children=children,
        code=code,
    )


def merged(
    graph: Graph, checkpoint: Checkpoint, wrote: Sequence[tuple[str, Wrote]]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The values with all writes of one super-step, and the names of the channels that they touched, in order."""
    state = dict(checkpoint.values)
    updates = wrote[0][1].updates if len(wrote) == 1 else [pair for _, entry in wrote for pair in entry.updates]
    touched = _merge(graph, state, updates)
    for name in graph.fleeting:
        if name not in touched and name in state:
            del state[name]
            touched = (*touched, name)
    if graph.barriers:
        for name, seen in _named(graph, checkpoint, wrote).items():
            if seen == graph.barriers[name].names:
                state[name] = None
    return state, touched


def _named(graph: Graph, checkpoint: Checkpoint, wrote: Sequence[tuple[str, Wrote]]) -> dict[str, frozenset[str]]:
    """The names that have been written to channels that wait for names, where some were written now."""
    found = {}
    for name, channel in graph.barriers.items():
        writes = [value for _, entry in wrote for written, value in entry.updates if written == name]
        if writes:
            found[name] = channels.merge(name, channel, checkpoint.arrived.get(barrier_key(name), MISSING), writes)
    return found


def preview(graph: Graph, values: Mapping[str, Any], updates: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    """``values`` as one task alone would leave them: what its routers look at."""
    state = dict(values)
    _merge(graph, state, updates)
    return state


def _merge(graph: Graph, state: dict[str, Any], updates: Sequence[tuple[str, Any]]) -> tuple[str, ...]:
    """Merge ``updates`` into ``state`` in place; the names of the channels that they touched, in order."""
    if len(updates) == 1:  # mostly one node writes one key
        name, value = updates[0]
        channel = graph.channels.get(name)
        if channel is not None and name not in graph.barriers:
            state[name] = _merged(name, channel, state.get(name, MISSING), (value,))
            return (name,)
    grouped: dict[str, list[Any]] = {}
    for name, value in updates:
        if name in grouped:
            grouped[name].append(value)
        else:
            grouped[name] = [value]
    known = graph.channels
    for name, writes in grouped.items():
        channel = known.get(name)
        if channel is None:
            raise InvalidUpdateError(f"{name!r} is no key of the state.{did_you_mean(name, known)}")
        if name not in graph.barriers:
            state[name] = _merged(name, channel, state.get(name, MISSING), writes)
    return tuple(grouped)


def _merged(name: str, channel: channels.Channel, old: Any, writes: Sequence[Any]) -> Any:
    try:
        return channels.merge(name, channel, old, writes)
    except InvalidUpdateError:
        raise
    except Exception as error:
        error.add_note(f"in the reducer of state key {name!r}")
        raise


def _exhausted(checkpoint: Checkpoint) -> Failed:
    nodes = ", ".join(task.node for task in checkpoint.tasks)
    text = (
        f"the run took as many steps as its recursion_limit allows and {nodes} still has to run. Is there a loop "
        "without an end? Otherwise raise it: config={'recursion_limit': 100}. The thread can be continued."
    )
    return Failed("", "GraphRecursionError", text, GraphRecursionError(text))
