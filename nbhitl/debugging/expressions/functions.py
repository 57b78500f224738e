"""The functions that an expression may call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from nbhitl.debugging.expressions.arrays import is_array
from nbhitl.debugging.expressions.budget import MOST_LENGTH, Budget, Refused
from nbhitl.debugging.expressions.formatting import MOST_DIGITS, check_digits, pay_for_writing
from nbhitl.debugging.expressions.iteration import each, make_dict, make_set
from nbhitl.debugging.expressions.operators import truth

SORTING = 8
"""Looks at each element that sorting takes."""
KINDS: dict[str, type] = {
    kind.__name__: kind for kind in (bool, bytes, dict, float, frozenset, int, list, set, str, tuple)
}
"""What ``isinstance`` may ask for."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function: its work, and the arguments that it takes by keyword."""

    work: Callable[..., Any]
    keywords: frozenset[str] = frozenset()
    consumes: bool = False
    """Whether it takes a generator expression, and goes through it at once."""


def _one(items: tuple[Any, ...], name: str) -> Any:
    if len(items) != 1:
        raise Refused(f"{name}() takes one argument here")
    return items[0]


def _len(_: Budget, *given: Any) -> int:
    return len(_one(given, "len"))


def _any(budget: Budget, *given: Any) -> bool:
    return any(truth(item) for item in each(_one(given, "any"), budget))


def _all(budget: Budget, *given: Any) -> bool:
    return all(truth(item) for item in each(_one(given, "all"), budget))


def _extreme(find: Callable[..., Any]) -> Callable[..., Any]:
    def work(budget: Budget, *given: Any, **options: Any) -> Any:
        if len(given) == 1:
            return find(each(given[0], budget), **options)
        budget.look(given)
        return find(*given, **options)

    return work


def _sum(budget: Budget, *given: Any, **options: Any) -> Any:
    if not given:
        raise Refused("sum() takes something to go through")
    start = given[1] if len(given) > 1 else options.get("start", 0)
    if isinstance(start, (str, bytes, bytearray, list, tuple)):
        raise Refused("sum() adds numbers here: join texts with ''.join(...), lists with a comprehension")
    return sum(each(given[0], budget), *given[1:], **options)


def _sorted(budget: Budget, *given: Any, **options: Any) -> list[Any]:
    items = _list(budget, *given)
    budget.look(items, SORTING)
    return sorted(items, **options)


def _list(budget: Budget, *given: Any) -> list[Any]:
    return _bounded(each(_one(given, "list"), budget)) if given else []


def _tuple(budget: Budget, *given: Any) -> tuple[Any, ...]:
    return tuple(_list(budget, *given))


def _set(budget: Budget, *given: Any) -> set[Any]:
    return make_set(_list(budget, *given), budget)


def _dict(budget: Budget, *given: Any) -> dict[Any, Any]:
    if given and isinstance(given[0], dict):
        budget.look(given[0])
        return dict(_one(given, "dict"))
    return make_dict(((key, value) for key, value in _list(budget, *given)), budget)


def _bounded(items: Iterable[Any]) -> list[Any]:
    made = []
    for item in items:
        made.append(item)
        if len(made) > MOST_LENGTH:
            raise Refused(f"the list would have more than {MOST_LENGTH:,} elements")
    return made


def _range(budget: Budget, *given: Any) -> range:
    made = range(*given)
    if made and len(made) > MOST_LENGTH:
        raise Refused(f"a range has at most {MOST_LENGTH:,} numbers here")
    return made


def _str(budget: Budget, *given: Any) -> str:
    if given:
        pay_for_writing(_one(given, "str"), budget)
    return str(*given)


def _number(kind: type) -> Callable[..., Any]:
    def work(budget: Budget, *given: Any, **options: Any) -> Any:
        for value in given:
            check_digits(value)
            budget.look(value)
            if isinstance(value, (str, bytes, bytearray)) and len(value) > MOST_DIGITS:
                raise Refused(f"a number is read from at most {MOST_DIGITS} characters")
        return kind(*given, **options)

    return work


def _bool(_: Budget, *given: Any) -> bool:
    return truth(_one(given, "bool")) if given else False


def _round(_: Budget, *given: Any, **options: Any) -> Any:
    for places in [*given[1:], *options.values()]:
        if places is not None and not -MOST_DIGITS <= places <= MOST_DIGITS:
            raise Refused(f"rounding goes to {MOST_DIGITS} places")
    for value in given[:1]:
        check_digits(value)
    return round(*given, **options)


def _abs(budget: Budget, *given: Any) -> Any:
    if is_array(value := _one(given, "abs")):
        budget.charge(len(value))
    return abs(value)


def _isinstance(_: Budget, value: Any, *kinds: str) -> bool:
    return isinstance(value, tuple(KINDS[kind] for kind in kinds))


FUNCTIONS: dict[str, Function] = {
    "abs": Function(_abs),
    "all": Function(_all, consumes=True),
    "any": Function(_any, consumes=True),
    "bool": Function(_bool),
    "dict": Function(_dict, consumes=True),
    "float": Function(_number(float)),
    "int": Function(_number(int), frozenset({"base"})),
    "isinstance": Function(_isinstance),
    "len": Function(_len),
    "list": Function(_list, consumes=True),
    "max": Function(_extreme(max), frozenset({"default"}), consumes=True),
    "min": Function(_extreme(min), frozenset({"default"}), consumes=True),
    "range": Function(_range),
    "round": Function(_round, frozenset({"ndigits"})),
    "set": Function(_set, consumes=True),
    "sorted": Function(_sorted, frozenset({"reverse"}), consumes=True),
    "str": Function(_str),
    "sum": Function(_sum, frozenset({"start"}), consumes=True),
    "tuple": Function(_tuple, consumes=True),
}
