"""A graph as a drawing: what is drawn, the DOT text for it, and the state that each node is shown in.

Pure: it knows the engine and nothing else, and runs no program. Names of nodes and keys of routers come from
anywhere, so in DOT they are labels only: ids are ours, and no label becomes HTML, a URL or an attribute.
"""

from nbhitl.drawing.dot_text import Direction, dot
from nbhitl.drawing.path import State, states, taken, taken_edges
from nbhitl.drawing.printable import printable, text_width
from nbhitl.drawing.sketch import Drawing, DrawnEdge, DrawnNode, Pair, describe

__all__ = [
    "Direction",
    "Drawing",
    "DrawnEdge",
    "DrawnNode",
    "Pair",
    "State",
    "describe",
    "dot",
    "printable",
    "states",
    "taken",
    "taken_edges",
    "text_width",
]
