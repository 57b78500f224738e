"""What became of a question: read off the positions of its thread, and said in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from nbhitl.engine.records import MISSING, Answered, Asked, Position
from nbhitl.words import plainly

Fate: TypeAlias = Literal["open", "answered", "expired", "superseded", "closed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a question stands. ``expired``: nobody answered in time; ``closed``: its thread went on without it."""

    fate: Fate
    answered: Answered | None = None
    """Its answer; of an expired one its default."""
    failed: bool = False
    """Of an expired one: there was no default, so its node failed."""
    successor: str = ""
    """The id of the question that took its place, if one did."""


def outcome_of(id: str, positions: Iterable[Position]) -> Outcome:
    """What became of a question; ``positions`` are those of its thread, where it stands now first."""
    for place, position in enumerate(positions):
        if place == 0 and any(question.id == id for question in position.pending):
            return Outcome("open")
        answered = position.answers.get(id)
        if answered is not None:
            if answered.via != "deadline":
                return Outcome("answered", answered)
            asked = [q for several in position.asked.values() for q in several if q.id == id]
            return Outcome("expired", answered, failed=any(q.default is MISSING for q in asked))
        if id in position.superseded:
            return Outcome("superseded", successor=position.superseded[id])
    return Outcome("closed")


_WAYS: Final = {
    "form": "a form",
    "magic": "%graph answer",
    "script": "scripted answers",
    "command line": "the command line",
}


def attribution(answered: Answered) -> str:
    """By whom (as claimed), through what and when: ``by kim through a form at 2024-03-31 14:30:00``."""
    who = f"by {answered.by} " if answered.by else ""
    way = f"through {_WAYS.get(answered.via, answered.via)} " if answered.via else ""
    return f"{who}{way}at {moment(answered.at)}"


def then(asked: Asked) -> str:
    """What happens to a question when its deadline has passed."""
    if asked.default is MISSING:
        return "the node fails"
    for option in (asked.described or {}).get("oneOf", ()):  # the words of the form, where it has words of its own
        if option.get("const") == asked.default and isinstance(option.get("title"), str):
            return str(option["title"])
    return plainly(asked.default) or "an empty text"


def moment(microseconds: int) -> str:
    """A time, in microseconds since 1970, as the wall clock of this machine shows it."""
    try:
        return f"{datetime.fromtimestamp(microseconds / 1e6).astimezone():%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):  # a clock gone mad, or a stranger's file
        return "an unknown time"


def told(outcome: Outcome, value: str) -> str:
    """What to say to somebody who still has the question before them; ``value`` is the answer in words."""
    answered = outcome.answered
    match outcome.fate:
        case "answered" if answered is not None:
            remark = f" ({answered.note})" if answered.note else ""
            return f"Answered elsewhere {attribution(answered)}: {value}{remark}"
        case "expired" if answered is not None and outcome.failed:
            return f"The time was up at {moment(answered.at)}: nobody answered in time, so the node failed."
        case "expired" if answered is not None:
            return f"The time was up at {moment(answered.at)}: the default {value} was taken."
        case "superseded" if outcome.successor:
            return "A newer question took its place."
        case "superseded":
            return "The state was edited, and this is not asked any more."
        case "open":
            return "Waits for an answer."
        case _:
            return "The run went on elsewhere without this answer."
