"""Checkpoints that people make: a branch off an old one, a write into the state, a renamed node. Pure.

What was under way is carried along as entries of the new checkpoint: finished siblings stay finished, and a question
stays open, with its id, until it is answered or its task is done by other means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nbhitl.engine import ids
from nbhitl.engine.description import BARRIER, Graph
from nbhitl.engine.moves import Due, memories, merged, next_checkpoint, remembered, successors
from nbhitl.engine.records import (
    EMPTY,
    END,
    MISSING,
    Answered,
    Asked,
    Checkpoint,
    Entered,
    Entry,
    Kept,
    Position,
    Reopened,
    Send,
    Source,
    Superseded,
    Task,
    Wrote,
)

Writers = Sequence[tuple[str, Wrote]]


def branch(
    checkpoint: Checkpoint, *, id: str, at: int, code: str = "", source: Source = "fork", same: bool = False
) -> Checkpoint:
    """A copy of an old checkpoint that can be gone on from, without touching what came after the old one.

    With ``same`` its tasks continue the old ones, so that what happened to these can be carried along. Without ``code``
    the copy counts as made by the code that made the old one.
    """
    tasks = tuple(
        Task(ids.task_id(id, n), t.node, t.arg, t.root if same else "") for n, t in enumerate(checkpoint.tasks)
    )
    return replace(
        checkpoint,
        id=id,
        parent=checkpoint.id,
        step=checkpoint.step + 1,
        source=source,
        tasks=tasks,
        changed=(),
        at=at,
        code=code or checkpoint.code,
    )


def rebase(position: Position, onto: Checkpoint, answers: Mapping[str, Answered]) -> list[Entry]:
    """What happened at ``position``, as entries of its copy ``onto``, with ``answers`` in place of the old ones.

    Finished siblings stay finished. A task that gets a new answer runs again: it keeps its questions and the
    answers that came before. ``answers`` is keyed by interrupt id.
    """
    found: list[Entry] = []
    for old, new in zip(position.checkpoint.tasks, onto.tasks, strict=True):
        asked = position.asked.get(old.id, ())
        renewed = [place for place, question in enumerate(asked) if question.id in answers]
        if renewed:  # what was asked after the question that is answered anew may have depended on it
            asked = asked[: max(renewed) + 1]
        known = {q.id: answers.get(q.id, position.answers.get(q.id)) for q in asked}
        found += [replace(q, task=new.id) for q in asked]
        found += [answer for answer in known.values() if answer is not None]
        found += [Superseded(q.id, position.superseded[q.id]) for q in asked if q.id in position.superseded]
        if not renewed:
            found += _parked(position, old, new)
        found += _kept(position, old, new)
        heads = {q.ns: q.head for q in asked if q.ns and (q.id in answers or not renewed)}
        calls = position.entered.get(old.id, {}).values()
        anew = bool(renewed) and not any(_asks_at(call, heads.get(call.ns)) for call in calls)
        for entered in calls:
            head = heads.get(entered.ns)
            asks = anew or not entered.remembers or _asks_at(entered, head)
            found.append(_again(entered, new, head if asks else None))
        if old.id in position.wrote and not renewed:
            found.append(replace(position.wrote[old.id], task=new.id))
    return found


def _asks_at(entered: Entered, head: str | None) -> bool:
    """Whether it is this call that asked at ``head``: one line serves all calls of a sub-graph that remembers."""
    return entered.head == head and entered.ns not in entered.memory


def _again(entered: Entered, new: Task, head: str | None) -> Entered:
    """A sub-graph's line on a branch: it goes on from where it asked, on a branch of its own."""
    carried = _called(entered, new)
    return carried if head is None else replace(carried, head="", source=head, fork=True, memory=EMPTY)


def _called(entered: Entered, new: Task) -> Entered:
    """A call for the task that continues its own: an answer or the state may be another, and so what a body calls."""
    return replace(entered, task=new.id, place=-1)


def _parked(position: Position, old: Task, new: Task) -> Iterable[Entry]:
    """What makes a task wait, or not, as the old one did: its questions and answers alone do not say."""
    pending = [q for q in position.pending if q.task == old.id]
    if old.id not in position.parked:
        return [Reopened(new.id)] if pending else []
    if any(q.id in position.answers for q in position.asked[old.id]):  # asked after the answers that let it go
        return [replace(q, task=new.id) for q in pending[-1:]]
    return []


