"""Raw values of a form's controls -> an answer as plain data. Pure: no widgets, no pydantic, no I/O.

May not judge an answer: what comes out of `collect` still has to be checked (`nbhitl.run.answers`).
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, assert_never

from nbhitl.engine.errors import AnswerRefused, Problem
from nbhitl.engine.records import MISSING
from nbhitl.run.forms import FormField, FormModel, Option
from nbhitl.run.limits import FILE_CAP, ITEMS_CAP, TEXT_CAP
from nbhitl.run.wording import Path, dotted, in_megabytes

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_Wrong: TypeAlias = Callable[[Path, str], None]
"""Told of each place that cannot be read, and why."""


class _Unread:
    """Stands for what cannot be read, which is told already."""


_UNREAD: Final = _Unread()


def collect(model: FormModel, raw: Mapping[str, Any]) -> Any:
    """The plain answer from raw control values, by field name; not yet checked against the schema.

    Raw values by the kind of field:

    - ``choice``: the index of the option; ``choices``: a list of indexes; ``checkbox``: a bool.
    - ``date``, ``time``, ``datetime``: such an object, or its ISO text.
    - ``text``, ``integer``, ``number``, ``decimal``, ``json``, ``secret``: the text as typed.
    - ``object``: a mapping of member name to raw value; ``list``: a list of raw values of its ``item``;
      ``table``: a list of rows, each a mapping of column name to raw value.
    - ``union``: ``{"variant": index or None, "value": raw value of that variant}``.
    - ``file``: None or ``{"name": str, "type": str, "content": bytes}``.

    A blank optional field is left out (or None). Raises `AnswerRefused` with one problem for each place that
    cannot be read.
    """
    answer, problems = gather(model, raw)
    if problems:
        raise AnswerRefused(problems)
    return answer


def gather(model: FormModel, raw: Mapping[str, Any]) -> tuple[Any, list[Problem]]:
    """As `collect`, but returns the problems beside what could be read.

    What cannot be read is left out; an element of a list is None then, so that the others keep their places.
    """
    problems: list[Problem] = []

    def wrong(where: Path, text: str) -> None:
        problems.append(Problem(dotted(where), text))

    if not isinstance(raw, Mapping):
        wrong((), "must be an object with named fields")
        return None, problems
    if model.single:
        value = _taken(model.fields[0], raw.get(""), (), wrong)
        return (None if value in (MISSING, _UNREAD) else value), problems
    return _members(model.fields, model.fixed, raw, (), wrong), problems


def json_text(text: str) -> Any:
    """The value that a JSON text stands for. Raises ValueError with line and column of the first mistake."""
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_pairs)
    except json.JSONDecodeError as wrong:
        where = f"line {wrong.lineno}, column {wrong.colno}"
        raise ValueError(f"is not JSON: {wrong.msg.lower()} at {where}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _taken(field: FormField, raw: Any, where: Path, wrong: _Wrong) -> Any:
    """The plain value of one control: MISSING when left out, `_UNREAD` for what cannot be read as a whole."""
    try:
        if _is_blank(field, raw):
            return _blank(field, raw)
        match field.kind:
            case "object":
                found = _members(field.fields, field.fixed, _mapping(raw), where, wrong)
                return [found.get(f.name) for f in field.fields] if field.positional else found
            case "list" | "table":
                return _elements(field, raw, where, wrong)
            case "union":
                return _variant(field, _mapping(raw), where, wrong)
            case _:
                return _read(field, raw)
    except ValueError as reason:
        wrong(where, str(reason))
        return _UNREAD


def _is_blank(field: FormField, raw: Any) -> bool:
    if raw is None or raw == "":
        return True
    match field.kind:
        case "secret":
            return False  # spaces may be one
        case "union":
            return isinstance(raw, Mapping) and raw.get("variant") is None
        case _:
            return isinstance(raw, str) and not raw.strip()


def _members(
    fields: Sequence[FormField],
    fixed: Sequence[tuple[str, Any]],
    raw: Mapping[str, Any],
    where: Path,
    wrong: _Wrong,
) -> dict[str, Any]:
    answer = dict(fixed)
    for field in fields:
        value = _taken(field, raw.get(field.name), (*where, field.name), wrong)
        if value is not MISSING and value is not _UNREAD:
            answer[field.name] = value
    return answer


def _elements(field: FormField, raw: Any, where: Path, wrong: _Wrong) -> list[Any]:
    if not isinstance(raw, list | tuple):
        raise ValueError("must be a list")
    if len(raw) > ITEMS_CAP:
        raise ValueError(f"is too long: {len(raw):,} items, at most {ITEMS_CAP:,} are taken")
    found = []
    for i, each in enumerate(raw):
        if field.item is not None:
            value = _taken(field.item, each, (*where, i), wrong)
        elif isinstance(each, Mapping):
            value = _members(field.fields, field.fixed, each, (*where, i), wrong)
        else:
            wrong((*where, i), "must be an object with named fields")
            value = _UNREAD
        found.append(None if value is _UNREAD or value is MISSING else value)
    return found


def _variant(field: FormField, raw: Mapping[str, Any], where: Path, wrong: _Wrong) -> Any:
    index = raw.get("variant")
    if type(index) is not int or not 0 <= index < len(field.variants):
        raise ValueError("must be one of " + ", ".join(v.label for v in field.variants[:12]))
    value = _taken(field.variants[index], raw.get("value"), where, wrong)
    return None if value is MISSING else value


def _mapping(raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise ValueError("must be an object with named fields")
    return raw


def _read(field: FormField, raw: Any) -> Any:
    """The plain value of a control that is not blank and has no parts. Raises ValueError in plain words."""
    if isinstance(raw, str) and len(raw) > TEXT_CAP:
        raise ValueError(f"is too long: {len(raw):,} characters, at most {TEXT_CAP:,} are taken")
    match field.kind:
        case "choice":
            return _option(field, raw).value
        case "choices":
            return _ticked(field, raw)
        case "checkbox":
            if not isinstance(raw, bool):
                raise ValueError("must be true or false")
            return raw
        case "date" | "time" | "datetime":
            return raw.isoformat() if isinstance(raw, dt.date | dt.time) else _text(raw)
        case "integer" | "number" | "decimal":
            return _number(field, str(raw).strip())
        case "json":
            return _json(field, _text(raw))
        case "secret" if field.means_json:
            return _hidden_json(_text(raw))
        case "text" | "secret":
            return _text(raw)
        case "file":
            return _file(field, _mapping(raw))
        case "object" | "list" | "table" | "union":
            raise AssertionError(f"a {field.kind} has parts")
        case _:
            assert_never(field.kind)


def _hidden_json(text: str) -> Any:
    try:
        return json_text(text)
    except ValueError:  # where exactly, and what stands there, might tell a secret
        raise ValueError("is not JSON") from None


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError("must be text")
    return raw


def _file(field: FormField, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The plain value of an upload. What a screen says of its size is not looked at: the bytes are there."""
    content, name, kind = raw.get("content"), raw.get("name"), raw.get("type")
    if not isinstance(content, bytes | bytearray | memoryview):
        raise ValueError("has no content: choose the file again")
    size, largest = memoryview(content).nbytes, field.largest or FILE_CAP
    if size > largest:
        raise ValueError(f"is too large: {in_megabytes(size)}, at most {in_megabytes(largest)} are taken")
    if not isinstance(name, str) or not isinstance(kind, str | None):
        raise ValueError("must be a file with a name")
    return {"name": name, "type": kind or "", "content": base64.b64encode(content).decode("ascii")}


def _blank(field: FormField, raw: Any) -> Any:
    if field.nullable:
        return MISSING if not field.required and field.default in (MISSING, None) else None
    if field.kind == "text" and (field.takes_blank or field.default is not MISSING):
        return raw if isinstance(raw, str) else ""  # the person cleared it: that is what they say
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
