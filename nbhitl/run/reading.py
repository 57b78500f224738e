"""Raw values of a form's controls -> an answer as plain data. Pure: no widgets, no pydantic, no I/O.

May not judge an answer: what comes out of `collect` still has to be checked (`nbhitl.run.answers`).
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from nbhitl.engine.errors import AnswerRefused, Problem
from nbhitl.engine.records import MISSING
from nbhitl.run.forms import FormField, FormModel, Option
from nbhitl.run.limits import TEXT_CAP

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def collect(model: FormModel, raw: Mapping[str, Any]) -> Any:
    """The plain answer from raw control values, by field name; not yet checked against the schema.

    Raw values: of a ``choice`` the index of the option, of ``choices`` indexes, of a ``checkbox`` a bool, of
    pickers a date, time or datetime (or its ISO text), of all others the text as typed. A blank optional
    field is left out (or None). Raises `AnswerRefused` with one problem for each field that cannot be read.
    """
    answer, problems = gather(model, raw)
    if problems:
        raise AnswerRefused(problems)
    return answer


def gather(model: FormModel, raw: Mapping[str, Any]) -> tuple[Any, list[Problem]]:
    """As `collect`, but returns the problems beside what could be read."""
    answer: dict[str, Any] = {}
    problems = []
    for field in model.fields:
        try:
            value = _read(field, raw.get(field.name))
        except ValueError as wrong:
            problems.append(Problem(field.name, str(wrong)))
        else:
            if value is not MISSING:
                answer[field.name] = value
    return (answer.get("") if model.single else answer), problems


def json_text(text: str) -> Any:
    """The value that a JSON text stands for. Raises ValueError with line and column of the first mistake."""
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_pairs)
    except json.JSONDecodeError as wrong:
        where = f"line {wrong.lineno}, column {wrong.colno}"
        raise ValueError(f"is not JSON: {wrong.msg.lower()} at {where}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _read(field: FormField, raw: Any) -> Any:
    """The plain value of one control, MISSING when left out. Raises ValueError in plain words."""
    if isinstance(raw, str) and len(raw) > TEXT_CAP:
        raise ValueError(f"is too long: {len(raw):,} characters, at most {TEXT_CAP:,} are taken")
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return _blank(field, raw)
    match field.kind:
        case "choice":
            return _option(field, raw).value
        case "choices":
            return _ticked(field, raw)
        case "checkbox":
            return raw
        case "date" | "time" | "datetime":
            return raw.isoformat() if isinstance(raw, dt.date | dt.time) else raw
        case "integer" | "number" | "decimal":
            return _number(field, str(raw).strip())
        case "json":
            return _json(field, str(raw))
        case "text":
            return str(raw)


def _blank(field: FormField, raw: Any) -> Any:
    if field.nullable:
        return MISSING if not field.required and field.default in (MISSING, None) else None
    if field.kind == "text" and (field.takes_blank or field.default is not MISSING):
        return raw or ""  # the person cleared it: that is what they say
    if field.required:
        raise ValueError("is required")
    return MISSING


def _option(field: FormField, index: Any) -> Option:
    # an index and not a value: True, 1 and "1" may all be options, and a screen can send anything
    if type(index) is int and 0 <= index < len(field.options):
        return field.options[index]
    raise ValueError("must be one of " + ", ".join(o.label for o in field.options[:12]))


def _ticked(field: FormField, raw: Any) -> list[Any]:
    if not isinstance(raw, list | tuple):
        raise ValueError("must be a list of choices")
    chosen = [(index, _option(field, index).value) for index in raw]
    return [value for _, value in sorted(dict(chosen).items())]


def _number(field: FormField, text: str) -> Any:
    shown = text if len(text) <= 40 else text[:40] + "..."
    if field.kind == "integer":
        if not _INTEGER.fullmatch(text) or len(text) > 4_000:
            raise ValueError(f"must be {field.hint}; {shown!r} is none")
        return int(text)
    if not _NUMBER.fullmatch(text):
        cure = " (write 1.5, with a point)" if "," in text else ""
        raise ValueError(f"must be {field.hint}; {shown!r} is none{cure}")
    if not math.isfinite(float(text)):
        raise ValueError(f"must be {field.hint}; {shown} is too large")
    if field.kind == "decimal":
        return text
    return int(text) if _INTEGER.fullmatch(text) and len(text) <= 4_000 else float(text)


def _json(field: FormField, text: str) -> Any:
    try:
        return json_text(text)
    except ValueError as wrong:
        if not field.takes_text:
            raise
        if text.lstrip()[0] in '{["':  # meant as JSON: a slip must not turn it into text in silence
            raise ValueError(f"{wrong} (plain text that begins like this: put it in double quotes)") from None
        return text


def _no_constant(word: str) -> Any:
    raise ValueError(f"is not JSON: {word} is no number")


def _finite(digits: str) -> float:
    if not math.isfinite(found := float(digits)):
        raise ValueError(f"has a number that is too large: {digits[:40]}")
    return found


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"has the key {twice!r} twice")
    return found
