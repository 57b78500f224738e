"""What a thread remembers of how it went: its inputs, the answers it was given, the nodes that ran. Pure.

Read off the positions of one branch. Where a branch begins with a copy of a checkpoint, the copy counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.ids import digest
from nbhitl.engine.records import MISSING, START, Answered, Asked, Position
from nbhitl.run.vault import opened


@dataclass(frozen=True, slots=True)
class Recorded:
    """One answer: which node (a path of names) asked what, and what it was told."""

    node: str
    asked: Asked
    answered: Answered | None
    """None: it is open."""

    @property
    def value(self) -> Any:
        """The answer as plain data; `MISSING` where nobody answered, or a secret of it is forgotten."""
        if self.answered is None:
            return MISSING
        if self.answered.via == "deadline":
            return self.asked.default
        return opened(self.answered)


@dataclass(frozen=True, slots=True)
class Round:
    """What followed one input."""

    input: Any
    answers: tuple[Recorded, ...]
    """In the order in which they were asked; without those that are open."""
    path: tuple[str, ...]
    """The nodes that ran, in the order in which their writes were merged."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One branch of a thread, from its beginning."""

    rounds: tuple[Round, ...]
    edited: str = ""
    """Where somebody has edited the state by hand, in words; empty: nowhere."""

    @property
    def path(self) -> list[str]:
        """The nodes that ran on the branch."""
        return [node for one in self.rounds for node in one.path]

    def expect_unedited(self, what: str) -> None:
        """Raise `NbhitlError` when the branch was edited by hand: inputs and answers alone do not lead there again."""
        if self.edited:
            raise NbhitlError(
                f"{what}: the state was edited by hand {self.edited}, and only inputs and answers can be given again. "
                "Take a thread that ran without edits."
            )


def recording(branch: Iterable[Position], takes: str = "") -> Recording:
    """What the positions of a branch (newest first) tell; ``takes``: the key of an input that is one value."""
    rounds: list[Round] = []
    edited = ""
    for position, source in _genuine(branch):
        checkpoint = position.checkpoint
        if source == "input" or not rounds:
            rounds.append(Round(input_of(position, takes), (), ()))
            if source == "update":
                edited = edited or f"at step {checkpoint.step}"
        elif source == "update":
            edited = edited or f"at step {checkpoint.step}"
        last = rounds[-1]
        ran = tuple(node for node in checkpoint.ran if node != START) if source == "loop" else ()
        rounds[-1] = Round(last.input, (*last.answers, *_answers(position)), (*last.path, *ran))
    return Recording(tuple(rounds), edited)


def _genuine(branch: Iterable[Position]) -> list[tuple[Position, str]]:
    """The positions of a branch, oldest first, each with how it came about; copies in place of what they copy."""
    found: list[tuple[Position, str]] = []
    for position in reversed(list(branch)):
        source: str = position.checkpoint.source
        if source == "fork" and found and found[-1][0].checkpoint.id == position.checkpoint.parent:
            found[-1] = (position, found[-1][1])
        else:
            found.append((position, source))
    return found


def input_of(position: Position, takes: str = "") -> Any:
    """The input that a position has taken, as the caller gave it; ``takes``: see `recording`."""
    tasks = position.checkpoint.tasks
    if takes and tasks and tasks[0].node != START:  # of an entrypoint
        return position.checkpoint.values.get(takes)
    given = tasks[0].arg if tasks and tasks[0].arg is not MISSING else {}
    return given.get(takes, given) if takes and isinstance(given, Mapping) else given


def _answers(position: Position) -> tuple[Recorded, ...]:
    nodes = {task.id: task.node for task in position.checkpoint.tasks}
    asked = [question for several in position.asked.values() for question in several]
    return tuple(
        Recorded(question.node or nodes.get(question.task, ""), question, position.answers[question.id])
        for question in asked
        if question.id in position.answers
    )


def open_ones(position: Position) -> tuple[Recorded, ...]:
    """The questions that wait at a position."""
    nodes = {task.id: task.node for task in position.checkpoint.tasks}
    return tuple(Recorded(q.node or nodes.get(q.task, ""), q, None) for q in position.pending)


def rules_of(answers: Iterable[Recorded], *, shown: bool = False) -> list[dict[str, Any]]:
    """Recorded answers as the rules of a script that gives each of them once, to the question that it was given to.

    A question is known by its node, its key, and its value; where these are the same, by the order in which it is
    asked. What is open, and what had a secret in its answer that is forgotten, is left to a person.
    ``shown``: the answers as they may be shown, without their secrets.
    """
    found: dict[tuple[str, str | None, str], dict[str, Any]] = {}
    for one in answers:
        place = (one.node, one.asked.key, "" if one.asked.key is not None else digest(one.asked.value))
        rule = found.setdefault(place, _rule(one))
        value = one.answered.value if shown and one.answered is not None and one.answered.sealed else one.value
        rule["in_order"].append({"pause": True} if value is MISSING else {"answer": value})
    return list(found.values())


def _rule(one: Recorded) -> dict[str, Any]:
    rule: dict[str, Any] = {"node": one.node}
    if one.asked.key is not None:
        rule["key"] = one.asked.key
    else:
        rule["asks"] = one.asked.value
    rule["in_order"] = []
    return rule
