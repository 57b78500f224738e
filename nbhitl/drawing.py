"""A graph as a drawing: what is drawn, the DOT text for it, and the state that each node is shown in.

Pure: it knows the engine and nothing else, and runs no program. Names of nodes and keys of routers come from
anywhere, so in DOT they are labels only: ids are ours, and no label becomes HTML, a URL or an attribute.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

from nbhitl.engine.description import Graph, Router
from nbhitl.engine.records import END, START, Position, Send

LABEL_LIMIT: Final = 40
"""Characters of a label."""
NODE_LIMIT: Final = 300
EDGE_LIMIT: Final = 2_000
"""Above either, a drawing helps nobody and its layout may take minutes."""

Direction: TypeAlias = Literal["LR", "TB"]
NodeKind: TypeAlias = Literal["start", "node", "end", "join", "unknown"]
EdgeKind: TypeAlias = Literal["static", "conditional"]
State: TypeAlias = Literal["idle", "next", "running", "done", "failed", "waiting", "paused"]
Pair: TypeAlias = tuple[str, str]
"""A step that a run took: from one node's name to another's."""


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """Something with a place of its own."""

    id: str
    """Ours: ``n0``, ``n1``, ... for START, nodes and END; ``j0``, ... for joins; ``u0``, ... for unknown ends."""
    kind: NodeKind
    name: str = ""
    """The node's name in the graph; empty for joins and unknown ends."""
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
    """Steps of a run that it stands for; it is taken when all of them are. Empty for an unknown end."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of a graph; the same for every run of it."""

    name: str
    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]

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
            self._edge(self.ids[source], self.ids[target], kind, printable(label) if label else "", ((source, target),))

    def _edge(
        self, tail: str, head: str, kind: EdgeKind = "static", label: str = "", pairs: tuple[Pair, ...] = ()
    ) -> None:
        self.edges.append(DrawnEdge(f"e{len(self.edges)}", tail, head, kind, label, pairs))

    def _unknown(self, router: Router) -> None:
        """Dashed lines to every node would be a tangle that claims too much: a stub says that we do not know."""
        name = printable(getattr(router.path, "__name__", "") or type(router.path).__name__)
        hint = f"{name} may lead to any node: give path_map, or annotate it to return a Literal, to see where."
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
        id = f"{letter}{sum(extra.kind == kind for extra in self.extras)}"
        self.extras.append(DrawnNode(id, kind, label=label, hint=hint))
        return id


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


def dot(drawing: Drawing, direction: Direction = "LR") -> str:
    """``drawing`` as DOT text, one node or edge a line. Ids are ours, everything else is a quoted label."""
    font = 'fontname="Helvetica,Arial,sans-serif"'
    graph = f'rankdir={direction}, bgcolor=transparent, pad="0.12", nodesep="0.35", ranksep="0.45"'
    if len(drawing.edges) > 400:
        # A dense graph is a tangle whatever one does; without these it takes half a minute instead of seconds.
        graph += ', nslimit="2", nslimit1="2", mclimit="0.3"'
    node = f'shape=box, style="rounded,filled", fillcolor="#ffffff", color="#6e7781", {font}, fontsize="14"'
    edge = f'color="#6e7781", arrowsize="0.7", {font}, fontsize="11"'
    lines = [f"graph [{graph}]", f"node [{node}]", f"edge [{edge}]"]
    lines += [_dot_node(node) for node in drawing.nodes]
    lines += [_dot_edge(edge) for edge in drawing.edges]
    return "\n  ".join(["digraph {", *lines]) + "\n}\n"


def _dot_node(node: DrawnNode) -> str:
    match node.kind:
        case "join":
            look = 'label="", shape=circle, width="0.09", fixedsize=true, fillcolor="#6e7781"'
        case "unknown":
            look = f'label={_quoted(node.label)}, shape=plaintext, style="", width="0.2", height="0.2", margin="0.04"'
        case "start" | "end":
            look = f'label={_quoted(node.label)}, fontsize="10", width="0.6", height="0.3", margin="0.1,0.05"'
        case _:
            # Graphviz guesses widths of letters, the page may have other fonts: we leave room for wide ones.
            width = max(0.75, (text_width(node.label, 14) + 26) / 72)
            look = f'label={_quoted(node.label)}, width="{width:.2f}", margin="0.15,0.08"'
    return f"{node.id} [id={node.id}, {look}]"


