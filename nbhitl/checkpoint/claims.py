"""Who wins when several people answer: one law for every saver. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbhitl.engine.errors import AlreadyAnsweredError, UnknownInterruptError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nbhitl.engine.records import Answered, Position


def check_claims(position: Position, answers: Sequence[Answered]) -> None:
    """Raise unless every answer names a question of ``position`` that has none yet.

    Raises `UnknownInterruptError` (naming the pending ones) or `AlreadyAnsweredError` (who, through what).
    """
    claim([q.id for qs in position.asked.values() for q in qs], position.answers, answers)


def claim(asked: Iterable[str], taken: Mapping[str, Answered], answers: Sequence[Answered]) -> None:
    """`check_claims` on ids: ``asked`` at the checkpoint, ``taken`` by an answer already."""
    known = list(asked)
    seen = dict(taken)
    for answer in answers:
        if answer.interrupt not in known:
            pending = [name for name in known if name not in taken]
            raise UnknownInterruptError(
                f"no question {answer.interrupt!r} was asked here."
                + (did_you_mean(answer.interrupt, pending) or " Nothing is pending: look at the thread again.")
            )
        first = seen.setdefault(answer.interrupt, answer)
        if first is not answer:
            who = f" by {first.by}" if first.by else ""
            through = f" through {first.via}" if first.via else ""
            raise AlreadyAnsweredError(
                f"question {answer.interrupt!r} was already answered{who}{through}: that answer is kept,"
                " yours was not recorded. To decide differently, fork the thread at that step.",
                first,
            )
