"""What evaluating one expression may cost, so that it ends soon whatever it says and whatever the state holds.

Counted in units that take about 0.1 µs each, and never in time: the same expression on the same state has the same end.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from nbhitl.debugging.expressions.arrays import cells, is_array_class

UNITS = 1_500_000
"""For one evaluation: some 90,000 parts of an expression, or 1,500,000 elements of lists; up to 0.2 s."""
STEP = 16
"""For one part of an expression."""
TEXT = 16
"""Characters, or bytes, a unit."""
BITS = 64
"""Bits of a whole number a unit."""
OTHER = 4
"""For an object of a class of its own."""
CONTAINER = 16
"""For a list, dict ... that is looked into, beside its elements."""
ELEMENTS = 4
"""Elements of an array a unit."""
MOST_BITS = 2_048
"""Bits of a whole number that an expression makes: 616 digits."""
MOST_LENGTH = 1_000_000
"""Elements of a list, or characters of a text, that an expression makes."""


class Refused(Exception):
    """Something that an expression may not do, in words. Becomes an `ExpressionError` that says where."""


class Budget:
    """What is left for one evaluation."""

    __slots__ = ("left",)

    def __init__(self, units: int = UNITS) -> None:
        self.left = units

    def charge(self, units: int) -> None:
        """Take ``units`` off. Raises `Refused` when there are not so many left."""
        self.left -= units
        if self.left < 0:
            raise Refused(
                "it is too much work for an expression: look at fewer values, or keep the result in the state"
            )

    def compare(self, left: Any, right: Any) -> None:
        """Charge for comparing two values part by part, which ends where the smaller one does."""
        most = 1_000
        while True:
            for value in (left, right):
                if (found := weight(value, most)) <= most:
                    return self.charge(2 * found)
            if 2 * most > self.left:
                return self.charge(2 * most)
            most = min(most * 16, self.left // 2 + 1)

    def check_result(self, value: Any) -> None:
        """Raise `Refused` for a result that nobody could print: few parts that stand everywhere in it."""
        if weight(value, UNITS) > UNITS:
            raise Refused("the result is too large: take a part of it, or its len()")

    def look(self, value: Any, times: int = 1) -> None:
        """Charge for ``times`` looks at all parts of a value."""
        self.charge(weight(value, self.left // times) * times)


def weight(value: Any, most: int) -> int:
    """How many units one look at all parts of a value takes, counted up to a bit over ``most``.

    A part that stands in several places counts each time, as for whoever compares or prints it. What an object of a
    class of its own does when it is looked at is its own affair.
    """
    total, todo = 0, [value]
    while todo and total <= most:
        part = todo.pop()
        form = _form(type(part))
        if form is None:
            total += OTHER
        elif form is int:
            total += 1 + int.bit_length(part) // BITS
        elif form in _TEXTS:
            total += 1 + form.__len__(part) // TEXT
        elif form is _ARRAY:
            total += OTHER + cells(part, None) // ELEMENTS
        else:
            total += form.__len__(part) + CONTAINER
            if total <= most:
                total += _weigh_all(part, form, todo)
    return total


def _form(kind: type) -> Any:
    """What the values of a class are weighed as: a class of Python's own, `_ARRAY`, or None for an object."""
    try:
        return _FORMS[kind]
    except KeyError:
        if len(_FORMS) >= _MOST_FORMS:
            _FORMS.clear()
        return _FORMS.setdefault(kind, _found_form(kind))


def _found_form(kind: type) -> Any:
    for base in (int, *_TEXTS, *_CONTAINERS):
        if issubclass(kind, base):
            return base
    return _ARRAY if is_array_class(kind) else None


def container(value: Any) -> Any:
    """Which of Python's own containers a value is, whose methods tell its elements without asking a subclass."""
    form = _form(type(value))
    return form if form in _CONTAINERS else None


VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
"""What ``keys()``, ``values()`` and ``items()`` return."""
_CONTAINERS: tuple[type, ...] = (list, tuple, dict, set, frozenset, deque, range, *VIEWS)
_TEXTS: tuple[type, ...] = (str, bytes, bytearray)
_ARRAY = object()
_FORMS: dict[type, Any] = {}
_MOST_FORMS = 256
LIGHT = frozenset({float, bool, type(None), complex})
"""Classes whose values are small, whatever they are."""


def _weigh_all(part: Any, base: Any, todo: list[Any]) -> int:
    """The weight of the parts that can be weighed at one go; the others are put on ``todo``."""
    if base is range:
        return 0
    found = [*dict.keys(part), *dict.values(part)] if base is dict else list(base.__iter__(part))
    kinds = set(map(type, found))
    if kinds <= LIGHT:
        return 0
    if kinds == {int}:
        return sum(map(int.bit_length, found)) // BITS
    if kinds == {str}:
        return sum(map(len, found)) // TEXT
    todo.extend(found)
    return 0
