"""The history of a thread -> the branch that it is on, and what there is to say of the others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nbhitl.engine.records import EMPTY, START, Checkpoint, Position

LONGEST_PATH = 30
"""Nodes that are named of a branch: its last ones."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Another branch of the thread: where it left, and how it ended."""

    name: str
    parted: str
    """The checkpoint of the told branch behind which it goes its own way; empty: none that is told."""
    head: str
    """Its newest checkpoint."""
    steps: int
    path: tuple[str, ...]
    """The nodes that ran on it."""
    stop: str
    """How it ended, in words."""
    at: int
    """Microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Found:
    """A thread's history, taken apart."""

    branch: tuple[Position, ...]
    """Where the thread is on, oldest first."""
    others: tuple[Branch, ...]
    """The other branches, oldest first."""
    older: bool
    """Whether there is more of the branch."""


@dataclass(frozen=True, slots=True)
class _Point:
    """What is kept of a checkpoint of another branch."""

    parent: str | None
    ran: tuple[str, ...]
    stop: str
    at: int


def find(history: Iterable[Position], limit: int, names: Mapping[str, str] = EMPTY) -> Found:
    """Take a history apart.

    Args:
        history: the positions of all branches, newest first.
        limit: how many steps of the branch are told, the newest ones.
        names: checkpoint to the name of the branch that it stands on.
    """
    branch: list[Position] = []
    points: dict[str, _Point] = {}
    wanted: str | None = None
    for position in history:
        checkpoint = position.checkpoint
        if not branch or checkpoint.id == wanted:
            if len(branch) == limit:
                break
            branch.append(position)
            wanted = checkpoint.parent
        else:
            points[checkpoint.id] = _point(position, checkpoint)
    told = {position.checkpoint.id for position in branch}
    return Found(tuple(branch[::-1]), _others(points, told, names), wanted is not None)


def _point(position: Position, checkpoint: Checkpoint) -> _Point:
    words = position.stopped.text or position.stopped.reason if position.stopped is not None else ""
    return _Point(checkpoint.parent, checkpoint.ran, words, checkpoint.at)


def _others(points: Mapping[str, _Point], told: set[str], names: Mapping[str, str]) -> tuple[Branch, ...]:
    parents = {point.parent for point in points.values()}
    found = []
    for head in points:
        if head in parents:
            continue
        ids = []
        at: str | None = head
        while at is not None and at in points:
            ids.append(at)
            at = points[at].parent
        path = [node for id in reversed(ids) for node in points[id].ran if node != START]
        name = next((names[id] for id in ids if names.get(id)), "")  # one that nobody named has the empty name
        parted = at if at is not None and at in told else ""
        end = points[head]
        stop = end.stop or "left there"
        found.append(Branch(name, parted, head, len(ids), tuple(path[-LONGEST_PATH:]), stop, end.at))
    return tuple(found[::-1])
