"""`StateGraph`: builds a graph from Python functions. Names and meaning are LangGraph's.

Mistakes are collected while the graph is built and reported together by `StateGraph.compile`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, Literal, Self, overload

from nbhitl.actions import Body, name_of, understood
from nbhitl.compiled import CompiledGraph
from nbhitl.engine.channels import Channel, LastValue
from nbhitl.engine.description import ROOT, Graph, Node, Router, WaitingEdge, problems
from nbhitl.engine.errors import GraphError, SchemaError, UnknownNodeError, UnreachableNodeWarning
from nbhitl.engine.generics import BuilderTypes, ContextT, InputT, OutputT, StateT
from nbhitl.engine.policies import CachePolicy, ErrorHandler, Retry, Timeout
from nbhitl.engine.ports import BaseCache, Saver
from nbhitl.engine.reach import unreachable
from nbhitl.engine.records import END, START
from nbhitl.engine.stores import BaseStore
from nbhitl.mistakes import no_cache, no_saver, no_store, of_edge, of_name, raise_all, unknown_nodes
from nbhitl.policies import Policies, applied, policies_of
from nbhitl.signatures import Signature, chosen, promised
from nbhitl.state import Schema, Schemas, Shapes, classes_named, name_of_schema, required, unpacker

NO_POLICIES: Final = Policies()


class StateGraph(BuilderTypes[StateT, ContextT, InputT, OutputT]):
    """Collects nodes and edges; `compile` checks them all and makes a graph that can run.

    Args:
        state_schema: a TypedDict, dataclass or pydantic model; each key is a channel of the state. ``Annotated[T,
            reducer]`` merges writes with ``reducer(old, new)``, else the last write counts. Another type, e.g.
            ``Annotated[list, operator.add]``, is a state that is one such value.
        context_schema: what nodes find as ``runtime.context``: a dataclass, pydantic model or TypedDict. A dict that a
            call gives as ``context=`` is made into it.
        input_schema: the keys that an input may have; all of the state's by default.
        output_schema: the keys that ``invoke`` returns; all of the state's by default.

    Raises:
        SchemaError: a schema is no type, has no keys, or uses a name that is not defined.
    """

    @overload
    def __init__(
        self,
        state_schema: type[StateT],
        context_schema: type[ContextT] | None = None,
        *,
        input_schema: type[InputT] | None = None,
        output_schema: type[OutputT] | None = None,
    ) -> None: ...

    @overload  # Annotated[...] is no type to a type checker
    def __init__(
        self: StateGraph[Any, Any, Any, Any],
        state_schema: Any,
        context_schema: Any = None,
        *,
        input_schema: Any = None,
        output_schema: Any = None,
    ) -> None: ...

    def __init__(
        self, state_schema: Any, context_schema: Any = None, *, input_schema: Any = None, output_schema: Any = None
    ) -> None:
        self.state_schema = state_schema
        self.context_schema = context_schema
        self.nodes: dict[str, Node] = {}
        self.edges: dict[str, tuple[str, ...]] = {}
        self.routers: dict[str, tuple[Router, ...]] = {}
        self.waiting: list[WaitingEdge] = []
        self._mistakes: list[str] = []
        self._schemas = Schemas()
        self._takes: dict[str, Schema] = {}
        """Node to the schema of its input, where that is not the state's."""
        self._policies: dict[str, Policies] = {}
        """Node to what it was given of its own."""
        self._usual = NO_POLICIES
        self._asks: dict[str, dict[str, Schema | None]] = {}
        """Source to the names of its routers, and the schemas that these are annotated with."""
        self._state = self._schemas.add(state_schema, "the state schema")
        self._input = self._edge_schema(input_schema, "input_schema")
        self._output = self._edge_schema(output_schema, "output_schema")

    @property
    def channels(self) -> dict[str, Channel]:
        """Key to channel, those that only a node's own input has included."""
        return self._schemas.merged()[0]

    @property
    def required(self) -> frozenset[str]:
        """Keys that an input has to have: those without a default that no reducer starts."""
        channels = self.channels
        needed = required(self._input.source)
        return frozenset(key for key in self._input.keys if key in needed and isinstance(channels[key], LastValue))

    def _edge_schema(self, schema: Any, role: str) -> Schema:
        if schema is None:
            return self._state
        found = self._schemas.add(schema, role)
        if found.managed and found is not self._state:
            self._mistakes.append(
                f"{role}: {', '.join(map(repr, found.managed))} is filled in by the run; leave it out of this schema."
            )
        return self._keyed(found, "StateGraph")

    def _keyed(self, schema: Schema, where: str) -> Schema:
        if ROOT in schema.channels and ROOT not in self._state.channels:
            self._mistakes.append(
                f"{where}: {name_of_schema(schema.source)} has no keys, and the state has. Give a class with keys."
            )
        return schema

    # -- nodes

    def add_node(
        self,
        node: str | Body,
        action: Body | None = None,
        *,
        defer: bool = False,
        metadata: Mapping[str, Any] | None = None,
        input_schema: Any = None,
        destinations: Sequence[str] | Mapping[str, str] | None = None,
        retry_policy: Retry | None = None,
        cache_policy: CachePolicy | None = None,
        error_handler: ErrorHandler | None = None,
        timeout: Timeout | None = None,
    ) -> Self:
        """Add a function as a node.

        Args:
            node: its name; or the function, whose name is taken.
            action: a function, sync or async: takes the state, and what it has a parameter for of ``config``,
                ``runtime``, ``store``, ``writer`` and ``previous``, see `nbhitl.Runtime`; returns the keys to change,
                a `Command`, a list of these, or None. A callable object, a compiled graph or something with ``invoke``
                will do as well.
            defer: run it only when nothing else is due.
            metadata: kept with the node, for your own use.
            input_schema: what the function takes, where that is not the whole state: by default, the annotation of
                its first parameter, if that is a class with annotated keys. New keys join the state.
            destinations: where a returned ``Command(goto=...)`` may lead, for the drawing; as a mapping, with the text
                that the drawing writes there. By default what ``-> Command[Literal["a", "b"]]`` says.
            retry_policy: when it is tried again, see `RetryPolicy`; of several, the first that knows the error counts.
                Answers, results of `once` and of finished sub-graphs and tasks are kept from attempt to attempt.
            cache_policy: that a result of an earlier run with the same input counts (`CachePolicy`); needs
                ``compile(cache=...)``. A node whose code was edited, or that asked a person, is run.
            error_handler: what runs when the node has failed for good. Takes the state, and a `NodeError` in a
                parameter that is annotated so or called ``error``; returns an update, or a `Command` that says where to
                go: the node's own edges are not taken. After a kill it runs again.
            timeout: how long one attempt of an async node may take: seconds, a timedelta or a `TimeoutPolicy`.
        """
        name, action = self._named(node, action)
        wrong = of_name(name, self.nodes)
        if wrong:
            self._wrong(name, wrong)
            if not isinstance(name, str) or name in (*self.nodes, START, END, ""):
                return self  # else it is added: that something leads there is no further mistake
        found = understood(action)
        if found.mistake:
            self._wrong(name, found.mistake)
        signature = found.signature
        ends = promised(signature.returns) if destinations is None else self._ends(name, destinations)
        labels = dict(destinations) if isinstance(destinations, Mapping) else {}
        self.nodes[name] = Node(
            name,
            found.call,
            ends,
            dict(metadata or {}),
            signature.takes,
            defer=defer,
            twin=found.twin,
            graph=found.graph,
            labels=labels,
        )
        taken = self._input_of(name, input_schema, signature.first)
        if taken is not None and taken is not self._state:
            self._takes[name] = taken
        own, mistakes = policies_of(retry_policy, cache_policy, error_handler, timeout)
        for mistake in mistakes:
            self._wrong(name, mistake)
        self._schemas.annotated(own.takes)  # its keys join the state
        if own != NO_POLICIES:
            self._policies[name] = own
        return self

    def set_node_defaults(
        self,
        *,
        retry_policy: Retry | None = None,
        cache_policy: CachePolicy | None = None,
        error_handler: ErrorHandler | None = None,
        timeout: Timeout | None = None,
    ) -> Self:
        """What `add_node` gives to every node that is not given its own, whether it was added before or is later.

        Not to the nodes of sub-graphs. Retries and the timeout are those of error handlers, too.
        """
        found, mistakes = policies_of(retry_policy, cache_policy, error_handler, timeout)
        self._mistakes += [f"set_node_defaults: {mistake}" for mistake in mistakes]
        self._schemas.annotated(found.takes)
        self._usual = found.over(self._usual)
        return self

    def _named(self, node: Any, action: Any) -> tuple[Any, Any]:
        """A node's name and what it does, from the two ways of giving them."""
        if isinstance(node, str):
            return node, action
        if isinstance(action, str):
            self._mistakes.append(f"add_node({name_of(node)}, {action!r}): give the name first, then the function.")
            return action, node
        if action is not None:
            return node, action
        name = name_of(node)
        if name == "<lambda>":
            self._mistakes.append("add_node(<lambda>): a lambda has no name: add_node('name', lambda state: ...).")
        elif not name:
            self._mistakes.append("add_node(<graph>): the graph has no name: add_node('name', graph).")
            name = "<graph>"
        return name, node

    def _ends(self, name: str, destinations: Any) -> tuple[str, ...] | None:
        if isinstance(destinations, str):
            self._wrong(name, f"destinations={destinations!r} is a text; give a list: [{destinations!r}].")
            return None
        return tuple(destinations)

    def _input_of(self, name: str, given: Any, annotated: Any) -> Schema | None:
        """The schema of a node's input, if one was given or can be read from the annotation of its parameter."""
        if given is not None:
            try:
                return self._keyed(self._schemas.add(given, "input_schema"), f"add_node({name!r})")
            except SchemaError as error:
                self._wrong(name, str(error))
        return self._schemas.annotated(annotated)

    def _wrong(self, name: Any, mistake: str) -> None:
        self._mistakes.append(f"add_node({name!r}): {mistake}")

    def add_sequence(self, nodes: Sequence[Body | tuple[str, Body]]) -> Self:
        """Add functions (or ``(name, function)``) as nodes, one after the other, with the edges between them."""
        names: list[str] = []
        for node in nodes:
            name, action = node if isinstance(node, tuple) else self._named(node, None)
            self.add_node(name, action)
            names.append(name)
        if not names:
            self._mistakes.append("add_sequence([]): give at least one function.")
        for start, end in pairwise(names):
            self.add_edge(start, end)
        return self

    # -- edges

    def add_edge(self, start: str | Sequence[str], end: str) -> Self:
        """After ``start`` comes ``end``. A list waits: ``end`` runs when every one of them has run."""
        sources = [start] if isinstance(start, str) or not isinstance(start, Sequence) else list(start)
        wrong = of_edge(sources, end)
        if wrong:
            self._mistakes.append(f"add_edge({start!r:.60}, {end!r:.60}): {wrong}")
        elif isinstance(start, str):
            if end not in self.edges.get(start, ()):
                self.edges[start] = (*self.edges.get(start, ()), end)
        else:
            edge = WaitingEdge(tuple(dict.fromkeys(sources)), end)
            if edge not in self.waiting:
                self.waiting.append(edge)
        return self

    def add_conditional_edges(
        self, source: str, path: Body, path_map: Mapping[Any, str] | Sequence[str] | None = None
    ) -> Self:
        """After ``source``, go where ``path(state)`` says.

        Args:
            source: a node's name, or START.
            path: a function, sync or async, that returns a node's name, a `Send`, or a list of these; or a key of
                ``path_map``. It takes what the node takes, or what its parameter is annotated with.
            path_map: what ``path`` returns to the node's name; a list where these are the same. Without it the
                ``Literal`` that ``path`` is annotated to return is taken, so that the edges can be drawn.
        """
        who = f"add_conditional_edges({source!r:.40})"
        if not isinstance(source, str):
            self._mistakes.append(f"{who}: give the name of the node first, then the function.")
            return self
        found = understood(path)
        if found.mistake:
            self._mistakes.append(f"{who}: {found.mistake}")
            return self
        name = name_of(path)
        asked = self._asks.setdefault(source, {})
        if name in asked:
            self._mistakes.append(
                f"{who}: there is a router {name!r} after that node already. Give one of them another name, "
                "or let one function return a list."
            )
            return self
        ends = self._routes(who, path_map, found.signature)
        router = Router(source, found.call, ends, found.signature.takes)
        self.routers[source] = (*self.routers.get(source, ()), router)
        asked[name] = self._schemas.annotated(found.signature.first)
        return self

    def _routes(self, who: str, path_map: Any, signature: Signature) -> Mapping[Any, str] | None:
        """What a router returns to where that leads; None when that may be any node."""
        if isinstance(path_map, str):
            self._mistakes.append(f"{who}: path_map={path_map!r} is a text; give a list: [{path_map!r}].")
            return None
        if path_map is None:
            names = chosen(signature.returns)
            return None if names is None else {name: name for name in names}
        return dict(path_map) if isinstance(path_map, Mapping) else {name: name for name in path_map}

    def set_entry_point(self, key: str) -> Self:
        """The node that runs first: ``add_edge(START, key)``."""
        return self.add_edge(START, key)

    def set_conditional_entry_point(
        self, path: Body, path_map: Mapping[Any, str] | Sequence[str] | None = None
    ) -> Self:
        """Choose the first node by a function of the input."""
        return self.add_conditional_edges(START, path, path_map)

    def set_finish_point(self, key: str) -> Self:
        """The run may end after this node: ``add_edge(key, END)``."""
        return self.add_edge(key, END)

    # -- the graph

    def describe(self, name: str = "", *, strict: bool = False) -> Graph:
        """The graph as a frozen value.

        Raises:
            GraphError: lists every mistake.
        """
        graph, mistakes = self._describe(name, strict=strict)
        raise_all(name, mistakes)
        return graph

    def _describe(self, name: str, *, strict: bool) -> tuple[Graph, list[str]]:
        channels, contradictions = self._schemas.merged()
        shapes = Shapes(channels)
        nodes = {}
        for node in self.nodes.values():
            found = shapes.of(self._takes.get(node.name, self._state), f"node {node.name!r}")
            shaped = node if found is node.shape else replace(node, shape=found)
            nodes[node.name] = self._governed(shaped, shapes, contradictions)
        routers = {}
        for source, several in self.routers.items():
            usual = self._takes.get(source, self._state)
            asked = zip(several, self._asks[source].values(), strict=True)
            who = f"the router after {source!r}"
            routers[source] = tuple(
                replace(router, shape=shapes.of(own or usual, who), sees_returned=own is None) for router, own in asked
            )
        graph = Graph(
            nodes=nodes,
            channels=channels,
            edges=dict(self.edges),
            routers=routers,
            waiting=tuple(self.waiting),
            input_keys=frozenset(self._input.keys),
            output_keys=frozenset(self._output.keys),
            name=name,
            types=tuple(dict.fromkeys([*self._schemas.types(), *self._returned()])),
            unpack=unpacker(channels),
            strict=strict,
            as_state=shapes.of(self._state, "the state").build,
            as_output=shapes.of(self._output, "the output").build,
        )
        return graph, self._mistakes + contradictions + problems(graph)

    def _governed(self, node: Node, shapes: Shapes, mistakes: list[str]) -> Node:
        """A node with its policies."""
        own = self._policies.get(node.name, NO_POLICIES)
        node, wrong = applied(node, own, self._usual)
        mistakes += [f"add_node({node.name!r}): {mistake}" for mistake in wrong]
        if node.handler is None:
            return node
        taken = self._schemas.annotated(own.over(self._usual).takes) or self._state
        shape = shapes.of(taken, f"the error handler of {node.name!r}")
        return replace(node, handler=replace(node.handler, shape=shape))

    def _returned(self) -> Iterator[type]:
        """Classes whose values the nodes may return."""
        seen: set[int] = set()
        for node in self.nodes.values():
            yield from classes_named(node.action, seen)
        for found in (*self._policies.values(), self._usual):
            if found.handler is not None:
                yield from classes_named(found.handler.action, seen)

    def validate(self) -> Self:
        """Check without compiling. Raises `GraphError` that lists every mistake."""
        self.describe()
        return self

    def compile(
        self,
        checkpointer: Saver | bool | None = None,
        *,
        interrupt_before: Literal["*"] | Iterable[str] | None = (),
        interrupt_after: Literal["*"] | Iterable[str] | None = (),
        debug: bool | None = None,
        name: str | None = None,
        scope: str = "",
        strict: bool = False,
        cache: BaseCache | None = None,
        store: BaseStore | None = None,
    ) -> CompiledGraph[StateT, ContextT, InputT, OutputT]:
        """A graph that can run.

        Args:
            checkpointer: remembers runs, e.g. ``InMemorySaver()`` or ``DuckDBSaver("runs.duckdb")``; needed to pause.
                For a sub-graph: None takes its caller's for the time of a call, True keeps what it remembers from call
                to call, False has none.
            interrupt_before: nodes to stop before, or ``"*"``; ``"review/ask"`` is a node of a sub-graph.
            interrupt_after: nodes to stop after, or ``"*"``.
            debug: whether values that a node changes in place are looked for, and named.
            name: how the graph is called in messages.
            scope: keeps threads apart that have the same id in other graphs on the same checkpointer.
            strict: an update of a key that the state does not have is an error, not a warning.
            cache: keeps results of nodes with a ``cache_policy`` from run to run, e.g. ``InMemoryCache()`` or
                ``DuckDBCache("cache.duckdb")``. A sub-graph without one gets its caller's.
            store: memory across threads, e.g. ``InMemoryStore()`` or ``DuckDBStore("store.duckdb")``; nodes with a
                parameter ``store`` get it. A sub-graph without one gets its caller's.

        Raises:
            GraphError: lists every mistake of the graph, with suggestions.
            UnknownNodeError: nothing is wrong but a breakpoint on a name that is no node.
        """
        graph, mistakes = self._describe(name or "", strict=strict)
        mistakes += no_saver(checkpointer) + no_cache(cache) + no_store(store)
        before, after = interrupt_before or (), interrupt_after or ()
        unknown = [*unknown_nodes(graph, before, "interrupt_before"), *unknown_nodes(graph, after, "interrupt_after")]
        raise_all(name, mistakes + unknown, GraphError if mistakes else UnknownNodeError)
        for lost in unreachable(graph):
            warnings.warn(
                f"node {lost!r} can never run: no edge, router or destination leads to it.",
                UnreachableNodeWarning,
                stacklevel=2,
            )
        return CompiledGraph(
            graph,
            checkpointer,
            before,
            after,
            scope=scope,
            debug=bool(debug),
            cache=cache,
            store=store,
            context_schema=self.context_schema,
        )
