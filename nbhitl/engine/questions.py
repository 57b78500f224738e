"""What binds an answer to its question.

A question is known by its task, its place among the calls of that task's body, its schema and its value; or,
with an explicit ``key``, by the key. Line numbers play no part, so answers survive an edit that leaves these
alone, and a "yes" never moves to another question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbhitl.engine.errors import (
    EmptyInputError,
    QuestionChanged,
    UnknownInterruptError,
    did_you_mean,
)
from nbhitl.engine.ids import digest
from nbhitl.engine.records import EMPTY, MISSING, Asked


def binding(*, ordinal: int, key: str | None, value: Any, schema: Any) -> str:
    """What an answer is bound to: equal for the same call asking the same thing, in every process.

    ``schema`` is the JSON Schema (None without one), so that a live class and its stored form count as one.
    """
    if key is not None:
        return f"key {key}"
    return f"call {ordinal} {digest(value)} {digest(meant(schema))}"


def meant(schema: Any) -> Any:
    """A JSON Schema without the names that a form gives to values: who renames an Enum's members asks the same."""
    match schema:
        case Mapping():
            return {word: meant(part) for word, part in schema.items() if word != "x-names"}
        case list() | tuple():
            return [meant(part) for part in schema]
        case _:
            return schema


def anew(binding: str, again: int) -> str:
    """What the ``again``-th repetition of a question is bound to: it was answered, and the answer is forgotten."""
    return f"again {again} {binding}"


def check_change(asked: Sequence[Asked], question: Asked, node: str, *, edited: bool = False) -> None:
    """Let a call ask something else on a second run, but not on a third; as often as the code is ``edited`` meanwhile.

    Raises:
        QuestionChanged: the call has asked two other things already: its value differs with every run.
    """
    if question.key is not None:
        return
    others = [q for q in asked if not q.ns and q.key is None and q.ordinal == question.ordinal and q.id != question.id]
    if len(others) >= 2 and not edited:
        raise QuestionChanged(
            f"question {question.ordinal + 1} of node {node!r} was different each of the three times its body ran "
            f"({others[-2].value!r:.40}, {others[-1].value!r:.40}, {question.value!r:.40}), so no answer can be "
            "bound to it. Give it a name, interrupt(value, key='...'); or keep what changes with once(key, function), "
            "or compute it in an earlier node."
        )


def match_answers(pending: Sequence[Asked], resume: Any, superseded: Mapping[str, str] = EMPTY) -> dict[str, Any]:
    """``Command(resume=...)`` as ``{interrupt id: answer}``.

    A mapping whose keys all are ids of pending questions is an id map; any other value answers the one pending
    question. ``superseded`` are questions that are closed, with what took their place.

    Raises:
        EmptyInputError: nothing was given: no ``resume``, None or an empty mapping.
        UnknownInterruptError: an id that is not pending, a bare value for several questions, or no question.
    """
    ids = {q.id for q in pending}
    listing = "; ".join(f"{q.id} ({q.value!r:.60})" for q in pending)
    if resume is MISSING:
        raise EmptyInputError("Command() holds no answer: give resume=, or call with None to go on.")
    if resume is None or (isinstance(resume, Mapping) and not resume):
        raise EmptyInputError(
            f"Command(resume={resume!r}) is no answer. Open: {listing}. Give resume=<answer>; None itself as an "
            "answer is resume={id: None}."
            if pending
            else f"Command(resume={resume!r}) is no answer, and no question is open. Call with None to go on."
        )
    if not pending:
        raise UnknownInterruptError("there is no open question on this thread. Call with None to go on.")
    if isinstance(resume, Mapping) and resume and all(_looks_like_id(k) for k in resume):
        unknown = [k for k in resume if k not in ids]
        if unknown:
            raise UnknownInterruptError(
                f"no open question has the id {unknown[0]!r}{_why(unknown[0], superseded)}."
                f"{did_you_mean(unknown[0], ids)} Open: {listing}"
            )
        return dict(resume)
    if len(pending) == 1:
        return {pending[0].id: resume}
    raise UnknownInterruptError(
        f"{len(pending)} questions are open, so say which one is answered: resume={{id: answer}}. Open: {listing}"
    )


def _why(id: str, superseded: Mapping[str, str]) -> str:
    if id not in superseded:
        return ""
    by = superseded[id]
    return f": question {by} took its place" if by else ": it was closed by an edit of the state"


def _looks_like_id(key: object) -> bool:
    return isinstance(key, str) and len(key) == 16 and all(c in "0123456789abcdef" for c in key)
