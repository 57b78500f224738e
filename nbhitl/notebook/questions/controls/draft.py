"""Drafts: what the page keeps of a compound field while a person fills it in. Pure: no widgets.

A draft is plain JSON with places instead of names (a stranger's names stay out of the page's objects):

==================  ===========================================================================================
kind                draft
==================  ===========================================================================================
choice, choices     the option's index or None; a list of indexes
checkbox            bool
object              ``{"on": bool, "members": [draft of each field]}``
list                ``{"on": bool, "items": [draft of each element]}``
table               ``{"on": bool, "rows": [[draft of each cell], ...]}``
union               ``{"variant": index or None, "values": [draft of each alternative]}``
file                None or ``{"name", "type", "size"}``; when sent also ``"buffers": [first, behind the last]``
secret              None; when sent the text
all others          the text as typed; pickers ISO text
==================  ===========================================================================================

``on`` is False for what is left out as a whole. May not judge: what makes no sense is handed on as it came, and
`nbhitl.run.reading` refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nbhitl.engine.records import MISSING
from nbhitl.notebook.questions.markup import pretty, whole
from nbhitl.run.forms import FormField

_OFFERED: Final = 20
"""Empty elements that a list begins with at most, where it needs some."""


def draft_of(field: FormField, value: Any = MISSING) -> Any:
    """The draft before anyone typed: of the plain ``value`` if there is one, else of the field's default."""
    given = field.default if value is MISSING else value
    blank = given is MISSING or given is None
    match field.kind:
        case "choice":
            return _index(field, given)
        case "choices":
            ticked = {_index(field, each) for each in (given if isinstance(given, list) else ())}
            return sorted(index for index in ticked if index is not None)
        case "checkbox":
            return given is True
        case "object":
            known = _by_name(field, given)
            members = [draft_of(member, known.get(member.name, MISSING)) for member in field.fields]
            return {"on": not (blank and may_be_off(field)), "members": members}
        case "list":
            elements = given if isinstance(given, list) else [MISSING] * min(field.shortest, _OFFERED)
            items = [draft_of(field.item, element) for element in elements] if field.item else []
            return {"on": not (blank and may_be_off(field)), "items": items}
        case "table":
            rows = given if isinstance(given, list) else [{}] * min(field.shortest, _OFFERED)
            return {"on": not (blank and may_be_off(field)), "rows": [row_draft(field, row) for row in rows]}
        case "union":
            fits = None if blank else next((i for i, v in enumerate(field.variants) if _fits(v, given)), None)
            values = [draft_of(v, given if i == fits else MISSING) for i, v in enumerate(field.variants)]
            return {"variant": fits, "values": values}
        case "file" | "secret":
            return None
        case "json":
            return "" if blank else whole(pretty(given))
        case _:
            return "" if blank else whole(str(given))


def row_draft(field: FormField, row: Any = MISSING) -> list[Any]:
    """The draft of one row of a table."""
    known = row if isinstance(row, Mapping) else {}
    return [draft_of(column, known.get(column.name, MISSING)) for column in field.fields]


def may_be_off(field: FormField) -> bool:
    """Whether an object, list or table can be left out as a whole: then it has a box to tick."""
    return field.nullable or (not field.required and field.default is MISSING)


def raw_of(field: FormField, draft: Any, buffers: Sequence[Any] = ()) -> Any:
    """The raw value (`nbhitl.run.reading.collect` says what it is) of a draft and what was sent with it."""
    match field.kind:
        case "object" if _has(draft, "members", len(field.fields)):
            return _members(field, draft["members"], buffers) if draft["on"] else None
        case "list" if _has(draft, "items") and field.item is not None:
            item = field.item
            return [raw_of(item, element, buffers) for element in draft["items"]] if draft["on"] else None
        case "table" if _has(draft, "rows"):
            return [_row(field, row, buffers) for row in draft["rows"]] if draft["on"] else None
        case "union" if isinstance(draft, Mapping) and isinstance(draft.get("values"), list):
            index, values = draft.get("variant"), draft["values"]
            value = None
            if type(index) is int and 0 <= index < min(len(field.variants), len(values)):
                value = raw_of(field.variants[index], values[index], buffers)
            return {"variant": index, "value": value}
        case "file" if isinstance(draft, Mapping):
            return {"name": draft.get("name"), "type": draft.get("type"), "content": _content(draft, buffers)}
        case _:
            return draft


def _by_name(field: FormField, value: Any) -> Mapping[str, Any]:
    """The members of a plain value of an object; what is no such value has none."""
    if field.positional and isinstance(value, list):
        return dict(zip((member.name for member in field.fields), value, strict=False))
    return value if isinstance(value, Mapping) else {}


def _members(field: FormField, drafts: Sequence[Any], buffers: Sequence[Any]) -> dict[str, Any]:
    return {f.name: raw_of(f, draft, buffers) for f, draft in zip(field.fields, drafts, strict=True)}


def _row(field: FormField, row: Any, buffers: Sequence[Any]) -> Any:
    fits = isinstance(row, list) and len(row) == len(field.fields)
    return _members(field, row, buffers) if fits else row


def _has(draft: Any, key: str, length: int | None = None) -> bool:
    if not isinstance(draft, Mapping) or type(draft.get("on")) is not bool or not isinstance(draft.get(key), list):
        return False
    return length is None or len(draft[key]) == length


def _content(draft: Mapping[str, Any], buffers: Sequence[Any]) -> bytes | None:
    """What was sent of a file; None for a file that the page only remembers the name of."""
    match draft.get("buffers"):
        case [int(first), int(end)] if 0 <= first <= end <= len(buffers):
            return b"".join(bytes(piece) for piece in buffers[first:end])
        case _:
            return None


def _index(field: FormField, value: Any) -> int | None:
    """The option that is exactly this value: True is not 1."""
    same = (i for i, o in enumerate(field.options) if type(o.value) is type(value) and o.value == value)
    return next(same, None)


def _fits(field: FormField, value: Any) -> bool:
    """Whether a plain value can be shown by this alternative of a union."""
    match field.kind:
        case "object":
            if field.positional:
                return isinstance(value, list) and len(value) == len(field.fields)
            if not isinstance(value, Mapping):
                return False
            fixed = dict(field.fixed)
            known = {member.name for member in field.fields} | fixed.keys()
            return all(value.get(key) == only for key, only in fixed.items()) and value.keys() <= known
        case "list" | "table" | "choices":
            return isinstance(value, list)
        case "choice":
            return _index(field, value) is not None
        case "checkbox":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number" | "decimal":
            return isinstance(value, int | float | str) and not isinstance(value, bool)
        case "json":
            return True
        case "file" | "secret":
            return False
        case _:
            return isinstance(value, str)
