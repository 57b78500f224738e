"""A JSON Schema as a form: which fields there are, how they are nested, of which kinds.

Pure: no widgets, no pydantic, no I/O. The form model is always made from a JSON Schema, so that a question
that was loaded from disk gets the same form as a live one. A form is only a view: what is read from it
(`nbhitl.run.reading`) still has to be checked (`nbhitl.run.answers`).

What its neighbours `forms`, `limits`, `reading` and `subschemas` have for others can be imported from here too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from nbhitl.engine.records import MISSING
from nbhitl.run.flat_fields import flat, labelled, options_of, words
from nbhitl.run.forms import FormField, FormModel, Kind, Option
from nbhitl.run.limits import FIELDS_CAP, FILE_CAP, LABEL_CAP, NESTED_CAP, TEXT_CAP
from nbhitl.run.reading import collect, gather, json_text
from nbhitl.run.secrets import is_secret, secret_inside
from nbhitl.run.subschemas import Node, alternatives, branches, resolve, tag_of
from nbhitl.run.wording import in_digits, in_megabytes

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

_CELLS: Final[frozenset[Kind]] = frozenset(
    {"choice", "checkbox", "integer", "number", "decimal", "text", "date", "datetime", "time"}
)
"""What a column of a table can be."""


def form_model(schema: Node) -> FormModel:
    """The form for a JSON Schema (as `SchemaChecker.describe` gives it). Anything unusual is a JSON field."""
    maker = _Maker(schema)
    node = resolve(schema, schema)
    title, description = words(node, "title"), words(node, "description")
    if isinstance(node.get("properties"), Mapping) and not {"anyOf", "oneOf", "x-file"} & node.keys():
        found, fixed = maker.members(node, 0)
        return FormModel(title, description, found, single=False, fixed=fixed)
    only = replace(maker.field("", schema, required=True), description="")
    if only.kind == "text":
        only = replace(only, multiline=only.multiline or not only.hint)
    return FormModel(title, description, (only,), single=True)


class _Maker:
    """Makes the fields of one form, and counts them: a small schema can describe more than a screen can hold."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.made = 0

    def field(self, name: str, sub: Any, required: bool, depth: int = 0, draft: Any = MISSING) -> FormField:
        """A field for a schema. ``draft``: what an outer default says of it."""
        self.made += 1
        node, rest, nullable = alternatives(self.root, sub)
        # of two fields of one class the key says which is which, the class's name does not
        own = words(sub, "title") if isinstance(sub, Mapping) else ""
        label = own or name.replace("_", " ").strip().capitalize() or words(node, "title")
        base = FormField(
            name=name,
            label=label[:LABEL_CAP],
            kind="json",
            required=required,
            default=node.get("default", MISSING) if draft is MISSING else draft,
            description=words(node, "description"),
            nullable=nullable,
        )
        if found := flat(base, node, rest):
            return found
        if len(rest) == 1 and (is_secret(rest[0]) or rest[0].get("x-file")):
            return _secret(base, rest[0]) if is_secret(rest[0]) else _file(base, rest[0])
        if depth < NESTED_CAP and self.made < FIELDS_CAP:
            nested = self._one(base, rest[0], depth) if len(rest) == 1 else self._union(base, node, rest, depth)
            if nested is not None:
                return nested
        if secret_inside(self.root, dict(node)):  # typed as JSON, but where nobody sees it
            hint = "JSON; it holds secrets and is not shown"
            return replace(base, kind="secret", default=MISSING, means_json=True, hint=hint)
        return _as_json(base, {str(branch.get("type") or "") for branch in rest})

    def members(
        self, node: Node, depth: int, drafts: Any = MISSING, tag: str | None = None
    ) -> tuple[tuple[FormField, ...], tuple[tuple[str, Any], ...]]:
        """The fields of an object, and the keys that are none because they have one value only."""
        required, fields, fixed = node.get("required", ()), [], []
        for name, sub in node["properties"].items():
            known = resolve(self.root, sub)
            if "const" in known and (known.get("x-fixed") or name == tag):
                fixed.append((name, known["const"]))
                continue
            draft = drafts[name] if isinstance(drafts, Mapping) and name in drafts else MISSING
            fields.append(self.field(name, sub, name in required, depth, draft))
        return tuple(fields), tuple(fixed)

    def _one(self, base: FormField, node: Node, depth: int) -> FormField | None:
        """An object or a list; None for what is neither, or is open for keys that no field stands for."""
        if node.get("type", "object") == "object" and isinstance(node.get("properties"), Mapping):
            return None if node.get("patternProperties") else self._object(base, node, depth)
        if node.get("type") == "array" and (first := _places(node)):
            drafts = base.default if isinstance(base.default, list) else []
            given = [*drafts, *[MISSING] * len(first)]
            own = [self.field(str(n), each, True, depth + 1, given[n]) for n, each in enumerate(first)]
            return replace(base, kind="object", fields=tuple(own), positional=True)
        items = node.get("items")
        if node.get("type") != "array" or not isinstance(items, Mapping) or not items or node.get("prefixItems"):
            return None
        low, high = node.get("minItems"), node.get("maxItems")
        sized = replace(base, shortest=int(low or 0), longest=None if high is None else int(high))
        choices = options_of(resolve(self.root, items))
        if choices:
            return replace(sized, kind="choices", options=tuple(choices), hint=_how_many(node, "choices"))
        item = self.field("", items, True, depth + 1)
        if node.get("x-table") and item.kind == "object" and all(f.kind in _CELLS for f in item.fields):
            # an empty cell of a grid is an empty text: whoever edits another cell has not said anything about it
            cells = resolve(self.root, items)["properties"]
            columns = tuple(
                replace(f, takes_blank=f.kind == "text" and not f.nullable and not cells[f.name].get("minLength"))
                for f in item.fields
            )
            return replace(sized, kind="table", fields=columns, fixed=item.fixed, hint=_how_many(node, "rows"))
        return replace(sized, kind="list", item=item, hint=_how_many(node, "items"))

    def _object(self, base: FormField, node: Node, depth: int, tag: str | None = None) -> FormField:
        fields, fixed = self.members(node, depth + 1, base.default, tag)
        own = next(((key, value) for key, value in fixed if key == tag), None)
        return replace(base, kind="object", fields=fields, fixed=fixed, tag=own)

    def _union(self, base: FormField, node: Node, rest: Sequence[Node], depth: int) -> FormField | None:
        """A choice between alternatives; None where a person could not tell them apart, or an answer does not."""
        tag = tag_of(self.root, node, rest)
        variants = []
        for branch in rest:
            if tag is not None and isinstance(branch.get("properties"), Mapping):
                about = words(branch, "description")
                blank = FormField("", words(branch, "title"), "object", required=True, description=about)
                made = self._object(blank, branch, depth, tag)
            else:
                made = self.field("", branch, True, depth + 1)
            if made.kind == "json" and branch.get("type") != "object":
                return None
            variants.append(replace(made, label=labelled(made, branch)[:LABEL_CAP]))
        labels = [variant.label for variant in variants]
        if len(set(labels)) < len(labels):  # classes of one name: what tells them apart in an answer does it here too
            variants = [replace(v, label=f"{v.label} ({v.tag[1]})"[:LABEL_CAP]) if v.tag else v for v in variants]
            labels = [variant.label for variant in variants]
        if len(set(labels)) < len(labels) or (tag is None and _alike(variants)):
            return None
        return replace(base, kind="union", variants=tuple(variants))


