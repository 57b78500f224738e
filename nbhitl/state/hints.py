"""One annotation of a state key: which channel it asks for, and what is wrong with it."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, get_args, get_origin

from nbhitl.engine.channels import CHANNELS, BinaryOperatorAggregate, Channel, LastValue, NamedBarrierValue
from nbhitl.engine.description import Managed
from nbhitl.engine.fingerprints import fingerprint

_QUALIFIERS = frozenset({"Required", "NotRequired", "ReadOnly"})


@dataclass(frozen=True, slots=True)
class ManagedValue:
    """In an annotation: the run fills the key in."""

    what: Managed


def unqualified(hint: Any) -> Any:
    """A hint without ``Required``, ``NotRequired`` and ``ReadOnly`` around it, and without type aliases."""
    while True:
        if type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        elif getattr(get_origin(hint), "_name", None) in _QUALIFIERS:
            hint = get_args(hint)[0]
        else:
            return hint


def channel_of(hint: Any, where: str) -> tuple[Channel | ManagedValue, tuple[str, ...]]:
    """The channel of a key, and what is wrong with its annotation; ``where`` names the key, e.g. ``State.log``."""
    hint = unqualified(hint)
    if get_origin(hint) is not Annotated:
        return LastValue(hint), _misplaced(hint, where)
    kind, *extras = get_args(hint)
    kind = unqualified(kind)
    for extra in reversed(extras):
        if isinstance(extra, (ManagedValue, *CHANNELS)):
            return extra, ()
        if isinstance(extra, type) and extra in CHANNELS and extra not in (BinaryOperatorAggregate, NamedBarrierValue):
            made: Any = extra
            return made(kind), ()
    last = extras[-1]
    wrong = _wrong(last, where)
    if wrong:
        return LastValue(kind), (wrong,)
    if callable(last):
        return BinaryOperatorAggregate(kind, last), ()
    late = next((extra for extra in extras if _is_reducer(extra)), None)
    if late is None:
        return LastValue(kind), _misplaced(kind, where)
    wrong = f"{where}: the reducer {_name(late)} stands before {last!r:.40}, so it would not be seen. Put it last."
    return LastValue(kind), (wrong,)


def same(one: Channel, other: Channel) -> bool:
    """Whether two annotations ask for the same merging; the types of the values aside."""
    if isinstance(one, BinaryOperatorAggregate) and isinstance(other, BinaryOperatorAggregate):
        return _same_function(one.operator, other.operator)
    return type(one) is type(other) and replace(one, typ=None) == replace(other, typ=None)


def _same_function(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    if one is other or one == other:
        return True
    # The same lambda written twice, or the same cell run twice.
    if not isinstance(one, types.FunctionType) or not isinstance(other, types.FunctionType):
        return False
    return not one.__closure__ and not other.__closure__ and fingerprint(one) == fingerprint(other)


def _wrong(extra: Any, where: str) -> str:
    """What is wrong with the last extra, where it looks like a channel or a reducer; else empty."""
    if extra is BinaryOperatorAggregate:
        return f"{where}: BinaryOperatorAggregate needs its reducer: write Annotated[list, operator.add] instead."
    if extra is NamedBarrierValue:
        return f"{where}: NamedBarrierValue needs the names that it waits for: NamedBarrierValue(str, {{'a', 'b'}})."
    if isinstance(extra, type):
        origin = extra.__module__.split(".")[0]
        if origin == "langgraph":
            return f"{where}: {extra.__name__} is LangGraph's. Import it from nbhitl."
        return (
            f"{where}: {extra.__name__} is a class, not a reducer. A reducer is a function of two values, "
            "e.g. Annotated[list, operator.add]."
        )
    if not callable(extra):
        return ""
    if get_origin(extra) is not None:
        return f"{where}: {extra!r:.60} is a type, not a reducer. Write it alone, outside Annotated[...]."
    try:
        signature = inspect.signature(extra)
    except (TypeError, ValueError):  # a built-in without a signature
        return ""
    try:
        signature.bind(None, None)
    except TypeError:
        return (
            f"{where}: the reducer {_name(extra)}{signature} cannot take two values. "
            "It takes the old value and the new one, and returns the merged one."
        )
    return ""


def _is_reducer(extra: Any) -> bool:
    return inspect.isroutine(extra) and not _wrong(extra, "")


def _misplaced(hint: Any, where: str) -> tuple[str, ...]:
    """A reducer inside a union is seen by nobody."""
    if get_origin(hint) in (typing.Union, types.UnionType):
        for part in get_args(hint):
            extras = get_args(part)[1:] if get_origin(part) is Annotated else ()
            if extras and _is_reducer(extras[-1]):
                name = _name(extras[-1])
                wrong = f"{where}: the reducer {name} stands inside a union, so it would not be seen. "
                return (f"{wrong}Put Annotated outside: Annotated[{_shown(hint)}, {name}].",)
    return ()


def _shown(hint: Any) -> str:
    parts = [get_args(part)[0] if get_origin(part) is Annotated else part for part in get_args(hint)]
    return " | ".join("None" if p is type(None) else getattr(p, "__name__", repr(p)) for p in parts)


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", repr(function)))
