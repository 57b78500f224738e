"""A step that asked, before anybody has answered: its questions are open again, on a branch of its own.

A question is asked anew under an id of its own, since its first answer stays what it was. A sub-graph that asked
branches as well, down to the node that did; every other task of the step has yet to run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from nbhitl.engine import edits, ids
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import EMPTY, Asked, Checkpoint, Entered, Entry, Kept, Position, Task, ThreadKey
from nbhitl.session.standing import takes_input


@dataclass(frozen=True, slots=True)
class Reopening:
    """What it takes to open questions again."""

    saver: Saver
    new_id: Callable[[], str]
    """Ids of checkpoints."""
    now: int
    """Microseconds since 1970: when the questions count as asked."""

    def of(self, key: ThreadKey, position: Position, code: str = "") -> tuple[Checkpoint, list[Entry]]:
        """A copy of a position before its tasks went on from their first questions, and what has happened there.

        Sub-graphs that asked get such a copy written at once; nobody knows it before the outermost one is written.
        """
        copy = edits.branch(position.checkpoint, id=self.new_id(), at=self.now, code=code)
        entries: list[Entry] = []
        for old, new in zip(position.checkpoint.tasks, copy.tasks, strict=True):
            asked = position.asked.get(old.id, ())
            first = next((q for q in asked if q.id not in position.superseded), None)
            if first is None:
                continue
            if first.ns:
                entries += self._below(key, position, first, old, new)
            else:
                calls = position.entered.get(old.id, EMPTY).values()
                entries += [replace(call, task=new.id, place=-1) for call in calls if call.binding]
                entries.append(self._anew(first, new))
            kept = position.kept.get(old.id, EMPTY)
            entries += [Kept(new.id, name, value) for name, value in kept.items()]
        return copy, entries

    def _anew(self, question: Asked, task: Task) -> Asked:
        """The same question of a new task; a deadline leaves as much time as it did."""
        deadline = self.now + question.deadline - question.at if question.deadline else 0
        id = ids.interrupt_id(task.root, question.binding)
        return replace(question, task=task.id, id=id, at=self.now, deadline=deadline, again=0)

    def _below(self, key: ThreadKey, position: Position, first: Asked, old: Task, new: Task) -> list[Entry]:
        """The same for a task whose sub-graph asked: what its body called before stays as it ended."""
        calls: Mapping[int, Entered] = position.entered.get(old.id, {})
        line = replace(key, ns=first.ns)
        entered = self._asking(line, first, [call for call in calls.values() if call.ns == first.ns])
        below = self.saver.load(line, first.head)
        if entered is None or below is None:
            return []  # its line is gone: the task starts from its first line
        copy, inner = self.of(line, below)
        self.saver.commit(line, copy, inner, wait=False)  # durable with what the outermost graph writes next
        names = {task.id: task.node for task in copy.tasks}
        others = {number: call for number, call in calls.items() if number != entered.call}
        # Calls of a @task are known by more than their order: those that came later are kept as well.
        kept = [replace(call, task=new.id, place=-1) for n, call in others.items() if n < entered.call or call.binding]
        asked = [
            replace(q, task=new.id, node=f"{new.node}/{q.node or names[q.task]}", ns=first.ns, head=copy.id)
            for q in inner
            if isinstance(q, Asked)
        ]
        here = replace(
            entered, task=new.id, ns=first.ns, head=copy.id, source=first.head, fork=True, memory=EMPTY, place=-1
        )
        return [*kept, here, *asked]

    def _asking(self, line: ThreadKey, question: Asked, calls: Sequence[Entered]) -> Entered | None:
        """The call that asked a question: one line serves all calls of a sub-graph that remembers."""
        if len(calls) == 1:
            return calls[0]
        for call in calls:
            if any(inner.checkpoint.id == question.head for inner in positions_of(self.saver, line, call)):
                return call
        return None


def positions_of(saver: Saver, line: ThreadKey, entered: Entered) -> Iterator[Position]:
    """The positions of one call of a sub-graph, newest first."""
    ended = entered.memory.get(line.ns, "") if entered.remembers else ""
    at = ended or ("" if entered.head else entered.source)  # what has gone on from the source is another branch
    newest = saver.load(line, at) if at else saver.newest(line, entered.head)
    while newest is not None and not takes_input(newest):  # before the input is another call, if it remembers
        yield newest
        if newest.checkpoint.source == "input":  # of an entrypoint or a @task: its node is due with the input
            return
        parent = newest.checkpoint.parent
        newest = saver.load(line, parent) if parent else None
