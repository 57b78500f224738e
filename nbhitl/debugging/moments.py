"""The story of one branch, step by step: who ran, for how long, what was written, asked and answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from nbhitl.debugging.lineage import Branch, genuine
from nbhitl.engine.records import START, Answered, Asked, Position, Stopped

Happened: TypeAlias = Literal["ran", "asked", "failed", "due", "input", "ended"]
Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what became of it."""

    node: str
    """Who asked; in a sub-graph its path."""
    asked: Asked
    answered: Answered | None
    """None: nobody has answered it here."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One super-step of a branch, or the end of a run."""

    step: int
    checkpoint: str
    """The checkpoint before it: going back there is going back before this step."""
    happened: Happened
    nodes: tuple[str, ...]
    """Whose tasks it is made of; a node that ran several times stands here as often."""
    edited: tuple[str, ...]
    """Keys that somebody wrote by hand just before it."""
    wrote: tuple[str, ...]
    """Keys that it wrote."""
    exchanges: tuple[Exchange, ...]
    failures: tuple[tuple[str, str], ...]
    """Node and error text of each task that failed."""
    began: int
    """Microseconds since 1970."""
    work: int | None
    """Microseconds that its tasks took, as far as is known; None while it is not over."""
    waited: int
    """Microseconds that it stood still: for a person's answer, or for somebody to let it go on."""
    copied: bool
    """It begins with a copy of a checkpoint: somebody went back here."""
    leaving: tuple[str, ...]
    """Names of the branches that leave here."""
    stopped: Stopped | None
    """Why the thread stands here, of the last one."""
    now: bool
    """The thread stands here."""


def moments(line: Sequence[Position], leaving: Mapping[str, Sequence[Branch]], *, current: bool = True) -> list[Moment]:
    """The steps of a line of positions, oldest first.

    Args:
        line: the positions that led to its end, oldest first, copies included.
        leaving: checkpoint id to the branches that leave there.
        current: the thread stands at the end.
    """
    positions = list(genuine(reversed(line)))[::-1]
    copies = {found.checkpoint.id: found.checkpoint.parent or "" for found in line if found.checkpoint.source == "fork"}
    own = {found.checkpoint.id for found in line}
    found = []
    for place, position in enumerate(positions):
        after = positions[place + 1] if place + 1 < len(positions) else None
        if after is not None and _replaced(position, after):
            continue
        leave: list[str] = []
        at: str = position.checkpoint.id
        while at:  # a branch may leave at a checkpoint, or at the one that it is a copy of
            leave += [branch.name for branch in leaving.get(at, ()) if branch.id not in own]
            at = copies.get(at, "")
        found.append(_moment(position, after, tuple(leave), now=current and after is None))
    return found


def _replaced(position: Position, after: Position) -> bool:
    """Whether an edit took the place of a position: its tasks ran on another branch, or nowhere."""
    tasks = position.checkpoint.tasks
    edited = after.checkpoint.source == "update" and bool(tasks)
    return edited and (position.untouched or len(position.wrote) == len(tasks))


def _moment(position: Position, after: Position | None, leaving: tuple[str, ...], *, now: bool) -> Moment:
    checkpoint = position.checkpoint
    names = {task.id: task.node for task in checkpoint.tasks}
    exchanges = tuple(
        Exchange(question.node or names.get(question.task, ""), question, position.answers.get(question.id))
        for several in position.asked.values()
        for question in several
        if question.id not in position.superseded
    )
    over = after is not None and after.checkpoint.source != "update"
    spans = list(_still(position, exchanges))
    waited = sum(end - begin for begin, end in _united(spans))
    total = after.checkpoint.at - checkpoint.at if after is not None else 0
    return Moment(
        step=checkpoint.step,
        checkpoint=checkpoint.id,
        happened=_happened(position, over=over),
        nodes=tuple(task.node for task in checkpoint.tasks),
        edited=tuple(checkpoint.changed) if checkpoint.source == "update" else (),
        wrote=_wrote(position, after if over else None),
        exchanges=exchanges,
        failures=tuple((names.get(task, ""), failed.text) for task, failed in position.failed.items()),
        began=checkpoint.at,
        work=max(0, total - waited) if over else None,
        waited=waited,
        copied=checkpoint.source == "fork",
        leaving=leaving,
        stopped=position.stopped if after is None else None,
        now=now,
    )


def _happened(position: Position, *, over: bool) -> Happened:
    tasks = position.checkpoint.tasks
    if not tasks:
        return "ended"
    if tasks[0].node == START:
        return "input"
    if position.failed and not over:
        return "failed"
    if position.pending and not over:
        return "asked"
    return "ran" if over else "due"


def _wrote(position: Position, after: Position | None) -> tuple[str, ...]:
    if after is not None:
        return tuple(after.checkpoint.changed)
    return tuple(dict.fromkeys(key for wrote in position.wrote.values() for key, _ in wrote.updates))


def _still(position: Position, exchanges: Iterable[Exchange]) -> Iterator[Span]:
    """When nothing was done: from each question to its answer, and up to when a run took it up again."""
    begin, last = position.checkpoint.at, 0
    for exchange in exchanges:
        if exchange.answered is not None:
            yield exchange.asked.at, exchange.answered.at
            last = max(last, exchange.answered.at)
    if position.resumed:  # at a breakpoint, after a failure, or with an answer that nobody went on with yet
        yield last or begin, max(position.resumed, last or begin)


def _united(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans that overlap as one; those that a clock which was set back has turned round are left out."""
    here: Span | None = None
    for begin, end in sorted(span for span in spans if span[0] <= span[1]):
        if here is not None and begin <= here[1]:
            here = here[0], max(here[1], end)
            continue
        if here is not None:
            yield here
        here = begin, end
    if here is not None:
        yield here
