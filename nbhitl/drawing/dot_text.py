"""A drawing -> DOT, the language of graphviz. Every text from outside is a quoted label, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from nbhitl.drawing.printable import text_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbhitl.drawing.sketch import Drawing, DrawnEdge, DrawnNode, Frame

Direction: TypeAlias = Literal["LR", "TB"]
_HARD_SPACE: Final = "\u00a0"


def dot(drawing: Drawing, direction: Direction = "LR") -> str:
    """``drawing`` as DOT text, one node or edge a line. Ids are ours, everything else is a quoted label."""
    font = 'fontname="Helvetica,Arial,sans-serif"'
    # Downwards, a line and the one that leads back lie close together.
    apart = "0.35" if direction == "LR" else "0.5"
    graph = f'rankdir={direction}, bgcolor=transparent, pad="0.12", nodesep="{apart}", ranksep="0.45"'
    graph += ", outputorder=edgesfirst"  # an arrow's head must not lie on a node's marker
    if len(drawing.edges) > 400:
        # A dense graph is a tangle whatever one does; these make it one of seconds instead of half a minute.
        graph += ', nslimit="2", nslimit1="2", mclimit="0.3"'
    node = f'shape=box, style="rounded,filled", fillcolor="#ffffff", color="#6e7781", {font}, fontsize="14"'
    edge = f'color="#6e7781", arrowsize="0.8", {font}, fontsize="11"'
    lines = [f"graph [{graph}]", f"node [{node}]", f"edge [{edge}]"]
    texts = {node.id: _dot_node(node) for node in drawing.nodes}
    framed = list(_dot_frames(drawing.frames, texts))  # takes the texts of what is inside
    lines += [*texts.values(), *framed]
    # With frames graphviz would turn a loop round at any place: then it is we who say which lines lead back.
    back = _leading_back(drawing) if drawing.frames else frozenset()
    lines += [_dot_edge(edge, back=edge.id in back) for edge in drawing.edges]
    return "\n  ".join(["digraph {", *lines]) + "\n}\n"


def _dot_frames(frames: Iterable[Frame], texts: dict[str, str]) -> Iterator[str]:
    for frame in frames:
        yield f"subgraph cluster_{frame.id} {{"
        yield f'  graph [id={frame.id}, label={_quoted(frame.label)}, labeljust=l, style="rounded,dashed"]'
        yield '  graph [color="#6e7781", fontname="Helvetica,Arial,sans-serif", fontsize="12"]'
        yield from (f"  {texts.pop(member)}" for member in frame.members if isinstance(member, str))
        inner = (member for member in frame.members if not isinstance(member, str))
        yield from (f"  {line}" for line in _dot_frames(inner, texts))
        yield "}"


def _dot_node(node: DrawnNode) -> str:
    match node.kind:
        case "join":
            look = 'label="", shape=circle, width="0.09", fixedsize=true, fillcolor="#6e7781"'
        case "unknown":
            look = 'label="?", shape=plaintext, style="", width="0.2", height="0.2", margin="0.04"'
        case "start" | "end":
            look = f'label={_quoted(node.label)}, fontsize="10", width="0.6", height="0.3", margin="0.1,0.05"'
        case _:
            # Graphviz guesses widths of letters, the page may have other fonts: we leave room for wide ones.
            width = max(0.75, (max(text_width(line, 14) for line in node.label.split("\n")) + 26) / 72)
            look = f'label={_quoted(node.label)}, width="{width:.2f}", margin="0.15,0.08"'
    return f"{node.id} [id={node.id}, {look}]"


def _leading_back(drawing: Drawing) -> frozenset[str]:
    """The lines that lead back to where one came from, following the lines in their order from START."""
    leaving: dict[str, list[DrawnEdge]] = {node.id: [] for node in drawing.nodes}
    for edge in drawing.edges:
        leaving[edge.tail].append(edge)
    found: set[str] = set()
    begun: set[str] = set()
    for node in drawing.nodes:
        above: dict[str, Iterator[DrawnEdge]] = {} if node.id in begun else {node.id: iter(leaving[node.id])}
        begun.add(node.id)
        while above:
            at = next(reversed(above))
            following = next(above[at], None)
            if following is None:
                del above[at]
            elif following.head in above:
                found.add(following.id)
            elif following.head not in begun:
                begun.add(following.head)
                above[following.head] = iter(leaving[following.head])
    return frozenset(found)


def _dot_edge(edge: DrawnEdge, *, back: bool = False) -> str:
    looks = [f"id={edge.id}"]
    if edge.kind == "conditional":
        looks.append("style=dashed")
    if edge.label:
        # Graphviz puts a label right beside its line; hard spaces keep it off.
        looks.append(f"label={_quoted(f'{_HARD_SPACE}{edge.label}{_HARD_SPACE}')}")
    if edge.head.startswith("j"):
        looks.append("arrowhead=none")
    if back:
        return f"{edge.head} -> {edge.tail} [{', '.join([*looks, 'dir=back'])}]"
    return f"{edge.tail} -> {edge.head} [{', '.join(looks)}]"


def _quoted(label: str) -> str:
    """A DOT string that shows ``label`` as it is: no escape of graphviz's own, no HTML entity."""
    text = label.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return '"' + text.replace("\n", "\\n") + '"'
