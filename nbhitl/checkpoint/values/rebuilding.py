"""Stored fields to an object of a live class: put back as they were, validated, or migrated. Else `Unfit`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, TypeAlias

from nbhitl.checkpoint.values.fields import class_name, difference, field_types, fits, listed, same
from nbhitl.checkpoint.values.kinds import Kind, Unfit

if TYPE_CHECKING:
    from collections.abc import Sequence

Migrate: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the stored fields and returns those that the class takes now. An enum's are ``name`` and ``value``."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a frame holds of one object of a class."""

    name: str
    print: int | None
    fields: dict[str, Any]
    types: dict[str, str] | None = None
    given: tuple[str, ...] = ()
    """pydantic's ``model_fields_set``."""
    extra: dict[str, Any] | None = None
    private: dict[str, Any] = dataclasses.field(default_factory=dict)


def changed(cls: type, what: str) -> Unfit:
    """The class is known, and an object that was stored is none of it any more."""
    name, short = class_name(cls), cls.__qualname__
    return Unfit(
        f"was stored when the class {name} was another: {what}. Say how to go on with saver.register({short}, "
        f"migrate=f), where f takes the stored fields as a dict and returns those of today; or bring the class back; "
        f"or start a new thread",
        name,
        changed=True,
    )


def unchanged(kind: Kind, cls: Any, parts: list[Any], live: dict[str, str]) -> Any:
    """The object of a class whose fields are what they were: nothing of the class runs."""
    if kind is Kind.NAMEDTUPLE:
        _, names, values, *_ = parts
        if type(values) is not list or tuple(names) != cls._fields or len(values) != len(names):
            raise ValueError("items that do not fit their own fingerprint")
        return tuple.__new__(cls, values)
    fields = parts[2]
    if type(fields) is not dict or not fields.keys() <= live.keys():
        raise ValueError("fields that do not fit their own fingerprint")
    value: Any = object.__new__(cls)
    if kind is Kind.PYDANTIC:
        _, _, _, given, extra, private, *_ = parts
        object.__setattr__(value, "__dict__", fields)
        _put_back(value, cls, given, extra, private or {}, {})
        return value
    for name, item in fields.items():
        object.__setattr__(value, name, item)
    return value


def changed_class(kind: Kind, cls: Any, stored: Stored, types: dict[str, str], migrate: Migrate | None) -> Any:
    """The object of a class whose fields changed since. ``types``: what they were, empty when not known."""
    try:
        if migrate is not None:
            return _migrated(kind, cls, stored, migrate)
        live = field_types(cls)
        if not stored.fields.keys() <= live.keys():  # a removed field would be dropped in silence
            raise changed(cls, difference(cls, _told(stored, types)))
        moved = [n for n in stored.fields if types.get(n) != live[n]]
        match kind:
            case Kind.NAMEDTUPLE:
                return _wider_tuple(cls, stored, moved)
            case Kind.PYDANTIC:
                return _validated(cls, stored, moved)
            case _:
                return _constructed(cls, stored, moved)
    except Unfit:
        raise
    except Exception as error:  # the class's own constructor, validation or migration said no
        said = difference(cls, _told(stored, types)) or "its fields are the same"
        raise changed(cls, f"{said} ({_brief(error)})") from error


def enum(cls: Any, stored: Stored, migrate: Migrate | None) -> Any:
    """The member of that name: the name is what a member is, its value may change."""
    found = _member(cls, **stored.fields)
    if found is None and migrate is not None:
        try:
            found = _member(cls, **{"value": None, **migrate(dict(stored.fields))})
        except Exception as error:
            raise changed(cls, f"migrate= failed ({_brief(error)})") from error
    if found is None:
        name = stored.fields["name"]
        said = repr(stored.fields["value"]) if name is None else f"{name}"
        raise changed(cls, f"it has no member {said[:100]} now, it has {listed(cls.__members__)}")
    return found


