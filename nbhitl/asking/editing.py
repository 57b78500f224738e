"""`edit`: a person corrects a value, and gets back one of the same type."""

from __future__ import annotations

from collections.abc import Mapping
from types import GenericAlias
from typing import Any, TypedDict, TypeVar

from nbhitl.asking.frames import frame_from, frame_table, is_frame
from nbhitl.asking.question import Deadline, put, worded
from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import MISSING
from nbhitl.run.drafts import drafted

T = TypeVar("T")
_DEEPEST = 4
"""Levels of dicts that get fields of their own; below they are JSON."""


def edit(
    value: T,
    question: str = "Please correct",
    *show: Any,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> T:
    """Stop this node and let a person correct a value.

    >>> def polish(state):
    ...     return {"draft": edit(state["draft"], "Anything to mend?")}

    Args:
        value: text (a text area), a dict, an instance of a pydantic model or a dataclass (a form with its values), a
            list, a number, a date, or a frame of pandas or polars (a table: at most 1,000 rows).
        question: what is asked, as text.
        show: what is shown beside it.
        key: a name for this question, where the value differs between two runs of the body.
        deadline: when it is too late to answer; see `nbhitl.interrupt`.
        default: the value that counts then, e.g. ``value`` itself.

    Returns:
        The corrected value, of the same type. A dict keeps its keys, a frame its columns and their types; a frame's
        ``RangeIndex`` is made anew for its rows, and a named or labelled index is edited as a column and set again. A
        blank cell is a missing value where its column had some (a blank text too), else the empty text.

    Raises:
        NbhitlError: the value is of a kind that no form can show, or too large: the message says what to do.
        SchemaError: a class that cannot be asked for.
    """
    asked = worded("edit", question, show)
    if is_frame(value):
        schema, rows = frame_table(value)
        default = frame_table(default)[1] if is_frame(default) else default
        edited: T = frame_from(value, put(asked, drafted(schema, rows), key, deadline, default))
        return edited
    if isinstance(value, str):
        text = {"type": "string", "minLength": 0, "x-multiline": True}
        corrected: T = put(asked, drafted(text, value), key, deadline, default)
        return corrected
    found: T = put(asked, drafted(_type_of(value, "value", 0), value), key, deadline, default)
    return found


def _type_of(value: Any, where: str, depth: int) -> Any:
    """The type that a value's own look suggests, for a form that gives back one like it."""
    match value:
        case None:
            return Any
        case dict() if not value or depth >= _DEEPEST:
            return dict[str, Any]
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise NbhitlError(f"edit(): {where} has keys that are no text, and no form can show it: edit a part.")
            members: Any = {key: _type_of(item, f"{where}[{key!r}]", depth + 1) for key, item in value.items()}
            make: Any = TypedDict  # its keys are known only now
            return make("Value", members)
        case list():
            kinds = [_type_of(item, f"{where}[{n}]", depth + 1) for n, item in enumerate(value[:1])]
            alike = all(type(item) is type(value[0]) for item in value)
            alike = alike and not (isinstance(value[0] if value else None, Mapping) and len(set(map(tuple, value))) > 1)
            return GenericAlias(list, (kinds[0] if kinds and alike else Any,))  # list[...], of a type known only now
        case tuple() if type(value) is tuple:
            raise NbhitlError(f"edit(): {where} is a tuple, which no form can show: edit list(...) of it.")
        case _ if is_frame(value):
            raise NbhitlError(f"edit(): {where} is a frame inside another value: edit it by itself.")
        case _:
            return type(value)
