"""Watched expressions: their values at one step. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbhitl.debugging.expressions import Expression, ExpressionError
from nbhitl.engine.records import MISSING


@dataclass(frozen=True, slots=True)
class Watched:
    """An expression and what it comes to."""

    text: str
    value: Any = MISSING
    error: str = ""
    """Why it has no value, in words."""


def watch(text: str, state: Mapping[str, Any]) -> Watched:
    """The value of an expression over the keys of a state; what goes wrong is told in its place."""
    try:
        return Watched(text, Expression.parse(text).value(state))
    except ExpressionError as error:
        said = str(error).removeprefix("the expression ").removeprefix(repr(text))
        return Watched(text, error=said.partition(": ")[2] or str(error))  # which expression it is stands beside it
