"""What is wrong with an answer, in words: the same ones whether a class or a stored JSON Schema found it.

Turns pydantic's errors into `Problem`s, and problems into `AnswerRefused`. May not find problems itself, nor
import pydantic: it is handed its errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from nbhitl.engine.errors import AnswerRefused, Problem
from nbhitl.run.limits import PROBLEMS_CAP

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ACCEPTED: Final = (
    "Accepted are a pydantic model, a dataclass, a TypedDict, an Enum, Literal[...], bool, int, float, str, "
    "a date or time, SecretStr, nbhitl.Upload, lists and Optional of these, Annotated[int, Field(ge=0, le=9)], "
    "a JSON Schema dict, or None."
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
    "dict_type": "must be an object with named fields",
    "model_type": "must be an object with named fields",
    "dataclass_type": "must be an object with named fields",
    "date": "must be a date such as 2024-03-31",
    "datetime": "must be a date and time such as 2024-03-31T14:30:00",
    "timezone_aware": "must have a time zone, such as 2024-03-31T14:30:00+02:00",
    "timezone_naive": "must have no time zone, such as 2024-03-31T14:30:00",
    "time": "must be a time such as 14:30:00",
    "time_delta": "must be a duration such as P1DT2H30M",
    "uuid": "must be a UUID",
    "url": "must be a URL such as https://example.org",
    "ip_v4_address": "must be an IPv4 address such as 192.0.2.1",
    "ip_v6_address": "must be an IPv6 address such as 2001:db8::1",
    "ip_any_address": "must be an IP address such as 192.0.2.1",
    "email": "must be an e-mail address such as ada@example.org",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "tuple_type": "must be a list",
    "typed_dict_type": "must be an object with named fields",
    "dataclass_exact_type": "must be an object with named fields",
    "model_attributes_type": "must be an object with named fields",
}
"""What is wrong, by the type of pydantic's error (or its beginning)."""
_BEGINNINGS: Final = (
    "datetime", "date", "time_delta", "time", "uuid", "url", "ip_v4_address", "ip_v6_address", "ip_any_address",
)  # fmt: skip
"""Of the types of errors that come in several kinds, with the same words for each."""
_QUOTED: Final = re.compile(r"'([^']+)'")


def refuse(problems: Iterable[Problem]) -> None:
    """Raise `AnswerRefused` with one problem for each field; do nothing without problems."""
    merged: dict[str, list[str]] = {}
    for problem in problems:
        said = merged.setdefault(problem.field, [])
        if problem.message not in said:
            said.append(problem.message)
    if not merged:
        return
    found = [Problem(field, " or ".join(said)[:1_000]) for field, said in merged.items()]
    if len(found) > PROBLEMS_CAP:
        found[PROBLEMS_CAP:] = [Problem("", f"and {len(found) - PROBLEMS_CAP:,} more problems")]
    raise AnswerRefused(found)


def dotted(where: Path) -> str:
    """The place as `Problem.field` names it."""
    return ".".join(str(step) for step in where)


def in_digits(number: Any) -> str:
    """A number as a person writes it: ``0`` and not ``0.0``."""
    return str(int(number)) if float(number).is_integer() else str(number)


def in_megabytes(size: float) -> str:
    """A number of bytes as a person says it: ``10 MB``."""
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= bytes_:
            return f"{in_digits(round(size / bytes_, 1))} {unit}"
    return f"{in_digits(size)} bytes" if size != 1 else "1 byte"


def bound_text(bound: Any) -> str:
    """A bound, which may be a date or a pattern too, as a person writes it."""
    return in_digits(bound) if isinstance(bound, int | float) else str(bound)


def problem_of(error: ErrorDetails, plain: Any) -> Problem:
    """One of pydantic's errors about the answer ``plain``, in our words and at its place in the answer."""
    steps, kind = list(error["loc"]), error["type"]
    last = steps.pop() if steps and kind == "missing" else None
    where, at = _place(steps, plain)
    if last is not None:
        where = (*where, last)
    if kind in ("union_tag_invalid", "union_tag_not_found") and isinstance(at, dict):
        ctx = error.get("ctx", {})
        if tag := _QUOTED.match(str(ctx.get("discriminator", ""))):
            choices = _QUOTED.findall(str(ctx.get("expected_tags", "")))
            said = KINDS["missing"] if kind == "union_tag_not_found" else f"must be {one_of(choices)}"
            return Problem(dotted((*where, tag[1])), said)
    return Problem(dotted(where), _in_words(error, at))


def _place(steps: Sequence[str | int], plain: Any) -> tuple[Path, Any]:
    """Where an error is, and what stands there.

    Steps that lead nowhere are pydantic's names for the branches of a union. Such a name may also be a key, so of the
    ways to read the steps the one counts that leads furthest.
    """
    where: Path = ()
    at = plain
    for i, step in enumerate(steps):
        inside = step in at if isinstance(at, dict) else isinstance(at, list) and step in range(len(at))
        if not inside:
            continue
        rest = steps[i + 1 :]
        if isinstance(at, dict) and len(_place(rest, at)[0]) > len(_place(rest, at[step])[0]):
            continue  # the name of a branch that is a key as well
        at = at[step]
        where = (*where, step)
    return where, at


def one_of(choices: Sequence[Any]) -> str:
    """Values to choose from, as Python or JSON writes them."""
    shown = [repr(c) if isinstance(c, str) else json.dumps(c) for c in choices[:20]]
    return ", ".join(shown[:-1]) + " or " + shown[-1] if len(shown) > 1 else "".join(shown)


def _in_words(error: ErrorDetails, at: Any) -> str:
    ctx = error.get("ctx", {})
    kind = error["type"]
    for key, start in _BOUNDS.items():
        if key in ctx and kind.startswith(("greater", "less", "multiple", "string_too", "too_")):
            text = kind.startswith("string_too") or isinstance(at, str)
            unit = "" if not kind.startswith(("string_too", "too_")) else " characters" if text else " items"
            verb = "must have" if unit else "must be"
            return f"{verb} {start} {bound_text(ctx[key])}{unit if ctx[key] != 1 else unit[:-1]}"
    if kind in ("value_error", "assertion_error"):
        return str(ctx.get("error", "")) or "is not accepted"
    if kind in ("literal_error", "enum"):
        return f"must be {ctx.get('expected', 'one of the choices')}"[:500]
    if kind == "string_pattern_mismatch":
        return f"must match the pattern {ctx.get('pattern', '')}"
    if kind == "url_scheme":
        return f"must be a URL that begins with {ctx.get('expected_schemes', 'another scheme')}"
    if kind in KINDS:
        return KINDS[kind]
    if known := next((k for k in _BEGINNINGS if kind.startswith(k)), None):
        return KINDS[known]
    return re.sub(r"^(Input|Value|[A-Z]\w+) should ", "must ", error["msg"])
