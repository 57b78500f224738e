"""A graph as a frozen value: nodes, edges, channels; and every mistake that can be seen in it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from nbhitl.engine.channels import Channel, NamedBarrierValue, UntrackedValue, fleeting, joins
from nbhitl.engine.errors import InvalidUpdateError, UnknownNodeError, did_you_mean
from nbhitl.engine.fingerprints import Seen, described, digest_of
from nbhitl.engine.policies import CachePolicy, RetryPolicy, TimeoutPolicy
from nbhitl.engine.records import END, START

Managed: TypeAlias = Literal["remaining_steps", "is_last_step"]
"""What a run tells a node about itself through its input."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a function's input is made from the state."""

    keys: tuple[str, ...] | None = None
    """The channels that it has; None: all of them."""
    build: Callable[[dict[str, Any]], Any] | None = None
    """From a dict of the keys that have a value to what the function takes, e.g. a pydantic model; None: the dict."""
    managed: Mapping[str, Managed] = field(default_factory=dict)
    """Keys that the run fills in."""


WHOLE: Final = Shape()
ROOT: Final = "__root__"
"""The one channel of a state that is no set of keys, e.g. ``StateGraph(Annotated[list, operator.add])``."""


BARRIER: Final = "|"
"""Begins what a checkpoint calls a channel that waits for names: no key of a waiting edge begins so."""


def barrier_key(channel: str) -> str:
    """Under which key checkpoints say which names have been written to a channel."""
    return f"{BARRIER}{channel}"


class ByKey(dict[str, Any]):
    """Updates by key, where a plain dict would be taken for a whole value: see `Graph.takes`."""


def is_async(function: Any) -> bool:
    """Whether calling it gives an awaitable: an async function, or an object with an async ``__call__``."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


@dataclass(frozen=True, slots=True)
class Node:
    """A named function from state to update."""

    name: str
    action: Callable[..., Any]
    destinations: tuple[str, ...] | None = None
    """Where a returned ``Command(goto=...)`` may lead, for the drawing; None: no such promise."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    """Parameters beside the state that the function wants: ``config``."""
    shape: Shape = WHOLE
    defer: bool = False
    """It runs when nothing else is due."""
    twin: Callable[..., Any] | None = None
    """What to await in place of ``action`` in an async run, where there are two."""
    graph: Graph | None = None
    """The sub-graph, where the node is one."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Destination to what the drawing writes on the line there."""
    retry: tuple[RetryPolicy, ...] = ()
    """The first one that knows the exception counts."""
    cache: CachePolicy | None = None
    timeout: TimeoutPolicy | None = None
    handler: Node | None = None
    """What runs in its place when it has failed for good; has its name."""
    pack: Callable[[Any], tuple[tuple[str, Any], ...]] | None = None
    """What it returned, as updates by key, where that is a result and no update: of an entrypoint and a `@task`."""
    awaits: bool = field(init=False)
    """Whether calling ``action`` gives an awaitable."""
    plain: Node | None = field(init=False, repr=False, compare=False)
    """The node without policies, which is what one attempt performs; None where it has none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "awaits", is_async(self.action))
        policies = self.retry or self.handler or self.cache is not None or self.timeout is not None
        plain = replace(self, retry=(), cache=None, timeout=None, handler=None) if policies else None
        object.__setattr__(self, "plain", plain)


@dataclass(frozen=True, slots=True)
class Router:
    """A conditional edge: a function of the state that says where to go."""

    source: str
    path: Callable[..., Any]
    ends: Mapping[Any, str] | None = None
    """What ``path`` returns to the node's name; None: it returns names, of any node."""
    takes: tuple[str, ...] = ()
    shape: Shape = WHOLE
    sees_returned: bool = False
    """It sees what its source returned beside the keys of ``shape``: its signature does not say what it takes."""

    @property
    def awaits(self) -> bool:
        """Whether calling ``path`` gives an awaitable."""
        return is_async(self.path)

    @property
    def targets(self) -> tuple[str, ...] | None:
        """Every node this edge may lead to, in order; None when that is not known."""
        return None if self.ends is None else tuple(dict.fromkeys(self.ends.values()))


