"""Time travel inside a sub-graph: a branch of its line, and of every line above it, up to the thread itself.

A sub-graph's checkpoint belongs to a task of its parent. Going on from it is a branch of the parent's checkpoint whose
task enters the sub-graph at that place; an edit of a sub-graph that waits is made known to the task that waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from nbhitl.engine import edits
from nbhitl.engine.errors import UnknownThreadError
from nbhitl.engine.moves import remembered
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import (
    EMPTY,
    Asked,
    Checkpoint,
    Entered,
    Entry,
    Position,
    Reopened,
    Superseded,
    ThreadKey,
    Wrote,
)
from nbhitl.nesting import parent_ns, path_of

Entrance: TypeAlias = tuple[ThreadKey, Position, Entered]
"""A line, a position in it, and the call of a sub-graph that one of its tasks made there."""


def graft(saver: Saver, key: ThreadKey, head: str | None, new_id: Callable[[], str]) -> tuple[Checkpoint, list[Entry]]:
    """The outermost checkpoint, and what happened there, of a branch that goes on from ``head`` in ``key``.

    Raises:
        UnknownThreadError: there is no such checkpoint, or nothing that entered it.
    """
    if head is None:
        newest = saver.load(key)
        head = None if newest is None else newest.checkpoint.id
    if head is None or saver.load(key, head) is None:
        raise UnknownThreadError(f"thread {key} has no checkpoint {head!r} of the sub-graph {key.ns!r}.")
    while True:
        above, position, entered = _entrance(saver, key, head)
        checkpoint, entries = _branch(position, entered, head, new_id())
        if not above.ns:
            return checkpoint, entries
        saver.commit(above, checkpoint, entries, wait=False)
        key, head = above, checkpoint.id


def graft_along(
    saver: Saver, way: Sequence[Entrance], head: str, new_id: Callable[[], str]
) -> tuple[Checkpoint, list[Entry]]:
    """As `graft`, where it is known how the sub-graph was entered, from the innermost graph to the outermost.

    A sub-graph that several branches of its parent share is entered by each of them.
    """
    *inner, (_, position, entered) = way
    for above, below, call in inner:
        checkpoint, entries = _branch(below, call, head, new_id())
        saver.commit(above, checkpoint, entries, wait=False)
        head = checkpoint.id
    return _branch(position, entered, head, new_id())


def _above(saver: Saver, key: ThreadKey) -> ThreadKey:
    """The line whose task runs the line of ``key``.

    Raises:
        UnknownThreadError: none does.
    """
    if path_of(key.ns)[-1][1]:
        return replace(key, ns=parent_ns(key.ns))
    for above, _, _ in _callers(saver, key, replace(key, ns="")):  # one that remembers may have been called by many
        return above
    raise UnknownThreadError(f"nothing in thread {key} runs the sub-graph {key.ns!r}.")


def _callers(saver: Saver, key: ThreadKey, start: ThreadKey) -> Iterator[tuple[ThreadKey, Position, Entered]]:
    """The calls of a sub-graph that remembers, at and below ``start``, newest first."""
    wanted = [node for node, _, _ in path_of(key.ns)]
    below: set[str] = set()
    for position in saver.history(start):
        for calls in position.entered.values():
            for entered in calls.values():
                path = [node for node, _, _ in path_of(entered.ns)]
                if entered.ns == key.ns:
                    yield start, position, entered
                elif len(path) < len(wanted) and path == wanted[: len(path)] and entered.ns not in below:
                    below.add(entered.ns)
                    yield from _callers(saver, key, replace(start, ns=entered.ns))


def _entrance(saver: Saver, key: ThreadKey, head: str) -> Entrance:
    """The line above, and the position in it, whose task runs the line of ``head``."""
    _, task, _ = path_of(key.ns)[-1]
    found: Entrance | None = None
    if task:
        above = replace(key, ns=parent_ns(key.ns))
        position = saver.load(above, task.rpartition(":")[0])
        call = None if position is None else _call(position, key.ns)
        found = None if call is None else (above, *call)
    else:  # all calls share a line: the oldest one that has come as far as ``head``
        before = set(_chain(saver, key, head))
        for above, position, entered in _callers(saver, key, replace(key, ns="")):
            if before.intersection(_chain(saver, key, entered.head, entered.source)):
                found = above, position, entered
    if found is None:
        raise UnknownThreadError(f"nothing in thread {key.thread!r} entered the checkpoint {head!r} of {key.ns!r}.")
    return found


def _call(position: Position, ns: str) -> tuple[Position, Entered] | None:
    for calls in position.entered.values():
        for entered in calls.values():
            if entered.ns == ns:
                return position, entered
    return None


def _chain(saver: Saver, key: ThreadKey, head: str, until: str = "") -> list[str]:
    """``head`` and what it grew from, as far as ``until``."""
    found, wanted = [], head
    while wanted and wanted != until:
        position = saver.load(key, wanted)
        if position is None:
            break
        found.append(wanted)
        wanted = position.checkpoint.parent or ""
    return found


def _branch(position: Position, entered: Entered, head: str, id: str) -> tuple[Checkpoint, list[Entry]]:
    """A copy of ``position`` whose task enters the sub-graph at ``head``; its siblings stay as they were."""
    checkpoint = edits.branch(position.checkpoint, id=id, at=position.checkpoint.at, same=True)
    place = next(n for n, task in enumerate(position.checkpoint.tasks) if task.id == entered.task)
    task = checkpoint.tasks[place].id
    asked = {q.id for q in position.asked.get(entered.task, ()) if q.ns == entered.ns}
    entries: list[Entry] = []
    for entry in edits.rebase(position, checkpoint, {}):
        match entry:
            case Wrote(task=done) if done == task:
                continue
            case Entered(task=done, call=call, binding=binding) if done == task:
                if call > entered.call and not binding:  # calls of a @task are known by more than their order
                    continue
                if call == entered.call:
                    entries.append(replace(entered, task=task, head="", source=head, fork=True, memory=EMPTY))
                    continue
            case Asked(id=question) if question in asked:
                continue
            case _ if getattr(entry, "interrupt", None) in asked:
                continue
        entries.append(entry)
    return checkpoint, entries


def _remember(saver: Saver, key: ThreadKey, head: str) -> None:
    """Between two calls of a sub-graph that remembers: its next call goes on from the edit."""
    root = replace(key, ns="")
    position = saver.load(root)
    if position is None or key.ns not in remembered(position):
        return
    calls = position.entered.get("", {})
    edited = Entered("", len(calls), key.ns, head, remembers=True)
    saver.append(root, position.checkpoint.id, [edited], wait=True)


def tell_parents(saver: Saver, key: ThreadKey, position: Position) -> None:
    """Make an edit of a sub-graph known to the task that waits for it, and to those above."""
    pending = {q.id for q in position.pending}
    head = position.checkpoint.id
    first = True
    while key.ns:
        above = _above(saver, key)
        newest = saver.load(above)
        call = None if newest is None else _call(newest, key.ns)
        if newest is None or call is None or call[1].task in newest.wrote:
            if first:
                _remember(saver, key, head)
            return  # the line has gone on without it: whoever wants this edit names its checkpoint
        task = call[1].task
        entries: list[Entry] = [replace(call[1], head=head)] if first else []
        for question in newest.asked.get(task, ()):
            if question.ns == key.ns and question.id not in newest.answers:
                if question.id not in pending:
                    entries.append(Superseded(question.id))
                elif first:
                    entries.append(replace(question, head=head))
        entries.append(Reopened(task))
        saver.append(above, newest.checkpoint.id, entries, wait=not above.ns)
        first, key = False, above
