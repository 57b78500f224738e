"""Who wins when several people answer: one law for every saver. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbhitl.engine.errors import AlreadyAnsweredError, UnknownInterruptError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbhitl.engine.records import Answered, Position


def check_claims(position: Position, answers: Sequence[Answered]) -> None:
    """Raise unless every answer names a question of ``position`` that is open.

    Raises `UnknownInterruptError` (naming the pending ones) for what was never asked here or is no longer
    open, `AlreadyAnsweredError` (who, through what) for what has its answer.
    """
    open_ = {q.id: None for q in position.pending}
    seen = dict(position.answers)
    for answer in answers:
        id_ = answer.interrupt
        if id_ not in seen and id_ not in open_:
            raise UnknownInterruptError(_why_not(position, id_, list(open_)))
        first = seen.setdefault(id_, answer)
        if first is not answer:
            who = f" by {first.by}" if first.by else ""
            through = f" through {first.via}" if first.via else ""
            raise AlreadyAnsweredError(
                f"question {id_!r} was already answered{who}{through}: that answer is kept,"
                " yours was not recorded. To decide differently, fork the thread at that step.",
                first,
            )


def _why_not(position: Position, id_: str, open_: Sequence[str]) -> str:
    if not any(q.id == id_ for questions in position.asked.values() for q in questions):
        return f"no question {id_!r} was asked here." + (
            did_you_mean(id_, open_) or " Nothing is pending: look at the thread again."
        )
    after = f" Open: {', '.join(map(repr, open_))}." if open_ else " Nothing is pending: look at the thread again."
    if taken_by := position.superseded.get(id_):
        return f"question {id_!r} is no longer open: {taken_by!r} took its place.{after}"
    return f"question {id_!r} is no longer open: its task was done without an answer.{after}"
