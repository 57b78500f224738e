"""Schemas that say what a form is filled in with, and bounds in the words of a lesson.

A draft is a schema's ``default`` as JSON Schema knows it: it changes what a form shows, and not what is accepted.
"""

from __future__ import annotations

import copy
import datetime as dt
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final

from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import MISSING
from nbhitl.run.live_schemas import adapter_of, contents, described, shown
from nbhitl.run.plain import plain_data
from nbhitl.run.secrets import secret_paths

_ORDERED: Final = (int, float, Decimal, dt.date, dt.time, dt.timedelta)


def drafted(schema: Any, draft: Any) -> Any:
    """A schema whose form begins with ``draft``: a value that fits it, or plain data of that shape.

    Secrets in it are left out: a draft is stored with its question.

    Raises:
        SchemaError: the schema cannot be asked for.
        AnswerRefused: the draft holds what no answer can hold.
    """
    if draft is MISSING:
        return schema
    if isinstance(schema, Mapping):
        return _filled(schema, _open(schema, plain_data(draft)))
    root = described(schema)
    return Annotated[schema, _Draft(_open(root, plain_data(draft, contents(adapter_of(schema), root))))]


def bounded(schema: Any, at_least: Any = None, at_most: Any = None) -> Any:
    """A schema with bounds: of numbers, dates and times their values, of text and lists their lengths.

    Raises:
        NbhitlError: the schema has neither.
    """
    if at_least is None and at_most is None:
        return schema
    from pydantic import Field

    base = typing.get_args(schema)[0] if typing.get_origin(schema) is Annotated else schema
    kind = typing.get_origin(base) or base
    if kind in (str, list):
        return Annotated[schema, Field(min_length=at_least, max_length=at_most)]
    if isinstance(kind, type) and issubclass(kind, _ORDERED) and not issubclass(kind, bool | Enum):
        return Annotated[schema, Field(ge=at_least, le=at_most)]
    raise NbhitlError(
        f"at_least= and at_most= go with numbers, dates, text and lists, not with {shown(schema)}: say it in the class."
    )


class _Draft:
    """An annotation that puts a default into the JSON Schema, and changes nothing else."""

    def __init__(self, plain: Any) -> None:
        self.plain = plain

    def __repr__(self) -> str:
        return "draft"  # the same in each run, and no value of a person in a message

    def __get_pydantic_json_schema__(self, core: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        found = handler(core)
        resolve: Any = getattr(handler, "resolve_ref_schema", None)
        inner = resolve(found) if resolve is not None else found
        return _filled(inner if isinstance(inner.get("properties"), dict) else found, self.plain)


def _open(schema: Mapping[str, Any], plain: Any) -> Any:
    """The draft without its secrets; MISSING where it is one."""
    plain = copy.deepcopy(plain)
    for path in secret_paths(schema, plain):
        if not path:
            return MISSING
        holder = plain
        for step in path[:-1]:
            holder = holder[step]
        if isinstance(holder, dict):
            holder.pop(path[-1], None)
        else:  # a place in a list cannot be left out
            return MISSING
    return plain


def _filled(schema: Mapping[str, Any], plain: Any) -> dict[str, Any]:
    """The schema with its default, and its members' where it has some."""
    if plain is MISSING:
        return dict(schema)
    found = {**copy.deepcopy(dict(schema)), "default": plain}
    members = found.get("properties")
    if isinstance(members, dict) and isinstance(plain, dict):
        for name, value in plain.items():
            if isinstance(members.get(name), dict):
                members[name]["default"] = value
    return found
