"""Schemas of answers, and checking an answer: the `Checker` behind ``interrupt(..., response_schema=)``.

May not know widgets or savers. An answer is checked as JSON, in pydantic's strict mode with the class's own
validators, before anything is recorded; without the class (loaded from disk, before its cell ran) against the
stored JSON Schema. pydantic is imported on first use, so that ``import nbhitl`` stays light.

Two things are stricter than pydantic's default: a key that is no field is refused unless the class says what
to do with extra keys (a misspelt field with a default would be lost in silence), and a date has to look like
one (pydantic reads "1700000000" as a moment).

This file is longer than the house likes: the law for live classes and the one for stored schemas stand side
by side so that they say the same in the same words.
"""

from __future__ import annotations

import json
import math
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import nbhitl.run.fields as fields
from nbhitl.engine.errors import AnswerRefused, Problem, SchemaError, did_you_mean
from nbhitl.run.fields import FormModel, branches, resolve

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

ACCEPTED: Final = (
    "Accepted are a pydantic model, a dataclass, a TypedDict, an Enum, Literal[...], bool, int, float, str, "
    "a date or time, lists and Optional of these, Annotated[int, Field(ge=0, le=9)], a JSON Schema dict, "
    "or None."
)
DEEPEST: Final = 100
"""Levels of lists and objects in an answer."""
Path = tuple[str | int, ...]


class SchemaChecker:
    """The `nbhitl.engine.ports.Checker` for everything that `ACCEPTED` names. Holds nothing."""

    def describe(self, schema: Any) -> Mapping[str, Any]:
        """The JSON Schema of a live schema (of None: ``{}``, anything). The same schema gives the same dict.

        Raises:
            SchemaError: a kind that cannot be shown, a secret, or a JSON Schema that cannot be checked.
        """
        if schema is None:
            return {}
        if isinstance(schema, Mapping):
            return _well_formed(schema)
        described = _json_schema(schema)
        for node in _nodes(described):
            if node.get("format") == "password" and node.get("writeOnly"):
                raise SchemaError(
                    f"{_shown(schema)} has a secret field, and an answer is stored in clear. Ask for secrets "
                    "inside the node (getpass), or read them from the environment."
                )
            if any(isinstance(value, list | dict) for value in node.get("enum", ())):
                raise SchemaError(f"{_shown(schema)}: an Enum's values must be text, numbers or booleans.")
        return described

    def name(self, schema: Any) -> str | None:
        """The name of a class at the top of its module or notebook; None for local and built-in ones."""
        name = getattr(schema, "__qualname__", "") if isinstance(schema, type) else ""
        if type(schema).__name__ == "TypeAliasType":
            name = schema.__name__
        builtin = getattr(schema, "__module__", "") == "builtins" or typing.get_origin(schema) is not None
        return None if not name or builtin or "<locals>" in name else str(name)

    def check(self, schema: Any, answer: Any) -> Any:
        """The answer as plain data (JSON types), with the class's defaults filled in.

        Without a schema every value passes unchanged. An instance of the class (or a value made of such) is
        taken for its content.

        Raises:
            AnswerRefused: one problem for each wrong field.
            SchemaError: the schema itself cannot be used.
        """
        if schema is None or (isinstance(schema, Mapping) and not schema):
            _refuse([Problem("", text) for text in _unstorable(answer)])
            return answer
        if isinstance(schema, Mapping):
            root, plain = _well_formed(schema), _plain(answer)
            _refuse(_violations(root, root, plain, ()))
            return plain
        adapter = _adapter(schema)
        plain = _plain(answer, adapter)
        extra = list(_violations(described := _json_schema(schema), described, plain, (), live=True))
        typed, wrong = _validated(adapter, schema, plain)
        _refuse([*wrong, *extra])
        return _settled(adapter, typed, plain)

    def build(self, schema: Any, plain: Any) -> Any:
        """What ``interrupt()`` returns: an instance of a live schema's class; otherwise ``plain`` itself.

        Raises:
            AnswerRefused: the data does not fit the class (as it is now).
        """
        if schema is None or isinstance(schema, Mapping):
            return plain
        typed, wrong = _validated(_adapter(schema), schema, plain)
        _refuse(wrong)
        return typed

    def form_model(self, schema: Any) -> FormModel:
        """The form for a schema, live or stored."""
        return fields.form_model(self.describe(schema))

    def take(self, schema: Any, raw: Mapping[str, Any]) -> Any:
        """The checked plain answer from a form's raw values (`nbhitl.run.fields.collect`).

        Raises:
            AnswerRefused: every wrong field at once, those that cannot be read and those that do not fit.
        """
        answer, unread = fields.gather(self.form_model(schema), raw)
        if not unread:
            return self.check(schema, answer)
        known = {problem.field for problem in unread}
        try:
            if "" not in known:
                self.check(schema, answer)
        except AnswerRefused as refused:
            unread += [p for p in refused.problems if p.field not in known]
        raise AnswerRefused(unread)


