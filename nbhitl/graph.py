"""`StateGraph`: builds a graph from Python functions. Names and meaning are LangGraph's."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from typing import Annotated, Any, Literal, get_args, get_origin

from nbhitl.compiled import CompiledGraph
from nbhitl.engine.channels import BinaryOperatorAggregate, Channel, LastValue
from nbhitl.engine.commands import Command
from nbhitl.engine.description import Graph, Node, Router, WaitingEdge, problems
from nbhitl.engine.errors import GraphError, SchemaError
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import END, START


class StateGraph:
    """Collects nodes and edges; `compile` checks them all and makes a graph that can run.

    Args:
        state_schema: a TypedDict; each key is a channel of the state. ``Annotated[T, reducer]`` merges writes with
            ``reducer(old, new)``, else the last write counts.
        input_schema: a TypedDict of the keys that an input may have; all of the state's by default.
        output_schema: a TypedDict of the keys that ``invoke`` returns; all of the state's by default.

    Raises:
        SchemaError: a schema is no TypedDict.
    """

    def __init__(self, state_schema: Any, *, input_schema: Any = None, output_schema: Any = None) -> None:
        self.state_schema = state_schema
        self._types: dict[type, None] = {}
        self.channels = self._read(state_schema)
        self._input_keys = self._keys(input_schema, "input_schema")
        self._output_keys = self._keys(output_schema, "output_schema")
        self.nodes: dict[str, Node] = {}
        self.edges: dict[str, tuple[str, ...]] = {}
        self.routers: dict[str, tuple[Router, ...]] = {}
        self.waiting: list[WaitingEdge] = []
        self._mistakes: list[str] = []

    def _keys(self, schema: Any, role: str) -> frozenset[str]:
        if schema is None:
            return frozenset(self.channels)
        keys = self._read(schema)
        for name, channel in keys.items():
            self.channels.setdefault(name, channel)
        return frozenset(keys)

    def _read(self, schema: Any) -> dict[str, Channel]:
        if not is_typed_dict(schema):
            given = getattr(schema, "__name__", repr(schema))
            raise SchemaError(f"the state schema {given} is no TypedDict. Write `class State(TypedDict): ...`.")
        try:
            hints = typing.get_type_hints(schema, include_extras=True)
        except NameError as error:
            raise SchemaError(
                f"the state schema {schema.__name__} uses a name that is not defined: {error}."
            ) from error
        for hint in hints.values():
            self._types.update(dict.fromkeys(_classes(hint)))
        return {name: _channel(hint) for name, hint in hints.items()}

    def add_node(
        self,
        node: str | Callable[..., Any],
        action: Callable[..., Any] | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        destinations: Sequence[str] | Mapping[str, str] | None = None,
    ) -> StateGraph:
        """Add a function as a node.

        Args:
            node: its name; or the function, whose name is taken.
            action: the function, sync or async: takes the state (and ``config``, if it has that parameter) and
                returns a dict of the keys to change, a `Command`, or None.
            metadata: kept with the node, for your own use.
            destinations: where a returned ``Command(goto=...)`` may lead, for the drawing.
        """
        if callable(node) and not isinstance(node, str):
            if action is not None:
                self._mistakes.append(f"add_node({node!r}, ...): give the name first, then the function.")
            action = node
            node = str(getattr(action, "__name__", type(action).__name__))
        if not isinstance(node, str) or not node:
            self._mistakes.append(f"add_node({node!r}): a node's name is a text that is not empty.")
        elif node in (START, END):
            self._mistakes.append(f"add_node({node!r}): that name belongs to the graph itself; take another.")
        elif node in self.nodes:
            self._mistakes.append(f"add_node({node!r}): there is a node of that name already. Names are unique.")
        elif not callable(action):
            self._mistakes.append(f"add_node({node!r}, {action!r}): give a function of the state.")
        else:
            takes, mistake = _parameters(action)
            if mistake:
                self._mistakes.append(f"add_node({node!r}): {mistake}")
            ends = tuple(destinations) if destinations is not None else _promised(action)
            self.nodes[node] = Node(node, action, ends, {**(metadata or {}), "takes": takes})
        return self

    def add_edge(self, start: str | Sequence[str], end: str) -> StateGraph:
        """After ``start`` comes ``end``. A list waits: ``end`` runs when every one of them has run."""
        if isinstance(start, str):
            if start == END:
                self._mistakes.append(f"add_edge(END, {end!r}): nothing follows END.")
            if end == START:
                self._mistakes.append(f"add_edge({start!r}, START): nothing leads to START.")
            if end not in self.edges.get(start, ()):
                self.edges[start] = (*self.edges.get(start, ()), end)
        elif not start:
            self._mistakes.append(f"add_edge([], {end!r}): name the nodes to wait for.")
        else:
            edge = WaitingEdge(tuple(dict.fromkeys(start)), end)
            if edge not in self.waiting:
                self.waiting.append(edge)
        return self

    def add_conditional_edges(
        self,
        source: str,
        path: Callable[..., Any],
        path_map: Mapping[Any, str] | Sequence[str] | None = None,
    ) -> StateGraph:
        """After ``source``, go where ``path(state)`` says.

        Args:
            source: a node's name, or START.
            path: returns a node's name, a `Send`, or a list of these; or a key of ``path_map``.
            path_map: what ``path`` returns to the node's name; a list where these are the same. Without it the
                ``Literal`` that ``path`` is annotated to return is taken, so that the edges can be drawn.
        """
        if not callable(path):  # the annotation says so; callers may not
            self._mistakes.append(f"add_conditional_edges({source!r}, {path!r}): give a function of the state.")
            return self
        ends: Mapping[Any, str] | None
        if isinstance(path_map, Mapping):
            ends = dict(path_map)
        elif path_map is not None:
            ends = {name: name for name in path_map}
        else:
            names = _literals(_returns(path))
            ends = {name: name for name in names} if names else None
        self.routers[source] = (*self.routers.get(source, ()), Router(source, path, ends))
        return self

    def add_sequence(self, nodes: Sequence[Callable[..., Any] | tuple[str, Callable[..., Any]]]) -> StateGraph:
        """Add functions as nodes, one after the other, with the edges between them."""
        names: list[str] = []
        for node in nodes:
            name, action = node if isinstance(node, tuple) else (getattr(node, "__name__", ""), node)
            self.add_node(name, action)
            names.append(name)
        for start, end in pairwise(names):
            self.add_edge(start, end)
        return self

    def set_entry_point(self, key: str) -> StateGraph:
        """The node that runs first: ``add_edge(START, key)``."""
        return self.add_edge(START, key)

    def set_conditional_entry_point(
        self, path: Callable[..., Any], path_map: Mapping[Any, str] | Sequence[str] | None = None
    ) -> StateGraph:
        """Choose the first node by a function of the input."""
        return self.add_conditional_edges(START, path, path_map)

    def set_finish_point(self, key: str) -> StateGraph:
        """The run may end after this node: ``add_edge(key, END)``."""
        return self.add_edge(key, END)

    def describe(self, name: str = "") -> Graph:
        """The graph as a frozen value.

        Raises:
            GraphError: lists every mistake.
        """
        graph = Graph(
            nodes=dict(self.nodes),
            channels=dict(self.channels),
            edges=dict(self.edges),
            routers=dict(self.routers),
            waiting=tuple(self.waiting),
            input_keys=self._input_keys,
            output_keys=self._output_keys,
            name=name,
            types=tuple(self._types),
        )
        found = self._mistakes + problems(graph)
        if found:
            title = f"graph {name!r}" if name else "the graph"
            one = f"{title} cannot run: {found[0]}"
            raise GraphError(one if len(found) == 1 else "\n- ".join([f"{title} has {len(found)} mistakes:", *found]))
        return graph

    def validate(self) -> StateGraph:
        """Check without compiling. Raises `GraphError` that lists every mistake."""
        self.describe()
        return self

    def compile(
        self,
        checkpointer: Saver | None = None,
        *,
        interrupt_before: Literal["*"] | Iterable[str] = (),
        interrupt_after: Literal["*"] | Iterable[str] = (),
        name: str = "",
        scope: str = "",
    ) -> CompiledGraph:
        """A graph that can run.

        Args:
            checkpointer: remembers runs, e.g. ``InMemorySaver()`` or ``DuckDBSaver("runs.duckdb")``; needed to pause.
            interrupt_before: nodes to stop before, or ``"*"``.
            interrupt_after: nodes to stop after, or ``"*"``.
            name: how the graph is called in messages.
            scope: keeps threads apart that have the same id in other graphs on the same checkpointer.

        Raises:
            GraphError: lists every mistake of the graph, with suggestions.
            UnknownNodeError: a breakpoint on a name that is no node.
        """
        return CompiledGraph(self.describe(name), checkpointer, interrupt_before, interrupt_after, scope=scope)


def is_typed_dict(schema: Any) -> bool:
    """Whether a class is a TypedDict, that of typing_extensions included."""
    return isinstance(schema, type) and issubclass(schema, dict) and hasattr(schema, "__required_keys__")


def _channel(hint: Any) -> Channel:
    while get_origin(hint) in (typing.Required, typing.NotRequired):
        hint = get_args(hint)[0]
    if get_origin(hint) is not Annotated:
        return LastValue()
    kind, *extras = get_args(hint)
    reducer = extras[-1]
    if not callable(reducer) or isinstance(reducer, type):
        return LastValue()
    return BinaryOperatorAggregate(reducer, _initial(kind))


def _classes(hint: Any) -> Iterator[type]:
    """Classes in a hint, at any depth, whose values are stored field by field."""
    if isinstance(hint, type) and get_origin(hint) is None:
        by_fields = dataclasses.is_dataclass(hint) or hasattr(hint, "model_fields") or hasattr(hint, "_fields")
        if by_fields or issubclass(hint, Enum):
            yield hint
    for part in get_args(hint):
        yield from _classes(part)


def _initial(kind: Any) -> Callable[[], Any] | None:
    """The type itself where calling it gives an empty value, as LangGraph has it."""
    made = get_origin(kind) or kind
    if isinstance(made, type):
        try:
            made()
        except Exception:  # noqa: BLE001 - an abstract class, or one that needs arguments: the first write is the value
            return {"Sequence": list, "MutableSequence": list, "Mapping": dict, "Set": set}.get(made.__name__)
        return made
    return None


def _parameters(action: Callable[..., Any]) -> tuple[tuple[str, ...], str]:
    """Which extra parameters a node's function wants, and what is wrong with its signature."""
    try:
        parameters = list(inspect.signature(action).parameters.values())
    except (TypeError, ValueError):  # a built-in without a signature
        return (), ""
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if not positional and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return (), "the function takes no argument; a node takes the state: def node(state): ..."
    takes = tuple(p.name for p in parameters if p.name == "config" and p is not parameters[0])
    rest = [
        p.name
        for p in parameters
        if p.default is p.empty
        and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY, p.POSITIONAL_ONLY)
        and p is not parameters[0]
        and p.name not in takes
    ]
    return takes, f"parameter {rest[0]!r} is unknown; a node takes the state, and `config`." if rest else ""


def _returns(function: Callable[..., Any]) -> Any:
    try:
        return typing.get_type_hints(function).get("return")
    except (NameError, TypeError, AttributeError):
        return None


def _literals(hint: Any) -> tuple[Any, ...]:
    """The values of a ``Literal``, also inside a list or a union."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    if get_origin(hint) in (list, Sequence, typing.Union, types.UnionType):
        return tuple(value for part in get_args(hint) for value in _literals(part))
    return ()


def _promised(action: Callable[..., Any]) -> tuple[str, ...] | None:
    """Where ``-> Command[Literal["a", "b"]]`` says that a node may go."""
    hint = _returns(action)
    for part in (hint, *get_args(hint)):
        if get_origin(part) is Command:
            return tuple(str(value) for arg in get_args(part) for value in _literals(arg)) or None
    return None
