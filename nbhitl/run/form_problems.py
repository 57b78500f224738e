"""Which problems of an answer its form has a place for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbhitl.engine.errors import Problem
from nbhitl.run.forms import FormField, FormModel


def in_form(model: FormModel, raw: Mapping[str, Any], problems: Sequence[Problem]) -> list[Problem]:
    """The problems that a form can show: of a union only those of the alternative that was chosen.

    Where a union has no other problem they are all kept: an answer that was refused is never left without a reason.
    """
    whole = model.fields[0] if model.single else FormField("", "", "object", required=True, fields=model.fields)
    value = raw.get("") if model.single and isinstance(raw, Mapping) else raw
    shown = [p for p in problems if _is_shown(whole, value, p.field.split(".") if p.field else [])]
    return shown or list(problems)


def _is_shown(field: FormField, raw: Any, steps: Sequence[str], chosen: bool = False) -> bool:
    """Whether a form has a place for a problem. ``chosen``: the field is one of several alternatives."""
    if field.kind == "union":
        index = raw.get("variant") if isinstance(raw, Mapping) else None
        if type(index) is not int or not 0 <= index < len(field.variants):
            return True
        return _is_shown(field.variants[index], raw.get("value"), steps, chosen=True)
    if not steps:
        return True
    match field.kind:
        case "object":
            member = next((f for f in field.fields if f.name == steps[0]), None)
            if member is None:
                return not chosen
            return _is_shown(member, raw.get(member.name) if isinstance(raw, Mapping) else None, steps[1:])
        case "list" if field.item is not None and isinstance(raw, list | tuple) and steps[0].isdecimal():
            i = int(steps[0])
            return i >= len(raw) or _is_shown(field.item, raw[i], steps[1:])
        case "list" | "table" | "json" | "file" | "choices":
            return True
        case _:
            return not chosen
