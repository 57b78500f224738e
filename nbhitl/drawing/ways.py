"""A graph -> the ways out of its nodes, in order: the one place that reads edges, routers, promises and joins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import FunctionType
from typing import TYPE_CHECKING, TypeAlias

from nbhitl.engine.records import END, START

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nbhitl.engine.description import Graph, Node, Router


@dataclass(frozen=True, slots=True)
class Line:
    """A way from one node to another, by their names."""

    source: str
    target: str
    conditional: bool = False
    label: str | None = None
    """A router's keys that lead here, or what ``destinations`` says; None where it would repeat the target's name."""


@dataclass(frozen=True, slots=True)
class Stub:
    """A way to nobody knows where: a router that promises nothing."""

    source: str
    router: str


@dataclass(frozen=True, slots=True)
class Join:
    """One way from several nodes, taken when all of them have run."""

    sources: tuple[str, ...]
    target: str


Way: TypeAlias = Line | Stub | Join


def ways(graph: Graph) -> Iterator[Way]:
    """Every way that ``graph`` says there is: those of START, of each node in order, then the joins."""
    known = {*graph.nodes, END}
    for name in (START, *graph.nodes):
        for target in graph.edges.get(name, ()):
            yield Line(name, target)
        for router in graph.routers.get(name, ()):
            yield from _routed(router)
        if name in graph.nodes:
            # `destinations` is a promise that nobody checks, so a target may not exist: no way leads there.
            yield from (line for line in _promised(graph.nodes[name]) if line.target in known)
    for edge in graph.waiting:
        sources = tuple(dict.fromkeys(edge.sources))
        yield Line(sources[0], edge.target) if len(sources) == 1 else Join(sources, edge.target)


def ways_to_end(graph: Graph) -> Iterable[Way]:
    """The ways of ``graph``, and one to END from each node that has none."""
    left: set[str] = set()
    for way in ways(graph):
        left.update(way.sources if isinstance(way, Join) else (way.source,))
        yield way
    yield from (Line(name, END) for name in graph.nodes if name not in left)


def targets(way: Way) -> tuple[str, ...]:
    """Where a way leads; nowhere that is known, for a stub."""
    return () if isinstance(way, Stub) else (way.target,)


def stand_ins(found: Iterable[Way]) -> dict[str, str]:
    """START and END to the node that can stand in for them, where there is one.

    That is a node that always comes first, and that nothing leads back to; or always last, and that nothing leaves.
    """
    inward: dict[str, list[Way]] = {}
    outward: dict[str, list[Way]] = {}
    for way in found:
        for target in targets(way):
            inward.setdefault(target, []).append(way)
        for source in way.sources if isinstance(way, Join) else (way.source,):
            outward.setdefault(source, []).append(way)
    stands_for: dict[str, str] = {}
    match outward.get(START):
        case [Line(_, first, conditional=False)] if first != END and len(inward[first]) == 1:
            stands_for[START] = first
    match inward.get(END):
        case [Line(last, _, conditional=False)] if last != START and len(outward[last]) == 1:
            stands_for[END] = last
    return stands_for


def dropped(way: Way, left_out: Mapping[str, str]) -> bool:
    """Whether a way belongs to a START or END that is left out."""
    return isinstance(way, Line) and (way.source in left_out or way.target in left_out)


def _routed(router: Router) -> Iterator[Way]:
    if router.ends is None:
        # Lines to every node would be a tangle that claims too much: a stub says it as it is.
        path = router.path
        yield Stub(router.source, path.__name__ if isinstance(path, FunctionType) else type(path).__name__)
        return
    for target, keys in _by_target(router.ends).items():
        yield Line(router.source, target, conditional=True, label=", ".join(keys) if keys else None)


def _promised(node: Node) -> Iterator[Line]:
    for target in dict.fromkeys(node.destinations or ()):
        label = node.labels.get(target)
        yield Line(node.name, target, conditional=True, label=None if label == target else label)


def _by_target(ends: Mapping[object, str]) -> dict[str, list[str]]:
    """Target to the keys that lead there; a key that says no more than the target's name is left out."""
    found: dict[str, list[str]] = {}
    for key, target in ends.items():
        keys = found.setdefault(target, [])
        if key != target:
            keys.append(_key(key))
    return found


def _key(key: object) -> str:
    """A router's key in words; no code of the user's runs for it."""
    if isinstance(key, Enum):
        return f"{type(key).__name__}.{key.name}"
    if key is None or type(key) in (str, int, float, bool):
        return str(key)
    return type(key).__name__
