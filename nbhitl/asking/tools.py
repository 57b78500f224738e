"""`review_tools`: a person decides about the calls of tools that a model wants to make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

from nbhitl.asking.question import Deadline, put
from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.engine.records import MISSING
from nbhitl.run.answers import SchemaChecker
from nbhitl.run.cards import DECISIONS, card_schema


class EditedAction(TypedDict):
    """The call as it shall be made instead."""

    name: str
    args: dict[str, Any]


class Approve(TypedDict):
    """Make the call as it is."""

    type: Literal["approve"]


class Edit(TypedDict):
    """Make another call instead."""

    type: Literal["edit"]
    edited_action: EditedAction


class Reject(TypedDict):
    """Do not make the call, for this reason."""

    type: Literal["reject"]
    message: NotRequired[str]


class Respond(TypedDict):
    """Do not make the call; this is its result."""

    type: Literal["respond"]
    message: str


Decision: TypeAlias = Approve | Edit | Reject | Respond
"""What a person decided about one call, in LangChain's shape."""


def review_tools(
    tool_calls: Sequence[Mapping[str, Any]],
    *,
    allow: Sequence[str] | Mapping[str, Sequence[str]] = DECISIONS,
    args_schemas: Mapping[str, Any] | None = None,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> list[Decision]:
    """Stop this node and let a person decide about each of some tool calls.

    >>> def review(state):
    ...     calls = state["messages"][-1].tool_calls
    ...     decisions = review_tools(calls, allow=("approve", "reject"))
    ...     return {"calls": [c for c, d in zip(calls, decisions) if d["type"] == "approve"]}

    The question's value is LangChain's ``HITLRequest``, and so is the shape of the decisions.

    Args:
        tool_calls: dicts with ``name`` and ``args``, as chat messages carry them; ``description`` is shown, too.
        allow: what may be decided, of ``approve``, ``edit``, ``reject`` and ``respond``; or that for each tool's name.
        args_schemas: by the tool's name, what its arguments have to be when they are edited: a pydantic model, a
            TypedDict or a JSON Schema. Without one, the arguments themselves tell the fields of the form.
        key: a name for this question, where the calls differ between two runs of the body.
        deadline: when it is too late to answer; see `nbhitl.interrupt`.
        default: what counts then: a list of decisions, or one for all calls, e.g. ``{"type": "reject"}``.

    Returns:
        A decision for each call, in the same order: ``{"type": "approve"}``,
        ``{"type": "edit", "edited_action": {"name": ..., "args": {...}}}``, ``{"type": "reject", "message": ...}``
        (the reason may be left out) or ``{"type": "respond", "message": ...}``. Without calls nobody is asked.

    Raises:
        NbhitlError: a call without name or arguments, or a decision that there is not.
    """
    requests = [_request(call, number) for number, call in enumerate(tool_calls)]
    if not requests:
        return []
    configs = [_config(request["name"], allow, args_schemas or {}) for request in requests]
    value = {"action_requests": requests, "review_configs": configs}
    if default is not MISSING:
        decisions = [default] * len(requests) if isinstance(default, Mapping) and "type" in default else default
        default = decisions if isinstance(decisions, Mapping) else {"decisions": list(decisions)}
    found: list[Decision] = put(value, card_schema(value), key, deadline, default)["decisions"]
    return found


def _request(call: Mapping[str, Any], number: int) -> dict[str, Any]:
    match call:
        case {"name": str(name), "args": dict(args)}:
            about = call.get("description")
            return {"name": name, "args": args, **({"description": about} if isinstance(about, str) else {})}
        case _:
            raise NbhitlError(
                f"review_tools(): call {number + 1} is {call!r:.60}; a tool call is a dict with 'name' and 'args', "
                "e.g. {'name': 'send', 'args': {'to': 'Ann'}}."
            )


def _config(
    name: str, allow: Sequence[str] | Mapping[str, Sequence[str]], schemas: Mapping[str, Any]
) -> dict[str, Any]:
    allowed = allow.get(name, DECISIONS) if isinstance(allow, Mapping) else allow
    listed = [allowed] if isinstance(allowed, str) else list(allowed)
    wrong = next((word for word in listed if word not in DECISIONS), None)
    if wrong is not None or not listed:
        said = (
            f"there is no decision {wrong!r}.{did_you_mean(str(wrong), DECISIONS)}" if listed else "nothing is allowed."
        )
        raise NbhitlError(f"review_tools(): for {name!r} {said} Allowed are {', '.join(DECISIONS)}.")
    own = {"args_schema": dict(SchemaChecker().describe(schemas[name]))} if name in schemas else {}
    return {"action_name": name, "allowed_decisions": listed, **own}
