"""Calls of a sub-graph from a node's body: where its line of checkpoints goes on, and what its end means to the node.

A call is known by its task and its number in the body; that of a `@task` by its arguments (`Entered.binding`). The line
of a call has a namespace of its own, made of the task's id; a sub-graph that remembers (``checkpointer=True``) has one
namespace for all its calls, and each checkpoint of the parent says where that stood, so a fork of the parent goes on
with the memory of its own branch.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nbhitl.engine import edits, moves
from nbhitl.engine.breakpoints import Rules
from nbhitl.engine.description import Graph
from nbhitl.engine.errors import CheckpointerRequired, GraphChanged, NbhitlError, ParentCommand
from nbhitl.engine.ids import digest
from nbhitl.engine.records import (
    Answered,
    Entered,
    Entry,
    Held,
    Position,
    Stopped,
    Superseded,
    ThreadKey,
)
from nbhitl.run.context import TaskContext
from nbhitl.run.outputs import raise_failure, result
from nbhitl.run.running import Run
from nbhitl.run.world import Event, World

SEPARATOR = "|"


def segment(node: str, task: str, number: int) -> str:
    """One part of a namespace: which node's task called, and which of its calls."""
    return f"{node}:{task}" if number == 0 else f"{node}:{task}:{number}"


def path_of(ns: str) -> list[tuple[str, str, int]]:
    """A namespace taken apart: node, task id (empty for one that remembers) and number of each call."""
    found = []
    for part in ns.split(SEPARATOR) if ns else []:
        node, *rest = part.split(":")
        task = ":".join(rest[:2]) if len(rest) >= 2 else ""
        found.append((node, task, int(rest[2]) if len(rest) > 2 else 0))
    return found


def parent_ns(ns: str) -> str:
    """The namespace of the graph that called the one of ``ns``."""
    return ns.rpartition(SEPARATOR)[0]


