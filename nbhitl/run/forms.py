"""What a form is: its fields and their kinds, as plain data. Knows neither schemas nor widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from nbhitl.engine.records import MISSING

Kind: TypeAlias = Literal[
    "choice", "choices", "checkbox",
    "integer", "number", "decimal",
    "text", "date", "datetime", "time", "json",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Option:
    """One of the allowed values and the words for it."""

    value: Any
    label: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One control. ``name`` is the answer's key, empty when the answer is this one value."""

    name: str
    label: str
    kind: Kind
    required: bool
    default: Any = MISSING
    description: str = ""
    hint: str = ""
    """What is allowed, in words; empty when the control shows it."""
    options: tuple[Option, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    multiline: bool = False
    nullable: bool = False
    """``None`` is an answer, and what a blank control stands for."""
    takes_text: bool = False
    """Of a ``json`` field: what is no JSON is the text itself."""
    takes_blank: bool = False
    """Of a ``text`` field: the empty text is an answer although the field is required."""
    aware: bool = False
    """Of a ``datetime`` field: it needs a time zone."""

    @property
    def may_be_blank(self) -> bool:
        """Whether no answer is needed here."""
        return self.nullable or not self.required


@dataclass(frozen=True, slots=True)
class FormModel:
    """A whole form. ``single``: the answer is the value of the only field, not an object."""

    title: str
    description: str
    fields: tuple[FormField, ...]
    single: bool