def form_model(schema: Any) -> FormModel:
    """The form for a schema, live or stored. Raises `SchemaError` for what cannot be shown."""
    return SchemaChecker().form_model(schema)


def _refuse(problems: Iterator[Problem] | list[Problem]) -> None:
    merged: dict[str, list[str]] = {}
    for problem in problems:
        said = merged.setdefault(problem.field, [])
        if problem.message not in said:
            said.append(problem.message)
    if merged:
        raise AnswerRefused([Problem(field, " or ".join(said)[:1_000]) for field, said in merged.items()])


# ------------------------------------------------------------------------------------------ plain data


@dataclass(slots=True)
class _Foreign(Exception):
    """A value that is no JSON type."""

    where: Path
    value: Any


def _plain(answer: Any, adapter: TypeAdapter[Any] | None = None) -> Any:
    """The answer in JSON types. Raises `AnswerRefused` for what JSON cannot carry."""
    problems: list[Problem] = []
    try:
        plain = _walk(answer, (), problems)
    except _Foreign as foreign:
        plain = _dumped(adapter, answer)
        if plain is _Foreign:
            kind = type(foreign.value).__name__
            _refuse([Problem(_dotted(foreign.where), f"is a {kind}, which does not fit the question")])
        problems.clear()
        plain = _walk(plain, (), problems)
    _refuse(problems)
    return plain


def _dumped(adapter: TypeAdapter[Any] | None, answer: Any) -> Any:
    """What an instance of the class (or a list of such, ...) contains; `_Foreign` if it is none."""
    if adapter is None:
        return _Foreign
    try:
        typed = adapter.validate_python(answer, strict=True)
        return adapter.dump_python(typed, mode="json", by_alias=True, round_trip=True, warnings=False)
    except Exception:  # noqa: BLE001 - whatever the class's own code raises, the answer is not of this class
        return _Foreign


def _walk(value: Any, where: Path, problems: list[Problem]) -> Any:
    if len(where) > DEEPEST:
        raise AnswerRefused([Problem(str(where[0]), f"is nested more than {DEEPEST} levels deep")])
    if isinstance(value, Enum):
        value = value.value
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()
    match value:
        case None | bool() | int():
            return value if value is None or isinstance(value, bool) else int(value)
        case float():
            if not math.isfinite(value):
                problems.append(Problem(_dotted(where), "must be a finite number"))
            return float(value)
        case str():
            problems += [Problem(_dotted(where), text) for text in _text_faults(value)]
            return str(value)
        case list() | tuple():
            return [_walk(item, (*where, i), problems) for i, item in enumerate(value)]
        case dict() if all(isinstance(key, str) for key in value):
            for key in value:
                problems += [Problem(_dotted(where), f"has a key that {text}") for text in _text_faults(key)]
            return {str(key): _walk(item, (*where, key), problems) for key, item in value.items()}
        case _:
            raise _Foreign(where, value)


