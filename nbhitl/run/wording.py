"""What is wrong with an answer, in words: the same ones whether a class or a stored JSON Schema found it.

Turns pydantic's errors into `Problem`s, and problems into `AnswerRefused`. May not find problems itself, nor
import pydantic: it is handed its errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from nbhitl.engine.errors import AnswerRefused, Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ACCEPTED: Final = (
    "Accepted are a pydantic model, a dataclass, a TypedDict, an Enum, Literal[...], bool, int, float, str, "
    "a date or time, lists and Optional of these, Annotated[int, Field(ge=0, le=9)], a JSON Schema dict, "
    "or None."
)
"""What can be asked for: the cure in each `SchemaError`."""
Path: TypeAlias = tuple[str | int, ...]
"""Where in an answer: keys of objects and places in lists."""
_BOUNDS: Final = {
    "ge": "at least", "le": "at most", "gt": "more than", "lt": "less than", "multiple_of": "a multiple of",
    "min_length": "at least", "max_length": "at most",
}  # fmt: skip
KINDS: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this answer",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "none_required": "must be null",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object with named fields",
    "dataclass_type": "must be an object with named fields",
    "date": "must be a date such as 2024-03-31",
    "datetime": "must be a date and time such as 2024-03-31T14:30:00",
    "timezone_aware": "must have a time zone, such as 2024-03-31T14:30:00+02:00",
    "timezone_naive": "must have no time zone, such as 2024-03-31T14:30:00",
    "time": "must be a time such as 14:30:00",
    "time_delta": "must be a duration such as P1DT2H30M",
}
"""What is wrong, by the type of pydantic's error (or its beginning)."""


def refuse(problems: Iterable[Problem]) -> None:
    """Raise `AnswerRefused` with one problem for each field; do nothing without problems."""
    merged: dict[str, list[str]] = {}
    for problem in problems:
        said = merged.setdefault(problem.field, [])
        if problem.message not in said:
            said.append(problem.message)
    if merged:
        raise AnswerRefused([Problem(field, " or ".join(said)[:1_000]) for field, said in merged.items()])


def dotted(where: Path) -> str:
    """The place as `Problem.field` names it."""
    return ".".join(str(step) for step in where)


def in_digits(number: Any) -> str:
    """A number as a person writes it: ``0`` and not ``0.0``."""
    return str(int(number)) if float(number).is_integer() else str(number)


def bound_text(bound: Any) -> str:
    """A bound, which may be a date or a pattern too, as a person writes it."""
    return in_digits(bound) if isinstance(bound, int | float) else str(bound)


def problem_of(error: ErrorDetails, plain: Any) -> Problem:
    """One of pydantic's errors about the answer ``plain``, in our words and at its place in the answer."""
    where: list[str | int] = []
    at: Any = plain
    for i, step in enumerate(error["loc"]):
        # steps that lead nowhere are pydantic's names for the branches of a union
        inside = step in at if isinstance(at, dict) else isinstance(at, list) and step in range(len(at))
        if inside:
            at = at[step]
            where.append(step)
        elif error["type"] == "missing" and i == len(error["loc"]) - 1:
            where.append(step)
    return Problem(dotted(tuple(where)), _in_words(error))


def _in_words(error: ErrorDetails) -> str:
    ctx = error.get("ctx", {})
    kind = error["type"]
    for key, start in _BOUNDS.items():
        if key in ctx and kind.startswith(("greater", "less", "multiple", "string_too", "too_")):
            unit = {"string": " characters", "too": " items"}.get(kind.split("_")[0], "")
            verb = "must have" if unit else "must be"
            return f"{verb} {start} {bound_text(ctx[key])}{unit if ctx[key] != 1 else unit[:-1]}"
    if kind in ("value_error", "assertion_error"):
        return str(ctx.get("error", "")) or "is not accepted"
    if kind in ("literal_error", "enum"):
        return f"must be {ctx.get('expected', 'one of the choices')}"[:500]
    if kind in KINDS:
        return KINDS[kind]
    if kind.startswith(("date", "time")):
        return KINDS[next(k for k in ("datetime", "date", "time_delta", "time") if kind.startswith(k))]
    return re.sub(r"^(Input|Value|[A-Z]\w+) should ", "must ", error["msg"])
