"""Live classes by qualified name: enums, dataclasses, named tuples, pydantic models. Imports nothing.

A class is found only when the running program registered it. The stored fingerprint of its fields decides how
an object is rebuilt: the same fingerprint puts the fields back exactly as they were; another one goes through
the class itself (its constructor or validation), and what that refuses stays an `Opaque`.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import zlib
from collections import deque
from enum import Enum, Flag
from functools import cached_property
from typing import Any, Final

from nbhitl.checkpoint.kinds import Kind, Refusal, Unfit

_CARRIERS: Final = (
    dict,
    list,
    set,
    frozenset,
    tuple,
    str,
    bytes,
    bytearray,
    int,
    float,
    complex,
    deque,
    BaseException,
)
"""Base classes that carry data of their own, which a list of fields would lose."""


def class_name(cls: type) -> str:
    """The qualified name under which a class is stored, e.g. ``__main__.Review``."""
    return f"{cls.__module__}.{cls.__qualname__}"


def is_pydantic(cls: type) -> bool:
    """Whether ``cls`` is a pydantic model; does not import pydantic."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and issubclass(cls, pydantic.BaseModel)


def is_namedtuple(cls: type) -> bool:
    """Whether ``cls`` was made by `typing.NamedTuple` or `collections.namedtuple`."""
    return issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)


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
        self._known: dict[str, type] = {}
        self._prints: dict[type, int] = {}

    def register(self, cls: type) -> None:
        """Raises TypeError for what is no enum, dataclass, named tuple or pydantic model."""
        given: Any = cls  # notebooks do not check types
        if not isinstance(given, type) or kind_of(given) is None:
            raise TypeError(f"{given!r} is no enum, dataclass, named tuple or pydantic model: nothing to register")
        self._known[class_name(cls)] = cls

    def parts(self, kind: Kind, value: Any) -> Any:
        """Take a value apart. Raises `Refusal` when its fields are not all there is to it."""
        cls = type(value)
        name = class_name(cls)
        match kind:
            case Kind.ENUM:
                plain = value.value if type(value.value) in (int, str, float, bool) else None
                return [name, value.name, plain]
            case Kind.NAMEDTUPLE:
                if getattr(value, "__dict__", None):
                    raise Refusal(f"is a {name} with attributes besides its fields: make it a dataclass")
                return [name, list(value._fields), list(value)]
            case Kind.PYDANTIC:
                fields = _own_fields(value, cls, set(cls.model_fields))
                private = dict(value.__pydantic_private__ or {})
                extra = value.__pydantic_extra__
                return [
                    name,
                    self._print(cls),
                    fields,
                    sorted(value.__pydantic_fields_set__),
                    extra,
                    private or None,
                ]
            case _:
                names = [f.name for f in dataclasses.fields(cls)]
                return [name, self._print(cls), _dataclass_fields(value, cls, names)]

    def make(self, kind: Kind, parts: Any) -> Any:
        """Rebuild a value. Raises `Unfit` when its class is not registered or its fields do not fit."""
        cls = self._known.get(parts[0])
        if cls is None or kind_of(cls) is not kind:
            raise Unfit
        try:
            match kind:
                case Kind.ENUM:
                    return _make_enum(cls, *parts[1:])
                case Kind.NAMEDTUPLE:
                    return _make_namedtuple(cls, *parts[1:])
                case Kind.PYDANTIC:
                    return self._make_model(cls, *parts[1:])
                case _:
                    return self._make_dataclass(cls, *parts[1:])
        except Exception as error:  # the class's own constructor or validation said no
            raise Unfit from error

    def _make_dataclass(self, cls: type, print_: int, fields: dict[str, Any]) -> Any:
        if print_ != self._print(cls):
            return cls(**fields)
        value: Any = object.__new__(cls)
        for name, item in fields.items():
            object.__setattr__(value, name, item)
        return value

    def _make_model(
        self, cls: Any, print_: int, fields: dict[str, Any], given: list[str], extra: Any, private: Any
    ) -> Any:
        if print_ != self._print(cls):
            if not set(fields) <= set(cls.model_fields):
                raise Unfit  # a removed field would be dropped in silence
            return cls.model_validate({**fields, **(extra or {})}, by_name=True)
        value: Any = cls.__new__(cls)
        object.__setattr__(value, "__dict__", fields)
        object.__setattr__(value, "__pydantic_fields_set__", set(given))
        object.__setattr__(value, "__pydantic_extra__", extra)
        if private is None and cls.__private_attributes__:
            private = {}
        object.__setattr__(value, "__pydantic_private__", private)
        return value

    def _print(self, cls: Any) -> int:
        """A checksum of the names and types of a class's fields, the same in every process."""
        known = self._prints.get(cls)
        if known is None:
            if is_pydantic(cls):
                text = repr([(n, f.annotation, f.metadata) for n, f in cls.model_fields.items()])
            else:
                text = repr([(f.name, f.type) for f in dataclasses.fields(cls)])
            stable = re.sub(r" at 0x[0-9a-fA-F]+", "", text)
            known = self._prints[cls] = zlib.crc32(stable.encode("utf-8", "surrogatepass"))
        return known


def _own_fields(value: Any, cls: type, names: set[str]) -> dict[str, Any]:
    """The instance's ``__dict__``; refuses attributes that are no fields (cached properties are left out)."""
    if isinstance(value, _CARRIERS):
        raise Refusal(f"is a {class_name(cls)}, which is both a model and a builtin type: use one of the two")
    fields = {}
    for name, item in getattr(value, "__dict__", {}).items():
        if name in names:
            fields[name] = item
        elif not isinstance(getattr(cls, name, None), cached_property):
            raise Refusal(f"is a {class_name(cls)} with an attribute {name!r} that is no field: declare it as one")
    return fields


def _dataclass_fields(value: Any, cls: type, names: list[str]) -> dict[str, Any]:
    own = _own_fields(value, cls, set(names))
    slots = [s for base in cls.__mro__ for s in _slots(base)]
    for slot in slots:
        if slot not in names and hasattr(value, slot):
            raise Refusal(f"is a {class_name(cls)} with a slot {slot!r} that is no field: declare it as one")
    missing = [n for n in names if n not in own and not hasattr(value, n)]
    if missing:
        raise Refusal(f"is a {class_name(cls)} whose field {missing[0]!r} was never set: give it a value")
    # What is in neither place is a default that the instance never got (init=False): it stays the class's.
    return {n: own[n] if n in own else getattr(value, n) for n in names if n in own or n in slots}


def _slots(base: type) -> list[str]:
    slots = base.__dict__.get("__slots__", ())
    return [s for s in ([slots] if isinstance(slots, str) else slots) if s not in ("__dict__", "__weakref__")]


def _make_enum(cls: Any, name: Any, value: Any) -> Any:
    if isinstance(name, str) and name in cls.__members__:
        return cls.__members__[name]
    if issubclass(cls, Flag) and type(value) is int:
        return cls(value)
    raise Unfit


def _make_namedtuple(cls: Any, names: list[str], values: list[Any]) -> Any:
    if len(names) != len(values):
        raise Unfit
    if tuple(names) == cls._fields:
        return tuple.__new__(cls, values)
    return cls(**dict(zip(names, values, strict=True)))
