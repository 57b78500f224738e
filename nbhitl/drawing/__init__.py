"""A graph as a drawing: what is drawn, the DOT text for it, and the state that each node is shown in.

`outline` is the same graph as data, for ``get_graph()``: nodes and edges, sub-graphs opened to any depth, and texts in
DOT, Mermaid or for a terminal.

Pure: it knows the engine and nothing else, and runs no program. Names of nodes and keys of routers come from
anywhere, so in DOT they are labels only: ids are ours, and no label becomes HTML, a URL or an attribute.
"""

from nbhitl.drawing.badges import SIGNS, STATES
from nbhitl.drawing.describe import Inside, describe
from nbhitl.drawing.dot_text import Direction, dot
from nbhitl.drawing.drawable import DrawableGraph
from nbhitl.drawing.outline import outline
from nbhitl.drawing.path import Fan, State, fans, most_urgent, states, taken_edges
from nbhitl.drawing.printable import printable, text_width
from nbhitl.drawing.region import Edge, Node, Region
from nbhitl.drawing.sketch import Drawing, DrawnEdge, DrawnNode, Frame
from nbhitl.engine.moves import Pair

__all__ = [
    "SIGNS",
    "STATES",
    "Direction",
    "DrawableGraph",
    "Drawing",
    "DrawnEdge",
    "DrawnNode",
    "Edge",
    "Fan",
    "Frame",
    "Inside",
    "Node",
    "Pair",
    "Region",
    "State",
    "describe",
    "dot",
    "fans",
    "most_urgent",
    "outline",
    "printable",
    "states",
    "taken_edges",
    "text_width",
]