def _kept(position: Position, old: Task, new: Task) -> Iterable[Entry]:
    return [Kept(new.id, key, value) for key, value in position.kept.get(old.id, {}).items()]


def _carried(position: Position, old: Task, new: Task) -> list[Entry]:
    """All that happened to an unfinished task, for the one that continues it."""
    asked = position.asked.get(old.id, ())
    found: list[Entry] = [replace(q, task=new.id) for q in asked]
    found += [position.answers[q.id] for q in asked if q.id in position.answers]
    found += [Superseded(q.id, position.superseded[q.id]) for q in asked if q.id in position.superseded]
    found += _parked(position, old, new)
    found += _kept(position, old, new)
    found += [_called(entered, new) for entered in position.entered.get(old.id, {}).values()]
    return found


def under_way(position: Position) -> frozenset[str]:
    """The names of nodes that a position holds: due, deferred, waited for, or where a finished task wants to go."""
    checkpoint = position.checkpoint
    goto = [target for wrote in position.wrote.values() for target in wrote.goto]
    edges = [name for key in checkpoint.arrived for name in key.replace(":", "+").split("+")]
    sent = [target.node if isinstance(target, Send) else target for target in goto]
    return frozenset([*(t.node for t in checkpoint.tasks), *checkpoint.ran, *checkpoint.deferred, *edges, *sent])


def concerns(position: Position, names: Mapping[str, str]) -> bool:
    """Whether new names of nodes, old to new, change anything at a position."""
    arrived = position.checkpoint.arrived
    return not under_way(position).isdisjoint(names) or any(_edge(key, names) != key for key in arrived)


def renamed(
    position: Position,
    names: Mapping[str, str],
    *,
    id: str,
    at: int,
    code: str = "",
    fresh: Mapping[str, Any] = EMPTY,
) -> tuple[Checkpoint, list[Entry]]:
    """A thread whose nodes have other names now: everything stays as it was, under the new names.

    ``names`` are old to new ones, of nodes in sub-graphs by path (``review/ask``). ``fresh`` are values of keys that
    the state has not had.
    """
    of = names.get
    copy = branch(position.checkpoint, id=id, at=at, code=code, same=True)
    checkpoint = replace(
        copy,
        values={**copy.values, **fresh},
        changed=tuple(fresh),
        tasks=tuple(replace(t, node=of(t.node, t.node)) for t in copy.tasks),
        ran=tuple(of(name, name) for name in copy.ran),
        arrived={
            _edge(key, names): seen if key.startswith(BARRIER) else frozenset(of(n, n) for n in seen)
            for key, seen in copy.arrived.items()
        },
        deferred=tuple(of(name, name) for name in copy.deferred),
    )
    entries: list[Entry] = []
    for old, new in zip(position.checkpoint.tasks, checkpoint.tasks, strict=True):
        carried = _carried(position, old, new)
        entries += [replace(e, node=_path(e.node, names)) if isinstance(e, Asked) else e for e in carried]
        if old.id in position.wrote:
            wrote = position.wrote[old.id]
            entries.append(replace(wrote, task=new.id, goto=tuple(_target(target, names) for target in wrote.goto)))
    return checkpoint, entries


def _path(path: str, names: Mapping[str, str]) -> str:
    first, slash, rest = path.partition("/")
    return names.get(path) or f"{names.get(first, first)}{slash}{rest}"


def _target(target: str | Send, names: Mapping[str, str]) -> str | Send:
    if isinstance(target, Send):
        return replace(target, node=names.get(target.node, target.node))
    return names.get(target, target)


def _edge(key: str, names: Mapping[str, str]) -> str:
    """The key of a waiting edge under new names; these may have a ``+`` in them, which stands between sources too."""
    if key.startswith(BARRIER):  # a state key's, no edge's
        return key
    sources, _, target = key.rpartition(":")
    longest = sorted(names, key=len, reverse=True)
    if names:
        pattern = rf"(?<=\+)({'|'.join(map(re.escape, longest))})(?=\+)"
        sources = re.sub(pattern, lambda found: names[found[0]], f"+{sources}+")[1:-1]
    return f"{sources}:{names.get(target, target)}"


