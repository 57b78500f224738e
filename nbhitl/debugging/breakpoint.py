"""`Breakpoint`: where a run stops, and under which conditions. A value; what counts its hits stands elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["before", "after", "error", "interrupt", "edge", "change"]


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """One breakpoint of a graph."""

    kind: Kind = "before"
    node: str = ""
    """The node, or its path into sub-graphs: ``review/ask``. Of an edge its source. Empty for any node (``error``,
    ``interrupt``, ``change``)."""
    target: str = ""
    """Of an edge: the node that it leads to, in the same graph as ``node``, by its path."""
    key: str = ""
    """Of ``change``: the key of the state."""
    branch: int | None = None
    """Of a node that a fan-out runs several times in one step: which of the tasks, from 0. None: each of them."""
    condition: str = ""
    """An expression (`nbhitl.debugging.expressions`): the keys of the state are its names, and ``arg`` is the input of
    a task that has one of its own. Empty: always."""
    hits: str = ""
    """At which of the hits of a thread to stop: ``3`` the third, ``>=3`` from the third on, ``%3`` each third."""
    log: str = ""
    """Text to print in place of stopping, with expressions in braces: ``"score is {score}"``."""
    once: bool = False
    """Whether it goes when it has stopped a run."""
    enabled: bool = True

    @property
    def id(self) -> str:
        """What it is called in lists and verbs: ``before review``, ``edge a -> b``, ``change score``, ``error``."""
        match self.kind:
            case "edge":
                return f"edge {self.node} -> {self.target}"
            case "change":
                where = f" in {self.node}" if self.node else ""
                return f"change {self.key}{where}"
            case "error" | "interrupt":
                return f"{self.kind} in {self.node}" if self.node else self.kind
            case _:
                branch = "" if self.branch is None else f" [{self.branch}]"
                return f"{self.kind} {self.node}{branch}"
