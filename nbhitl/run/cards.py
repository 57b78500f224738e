"""Payloads of LangChain's reviews of tool calls: which answer each of them expects, as a JSON Schema.

LangChain asks with a payload of known shape: ``HITLRequest`` (all calls of a turn), ``ToolApprovalRequest`` (one call)
and the older ``HumanInterrupt``. From the payload alone this makes the schema of the expected answer: for each call the
decisions that are allowed, with the call's arguments filled in for editing. Pure.

A form that is made of it gives exactly the shape that LangChain takes. Answers from code to a question without a
schema stay unchecked, as in LangGraph.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from nbhitl.engine.errors import SchemaError
from nbhitl.run.subschemas import subschemas
from nbhitl.run.vocabulary import understood, well_formed

Dialect: TypeAlias = Literal["decision", "response"]
"""How an answer is worded: LangChain's decisions, or the responses to a ``HumanInterrupt``."""
DECISIONS: Final = ("approve", "edit", "reject", "respond")
_RESPONSES: Final = {
    "allow_accept": "accept", "allow_edit": "edit", "allow_respond": "response", "allow_ignore": "ignore",
}  # fmt: skip
_DEEPEST: Final = 4
"""Levels of arguments that get fields of their own; below they are JSON."""


@dataclass(frozen=True, slots=True)
class Action:
    """A tool's call that waits for a person."""

    name: str
    args: Mapping[str, Any]
    description: str
    allowed: tuple[str, ...]
    """The types of decisions, in the order in which they are offered."""
    args_schema: Mapping[str, Any] | None = None
    dialect: Dialect = "decision"


def actions_of(value: Any) -> tuple[Action, ...] | None:
    """The calls that a payload asks about; None for what is no such payload."""
    try:
        return _actions(value)
    except _NoCard:
        return None


def card_schema(value: Any) -> dict[str, Any] | None:
    """The JSON Schema of the answer that a payload of LangChain expects; None for all other questions."""
    actions = actions_of(value)
    if not actions:
        return None
    taken: dict[str, int] = {}
    defs: dict[str, Any] = {}
    places = []
    for number, action in enumerate(actions):
        taken[action.name] = taken.get(action.name, 0) + 1
        more = f" ({taken[action.name]})" if taken[action.name] > 1 else ""
        places.append({"title": f"{action.name}{more}"[:80], **_decision(action, f"a{number}_", defs)})
    if isinstance(value, Mapping) and value.get("type") == "tool_approval":
        return {**places[0], **({"$defs": defs} if defs else {})}
    count = len(places)
    words = f"{count} tool calls wait" if count > 1 else "A tool call waits"
    several = {"type": "array", "prefixItems": places, "minItems": count, "maxItems": count}
    found: dict[str, Any] = {"description": f"{words} for your decision", **several}
    if actions[0].dialect == "decision":
        found = {
            "description": found["description"],
            "type": "object",
            "properties": {"decisions": {"title": "Decisions", **several}},
            "required": ["decisions"],
            "additionalProperties": False,
        }
    return {**found, **({"$defs": defs} if defs else {})}


# -- payloads


class _NoCard(Exception):
    """What looked like a payload is none."""


def _actions(value: Any) -> tuple[Action, ...]:
    match value:
        case {"action_requests": [_, *_] as requests, "review_configs": list(configs)}:
            return tuple(_requested(request, n, configs) for n, request in enumerate(requests))
        case {"type": "tool_approval", "name": str(name), "args": dict(args)}:
            return (Action(name, args, _text(value.get("description")), DECISIONS),)
        case {"action_request": dict(), "config": dict()}:
            return (_interrupted(value),)
        case [{"action_request": dict(), "config": dict()}, *_]:
            return tuple(_interrupted(item) for item in value)
        case _:
            raise _NoCard


def _requested(request: Any, number: int, configs: Sequence[Any]) -> Action:
    match request:
        case {"name": str(name), "args": dict(args)} | {"name": str(name), "arguments": dict(args)}:
            pass
        case _:
            raise _NoCard
    known = [config for config in configs if isinstance(config, Mapping)]
    own = next((config for config in known if config.get("action_name") == name), None)
    if own is None:
        own = known[number] if len(known) > number and "action_name" not in known[number] else {}
    listed = own.get("allowed_decisions", DECISIONS)
    if not isinstance(listed, list | tuple):
        raise _NoCard
    allowed = tuple(dict.fromkeys(d for d in listed if d in DECISIONS))
    if not allowed:
        raise _NoCard
    schema = own.get("args_schema")
    return Action(
        name, args, _text(request.get("description")), allowed, schema if isinstance(schema, Mapping) else None
    )


def _interrupted(item: Any) -> Action:
    match item:
        case {"action_request": {"action": str(name), "args": dict(args)}, "config": dict(config)}:
            allowed = tuple(word for key, word in _RESPONSES.items() if config.get(key))
            if allowed:
                return Action(name, args, _text(item.get("description")), allowed, dialect="response")
    raise _NoCard


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


# -- answers


