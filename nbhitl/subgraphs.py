"""Finds the sub-graphs of a graph: nodes that are one, and those that a node's function refers to by name. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import CodeType
from typing import Any, Protocol, cast

from nbhitl.engine.description import Graph, Node
from nbhitl.engine.records import START, Checkpoint


class Compiled(Protocol):
    """What is asked of a compiled graph here."""

    graph: Graph


def compiled_in(node: Node) -> list[Compiled]:
    """The compiled graphs that a node runs: itself, or those that its function names, in the order of their names."""
    if node.graph is not None:
        owner = getattr(node.action, "__self__", None)
        return [cast(Compiled, owner)] if owner is not None else []
    action = inspect.unwrap(getattr(node.action, "func", node.action))
    action = getattr(action, "__func__", action)
    code = getattr(action, "__code__", None)
    if code is None:
        return []
    found: dict[int, Compiled] = {}
    cells = zip(code.co_freevars, getattr(action, "__closure__", None) or (), strict=False)
    enclosed = {name: _content(cell) for name, cell in cells}
    named = getattr(action, "__globals__", {})
    for name in dict.fromkeys(_names(code)):
        thing = enclosed.get(name, named.get(name))
        if isinstance(_graph(thing), Graph):
            found.setdefault(id(thing), cast(Compiled, thing))
    return list(found.values())


def _names(code: CodeType) -> Iterator[str]:
    """The names that a body refers to, also in its comprehensions, lambdas and inner functions."""
    yield from (*code.co_names, *code.co_freevars)
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that has no value yet
        return None


def _graph(thing: Any) -> Any:
    return getattr(thing, "graph", None) if hasattr(type(thing), "as_action") else None


def walk(graph: Graph, namespace: str = "", *, recurse: bool = False) -> Iterator[tuple[str, Compiled]]:
    """Path of node names (joined by ``|``) and sub-graph; only what lies on the way to ``namespace`` when given."""
    first, _, rest = namespace.partition("|")
    for name, node in graph.nodes.items():
        if namespace and name != first:
            continue
        for compiled in compiled_in(node):
            if not rest:
                yield name, compiled
            if recurse or rest:
                for path, inner in walk(compiled.graph, rest, recurse=recurse):
                    yield f"{name}|{path}", inner


def nodes_told(checkpoint: Checkpoint) -> set[str]:
    """Nodes that a graph has whose line holds this checkpoint: those that are due; when none is, those that ran."""
    return {task.node for task in checkpoint.tasks if task.node != START} or set(checkpoint.ran) - {START}


def graph_at(graph: Graph, nodes: list[str], known: set[str]) -> Graph | None:
    """The graph that runs in this path of nodes; ``known`` are names that it has, to tell several in a body apart."""
    for place, name in enumerate(nodes):
        node = graph.nodes.get(name.partition("#")[0])
        found = [] if node is None else [compiled.graph for compiled in compiled_in(node)]
        if not found:
            return None
        last = place == len(nodes) - 1
        graph = next((g for g in found if not last or known <= g.nodes.keys()), found[0])
    return graph
