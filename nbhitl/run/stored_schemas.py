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
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from nbhitl.engine.errors import Problem, SchemaError, did_you_mean
from nbhitl.run.subschemas import branches, resolve, tag_of
from nbhitl.run.uploads import file_faults
from nbhitl.run.vocabulary import TYPES
from nbhitl.run.wording import KINDS, Path, bound_text, dotted, one_of

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_TYPE_WORDS: Final = {
    "string": "text", "boolean": "true or false", "integer": "a whole number", "number": "a number",
    "array": "a list", "object": "an object with named fields", "null": "null",
}  # fmt: skip
_FORMATS: Final[Mapping[str, str]] = {
    "date": "date", "date-time": "datetime", "time": "time", "duration": "time_delta", "uri": "url",
    "ipv4": "ip_v4_address", "ipv6": "ip_v6_address", "ipvanyaddress": "ip_any_address",
    **dict.fromkeys(("uuid", "uuid1", "uuid3", "uuid4", "uuid5", "uuid6", "uuid7", "uuid8"), "uuid"),
}  # fmt: skip
"""Formats of text that are checked, and the words for what is none (a key of `KINDS`)."""
_ZONE: Final = re.compile(r"([Zz]|[+-]\d\d:?\d\d)$")
_LOOKS: Final[Mapping[str, re.Pattern[str]]] = {
    "date": re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII),
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII),
    "time": re.compile(r"\d\d:\d\d", re.ASCII),
}
"""What a date has to look like: pydantic reads "0" as a day, and "1700000000" as a moment."""


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
    if live and len(rest) > 1:
        yield from _in_none_of(root, node, rest, value, where)
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
    if node.get("x-file") and isinstance(value, dict):
        yield from (Problem(here, words) for words in file_faults(node, value))
    if isinstance(value, str) and (words := _ill_formed(node.get("format"), value)) is not None:
        yield Problem(here, words)
    elif isinstance(value, str) and node.get("x-timezone") == "aware" and not _ZONE.search(value):
        yield Problem(here, KINDS["timezone_aware"])
    if isinstance(value, dict):
        yield from _members(root, node, value, where, live)
    if isinstance(value, list):
        if node.get("uniqueItems") and len({json.dumps(item, sort_keys=True) for item in value}) < len(value):
            yield Problem(here, "must not hold the same item twice")
        yield from _items(root, node, value, where, live)


def _none_of(root: Any, node: Any, rest: list[Any], value: Any, where: Path) -> Iterator[Problem]:
    tag = tag_of(root, node, rest) if isinstance(value, dict) else None
    if tag is not None:
        allowed = [_values(root, branch, tag) for branch in rest]
        if tag not in value:
            yield Problem(dotted((*where, tag)), KINDS["missing"])
            return
        if all(allowed):
            fitting = [b for b, values in zip(rest, allowed, strict=True) if any(_same(v, value[tag]) for v in values)]
            if not fitting:
                said = one_of([v for values in allowed for v in values])
                yield Problem(dotted((*where, tag)), f"must be {said}")
                return
            rest = fitting
    tried = [list(violations(root, branch, value, where)) for branch in rest]
    fits = sum(not problems for problems in tried)
    if fits == 0:
        yield from min(tried, key=lambda ps: (ps[0].field == dotted(where), len(ps))) if value else tried[0]
        yield from (p for problems in tried for p in problems[:1] if p.field == dotted(where))
    elif fits > 1 and "oneOf" in node:
        yield Problem(dotted(where), f"fits {fits} of the alternatives, must fit exactly one")


def _in_none_of(root: Any, node: Any, rest: list[Any], value: Any, where: Path) -> Iterator[Problem]:
    """What pydantic lets pass in each of the alternatives that the value can be of; nothing where one takes it."""
    tag = tag_of(root, node, rest) if isinstance(value, dict) else None
    found: list[list[Problem]] = []
    for branch in rest:
        own = _values(root, branch, tag) if tag is not None else []
        if _wrong_kind(branch, value) or (own and not any(_same(v, value.get(tag)) for v in own)):
            continue
        problems = list(violations(root, branch, value, where, live=True))
        if not problems:
            return
        found.append(problems)
    if found:
        yield from min(found, key=len)


def _values(root: Any, branch: Any, tag: str) -> list[Any]:
    """The values that a key has in one alternative; none where it may have any."""
    known = branch.get("properties")
    member = resolve(root, known.get(tag)) if isinstance(known, Mapping) else {}
    return [member["const"]] if "const" in member else list(member.get("enum", ()))


def _wrong_kind(node: Any, value: Any) -> str | None:
    choices = [node["const"]] if "const" in node else node.get("enum")
    if choices is not None and not any(_same(choice, value) for choice in choices):
        return f"must be {one_of(choices)}"
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
            for word, least in ((f"min{suffix}", True), (f"max{suffix}", False)):
                named = unit[:-1] if node.get(word) == 1 else unit
                text = f"must have at {'least' if least else 'most'} {{}} {named}"
                size = len(value) if least else -len(value)
                yield from wrong(word, partial(_reaches, size, 1 if least else -1), text)
    if isinstance(value, str):
        yield from wrong("pattern", lambda p: _fits(p, value), "must match the pattern {}")


def _reaches(size: int, sign: int, bound: Any) -> bool:
    return bool(size >= sign * bound)


def _multiple(value: Any, step: Any) -> bool:
    if isinstance(value, int) and isinstance(step, int):
        return step == 0 or not value % step
    ratio = value / step if step else 0.0
    return bool(abs(ratio - round(ratio)) < 1e-9)


def _fits(pattern: str, text: str) -> bool:
    """By pydantic's own engine: linear time, and a stored pattern means what a live one does."""
    from pydantic import ValidationError
    from pydantic_core import SchemaError as BadPattern

    try:
        _pattern(pattern).validate_python(text)
    except ValidationError:
        return False
    except BadPattern as wrong:
        raise SchemaError(f"the JSON Schema's pattern {pattern!r:.80} cannot be used: {wrong}") from wrong
    return True


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> TypeAdapter[str]:
    from pydantic import Field, TypeAdapter

    return TypeAdapter(typing.Annotated[str, Field(pattern=pattern)])


def _ill_formed(name: Any, text: str) -> str | None:
    if name == "email":
        return None if re.fullmatch(r"[^@\s]+@[^@\s]+", text) else KINDS["email"]
    if not isinstance(name, str) or (kind := _FORMATS.get(name)) is None:
        return None
    from pydantic import ValidationError

    if name in _LOOKS and not _LOOKS[name].match(text):
        return KINDS[kind]
    try:
        _format(name).validate_json(json.dumps(text), strict=True)
    except ValidationError:
        return KINDS[kind]
    return None


@lru_cache(maxsize=64)
def _format(name: str) -> TypeAdapter[Any]:
    import datetime as dt
    import ipaddress
    import uuid

    import pydantic

    kinds: dict[str, Any] = {
        "date": dt.date, "date-time": dt.datetime, "time": dt.time, "duration": dt.timedelta, "uuid": uuid.UUID,
        "uri": pydantic.AnyUrl, "ipv4": ipaddress.IPv4Address, "ipv6": ipaddress.IPv6Address,
        "ipvanyaddress": pydantic.IPvAnyAddress,
    }  # fmt: skip
    return pydantic.TypeAdapter(kinds[name] if name in kinds else getattr(pydantic, name.upper()))


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