def _dot_edge(edge: DrawnEdge) -> str:
    looks = [f"id={edge.id}"]
    if edge.kind == "conditional":
        looks.append("style=dashed")
    if edge.label:
        # Graphviz puts a label right on the line's shoulder; spaces keep it off its neighbours.
        looks.append(f"label={_quoted(f' {edge.label} ')}")
    if edge.head.startswith("j"):
        looks.append("arrowhead=none")
    return f"{edge.tail} -> {edge.head} [{', '.join(looks)}]"


def _quoted(label: str) -> str:
    """A DOT string that shows ``label`` as it is: no escape of graphviz's own, no HTML entity."""
    return '"' + label.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") + '"'


def printable(text: str, limit: int = LABEL_LIMIT) -> str:
    """``text`` as one line that is safe to show: no control characters, no towers of accents, an end."""
    found = "".join(_printable(text[: 8 * limit])).strip()
    if len(found) > limit or len(text) > 8 * limit:
        found = found[: limit - 1].rstrip() + "…"
    return found or "(no name)"


def _printable(text: str) -> Iterator[str]:
    marks = 0
    before = ""
    for char in text:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if char.isspace():
            shown = "" if before == " " else " "
        elif kind == "Cf" or marks > 2:
            # Invisible: could turn the reading direction. Or an accent over accents: could reach the next line.
            shown = ""
        else:
            shown = char if char.isprintable() else "\ufffd"
        before = shown or before
        yield shown


def text_width(text: str, size: float) -> float:
    """About how wide ``text`` is, at least, in any of the fonts that a page may have; in ``size``'s unit."""
    return size * sum(_em(char) for char in text)


def _em(char: str) -> float:
    if char in "ijlftrI.,:;!|'()[]/ -":
        return 0.36
    if char.isascii():
        return 0.95 if char in "mwMW@%" else 0.68 if char.isupper() else 0.59
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0 if char.isalpha() else 1.35
    return 0.66


def states(
    graph: Graph, position: Position | None, running: Collection[str] = (), ran: Collection[str] = ()
) -> dict[str, State]:
    """The state of every node, START and END included.

    Args:
        graph: whose nodes.
        position: where the thread stands; None before its first input.
        running: nodes that are being performed right now.
        ran: nodes that ran at any earlier step of the thread.
    """
    found: dict[str, State] = dict.fromkeys((START, *graph.nodes, END), "idle")
    if position is None:
        return found
    checkpoint = position.checkpoint
    for name in (*ran, *checkpoint.ran):
        found[name] = "done"
    if checkpoint.step >= 0:
        found[START] = "done"
    if not checkpoint.tasks:
        found[END] = "done"
    held = position.stopped is not None and position.stopped.reason == "breakpoint"
    now: dict[str, State] = {}
    for task in checkpoint.tasks:
        now[task.node] = max(
            now.get(task.node, "idle"), _state(position, task.id, task.node in running, held), key=_URGENT.index
        )
    known = found.keys()
    return found | {name: state for name, state in now.items() if name in known}


_URGENT: Final[tuple[State, ...]] = ("idle", "done", "next", "paused", "waiting", "running", "failed")
"""A node with several tasks is shown in the last of its tasks' states."""


def _state(position: Position, task: str, running: bool, held: bool) -> State:
    if task in position.failed:
        return "failed"
    if task in position.wrote:
        return "done"
    if running:
        return "running"
    if task in position.parked:
        return "waiting"
    return "paused" if held else "next"


def taken(graph: Graph, position: Position) -> frozenset[Pair]:
    """The steps that the finished tasks of ``position`` led to; the union over a history is a run's path."""
    found: set[Pair] = set()
    nodes = {task.id: task.node for task in position.checkpoint.tasks}
    for task, wrote in position.wrote.items():
        node = nodes.get(task, START)
        targets = [*graph.edges.get(node, ()), *(edge.target for edge in graph.waits.get(node, ()))]
        targets += [goto.node if isinstance(goto, Send) else goto for goto in wrote.goto]
        found.update((node, target) for target in targets)
    return frozenset(found)


def taken_edges(drawing: Drawing, pairs: Iterable[Pair]) -> frozenset[str]:
    """Ids of the edges that a run with these steps took; an unknown end stands for steps that nothing else shows."""
    walked = set(pairs)
    shown = {pair for edge in drawing.edges for pair in edge.pairs}
    names = {node.id: node.name for node in drawing.nodes}
    off_the_map = {source for source, _ in walked - shown}
    return frozenset(
        edge.id
        for edge in drawing.edges
        if (walked.issuperset(edge.pairs) if edge.pairs else names[edge.tail] in off_the_map)
    )
