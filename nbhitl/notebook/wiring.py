"""``flow``, ``route`` and ``node``: how the functions of a ``%%graph`` cell are wired. Knows no notebook.

Calls are recorded with their line; `Wiring.build` then resolves names against what the cell has bound, so that a
misspelt node is named with its line.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from nbhitl.compiled import CompiledGraph
from nbhitl.engine.errors import GraphError, did_you_mean
from nbhitl.engine.records import END, START
from nbhitl.graph import StateGraph


@dataclass(frozen=True, slots=True)
class NodeName:
    """What ``node(f, name=...)`` returns: stands for that node in ``flow`` and ``route``."""

    name: str


@dataclass(frozen=True, slots=True)
class _Flow:
    line: int
    steps: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Route:
    line: int
    source: Any
    path: Callable[..., Any]
    targets: Mapping[Any, Any] | None


class Wiring:
    """Records one cell's wiring, then builds the graph."""

    def __init__(self) -> None:
        self._calls: list[_Flow | _Route] = []
        self._named: dict[str, Callable[..., Any]] = {}
        self._mistakes: list[str] = []

    def names(self) -> dict[str, Callable[..., Any]]:
        """The functions that a cell finds in reach."""
        return {"flow": self.flow, "route": self.route, "node": self.node}

    @property
    def used(self) -> bool:
        """Whether the cell wired anything."""
        return bool(self._calls or self._named or self._mistakes)

    def flow(self, *steps: Any) -> None:
        """Run nodes one after the other: ``flow(START, a, b)``.

        A list fans out and is waited for: ``flow(a, [b, c], d)`` runs b and c side by side, and d when both are
        done. Steps are functions, compiled graphs (sub-graphs), node names, START and END.
        """
        self._calls.append(_Flow(_line(), steps))

    def route(
        self,
        source: Any,
        path: Callable[..., Any] | None = None,
        *,
        by: str | None = None,
        to: Mapping[Any, Any] | None = None,
        **targets: Any,
    ) -> None:
        """Choose what follows a node: by a state key, or by a function of the state.

        ``route(review, by="decision", publish=publish, revise=draft)``;
        ``route(review, by="ok", to={True: publish, False: END})``;
        ``route(review, choose)`` where ``choose(state)`` returns a node (function or name) or END;
        ``route(review, choose, yes=publish, no=END)`` where it returns one of the keys.
        """
        line = _line()
        ways = {**(to or {}), **targets}
        if (path is None) == (by is None):
            self._mistakes.append(f"line {line}: route() takes either by='state key' or a function of the state.")
        elif by is not None and not ways:
            self._mistakes.append(f"line {line}: route(by={by!r}) needs targets: value=node, or to={{value: node}}.")
        else:
            self._calls.append(_Route(line, source, path or _reader(by or ""), ways or None))

    def node(self, function: Callable[..., Any], *, name: str) -> NodeName:
        """Give a function a node name of its own, to use it twice or to name a lambda."""
        if name in self._named:
            self._mistakes.append(f"line {_line()}: there is a node {name!r} already. Names are unique.")
        self._named[name] = function
        return NodeName(name)

    def build(self, state: Any, bound: Mapping[str, Any]) -> StateGraph:
        """The graph. ``bound`` holds the names that the cell itself has bound: a ``Context`` is its context schema.

        Raises:
            GraphError: lists every mistake with its line.
        """
        return _Resolver(StateGraph(state, bound.get("Context")), bound, self._named, list(self._mistakes)).build(
            self._calls
        )

    def first(self) -> Callable[..., Any] | None:
        """The first function that was wired."""
        for call in self._calls:
            for step in call.steps if isinstance(call, _Flow) else (call.source,):
                if callable(step):
                    found: Callable[..., Any] = step
                    return found
        return next(iter(self._named.values()), None)


