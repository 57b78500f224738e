"""What the engine's tests write their literals with: a small graph, and a position in it."""

import operator

from nbhitl.engine.breakpoints import Rules
from nbhitl.engine.channels import BinaryOperatorAggregate, LastValue
from nbhitl.engine.description import Graph, Node
from nbhitl.engine.records import Checkpoint, Position, Task

LOG = BinaryOperatorAggregate(list, operator.add)
FREE = Rules(last_step=100)


def graph(edges, *, waiting=(), routers=None, nodes=("a", "b", "c", "d"), defer=(), **channels):
    return Graph(
        nodes={name: Node(name, lambda state: None, defer=name in defer) for name in nodes},
        channels={"x": LastValue(), "log": LOG, **channels},
        edges=edges,
        routers=routers or {},
        waiting=waiting,
        input_keys=frozenset({"x", "log"}),
        output_keys=frozenset({"x", "log"}),
    )


def at(*nodes, step=0, **more):
    """A position whose next tasks are ``nodes``, at checkpoint k."""
    tasks = tuple(Task(f"k:{n}", node) for n, node in enumerate(nodes))
    return Position(Checkpoint("k", None, step, "loop", tasks=tasks, **more))
