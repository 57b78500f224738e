"""`ask` and `ask_until`: a value of a type, and one that passes a check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from nbhitl.asking.question import Deadline, put, worded
from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.ids import digest
from nbhitl.engine.records import MISSING
from nbhitl.run.context import CURRENT, once
from nbhitl.run.drafts import bounded, drafted

T = TypeVar("T")


@overload
def ask(
    question: str,
    *,
    at_least: Any = None,
    at_most: Any = None,
    draft: Any = MISSING,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> str: ...


@overload
def ask(
    question: str,
    kind: type[T],
    *show: Any,
    at_least: Any = None,
    at_most: Any = None,
    draft: Any = MISSING,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> T: ...


@overload
def ask(
    question: str,
    kind: Any,
    *show: Any,
    at_least: Any = None,
    at_most: Any = None,
    draft: Any = MISSING,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> Any: ...


def ask(
    question: str,
    kind: Any = str,
    *show: Any,
    at_least: Any = None,
    at_most: Any = None,
    draft: Any = MISSING,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> Any:
    """Stop this node and ask a person for a value of a type.

    >>> def plan(state):
    ...     return {"guests": ask("How many guests?", int, at_least=1, at_most=9)}

    Args:
        question: what is asked, as text.
        kind: what an answer has to be: everything that `nbhitl.interrupt` takes as ``response_schema``.
        show: what is shown beside it.
        at_least: the least number or date; of text and lists the least length.
        at_most: the greatest.
        draft: what the form is filled in with; the person can change it.
        key: a name for this question, where what is shown differs between two runs of the body.
        deadline: when it is too late to answer; see `nbhitl.interrupt`.
        default: the answer that counts then.

    Returns:
        The answer, as an instance of ``kind``.

    Raises:
        SchemaError: ``kind`` cannot be asked for.
        NbhitlError: bounds for a type that has none.
    """
    schema = drafted(bounded(kind, at_least, at_most), draft)
    return put(worded("ask", question, show), schema, key, deadline, default)


@overload
def ask_until(
    question: str,
    *,
    check: Callable[[str], str | None],
    at_least: Any = None,
    at_most: Any = None,
    draft: Any = MISSING,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> str: ...


@overload
def ask_until(
    question: str,
    kind: type[T],
    *show: Any,
    check: Callable[[T], str | None],
    at_least: Any = None,
    at_most: Any = None,
    draft: Any = MISSING,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> T: ...


@overload
def ask_until(
    question: str,
    kind: Any,
    *show: Any,
    check: Callable[[Any], str | None],
    at_least: Any = None,
    at_most: Any = None,
    draft: Any = MISSING,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> Any: ...


def ask_until(
    question: str,
    kind: Any = str,
    *show: Any,
    check: Callable[[Any], str | None],
    at_least: Any = None,
    at_most: Any = None,
    draft: Any = MISSING,
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> Any:
    """Stop this node and ask until an answer passes ``check``; each time with the reason, and the last answer to mend.

    >>> def register(state):
    ...     taken = lambda name: "is taken already" if name in state["names"] else None
    ...     return {"names": [*state["names"], ask_until("Which name?", check=taken)]}

    Use it for what no schema can say. ``check`` is called once for each answer; what it said is kept with the thread,
    so that later runs of the body come to the same questions although the world has changed meanwhile.

    Args:
        question: what is asked, as text.
        kind: as in `ask`.
        show: as in `ask`.
        check: gets the answer; returns None when it will do, else the reason why not, as text.
        at_least: as in `ask`.
        at_most: as in `ask`.
        draft: what the first form is filled in with; later ones begin with the answer before.
        key: a name for the question; its second round is ``key (2)``.
        deadline: for each round; see `nbhitl.interrupt`.
        default: counts in each round when nobody answered in time; it has to pass the check, too.

    Returns:
        The first answer that passes.

    Raises:
        NbhitlError: ``check`` returned what is neither text nor None, or refused the default.
    """
    context, problem = CURRENT.get(), ""
    base = bounded(kind, at_least, at_most)
    number = 0
    while True:
        number += 1
        place = key if key is not None else f"question {context.calls if context is not None else 0}"
        named = None if key is None else key if number == 1 else f"{key} ({number})"
        schema = drafted(base, draft)
        answer = put(worded("ask_until", question, show, problem), schema, named, deadline, default)
        # The answer is part of the name: where it was given anew, on a fork, it is checked anew.
        problem = once(f"check {place} round {number} {digest(answer)}", _verdict, check, answer)
        if not problem:
            return answer
        if default is not MISSING and answer == default:
            raise NbhitlError(f"ask_until({question!r:.60}): check refuses the default {default!r:.40}: {problem}")
        draft = answer


def _verdict(check: Callable[[Any], str | None], answer: Any) -> str:
    found: Any = check(answer)
    if found is None or isinstance(found, str):
        return found or ""
    raise NbhitlError(
        f"ask_until(check=...) returned {found!r:.40}: return None when the answer will do, else the reason as text."
    )
