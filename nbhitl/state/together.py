"""The schemas of one graph: that of its state, and those that its nodes and routers add to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbhitl.engine.channels import BinaryOperatorAggregate, Channel, LastValue
from nbhitl.engine.errors import SchemaError
from nbhitl.state.hints import same
from nbhitl.state.schemas import Schema, is_keyed, name_of_schema, read


class Schemas:
    """Reads each schema once."""

    def __init__(self) -> None:
        self._known: dict[int, Schema] = {}

    def add(self, schema: Any, role: str) -> Schema:
        """What ``schema`` says. Raises `SchemaError`."""
        known = self._known.get(id(schema))
        if known is None:
            known = self._known[id(schema)] = read(schema, role)
        return known

    def annotated(self, hint: Any) -> Schema | None:
        """The schema that a parameter is annotated with, or None: for a type without keys, and one that is unreadable.

        The latter is a class of some library, not meant as a schema.
        """
        if not is_keyed(hint):
            return None
        try:
            return self.add(hint, "the annotation")
        except SchemaError:
            return None

    def merged(self) -> tuple[dict[str, Channel], list[str]]:
        """All channels, and what is wrong with the schemas."""
        channels, mistakes = merged(self._known.values())
        return channels, [m for schema in self._known.values() for m in schema.mistakes] + mistakes

    def types(self) -> tuple[type, ...]:
        """Classes that the values of the state may have."""
        return tuple(dict.fromkeys(kind for schema in self._known.values() for kind in schema.types))


def merged(schemas: Iterable[Schema]) -> tuple[dict[str, Channel], list[str]]:
    """The channels of all schemas of a graph, and what contradicts itself: a reducer wins over a plain key.

    Which schema comes first does not matter for the result.
    """
    channels: dict[str, Channel] = {}
    managed: dict[str, Schema] = {}
    giver: dict[str, Schema] = {}
    mistakes: dict[str, None] = {}
    for schema in schemas:
        managed.update(dict.fromkeys(schema.managed, schema))
        for key, channel in schema.channels.items():
            old = channels.get(key)
            if old is None or (isinstance(old, LastValue) and not isinstance(channel, LastValue)):
                channels[key], giver[key] = channel, schema
            elif not isinstance(channel, LastValue) and not same(old, channel):
                one, other = name_of_schema(giver[key].source), name_of_schema(schema.source)
                mistakes[
                    f"state key {key!r}: {one} says {_says(old)}, {other} says {_says(channel)}. "
                    "A key is merged in one way: give both the same reducer, or leave it out of one."
                ] = None
    for key in sorted(channels.keys() & managed.keys()):
        mistakes[
            f"state key {key!r}: in {name_of_schema(managed[key].source)} the run fills it in, "
            f"in {name_of_schema(giver[key].source)} it is an ordinary key. Rename one of them."
        ] = None
    return channels, list(mistakes)


def _says(channel: Channel) -> str:
    if isinstance(channel, BinaryOperatorAggregate):
        return f"reducer {getattr(channel.operator, '__name__', repr(channel.operator))}"
    return type(channel).__name__
