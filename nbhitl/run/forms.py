"""What a form is: its fields and their kinds, as plain data. Knows neither schemas nor widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from nbhitl.engine.records import MISSING

Kind: TypeAlias = Literal[
    "choice", "choices", "checkbox",
    "integer", "number", "decimal",
    "text", "date", "datetime", "time", "json",
    "object", "list", "table", "union", "file", "secret",
]  # fmt: skip
"""What a field is filled in with. Each kind has raw values of its own: see `nbhitl.run.reading.collect`."""


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
    means_json: bool = False
    """Of a ``secret``: what is typed is JSON that holds secrets, and not a secret itself."""
    takes_blank: bool = False
    """Of a ``text`` field: the empty text is an answer although the field is required."""
    aware: bool = False
    """Of a ``datetime`` field: it needs a time zone."""
    fields: tuple[FormField, ...] = ()
    """Of an ``object``: its members; of a ``table``: its columns."""
    item: FormField | None = None
    """Of a ``list``: what each element is."""
    shortest: int = 0
    """Of a ``list``, a ``table`` or ``choices``: how many elements there are at least."""
    longest: int | None = None
    """The same at most; None for any number."""
    variants: tuple[FormField, ...] = ()
    """Of a ``union``: the alternatives, of which one is chosen; their labels say which is which."""
    tag: tuple[str, Any] | None = None
    """Of an ``object`` in a union: the discriminator's key and the value that stands for this alternative."""
    accepts: tuple[str, ...] = ()
    """Of a ``file``: media types and endings that are offered (``image/*``, ``.csv``); empty for any."""
    largest: int | None = None
    """Of a ``file``: bytes at most."""
    fixed: tuple[tuple[str, Any], ...] = ()
    """Of an ``object``: keys that have this one value in every answer, and no control (the `tag` is one of them)."""

    positional: bool = False
    """Of an ``object``: it is filled in like one, and answered as a list: its members are called by their places."""

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
    fixed: tuple[tuple[str, Any], ...] = ()
    """As `FormField.fixed`."""
