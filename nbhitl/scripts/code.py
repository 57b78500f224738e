"""The part of a written file that makes a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nbhitl.engine.description import Graph


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of a Python file, after which the name ``GRAPH`` stands for the compiled graph."""

    future: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    classes: Mapping[type, str] = field(default_factory=dict)
    """What has a name there."""


GRAPH: Final = "_graph"


def compiled_with(name: str, graph: Any) -> str:
    """What a graph was compiled with beside its checkpointer, as further arguments of ``CompiledGraph(...)``."""
    options = (option for option in ("store", "cache", "context_schema") if getattr(graph, option, None) is not None)
    return "".join(f", {option}={name}.{option}" for option in options)


def is_graph(value: Any) -> bool:
    """Whether this is a compiled graph, and not a `@task`."""
    graph = getattr(value, "graph", None) if hasattr(type(value), "as_action") else None
    return isinstance(graph, Graph) and not graph.called
