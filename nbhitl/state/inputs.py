"""How a function's input is made from the state, and what a returned value writes into it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from nbhitl.engine.description import ROOT, WHOLE, Shape
from nbhitl.engine.errors import SchemaError
from nbhitl.state.schemas import Schema, hints_of, is_keyed, is_model

Update: TypeAlias = tuple[tuple[str, Any], ...]


def shape(schema: Schema, channels: frozenset[str], who: str) -> Shape:
    """How the input of a function that takes ``schema`` is made. ``who`` takes it, e.g. ``node 'draft'``."""
    build = _builder(schema, who)
    keys = None if schema.channels.keys() == channels else schema.keys
    if keys is None and build is None and not schema.managed:
        return WHOLE
    return Shape(keys, build, schema.managed)


class Shapes:
    """The shapes of one graph's functions; one for all that take the same plain dict."""

    def __init__(self, channels: Iterable[str]) -> None:
        self.channels = frozenset(channels)
        self._known: dict[int, Shape] = {}

    def of(self, schema: Schema, who: str) -> Shape:
        """As `shape`."""
        known = self._known.get(id(schema))
        if known is None:
            known = shape(schema, self.channels, who)
            if known.build is None:
                self._known[id(schema)] = known
        return known


def _builder(schema: Schema, who: str) -> Callable[[dict[str, Any]], Any] | None:
    made = schema.source
    if ROOT in schema.channels:
        return _bare
    if is_model(made):
        return _validator(made, who)
    if dataclasses.is_dataclass(made):
        return _constructor(made, who)
    return None


def _bare(values: dict[str, Any]) -> Any:
    return values.get(ROOT)


def _validator(model: Any, who: str) -> Callable[[dict[str, Any]], Any]:
    """Builds a pydantic model. Its ValidationError passes, with a note."""
    validate = model.model_validate
    # The keys of the state are the names of the fields; LangGraph loses the values of those with an alias.
    named = {"by_name": True, "by_alias": True} if any(f.validation_alias for f in model.model_fields.values()) else {}

    def build(values: dict[str, Any]) -> Any:
        try:
            return validate(values, **named)
        except Exception as error:
            error.add_note(f"while the state was made into the {model.__name__} that {who} takes")
            raise

    return build


def _constructor(made: Any, who: str) -> Callable[[dict[str, Any]], Any]:
    """Builds a dataclass from the keys that have a value."""
    fields = [field for field in dataclasses.fields(made) if field.init]
    unset = dataclasses.MISSING
    needed = [f.name for f in fields if f.default is unset and f.default_factory is unset]
    left_out = {field.name for field in dataclasses.fields(made) if not field.init}

    def build(values: dict[str, Any]) -> Any:
        missing = [name for name in needed if name not in values]
        if missing:
            raise SchemaError(
                f"{who} takes {made.__name__}, and the state has no value yet for its field "
                f"{' and '.join(map(repr, missing))}. Give the field a default, or the state a value before that."
            )
        for name in left_out:
            values.pop(name, None)
        try:
            return made(**values)
        except Exception as error:
            error.add_note(f"while the state was made into the {made.__name__} that {who} takes")
            raise

    return build


def unpacker(channels: Iterable[str]) -> Callable[[Any], Update | None]:
    """``unpack`` for a graph with these channels: a value's updates by key, or None when it is no update.

    An instance of a class with annotated keys counts when one of these is a channel; its other keys are its own. A
    pydantic model writes the fields that were set, and those whose value is not None or whose default is not: as
    LangGraph has it.
    """
    known = frozenset(channels)
    keys: dict[type, tuple[tuple[str, bool], ...]] = {}

    def unpack(value: Any) -> Update | None:
        if isinstance(value, Mapping):
            return tuple(value.items())
        kind = type(value)
        if kind not in keys:
            keys[kind] = tuple(pair for pair in _written(kind) if pair[0] in known)
        fields = keys[kind]
        if not fields:
            return None
        if is_model(kind):
            have, chosen = vars(value), value.model_fields_set
            found = ((name, optional, have[name]) for name, optional in fields if name in have)
            return tuple((n, one) for n, optional, one in found if one is not None or not optional or n in chosen)
        pairs = ((name, getattr(value, name, unpack)) for name, _ in fields)
        return tuple(pair for pair in pairs if pair[1] is not unpack)

    return _bare_update if ROOT in known else unpack


def _bare_update(value: Any) -> Update:
    return ((ROOT, value),)


def _written(kind: type) -> Iterator[tuple[str, bool]]:
    """The keys of an instance, and whether a None there means that nobody set it."""
    if not is_keyed(kind):
        return
    if is_model(kind):
        yield from ((name, field.default is None) for name, field in kind.model_fields.items())  # type: ignore[attr-defined]
        return
    try:
        yield from ((name, False) for name in hints_of(kind))
    except SchemaError:  # a foreign class whose annotations cannot be read
        return
