"""`choose`: one or several of some values, whatever these are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Literal, TypeVar, overload

from nbhitl.asking.question import Deadline, put, worded
from nbhitl.engine.errors import NbhitlError, SchemaError
from nbhitl.engine.records import MISSING

T = TypeVar("T")
_LABEL = 80
"""Characters of an object's own label."""


@overload  # before the other: a mapping is an iterable of its keys, too
def choose(
    question: str,
    options: Mapping[str, T],
    *show: Any,
    many: Literal[False] = False,
    at_least: int = 0,
    at_most: int | None = None,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> T: ...


@overload
def choose(
    question: str,
    options: Mapping[str, T],
    *show: Any,
    many: Literal[True],
    at_least: int = 0,
    at_most: int | None = None,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> list[T]: ...


@overload
def choose(
    question: str,
    options: Iterable[T],
    *show: Any,
    many: Literal[False] = False,
    at_least: int = 0,
    at_most: int | None = None,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> T: ...


@overload
def choose(
    question: str,
    options: Iterable[T],
    *show: Any,
    many: Literal[True],
    at_least: int = 0,
    at_most: int | None = None,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> list[T]: ...


def choose(
    question: str,
    options: Any,
    *show: Any,
    many: bool = False,
    at_least: int = 0,
    at_most: int | None = None,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> Any:
    """Stop this node and let a person choose.

    >>> def pick(state):
    ...     return {"model": choose("Which model?", {"small and quick": small, "large": large})}

    Args:
        question: what is asked, as text.
        options: values to choose from, or a mapping from what is shown for each to the value; or an Enum. Texts and
            numbers are recorded as they are, other values by their label (an Enum's member by its name, else the
            ``repr``), so labels have to be different.
        show: what is shown beside it.
        many: any number of them may be chosen.
        at_least: with ``many``, how many have to be.
        at_most: with ``many``, how many may be.
        key: a name for this question, where its options differ between two runs of the body.
        deadline: when it is too late to answer; see `nbhitl.interrupt`.
        default: the option (with ``many`` a list of options) that counts then.

    Returns:
        The very option that was chosen; with ``many`` a list of them.

    Raises:
        NbhitlError: there are no options, or two of the same label.
        SchemaError: the recorded answer is none of the options any more (they changed, and ``key`` did not).
    """
    known = _labelled(options)
    default = default if default is MISSING else _as_answer(known, default, many)
    allowed: dict[str, Any] = {"enum": list(known)}
    if many:
        allowed = {"type": "array", "items": allowed, "uniqueItems": True}
        allowed |= {"minItems": at_least} if at_least else {}
        allowed |= {"maxItems": at_most} if at_most is not None else {}
    elif at_least or at_most is not None:
        raise NbhitlError("choose(at_least=..., at_most=...) counts options: it needs many=True.")
    answer = put(worded("choose", question, show), allowed, key, deadline, default)
    chosen = answer if many else [answer]
    gone = [label for label in chosen if label not in known]
    if gone:
        raise SchemaError(
            f"choose({question!r:.60}): the recorded answer {gone[0]!r:.60} is none of the options any more. Make the "
            "options part of key=, or ask again on a fork."
        )
    return [known[label] for label in answer] if many else known[answer]


def _labelled(options: Any) -> dict[Any, Any]:
    """What is recorded for each option -> the option."""
    if isinstance(options, Mapping):
        named = list(options.items())
        wrong = next((label for label, _ in named if not isinstance(label, str)), None)
        if wrong is not None:
            raise NbhitlError(f"choose({{{wrong!r:.40}: ...}}): the labels of a mapping have to be text.")
    else:
        values = list(options)
        plain = all(type(value) in (str, int, float) for value in values)
        named = [(value if plain else _label(value), value) for value in values]
    if not named:
        raise NbhitlError("choose() has no options to choose from: give at least one, or do not ask.")
    found = dict(named)
    if len(found) < len(named):
        labels = [label for label, _ in named]
        twice = next(label for label in labels if labels.count(label) > 1)
        raise NbhitlError(
            f"choose() has two options that are both {twice!r:.60}, and nobody could tell them apart: give a mapping "
            "from labels to values."
        )
    return found


def _label(value: Any) -> str:
    if isinstance(value, Enum):
        return value.name
    text = value if isinstance(value, str) else " ".join(repr(value).split())
    if " at 0x" in text:
        raise NbhitlError(
            f"choose() cannot name the option {text:.60}, whose repr is another in each run: give a mapping from "
            "labels to values."
        )
    return text if len(text) <= _LABEL else text[: _LABEL - 1] + "\u2026"


def _as_answer(known: Mapping[Any, Any], default: Any, many: bool) -> Any:
    if many and not isinstance(default, list | tuple):
        raise NbhitlError(f"choose(many=True, default={default!r:.40}): give a list of options.")
    found = []
    for option in default if many else [default]:
        label = next((label for label, value in known.items() if value is option), None)
        label = label if label is not None else next((label for label, value in known.items() if value == option), None)
        if label is None:
            raise NbhitlError(f"choose(default={default!r:.40}): {option!r:.40} is none of the options.")
        found.append(label)
    return found if many else found[0]
