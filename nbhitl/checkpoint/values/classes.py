"""Live classes by qualified name: enums, dataclasses, named tuples, pydantic models.

A class is found only when the running program registered it, LangChain's messages aside (`chat_messages`). The stored
fingerprint of its fields decides how an object is rebuilt (`rebuilding`): the same one puts the fields back exactly as
they were.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from nbhitl.checkpoint.values import kinds, rebuilding
from nbhitl.checkpoint.values.chat_messages import MODULE as CHAT_MESSAGES
from nbhitl.checkpoint.values.chat_messages import is_chat_message, message_class
from nbhitl.checkpoint.values.fields import class_name, field_types, fingerprint, is_namedtuple, is_pydantic
from nbhitl.checkpoint.values.kinds import Kind, Refusal, Unfit
from nbhitl.checkpoint.values.rebuilding import Migrate, Stored

if TYPE_CHECKING:
    from collections.abc import Callable

_CARRIERS: Final = (dict, list, str, bytes, int, float, deque, BaseException, *kinds.PARTS)
"""Base classes that carry data of their own, which a list of fields would lose."""
_HEAP: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE
"""The flag of a class that was made by a ``class`` statement."""
_MODEL_SLOTS: Final = frozenset({"__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"})
_NOUNS: Final = {
    Kind.ENUM: "an enum",
    Kind.NAMEDTUPLE: "a named tuple",
    Kind.PYDANTIC: "a pydantic model",
    Kind.DATACLASS: "a dataclass",
}

FindTypes: TypeAlias = "Callable[[str, int | None], dict[str, str]]"
"""The types of the fields that a class (by name and fingerprint) had when it was stored; empty when not known."""


def kind_of(cls: type) -> Kind | None:
    """How values of a class are stored, None when they cannot be."""
    if issubclass(cls, Enum):
        return Kind.ENUM
    if is_namedtuple(cls):
        return Kind.NAMEDTUPLE
    if is_pydantic(cls):
        return Kind.PYDANTIC
    return Kind.DATACLASS if dataclasses.is_dataclass(cls) else None


class Classes:
    """A registry of live classes: qualified name to class; a later class replaces an earlier one."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[type, Migrate | None]] = {}
        self._schemas: dict[type, _Schema] = {}

    def register(self, *classes: type, migrate: Migrate | None = None, was: str | None = None) -> None:
        """See `Codec.register`. Raises TypeError for what cannot be registered."""
        if (migrate is not None or was is not None) and len(classes) != 1:
            raise TypeError(
                f"migrate= and was= go with exactly one class, {len(classes)} were given: call once for each"
            )
        for cls in classes:
            given: Any = cls  # notebooks do not check types
            if not isinstance(given, type) or kind_of(given) is None:
                raise TypeError(f"{given!r} is no enum, dataclass, named tuple or pydantic model: nothing to register")
        for cls in classes:
            name = class_name(cls)
            # Compiling a graph registers its classes again, which is no wish to forget how they are migrated.
            kept = migrate or self._known.get(name, (cls, None))[1]
            self._known[name] = cls, kept
            if was is not None:
                self._known[was] = cls, migrate

    def parts(self, kind: Kind, value: Any, told: set[type]) -> list[Any]:
        """Take a value apart. Raises `Refusal` when its fields are not all there is to it.

        The types of a class's fields, as text, come along unless the class is in ``told``, to which it is added.
        """
        cls = type(value)
        name = class_name(cls)
        if kind is Kind.ENUM:
            plain = value.value if type(value.value) in (int, str, float, bool) else None
            return [name, value.name, plain]
        schema = self._schema(cls)
        types = None if cls in told else schema.types
        told.add(cls)
        if schema.carries:
            raise Refusal(f"is a {name}, which is both a model and a builtin type: use one of the two")
        match kind:
            case Kind.NAMEDTUPLE:
                if getattr(value, "__dict__", None):
                    raise Refusal(f"is a {name} with attributes besides its fields: make it a dataclass")
                if len(value) != len(value._fields):
                    raise Refusal(f"is a {name} of {len(value)} items with {len(value._fields)} names: tuple(...) it")
                return [name, list(value._fields), list(value), schema.print, types]
            case Kind.PYDANTIC:
                fields = _own_fields(value, cls, schema)
                given = sorted(value.__pydantic_fields_set__)
                private = dict(value.__pydantic_private__ or {})
                return [name, schema.print, fields, given, value.__pydantic_extra__, private or None, types]
            case _:
                return [name, schema.print, _dataclass_fields(value, cls, schema), types]

    def make(self, kind: Kind, parts: Any, find: FindTypes) -> Any:
        """Rebuild a value. Raises `Unfit` when its class is not registered or its fields do not fit."""
        known = self._known.get(parts[0]) or self._message(parts[0])
        if known is None:
            raise _unknown(_stored(kind, parts).name)
        cls, migrate = known
        schema = self._schema(cls)
        at = 3 if kind is Kind.NAMEDTUPLE else 1  # where the fingerprint stands
        if kind is schema.kind and len(parts) > at and parts[at] == schema.print:
            return rebuilding.unchanged(kind, cls, parts, schema.types)
        stored = _stored(kind, parts)
        if kind is schema.kind is Kind.ENUM:
            return rebuilding.enum(cls, stored, migrate)
        if schema.kind is not kind and migrate is None:
            raise rebuilding.changed(cls, f"it was {_NOUNS[kind]} and is {_NOUNS[schema.kind]} now")
        return rebuilding.changed_class(schema.kind, cls, stored, find(stored.name, stored.print), migrate)

    def _message(self, name: str) -> tuple[type, None] | None:
        """LangChain's class of this name, known from now on."""
        cls = message_class(name)
        if cls is None:
            return None
        self._known[name] = found = cls, None
        return found

    def _schema(self, cls: type) -> _Schema:
        known = self._schemas.get(cls)
        if known is None:
            known = self._schemas[cls] = _Schema(cls)
        return known


