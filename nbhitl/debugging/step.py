"""`Step`: how far a run goes before it stops again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

StepKind: TypeAlias = Literal["over", "task", "into", "out", "until"]


@dataclass(frozen=True, slots=True)
class Step:
    """One move of a debugger. Breakpoints stop it earlier, all but those at the place where it begins."""

    kind: StepKind = "over"
    """``over``: so many super-steps, sub-graphs as one; ``task``: one task of the super-step, the others wait;
    ``into``: to the next task, also in a sub-graph; ``out``: until the sub-graph has ended; ``until``: to a node."""
    count: int = 1
    """Of ``over``: how many super-steps."""
    node: str = ""
    """Of ``until`` and ``task``: the node, or its path into sub-graphs. Of ``task`` empty: the first that is due."""
    inside: str = ""
    """The path of the sub-graph in which the run stands now, with a slash behind it: what is a step there."""

    @property
    def why(self) -> str:
        """What a stop of it says, before the place."""
        match self.kind:
            case "over":
                if not self.count:
                    return "at the start,"
                return f"after {self.count} step{'' if self.count == 1 else 's'},"
            case "task":
                return "after one task,"
            case "into":
                return "after one task,"
            case "out":
                return f"out of {self.inside.rstrip('/')},"
            case "until":
                return "as asked,"


FIRST: Final = Step("over", 0)
"""Of new input: stop before the first nodes."""
