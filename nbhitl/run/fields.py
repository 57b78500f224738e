"""A JSON Schema as a form: which fields there are, of which kinds, with which words.

Pure: no widgets, no pydantic, no I/O. The form model is always made from a JSON Schema, so that a question
that was loaded from disk gets the same form as a live one. A form is only a view: what is read from it
(`nbhitl.run.reading`) still has to be checked (`nbhitl.run.answers`).

What its neighbours `forms`, `limits`, `reading` and `subschemas` have for others can be imported from here too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from nbhitl.engine.records import MISSING
from nbhitl.run.forms import FormField, FormModel, Kind, Option
from nbhitl.run.limits import LABEL_CAP, TEXT_CAP
from nbhitl.run.reading import collect, gather, json_text
from nbhitl.run.subschemas import Node, branches, resolve
from nbhitl.run.wording import in_digits

__all__ = [
    "LABEL_CAP",
    "TEXT_CAP",
    "FormField",
    "FormModel",
    "Kind",
    "Node",
    "Option",
    "branches",
    "collect",
    "form_model",
    "gather",
    "in_digits",
    "json_text",
    "resolve",
]

_FORMATS: Final[Mapping[str, Kind]] = {"date": "date", "date-time": "datetime", "time": "time"}


def form_model(schema: Node) -> FormModel:
    """The form for a JSON Schema (as `SchemaChecker.describe` gives it). Anything unusual is a JSON field."""
    node = resolve(schema, schema)
    title, description = _words(node, "title"), _words(node, "description")
    if isinstance(node.get("properties"), Mapping):
        required = node.get("required", ())
        members = node["properties"].items()
        found = tuple(_field(schema, name, sub, name in required) for name, sub in members)
        return FormModel(title, description, found, single=False)
    only = replace(_field(schema, "", schema, required=True), description="")
    if only.kind == "text":
        only = replace(only, multiline=only.multiline or not only.hint)
    return FormModel(title, description, (only,), single=True)


def _field(root: Node, name: str, sub: Any, required: bool) -> FormField:
    node = resolve(root, sub)
    rest, nullable = branches(root, node)
    fallback = name.replace("_", " ").strip().capitalize()
    base = FormField(
        name=name,
        label=_words(node, "title") or fallback[:LABEL_CAP],
        kind="json",
        required=required,
        default=node.get("default", MISSING),
        description=_words(node, "description"),
        nullable=nullable,
    )
    options = [option for branch in rest for option in _options(branch)]
    if rest and all(_options(branch) for branch in rest):
        return replace(base, kind="choice", options=tuple(options))
    kinds = {str(branch.get("type", "")) for branch in rest}
    exact = next((n for n in (node, *rest) if n.get("x-decimal")), None)
    if exact is not None:  # a Decimal: the text is exact, a float is not
        number = next((n for n in branches(root, exact)[0] if n.get("type") == "number"), exact)
        return _numeric(replace(base, kind="decimal"), number)
    if kinds == {"integer", "number"}:
        rest = [branch for branch in rest if branch["type"] == "number"]
    return _one_kind(root, base, rest[0]) if len(rest) == 1 else _as_json(base, kinds)


def _one_kind(root: Node, base: FormField, node: Node) -> FormField:
    match node.get("type"):
        case "boolean" if base.default is MISSING or base.nullable:
            # a box that nobody ticked would say "no" for a person who has not answered
            return replace(base, kind="choice", options=(Option(True, "Yes"), Option(False, "No")))
        case "boolean":
            return replace(base, kind="checkbox")
        case "integer":
            return _numeric(replace(base, kind="integer"), node)
        case "number":
            return _numeric(replace(base, kind="number"), node)
        case "string":
            return _textual(base, node)
        case "array" if options := _options(resolve(root, node.get("items"))):
            return replace(base, kind="choices", options=tuple(options))
        case other:
            return _as_json(base, {str(other or "")})


def _options(node: Node) -> list[Option]:
    values = [node["const"]] if "const" in node else node.get("enum", ())
    if not isinstance(values, Sequence) or isinstance(values, str):
        return []
    return [Option(value, _label(value)) for value in values]


def _label(value: Any) -> str:
    match value:
        case True:
            return "Yes"
        case False:
            return "No"
        case None:
            return "None"
        case str():
            return value[:LABEL_CAP] or "(empty text)"
        case _:
            return json.dumps(value, ensure_ascii=False)[:LABEL_CAP]


def _numeric(base: FormField, node: Node) -> FormField:
    low, high = node.get("minimum"), node.get("maximum")
    over, under = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    what = "a whole number" if base.kind == "integer" else "a number"
    if base.kind == "integer":  # for whole numbers "more than 0" is "at least 1"
        if low is None and over is not None:
            low, over = math.floor(over) + 1, None
        if high is None and under is not None:
            high, under = math.ceil(under) - 1, None
    match (low, high):
        case (None, None):
            parts = []
        case (_, None):
            parts = [f"of at least {in_digits(low)}"]
        case (None, _):
            parts = [f"of at most {in_digits(high)}"]
        case _:
            parts = [f"from {in_digits(low)} to {in_digits(high)}"]
    parts += [f"of more than {in_digits(over)}"] if over is not None else []
    parts += [f"of less than {in_digits(under)}"] if under is not None else []
    step = node.get("multipleOf")
    parts += [f"in steps of {in_digits(step)}"] if step is not None else []
    hint = f"{what} {', '.join(parts)}".strip()
    return replace(base, minimum=low, maximum=high, step=step, hint=hint)


def _textual(base: FormField, node: Node) -> FormField:
    form = str(node.get("format"))
    if form in _FORMATS:
        return replace(base, kind=_FORMATS[form], aware=node.get("x-timezone") == "aware")
    longest, shortest = node.get("maxLength"), node.get("minLength")
    default = base.default if isinstance(base.default, str) else ""
    multiline = bool(node.get("x-multiline")) or form in ("textarea", "multiline")
    multiline = multiline or "\n" in default or len(default) > 80 or (longest is not None and longest > 120)
    hints = {"duration": "a duration such as P1DT2H30M", "uuid": "a UUID", "email": "an e-mail address"}
    hint = hints.get(form, "")
    if shortest and longest:
        hint = f"{shortest} to {longest} characters"
    elif shortest and shortest > 1:
        hint = f"at least {shortest} characters"
    elif longest:
        hint = f"at most {longest} characters"
    return replace(base, kind="text", multiline=multiline, hint=hint, takes_blank=shortest == 0)


def _as_json(base: FormField, kinds: set[str]) -> FormField:
    text = bool(kinds & {"string", ""})
    words = {"array": "a JSON list", "object": "a JSON object"}
    only = words.get(next(iter(kinds))) if len(kinds) == 1 else None
    return replace(base, takes_text=text, hint="JSON, or plain text" if text else only or "JSON")


def _words(node: Node, key: str) -> str:
    found = node.get(key)
    return found.strip()[: LABEL_CAP if key == "title" else 4_000] if isinstance(found, str) else ""
