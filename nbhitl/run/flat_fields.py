"""Fields of one flat value: a choice, a number, a text, a date. Their bounds, options and words, from a JSON Schema.

Pure. Knows nothing of nesting: that is for `nbhitl.run.fields`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from nbhitl.engine.records import MISSING
from nbhitl.run.forms import FormField, Kind, Option
from nbhitl.run.limits import LABEL_CAP
from nbhitl.run.secrets import is_secret
from nbhitl.run.subschemas import Node
from nbhitl.run.wording import in_digits

_PICKERS: Final[Mapping[str, Kind]] = {"date": "date", "date-time": "datetime", "time": "time"}
_FORMATS: Final[Mapping[str, str]] = {
    "duration": "a duration such as P1DT2H30M",
    "uuid": "a UUID",
    "email": "an e-mail address",
    "uri": "a URL such as https://example.org",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "ipvanyaddress": "an IP address",
}
"""Formats of text that a person has to be told of, in words."""
_SHORT: Final[Mapping[str, str]] = {
    "integer": "Whole number", "number": "Number", "decimal": "Exact number", "text": "Text", "checkbox": "Yes or no",
    "date": "Date", "datetime": "Date and time", "time": "Time", "json": "JSON", "file": "File", "secret": "Secret",
    "table": "Table", "object": "Fields", "union": "Alternatives", "choices": "Some of several",
}  # fmt: skip
"""What an alternative is called by its kind, where its schema has no title."""


def words(node: Node, key: str) -> str:
    """The title or the description of a schema."""
    found = node.get(key)
    return found.strip()[: LABEL_CAP if key == "title" else 4_000] if isinstance(found, str) else ""


def flat(base: FormField, node: Node, rest: Sequence[Node]) -> FormField | None:
    """``base`` as the field of a flat value; None where the alternatives ``rest`` of ``node`` are none."""
    found = [options_of(branch, among=len(rest)) for branch in rest]
    if rest and all(found):
        return replace(base, kind="choice", options=tuple(option for options in found for option in options))
    if node.get("x-decimal") or (len(rest) == 1 and rest[0].get("x-decimal")):
        # a Decimal: the text is exact, a float is not
        exact = node if node.get("x-decimal") else rest[0]
        either = [*exact.get("anyOf", ()), *rest, exact]
        number = next((n for n in either if isinstance(n, Mapping) and n.get("type") == "number"), exact)
        return _numeric(replace(base, kind="decimal"), number)
    if {branch.get("type") for branch in rest} == {"integer", "number"}:
        rest = [branch for branch in rest if branch["type"] == "number"]
    return _of_type(base, rest[0]) if len(rest) == 1 and not is_secret(rest[0]) else None


def _of_type(base: FormField, node: Node) -> FormField | None:
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
        case _:
            return None


def options_of(node: Node, among: int = 1) -> list[Option]:
    """The values that a schema allows, with their words; none where it does not list them.

    ``among``: how many alternatives it is one of; the title of one of several is its label.
    """
    values = [node["const"]] if "const" in node else node.get("enum", ())
    if not isinstance(values, Sequence) or isinstance(values, str):
        return []
    names = node.get("x-names")
    if isinstance(names, list) and len(names) == len(values) and all(isinstance(name, str) for name in names):
        counted = list(values) == list(range(1, len(values) + 1))
        return [Option(value, _named(name, value, counted)) for name, value in zip(names, values, strict=True)]
    title = words(node, "title") if "const" in node and among > 1 else ""
    return [Option(value, title or _label(value)) for value in values]


def labelled(field: FormField, node: Node) -> str:
    """What an alternative of a union is called."""
    if title := words(node, "title"):
        return title
    if field.tag is not None:
        return _in_case(str(field.tag[1]))
    match field.kind:
        case "choice":
            values = [option.label for option in field.options]
            return " or ".join(values) if len(values) < 4 else f"One of {', '.join(values[:3])}, ..."
        case "list" if field.item is not None:
            return f"List: {labelled(field.item, {}).lower()}"
        case "text":
            said = _FORMATS.get(str(node.get("format")), "")
            return said.removeprefix("an ").removeprefix("a ").partition(" such")[0] or _SHORT["text"]
        case "json":
            return "JSON object"
        case kind:
            return _SHORT[kind]


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


def _named(name: str, value: Any, counted: bool) -> str:
    """The words for a member of an Enum: its name, and its value where that says more."""
    said, shown = _in_case(name), _label(value)
    if isinstance(value, str) and _bare(value) == _bare(name):
        return shown
    return said[:LABEL_CAP] if counted else f"{said} ({shown})"[:LABEL_CAP]


def _in_case(name: str) -> str:
    text = name.replace("_", " ").replace("-", " ").strip()
    return text.capitalize() if text.isupper() or text.islower() else text or name


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


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
    if form in _PICKERS:
        return replace(base, kind=_PICKERS[form], aware=node.get("x-timezone") == "aware")
    longest, shortest = node.get("maxLength"), node.get("minLength")
    default = base.default if isinstance(base.default, str) else ""
    multiline = bool(node.get("x-multiline")) or form in ("textarea", "multiline")
    multiline = multiline or "\n" in default or len(default) > 80 or (longest is not None and longest > 120)
    length = ""
    if shortest and longest:
        length = f"{shortest} to {longest} characters" if shortest != longest else f"{longest} characters"
    elif shortest and shortest > 1:
        length = f"at least {shortest} characters"
    elif longest:
        length = f"at most {longest} characters"
    pattern = node.get("pattern")
    fitting = f"that match {pattern}" if length else f"text that matches {pattern}"
    said = [_FORMATS.get(form, ""), " ".join(filter(None, (length, fitting if pattern else "")))]
    return replace(
        base, kind="text", multiline=multiline, hint=", ".join(filter(None, said))[:1_000], takes_blank=shortest == 0
    )