def _text_faults(text: str) -> Iterator[str]:
    if len(text) > fields.TEXT_CAP:
        yield f"is too long: {len(text):,} characters, at most {fields.TEXT_CAP:,} are taken"
    elif not _encodable(text):
        yield "holds half of a character (a lone surrogate), which cannot be stored: delete it"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unstorable(value: Any, depth: int = 0) -> Iterator[str]:
    """Faults of an answer without a schema: only what no saver could keep, wherever text stands."""
    match value:
        case str() if not _encodable(value):
            yield "holds half of a character (a lone surrogate), which cannot be stored: delete it"
        case list() | tuple() if depth < DEEPEST:
            for item in value:
                yield from _unstorable(item, depth + 1)
        case dict() if depth < DEEPEST:
            for key, item in value.items():
                yield from _unstorable(key, depth + 1)
                yield from _unstorable(item, depth + 1)
        case _:
            pass


# ------------------------------------------------------------------------------------------ live classes


def _adapter(schema: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    typed = isinstance(schema, type) or typing.get_origin(schema) is not None or schema is Any
    if not typed and type(schema).__module__ not in ("typing", "typing_extensions"):
        cure = " Give the class itself, not an instance." if hasattr(schema, "__dataclass_fields__") else ""
        cure = cure or (" Give the class itself, not an instance." if hasattr(schema, "model_dump") else "")
        raise SchemaError(f"{_shown(schema)} cannot be asked for.{cure} {ACCEPTED}")
    try:
        return TypeAdapter(_modern(schema))
    except (PydanticUserError, NameError, TypeError) as wrong:
        reason = str(wrong).split("\n")[0]
        raise SchemaError(f"{_shown(schema)} cannot be asked for: {reason} {ACCEPTED}") from wrong


def _json_schema(schema: Any) -> dict[str, Any]:
    from pydantic.errors import PydanticUserError

    try:
        found = _adapter(schema).json_schema(schema_generator=_generator())
        return _understood(dict(json.loads(json.dumps(found, allow_nan=False))))
    except (PydanticUserError, ValueError, TypeError) as wrong:
        if isinstance(wrong, SchemaError):
            raise
        reason = str(wrong).split("\n")[0]
        raise SchemaError(f"{_shown(schema)} cannot be asked for: {reason} {ACCEPTED}") from wrong


def _shown(schema: Any) -> str:
    kind = "the " + type(schema).__name__
    match schema:
        case type():
            return f"the class {schema.__qualname__}"
        case types.FunctionType() | types.BuiltinFunctionType() | types.ModuleType():
            return f"{kind} {schema.__name__}"
        case _:
            return f"{kind} {repr(schema)[:80]}"


def _modern(schema: Any) -> Any:
    """``schema`` with `typing.TypedDict` classes rebuilt: pydantic refuses these before Python 3.12."""
    if sys.version_info >= (3, 12):
        return schema
    import typing_extensions as ext

    if ext.is_typeddict(schema) and type(schema).__module__ == "typing":
        hints = typing.get_type_hints(schema, include_extras=True)
        keys = {name: _modern(hint) for name, hint in hints.items()}
        marked = (ext.Required, ext.NotRequired)
        for name, hint in keys.items():
            if typing.get_origin(hint) not in marked and name not in schema.__required_keys__:
                keys[name] = ext.NotRequired[hint]
        made: Any = ext.TypedDict(schema.__name__, keys)  # type: ignore[misc]
        for key in ("__module__", "__doc__", "__qualname__"):
            setattr(made, key, getattr(schema, key))
        if hasattr(schema, "__pydantic_config__"):
            setattr(made, "__pydantic_config__", schema.__pydantic_config__)  # noqa: B010 - mypy: made here
        return made
    arguments = typing.get_args(schema)
    changed = tuple(_modern(a) if not isinstance(a, list) else a for a in arguments)
    if all(new is old for new, old in zip(changed, arguments, strict=True)):
        return schema
    if isinstance(schema, types.UnionType):
        return typing.Union[changed]  # noqa: UP007 - built from a tuple
    if typing.get_origin(schema) is typing.Annotated:
        return typing.Annotated[(_modern(schema.__origin__), *schema.__metadata__)]
    return schema.copy_with(changed) if hasattr(schema, "copy_with") else typing.get_origin(schema)[changed]


@lru_cache(maxsize=1)
def _generator() -> Any:
    from pydantic.json_schema import GenerateJsonSchema

    class Generator(GenerateJsonSchema):
        """Closes objects whose class says nothing of other keys; marks decimals and aware datetimes."""

        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - the base's

        def model_schema(self, schema: Any) -> dict[str, Any]:
            return _closed(super().model_schema(schema), schema["cls"])

        def dataclass_schema(self, schema: Any) -> dict[str, Any]:
            return _closed(super().dataclass_schema(schema), schema["cls"])

        def typed_dict_schema(self, schema: Any) -> dict[str, Any]:
            return _closed(super().typed_dict_schema(schema), schema.get("cls"))

        def decimal_schema(self, schema: Any) -> dict[str, Any]:
            return {**super().decimal_schema(schema), "x-decimal": True}

        def datetime_schema(self, schema: Any) -> dict[str, Any]:
            aware = {"x-timezone": "aware"} if schema.get("tz_constraint") == "aware" else {}
            return {**super().datetime_schema(schema), **aware}

    return Generator


def _closed(found: dict[str, Any], cls: Any) -> dict[str, Any]:
    config = getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    members = getattr(cls, "__pydantic_fields__", {}).values()
    other_names = any(not isinstance(getattr(f, "validation_alias", None), str | None) for f in members)
    validators = getattr(getattr(cls, "__pydantic_decorators__", None), "model_validators", {}).values()
    early = any(v.info.mode in ("before", "wrap") for v in validators)  # may accept keys of its own
    if "properties" in found and not (config.get("extra") or by_name or other_names or early):
        found.setdefault("additionalProperties", False)
    return found


def _validated(adapter: TypeAdapter[Any], schema: Any, plain: Any) -> tuple[Any, list[Problem]]:
    """The typed value, or what is wrong. The class's own code runs here: whatever it raises is a problem."""
    from pydantic import ValidationError
    from pydantic.errors import PydanticUserError

    try:
        data = json.dumps(plain, ensure_ascii=False, allow_nan=False).encode()
        return adapter.validate_json(data, strict=True), []
    except ValidationError as refused:
        return None, [_problem(error, plain) for error in refused.errors(include_url=False)]
    except PydanticUserError as wrong:
        reason = str(wrong).split("\n")[0]
        raise SchemaError(f"{_shown(schema)} cannot be checked: {reason}") from wrong
    except Exception as broken:  # noqa: BLE001 - a stranger's code
        said = f"{type(broken).__name__}: {broken}" if str(broken) else type(broken).__name__
        return None, [Problem("", f"could not be checked, a validator of {_shown(schema)} raised {said}")]


def _settled(adapter: TypeAdapter[Any], typed: Any, plain: Any) -> Any:
    """What to record: the typed value's content where that builds the same value again, else what was given.

    So defaults (of a clock, of a random id) are fixed with the answer: the same each time a body runs.
    """
    try:
        data = adapter.dump_json(typed, by_alias=True, round_trip=True, warnings=False)
        if adapter.validate_json(data, strict=True) == typed:
            return json.loads(data)
    except Exception:  # noqa: BLE001, S110 - a one-way serializer, a validator that changes what it reads
        pass
    return plain


def _problem(error: ErrorDetails, plain: Any) -> Problem:
    where: list[str | int] = []
    at: Any = plain
    for i, step in enumerate(error["loc"]):
        # steps that lead nowhere are pydantic's names for the branches of a union
        inside = step in at if isinstance(at, dict) else isinstance(at, list) and step in range(len(at))
        if inside:
            at = at[step]
            where.append(step)
        elif error["type"] == "missing" and i == len(error["loc"]) - 1:
            where.append(step)
    return Problem(_dotted(tuple(where)), _in_words(error))


def _in_words(error: ErrorDetails) -> str:
    ctx = error.get("ctx", {})
    kind = error["type"]
    for key, start in _BOUNDS.items():
        if key in ctx and kind.startswith(("greater", "less", "multiple", "string_too", "too_")):
            unit = {"string": " characters", "too": " items"}.get(kind.split("_")[0], "")
            verb = "must have" if unit else "must be"
            return f"{verb} {start} {_number(ctx[key])}{unit if ctx[key] != 1 else unit[:-1]}"
    if kind in ("value_error", "assertion_error"):
        return str(ctx.get("error", "")) or "is not accepted"
    if kind in ("literal_error", "enum"):
        return f"must be {ctx.get('expected', 'one of the choices')}"[:500]
    if kind in _KINDS:
        return _KINDS[kind]
    if kind.startswith(("date", "time")):
        return _KINDS[next(k for k in ("datetime", "date", "time_delta", "time") if kind.startswith(k))]
    return re.sub(r"^(Input|Value|[A-Z]\w+) should ", "must ", error["msg"])


def _number(bound: Any) -> str:
    return fields.in_digits(bound) if isinstance(bound, int | float) else str(bound)


_BOUNDS: Final = {
    "ge": "at least", "le": "at most", "gt": "more than", "lt": "less than", "multiple_of": "a multiple of",
    "min_length": "at least", "max_length": "at most",
}  # fmt: skip
_KINDS: Final = {
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
    "dict_type": "must be an object",
    "model_type": "must be an object with named fields",
    "dataclass_type": "must be an object with named fields",
    "date": "must be a date such as 2024-03-31",
    "datetime": "must be a date and time such as 2024-03-31T14:30:00",
    "timezone_aware": "must have a time zone, such as 2024-03-31T14:30:00+02:00",
    "timezone_naive": "must have no time zone, such as 2024-03-31T14:30:00",
    "time": "must be a time such as 14:30:00",
    "time_delta": "must be a duration such as P1DT2H30M",
}


def _dotted(where: Path) -> str:
    return ".".join(str(step) for step in where)


# ------------------------------------------------------------------------------------------ stored schemas

_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
    "null": lambda v: v is None,
}
_TYPE_WORDS: Final = {
    "string": "text", "boolean": "true or false", "integer": "a whole number", "number": "a number",
    "array": "a list", "object": "an object with named fields", "null": "null",
}  # fmt: skip


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict | bool)


