"""A JSON Schema as a form: which fields there are, and how raw control values become an answer.

Pure: no widgets, no pydantic, no I/O. The form model is always made from a JSON Schema, so that a question
that was loaded from disk gets the same form as a live one. What comes out of `collect` is plain data that
still has to be checked (`nbhitl.run.answers`): a form is only a view.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from nbhitl.engine.errors import AnswerRefused, Problem
from nbhitl.engine.records import MISSING

Kind: TypeAlias = Literal[
    "choice", "choices", "checkbox",
    "integer", "number", "decimal",
    "text", "date", "datetime", "time", "json",
]  # fmt: skip
Node: TypeAlias = Mapping[str, Any]

TEXT_CAP: Final = 1_000_000
"""Characters in one text of an answer."""
LABEL_CAP: Final = 200
"""Characters of a label: they may come from a model, and a screen has to hold them."""
_FORMATS: Final[Mapping[str, Kind]] = {"date": "date", "date-time": "datetime", "time": "time"}
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Option:
    """One of the allowed values and the words for it."""

    value: Any
    label: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One control. ``name`` is the answer's key, empty when the answer is this one value."""

    name: str
    label: str
    kind: Kind
    required: bool
    default: Any = MISSING
    description: str = ""
    hint: str = ""
    """What is allowed, in words; empty when the control shows it."""
    options: tuple[Option, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    multiline: bool = False
    nullable: bool = False
    """``None`` is an answer, and what a blank control stands for."""
    takes_text: bool = False
    """Of a ``json`` field: what is no JSON is the text itself."""
    takes_blank: bool = False
    """Of a ``text`` field: the empty text is an answer although the field is required."""
    aware: bool = False
    """Of a ``datetime`` field: it needs a time zone."""

    @property
    def may_be_blank(self) -> bool:
        """Whether no answer is needed here."""
        return self.nullable or not self.required


@dataclass(frozen=True, slots=True)
class FormModel:
    """A whole form. ``single``: the answer is the value of the only field, not an object."""

    title: str
    description: str
    fields: tuple[FormField, ...]
    single: bool


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


def resolve(root: Node, node: Any, depth: int = 0) -> Node:
    """``node`` with its local ``$ref`` (or lone ``allOf``) followed; keys beside the reference win."""
    if not isinstance(node, Mapping) or depth > 50:
        return {}
    ref, alone = node.get("$ref"), node.get("allOf")
    target: Any = None
    if isinstance(ref, str) and ref.startswith("#"):
        target = root
        for part in ref[1:].split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, Mapping) else None
    elif isinstance(alone, Sequence) and len(alone) == 1:
        target = alone[0]
    if target is None:
        return node
    own = {k: v for k, v in node.items() if k not in ("$ref", "allOf")}
    return {**resolve(root, target, depth + 1), **own}


def branches(root: Node, node: Node) -> tuple[list[Node], bool]:
    """The alternatives of a (resolved) node without null, and whether null is one of them."""
    either = node.get("anyOf", node.get("oneOf"))
    if isinstance(node.get("type"), list):
        either = [{**node, "type": name} for name in node["type"]]
    if not isinstance(either, Sequence):
        return [node], False
    outer = {k: v for k, v in node.items() if k not in ("anyOf", "oneOf", "discriminator")}
    found = [resolve(root, sub) for sub in either]
    rest = [sub for sub in found if sub.get("type") != "null"]
    if len(rest) == 1:
        rest = [{**rest[0], **{k: v for k, v in outer.items() if k != "type"}}]
    return rest, len(rest) < len(found)


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


# ---------------------------------------------------------------------------------------------- fields


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


def in_digits(number: Any) -> str:
    """A number as a person writes it: ``0`` and not ``0.0``."""
    return str(int(number)) if float(number).is_integer() else str(number)


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


# ---------------------------------------------------------------------------------------------- reading


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