class Nest:
    """One call of a sub-graph: drive `run` while `open`, then ask for `result`."""

    def __init__(self, run: Run, inside: TaskContext, number: int, *, remembers: bool) -> None:
        self.run, self.inside, self.number, self.remembers = run, inside, number, remembers
        self.listener = run.listener
        """Who hears of this run; a stream of its own may have its sub-graphs tell somebody else as well."""
        if run.world.saver is not None:
            run.anchor = self._anchor
        self.binding, self.place = "", -1
        """Of a call of a `@task`: see `Entered`."""
        self.open = True
        """Whether there is anything left to run: a call that ended in an earlier performance is not made again."""

    # -- where it begins

    def begin(self, values: Any, memory: str | None) -> None:
        """Find the line of this call, and where it stands; ``values`` is the input of a call that is new."""
        run, known = self.run, self.inside.line(self.number)
        saver = run.world.saver
        if saver is None:
            run.start(values, None)
            return
        if known is None:
            previous = None if memory is None else saver.load(run.key, memory)
            entered = Entered("", 0, "", source=memory or "", binding=self.binding, place=self.place)
            self._new(values, entered, previous)
        elif run.key.ns in known.memory:  # it has ended, and later calls have gone on from there
            self._go_on(self._loaded(known.memory[run.key.ns]))
        elif not known.head:
            self._branch(known)
        else:
            position = saver.newest(run.key, known.head)
            if position is not None:
                self._go_on(position)
            elif known.fork:  # killed before its first checkpoint was written
                self._branch(known)
            else:
                self._new(values, known, saver.load(run.key, known.source) if known.source else None)

    def _new(self, values: Any, known: Entered, previous: Position | None) -> None:
        head = self.run.new_id()
        self._enter(replace(known, head=head, fork=False))
        memory = None if self.remembers else self.inside.memory()
        self.run.start(values, previous, head, memory)

    def _branch(self, known: Entered) -> None:
        position = self._loaded(known.source)
        head, answers = self.run.new_id(), self._answers(position)
        self._enter(replace(known, head=head))
        known_here = self.inside.position.answers
        over = bool(position.wrote or position.answers) and not any(id in known_here for id in position.answers)
        # What happened there and is unknown here is past: the branch does it again.
        self.run.fork(position, None if over and not answers else answers, head)

    def _loaded(self, checkpoint: str) -> Position:
        saver = self.run.world.saver
        position = None if saver is None else saver.load(self.run.key, checkpoint)
        if position is None:
            raise NbhitlError(f"the sub-graph of node {self.inside.task.node!r} has no checkpoint {checkpoint!r}.")
        return position

    def _enter(self, known: Entered) -> None:
        task = self.inside.task.id
        self.inside.enter(replace(known, task=task, call=self.number, ns=self.run.key.ns, remembers=self.remembers))

    def _go_on(self, position: Position) -> None:
        run = self.run
        if not position.checkpoint.tasks:
            run.position, self.open = position, False
            return
        missing = moves.lost(run.graph, position.checkpoint, run.rules.inside)
        if missing is not None:
            raise GraphChanged(missing)
        given = self._answers(position)
        answers = [answer for id, answer in given.items() if id not in position.answers]
        fresh = moves.unset(run.graph, position.checkpoint.values)
        if fresh:  # keys that the graph did not have when it stopped
            now = run.world.clock.now()
            checkpoint, entries = edits.renamed(position, {}, id=run.new_id(), at=now, code=run.digest, fresh=fresh)
            run.enter(checkpoint, entries, keep=True)
            run.fold()
            position = run.position
        run.resume(position, answers)

    def _answers(self, position: Position) -> dict[str, Answered]:
        """What the parent knows of answers to the questions of a position."""
        known = self.inside.position.answers
        ids = [q.id for asked in position.asked.values() for q in asked if q.id in known]
        return {id: known[id] for id in ids if not _same(known[id], position.answers.get(id))}

    # -- what happens, and how it ends

    def events(self, events: Iterator[Event]) -> Generator[Event, None, None]:
        """Pass on what happens; a node that leaves for the parent ends the run."""
        listened = self.listener is not None
        try:
            for event in events:
                if listened:
                    self.heard(event)
                yield event
        except ParentCommand:
            self.left()
            raise

    async def aevents(self, events: AsyncIterator[Event]) -> AsyncGenerator[Event, None]:
        """As `events`."""
        try:
            async for event in events:
                if self.run.beat is not None:
                    self.run.beat.moved()
                self.heard(event)
                yield event
        except ParentCommand:
            self.left()
            raise

    def heard(self, event: Event) -> None:
        """Tell whoever listens to the outermost run."""
        if self.listener is not None:
            self.listener(self.run, event)

    def left(self) -> None:
        """A node went on in the parent graph: nothing follows here."""
        self.run.note([Stopped("finished", "left for the graph that called it", self.run.world.clock.now())])

    def result(self) -> Any:
        """What the call returns to the body.

        Raises:
            GraphInterrupt: the sub-graph waits; leaves the body.
            Exception: what a node of it raised.
        """
        entries = self.pause()
        if entries is not None:
            raise self.inside.paused(*entries)
        return result(self.run)

    def pause(self) -> list[Entry] | None:
        """What it means to the body's task that the sub-graph waits; None when it has ended. Raises what it raised."""
        run = self.run
        stopped = run.position.stopped
        if self.open and stopped is not None and stopped.reason != "finished":
            self._stay(run.position.checkpoint.id)
            if stopped.reason == "failed":
                raise_failure(run)
            return self._entries(stopped)
        if run.world.saver is not None:
            self._remember()
        return None

    def keep(self) -> None:
        """What has ended is durable, together with all that leads to it, once the saver is flushed."""
        run = self.run
        if run.anchor is not None and run.durability == "exit":
            run.anchor(run.position.checkpoint.id)

    def _anchor(self, head: str) -> None:
        """Let the graphs above find ``head`` again, durably."""
        self._stay(head)
        self.inside.run.save()

    def _stay(self, head: str) -> None:
        """The line goes on from ``head``; what lies before may never have been saved (durability ``exit``)."""
        known = self.inside.line(self.number)
        if known is not None and known.head != head:
            self.inside.enter(replace(known, head=head))

    def _remember(self) -> None:
        """Let the parent's checkpoint know where the memory of this sub-graph, and of those in it, stands."""
        known, end = self.inside.line(self.number), self.run.position.checkpoint
        if known is None:
            return
        memory = {self.run.key.ns: end.id} if self.remembers else end.children
        if memory and memory != known.memory:
            self.inside.enter(replace(known, memory=memory))

    def _entries(self, stopped: Stopped) -> list[Entry]:
        """What the pause of the sub-graph means to the parent's task."""
        if stopped.reason == "interrupted":
            return self._questions()
        if stopped.reason == "breakpoint":
            held = self._held(stopped)
            return [*(self._questions() if held.place == "question" else ()), held]
        return []

    def _questions(self) -> list[Entry]:
        task, position = self.inside.task, self.run.position
        names = {t.id: t.node for t in position.checkpoint.tasks}
        head, ns = position.checkpoint.id, self.run.key.ns
        found: list[Entry] = [
            replace(q, task=task.id, node=f"{task.node}/{q.node or names[q.task]}", ns=ns, head=head)
            for q in position.pending
        ]
        pending = {q.id for q in position.pending}
        before = [q for q in self.inside.position.asked.get(task.id, ()) if q.ns == ns and q.id not in pending]
        return found + [
            Superseded(q.id, position.superseded.get(q.id, ""))
            for q in before
            if q.id not in self.inside.position.answers
        ]

    def _held(self, stopped: Stopped) -> Held:
        """What holds tasks of the sub-graph holds the task that runs it."""
        task, held = self.inside.task.id, list(self.run.position.held.values())
        if not held:  # a static breakpoint
            where, _, node = stopped.text.removeprefix("at the breakpoint ").partition(" ")
            return Held(task, f"{where} {self.run.rules.inside}{node}", "inside")
        urgent = (one.place for one in held if one.place in ("error", "question"))
        texts = ", ".join(dict.fromkeys(one.text for one in held))
        notes = ", ".join(dict.fromkeys(one.note for one in held if one.note))
        return Held(task, texts, next(urgent, "inside"), held[0].why, notes)


