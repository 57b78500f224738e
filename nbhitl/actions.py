"""What may stand where a function of the state is wanted: functions, callables, sub-graphs, and things to invoke."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from nbhitl.compiled import CompiledGraph
from nbhitl.engine.description import Graph
from nbhitl.signatures import SILENT, Signature, read


class Invocable(Protocol):
    """A compiled graph, a Runnable of LangChain's, or whatever looks like one."""

    @property
    def invoke(self) -> Callable[..., Any]:
        """Called with the state."""


Body: TypeAlias = Callable[..., Any] | Invocable
"""What may stand where a function of the state is wanted."""


@dataclass(frozen=True, slots=True)
class Action:
    """How to call what was given; with a ``mistake``, it cannot be called."""

    call: Callable[..., Any]
    twin: Callable[..., Any] | None = None
    """What to await in place of ``call`` in an async run."""
    graph: Graph | None = None
    signature: Signature = SILENT
    mistake: str = ""


def understood(given: Any) -> Action:
    """How ``given`` is called with a state; ``mistake`` says in words why it cannot be."""
    if inspect.isfunction(given):  # most are
        found = read(given)
        return Action(given, signature=found, mistake=found.mistake or _yields(given))
    if isinstance(given, CompiledGraph):
        return Action(given.as_action(), given.as_async_action(), given.graph)
    mistake = _no_action(given)
    if mistake:
        return Action(_nothing, mistake=mistake)
    if not isinstance(given, type) and callable(getattr(given, "invoke", None)):
        return _invoked(given)
    found = read(given)
    return Action(given, signature=found, mistake=found.mistake or _yields(given))


def name_of(given: Any) -> str:
    """How a node is called that was given no name; empty where that cannot be told."""
    if isinstance(given, CompiledGraph):
        return given.name
    name = getattr(given, "__name__", None)
    if name is None and callable(getattr(given, "get_name", None)):
        name = given.get_name()
    return name if isinstance(name, str) else type(given).__name__


def _invoked(given: Any) -> Action:
    """A Runnable of LangChain's, or whatever looks like one. What it says of its input is not the state's schema."""
    try:
        takes = ("config",) if "config" in inspect.signature(given.invoke).parameters else ()
    except (TypeError, ValueError):
        takes = ()
    return Action(given.invoke, getattr(given, "ainvoke", None), signature=Signature(takes=takes))


def _nothing(state: Any) -> None:
    """Stands in for what cannot be called, so that the other mistakes of the graph are found too."""


def _no_action(given: Any) -> str:
    if given is None:
        return "give a function of the state; None is none. Is it the result of a call? Leave out the parentheses."
    if inspect.iscoroutine(given):
        name = given.__name__
        given.close()  # or Python warns that nobody awaited it
        return f"{name}(...) is the result of a call; give the async function itself: {name}, without parentheses."
    if hasattr(given, "add_node") and hasattr(given, "compile"):
        return "a StateGraph is only a plan; give the graph that its compile() returns."
    if isinstance(given, type):
        if issubclass(given, Mapping) and not hasattr(given, "__required_keys__"):
            return ""
        called = any("__call__" in vars(c) or "invoke" in vars(c) for c in given.__mro__)
        cure = f"give an instance: {given.__name__}()." if called else "give a function of the state."
        return f"{given.__name__} is a class; {cure}"
    if callable(given) or callable(getattr(given, "invoke", None)):
        return ""
    hint = " Is it the result of a call? Leave out the parentheses." if isinstance(given, Mapping) else ""
    return f"give a function of the state; {given!r:.40} is a {type(given).__name__}.{hint}"


def _yields(given: Any) -> str:
    call = given if inspect.isroutine(given) else getattr(given, "func", type(given).__call__)
    code = getattr(call, "__code__", None)
    if code is not None and code.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR):
        return "it is a generator, which would give many results; return one update in place of `yield`."
    return ""
