"""`@entrypoint`: a function as a graph of one node, with LangGraph's names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Concatenate, Final, Generic, TypeVar, get_args, get_origin, overload

from nbhitl.compiled import CompiledGraph
from nbhitl.engine.channels import LastValue
from nbhitl.engine.description import ByKey, Graph, Node, Shape
from nbhitl.engine.errors import GraphError
from nbhitl.engine.policies import CachePolicy, Retry, Timeout
from nbhitl.engine.ports import BaseCache, Saver
from nbhitl.engine.records import END, START
from nbhitl.engine.stores import BaseStore
from nbhitl.functional.bodies import RESULT, checked_name, extras, policies, types_of
from nbhitl.run.runtime import PREVIOUS
from nbhitl.signatures import EXTRAS, hints_of

T = TypeVar("T")
R = TypeVar("R")
S = TypeVar("S")
INPUT: Final = "input"
"""The state key of what the entrypoint was given."""


class entrypoint:  # noqa: N801 - a decorator, and LangGraph's name
    """Make a function a graph that can run: ``@entrypoint()``, or with a checkpointer and more.

    The function's first parameter is the input, one value of any kind that can be stored; what it returns is the
    output. It may ask people, call tasks (`nbhitl.task`), and graphs. Parameters that are filled in by name:
    ``previous`` (what the last call on the thread returned, or saved: see `entrypoint.final`; None at first) and all
    that a node may take, such as ``config``.

    What comes of it is a `nbhitl.CompiledGraph`: ``invoke(value, config)``, ``stream``, ``get_state`` and the rest. Its
    state has the keys ``input``, ``result`` and ``previous``; ``get_state(config).values`` is the result alone.

    Args:
        checkpointer: remembers runs, e.g. ``InMemorySaver()``; needed to pause, and for ``previous``.
        store: memory across threads.
        cache: where results of tasks with a ``cache_policy`` are kept.
        context_schema: the type of ``context=``, for type checkers and your readers.
        cache_policy: that the whole result of an earlier run with the same input may be taken.
        retry_policy: when the function is tried again; what its tasks have done is not done again.
        timeout: how long one attempt of an async function may take.
        name: how the graph is called; the function's name by default.

    >>> @entrypoint(checkpointer=InMemorySaver())
    ... def review(topic: str) -> str:
    ...     essay = write(topic).result()
    ...     return essay if approve("Publish?", essay) else "nothing"
    >>> review.invoke("cats", {"configurable": {"thread_id": "1"}})
    """

    @dataclass(frozen=True, slots=True)
    class final(Generic[R, S]):  # noqa: N801 - LangGraph's name
        """What an entrypoint returns where that is not what it wants to remember."""

        value: R
        """What the caller gets."""
        save: S
        """What the next call on the thread is given as ``previous``."""

    def __init__(
        self,
        checkpointer: Saver | bool | None = None,
        store: BaseStore | None = None,
        cache: BaseCache | None = None,
        context_schema: Any = None,
        cache_policy: CachePolicy | None = None,
        retry_policy: Retry | None = None,
        timeout: Timeout | None = None,
        name: str | None = None,
    ) -> None:
        if inspect.isfunction(checkpointer):
            raise GraphError(f"write `@entrypoint()` above {checkpointer.__name__}, with parentheses.")
        self.checkpointer, self.store, self.cache = checkpointer, store, cache
        self.context_schema = context_schema
        self.cache_policy, self.retry_policy, self.timeout, self.name = cache_policy, retry_policy, timeout, name

    @overload
    def __call__(
        self, func: Callable[Concatenate[T, ...], Coroutine[Any, Any, final[R, S]]]
    ) -> CompiledGraph[Any, Any, T, R]: ...

    @overload
    def __call__(
        self, func: Callable[Concatenate[T, ...], Coroutine[Any, Any, R]]
    ) -> CompiledGraph[Any, Any, T, R]: ...

    @overload
    def __call__(self, func: Callable[Concatenate[T, ...], final[R, S]]) -> CompiledGraph[Any, Any, T, R]: ...

    @overload
    def __call__(self, func: Callable[Concatenate[T, ...], R]) -> CompiledGraph[Any, Any, T, R]: ...

    def __call__(self, func: Callable[..., Any]) -> CompiledGraph[Any, Any, Any, Any]:
        """The graph of a function.

        Raises:
            GraphError: it cannot be one: it takes nothing, takes more than one input, or is a generator.
        """
        name = checked_name(func, self.name, "entrypoint")
        graph = self._graph(func, name)
        return CompiledGraph(
            graph, self.checkpointer, cache=self.cache, store=self.store, context_schema=self.context_schema
        )

    def _graph(self, func: Callable[..., Any], name: str) -> Graph:
        takes = extras(func)
        _check_parameters(func, name, takes)
        node = Node(
            name,
            func,
            takes=takes,
            shape=Shape(keys=(INPUT,), build=_input),
            pack=_packed,
            **policies(func, name, self.retry_policy, self.cache_policy, self.timeout),
        )
        hints = hints_of(func)
        first = next(iter(inspect.signature(func).parameters))
        kinds = {INPUT: hints.get(first), RESULT: _value(hints.get("return")), PREVIOUS: hints.get(PREVIOUS)}
        return Graph(
            nodes={name: node},
            channels={key: LastValue(kind) for key, kind in kinds.items()},
            edges={START: (name,), name: (END,)},
            routers={},
            input_keys=frozenset({INPUT}),
            output_keys=frozenset({RESULT}),
            name=name,
            types=types_of(func),
            unpack=_unpacked,
            takes=INPUT,
            gives=RESULT,
        )


def _check_parameters(func: Callable[..., Any], name: str, filled: tuple[str, ...]) -> None:
    wanted = list(inspect.signature(func).parameters.values())
    if not wanted or wanted[0].kind not in (
        wanted[0].POSITIONAL_ONLY,
        wanted[0].POSITIONAL_OR_KEYWORD,
        wanted[0].VAR_POSITIONAL,
    ):
        raise GraphError(f"@entrypoint {name!r} takes no argument; its first one is the input: def {name}(value): ...")
    more = [p for p in wanted[1:] if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.default is p.empty]
    unknown = [p.name for p in more if p.name not in filled]
    if unknown:
        raise GraphError(
            f"@entrypoint {name!r}: parameter {unknown[0]!r} is not filled in. An entrypoint takes one input; give "
            f"several values as a dict. Filled in by name: {', '.join(EXTRAS)}."
        )


def _value(hint: Any) -> Any:
    """The type of what is returned, without the ``final`` around it."""
    return get_args(hint)[0] if get_origin(hint) is entrypoint.final and get_args(hint) else hint


def _input(values: dict[str, Any]) -> Any:
    return values.get(INPUT)


def _packed(value: Any) -> tuple[tuple[str, Any], ...]:
    """A result as updates by key: what is returned, and what is remembered."""
    if isinstance(value, entrypoint.final):
        return ((RESULT, value.value), (PREVIOUS, value.save))
    return ((RESULT, value), (PREVIOUS, value))


def _unpacked(value: Any) -> tuple[tuple[str, Any], ...]:
    """What somebody writes into the state: a result, as if the function had returned it; or `ByKey`, some keys."""
    return tuple(value.items()) if isinstance(value, ByKey) else _packed(value)
