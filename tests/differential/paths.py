"""Who is who in a ledger: paths of nodes, and who of them asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.differential.programs import Graph, Node


def prefixes(path: str) -> list[str]:
    """The paths of the nodes around a node, and its own."""
    names = path.split("/")
    return ["/".join(names[: n + 1]) for n in range(len(names))]


def paths_of(graph: Graph, wanted: Callable[[Node], Any], path: str = "") -> list[str]:
    """The paths of the wanted nodes, at every depth."""
    found = [f"{path}{node.name}" for node in graph.nodes if wanted(node)]
    for node in graph.nodes:
        for sub in (node.sub, node.calls):
            found += paths_of(sub.graph, wanted, f"{path}{node.name}/") if sub else []
    return found


def askers(question: str, callers: set[str]) -> list[str]:
    """Who asks, and whose bodies called the sub-graph that asks, as they stand in the ledger."""
    who = question.split(" #", maxsplit=1)[0]
    path, _, tag = who.partition("@")
    found, tags = [who], tag.split("<")
    for around in reversed(prefixes(path)[:-1]):
        if around in callers:
            tags = tags[1:]
            found.append(f"{around}@{'<'.join(tags)}")
    return found


def unchanged(before: list[str], after: list[str], callers: set[str]) -> set[str]:
    """Who asks the same as before: upstream runs its body again, in vain (DIFFERENCES["parked"])."""
    counts: dict[str, list[Counter[str]]] = {}
    for side, questions in enumerate((before, after)):
        for question in questions:
            for who in askers(question, callers):
                counts.setdefault(who, [Counter(), Counter()])[side][question] += 1
    return {who for who, (old, new) in counts.items() if old == new}
