"""An answer as plain data: what JSON and every saver can carry.

May not know a schema: the one thing that it asks of a class is what an instance of it contains.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from nbhitl.engine.errors import AnswerRefused, Problem
from nbhitl.run.limits import DEEPEST, TEXT_CAP
from nbhitl.run.wording import Path, dotted, refuse

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def plain_data(answer: Any, adapter: TypeAdapter[Any] | None = None) -> Any:
    """The answer in JSON types. Raises `AnswerRefused` for what JSON cannot carry."""
    problems: list[Problem] = []
    try:
        plain = _walk(answer, (), problems)
    except _Foreign as foreign:
        plain = _dumped(adapter, answer)
        if plain is _Foreign:
            kind = type(foreign.value).__name__
            refuse([Problem(dotted(foreign.where), f"is a {kind}, which does not fit the question")])
        problems.clear()
        plain = _walk(plain, (), problems)
    refuse(problems)
    return plain


def unstorable(value: Any, depth: int = 0) -> Iterator[str]:
    """Faults of an answer without a schema: only what no saver could keep, wherever text stands."""
    match value:
        case str() if not _encodable(value):
            yield "holds half of a character (a lone surrogate), which cannot be stored: delete it"
        case list() | tuple() if depth < DEEPEST:
            for item in value:
                yield from unstorable(item, depth + 1)
        case dict() if depth < DEEPEST:
            for key, item in value.items():
                yield from unstorable(key, depth + 1)
                yield from unstorable(item, depth + 1)
        case _:
            pass


@dataclass(slots=True)
class _Foreign(Exception):
    """A value that is no JSON type."""

    where: Path
    value: Any


def _dumped(adapter: TypeAdapter[Any] | None, answer: Any) -> Any:
    """What an instance of the class (or a list of such, ...) contains; `_Foreign` if it is none."""
    if adapter is None:
        return _Foreign
    try:
        typed = adapter.validate_python(answer, strict=True)
        return adapter.dump_python(typed, mode="json", by_alias=True, round_trip=True, warnings=False)
    except Exception:  # noqa: BLE001 - whatever the class's own code raises, the answer is not of this class
        return _Foreign


def _walk(value: Any, where: Path, problems: list[Problem]) -> Any:
    if len(where) > DEEPEST:
        raise AnswerRefused([Problem(str(where[0]), f"is nested more than {DEEPEST} levels deep")])
    if isinstance(value, Enum):
        value = value.value
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()
    match value:
        case None | bool() | int():
            return value if value is None or isinstance(value, bool) else int(value)
        case float():
            if not math.isfinite(value):
                problems.append(Problem(dotted(where), "must be a finite number"))
            return float(value)
        case str():
            problems += [Problem(dotted(where), text) for text in _text_faults(value)]
            return str(value)
        case list() | tuple():
            return [_walk(item, (*where, i), problems) for i, item in enumerate(value)]
        case dict() if all(isinstance(key, str) for key in value):
            for key in value:
                problems += [Problem(dotted(where), f"has a key that {text}") for text in _text_faults(key)]
            return {str(key): _walk(item, (*where, key), problems) for key, item in value.items()}
        case _:
            raise _Foreign(where, value)


def _text_faults(text: str) -> Iterator[str]:
    if len(text) > TEXT_CAP:
        yield f"is too long: {len(text):,} characters, at most {TEXT_CAP:,} are taken"
    elif not _encodable(text):
        yield "holds half of a character (a lone surrogate), which cannot be stored: delete it"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
