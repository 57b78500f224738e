"""The values that a drawable graph consists of: nodes, edges, and regions that say how they are nested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from nbhitl.drawing.ways import Way

INTERRUPT: Final = "__interrupt"
"""The key of a node's metadata that says where it has breakpoints: ``before``, ``after`` or ``before,after``."""


class Node(NamedTuple):
    """A node of the outline. A tuple, as upstream, so that code that takes it apart goes on working."""

    id: str
    """Unique: the name, or ``sub:inner`` for a node of the opened sub-graph ``sub``."""
    name: str
    data: Any = None
    """What the node calls; None for START and END."""
    metadata: dict[str, Any] | None = None
    """What was given with the node, ``defer`` and ``__interrupt`` included; None where there is nothing."""


class Edge(NamedTuple):
    """A way from one node to another, by their ids. A tuple, as upstream."""

    source: str
    target: str
    data: str | None = None
    """The router's keys that lead here, or a label; None where it would repeat the target's name."""
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """The inside of a graph: the outermost one, or a sub-graph that is opened."""

    id: str
    """The id that the closed node would have; empty for the outermost graph."""
    name: str
    parts: tuple[str | Region, ...]
    """Ids of the nodes inside, and regions, in the order in which they were added."""
    ways: tuple[Way, ...]
    """What this graph itself declares, by ids; sources and targets may lie in a region inside."""
    metadata: dict[str, Any] | None = None

    def walk(self) -> Iterator[Region]:
        """This region, then those inside it, at any depth."""
        yield self
        for part in self.parts:
            if not isinstance(part, str):
                yield from part.walk()
