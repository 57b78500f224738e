"""What is wrong with an answer by a JSON Schema: the law where the class is not at hand.

Says the same as `nbhitl.run.live_schemas` in the same words (`nbhitl.run.wording`), and finds what pydantic
lets pass although `nbhitl.run.answers` does not. Takes well-formed schemas only (`nbhitl.run.vocabulary`);
pydantic is used for patterns and dates, so that these mean what they mean in a class, and only when needed.
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from nbhitl.engine.errors import Problem, SchemaError, did_you_mean
from nbhitl.run.subschemas import branches, resolve
from nbhitl.run.vocabulary import TYPES
from nbhitl.run.wording import KINDS, Path, bound_text, dotted

_TYPE_WORDS: Final = {
    "string": "text", "boolean": "true or false", "integer": "a whole number", "number": "a number",
    "array": "a list", "object": "an object with named fields", "null": "null",
}  # fmt: skip
_ZONE: Final = re.compile(r"([Zz]|[+-]\d\d:?\d\d)$")
_ISO_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


def violations(root: Any, sub: Any, value: Any, where: Path, *, live: bool = False) -> Iterator[Problem]:
    """What is wrong with ``value``. ``live``: only what pydantic lets pass and `nbhitl.run.answers` does not."""
    if sub is False:
        yield Problem(dotted(where), "is not a field of this answer")
        return
    node = resolve(root, sub)
    rest, nullable = branches(root, node)
    if nullable and value is None:
        return
    if len(rest) == 1 and (nullable or rest[0] is not node):
        yield from violations(root, rest[0], value, where, live=live)
        return
    here = dotted(where)
    if not live:
        if len(rest) > 1:
            yield from _none_of(root, node, rest, value, where)
        elif (words := _wrong_kind(node, value)) is not None:
            yield Problem(here, words)
            return
        yield from (Problem(here, words) for words in _out_of_bounds(node, value))
        for part in node.get("allOf", ()):
            yield from violations(root, part, value, where)
        if "not" in node and not list(violations(root, node["not"], value, where)):
            yield Problem(here, "is one of the values that are ruled out")
    if isinstance(value, str) and (words := _ill_formed(node.get("format"), value)) is not None:
        yield Problem(here, words)
    elif isinstance(value, str) and node.get("x-timezone") == "aware" and not _ZONE.search(value):
        yield Problem(here, KINDS["timezone_aware"])
    if isinstance(value, dict):
        yield from _members(root, node, value, where, live)
    if isinstance(value, list):
        yield from _items(root, node, value, where, live)


def _none_of(root: Any, node: Any, rest: list[Any], value: Any, where: Path) -> Iterator[Problem]:
    tried = [list(violations(root, branch, value, where)) for branch in rest]
    fitting = sum(not problems for problems in tried)
    if fitting == 0:
        yield from min(tried, key=lambda ps: (ps[0].field == dotted(where), len(ps))) if value else tried[0]
        yield from (p for problems in tried for p in problems[:1] if p.field == dotted(where))
    elif fitting > 1 and "oneOf" in node:
        yield Problem(dotted(where), f"fits {fitting} of the alternatives, must fit exactly one")


def _wrong_kind(node: Any, value: Any) -> str | None:
    choices = [node["const"]] if "const" in node else node.get("enum")
    if choices is not None and not any(_same(choice, value) for choice in choices):
        shown = [repr(c) if isinstance(c, str) else json.dumps(c) for c in choices[:20]]
        return "must be " + (", ".join(shown[:-1]) + " or " + shown[-1] if len(shown) > 1 else "".join(shown))
    kind = node.get("type")
    return f"must be {_TYPE_WORDS[kind]}" if kind in TYPES and not TYPES[kind](value) else None


def _same(one: Any, other: Any) -> bool:
    # True, 1 and 1.0 are three values
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _out_of_bounds(node: Any, value: Any) -> Iterator[str]:
    def wrong(word: str, test: Callable[[Any], bool], text: str) -> Iterator[str]:
        if word in node and not test(node[word]):
            yield text.format(bound_text(node[word]))

    if TYPES["number"](value):
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
    said = KINDS.get(words, "must be a UUID")
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
        yield from (Problem(dotted((*where, key)), "is required") for key in missing)
    for key, item in value.items():
        subs = [known[key]] if key in known else []
        subs += [sub for pattern, sub in node.get("patternProperties", {}).items() if _fits(pattern, key)]
        other = node.get("additionalProperties", True)
        if not subs and other is False:
            hint = did_you_mean(key, known)
            yield Problem(dotted((*where, key)), f"is not a field of this answer.{hint}")
        elif not subs and isinstance(other, Mapping):
            subs = [other]
        for sub in subs:
            yield from violations(root, sub, item, (*where, key), live=live)
        names = {} if live else node.get("propertyNames", {})
        if list(violations(root, names, key, where)):
            yield Problem(dotted(where), f"has a key that is not allowed: {key!r:.80}")


def _items(root: Any, node: Any, value: list[Any], where: Path, live: bool) -> Iterator[Problem]:
    first = node.get("prefixItems", ())
    for i, item in enumerate(value):
        sub = first[i] if i < len(first) else node.get("items", True)
        yield from violations(root, sub, item, (*where, i), live=live)
