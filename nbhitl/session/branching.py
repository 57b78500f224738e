"""The branches of a thread: listed, named and compared; and the steps of the one where it stands."""

from __future__ import annotations

from nbhitl.debugging.comparing import Comparison, compared
from nbhitl.debugging.lineage import NAMES, Branch, Lineage, check_name, genuine, names_in
from nbhitl.debugging.moments import Moment, moments
from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import Position
from nbhitl.session.standing import Standing


class Branching(Standing):
    """A runner that knows its thread's branches."""

    def lineage(self) -> Lineage:
        """All branches of the thread, with what is on them."""
        return Lineage(self.saver.history(self.key), self._names())

    def branches(self) -> list[Branch]:
        """The branches of the thread, in the order in which they began; those on which nothing was done left out."""
        return self.lineage().shown()

    def find_branch(self, branch: str = "") -> Branch:
        """A branch by its name, number or a checkpoint on it; without one, where the thread stands.

        Raises:
            NbhitlError: there is none.
        """
        lineage = self.lineage()
        if branch:
            return lineage.find(branch)
        found = next((one for one in lineage.branches if one.current), None)
        if found is None:
            raise NbhitlError(f"thread {self.thread!r} has not run yet: it has no branches.")
        return found

    def name_branch(self, name: str, branch: str = "") -> Branch:
        """Call a branch ``name`` from now on: the one where the thread stands, or another.

        Raises:
            NbhitlError: there is no such branch, or the name is taken or cannot be one.
        """
        found = self.find_branch(branch)
        if found.name == name:
            return found
        self._expect_free(name)
        check_name(name)
        self._keep_name(found.id, name)
        return self.find_branch(name)

    def compare(self, one: str, other: str = "") -> Comparison:
        """Two branches side by side: where they part, the steps from there on, and the values that differ now.

        Args:
            one: a branch's name, number, or a checkpoint on it.
            other: the same; by default where the thread stands.

        Raises:
            NbhitlError: there is no such branch, or both are the same.
        """
        lineage = self.lineage()
        first, second = lineage.find(one), lineage.find(other) if other else self.find_branch()
        if first.id == second.id:
            raise NbhitlError(f"compare: both are {first.name}. Name another branch: %graph branches lists them.")
        return compared(first, second, lineage.line(first), lineage.line(second))

    def timeline(self) -> list[Moment]:
        """The steps of the branch where the thread stands, oldest first; none before its first run."""
        lineage = self.lineage()
        here = next((branch for branch in lineage.branches if branch.current), None)
        if here is None:
            return []
        return moments(lineage.line(here), lineage.leaving())

    def path_here(self) -> list[Position]:
        """The positions that led to where the thread stands, newest first; copies stand in for what they copy."""
        return list(genuine(self.branch()))

    def _names(self) -> dict[str, str]:
        return names_in(self.saver.settings(self.key))

    def _keep_name(self, checkpoint: str, name: str) -> None:
        self.saver.set_setting(self.key, NAMES, {**self._names(), checkpoint: name})

    def _begin_branch(self, checkpoint: str, name: str) -> None:
        """A branch begins at a checkpoint because somebody wanted it."""
        self._keep_name(checkpoint, name)

    def _expect_free(self, name: str) -> None:
        """Raise `NbhitlError` for a name that cannot be given; the empty one is none."""
        if not name:
            return
        check_name(name)
        if any(branch.name == name for branch in self.lineage().branches):
            raise NbhitlError(f"there is a branch {name!r} already. Give another name.")