def edit(
    graph: Graph, position: Position, writers: Writers, *, id: str, at: int, code: str = ""
) -> tuple[Checkpoint, list[Entry]]:
    """The checkpoint that follows when a person writes as these nodes: what comes after them is due next.

    Before anything has happened at ``position``, or when all of it is over, what was due there is not taken along, as
    in LangGraph. Half-way, finished siblings are merged first, and a task that waits at a question stays, unless the
    writer is its own node, or decides anew that it is not due. A writer may be `START` (the values count as input) or
    `END` (nothing follows).
    """
    checkpoint = position.checkpoint
    finished = [(t.node, position.wrote[t.id]) for t in checkpoint.tasks if t.id in position.wrote]
    # A task that an earlier edit has carried here is under way still, though nothing has happened to it since.
    begun = not position.untouched or any(task.origin for task in checkpoint.tasks)
    half_way = begun and len(finished) < len(checkpoint.tasks)
    wrote = [*finished, *writers] if half_way else list(writers)
    state, changed = merged(graph, checkpoint, wrote)
    children = remembered(position) if half_way else memories(position)  # a step that is over is done again
    nodes = {node for node, _ in writers}
    if END in nodes:
        made = next_checkpoint(
            checkpoint, Due(set(), [], EMPTY), wrote, "update", state, changed, children, id=id, at=at, code=code
        )
        return made, _dropped(position, checkpoint.tasks)
    waiting = {t.node for t in checkpoint.tasks if t.arg is MISSING and t.node in graph.deferred} - nodes
    if waiting and not half_way:  # deferred nodes are due until they have run, whatever else is dropped
        checkpoint = replace(checkpoint, deferred=tuple(sorted({*checkpoint.deferred, *waiting})))
    due = successors(graph, checkpoint, wrote)
    if not half_way:
        made = next_checkpoint(checkpoint, due, wrote, "update", state, changed, children, id=id, at=at, code=code)
        return made, []
    again = successors(graph, checkpoint, [(n, w) for n, w in writers if n in checkpoint.ran])
    redecided = nodes & set(checkpoint.ran)
    _settle(due, again, checkpoint, position)
    due_ids = {t.id for t in checkpoint.tasks}
    tasks = {entry.task for _, entry in writers} & due_ids  # written for by id: their siblings of that node stay
    whole = {node for node, entry in writers if entry.task not in due_ids}
    open_ = [t for t in checkpoint.tasks if t.id not in position.wrote and t.id not in tasks]
    undone = [t for t in open_ if t.node not in whole]
    others = set(checkpoint.ran) - nodes
    kept = undone
    if redecided:
        kept = [t for t in undone if _still(graph, t, again, others) or _older(graph, t, checkpoint, nodes)]
    return _carry(graph, position, kept, due, wrote, state, changed, children, id=id, at=at, code=code)


def _settle(due: Due, again: Due, checkpoint: Checkpoint, position: Position) -> None:
    """What a writer leads to once more is not run once more, where it has run in this step already."""
    done = [t for t in checkpoint.tasks if t.id in position.wrote]
    due.names -= again.names & {t.node for t in done if t.arg is MISSING}
    for task in done:
        due.sends = _without(due.sends, task)


def _still(graph: Graph, task: Task, again: Due, others: set[str]) -> bool:
    """Whether a task that was due is due still, now that writers have decided anew."""
    if task.arg is not MISSING:
        return any(_same(send, task) for send in again.sends) or bool(others)
    if task.node in graph.deferred:  # due until it has run: who made it so may have run long ago
        return True
    return task.node in again.names or any(_may_lead(graph, node, task.node) for node in others)


def _older(graph: Graph, task: Task, checkpoint: Checkpoint, nodes: set[str]) -> bool:
    """Whether a task was due before these nodes had their say: an earlier edit has carried it along."""
    carried = checkpoint.source == "update" and bool(task.origin)
    return carried and not any(_may_lead(graph, node, task.node) for node in nodes)


def _may_lead(graph: Graph, source: str, target: str) -> bool:
    if target in graph.edges.get(source, ()) or any(e.target == target for e in graph.waits.get(source, ())):
        return True
    return any(r.targets is None or target in r.targets for r in graph.routers.get(source, ()))