def _decision(action: Action, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    variants = [_VARIANTS[action.dialect, kind](action, prefix, defs) for kind in action.allowed]
    if len(variants) == 1:
        return variants[0]
    return {"oneOf": variants, "discriminator": {"propertyName": "type"}}


def _object(kind: str, title: str, properties: Mapping[str, Any], required: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "title": title,
        "type": "object",
        "properties": {"type": _fixed(kind), **properties},
        "required": ["type", *required],
        "additionalProperties": False,
    }


def _fixed(value: Any) -> dict[str, Any]:
    """Said by the choice itself: part of the answer, and no field of a form."""
    return {"const": value, "x-fixed": True}


def _approve(action: Action, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    return _object("approve", "Approve", {})


def _edit(action: Action, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    return _object("edit", "Edit", {"edited_action": _edited(action, "name", prefix, defs)}, ["edited_action"])


def _reject(action: Action, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    return _object("reject", "Reject", {"message": _message("Reason", "What the model is told")})


def _respond(action: Action, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    said = _message("Response", "Takes the place of the tool's result; the tool is not called")
    return _object("respond", "Respond", {"message": said}, ["message"])


def _accept(action: Action, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    return _object("accept", "Accept", {"args": _fixed(None)}, ["args"])


def _ignore(action: Action, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    return _object("ignore", "Ignore", {"args": _fixed(None)}, ["args"])


def _response(action: Action, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    return _object("response", "Respond", {"args": _message("Response", "")}, ["args"])


def _revise(action: Action, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    return _object("edit", "Edit", {"args": _edited(action, "action", prefix, defs)}, ["args"])


_Variant: TypeAlias = Callable[[Action, str, dict[str, Any]], dict[str, Any]]
_VARIANTS: Final[Mapping[tuple[Dialect, str], _Variant]] = {
    ("decision", "approve"): _approve,
    ("decision", "edit"): _edit,
    ("decision", "reject"): _reject,
    ("decision", "respond"): _respond,
    ("response", "accept"): _accept,
    ("response", "edit"): _revise,
    ("response", "response"): _response,
    ("response", "ignore"): _ignore,
}


def _message(title: str, description: str) -> dict[str, Any]:
    about = {"description": description} if description else {}
    return {"title": title, "type": "string", "x-multiline": True, **about}


def _edited(action: Action, name: str, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    """The call as it shall be made: of the same tool, its arguments filled in."""
    return {
        "title": "Call",
        "type": "object",
        "properties": {name: _fixed(action.name), "args": {"title": "Arguments", **_arguments(action, prefix, defs)}},
        "required": [name, "args"],
        "additionalProperties": False,
    }


def _arguments(action: Action, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    given = _own_schema(action, prefix, defs)
    if given is None:
        return _shape(dict(action.args), 0)
    members = given.get("properties")
    if isinstance(members, dict):
        for key, value in action.args.items():
            if key in members and isinstance(members[key], dict) and _is_json(value):
                members[key] = {**members[key], "default": value}
    return {key: word for key, word in given.items() if key not in ("title", "description")}


def _own_schema(action: Action, prefix: str, defs: dict[str, Any]) -> dict[str, Any] | None:
    """The tool's own schema of its arguments, its definitions moved to ``defs``; None without one that can be used."""
    if action.args_schema is None:
        return None
    try:
        given = well_formed(understood(json.loads(json.dumps(dict(action.args_schema), allow_nan=False))))
    except (SchemaError, TypeError, ValueError, RecursionError):
        return None
    inner: dict[str, Any] = {}
    for word in ("$defs", "definitions"):
        for name, sub in given.pop(word, {}).items():
            inner[f"#/{word}/{name}"] = sub
    moved = {old: f"{prefix}{old.rpartition('/')[2]}" for old in inner}
    for node in _all(given, inner):
        ref = node.get("$ref")
        if ref in moved:
            node["$ref"] = f"#/$defs/{moved[ref]}"
        elif ref is not None:
            return None  # to itself, or to a place that moves
    defs |= {moved[old]: sub for old, sub in inner.items()}
    return given if given.get("type", "object") == "object" else None


def _all(given: dict[str, Any], inner: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for root in (given, *inner.values()):
        yield from subschemas(root)


def _shape(value: Any, depth: int) -> dict[str, Any]:
    """The JSON Schema that a value's look suggests, with the value as default."""
    match value:
        case bool():
            return {"type": "boolean", "default": value}
        case int():
            return {"type": "integer", "default": value}
        case float() if _is_json(value):
            return {"type": "number", "default": value}
        case str():
            long = {"x-multiline": True} if "\n" in value or len(value) > 60 else {}
            return {"type": "string", "minLength": 0, "default": value, **long}
        case dict() if value and depth < _DEEPEST and all(isinstance(key, str) for key in value):
            return {"type": "object", "properties": {key: _shape(item, depth + 1) for key, item in value.items()}}
        case list() if value and _is_json(value) and len({type(item) for item in value}) == 1:
            item = _shape(value[0], depth + 1)
            if item.get("type") in ("string", "integer", "number", "boolean"):
                item = {key: word for key, word in item.items() if key != "default"}
                return {"type": "array", "items": item, "default": value}
    kind = "object" if isinstance(value, dict) else "array" if isinstance(value, list) else ""
    return {**({"type": kind} if kind else {}), **({"default": value} if _is_json(value) else {})}


def _is_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False
