"""State schemas: which channels a class describes.

A schema is a TypedDict, a dataclass, a pydantic model, or another class with annotated keys; any other type is a state
of one value, the channel `ROOT`. pydantic is known by its models' attributes, never imported.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, TypeAlias, get_args, get_origin

from nbhitl.engine.channels import Channel
from nbhitl.engine.description import ROOT, Managed
from nbhitl.engine.errors import SchemaError
from nbhitl.engine.records import END, START
from nbhitl.state.hints import ManagedValue, channel_of, unqualified

RemainingSteps: TypeAlias = Annotated[int, ManagedValue("remaining_steps")]
"""A state key of this type tells a node how many super-steps are left before the recursion limit."""
IsLastStep: TypeAlias = Annotated[bool, ManagedValue("is_last_step")]
"""A state key of this type is True in the last super-step before the recursion limit."""

RESERVED = frozenset({ROOT, START, END, "__interrupt__"})
_HEAP_TYPE = 1 << 9  # made by a class statement, not in C


@dataclass(frozen=True, slots=True)
class Schema:
    """What a schema says."""

    source: Any
    channels: Mapping[str, Channel]
    managed: Mapping[str, Managed]
    types: tuple[type, ...] = ()
    """Classes that its values may have."""
    mistakes: tuple[str, ...] = ()
    """What is wrong with single keys."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys that are channels."""
        return tuple(self.channels)


def read(schema: Any, role: str = "the state schema") -> Schema:
    """What ``schema`` says; ``role`` says in messages what it was given for.

    Raises:
        SchemaError: it is no type, has no keys, or uses a name that is not defined.
    """
    _check(schema, role)
    if not is_keyed(schema):
        channel, wrong = channel_of(schema, f"{role} {name_of_schema(schema)}")
        if isinstance(channel, ManagedValue):
            raise SchemaError(f"{role} is a managed value; those are keys of a state.")
        return Schema(schema, {ROOT: channel}, {}, tuple(dict.fromkeys(classes_in(schema))), wrong)
    channels: dict[str, Channel] = {}
    managed: dict[str, Managed] = {}
    mistakes: list[str] = []
    hints = hints_of(schema, role)
    if not hints and not is_typed_dict(schema):
        _say_empty(schema, role)
    for key, hint in hints.items():
        found, wrong = channel_of(hint, f"{name_of_schema(schema)}.{key}")
        mistakes += wrong
        if key in RESERVED:
            mistakes.append(f"{name_of_schema(schema)}.{key}: that name belongs to the graph itself; take another.")
        if isinstance(found, ManagedValue):
            managed[key] = found.what
        else:
            channels[key] = found
    named = dict.fromkeys([*classes_in(schema), *(c for hint in hints.values() for c in classes_in(hint))])
    return Schema(schema, channels, managed, tuple(named), tuple(mistakes))


def is_typed_dict(schema: Any) -> bool:
    """Whether a class is a TypedDict, that of typing_extensions included."""
    return isinstance(schema, type) and issubclass(schema, dict) and hasattr(schema, "__required_keys__")


def is_model(schema: Any) -> bool:
    """Whether a class is a pydantic model; loads nothing."""
    return isinstance(schema, type) and hasattr(schema, "__pydantic_validator__") and hasattr(schema, "model_fields")


def is_keyed(schema: Any) -> bool:
    """Whether a schema is a class whose keys are channels; other types are a state of one value."""
    return isinstance(schema, type) and (is_typed_dict(schema) or any(_annotated(c) for c in schema.__mro__))


def required(schema: Any) -> frozenset[str]:
    """Keys without which an instance cannot be made."""
    if is_model(schema):
        return frozenset(name for name, field in schema.model_fields.items() if field.is_required())
    if dataclasses.is_dataclass(schema):
        unset = dataclasses.MISSING
        fields = (f for f in dataclasses.fields(schema) if f.init)
        return frozenset(f.name for f in fields if f.default is unset and f.default_factory is unset)
    return frozenset(getattr(schema, "__required_keys__", ()))