def _places(node: Node) -> Sequence[Any]:
    """The schemas of the places of a list that has exactly so many."""
    first = node.get("prefixItems")
    if not isinstance(first, Sequence) or isinstance(first, str):
        return ()
    count = len(first)
    closed = node.get("items") is False or node.get("maxItems") == count
    return first if closed and node.get("minItems") == count else ()


def _alike(variants: Sequence[FormField]) -> bool:
    """Whether two of the objects have the same fields: an answer would not tell which one was chosen."""
    shapes = [frozenset(f.name for f in v.fields) for v in variants if v.kind == "object" and not v.fixed]
    return len(set(shapes)) < len(shapes)


def _secret(base: FormField, node: Node) -> FormField:
    low, high = node.get("minLength"), node.get("maxLength")
    return replace(base, kind="secret", default=MISSING, hint=_between(low, high, "characters"))


def _file(base: FormField, node: Node) -> FormField:
    accepts = tuple(str(a) for a in node.get("x-accepts", ()) if isinstance(a, str))
    size = node.get("x-largest", FILE_CAP)
    largest = size if isinstance(size, int) and size > 0 else FILE_CAP
    hint = f"{', '.join(accepts) or 'any file'}, at most {in_megabytes(largest)}"
    return replace(base, kind="file", default=MISSING, accepts=accepts, largest=largest, hint=hint)


def _how_many(node: Node, what: str) -> str:
    found = _between(node.get("minItems"), node.get("maxItems"), what)
    once = "no item twice" if node.get("uniqueItems") and what == "items" else ""
    return ", ".join(filter(None, (found, once)))


def _between(low: Any, high: Any, what: str) -> str:
    match (low or None, high):
        case (None, None):
            return ""
        case (None, most):
            return f"at most {in_digits(most)} {what}"
        case (least, None):
            one = what.removesuffix("s") if least == 1 else what
            return "" if least == 1 and what == "characters" else f"at least {in_digits(least)} {one}"
        case (least, most):
            return f"{in_digits(least)} to {in_digits(most)} {what}" if least != most else f"{in_digits(most)} {what}"


def _as_json(base: FormField, kinds: set[str]) -> FormField:
    text = bool(kinds & {"string", ""})
    said = {"array": "a JSON list", "object": "a JSON object"}
    only = said.get(next(iter(kinds))) if len(kinds) == 1 else None
    return replace(base, takes_text=text, hint="JSON, or plain text" if text else only or "JSON")
