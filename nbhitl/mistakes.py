"""What is wrong with a graph, said all at once; and what can be wrong with the arguments of ``compile``."""

from __future__ import annotations

from typing import Any

from nbhitl.engine.description import Graph
from nbhitl.engine.errors import GraphError, UnknownNodeError
from nbhitl.engine.ports import Saver


def raise_all(name: str | None, found: list[str], kind: type[GraphError] = GraphError) -> None:
    """Raise what was found, if anything was."""
    found = list(dict.fromkeys(found))
    title = f"graph {name!r}" if name else "the graph"
    if len(found) == 1:
        raise kind(f"{title} cannot run: {found[0]}")
    if found:
        raise kind("\n- ".join([f"{title} has {len(found)} mistakes:", *found]))


def no_saver(given: Any) -> list[str]:
    """What is wrong with a checkpointer."""
    if given is None or isinstance(given, bool) or (isinstance(given, Saver) and not isinstance(given, type)):
        return []
    if isinstance(given, type):
        return [f"compile(checkpointer={given.__name__}): that is a class; give an instance: {given.__name__}()."]
    cure = "give InMemorySaver(), DuckDBSaver('runs.duckdb'), or for a sub-graph True or False."
    if type(given).__module__.split(".")[0] == "langgraph":
        cure = f"it is LangGraph's; {cure}"
    return [f"compile(checkpointer={given!r:.40}): {cure}"]


def unknown_nodes(graph: Graph, names: Any, role: str) -> list[str]:
    """Breakpoints on names that are no nodes."""
    if names == "*":
        return []
    found = []
    for name in [names] if isinstance(names, str) else names:
        try:
            graph.expect([name], role)
        except UnknownNodeError as error:
            found.append(str(error))
    return found
