"""What a person gives in a line as a variable's name or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from nbhitl.engine.description import Graph
from nbhitl.engine.errors import NbhitlError


def variable_or_json(text: str, space: Mapping[str, Any], role: str) -> Any:
    """The variable of that name, or JSON. Raises `NbhitlError`, which begins with ``role``."""
    if text.isidentifier() and (text in space or text not in ("null", "true", "false")):
        return variable(text, space, role)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise NbhitlError(
            f"{role}: neither a variable's name nor JSON ({error.msg} in column {error.colno}): {text:.60}. "
            "Put JSON into single quotes."
        ) from error


def variable(name: str, space: Mapping[str, Any], role: str, cure: str = "Define it, or give JSON.") -> Any:
    """The variable of that name. Raises `NbhitlError`, which begins with ``role``."""
    if name not in space:
        near = get_close_matches(name, [known for known in space if not known.startswith("_")], n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise NbhitlError(f"{role} {name}: there is no variable of that name.{meant} {cure}")
    return space[name]


def store_named(name: str, space: Mapping[str, Any], role: str) -> Any:
    """The store that a variable holds. Raises `NbhitlError`, which begins with ``role``."""
    value = variable(name, space, role, f"Make one: {name} = nbhitl.DuckDBStore('store.duckdb').")
    if isinstance(value, type) or not all(callable(getattr(value, way, None)) for way in ("get", "put", "search")):
        raise NbhitlError(
            f"{role} {name}: it is no store, but of type {type(value).__name__}. Make one: {name} = "
            "nbhitl.DuckDBStore('store.duckdb')."
        )
    return value


def expect_input(value: Any, graph: Graph, role: str) -> Any:
    """An input that a graph can be given: a dict of state keys; of an entrypoint, any value. Raises `NbhitlError`."""
    if not graph.takes and not isinstance(value, Mapping):
        raise NbhitlError(f"{role}: expected a dict of state keys, not {type(value).__name__}.")
    return value