_SIZES: Final = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_LIMITS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SHAPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    **dict.fromkeys((*_SIZES, *_LIMITS), _TYPES["number"]),
    **dict.fromkeys(("$defs", "definitions", "properties", "patternProperties"), _TYPES["object"]),
    **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems", "required", "enum"), _TYPES["array"]),
    **dict.fromkeys(("items", "additionalProperties", "propertyNames", "not"), _is_schema),
    "type": lambda v: all(isinstance(t, str) and t in _TYPES for t in (v if isinstance(v, list) else [v])),
    "pattern": _TYPES["string"],
    "$ref": lambda v: isinstance(v, str) and v.startswith("#"),
    "uniqueItems": _TYPES["boolean"],
    "const": lambda _: True,
}
_NOTES: Final = frozenset({
    "$schema", "$id", "$comment", "$anchor", "title", "description", "default", "examples", "deprecated",
    "readOnly", "writeOnly", "format", "contentEncoding", "contentMediaType", "discriminator", "example",
})  # fmt: skip
_ZONE: Final = re.compile(r"([Zz]|[+-]\d\d:?\d\d)$")
_ISO_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


def _well_formed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema of which every word is understood, as a copy. An unknown word would go unchecked."""
    try:
        found: dict[str, Any] = json.loads(json.dumps(dict(schema), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as wrong:
        raise SchemaError(f"this dict is no JSON Schema: {wrong}. {ACCEPTED}") from wrong
    for node in _nodes(found):
        for word, value in node.items():
            if word in _NOTES or word.startswith("x-"):
                continue
            if word not in _SHAPES:
                raise SchemaError(
                    f"the JSON Schema says {word!r}, which is not checked here.{did_you_mean(word, _SHAPES)}"
                )
            if not _SHAPES[word](value):
                hint = " (only references inside the schema, '#/...')" if word == "$ref" else ""
                raise SchemaError(f"the JSON Schema is wrong: {word!r} cannot be {value!r:.80}{hint}.")
    return found


def _understood(found: dict[str, Any]) -> dict[str, Any]:
    """Without the words that a class adds for others (``json_schema_extra``): so that it can be checked."""
    for node in list(_nodes(found)):
        for word in [w for w in node if not (w in _NOTES or w in _SHAPES or w.startswith("x-"))]:
            del node[word]
    return found


def _nodes(node: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema, itself included."""
    if not isinstance(node, dict) or depth > DEEPEST:
        return
    yield node
    for word in ("items", "additionalProperties", "propertyNames", "not"):
        yield from _nodes(node.get(word), depth + 1)
    for word in ("properties", "patternProperties", "$defs", "definitions"):
        subs = node.get(word)
        for sub in subs.values() if isinstance(subs, Mapping) else ():
            yield from _nodes(sub, depth + 1)
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for sub in node.get(word, ()) if isinstance(node.get(word), list) else ():
            yield from _nodes(sub, depth + 1)


