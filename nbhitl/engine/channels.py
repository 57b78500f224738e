"""Channels: how the writes of one super-step become a state key's next value. Pure.

The classes may stand in a state schema, ``Annotated[str, EphemeralValue]``, as in LangGraph; ``typ`` is the type of
the value. What a channel remembers between two steps is its value, so all of them merge ``(old, writes) -> new``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import add
from typing import Any, TypeAlias, TypeVar, get_origin

from nbhitl.engine.commands import Overwrite
from nbhitl.engine.errors import InvalidUpdateError, SchemaError
from nbhitl.engine.records import MISSING


@dataclass(frozen=True, slots=True)
class LastValue:
    """Keeps the value that was written last; two writes in one super-step are an error."""

    typ: Any = None


@dataclass(frozen=True, slots=True)
class BinaryOperatorAggregate:
    """Folds writes into the value with ``operator(old, write)``, starting from an empty ``typ`` where there is one."""

    typ: Any
    operator: Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Topic:
    """A list of what was written in the last super-step (lists are joined); of all steps with ``accumulate``."""

    typ: Any = None
    accumulate: bool = False


@dataclass(frozen=True, slots=True)
class EphemeralValue:
    """Keeps a value for the one super-step after it was written. With ``guard``, two writes at once are an error."""

    typ: Any = None
    guard: bool = True


@dataclass(frozen=True, slots=True)
class UntrackedValue:
    """As `LastValue`, but never stored: after a restart the key has no value."""

    typ: Any = None
    guard: bool = True


@dataclass(frozen=True, slots=True)
class NamedBarrierValue:
    """Waits for names: the key appears, as None, once each of ``names`` was written to it.

    Which of them have been is no part of the value: checkpoints keep it beside the state (`Checkpoint.arrived`).
    """

    typ: Any
    names: frozenset[str]

    def __init__(self, typ: Any, names: Iterable[str]) -> None:
        found = frozenset([names] if isinstance(names, str) else names)
        if not found or not all(isinstance(name, str) for name in found):
            raise SchemaError(f"NamedBarrierValue waits for names, e.g. {{'a', 'b'}}; it was given {names!r:.60}.")
        object.__setattr__(self, "typ", typ)
        object.__setattr__(self, "names", found)


Channel: TypeAlias = LastValue | BinaryOperatorAggregate | Topic | EphemeralValue | UntrackedValue | NamedBarrierValue
CHANNELS = (LastValue, BinaryOperatorAggregate, Topic, EphemeralValue, UntrackedValue, NamedBarrierValue)

Reducer = TypeVar("Reducer", bound=Callable[..., Any])
_JOINING: set[Callable[..., Any]] = {add}
_CONCRETE = {"Sequence": list, "MutableSequence": list, "Mapping": dict, "MutableMapping": dict, "Set": set}


def joining(reducer: Reducer) -> Reducer:
    """Mark a reducer of lists that hands on the very elements: it adds some, or puts others in their place."""
    _JOINING.add(reducer)
    return reducer


def joins(channel: Channel) -> bool:
    """Whether a channel's elements stay the same objects: that a list of it grew shows without a look at each."""
    if not isinstance(channel, BinaryOperatorAggregate):
        return isinstance(channel, Topic)
    try:
        return channel.operator in _JOINING
    except TypeError:  # an object that is called, and cannot be hashed
        return False


def initial(channel: Channel) -> Any:
    """The value of a channel that nobody has written, or `MISSING`."""
    if not isinstance(channel, BinaryOperatorAggregate):
        return MISSING
    made = get_origin(channel.typ) or channel.typ
    if not isinstance(made, type):
        return MISSING
    try:
        return made()
    except Exception:  # noqa: BLE001 - an abstract class, or one that needs arguments: the first write is the value
        concrete = _CONCRETE.get(made.__name__)
        return MISSING if concrete is None else concrete()


def fleeting(channel: Channel) -> bool:
    """Whether a value is gone after a super-step in which nobody writes it."""
    return isinstance(channel, EphemeralValue) or (isinstance(channel, Topic) and not channel.accumulate)


def merge(name: str, channel: Channel, old: Any, writes: Sequence[Any]) -> Any:
    """The channel's next value: ``old`` (or `MISSING`) with one super-step's ``writes`` merged in, in order.

    Of a barrier, ``old`` and the result are the names that have been written, as a frozenset.

    Raises:
        InvalidUpdateError: more than one write to a channel without a reducer, more than one `Overwrite`, or a name
            that a barrier does not wait for.
    """
    if type(channel) is LastValue and len(writes) == 1:
        last = writes[0]
        return last.value if type(last) is Overwrite else last
    if isinstance(channel, BinaryOperatorAggregate):
        return _fold(name, channel.operator, old, writes)
    if isinstance(channel, Topic):
        found = list(old) if channel.accumulate and old is not MISSING else []
        for write in writes:
            found += write if isinstance(write, list) else [write]
        return found
    if isinstance(channel, NamedBarrierValue):
        return _arrived(name, channel, frozenset() if old is MISSING else old, writes)
    if len(writes) > 1 and not (isinstance(channel, EphemeralValue | UntrackedValue) and not channel.guard):
        raise InvalidUpdateError(
            f"state key {name!r} got {len(writes)} values in one step, and keeps only one. "
            f"Give it a reducer, e.g. `{name}: Annotated[list, operator.add]`, or let one node write it."
        )
    last = writes[-1]
    return last.value if type(last) is Overwrite else last


def _arrived(name: str, channel: NamedBarrierValue, old: frozenset[str], writes: Sequence[Any]) -> frozenset[str]:
    for write in writes:
        if write not in channel.names:
            waits = ", ".join(sorted(map(repr, channel.names)))
            raise InvalidUpdateError(f"state key {name!r} waits for {waits}; it got {write!r:.60}.")
    return old.union(writes)


def _fold(name: str, operator: Callable[[Any, Any], Any], old: Any, writes: Sequence[Any]) -> Any:
    if operator is add and type(old) is list and len(writes) > 1 and all(type(write) is list for write in writes):
        joined = list(old)  # as old + write + write + ..., without a copy for each
        for write in writes:
            joined += write
        return joined
    value, overwritten = old, False
    for write in writes:
        replacement = _replacement(write)
        if replacement is not MISSING:
            if overwritten:
                raise InvalidUpdateError(f"state key {name!r} got several Overwrite values in one step; it takes one.")
            value, overwritten = replacement, True
        elif not overwritten:
            value = write if value is MISSING else operator(value, write)
    return value


def _replacement(write: Any) -> Any:
    """The value of an `Overwrite`, also of its plain form ``{"__overwrite__": value}``; else `MISSING`."""
    if type(write) is Overwrite:
        return write.value
    return write["__overwrite__"] if type(write) is dict and write.keys() == {"__overwrite__"} else MISSING
