"""Both engines behind the same few names, looked up late: a name that one of them lacks fails its rows only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

MEMORY = "memory"


@dataclass(frozen=True)
class Engine:
    """One of the two engines: where each public name is found."""

    name: str
    where: Mapping[str, str]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        module = self.where.get(name, self.where["*"])
        found = getattr(import_module(module), name, None)
        if found is None:
            raise NotImplementedError(f"{self.name} has no {name}")
        return found

    def saver(self, given: Any) -> Any:
        """A checkpointer: a fresh one for ``"memory"``; None and one that is open already are themselves."""
        return self.InMemorySaver() if given == MEMORY else given


OURS = Engine("nbhitl", {"*": "nbhitl"})
THEIRS = Engine(
    "langgraph",
    {
        "*": "langgraph.graph",
        "add_messages": "langgraph.graph.message",
        "Send": "langgraph.types",
        "Command": "langgraph.types",
        "interrupt": "langgraph.types",
        "InMemorySaver": "langgraph.checkpoint.memory",
        "SqliteSaver": "langgraph.checkpoint.sqlite",
    },
)

Run = Callable[[], Any]
Make = Callable[[Engine], Run]
"""Builds what is needed, untimed, and returns what is timed. Called anew for every repetition."""