def _violations(root: Any, sub: Any, value: Any, where: Path, *, live: bool = False) -> Iterator[Problem]:
    """What is wrong with ``value``. ``live``: only what pydantic lets pass (see the module's docstring)."""
    if sub is False:
        yield Problem(_dotted(where), "is not a field of this answer")
        return
    node = resolve(root, sub)
    rest, nullable = branches(root, node)
    if nullable and value is None:
        return
    if len(rest) == 1 and (nullable or rest[0] is not node):
        yield from _violations(root, rest[0], value, where, live=live)
        return
    here = _dotted(where)
    if not live:
        if len(rest) > 1:
            yield from _none_of(root, node, rest, value, where)
        elif (words := _wrong_kind(node, value)) is not None:
            yield Problem(here, words)
            return
        yield from (Problem(here, words) for words in _out_of_bounds(node, value))
        for part in node.get("allOf", ()):
            yield from _violations(root, part, value, where)
        if "not" in node and not list(_violations(root, node["not"], value, where)):
            yield Problem(here, "is one of the values that are ruled out")
    if isinstance(value, str) and (words := _ill_formed(node.get("format"), value)) is not None:
        yield Problem(here, words)
    elif isinstance(value, str) and node.get("x-timezone") == "aware" and not _ZONE.search(value):
        yield Problem(here, _KINDS["timezone_aware"])
    if isinstance(value, dict):
        yield from _members(root, node, value, where, live)
    if isinstance(value, list):
        yield from _items(root, node, value, where, live)