def _member(cls: Any, name: Any, value: Any) -> Any:
    if isinstance(name, str):
        if name in cls.__members__:
            return cls.__members__[name]
        names = name.split("|")
        if issubclass(cls, Flag) and all(n in cls.__members__ for n in names):
            return reduce(or_, (cls.__members__[n] for n in names))
    if issubclass(cls, Flag) and type(value) is int:
        try:
            return cls(value)
        except ValueError:
            return None
    return None


def _brief(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _told(stored: Stored, types: dict[str, str]) -> dict[str, str | None]:
    return {name: types.get(name) for name in [*stored.fields, *types]}


def _migrated(kind: Kind, cls: Any, stored: Stored, migrate: Migrate) -> Any:
    fields: Any = migrate({**stored.fields, **(stored.extra or {})})
    if not isinstance(fields, dict):
        raise changed(cls, f"migrate= returned a {type(fields).__name__}, not a dict of fields")
    match kind:
        case Kind.PYDANTIC:
            return _validate(cls, fields)
        case Kind.ENUM:
            found = _member(cls, **{"value": None, **fields})
            return cls[fields["name"]] if found is None else found
        case _:
            return cls(**fields)


def _wider_tuple(cls: Any, stored: Stored, moved: list[str]) -> Any:
    if stored.print is not None:
        _check(cls, stored, moved)
    elif tuple(stored.fields) == cls._fields:  # of a time when only names were stored
        return tuple.__new__(cls, stored.fields.values())
    return cls(**stored.fields)


def _constructed(cls: Any, stored: Stored, moved: list[str]) -> Any:
    """By the constructor, which gives new fields their defaults; what was stored stays as it was."""
    _check(cls, stored, moved)
    init = {f.name for f in dataclasses.fields(cls) if f.init}
    value = cls(**{n: v for n, v in stored.fields.items() if n in init})
    for name, item in stored.fields.items():  # __post_init__ ran once already, when the object was made
        object.__setattr__(value, name, item)
    return value


def _check(cls: type, stored: Stored, moved: list[str]) -> None:
    for name in moved:
        if not fits(cls, name, stored.fields[name]):
            raise TypeError(f"{name} holds a {type(stored.fields[name]).__name__}, which is none of its type now")


def _validated(cls: Any, stored: Stored, moved: list[str]) -> Any:
    """By the model's validation; what was stored stays as it was, or is refused."""
    if stored.extra and cls.model_config.get("extra") != "allow":
        raise TypeError(f"it allows no extra fields now, and {listed(stored.extra)} were stored")
    value = _validate(cls, {**stored.fields, **(stored.extra or {})})
    for name, item in stored.fields.items():
        if name in moved and not same(value.__dict__[name], item):
            raise TypeError(f"{name} would be changed from {item!r:.80} to {value.__dict__[name]!r:.80}")
        value.__dict__[name] = item  # validators ran once already, when the object was made
    own = value.__pydantic_private__ or {}
    _put_back(value, cls, stored.given, stored.extra, stored.private, own)
    return value


def _validate(cls: Any, fields: dict[str, Any]) -> Any:
    if getattr(cls, "__pydantic_root_model__", False):
        return cls.model_validate(fields["root"])
    return cls.model_validate(fields, by_name=True)


def _put_back(
    value: Any,
    cls: Any,
    given: Sequence[str],
    extra: dict[str, Any] | None,
    private: dict[str, Any],
    own: dict[str, Any],
) -> None:
    """What pydantic keeps beside the fields; ``own``: the private attributes that the object has already."""
    if not extra:
        extra = {} if cls.model_config.get("extra") == "allow" else None
    object.__setattr__(value, "__pydantic_fields_set__", set(given))
    object.__setattr__(value, "__pydantic_extra__", extra)
    known = cls.__private_attributes__
    if lost := private.keys() - known.keys():
        raise changed(cls, f"removed {listed(sorted(lost))}")
    if not known:
        object.__setattr__(value, "__pydantic_private__", None)
        return
    for name, attribute in known.items():
        if name in private:
            own[name] = private[name]
        elif name not in own:  # declared since
            default = attribute.get_default()
            if type(default).__name__ != "PydanticUndefinedType":
                own[name] = default
    object.__setattr__(value, "__pydantic_private__", own)
