"""What a function's signature says: which state it takes, what it wants beside it, where it may go.

Knows nodes and routers alike. What cannot be read says nothing; what cannot be called is a mistake, in words.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType, SimpleNamespace
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

from nbhitl.engine.commands import Command
from nbhitl.engine.records import MISSING, Missing

EXTRAS: Final = ("config", "runtime", "store", "writer", "previous")
"""Parameters beside the state that are filled in, by name."""

Returns: TypeAlias = Any | Missing


@dataclass(frozen=True, slots=True)
class Signature:
    """What was read."""

    first: Any = MISSING
    """The annotation of the state's parameter."""
    returns: Returns = MISSING
    takes: tuple[str, ...] = ()
    mistake: str = ""


SILENT: Final = Signature()


def read(function: Callable[..., Any]) -> Signature:
    """The signature of a node's or a router's function."""
    if type(function) is FunctionType and _plain(function):  # most bodies; `inspect` takes ten times as long
        if not function.__annotations__:
            return SILENT
        hints = hints_of(function)
        return Signature(hints.get(function.__code__.co_varnames[0], MISSING), hints.get("return", MISSING))
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a built-in without a signature
        return SILENT
    hints = hints_of(function)
    takes, mistake = _extras(parameters, hints)
    first = hints.get(parameters[0].name, MISSING) if parameters else MISSING
    return Signature(first, hints.get("return", MISSING), takes, mistake)


def _plain(function: FunctionType) -> bool:
    """``def f(state)``: one positional parameter and nothing else."""
    code = function.__code__
    flags = code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    return code.co_argcount == 1 and not code.co_kwonlyargcount and not flags and not hasattr(function, "__wrapped__")


def _extras(parameters: list[inspect.Parameter], hints: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """Which extra parameters a function wants, and what is wrong with its signature."""
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    if not positional:
        return (), "it takes no argument; it gets the state: def f(state): ..."
    named = [p for p in parameters if p is not positional[0] and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    takes = tuple(p.name for p in named if p.name in EXTRAS and not _own(p, hints))
    rest = [p.name for p in named if p.default is p.empty and p.name not in takes]
    if not rest:
        return takes, ""
    if positional[0].name == "self":
        return takes, "it is a method that belongs to no instance: give Class().method, not Class.method."
    known = ", ".join(f"`{name}`" for name in EXTRAS)
    return takes, (
        f"parameter {rest[0]!r} is unknown; beside the state it gets {known}, each if it has a parameter of that name."
    )


def _own(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> bool:
    """Whether a parameter cannot be filled in, or is its function's own: ``store: str = "main"`` means no store."""
    if parameter.kind is parameter.POSITIONAL_ONLY:
        return True
    text = parameter.name in ("store", "writer") and hints.get(parameter.name) in (str, int, float, bool)
    return text and parameter.default is not parameter.empty


def hints_of(function: Any) -> dict[str, Any]:
    """Annotations by parameter; those that cannot be read are left out, and all those of a `functools.partial`.

    A partial's are those of another function's parameters: LangGraph does not look at them either.
    """
    if not (inspect.isroutine(function) or isinstance(function, type)):
        function = type(function).__call__
    if not hasattr(function, "__annotations__"):
        return {}
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        pass
    found = {}
    space = getattr(inspect.unwrap(function), "__globals__", {})
    for name, hint in function.__annotations__.items():
        try:
            alone: Any = SimpleNamespace(__annotations__={name: hint})
            found.update(typing.get_type_hints(alone, globalns=space))
        except (NameError, TypeError, AttributeError, SyntaxError):
            continue
    return found


# -- what a function returns


def promised(returns: Returns) -> tuple[str, ...] | None:
    """Where a node may go by itself, for ``-> Command[Literal["a", "b"]]``: also in a union or a list.

    None when nothing is said; empty when the annotation says that it returns no `Command`.
    """
    if returns is MISSING or returns is Any or returns is object:
        return None
    commands = [hint for hint in _parts(returns) if hint is Command or get_origin(hint) is Command]
    if not commands:
        return () if _closed(returns) else None
    names = [_texts(arg) for command in commands for arg in get_args(command) or (None,)]
    if any(found is None for found in names):
        return None
    return tuple(dict.fromkeys(name for found in names for name in found or ()))


def chosen(returns: Returns) -> tuple[Any, ...] | None:
    """What a router may return, for ``-> Literal["a", "b"]``, also in a list or a union; None when it is not known."""
    if get_origin(returns) is Literal:
        return get_args(returns)
    if get_origin(returns) in (list, Sequence, typing.Union, types.UnionType):
        parts = [chosen(part) for part in get_args(returns) if part is not type(None)]
        if parts and all(part is not None for part in parts):
            return tuple(value for part in parts for value in part or ())
    return None


def _parts(hint: Any) -> list[Any]:
    """The members of a union, and of the lists among them."""
    if get_origin(hint) in (typing.Union, types.UnionType, list, tuple, Sequence):
        return [part for arg in get_args(hint) for part in _parts(arg)]
    return [hint]


def _closed(hint: Any) -> bool:
    """Whether all that comes back is None or a dict."""
    known = (type(None), dict)
    return all(part in known or get_origin(part) is dict or hasattr(part, "__required_keys__") for part in _parts(hint))


def _texts(hint: Any) -> tuple[str, ...] | None:
    """The names in a ``Literal``, or in a union of these; None where the hint is something else."""
    if get_origin(hint) is Literal:
        return tuple(str(value) for value in get_args(hint))
    if get_origin(hint) in (typing.Union, types.UnionType):
        parts = [_texts(part) for part in get_args(hint)]
        return None if any(part is None for part in parts) else tuple(n for part in parts for n in part or ())
    return None