def _none_of(root: Any, node: Any, rest: list[Any], value: Any, where: Path) -> Iterator[Problem]:
    tried = [list(_violations(root, branch, value, where)) for branch in rest]
    fitting = sum(not problems for problems in tried)
    if fitting == 0:
        yield from min(tried, key=lambda ps: (ps[0].field == _dotted(where), len(ps))) if value else tried[0]
        yield from (p for problems in tried for p in problems[:1] if p.field == _dotted(where))
    elif fitting > 1 and "oneOf" in node:
        yield Problem(_dotted(where), f"fits {fitting} of the alternatives, must fit exactly one")


def _wrong_kind(node: Any, value: Any) -> str | None:
    choices = [node["const"]] if "const" in node else node.get("enum")
    if choices is not None and not any(_same(choice, value) for choice in choices):
        shown = [repr(c) if isinstance(c, str) else json.dumps(c) for c in choices[:20]]
        return "must be " + (", ".join(shown[:-1]) + " or " + shown[-1] if len(shown) > 1 else "".join(shown))
    kind = node.get("type")
    return f"must be {_TYPE_WORDS[kind]}" if kind in _TYPES and not _TYPES[kind](value) else None


def _same(one: Any, other: Any) -> bool:
    # True, 1 and 1.0 are three values
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _out_of_bounds(node: Any, value: Any) -> Iterator[str]:
    def wrong(word: str, test: Callable[[Any], bool], text: str) -> Iterator[str]:
        if word in node and not test(node[word]):
            yield text.format(_number(node[word]))

    if _TYPES["number"](value):
        yield from wrong("minimum", lambda b: bool(value >= b), "must be at least {}")
        yield from wrong("maximum", lambda b: bool(value <= b), "must be at most {}")
        yield from wrong("exclusiveMinimum", lambda b: bool(value > b), "must be more than {}")
        yield from wrong("exclusiveMaximum", lambda b: bool(value < b), "must be less than {}")
        yield from wrong("multipleOf", lambda b: _multiple(value, b), "must be a multiple of {}")
    sized = ((str, "Length", "characters"), (list, "Items", "items"), (dict, "Properties", "fields"))
    for kind, suffix, unit in sized:
        if isinstance(value, kind):
            yield from wrong(f"min{suffix}", lambda b: len(value) >= b, f"must have at least {{}} {unit}")
            yield from wrong(f"max{suffix}", lambda b: len(value) <= b, f"must have at most {{}} {unit}")
    if isinstance(value, str):
        yield from wrong("pattern", lambda p: _fits(p, value), "must match the pattern {}")
    unique = isinstance(value, list) and node.get("uniqueItems")
    if unique and len({json.dumps(item, sort_keys=True) for item in value}) < len(value):
        yield "must not hold the same item twice"


