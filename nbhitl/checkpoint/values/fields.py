"""What is remembered of a class's fields, so that a class that was changed is noticed and the change can be told."""

from __future__ import annotations

import dataclasses
import re
import sys
import typing
import zlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST: Final = 200
"""Characters of an annotation that are stored."""
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")


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


def field_types(cls: Any) -> dict[str, str]:
    """The fields of a dataclass, named tuple or pydantic model, with their annotations as text."""
    if is_pydantic(cls):
        return {n: _type_text(f.annotation) for n, f in cls.model_fields.items()}
    if is_namedtuple(cls):
        annotations = _annotations(cls)
        return {n: _type_text(annotations[n]) if n in annotations else "" for n in cls._fields}
    return {f.name: _type_text(f.type) for f in dataclasses.fields(cls)}


def fingerprint(cls: Any) -> int:
    """A checksum of the names and types of a class's fields, the same in every process."""
    if is_pydantic(cls):
        text = repr([(n, f.annotation, f.metadata) for n, f in cls.model_fields.items()])
    elif is_namedtuple(cls):
        text = repr(field_types(cls))
    else:
        text = repr([(f.name, f.type) for f in dataclasses.fields(cls)])
    return zlib.crc32(_ADDRESS.sub("", text).encode("utf-8", "surrogatepass"))


def difference(cls: type, stored: Mapping[str, str | None]) -> str:
    """What changed since an object was stored with these fields (None: of a type that is not known); "" for nothing."""
    live = field_types(cls)
    said = [f"removed {n}{_of(t)}" for n, t in stored.items() if n not in live]
    said += [f"added {n}{_of(t)}" for n, t in live.items() if n not in stored]
    changed = ((n, t, live[n]) for n, t in stored.items() if n in live and t is not None and t != live[n])
    said += [f"changed {n} from {old or 'no type'} to {new or 'no type'}" for n, old, new in changed]
    return ", ".join(said)


def fits(cls: type, name: str, value: Any) -> bool:
    """Whether a value is, as it is, of the type that a dataclass's or named tuple's field has now."""
    pydantic = sys.modules.get("pydantic")  # nobody imports it because stored data is old
    if pydantic is None:
        return False
    try:
        hint = typing.get_type_hints(cls, include_extras=True)[name]
        adapter = _adapter(pydantic, hint)
        return same(adapter.validate_python(value, strict=True), value)
    except Exception:  # noqa: BLE001 - an annotation can be anything, and what cannot be checked does not fit
        return False


def same(a: Any, b: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return len(a) == len(b) and all(map(same, a, b)) and all(map(same, a.values(), b.values()))
    if isinstance(a, list | tuple | deque):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return repr(a) == repr(b)
    try:
        return bool(a == b)
    except Exception:  # noqa: BLE001 - arrays and the like, which are not the same object
        return False


def _adapter(pydantic: Any, hint: Any) -> Any:
    try:
        return pydantic.TypeAdapter(hint, config={"arbitrary_types_allowed": True})
    except pydantic.PydanticUserError:  # a model has its own config
        return pydantic.TypeAdapter(hint)


def _annotations(cls: Any) -> dict[str, Any]:
    try:
        found: dict[str, Any] = cls.__annotations__
    except (AttributeError, NameError):  # none; or one names a class that is not there yet
        return {}
    return found


def _type_text(annotation: Any) -> str:
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        text = annotation
    elif isinstance(annotation, type) and not typing.get_args(annotation):
        text = annotation.__qualname__ if annotation.__module__ == "builtins" else class_name(annotation)
    else:
        text = _ADDRESS.sub("", repr(annotation)).replace("typing.", "")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _of(text: str | None) -> str:
    return f": {text}" if text else ""


def listed(names: Iterable[str]) -> str:
    """Names for a message: the first twelve."""
    known = list(names)
    return ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