class _Schema:
    """What is looked up once of a class."""

    __slots__ = ("carries", "kind", "print", "slots", "types")

    def __init__(self, cls: type) -> None:
        self.kind = kind_of(cls) or Kind.DATACLASS
        is_enum = self.kind is Kind.ENUM
        self.print = -1 if is_enum else fingerprint(cls)  # no member's name or value is found in its place
        self.types = {} if is_enum else field_types(cls)
        found = [s for base in cls.__mro__ for s in _slots(base)]
        self.slots = [s for s in found if s not in _MODEL_SLOTS] if is_pydantic(cls) else found
        # Whether a base class carries data of its own.
        bases = cls.__mro__[:-1]
        self.carries = not is_namedtuple(cls) and (
            issubclass(cls, _CARRIERS) or not all(base.__flags__ & _HEAP for base in bases)
        )


def _unknown(name: str) -> Unfit:
    if is_chat_message(name):
        cure = f"import {CHAT_MESSAGES}"
    else:
        cure = f"define it again, or call saver.register({name.rpartition('.')[2]})"
    return Unfit(f"is a value of the class {name}, which this program does not know: {cure}", name)


def types_of(kind: Kind, parts: Any) -> tuple[str, int | None, dict[str, str] | None]:
    """The class's name, its fingerprint and the types of its fields, as far as these parts tell them."""
    stored = _stored(kind, parts)
    return stored.name, stored.print, stored.types


def _stored(kind: Kind, parts: Any) -> Stored:
    match kind, parts:
        case Kind.ENUM, [str(name), member, value]:
            return Stored(name, None, {"name": member, "value": value})
        case Kind.NAMEDTUPLE, [str(name), list(names), list(values), *rest]:
            print_, types = rest or (None, None)
            return Stored(name, print_, dict(zip(_texts(names), values, strict=True)), _types(types))
        case Kind.PYDANTIC, [str(name), int(print_), dict(fields), list(given), extra, private, *rest]:
            (types,) = rest or (None,)
            fields, extra, private = _named(fields), _named(extra), _named(private)
            return Stored(name, print_, fields, _types(types), tuple(_texts(given)), extra or None, private)
        case Kind.DATACLASS, [str(name), int(print_), dict(fields), *rest]:
            (types,) = rest or (None,)
            return Stored(name, print_, _named(fields), _types(types))
    raise ValueError(f"odd parts of a {kind.name.lower()}")


def _texts(names: list[Any]) -> list[str]:
    if any(type(n) is not str for n in names):
        raise ValueError("a name that is no text")
    return names


def _named(fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = {} if fields is None else fields
    _texts(list(found))
    return found


def _types(types: Any) -> dict[str, str] | None:
    if types is not None:
        _texts([*types, *types.values()])
    return types or None


def _own_fields(value: Any, cls: type, schema: _Schema) -> dict[str, Any]:
    """The instance's ``__dict__``; refuses attributes that are no fields (cached properties are left out)."""
    fields = {}
    for name, item in getattr(value, "__dict__", {}).items():
        if name in schema.types:
            fields[name] = item
        elif name == "__orig_class__":
            short = cls.__qualname__
            raise Refusal(f"is a {class_name(cls)} that was made with type arguments: make it as {short}(...)")
        elif not isinstance(getattr(cls, name, None), cached_property):
            raise Refusal(f"is a {class_name(cls)} with an attribute {name!r} that is no field: declare it as one")
    for slot in schema.slots:
        if slot not in schema.types and hasattr(value, slot):
            raise Refusal(f"is a {class_name(cls)} with a slot {slot!r} that is no field: declare it as one")
    return fields


def _dataclass_fields(value: Any, cls: type, schema: _Schema) -> dict[str, Any]:
    own = _own_fields(value, cls, schema)
    names = schema.types
    missing = [n for n in names if n not in own and not hasattr(value, n)]
    if missing:
        raise Refusal(f"is a {class_name(cls)} whose field {missing[0]!r} was never set: give it a value")
    # What is in neither place is a default that the instance never got (init=False): it stays the class's.
    return {n: own[n] if n in own else getattr(value, n) for n in names if n in own or n in schema.slots}


def _slots(base: type) -> list[str]:
    slots = base.__dict__.get("__slots__", ())
    return [s for s in ([slots] if isinstance(slots, str) else slots) if s not in ("__dict__", "__weakref__")]