class _Resolver:
    """Turns recorded calls into edges; collects mistakes instead of stopping at the first."""

    def __init__(
        self, graph: StateGraph, bound: Mapping[str, Any], named: Mapping[str, Any], mistakes: list[str]
    ) -> None:
        self.graph, self.bound, self.named, self.mistakes = graph, bound, named, mistakes
        self._names: dict[int, str] = {}
        self._own = {id(value) for value in bound.values()}
        for name, function in named.items():
            self._add(name, function, 0)
            self._names.setdefault(id(function), name)

    def build(self, calls: list[_Flow | _Route]) -> StateGraph:
        for call in calls:
            if isinstance(call, _Flow):
                self._flow(call)
            else:
                self._route(call)
        if self.mistakes:
            found = list(dict.fromkeys(self.mistakes))
            raise GraphError(found[0] if len(found) == 1 else "\n- ".join([f"{len(found)} mistakes:", *found]))
        return self.graph

    def _flow(self, call: _Flow) -> None:
        if len(call.steps) < 2:
            self.mistakes.append(f"line {call.line}: flow() wires at least two steps, e.g. flow(START, first).")
        steps = [self._group(step, call.line) for step in call.steps]
        for sources, targets in pairwise(steps):
            for target in targets:
                if len(sources) == 1:
                    self.graph.add_edge(sources[0], target)
                elif sources:
                    self.graph.add_edge(sources, target)

    def _route(self, call: _Route) -> None:
        source = self._name(call.source, call.line)
        if source is None:
            return
        if call.targets is None:
            self.graph.add_conditional_edges(source, self._chooser(call.path))
            return
        ends = {key: self._name(target, call.line) for key, target in call.targets.items()}
        self.graph.add_conditional_edges(source, call.path, {k: v for k, v in ends.items() if v is not None})

    def _chooser(self, path: Callable[..., Any]) -> Callable[..., Any]:
        """``path`` with functions among its results turned into their node names."""
        names = self._names

        def chosen(state: Any) -> Any:
            found = path(state)
            many = found if isinstance(found, (list, tuple)) else [found]
            plain = [one.name if isinstance(one, NodeName) else names.get(id(one), one) for one in many]
            return plain if isinstance(found, (list, tuple)) else plain[0]

        chosen.__annotations__ = getattr(path, "__annotations__", {})
        chosen.__name__ = getattr(path, "__name__", "router")
        return chosen

    def _group(self, step: Any, line: int) -> list[str]:
        names = [self._name(one, line) for one in (step if isinstance(step, (list, tuple)) else [step])]
        return [name for name in names if name is not None]

    def _name(self, step: Any, line: int) -> str | None:
        if isinstance(step, NodeName):
            return step.name
        if isinstance(step, str):
            return self._by_name(step, line)
        if isinstance(step, CompiledGraph):
            return self._sub_graph(step, line)
        if not callable(step):
            self.mistakes.append(f"line {line}: {step!r:.60} is no node. Give a function, a node's name, START or END.")
            return None
        known = self._names.get(id(step))
        if known is not None:
            return known
        name = getattr(step, "__name__", type(step).__name__)
        if name == "<lambda>":
            self.mistakes.append(
                f"line {line}: a lambda has no name. Give it one: node(lambda state: ..., name='...')."
            )
            return None
        return self._add(name, step, line)

    def _sub_graph(self, compiled: CompiledGraph, line: int) -> str | None:
        """A compiled graph as a node: named by its variable in the cell, or by itself."""
        known = self._names.get(id(compiled))
        if known is not None:
            return known
        name = next((name for name, value in self.bound.items() if value is compiled), compiled.name)
        if not name:
            self.mistakes.append(f"line {line}: this sub-graph has no name. Give it one: node(graph, name='...').")
            return None
        return self._add(name, compiled, line)

    def _by_name(self, name: str, line: int) -> str | None:
        if name in (START, END) or name in self.graph.nodes:
            return name
        function = self.bound.get(name)
        if isinstance(function, CompiledGraph) or (callable(function) and not isinstance(function, type)):
            return self._add(name, function, line)
        known = [n for n, v in self.bound.items() if inspect.isroutine(v) or isinstance(v, CompiledGraph)]
        self.mistakes.append(f"line {line}: there is no node {name!r}.{did_you_mean(name, {*known, *self.named})}")
        return None

    def _add(self, name: str, function: Any, line: int) -> str:
        if line and id(function) not in self._own and not isinstance(function, CompiledGraph):
            self.mistakes.append(
                f"line {line}: {name} was not defined in this cell. Define it here or import it here, "
                "so that another cell cannot change this graph unseen."
            )
        self._names[id(function)] = name
        self.graph.add_node(name, function)
        return name


def _reader(key: str) -> Callable[[Mapping[str, Any]], Any]:
    def read(state: Mapping[str, Any]) -> Any:
        return state.get(key)

    read.__name__ = key
    return read


def _line() -> int:
    """The line of the cell that calls a wiring function."""
    frame = inspect.currentframe()
    caller = frame and frame.f_back and frame.f_back.f_back
    return caller.f_lineno if caller is not None else 0
