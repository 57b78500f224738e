"""Which nodes of a graph can never run. Says so only where every way is known."""

from __future__ import annotations

from nbhitl.engine.description import Graph
from nbhitl.engine.records import START


def unreachable(graph: Graph) -> tuple[str, ...]:
    """Nodes that nothing leads to, in the graph's order; none where a node or a router may go anywhere.

    A node is known to go nowhere by itself when its return annotation says what it returns, and that is no `Command`;
    a ``path_map`` counts as all the ends of its router. A sub-graph may go anywhere (``Command.PARENT``).
    """
    seen: set[str] = set()
    todo = [START]
    while todo:
        source = todo.pop()
        if source in seen:
            continue
        seen.add(source)
        node = graph.nodes.get(source)
        if node is not None and (node.destinations is None or node.graph is not None):
            return ()
        todo += (node and node.destinations) or ()
        if node is not None and node.handler is not None:
            if node.handler.destinations is None:
                return ()
            todo += node.handler.destinations
        todo += graph.edges.get(source, ())
        for router in graph.routers.get(source, ()):
            if router.targets is None:
                return ()
            todo += router.targets
        todo += [edge.target for edge in graph.waits.get(source, ()) if seen.issuperset(edge.sources)]
    return tuple(name for name in graph.nodes if name not in seen)
