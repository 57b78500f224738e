"""A drawing -> Mermaid, the language of diagrams in Markdown. Every text from outside is a quoted label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbhitl.drawing.sketch import Drawing, DrawnEdge, DrawnNode, Frame

MermaidDirection: TypeAlias = Literal["TD", "TB", "LR", "BT", "RL"]
_STYLES: Final = (
    "classDef default fill:#ffffff,stroke:#6e7781,color:#1f2328",
    "classDef join fill:#6e7781,stroke:#6e7781",
    "classDef unknown fill:none,stroke:none",
    "classDef frame fill:none,stroke:#6e7781,stroke-dasharray:4 3",
)
_SAFE: Final = frozenset(" ,()'?!")
_SAFE_INSIDE: Final = frozenset("-._/+=")
"""Without a meaning in Mermaid or Markdown between letters or digits. A colon is never safe: icons, styles."""


def mermaid(drawing: Drawing, direction: MermaidDirection = "TD", *, with_styles: bool = True) -> str:
    """``drawing`` as Mermaid text, one node or edge a line. Ids are ours, everything else is a quoted label."""
    lines = {node.id: _node(node) for node in drawing.nodes}
    framed = list(_frames(drawing.frames, lines))  # takes the lines of what is inside
    text = [*lines.values(), *framed, *(_edge(edge) for edge in drawing.edges)]
    if with_styles:
        text += [*_STYLES, *_classes(drawing)]
    return "\n  ".join([f"flowchart {direction}", *text]) + "\n"


def _frames(frames: Iterable[Frame], lines: dict[str, str]) -> Iterator[str]:
    for frame in frames:
        title = frame.label.replace("\n", " ")  # Mermaid leaves room for one line
        yield f"subgraph {frame.id}[{_quoted(title)}]"
        yield from (f"  {lines.pop(member)}" for member in frame.members if isinstance(member, str))
        inner = (member for member in frame.members if not isinstance(member, str))
        yield from (f"  {line}" for line in _frames(inner, lines))
        yield "end"


def _classes(drawing: Drawing) -> Iterator[str]:
    found = {kind: [node.id for node in drawing.nodes if node.kind == kind] for kind in ("join", "unknown")}
    found["frame"] = list(_frame_ids(drawing.frames))
    yield from (f"class {','.join(ids)} {name}" for name, ids in found.items() if ids)


def _frame_ids(frames: Iterable[Frame]) -> Iterator[str]:
    for frame in frames:
        yield frame.id
        yield from _frame_ids(member for member in frame.members if not isinstance(member, str))


def _node(node: DrawnNode) -> str:
    match node.kind:
        case "join":
            return f'{node.id}((" "))'
        case "start" | "end":
            return f"{node.id}([{_quoted(node.label)}])"
        case _:
            return f"{node.id}({_quoted(node.label)})"


def _edge(edge: DrawnEdge) -> str:
    arrow = "---" if edge.head.startswith("j") else "-.->" if edge.kind == "conditional" else "-->"
    label = f"|{_quoted(edge.label)}|" if edge.label else ""
    return f"{edge.tail} {arrow}{label} {edge.head}"


def _quoted(label: str) -> str:
    """A Mermaid string that shows ``label`` as it is: no Markdown, no HTML, no icon, no formula."""
    return '"' + "<br/>".join(_escaped(line) for line in label.split("\n")) + '"'


def _escaped(line: str) -> str:
    # While it works, Mermaid writes an entity as "ﬂ°...¶ß": these in a name would be taken for one.
    line = line.replace("ﬂ", "fl").replace("¶ß", "¶ ß")
    found = []
    for before, char, after in zip(" " + line, line, line[1:] + " ", strict=False):
        plain = char.isalnum() or char in _SAFE or not char.isascii()
        plain = plain or (char in _SAFE_INSIDE and before.isalnum() and after.isalnum())
        found.append(char if plain else f"#{ord(char)};")
    return "".join(found)
