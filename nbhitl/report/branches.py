"""The history of a thread -> the branch that it is on, and what there is to say of the others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from nbhitl.debugging.lineage import Branch, Lineage
from nbhitl.engine.records import EMPTY, START, Position

LONGEST_PATH = 30
"""Nodes that are named of a branch: its last ones."""


@dataclass(frozen=True, slots=True)
class Other:
    """Another branch of the thread: where it left the told one, and how it ended."""

    name: str
    parted: str
    """The checkpoint of the told branch behind which it goes its own way; empty: none that is told."""
    steps: int
    path: tuple[str, ...]
    """The nodes that ran on it."""
    stop: str
    """How it ended, in words."""


@dataclass(frozen=True, slots=True)
class Found:
    """A thread's history, taken apart."""

    branch: tuple[Position, ...]
    """Where the thread is on, oldest first."""
    others: tuple[Other, ...]
    """The other branches, in the order in which they began."""
    older: bool
    """Whether there is more of the branch."""


def find(history: Iterable[Position], limit: int, names: Mapping[str, str] = EMPTY) -> Found:
    """Take a history apart.

    Args:
        history: the positions of all branches, newest first.
        limit: how many steps of the branch are told, the newest ones.
        names: what was given to branches: see `nbhitl.debugging.lineage.Lineage`.
    """
    told: list[Position] = []
    way: set[str] = set()
    """Checkpoints that led to where the thread stands."""
    every: list[Position] = []
    wanted: str | None = None
    for position in history:
        checkpoint = position.checkpoint
        if not way or checkpoint.id == wanted:
            way.add(checkpoint.id)
            wanted = checkpoint.parent
            if len(told) < limit:
                told.append(position)
        # Of a long thread all values at once would be too much.
        every.append(Position(replace(checkpoint, values=EMPTY), stopped=position.stopped))
    lineage = Lineage(every, names)
    known = {position.checkpoint.id for position in told}
    found = [_other(lineage, branch, way, known) for branch in lineage.shown() if branch.head not in way]
    return Found(tuple(told[::-1]), tuple(found), len(way) > len(told))


def _other(lineage: Lineage, branch: Branch, way: Collection[str], told: Collection[str]) -> Other:
    """What is told of a branch: what is its own, where the told one goes no more."""
    line = lineage.line(branch)
    shared = [position.checkpoint.id for position in line if position.checkpoint.id in way]
    own = [position.checkpoint for position in line[len(shared) :]]
    ran = [checkpoint.ran for checkpoint in own if checkpoint.source == "loop" and checkpoint.ran != (START,)]
    path = [node for nodes in ran for node in nodes]
    stop = branch.stopped.text or branch.stopped.reason if branch.stopped is not None else "left there"
    parted = shared[-1] if shared and shared[-1] in told else ""
    return Other(branch.name, parted, len(ran), tuple(path[-LONGEST_PATH:]), stop)
