"""What a worker can be told to do: cells, forms, buttons and clicks put these on its queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from nbhitl.debugging.step import Step, StepKind


@dataclass(frozen=True, slots=True)
class Go:
    """Run: on new input, or on from where the thread stands."""

    input: Any = None
    restart: bool = False
    rename: Mapping[str, str] = field(default_factory=dict)
    """Old to new names of nodes."""
    step: Step | None = None
    """How far; None until something else stops it."""


@dataclass(frozen=True, slots=True)
class Move:
    """Make a step of the debugger, from where the run stands when its turn has come."""

    kind: StepKind
    count: int = 1
    node: str = ""


@dataclass(frozen=True, slots=True)
class Back:
    """Stand before an earlier step again, without running."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Rerun:
    """Go back to before what was edited had run, and run from there with the new code."""


@dataclass(frozen=True, slots=True)
class Act:
    """Do something that does not run this thread: on the worker's thread, so that it shows itself in its cell."""

    does: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """Record an answer, then run on."""

    value: Any
    id: str | None = None
    via: str = "form"
    by: str | None = None
    """Who answers; the user of this machine by default."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class AnswerAll:
    """Record the answers to several questions, plain data by id, in one act; then run on once."""

    values: Mapping[str, Any]
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """See whether what a form has sent fits its question, and keep it for later."""

    raw: Any
    id: str


@dataclass(frozen=True, slots=True)
class Look:
    """The thread may have been moved from elsewhere: bring the screen up to date; ``go_on`` with answers from there."""

    go_on: bool = False


@dataclass(frozen=True, slots=True)
class Begin:
    """Run on the input that a form has gathered."""

    schema: Any
    raw: Mapping[str, Any]
    restart: bool = False
    step: bool = False
    """Stop before the first nodes."""


@dataclass(frozen=True, slots=True)
class Show:
    """Show where the thread stands, without running."""


INPUT = "input"
"""Stands where a question's id would: the form for a run's input."""

Command: TypeAlias = Go | Move | Back | Rerun | Act | Begin | Answer | AnswerAll | Check | Look | Show
