"""The methods that an expression may call: those of Python's own values that only look, and what sums up an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbhitl.debugging.expressions.arrays import REDUCTIONS, cells, is_array
from nbhitl.debugging.expressions.budget import MOST_LENGTH, Budget, Refused
from nbhitl.debugging.expressions.iteration import each, make_set
from nbhitl.engine.errors import did_you_mean

MOST_STRIPPED = 100
"""Different characters to strip; each character of a text is compared with them all."""

_TEXT = (
    "capitalize casefold count endswith find index isalnum isalpha isdecimal isdigit islower isnumeric isspace istitle "
    "isupper join lower lstrip partition removeprefix removesuffix replace rstrip split splitlines startswith strip "
    "swapcase title upper"
)
METHODS: dict[type, frozenset[str]] = {
    str: frozenset(_TEXT.split()),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
    set: frozenset({"difference", "intersection", "isdisjoint", "issubset", "issuperset", "union"}),
    frozenset: frozenset({"difference", "intersection", "isdisjoint", "issubset", "issuperset", "union"}),
    float: frozenset({"is_integer"}),
}
KEYWORDS: dict[str, frozenset[str]] = {"split": frozenset({"sep", "maxsplit"}), "splitlines": frozenset({"keepends"})}
KEYWORDS |= {name: frozenset({"axis"}) for name in REDUCTIONS}
NAMES: frozenset[str] = REDUCTIONS.union(*METHODS.values())
"""All of them, of whatever class."""


def call_method(owner: Any, name: str, given: list[Any], options: dict[str, Any], budget: Budget) -> Any:
    """``owner.name(...)``. Raises `Refused` where that is none of the methods that may be called."""
    if is_array(owner):
        if name in REDUCTIONS:
            budget.charge(cells(owner, None))
            return getattr(owner, name)(*given, **options)
        raise Refused(f"of an array only these can be called: {', '.join(sorted(REDUCTIONS))}")
    for base, names in METHODS.items():
        if isinstance(owner, base):
            if name not in names:
                raise Refused(f"{name!r} of {base.__name__} cannot be called here.{did_you_mean(name, names)}")
            if getattr(type(owner), name, None) is not getattr(base, name, None):
                raise Refused(f"{type(owner).__name__} has a {name!r} of its own, which cannot be called here")
            guard: Callable[..., Any] = _GUARDS.get((base, name), _plainly)
            return guard(base, owner, name, given, options, budget)
    raise Refused(
        f"methods of {type(owner).__name__} cannot be called here: read an attribute, or add a key to the state"
    )


def _plainly(base: Any, owner: Any, name: str, given: list[Any], options: dict[str, Any], budget: Budget) -> Any:
    if name not in {"get", "items", "keys", "values"}:
        budget.look(owner)
    for value in given:
        budget.look(value)
    return getattr(base, name)(owner, *given, **options)


def _strip(base: Any, owner: str, name: str, given: list[Any], options: dict[str, Any], budget: Budget) -> Any:
    if any(isinstance(value, str) and len(value) > MOST_STRIPPED for value in given):
        raise Refused(f"at most {MOST_STRIPPED} characters can be stripped")
    budget.charge(len(owner) // 4)
    return _plainly(base, owner, name, given, options, budget)


def _replace(base: Any, owner: str, name: str, given: list[Any], options: dict[str, Any], budget: Budget) -> Any:
    if len(given) >= 2 and isinstance(given[0], str) and isinstance(given[1], str):
        length = len(owner) + str.count(owner, given[0]) * len(given[1])
        if length > MOST_LENGTH:
            raise Refused(f"the text would have more than {MOST_LENGTH:,} characters")
        budget.charge(length // 4)
    return _plainly(base, owner, name, given, options, budget)


def _join(base: Any, owner: str, name: str, given: list[Any], options: dict[str, Any], budget: Budget) -> Any:
    if len(given) != 1:
        raise Refused("join() takes one argument")
    parts = []
    length = 0
    for part in each(given[0], budget):
        parts.append(part)
        length += len(owner) + (len(part) if isinstance(part, str) else 0)
        if length > MOST_LENGTH:
            raise Refused(f"the text would have more than {MOST_LENGTH:,} characters")
    budget.charge(length // 4)
    return str.join(owner, parts)


def _split(base: Any, owner: str, name: str, given: list[Any], options: dict[str, Any], budget: Budget) -> Any:
    budget.charge(len(owner))
    return _plainly(base, owner, name, given, options, budget)


def _sets(base: Any, owner: Any, name: str, given: list[Any], options: dict[str, Any], budget: Budget) -> Any:
    others = [
        value if isinstance(value, (set, frozenset)) else make_set(each(value, budget), budget) for value in given
    ]
    return _plainly(base, owner, name, others, options, budget)


_GUARDS: dict[tuple[type, str], Callable[..., Any]] = {
    (str, "strip"): _strip,
    (str, "lstrip"): _strip,
    (str, "rstrip"): _strip,
    (str, "replace"): _replace,
    (str, "join"): _join,
    (str, "split"): _split,
    (str, "splitlines"): _split,
    **{(base, name): _sets for base in (set, frozenset) for name in METHODS[base]},
}