def hints_of(schema: type, role: str = "the schema") -> dict[str, Any]:
    """Key to annotation, extras included, those of base classes first.

    Raises:
        SchemaError: an annotation uses a name that is not defined.
    """
    try:
        hints = typing.get_type_hints(schema, include_extras=True)
    except (NameError, TypeError) as error:
        raise SchemaError(
            f"{role} {schema.__name__} uses a name that is not defined: {error}. Define or import it at the top of the "
            "module or cell, before the class."
        ) from error
    fields: Iterable[str] | None = None
    if is_model(schema):
        fields = schema.model_fields  # type: ignore[attr-defined]
    elif dataclasses.is_dataclass(schema):
        fields = [field.name for field in dataclasses.fields(schema)]
    if fields is not None:
        return {name: hints[name] for name in fields if name in hints}
    return {name: hint for name, hint in hints.items() if get_origin(hint) is not typing.ClassVar}


def _check(schema: Any, role: str) -> None:
    """Raises SchemaError for what is no type, and for a class that says nothing."""
    if isinstance(schema, str):
        raise SchemaError(f"{role} is the text {schema!r}, not a class. Leave out the quotes.")
    if schema is Any or isinstance(schema, types.GenericAlias):
        return
    if isinstance(schema, type):
        if not is_keyed(schema) and schema.__flags__ & _HEAP_TYPE:
            _say_empty(schema, role)
    elif get_origin(schema) is None and type(schema).__module__ not in ("typing", "typing_extensions"):
        made = type(schema)
        if is_keyed(made) and not inspect.isroutine(schema):
            raise SchemaError(f"{role} is an instance of {made.__name__}. Give the class: {made.__name__}.")
        raise SchemaError(
            f"{role} {schema!r:.60} is no class. Write `class State(TypedDict): ...`, or give a dataclass, a pydantic "
            "model, or a type such as list."
        )


def _say_empty(schema: type, role: str) -> None:
    name = schema.__name__
    raise SchemaError(
        f"{role} {name} has no annotated keys. Write `class {name}(TypedDict): key: int`, "
        f"or Annotated[{name}, reducer] for a state that is one such value."
    )


def _annotated(cls: type) -> bool:
    try:
        return bool(getattr(cls, "__annotations__", None))
    except NameError:  # Python 3.14 looks names up now
        return True


def classes_named(function: Any, seen: set[int] | None = None) -> Iterator[type]:
    """Classes whose values a body may return although no hint says so: those that it names, and its own helpers do.

    Only functions of the body's own module are followed.
    """
    seen = set() if seen is None else seen
    function = inspect.unwrap(getattr(function, "func", function))
    if not isinstance(function, types.FunctionType) or id(function) in seen:
        return
    seen.add(id(function))
    space, codes = function.__globals__, [function.__code__]
    found = [cell.cell_contents for cell in function.__closure__ or () if cell != types.CellType()]
    while codes:
        code = codes.pop()
        codes += [const for const in code.co_consts if isinstance(const, types.CodeType)]
        found += [space[name] for name in code.co_names if name in space]
    for value in found:
        if isinstance(value, type):
            try:
                classes = list(classes_in(value))
            except Exception:  # noqa: BLE001, S112 - a class that cannot be looked at; it may never be returned
                continue
            yield from classes
        elif isinstance(value, types.FunctionType) and value.__module__ == function.__module__:
            yield from classes_named(value, seen)


def classes_in(hint: Any, seen: frozenset[type] = frozenset()) -> Iterator[type]:
    """Classes in a hint, at any depth, whose values are stored field by field."""
    hint = unqualified(hint)
    if isinstance(hint, type) and get_origin(hint) is None and hint not in seen:
        by_fields = dataclasses.is_dataclass(hint) or is_model(hint) or hasattr(hint, "_fields")
        if by_fields or issubclass(hint, Enum):
            yield hint
        if by_fields:
            try:
                inner = hints_of(hint)
            except SchemaError:  # what cannot be read is found when it is stored
                return
            for part in inner.values():
                yield from classes_in(part, seen | {hint})
    for part in get_args(hint):
        yield from classes_in(part, seen)


def name_of_schema(schema: Any) -> str:
    """How messages call a schema."""
    return schema.__name__ if isinstance(schema, type) and not isinstance(schema, types.GenericAlias) else repr(schema)
