"""What a caller gave as ``context=``, made into what the graph's context schema says."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from nbhitl.engine.errors import NbhitlError, UnknownKeyWarning, did_you_mean


def as_context(schema: Any, given: Any) -> Any:
    """A context as nodes get it: a dict is made into the class that ``schema`` is; what is one already passes.

    None passes, since a graph may do without. So does everything where there is no schema, or one that is no class.

    Raises:
        NbhitlError: a field is missing, unknown or wrong, or it is something else altogether.
    """
    if schema is None or given is None or not isinstance(schema, type):
        return given
    if hasattr(schema, "__required_keys__"):
        return _keyed(schema, given)
    build = getattr(schema, "model_validate", None)
    if not callable(build) and not is_dataclass(schema):
        return given
    if isinstance(given, schema):
        return given
    if not isinstance(given, Mapping):
        raise NbhitlError(
            f"context={given!r:.60} is of type {type(given).__name__}, and the graph's context schema is "
            f"{schema.__name__}: give context={schema.__name__}(...), or a dict of its fields."
        )
    return _built(schema, dict(given)) if is_dataclass(schema) else _validated(schema, build, given)


def _keyed(schema: Any, given: Any) -> Any:
    """A context whose schema is a TypedDict: checked for its keys, and passed on as it is."""
    if not isinstance(given, Mapping):
        raise NbhitlError(
            f"context={given!r:.60} is of type {type(given).__name__}; the graph's context schema {schema.__name__} is "
            "a TypedDict: give a dict."
        )
    missing = sorted(schema.__required_keys__ - given.keys())
    if missing:
        raise NbhitlError(_lacks(schema, missing))
    known = schema.__required_keys__ | schema.__optional_keys__
    for name in given:
        if name not in known:
            warnings.warn(
                f"context has {name!r}, which is no key of {schema.__name__}.{did_you_mean(name, known)}",
                UnknownKeyWarning,
                stacklevel=2,
            )
    return given


def _built(schema: Any, given: dict[str, Any]) -> Any:
    known = {field.name: field for field in fields(schema) if field.init}
    for name in given:
        if name not in known:
            near = did_you_mean(name, known)
            raise NbhitlError(f"context has {name!r}, which is no field of {schema.__name__}.{near}")
    missing = [
        name
        for name, field in known.items()
        if name not in given and field.default is MISSING and field.default_factory is MISSING
    ]
    if missing:
        raise NbhitlError(_lacks(schema, missing))
    try:
        return schema(**given)
    except (TypeError, ValueError) as error:  # from its __post_init__, or a pydantic dataclass
        raise NbhitlError(f"context is no {schema.__name__}: {error}") from error


def _validated(schema: Any, build: Any, given: Mapping[str, Any]) -> Any:
    try:
        return build(dict(given))
    except ValueError as error:
        listed = getattr(error, "errors", None)
        if not callable(listed):
            raise NbhitlError(f"context is no {schema.__name__}: {error}") from error
        found = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'context'}: {one['msg']}" for one in listed())
        raise NbhitlError(f"context is no {schema.__name__}: {found}.") from error


def _lacks(schema: Any, missing: list[str]) -> str:
    example = ", ".join(f"{name!r}: ..." for name in missing)
    return f"context lacks {', '.join(map(repr, missing))} of {schema.__name__}: give context={{{example}}}."
