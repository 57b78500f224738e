"""`Expression`: a text that was read, checked, and can be evaluated."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbhitl.debugging.expressions.budget import Budget
from nbhitl.debugging.expressions.evaluation import Evaluation
from nbhitl.debugging.expressions.grammar import checked
from nbhitl.debugging.expressions.parsing import parsed
from nbhitl.engine.errors import ExpressionError


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was read and may be evaluated, any number of times and from any thread.

    >>> Expression.parse("score > 3 and len(notes) == 0").holds({"score": 4, "notes": []})
    True
    """

    text: str
    names: frozenset[str] = field(compare=False)
    """What it reads: keys of the state, and whatever else the caller gives."""
    tree: ast.expr = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Read an expression. Raises `ExpressionError` that says where in the text it is wrong."""
        if not isinstance(text, str):
            raise ExpressionError(f"an expression is a text such as 'score > 3', not {type(text).__name__}")
        return _parse(text)

    def value(self, names: Mapping[str, Any]) -> Any:
        """What it comes to when ``names`` have these values. Raises `ExpressionError`."""
        return Evaluation(self.text, names, Budget()).value(self.tree)

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Whether what it comes to counts as true. Raises `ExpressionError`, as for an array of several answers."""
        return Evaluation(self.text, names, Budget()).holds(self.tree)


@functools.lru_cache(maxsize=256)
def _parse(text: str) -> Expression:
    tree = parsed(text)
    return Expression(text, checked(tree, text), tree)
