"""The branches of a thread: where each left another one, and how far it came. Pure.

A branch is a line of checkpoints. The first checkpoint behind another one goes on with its branch, each later one
begins a branch of its own; so does one that was given a name, e.g. a fork of where the thread stood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.engine.records import START, Checkpoint, Position, Stopped

TRUNK = "main"
"""What the first branch of a thread is called."""
LONGEST = 60
"""Characters of a name."""
NAMES = "branches"
"""The thread's setting that holds the names."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of checkpoints, from where it left another one to its end."""

    id: str
    """Its first checkpoint."""
    name: str
    """As it was named, else ``main`` or ``branch 2``."""
    head: str
    """Its newest checkpoint."""
    parent: str
    """The id of the branch that it left; empty for one that begins with an input of its own."""
    left: str
    """The checkpoint at which it left; empty as above."""
    left_at: int | None
    """The step of that checkpoint."""
    steps: int
    """Super-steps that were run on it, inputs left out."""
    current: bool
    """Whether the thread stands on it."""
    stopped: Stopped | None
    """Why it stopped last; None while it runs, and after a kill."""
    named: bool = False
    """Whether somebody gave it its name, or forked it on purpose."""

    @property
    def status(self) -> str:
        """Where it stands, in words."""
        if self.stopped is None:
            return "running or broken off"
        return self.stopped.text or self.stopped.reason


class Lineage:
    """All branches of a thread, in the order in which they began.

    Args:
        positions: those of the whole thread, newest first.
        names: what was given to branches, by the id of their first checkpoint; the empty text only begins one.
    """

    def __init__(self, positions: Iterable[Position], names: Mapping[str, str]) -> None:
        self._checkpoints: dict[str, Checkpoint] = {}
        self._owner: dict[str, int] = {}
        """Checkpoint id to the place of its branch."""
        self._lines: list[list[Position]] = []
        continued: set[str] = set()
        for position in reversed(list(positions)):
            checkpoint = position.checkpoint
            parent = checkpoint.parent or ""
            place = self._owner.get(parent)
            if place is None or checkpoint.id in names or parent in continued:
                place = len(self._lines)
                self._lines.append([])
            else:
                continued.add(parent)
            self._lines[place].append(position)
            self._checkpoints[checkpoint.id] = checkpoint
            self._owner[checkpoint.id] = place
        newest = next(reversed(self._owner.values()), None)
        self.branches = tuple(self._made(n, line, names, n == newest) for n, line in enumerate(self._lines))

    def _made(self, place: int, line: Sequence[Position], names: Mapping[str, str], current: bool) -> Branch:
        first, head = line[0].checkpoint, line[-1]
        left = self._checkpoints.get(first.parent or "")
        ran = [found.checkpoint for found in line if found.checkpoint.source == "loop"]
        return Branch(
            id=first.id,
            name=names.get(first.id) or (TRUNK if place == 0 else f"branch {place + 1}"),
            head=head.checkpoint.id,
            parent="" if left is None else self._lines[self._owner[left.id]][0].checkpoint.id,
            left="" if left is None else left.id,
            left_at=None if left is None else left.step,
            steps=sum(checkpoint.ran != (START,) for checkpoint in ran),
            current=current,
            stopped=head.stopped,
            named=first.id in names,
        )

    def find(self, text: str) -> Branch:
        """The branch of that name, or of that number, or with a checkpoint whose id begins or ends so.

        Raises:
            NbhitlError: there is none, or several.
        """
        wanted = text.strip()
        found = [branch for branch in self.branches if wanted in (branch.name, branch.id)]
        if not found and wanted.isdecimal() and len(wanted) < 4:
            found = [branch for branch in self.branches if branch.name == f"branch {wanted}"]
        if not found and len(wanted) > 1:
            owners = {place for id, place in self._owner.items() if id.startswith(wanted) or id.endswith(wanted)}
            found = [self.branches[place] for place in sorted(owners)]
        if len(found) == 1:
            return found[0]
        names = [branch.name for branch in self.branches]
        if found:
            raise NbhitlError(f"{text!r} stands for {len(found)} branches: {_listed(b.name for b in found)}.")
        raise NbhitlError(f"there is no branch {text!r}.{did_you_mean(wanted, names)}")

    def line(self, branch: Branch) -> list[Position]:
        """All positions that led to the end of a branch, oldest first, those before it left another one included."""
        found: list[Position] = []
        wanted: str = branch.head
        while wanted in self._owner:
            place = self._owner[wanted]
            line = self._lines[place]
            upto = next(n for n, position in enumerate(line) if position.checkpoint.id == wanted)
            found += reversed(line[: upto + 1])
            wanted = line[0].checkpoint.parent or ""
        return found[::-1]

    def leaving(self) -> dict[str, list[Branch]]:
        """Checkpoint id to the branches worth a look that leave there."""
        found: dict[str, list[Branch]] = {}
        for branch in self.shown():
            found.setdefault(branch.left, []).append(branch)
        return found

    def shown(self) -> list[Branch]:
        """The branches that are worth a look: those on which nothing was done, and from which none leaves, are not."""
        parents = {branch.parent for branch in self.branches}
        return [b for b in self.branches if b.steps or b.current or b.named or not b.parent or b.id in parents]


def genuine(line: Iterable[Position]) -> Iterator[Position]:
    """The positions of a line, newest first; a copy stands in for what it is a copy of."""
    copied: str | None = None
    for position in line:
        checkpoint = position.checkpoint
        if checkpoint.id != copied:
            yield position
        copied = checkpoint.parent if checkpoint.source == "fork" else None


def names_in(settings: Mapping[str, Any]) -> dict[str, str]:
    """The names that were given to branches, as a thread's settings have them: see `Lineage`."""
    kept = settings.get(NAMES)
    found = kept.items() if isinstance(kept, Mapping) else ()
    return {id: name for id, name in found if isinstance(id, str) and isinstance(name, str)}


def check_name(name: str) -> None:
    """Raise `NbhitlError` for a text that cannot be a branch's name."""
    if not name.strip() or name != name.strip() or len(name) > LONGEST or not name.isprintable():
        raise NbhitlError(f"a branch cannot be called {name!r:.80}: give 1 to {LONGEST} printable characters.")
    if name.isdecimal():
        raise NbhitlError(f"a branch cannot be called {name!r}: a number alone is taken for a step.")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
