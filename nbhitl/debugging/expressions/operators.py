"""The operators of expressions: Python's own, with a look at what the result would be before it is made."""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from nbhitl.debugging.expressions.arrays import cells, is_array, is_numeric
from nbhitl.debugging.expressions.budget import BITS, ELEMENTS, LIGHT, MOST_BITS, MOST_LENGTH, VIEWS, Budget, Refused

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_SEQUENCES = (str, bytes, bytearray, list, tuple)
_GROWING = (ast.Mult, ast.Pow, ast.LShift)
MOST_EXPONENT = 10_000
"""Of a number that is not stored in a fixed number of bits, such as a decimal."""


def binary(kind: type[ast.operator], left: Any, right: Any, budget: Budget) -> Any:
    """``left + right`` and the like. Raises `Refused` for what would take too long or grow too large."""
    if type(left) in _QUICK and type(right) in _QUICK:
        return BINARY[kind](left, right)
    if isinstance(left, int) and isinstance(right, int):
        _whole_numbers(kind, left, right, budget)
    elif is_array(left) or is_array(right):
        _arrays(kind, left, right, budget)
    elif isinstance(left, VIEWS) or isinstance(right, VIEWS):
        _views(left, right, budget)
    elif isinstance(left, _SEQUENCES) or isinstance(right, _SEQUENCES):
        _sequences(kind, left, right, budget)
    elif isinstance(left, Fraction) or isinstance(right, Fraction):
        _fractions(kind, left, right)
    elif kind is ast.Pow:
        _power(left, right)
    else:
        budget.look(left)
        budget.look(right)
    return BINARY[kind](left, right)


_CLEAR = {*LIGHT, int, str, bytes, list, tuple, dict, set, frozenset}
_QUICK = {float, complex, type(None)}


def _whole_numbers(kind: type[ast.operator], left: int, right: int, budget: Budget) -> None:
    sizes = int.bit_length(left), int.bit_length(right)
    bits = max(sizes) + 1
    match kind:
        case ast.Mult:
            bits = sum(sizes)
        case ast.Pow:
            bits = sizes[0] * abs(right) if sizes[0] > 1 else 1
        case ast.LShift:
            bits = sizes[0] + max(right, 0) if left else 1
    if kind in _GROWING and bits > MOST_BITS:
        raise Refused(f"the number would have more than {MOST_BITS:,} bits: use 2.0 in place of 2 for an estimate")
    budget.charge((sizes[0] // BITS + 1) * (sizes[1] // BITS + 1))


def _arrays(kind: type[ast.operator], left: Any, right: Any, budget: Budget) -> None:
    budget.charge(cells(left, right) // ELEMENTS)
    if kind in _GROWING and not all(is_numeric(value) for value in (left, right) if is_array(value)):
        raise Refused("only arrays of numbers can be multiplied here")


def _sequences(kind: type[ast.operator], left: Any, right: Any, budget: Budget) -> None:
    if kind is ast.Mod and isinstance(left, (str, bytes, bytearray)):
        raise Refused("texts are not filled with % here: use an f-string, as in f'{score:.2f}'")
    sizes = [len(value) if isinstance(value, _SEQUENCES) else 1 for value in (left, right)]
    length = sum(sizes)
    if kind is ast.Mult:
        times = [operator.index(value) for value in (left, right) if not isinstance(value, _SEQUENCES)]
        length = max(sizes) * max(times, default=1)
    if length > MOST_LENGTH:
        raise Refused(f"the result would have more than {MOST_LENGTH:,} elements or characters")
    budget.charge(max(length, 0))


def _fractions(kind: type[ast.operator], left: Any, right: Any) -> None:
    """Sums and products of fractions have as many digits as both together."""
    bits = sum(map(_bits, (left, right)))
    if kind is ast.Pow and isinstance(right, int):
        bits = _bits(left) * abs(right)
    if bits > MOST_BITS:
        raise Refused(f"the fraction would have more than {MOST_BITS:,} bits: use float(...) for an estimate")


def _bits(value: Any) -> int:
    if isinstance(value, Fraction):
        return value.numerator.bit_length() + value.denominator.bit_length()
    return int.bit_length(value) if isinstance(value, int) else 0


def _power(base: Any, exponent: Any) -> None:
    """A power of numbers with a fixed size cannot grow; others (decimals, a stranger's) take small exponents only."""
    if isinstance(base, (float, complex)) or isinstance(exponent, (float, complex)):
        return
    if not -MOST_EXPONENT <= exponent <= MOST_EXPONENT:
        raise Refused(f"an exponent goes to {MOST_EXPONENT:,} here")


def _views(left: Any, right: Any, budget: Budget) -> None:
    """A view takes anything as its other side and would make a set of it; here it has to be one."""
    for value in (left, right):
        if not isinstance(value, (set, frozenset, *VIEWS)):
            raise Refused(f"the other side has to be a set, not {type(value).__name__}: write set(...)")
        budget.look(value)


def unary(kind: type[ast.unaryop], value: Any, budget: Budget) -> Any:
    """``-value`` and the like; ``not`` is no affair of this one."""
    budget.look(value)
    return UNARY[kind](value)


def compare(kind: type[ast.cmpop], left: Any, right: Any, budget: Budget) -> Any:
    """``left < right`` and the like."""
    if kind in (ast.In, ast.NotIn):
        _contains(left, right, budget)
    elif is_array(left) or is_array(right):
        budget.charge(cells(left, right) // ELEMENTS)
    elif kind not in (ast.Is, ast.IsNot):
        budget.compare(left, right)
    return COMPARE[kind](left, right)


def _contains(item: Any, home: Any, budget: Budget) -> None:
    """Pay for ``item in home``: a look at all of a sequence, or at the item alone where it is hashed."""
    if isinstance(home, Iterator):
        raise Refused(f"a look would use up this {type(home).__name__}: keep a list in the state")
    if isinstance(home, (dict, set, frozenset)):
        budget.look(item)
    elif is_array(home):
        budget.charge(cells(home, None))
    else:
        budget.look(home)


def element(owner: Any, key: Any) -> Any:
    """``owner[key]``. Raises `KeyError` for a key that a dict does not have: a defaultdict would add it."""
    if isinstance(owner, dict) and not isinstance(owner, Counter) and not dict.__contains__(owner, key):
        raise KeyError(key)
    return owner[key]


def truth(value: Any) -> bool:
    """Whether a value counts as true. Raises `Refused` for an array, which has an answer for each element."""
    if type(value) in _CLEAR:
        return bool(value)
    if is_array(value) and (type(value).__name__ != "ndarray" or value.size != 1):
        name = type(value).__name__
        every = ".any(axis=None)" if name == "DataFrame" else ".any()"
        raise Refused(
            f"this {name} has an answer for each element: say {every}, {every.replace('any', 'all')} or len()"
        )
    return bool(value)