@dataclass(frozen=True, slots=True)
class WaitingEdge:
    """An edge that is taken when all of its sources have run."""

    sources: tuple[str, ...]
    target: str
    key: str = field(init=False, compare=False)
    """How checkpoints name it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"{'+'.join(self.sources)}:{self.target}")

    def __hash__(self) -> int:
        return hash(self.key)


def _plain(value: Any) -> tuple[tuple[str, Any], ...] | None:
    return tuple(value.items()) if isinstance(value, Mapping) else None


@dataclass(frozen=True, slots=True)
class Graph:
    """What `nbhitl.engine.moves` runs: built and checked by the builder above."""

    nodes: Mapping[str, Node]
    channels: Mapping[str, Channel]
    edges: Mapping[str, tuple[str, ...]]
    """Static edges: source to targets, END included."""
    routers: Mapping[str, tuple[Router, ...]]
    waiting: tuple[WaitingEdge, ...] = ()
    input_keys: frozenset[str] = frozenset()
    output_keys: frozenset[str] = frozenset()
    name: str = ""
    types: tuple[type, ...] = ()
    """Classes that values of the state may have, as far as the schema names them."""
    unpack: Callable[[Any], tuple[tuple[str, Any], ...] | None] = _plain
    """What a node returned, as updates by key; None when it is no update. Instances of state classes included."""
    strict: bool = False
    """An update of a key that the state does not have is an error, not a warning."""
    takes: str = ""
    """The channel that takes the whole input, where that is one value; empty: the input has keys."""
    gives: str = ""
    """The channel whose value is the whole output; empty: the output has keys."""
    as_state: Callable[[dict[str, Any]], Any] | None = None
    """From all keys that have a value to an instance of the state schema; None: it is the dict."""
    as_output: Callable[[dict[str, Any]], Any] | None = None
    """The same of the output keys and the output schema."""
    called: bool = False
    """It is a `@task`: what happens in it counts as happening in the body that called it."""
    waits: Mapping[str, tuple[WaitingEdge, ...]] = field(init=False)
    """Source to the waiting edges that it feeds."""
    deferred: frozenset[str] = field(init=False)
    """Nodes that run when nothing else is due."""
    fleeting: tuple[str, ...] = field(init=False)
    """Channels whose value is gone after a step in which nobody wrote it."""
    joined: frozenset[str] = field(init=False)
    """Channels whose reducer leaves the elements of a list as they are: it adds some, or puts others in their place."""
    barriers: Mapping[str, NamedBarrierValue] = field(init=False)
    """The channels that wait for names."""
    direct: bool = field(init=False)
    """Its input is one value that nothing has to be merged with: it is an entrypoint, or a `@task`."""
    function: bool = field(init=False)
    """It is an entrypoint."""
    untracked: frozenset[str] = field(init=False)
    """Channels that are never stored."""
    seen: Seen = field(init=False, repr=False, compare=False)
    """What the last look at its code has found."""

    def __post_init__(self) -> None:
        waits: dict[str, tuple[WaitingEdge, ...]] = {}
        for edge in self.waiting:
            for source in edge.sources:
                waits[source] = (*waits.get(source, ()), edge)
        put = object.__setattr__
        put(self, "waits", waits)
        if ROOT in self.channels:
            put(self, "takes", ROOT)
            put(self, "gives", ROOT)
        put(self, "direct", self.takes != self.gives)
        put(self, "function", self.direct and not self.called)
        put(self, "deferred", frozenset(name for name, node in self.nodes.items() if node.defer))
        put(self, "fleeting", tuple(name for name, channel in self.channels.items() if fleeting(channel)))
        barriers = {name: c for name, c in self.channels.items() if isinstance(c, NamedBarrierValue)}
        put(self, "barriers", barriers)
        untracked = (name for name, channel in self.channels.items() if isinstance(channel, UntrackedValue))
        put(self, "untracked", frozenset(untracked))
        joined = (name for name, channel in self.channels.items() if joins(channel))
        put(self, "joined", frozenset(joined))
        put(self, "seen", Seen())

    def unpacked(self, value: Any) -> tuple[tuple[str, Any], ...]:
        """As `unpack`, of a value that is an update. Raises `InvalidUpdateError`."""
        found = self.unpack(value)
        if found is None:
            raise InvalidUpdateError(f"{type(value).__name__} is no update: {value!r:.60}")
        return found

    def expect(self, names: Iterable[str], role: str) -> frozenset[str]:
        """``names`` as a set, when all of them are nodes; ``role`` says what they were given for.

        ``"review/ask"`` is the node ``ask`` of the sub-graph ``review``.

        Raises:
            UnknownNodeError: one of them is not.
        """
        found = frozenset(names)
        for name in sorted(found):
            self.expect_path(name, name, role)
        return found

    def expect_path(self, name: str, path: str, role: str) -> None:
        """As `expect`, for the one node ``name``; ``path`` is how the caller named it."""
        if name in self.nodes:
            return
        first, _, rest = name.partition("/")
        node = self.nodes.get(first)
        if not rest or node is None:
            shown = "" if name == path else f" in {path[: -len(name) - 1]!r}"
            raise UnknownNodeError(f"{role}: there is no node {first!r}{shown}.{did_you_mean(first, self.nodes)}")
        if node.graph is not None:
            node.graph.expect_path(rest, path, role)
        # The sub-graphs that a function calls are not known here: whether the rest exists shows when it runs.

    def code(self) -> tuple[Mapping[str, str], str]:
        """`fingerprints`, and a digest of all of them."""
        found, seen = self.fingerprints(), self.seen
        if found != seen.code[0]:
            seen.code = found, digest_of(found)
        return seen.code

    def fingerprints(self) -> dict[str, str]:
        """Part to the fingerprint of its code: nodes by name, then the wiring and the keys of the state.

        The parts beside nodes are called ``edges of draft``, ``routers of draft``, ``edge [a, b] to c``, ``state key
        log``. What a fingerprint covers stands in `nbhitl.engine.fingerprints`.
        """
        return described(self)


def problems(graph: Graph) -> list[str]:
    """Every mistake of a graph that its parts show together, in words; empty when it can run."""
    if not graph.nodes:
        return ["the graph has no nodes: add one with add_node(name, function)."]
    found: list[str] = []
    for source, targets in graph.edges.items():
        for target in targets:
            where = f"edge {source} -> {target}"
            found += _source(graph, source, where) + _target(graph, target, where)
    for edge in graph.waiting:
        where = f"edge [{', '.join(edge.sources)}] -> {edge.target}"
        if START in edge.sources:
            found.append(f"{where}: START is no node to wait for; every node comes after it. Leave it out.")
        found += [text for s in edge.sources if s != START for text in _source(graph, s, where)]
        found += _target(graph, edge.target, where)
    for source, routers in graph.routers.items():
        where = f"conditional edge from {source}"
        found += _source(graph, source, where)
        found += [text for router in routers for text in _ends(graph, router, where)]
    for name, node in graph.nodes.items():
        for target in node.destinations or ():
            found += _target(graph, target, f"node {name!r} promises to go to {target!r}")
    if not graph.edges.get(START) and not graph.routers.get(START):
        found.append(f"nothing follows START, so no node would run: add_edge(START, {next(iter(graph.nodes))!r}).")
    return found


def _source(graph: Graph, name: str, where: str) -> list[str]:
    """What is wrong with a node that an edge starts from."""
    if name == END:
        return [f"{where}: nothing follows END."]
    if name == START or name in graph.nodes:
        return []
    return [f"{where}: there is no node {name!r}.{did_you_mean(name, graph.nodes)}"]


def _target(graph: Graph, name: Any, where: str) -> list[str]:
    """What is wrong with a node that an edge leads to."""
    if name == START:
        return [f"{where}: nothing leads to START. To begin again, go to the first node."]
    if name == END or name in graph.nodes:
        return []
    return [f"{where}: there is no node {name!r}.{did_you_mean(name, graph.nodes)}"]


def _ends(graph: Graph, router: Router, where: str) -> list[str]:
    """What is wrong with the places that a conditional edge may lead to."""
    found: list[str] = []
    for said, name in (router.ends or {}).items():
        if not isinstance(name, str):
            called = getattr(name, "__name__", None)
            cure = f"Write its name: {said!r}: {called!r}." if called else "Write path_map={result: 'node'}."
            found.append(f"{where}: {name!r:.40} is no name of a node. {cure}")
        elif name not in graph.nodes and said in graph.nodes:
            found.append(f"{where}: path_map is the wrong way round: write {{{name!r}: {said!r}}}, result: node.")
        else:
            found += _target(graph, name, where)
    return found