def _multiple(value: Any, step: Any) -> bool:
    if isinstance(value, int) and isinstance(step, int):
        return step == 0 or not value % step
    ratio = value / step if step else 0.0
    return bool(abs(ratio - round(ratio)) < 1e-9)


def _fits(pattern: str, text: str) -> bool:
    """By pydantic's own engine: linear time, and a stored pattern means what a live one does."""
    from pydantic import Field, TypeAdapter, ValidationError
    from pydantic_core import SchemaError as BadPattern

    try:
        TypeAdapter(typing.Annotated[str, Field(pattern=pattern)]).validate_python(text)
    except ValidationError:
        return False
    except BadPattern as wrong:
        raise SchemaError(f"the JSON Schema's pattern {pattern!r:.80} cannot be used: {wrong}") from wrong
    return True


def _ill_formed(name: Any, text: str) -> str | None:
    import datetime as dt
    import uuid

    kinds: dict[str, Any] = {"date": dt.date, "date-time": dt.datetime, "time": dt.time}
    kinds |= {"duration": dt.timedelta, "uuid": uuid.UUID}
    if name == "email":
        return None if re.fullmatch(r"[^@\s]+@[^@\s]+", text) else "must be an e-mail address"
    if name not in kinds:
        return None
    from pydantic import TypeAdapter, ValidationError

    words = {"date-time": "datetime", "duration": "time_delta"}.get(name, name)
    said = _KINDS.get(words, "must be a UUID")
    if name == "date-time" and not _ISO_MOMENT.match(text):
        return said
    try:
        TypeAdapter(kinds[name]).validate_json(json.dumps(text), strict=True)
    except ValidationError:
        return said
    return None


def _members(root: Any, node: Any, value: dict[str, Any], where: Path, live: bool) -> Iterator[Problem]:
    known: Mapping[str, Any] = node.get("properties", {})
    if not live:
        missing = [key for key in node.get("required", ()) if key not in value]
        yield from (Problem(_dotted((*where, key)), "is required") for key in missing)
    for key, item in value.items():
        subs = [known[key]] if key in known else []
        subs += [sub for pattern, sub in node.get("patternProperties", {}).items() if _fits(pattern, key)]
        other = node.get("additionalProperties", True)
        if not subs and other is False:
            hint = did_you_mean(key, known)
            yield Problem(_dotted((*where, key)), f"is not a field of this answer.{hint}")
        elif not subs and isinstance(other, Mapping):
            subs = [other]
        for sub in subs:
            yield from _violations(root, sub, item, (*where, key), live=live)
        names = {} if live else node.get("propertyNames", {})
        if list(_violations(root, names, key, where)):
            yield Problem(_dotted(where), f"has a key that is not allowed: {key!r:.80}")


def _items(root: Any, node: Any, value: list[Any], where: Path, live: bool) -> Iterator[Problem]:
    first = node.get("prefixItems", ())
    for i, item in enumerate(value):
        sub = first[i] if i < len(first) else node.get("items", True)
        yield from _violations(root, sub, item, (*where, i), live=live)
