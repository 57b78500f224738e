"""Where a thread stands, with its sub-graphs: what ``get_state`` and ``get_state_history`` show. Changes nothing."""

from __future__ import annotations

from typing import Any

from nbhitl.calls import Calls
from nbhitl.engine.description import Graph
from nbhitl.engine.records import Entered, Position, Task, ThreadKey
from nbhitl.nesting import path_of
from nbhitl.state_snapshot import StateSnapshot, config_of, snapshot
from nbhitl.subgraphs import graph_at, nodes_told


def look(calls: Calls, key: ThreadKey, position: Position | None, *, past: bool, subgraphs: bool) -> StateSnapshot:
    """The snapshot of a position of a graph or, by the namespace of ``key``, of a sub-graph of it.

    With ``subgraphs``, tasks that run a sub-graph have its snapshot as ``state``, else the config that names it.
    """
    graph: Graph | None = calls.graph
    if key.ns:
        names = set() if position is None else nodes_told(position.checkpoint)
        graph = graph_at(calls.graph, [node for node, _, _ in path_of(key.ns)], names)

    def inner(task: Task, entered: Entered) -> Any:
        below = ThreadKey(key.thread, key.graph, entered.ns)
        if not subgraphs or position is None:
            return config_of(below)
        saver = calls.saver()
        found = saver.newest(below, entered.head) if entered.head else saver.load(below, entered.source)
        return look(calls, below, found, past=False, subgraphs=True)

    return snapshot(graph, key, position, past=past, inner=inner)
