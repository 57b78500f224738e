"""What is wrong with a graph, said all at once; and what can be wrong with the arguments of ``compile``."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any, Final

from nbhitl.engine.description import Graph
from nbhitl.engine.errors import GraphError, UnknownNodeError
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import END, START

SEPARATORS: Final = frozenset("|:/")


def of_name(name: Any, taken: Container[str]) -> str:
    """What is wrong with a node's name; empty when nothing is."""
    if not isinstance(name, str) or not name:
        return "a node's name is a text that is not empty."
    if name in (START, END):
        return "that name belongs to the graph itself; take another."
    if name in taken:
        return "there is a node of that name already. Names are unique."
    if not SEPARATORS.isdisjoint(name):
        marks = " ".join(sorted(SEPARATORS.intersection(name)))
        return f"a node's name has no {marks} in it: that stands between a sub-graph and its nodes."
    return ""


def of_edge(sources: Sequence[Any], end: Any) -> str:
    """What is wrong with the two ends of an edge; empty when nothing is."""
    if not sources:
        return "name the nodes to wait for."
    for name in (*sources, end):
        if isinstance(name, str):
            continue
        if isinstance(name, (list, tuple)):
            return "it has one end. To go to several nodes, add an edge to each."
        called = getattr(name, "__name__", None)
        return f"{name!r:.40} is no name; give {'that of a node' if called is None else repr(called)}."
    return ""


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


def no_cache(given: Any) -> list[str]:
    """What is wrong with a cache."""
    if given is None:
        return []
    if isinstance(given, type):
        return [f"compile(cache={given.__name__}): that is a class; give an instance: {given.__name__}()."]
    if all(callable(getattr(given, name, None)) for name in ("get", "set", "clear")):
        return []
    return [f"compile(cache={given!r:.40}): give InMemoryCache() or DuckDBCache('cache.duckdb')."]


def no_store(given: Any) -> list[str]:
    """What is wrong with a store."""
    if given is None:
        return []
    if isinstance(given, type):
        return [f"compile(store={given.__name__}): that is a class; give an instance: {given.__name__}()."]
    if all(callable(getattr(given, name, None)) for name in ("get", "put", "search", "delete")):
        return []
    return [f"compile(store={given!r:.40}): give InMemoryStore() or DuckDBStore('store.duckdb')."]


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
