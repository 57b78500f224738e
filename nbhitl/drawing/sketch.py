"""A graph -> what is drawn of it: nodes and edges with ids of ours. The same for every run of the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbhitl.engine.moves import Pair

NODE_LIMIT: Final = 300
EDGE_LIMIT: Final = 2_000
"""Above either, a drawing helps nobody and its layout may take minutes."""

NodeKind: TypeAlias = Literal["start", "node", "end", "join", "unknown"]
EdgeKind: TypeAlias = Literal["static", "conditional"]


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """Something with a place of its own."""

    id: str
    """Ours: ``n0``, ``n1`` ... for START, nodes, END; ``j0`` ... for joins; ``u0`` ... for unknown ends."""
    kind: NodeKind
    name: str = ""
    """The node's name in the graph, or its path into opened sub-graphs (``review/ask``); joins and unknown ends have
    none."""
    label: str = ""
    """What is shown: one short line of printable text, and perhaps a second one of ours."""
    hint: str = ""
    """A sentence for the tooltip of a join or an unknown end."""
    opens: bool = False
    """Whether it runs a sub-graph or tasks, which are closed here."""
    calls: bool = False
    """Whether what it opens are tasks, which its body calls."""

    @property
    def opens_what(self) -> str:
        """What it opens, in words; empty where it opens nothing."""
        return "" if not self.opens else "calls tasks" if self.calls else "runs a sub-graph"


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """A line between two drawn nodes, given by their ids."""

    id: str
    tail: str
    head: str
    kind: EdgeKind = "static"
    label: str = ""
    pairs: tuple[Pair, ...] = ()
    """Steps that it stands for; it is taken when all of them are. Empty for an unknown end."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame around what is inside an opened sub-graph."""

    id: str
    """Ours: ``c0``, ``c1`` ..."""
    label: str
    members: tuple[str | Frame, ...]
    """Ids of drawn nodes, and frames inside this one, in order."""
    name: str = ""
    """The path of the node that runs the sub-graph."""

    def walk(self) -> Iterator[Frame]:
        """This frame, then those inside it, at any depth."""
        yield self
        for member in self.members:
            if not isinstance(member, str):
                yield from member.walk()


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of a graph; the same for every run of it."""

    name: str
    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]
    frames: tuple[Frame, ...] = ()

    @property
    def named(self) -> tuple[DrawnNode, ...]:
        """What has a state: all but joins and unknown ends. Frames have one, too: see `opened`."""
        return tuple(node for node in self.nodes if node.kind not in ("join", "unknown"))

    @property
    def opened(self) -> tuple[Frame, ...]:
        """The frames, outer ones first."""
        return tuple(frame for outer in self.frames for frame in outer.walk())

    @property
    def too_large(self) -> str | None:
        """Why this is not laid out, in words; None for a drawing of a sensible size."""
        nodes, edges = len(self.nodes), len(self.edges)
        if nodes <= NODE_LIMIT and edges <= EDGE_LIMIT:
            return None
        return (
            f"The graph is too large to be drawn: {nodes:,} nodes and {edges:,} edges; the limits are "
            f"{NODE_LIMIT:,} and {EDGE_LIMIT:,}."
        )
