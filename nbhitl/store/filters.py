"""Filters of a search: which values have what they ask for. LangGraph's operators, with its meaning."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from nbhitl.engine.errors import StoreError, did_you_mean

_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
OPERATORS: Final = ("$eq", "$ne", *_ORDERS)


def check_filter(given: Any) -> None:
    """Raises `StoreError` where a filter is none, or has an operator that does not exist."""
    if given is None:
        return
    if not isinstance(given, Mapping):
        raise StoreError(f"filter={given!r:.60}: give a dict, e.g. {{'kind': 'food'}}")
    for name, wanted in given.items():
        if isinstance(name, str) and name.startswith("$"):
            raise StoreError(
                f"filter {{{name!r}: ...}}: an operator stands below a key, e.g. {{'stars': {{'$gt': 3}}}}"
            )
        _check_wanted(wanted)


def _check_wanted(wanted: Any) -> None:
    if isinstance(wanted, (list, tuple)):
        for part in wanted:
            _check_wanted(part)
    if not isinstance(wanted, Mapping):
        return
    operators = _operators(wanted)
    for name, part in wanted.items():
        if operators and name not in OPERATORS:
            raise StoreError(
                f"filter: {name!r} is no operator.{did_you_mean(name, OPERATORS)}"
                if str(name).startswith("$")
                else f"filter: {name!r} stands beside an operator; give either operators or keys"
            )
        if not operators:
            _check_wanted(part)
        elif name in _ORDERS and _number(part) is None and not isinstance(part, str):
            raise StoreError(f"filter: {name} compares numbers or texts, not {part!r:.40}")


def fits(value: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    """Whether a value has all that a filter, which was checked, asks for. A key that is not there counts as None."""
    return all(_fits(value.get(name), part) for name, part in wanted.items()) if wanted else True


def _fits(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        if _operators(wanted):
            return all(_compared(name, found, part) for name, part in wanted.items())
        return isinstance(found, Mapping) and fits(found, wanted)
    if isinstance(wanted, (list, tuple)):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_fits, found, wanted))
    return bool(found == wanted)


def _compared(name: str, found: Any, wanted: Any) -> bool:
    if name == "$eq":
        return bool(found == wanted)
    if name == "$ne":
        return bool(found != wanted)
    left, right = _number(found), _number(wanted)
    if left is None or right is None:
        if not isinstance(found, str) or not isinstance(wanted, str):
            return False
        left, right = found, wanted
    return _ORDERS[name](left, right)


def _number(given: Any) -> Any:
    """A number, also one that is written in a text, as LangGraph reads it; None for what is none."""
    if isinstance(given, (int, float)):
        return given
    if not isinstance(given, str):
        return None
    try:
        found = float(given)
    except ValueError:
        return None
    return None if math.isnan(found) else found


def _operators(wanted: Mapping[str, Any]) -> bool:
    return any(isinstance(name, str) and name.startswith("$") for name in wanted)
