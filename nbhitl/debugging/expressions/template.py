"""Text with expressions in braces, as a breakpoint prints it in place of stopping: ``"score is {score:.2f}"``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbhitl.debugging.expressions.budget import Budget
from nbhitl.debugging.expressions.evaluation import Evaluation
from nbhitl.debugging.expressions.expression import Expression
from nbhitl.debugging.expressions.formatting import format_mistake, shortened
from nbhitl.debugging.expressions.parsing import quoted
from nbhitl.engine.errors import ExpressionError

MOST_TEXT = 2_000
"""Characters of what a template becomes, and of the template."""
_OPENING, _CLOSING, _QUOTES = "([{", ")]}", "'\""


@dataclass(frozen=True, slots=True)
class Field:
    """One expression in braces."""

    expression: Expression
    conversion: str
    """``r``, ``s``, ``a`` or empty."""
    format: str


@dataclass(frozen=True, slots=True)
class Template:
    """A text with expressions in braces, each with a conversion and a format if need be; ``{{`` stands for a brace.

    >>> Template.parse("{name!r} has {score:.1f} of {{10}}").text({"name": "tea", "score": 8})
    "'tea' has 8.0 of {10}"
    """

    source: str
    parts: tuple[str | Field, ...]

    @classmethod
    def parse(cls, source: str) -> Template:
        """Read a template. Raises `ExpressionError` that says where in it something is wrong."""
        if not isinstance(source, str):
            raise ExpressionError(f"a log text is a text, not {type(source).__name__}")
        if len(source) > MOST_TEXT:
            raise ExpressionError(f"a log text has at most {MOST_TEXT:,} characters, this one has {len(source):,}")
        return cls(source, tuple(_parts(source)))

    @property
    def names(self) -> frozenset[str]:
        """What its expressions read."""
        return frozenset(name for part in self.parts if isinstance(part, Field) for name in part.expression.names)

    def text(self, names: Mapping[str, Any]) -> str:
        """The text with values in it, cut at `MOST_TEXT`. Never fails: the reason stands where a value has none."""
        budget = Budget()
        made = (part if isinstance(part, str) else _written(part, names, budget) for part in self.parts)
        return shortened("".join(made), MOST_TEXT)


def _written(field: Field, names: Mapping[str, Any], budget: Budget) -> str:
    evaluation = Evaluation(field.expression.text, names, budget)
    try:
        return evaluation.written(field.expression.tree, field.conversion, field.format)
    except ExpressionError as error:
        return f"({error})"


def _parts(source: str) -> Iterator[str | Field]:
    plain, place = "", 0
    while place < len(source):
        here = source[place]
        if here in "{}" and source[place : place + 2] == here * 2:
            plain, place = plain + here, place + 2
        elif here == "}":
            raise _mistake(source, place, "this brace closes nothing: write }} for a brace")
        elif here == "{":
            if plain:
                yield plain
            field, place = _field(source, place + 1)
            yield field
            plain = ""
        else:
            plain, place = plain + here, place + 1
    if plain:
        yield plain


def _field(source: str, begin: int) -> tuple[Field, int]:
    """The field that begins behind a brace, and the place behind the brace that closes it."""
    end = _end(source, begin)
    conversion, form, place = "", "", end
    if source[place] == "!":
        conversion, place = source[place + 1 : place + 2], place + 2
        if conversion not in ("r", "s", "a") or source[place : place + 1] not in (":", "}"):
            raise _mistake(source, end, "behind ! stands r, s or a")
    if source[place] == ":":
        close = source.find("}", place)
        if close < 0:
            raise _mistake(source, begin - 1, "this brace is never closed")
        form, place = source[place + 1 : close], close
        if wrong := "a format has no braces in it" if "{" in form else format_mistake(form):
            raise _mistake(source, end, wrong)
    try:
        return Field(Expression.parse(source[begin:end]), conversion, form), place + 1
    except ExpressionError as error:
        raise _mistake(source, begin + max(error.column - 1, 0), str(error)) from None


def _end(source: str, begin: int) -> int:
    """Where the expression that begins there ends: at a ``}``, ``:`` or ``!`` outside brackets and quotes."""
    depth, quote, place = 0, "", begin
    while place < len(source):
        here = source[place]
        if quote:
            place += here == "\\"
            quote = "" if here == quote else quote
        elif here in _QUOTES:
            quote = here
        elif here in _OPENING:
            depth += 1
        elif depth and here in _CLOSING:
            depth -= 1
        elif not depth and (here in "}:" or (here == "!" and source[place + 1 : place + 2] != "=")):
            return place
        place += 1
    raise _mistake(source, begin - 1, "this brace is never closed: write {{ for a brace")


def _mistake(source: str, place: int, message: str) -> ExpressionError:
    return ExpressionError(f"the log text {quoted(source)}, column {place + 1}: {message}", source, place + 1)
