"""What happened between two checkpoints: who wrote what, what was asked and answered, and how long that took. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nbhitl.engine.records import MISSING, Answered, Asked, Failed, Position, Send
from nbhitl.outcomes import attribution, moment, then
from nbhitl.report.texts import as_parts, as_text
from nbhitl.words import plainly

if TYPE_CHECKING:
    from nbhitl.report.texts import Texts

Fate: TypeAlias = Literal["answered", "open", "closed"]


@dataclass(frozen=True, slots=True)
class Said:
    """A question and what became of it; texts by their numbers."""

    node: str
    fate: Fate
    question: int
    line: str
    """The question and, if there is one, the answer, in one line."""
    answer: int | None
    before: int | None
    """What its form was filled in with, where the answer is something else."""
    who: str
    """By whom, through what and when; of an open one: since when."""
    note: str


def said(position: Position, texts: Texts) -> tuple[Said, ...]:
    """The questions of a position, in the order in which they were asked."""
    nodes = {task.id: task.node for task in position.checkpoint.tasks}
    return tuple(
        _said(position, asked, asked.node or nodes.get(asked.task, ""), texts)
        for several in position.asked.values()
        for asked in several
    )


def _said(position: Position, asked: Asked, node: str, texts: Texts) -> Said:
    question, line = texts.add(as_parts(asked.value)), plainly(asked.value)
    answered = position.answers.get(asked.id)
    if answered is None:
        fate: Fate = "closed" if asked.id in position.superseded or asked.task in position.wrote else "open"
        who = "not asked any more" if fate == "closed" else _since(asked)
        return Said(node, fate, question, line, None, None, who, "")
    value = asked.default if answered.via == "deadline" else answered.value
    answer = None if value is MISSING else texts.add(as_parts(value))
    line = line if value is MISSING else f"{line} → {plainly(value)}"
    before = replaced(asked, value)
    old = None if before is MISSING else texts.add(as_parts(before))
    return Said(node, "answered", question, line, answer, old, by_whom(asked, answered), answered.note)


def by_whom(asked: Asked, answered: Answered) -> str:
    """Who answered, through what and when, in words."""
    if answered.via != "deadline":
        return attribution(answered)
    how = "the node failed" if asked.default is MISSING else "the default was taken"
    return f"nobody answered until {moment(answered.at)}: {how}"


def _since(asked: Asked) -> str:
    since = f"since {moment(asked.at)}" if asked.at else "waits"
    return f"{since}; at {moment(asked.deadline)} {then(asked)}" if asked.deadline else since


def replaced(asked: Asked, value: Any) -> Any:
    """What the question's form was filled in with, as far as ``value`` is something else; MISSING where nothing."""
    before = _draft(asked)
    if isinstance(before, Mapping) and isinstance(value, Mapping):
        before = {name: part for name, part in before.items() if value.get(name, MISSING) != part} or MISSING
    return MISSING if before == value else before


def _draft(asked: Asked) -> Any:
    """The default of the whole answer, or of its parts; MISSING where there is none."""
    described = asked.described or {}
    if "default" in described:
        return described["default"]
    parts = described.get("properties")
    if not isinstance(parts, Mapping):
        return MISSING
    found = {name: part["default"] for name, part in parts.items() if isinstance(part, Mapping) and "default" in part}
    return {name: value for name, value in found.items() if not _is_nothing(value)} or MISSING


def _is_nothing(value: Any) -> bool:
    """Whether a field that begins with this is as good as empty."""
    return value is None or value is False or value in ("", [], {})


def writes(position: Position) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Each task that finished, in the order in which their writes are merged: its node, and what it wrote."""
    for task in position.checkpoint.tasks:
        wrote = position.wrote.get(task.id)
        if wrote is not None:
            sent = [f"{goto.node}: {as_text(goto.arg)}" for goto in wrote.goto if isinstance(goto, Send)]
            yield task.node, [*wrote.updates, *([("sent to", "\n".join(sent))] if sent else [])]


def what_failed(failed: Failed) -> str:
    """What a task raised."""
    return failed.text if failed.text.startswith(failed.error) else f"{failed.error}: {failed.text}"


def took(position: Position, end: int) -> tuple[float, float]:
    """Seconds from a checkpoint to the next one, made at ``end``: of work, and of waiting for persons."""
    start = position.checkpoint.at
    whole = max(end - start, 0) if start and end else 0
    waited = min(_open_for(position, end), whole)
    return (whole - waited) / 1e6, waited / 1e6


def seconds(position: Position) -> float:
    """Seconds that questions of a position were open, those that still are left aside."""
    return _open_for(position, 0) / 1e6


def _open_for(position: Position, end: int) -> int:
    """Microseconds in which at least one question was open."""
    spans = sorted(
        (asked.at, position.answers[asked.id].at if asked.id in position.answers else end)
        for several in position.asked.values()
        for asked in several
        if asked.at
    )
    total = until = 0
    for start, stop in spans:
        start = max(start, until)  # noqa: PLW2901 - the part that no other question has covered
        if stop > start:
            total += stop - start
            until = stop
    return total
