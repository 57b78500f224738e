"""Two branches side by side: where they part, what ran on each from there on, and how their ends differ. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from nbhitl.debugging.differences import Difference, differences
from nbhitl.debugging.lineage import Branch
from nbhitl.debugging.moments import Moment, moments
from nbhitl.engine.records import Position


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two branches have in common, and what not."""

    one: Branch
    other: Branch
    parted: Moment | None
    """The last step that both have in common; None where they have none: each begins with an input of its own."""
    rows: tuple[tuple[Moment | None, Moment | None], ...]
    """The steps from there on, side by side, inputs left out; None where one of the two has no more."""
    differences: tuple[Difference, ...]
    """How the state at the end of ``other`` differs from that at the end of ``one``."""

    @property
    def same_path(self) -> bool:
        """Whether the same nodes ran on both."""
        return all(a is not None and b is not None and a.nodes == b.nodes for a, b in self.rows)


def compared(one: Branch, other: Branch, line: Sequence[Position], against: Sequence[Position]) -> Comparison:
    """Two branches, each with the positions that led to its end, oldest first."""
    first, second = _steps(line, one), _steps(against, other)
    common = 0
    for a, b in zip(line, against, strict=False):
        if a.checkpoint.id != b.checkpoint.id:
            break
        common += 1
    shared = {position.checkpoint.id for position in line[:common]}
    # The place where they part was gone through on both: the first one went on from it, the second one from its copy.
    before = [moment for moment in first if moment.checkpoint in shared]
    left = {line[common - 1].checkpoint.id} if common else set()
    own = [moment for moment in first if moment.checkpoint not in shared - left]
    others = [moment for moment in second if moment.checkpoint not in shared - left]
    parted = next((moment for moment in reversed(before) if moment.checkpoint not in left), None)
    return Comparison(
        one,
        other,
        parted,
        tuple(zip_longest(own, others)),
        differences(line[-1].checkpoint.values, against[-1].checkpoint.values),
    )


def _steps(line: Sequence[Position], branch: Branch) -> list[Moment]:
    return [moment for moment in moments(line, {}, current=branch.current) if moment.happened != "input"]
