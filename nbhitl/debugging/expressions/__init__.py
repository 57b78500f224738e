"""Expressions of breakpoints and watches: a part of Python that looks at values and can do nothing else.

Names are the keys of the state. There are literals, attributes (none with an underscore in front), subscripts,
operators, conditions, f-strings, comprehensions, a short list of functions (`functions.FUNCTIONS`: a name that is
called means one of these, whatever the state holds) and methods of Python's own values. What an expression may cost is
bounded (`budget`); what the classes of the state do when they are compared or printed is theirs.

Text in, value or `ExpressionError` out: no other `Exception` leaves.
"""

from __future__ import annotations

from nbhitl.debugging.expressions.expression import Expression
from nbhitl.debugging.expressions.template import Field, Template
from nbhitl.engine.errors import ExpressionError

__all__ = ["Expression", "ExpressionError", "Field", "Template"]
