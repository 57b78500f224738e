"""A graph -> what is drawn of it: nodes and edges with ids of ours. The same for every run of the graph."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import FunctionType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from nbhitl.drawing.printable import printable
from nbhitl.engine.records import END, START

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbhitl.engine.description import Graph, Router

NODE_LIMIT: Final = 300
EDGE_LIMIT: Final = 2_000
"""Above either, a drawing helps nobody and its layout may take minutes."""

NodeKind: TypeAlias = Literal["start", "node", "end", "join", "unknown"]
EdgeKind: TypeAlias = Literal["static", "conditional"]
Pair: TypeAlias = tuple[str, str]
"""A step that a run can take: from one node's name to another's."""


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """Something with a place of its own."""

    id: str
    """Ours: ``n0``, ``n1`` ... for START, nodes, END; ``j0`` ... for joins; ``u0`` ... for unknown ends."""
    kind: NodeKind
    name: str = ""
    """The node's name in the graph; joins and unknown ends have none."""
    label: str = ""
    """What is shown: one short line of printable text."""
    hint: str = ""
    """A sentence for the tooltip of a join or an unknown end."""


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
class Drawing:
    """What is drawn of a graph; the same for every run of it."""

    name: str
    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]

    @property
    def named(self) -> tuple[DrawnNode, ...]:
        """What has a state: all but joins and unknown ends."""
        return tuple(node for node in self.nodes if node.kind not in ("join", "unknown"))

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


def describe(graph: Graph) -> Drawing:
    """What there is to draw of ``graph``. END is left out where no edge is known to lead to it."""
    return _Sketch(graph).drawing()


class _Sketch:
    """A drawing in the making: hands out ids in the order in which things appear."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.ids = {name: f"n{n}" for n, name in enumerate((START, *graph.nodes, END))}
        self.extras: list[DrawnNode] = []
        self.edges: list[DrawnEdge] = []

    def drawing(self) -> Drawing:
        for name in (START, *self.graph.nodes):
            self._from(name)
        for edge in self.graph.waiting:
            self._join(edge.sources, edge.target)
        nodes = [DrawnNode(self.ids[START], "start", START, "START")]
        nodes += [DrawnNode(self.ids[name], "node", name, printable(name)) for name in self.graph.nodes]
        if any(edge.head == self.ids[END] for edge in self.edges):
            nodes.append(DrawnNode(self.ids[END], "end", END, "END"))
        return Drawing(self.graph.name, (*nodes, *self.extras), tuple(self.edges))

    def _from(self, name: str) -> None:
        for target in self.graph.edges.get(name, ()):
            self._line(name, target)
        for router in self.graph.routers.get(name, ()):
            if router.ends is None:
                self._unknown(router)
            else:
                for target, keys in _by_target(router.ends).items():
                    self._line(name, target, "conditional", ", ".join(keys))
        node = self.graph.nodes.get(name)
        for target in dict.fromkeys((node and node.destinations) or ()):
            self._line(name, target, "conditional")

    def _line(self, source: str, target: str, kind: EdgeKind = "static", label: str = "") -> None:
        # `destinations` is a promise that nobody checks, so a target may not exist: it has no place then.
        if target in self.ids:
            shown = printable(label) if label else ""
            self._edge(self.ids[source], self.ids[target], kind, shown, ((source, target),))

    def _edge(
        self,
        tail: str,
        head: str,
        kind: EdgeKind = "static",
        label: str = "",
        pairs: tuple[Pair, ...] = (),
    ) -> None:
        self.edges.append(DrawnEdge(f"e{len(self.edges)}", tail, head, kind, label, pairs))

    def _unknown(self, router: Router) -> None:
        """Dashed lines to every node would be a tangle that claims too much: a stub says it as it is."""
        path = router.path
        name = printable(path.__name__ if isinstance(path, FunctionType) else type(path).__name__)
        hint = f"{name} may lead to any node. To see where, give path_map or annotate it to return a Literal."
        self._edge(self.ids[router.source], self._extra("u", "unknown", "?", hint), "conditional")

    def _join(self, sources: tuple[str, ...], target: str) -> None:
        """Lines that meet in a dot: one arrow leaves it, when all have arrived."""
        if len(sources) == 1:
            self._line(sources[0], target)
            return
        names = ", ".join(printable(source) for source in sources)
        dot = self._extra("j", "join", "", f"{printable(target)} waits for all of: {names}")
        for source in sources:
            self._edge(self.ids[source], dot, pairs=((source, target),))
        self._edge(dot, self.ids[target], pairs=tuple((source, target) for source in sources))

    def _extra(self, letter: str, kind: NodeKind, label: str, hint: str) -> str:
        made = DrawnNode(f"{letter}{sum(extra.kind == kind for extra in self.extras)}", kind, label=label, hint=hint)
        self.extras.append(made)
        return made.id


def _by_target(ends: Mapping[object, str]) -> dict[str, list[str]]:
    """Target to the keys that lead there; a key that says no more than the target's name is left out."""
    found: dict[str, list[str]] = {}
    for key, target in ends.items():
        keys = found.setdefault(target, [])
        if key != target:
            keys.append(_key(key))
    return found


def _key(key: object) -> str:
    """A router's key in words; no code of the user's runs for it."""
    if isinstance(key, Enum):
        return f"{type(key).__name__}.{key.name}"
    if key is None or type(key) in (str, int, float, bool):
        return str(key)
    return type(key).__name__
