"""Time travel: back, rewind, goto and fork. Each makes a branch, runs nothing and deletes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, TypeAlias

from nbhitl.debugging.lineage import genuine
from nbhitl.editing import Edit, editing
from nbhitl.engine import edits
from nbhitl.engine.commands import StateUpdate
from nbhitl.engine.description import ByKey
from nbhitl.engine.errors import InvalidUpdateError, NbhitlError, did_you_mean
from nbhitl.engine.records import EMPTY, Checkpoint, Entered, Entry, Position, Stopped, ThreadKey
from nbhitl.grafts import Entrance, graft_along
from nbhitl.run import hands
from nbhitl.run.claims import Claim
from nbhitl.run.running import Run
from nbhitl.session.branching import Branching
from nbhitl.session.reopening import Reopening, positions_of
from nbhitl.session.standing import reason_of, standing, takes_input
from nbhitl.session.what_if import Foreseeing

Place: TypeAlias = tuple[tuple[Entrance, ...], Position]
"""A position of a graph or a sub-graph, and how that was entered, from the innermost one to the outermost."""


class Travelling(Branching, Foreseeing):
    """A runner that can go back in time."""

    def back(self, count: int = 1, *, to: int | str | None = None) -> Stopped:
        """Stand again where the thread stood ``count`` super-steps ago, on a branch of its own; nothing is run.

        Over a question it is open again. An edit of the state counts as a step, copies and inputs do not.

        Args:
            count: how many steps.
            to: the step instead, as `at` takes it.

        Raises:
            NbhitlError: there are not so many steps, or the thread has not run.
            ThreadBusyError: it is being run.
        """
        if count < 1:
            raise NbhitlError(f"back {count}: give the number of steps, 1 or more.")
        with self._resting() as run:
            if to is not None:
                return self._return_to(run, self._past(to), "back")
            now = run.position.checkpoint.id
            before = (found for found in genuine(self.branch()) if not takes_input(found))
            places = list(islice((found for found in before if found.checkpoint.id != now), count))
            if count > len(places):
                raise NbhitlError(_too_far(count, places))
            return self._return_to(run, places[count - 1], "back")

    def rewind(self, node: str) -> Stopped:
        """Stand just before the last time that ``node`` ran on this branch, on a branch of its own; nothing is run.

        What it asked then is asked again when it runs. Nodes beside it in the same step run again as well; those
        beside its sub-graph do not.

        Args:
            node: its name, or its path into sub-graphs: ``review/ask``.

        Raises:
            UnknownNodeError: there is no such node.
            NbhitlError: it has not run on this branch.
            ThreadBusyError: the thread is being run.
        """
        self.graph.expect([node], "rewind")
        with self._resting() as run:
            way, found = self._last_run(node)
            outer = way[-1][1].checkpoint if way else found.checkpoint
            head = run.position.checkpoint.id
            if way:
                made, entries = graft_along(self.saver, way, found.checkpoint.id, run.new_id)
                made = replace(made, at=run.world.clock.now(), code=run.digest)
                stopped = self._stand(run, made, entries, f"back at step {outer.step}, before {node}")
            else:
                text = f"back at step {outer.step}, {standing(Position(outer))}"
                made = self._copy(run, outer)
                stopped = self._stand(run, made, [], text)
            if outer.id == head:  # what is under way stays at the end of the branch that is left
                self._begin_branch(made.id, "")
            return stopped

    def goto(self, node: str) -> Stopped:
        """Make ``node`` the next one: what was due is dropped with its questions; nothing is run.

        Raises:
            UnknownNodeError: there is no such node.
            NbhitlError: it is a node of a sub-graph, or the thread has not run.
            ThreadBusyError: it is being run.
        """
        if node not in self.graph.nodes and node.partition("/")[0] in self.graph.nodes:
            raise NbhitlError(
                f"goto {node}: only a node of the graph itself can be next. Into a sub-graph: rewind {node}, or "
                f"goto {node.partition('/')[0]}."
            )
        self.graph.expect([node], "goto")
        with self._resting() as run:
            made, entries = edits.jump(
                self.graph, run.position, node, id=run.new_id(), at=run.world.clock.now(), code=run.digest
            )
            return self._stand(run, made, entries, f"sent on to step {made.step}, before {node}")

    def fork(
        self,
        step: int | str | None = None,
        values: Mapping[str, Any] | None = None,
        *,
        as_node: str | None = None,
        name: str = "",
    ) -> Stopped:
        """Stand at a step on a branch of its own, with edited values where some are given; nothing is run.

        Args:
            step: as `at` takes it; by default where the thread stands, with its open questions.
            values: updates of the state, merged as a node's are. What follows ``as_node`` is due then.
            as_node: the node that counts as the writer; by default the one that ran last before the step.
            name: the branch's name.

        Raises:
            NbhitlError: there is no such step, the name is taken, or several nodes ran last and none is named.
            ThreadBusyError: the thread is being run.
        """
        found = self._past(step)
        self._expect_free(name)
        if values:
            return self._edited(found, values, as_node, name)
        if as_node is not None:
            raise NbhitlError("fork: as_node says who writes the values; give some: fork --set KEY=VALUE.")
        with self._resting() as run:
            if found.checkpoint.id == run.position.checkpoint.id:
                found = run.position
                made, entries = self._whole_copy(run, found)
                stopped = self._stand(run, made, entries, f"forked at step {found.checkpoint.step}, {standing(found)}")
            else:
                stopped = self._return_to(run, found, "forked")
            self._begin_branch(run.position.checkpoint.id, name)
            return stopped

    def switch(self, branch: str) -> Stopped:
        """Go on with another branch: a copy of its end is made, so that it is the newest checkpoint.

        Its open questions stay open, its answers stay given; nothing is run.

        Args:
            branch: its name, its id, or how a checkpoint's id on it begins or ends.

        Raises:
            NbhitlError: there is no such branch, or the thread stands there already.
            ThreadBusyError: the thread is being run.
        """
        with self._resting() as run:
            chosen = self.find_branch(branch)
            found = self.saver.load(self.key, chosen.head)
            if chosen.current or found is None:
                raise NbhitlError(f"the thread stands on {chosen.name} already.")
            made, entries = self._whole_copy(run, found)
            return self._stand(run, made, entries, f"on {chosen.name}, {standing(Position(made).after(entries))}")

    # -- how

    def _past(self, step: int | str | None) -> Position:
        """The position at a step, where somebody can stand. Raises `NbhitlError`."""
        found = self.at(step)
        if takes_input(found):
            raise NbhitlError(f"step {found.checkpoint.step} only takes the input; take the step after it.")
        return found

    def _return_to(self, run: Run, place: Position, verb: str) -> Stopped:
        """Stand before the tasks of an old step; what they asked first is open again."""
        now = run.world.clock.now()
        made, entries = Reopening(self.saver, run.new_id, now).of(self.key, place, run.digest)
        at = f"{verb} at step {place.checkpoint.step}"
        return self._stand(run, made, entries, f"{at}, {standing(Position(made).after(entries))}")

    def _copy(self, run: Run, checkpoint: Checkpoint, *, same: bool = False) -> Checkpoint:
        return edits.branch(checkpoint, id=run.new_id(), at=run.world.clock.now(), code=run.digest, same=same)

    def _whole_copy(self, run: Run, position: Position) -> tuple[Checkpoint, list[Entry]]:
        """A copy with all that has happened there: answers, finished siblings, failures."""
        made = self._copy(run, position.checkpoint, same=True)
        entries = [self._apart(entry, position) for entry in edits.rebase(position, made, EMPTY)]
        for old, new in zip(position.checkpoint.tasks, made.tasks, strict=True):
            if old.id in position.failed:
                entries.append(replace(position.failed[old.id], task=new.id))
        if "" in position.failed:  # the merging of writes failed: it belongs to no task
            entries.append(position.failed[""])
        return made, entries

    def _apart(self, entry: Entry, position: Position) -> Entry:
        """A sub-graph's line that is under way goes on as a branch of its own, so that two never share one."""
        if not isinstance(entry, Entered) or not entry.head or entry.memory:
            return entry
        line = replace(self.key, ns=entry.ns)
        # After a stop it stands at its head, and what follows is of other branches; after a kill it may have gone on.
        stopped = position.stopped is not None
        newest = self.saver.load(line, entry.head) if stopped else self.saver.newest(line, entry.head)
        if newest is None or not newest.checkpoint.tasks:
            return entry
        return replace(entry, head="", source=newest.checkpoint.id, fork=True)

    def _edited(self, found: Position, values: Mapping[str, Any], as_node: str | None, name: str) -> Stopped:
        """A branch from a position with values written into it, and what follows the writer due."""
        for key in values:
            if key not in self.graph.channels:
                raise NbhitlError(f"fork: {key!r} is no key of the state.{did_you_mean(key, self.graph.channels)}")
        claim = Claim()
        with self._reserved(claim, take=False):  # editing takes the claim
            config = {"configurable": {**self.config["configurable"], "checkpoint_id": found.checkpoint.id}}
            update = [StateUpdate(ByKey(values), as_node)]
            try:
                edit = editing(self.compiled.calls, config, [update], claim)
                edit.write(_performed(edit, update, hands.has_async(self.graph)))
            except InvalidUpdateError as error:
                raise InvalidUpdateError(f"{error} In a %graph line: --as NODE.") from error
            run = edit.run
            now = run.position
            keys = ", ".join(values)
            text = f"forked at step {found.checkpoint.step} with {keys} edited, {standing(now)}"
            stopped = Stopped(reason_of(now), text, run.world.clock.now(), run.code)
            run.note([stopped], wait=True)
            edit.done()
            self._begin_branch(now.checkpoint.id, name)
            return stopped

    # -- where a node ran

    def _last_run(self, path: str) -> Place:
        """Where a node ran last on this branch."""
        for position in genuine(self.branch()):
            found = None if takes_input(position) else self._ran_at(self.key, position, path.split("/"))
            if found is not None:
                return found
        raise NbhitlError(
            f"node {path!r} has not run on this branch. %graph timeline shows what has, %graph branches the others."
        )

    def _ran_at(self, line: ThreadKey, position: Position, path: Sequence[str]) -> Place | None:
        """Where a node ran, at a position or in a sub-graph that ran there."""
        node, *rest = path
        begun = position.wrote.keys() | position.asked.keys() | position.failed.keys() | position.entered.keys()
        tasks = [task for task in position.checkpoint.tasks if task.node == node and task.id in begun]
        if not rest:
            return ((), position) if tasks else None
        for task in reversed(tasks):
            calls: Mapping[int, Entered] = position.entered.get(task.id, {})
            for number in sorted(calls, reverse=True):
                below = replace(line, ns=calls[number].ns)
                for inner in positions_of(self.saver, below, calls[number]):
                    found = self._ran_at(below, inner, rest)
                    if found is not None:
                        return (*found[0], (line, position, calls[number])), found[1]
        return None


def _performed(edit: Edit, update: Sequence[StateUpdate], awaits: bool) -> list[hands.Outcome]:
    """What became of the writers: only their routers are code of the person's."""
    if not awaits:
        return [(job, hands.perform(job)) for job in edit.jobs(update)]

    async def every() -> list[hands.Outcome]:
        return [(job, await hands.aperform(job)) for job in edit.jobs(update)]

    return asyncio.run(every())


def _too_far(count: int, places: Sequence[Position]) -> str:
    if not places:
        ways = "To run a node again: %graph rewind NODE. To begin anew, run the cell with --restart."
        return f"back: this is the beginning of the thread. {ways}"
    first = places[-1]
    step = f"step {first.checkpoint.step}, {standing(Position(first.checkpoint))}"
    steps = "1 step" if len(places) == 1 else f"{len(places)} steps"
    return (
        f"back {count}: this branch has only {steps} behind it; back {len(places)} goes to its beginning, {step}. "
        "%graph timeline shows them."
    )
