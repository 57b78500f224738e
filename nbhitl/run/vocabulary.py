"""The words of JSON Schema that are understood, and refusing a schema that says others.

May not look at answers: what each word asks of them is checked in `nbhitl.run.stored_schemas`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from nbhitl.engine.errors import SchemaError, did_you_mean
from nbhitl.run.subschemas import subschemas
from nbhitl.run.wording import ACCEPTED

TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
    "null": lambda v: v is None,
}
"""By the name of a type, whether a value is of it."""


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict | bool)


_SIZES: Final = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_LIMITS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SHAPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    **dict.fromkeys((*_SIZES, *_LIMITS), TYPES["number"]),
    **dict.fromkeys(("$defs", "definitions", "properties", "patternProperties"), TYPES["object"]),
    **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems", "required", "enum"), TYPES["array"]),
    **dict.fromkeys(("items", "additionalProperties", "propertyNames", "not"), _is_schema),
    "type": lambda v: all(isinstance(t, str) and t in TYPES for t in (v if isinstance(v, list) else [v])),
    "pattern": TYPES["string"],
    "$ref": lambda v: isinstance(v, str) and v.startswith("#"),
    "uniqueItems": TYPES["boolean"],
    "const": lambda _: True,
    # words of our own that change what is accepted, or how a form reads it
    **dict.fromkeys(("x-secret", "x-file", "x-table"), TYPES["boolean"]),
    "x-largest": lambda v: TYPES["integer"](v) and v > 0,
    **dict.fromkeys(("x-accepts", "x-names"), lambda v: isinstance(v, list) and all(isinstance(i, str) for i in v)),
}
_NOTES: Final = frozenset({
    "$schema", "$id", "$comment", "$anchor", "title", "description", "default", "examples", "deprecated",
    "readOnly", "writeOnly", "format", "contentEncoding", "contentMediaType", "discriminator", "example",
})  # fmt: skip


def well_formed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema of which every word is understood, as a copy. An unknown word would go unchecked."""
    try:
        found: dict[str, Any] = json.loads(json.dumps(dict(schema), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as wrong:
        raise SchemaError(f"this dict is no JSON Schema: {wrong}. {ACCEPTED}") from wrong
    for node in subschemas(found):
        for word, value in node.items():
            if word in _NOTES or (word.startswith("x-") and word not in _SHAPES):
                continue
            if word not in _SHAPES:
                raise SchemaError(
                    f"the JSON Schema says {word!r}, which is not checked here.{did_you_mean(word, _SHAPES)}"
                )
            if not _SHAPES[word](value):
                hint = " (only references inside the schema, '#/...')" if word == "$ref" else ""
                raise SchemaError(f"the JSON Schema is wrong: {word!r} cannot be {value!r:.80}{hint}.")
    return found


def understood(found: dict[str, Any]) -> dict[str, Any]:
    """Without the words that a class adds for others (``json_schema_extra``): so that it can be checked."""
    for node in list(subschemas(found)):
        for word in [w for w in node if not (w in _NOTES or w in _SHAPES or w.startswith("x-"))]:
            del node[word]
    return found
