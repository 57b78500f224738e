"""What all helpers of this room share: the value of a question, and how it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import MISSING
from nbhitl.run.context import interrupt

Deadline: TypeAlias = float | timedelta | datetime | None
"""When it is too late to answer: seconds from when it is asked, a timedelta, or a datetime; None: never."""


def worded(helper: str, question: str, show: Sequence[Any], problem: str = "") -> Any:
    """The value of a question: its text, or a dict where there is more than that."""
    if not isinstance(question, str) or not question.strip():
        raise NbhitlError(f"{helper}({question!r:.40}): give the question as text first, e.g. {helper}('Which one?').")
    if not show and not problem:
        return question
    value: dict[str, Any] = {"question": question}
    if problem:
        value["problem"] = problem
    if show:
        value["show"] = list(show)
    return value


def put(value: Any, schema: Any, key: str | None, deadline: Deadline, default: Any) -> Any:
    """Ask, and return the answer when the run goes on."""
    given = {} if default is MISSING else {"default": default}
    return interrupt(value, response_schema=schema, key=key, deadline=deadline, **given)