def _same(one: Answered, other: Answered | None) -> bool:
    if other is None:
        return False
    return one is other or (one.at, one.by, one.via, one.sealed, digest(one.value)) == (
        other.at, other.by, other.via, other.sealed, digest(other.value)
    )  # fmt: skip


def nest(
    graph: Graph,
    inside: TaskContext,
    rules: Rules,
    config: Mapping[str, Any],
    memory: Any,
    compiled: World,
    number: int | None = None,
) -> Nest:
    """A call of ``graph`` from a body. ``memory`` is what it was compiled with: None, True, False or a saver.

    Of ``compiled``, the world that it was compiled with, the store and the cache count where there are some.

    ``rules.last_step`` counts from where the run begins. ``number`` is that of the call, where it is not the body's
    next one.

    Raises:
        CheckpointerRequired: it wants to remember, and the parent does not.
    """
    parent, task = inside.run, inside.task
    number = inside.next_call() if number is None else number
    saver = None if memory is False else parent.world.saver
    if memory is True and saver is None:
        raise CheckpointerRequired(
            f"node {task.node!r} calls a sub-graph that was compiled with checkpointer=True, but {parent.no_memory}."
        )
    world = parent.world
    if saver is not world.saver or compiled.store is not None or compiled.cache is not None:
        store = world.store if compiled.store is None else compiled.store
        cache = world.cache if compiled.cache is None else compiled.cache
        world = replace(world, saver=saver, store=store, cache=cache)
    known = inside.line(number)
    if known is not None:
        ns = known.ns
    elif memory is True:  # one line for all calls, whatever called its caller
        above = [node for node, _, _ in path_of(parent.key.ns)]
        ns = SEPARATOR.join([*above, _own(inside, graph)])
    else:
        ns = parent.key.below(segment(task.node, task.id, number))
    run = Run(
        graph,
        ThreadKey(parent.key.thread, parent.key.graph, ns),
        parent.rules.within(task.node, rules),
        world,
        {**parent.config, **config} if config else parent.config,
        parent.control,
        parent.durability,
        parent,
    )
    if memory is False:
        run.no_memory = (
            "the graph around it was compiled with checkpointer=False; leave checkpointer= out there, to use that of "
            "its parent"
        )
    run.beat = inside.beat
    run.watched = run.listener is not None or run.beat is not None
    return Nest(run, inside, number, remembers=memory is True)


def _own(inside: TaskContext, graph: Graph) -> str:
    """The namespace of a sub-graph that remembers: its node; in a body that calls several, with a number."""
    place = inside.place_of(graph)
    return inside.task.node if place == 0 else f"{inside.task.node}#{place}"


def head_of_memory(nested: Nest) -> str | None:
    """Where a sub-graph that remembers stands on the parent's branch, before this call."""
    if not nested.remembers:
        return None
    return nested.inside.memory().get(nested.run.key.ns)
