"""What a class says by itself: bases, annotations, fields with their constraints, members, validators. Pure.

Knows TypedDicts, dataclasses, Enums, and pydantic's models by their attributes; pydantic is never imported.
"""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from nbhitl.engine.mentions import Mention, hashed, made_from

_MACHINERY: Final = frozenset({"__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__",
    "__annotate__", "__annotate_func__", "__annotations_cache__", "__firstlineno__", "__static_attributes__",
    "__match_args__", "__orig_bases__", "__parameters__", "__signature__", "__slots__", "__abstractmethods__",
    "__class_vars__", "__private_attributes__", "__total__", "__closed__"})  # fmt: skip
"""What Python and its libraries put into a class by themselves, or what is told in another way."""
_PREFIXES: Final = ("__pydantic", "__dataclass", "_abc_")


def class_mention(cls: type) -> Mention:
    """What a class says, and what it mentions."""
    told = Mention(cls)
    told.held = made_from(cls)
    told.said.append(f"class {cls.__qualname__.rpartition('<locals>.')[2]};")
    told.put(cls.__bases__)
    space = vars(sys.modules.get(cls.__module__, types))
    for name, hint in _annotations(cls).items():
        told.said.append(f"{name}:")
        told.hint(hint, space)
    inside = vars(cls)
    for name, field in inside.get("__pydantic_fields__", {}).items():
        told.said.append(f"{name}:")
        told.attributes(field, space)
    _members(told, cls, inside)
    _validators(told, inside.get("__pydantic_decorators__"))
    told.own, told.fluid = hashed("".join(told.said)), False  # what pydantic keeps in dicts is made with the class
    return told


def _annotations(cls: type) -> Mapping[str, Any]:
    try:
        return cls.__annotations__
    except (AttributeError, NameError, TypeError):  # none; or, from Python 3.14 on, a name that is not defined
        return {}


def _members(told: Mention, cls: type, inside: Mapping[str, Any]) -> None:
    names = inside.keys() - _MACHINERY
    if issubclass(cls, Enum):
        told.put({name: member.value for name, member in cls.__members__.items()})
        names = {name for name in names if isinstance(inside[name], (types.FunctionType, property, classmethod))}
    for name in sorted(names):
        if not name.startswith(_PREFIXES):
            told.said.append(f"{name}=")
            told.put(inside[name])


def _validators(told: Mention, decorators: Any) -> None:
    """When pydantic runs a class's validators, and on what; their code stands among the members."""
    for kind in dataclasses.fields(decorators) if decorators is not None else ():
        for name, found in sorted(getattr(decorators, kind.name).items()):
            told.said.append(f"{kind.name} {name}:")
            told.attributes(getattr(found, "info", None), {})