def _same(send: Send, task: Task) -> bool:
    return task.arg is not MISSING and send.node == task.node and ids.digest(send.arg) == ids.digest(task.arg)


def _without(sends: list[Send], task: Task) -> list[Send]:
    """``sends`` without the first one that ``task`` stands for."""
    for place, send in enumerate(sends):
        if _same(send, task):
            return sends[:place] + sends[place + 1 :]
    return sends


def amend(
    graph: Graph, position: Position, wrote: Wrote, *, id: str, at: int, code: str = ""
) -> tuple[Checkpoint, list[Entry]]:
    """The checkpoint that follows a ``Command(update=..., goto=...)`` from outside: all that was due stays due."""
    checkpoint = position.checkpoint
    finished = [(t.node, position.wrote[t.id]) for t in checkpoint.tasks if t.id in position.wrote]
    every = [*finished, ("", wrote)]
    state, changed = merged(graph, checkpoint, every)
    due = successors(graph, checkpoint, every)
    kept = [t for t in checkpoint.tasks if t.id not in position.wrote]
    made, entries = _carry(
        graph, position, kept, due, every, state, changed, remembered(position), id=id, at=at, code=code
    )
    return replace(made, ran=checkpoint.ran if not finished else tuple(n for n in made.ran if n)), entries


def jump(
    graph: Graph, position: Position, node: str, *, id: str, at: int, code: str = ""
) -> tuple[Checkpoint, list[Entry]]:
    """The checkpoint at which ``node`` alone is due: what was due instead is dropped, with its questions.

    What finished siblings have written counts, and edges that wait for several nodes remember who has arrived; those
    that lead to ``node`` are used up.
    """
    checkpoint = position.checkpoint
    finished = [(t.node, position.wrote[t.id]) for t in checkpoint.tasks if t.id in position.wrote]
    state, changed = merged(graph, checkpoint, finished)
    leading = {edge.key for edge in graph.waiting if edge.target == node}
    arrived = successors(graph, checkpoint, finished).arrived
    due = Due({node}, [], {key: seen for key, seen in arrived.items() if key not in leading})
    made = next_checkpoint(
        checkpoint, due, finished, "update", state, changed, remembered(position), id=id, at=at, code=code
    )
    return replace(made, ran=made.ran or checkpoint.ran), _dropped(position, checkpoint.tasks)


def _carry(
    graph: Graph,
    position: Position,
    kept: Sequence[Task],
    due: Due,
    wrote: Writers,
    state: Mapping[str, Any],
    changed: tuple[str, ...],
    children: Mapping[str, str],
    *,
    id: str,
    at: int,
    code: str,
) -> tuple[Checkpoint, list[Entry]]:
    due.names -= {t.node for t in kept if t.arg is MISSING}
    for task in kept:
        due.sends = _without(due.sends, task)
    if kept:  # deferred nodes wait for these as well
        due.deferred = tuple(sorted({*due.deferred, *(due.names & graph.deferred)}))
        due.names -= graph.deferred
    # Results are merged in the order of names with sends last, whatever was carried and whatever is new.
    work: list[tuple[str, Any, Task | None]] = [(t.node, t.arg, t) for t in kept]
    work += [(node, arg, None) for node, arg in due.work()]
    work.sort(key=lambda one: (1, "") if one[1] is not MISSING else (0, one[0]))
    tasks = tuple(
        Task(ids.task_id(id, n), node, arg, old.root if old else "") for n, (node, arg, old) in enumerate(work)
    )
    made = next_checkpoint(
        position.checkpoint, due, wrote, "update", state, changed, children, id=id, at=at, code=code, tasks=tasks
    )
    entries: list[Entry] = []
    for (_, _, old), new in zip(work, tasks, strict=True):
        if old is None:
            continue
        entries += _carried(position, old, new)
        if old.id in position.parked:
            entries.append(Reopened(new.id))
    gone = [t for t in position.checkpoint.tasks if t.id not in position.wrote and t not in kept]
    return made, entries + _dropped(position, gone)


def _dropped(position: Position, tasks: Iterable[Task]) -> list[Entry]:
    """Questions of tasks that are no longer due are closed, so that whoever looks for them learns why."""
    gone = {task.id for task in tasks}
    return [Superseded(question.id) for question in position.pending if question.task in gone]
