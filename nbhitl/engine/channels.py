"""Channels: how the writes of one super-step become a state key's next value. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from nbhitl.engine.errors import InvalidUpdateError
from nbhitl.engine.records import MISSING


@dataclass(frozen=True, slots=True)
class LastValue:
    """Keeps the value that was written last; two writes in one super-step are an error."""


@dataclass(frozen=True, slots=True)
class BinaryOperatorAggregate:
    """Folds writes into the value with ``operator(old, write)``, starting from ``initial`` where there is one."""

    operator: Callable[[Any, Any], Any]
    initial: Callable[[], Any] | None = None
    """Makes the value before the first write; without it the first write is the value."""


Channel: TypeAlias = LastValue | BinaryOperatorAggregate


def initial(channel: Channel) -> Any:
    """The value of a channel that nobody has written, or `MISSING`."""
    if isinstance(channel, BinaryOperatorAggregate) and channel.initial is not None:
        return channel.initial()
    return MISSING


def merge(name: str, channel: Channel, old: Any, writes: Sequence[Any]) -> Any:
    """The channel's next value: ``old`` (or `MISSING`) with one super-step's ``writes`` merged in, in order.

    Raises:
        InvalidUpdateError: more than one write to a channel without a reducer.
    """
    if isinstance(channel, LastValue):
        if len(writes) > 1:
            raise InvalidUpdateError(
                f"state key {name!r} got {len(writes)} values in one step, and keeps only one. "
                f"Give it a reducer, e.g. `{name}: Annotated[list, operator.add]`, or let one node write it."
            )
        return writes[0]
    value = old
    for write in writes:
        value = write if value is MISSING else channel.operator(value, write)
    return value
