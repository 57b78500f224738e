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


def is_graph(value: Any) -> bool:
    """Whether this is a compiled graph."""
    return hasattr(type(value), "as_action") and isinstance(getattr(value, "graph", None), Graph)
