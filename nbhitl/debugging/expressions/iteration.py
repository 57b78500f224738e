"""How an expression goes through values: counted, without using anything up, without sets that are slow on purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from nbhitl.debugging.expressions.arrays import is_frame
from nbhitl.debugging.expressions.budget import Budget, Refused, container

MOST_ALIKE = 20
"""Different keys with one hash in a set or dict that an expression makes: each look would compare them all."""


@dataclass(frozen=True, slots=True)
class Lazy:
    """A generator expression on its way to the function that goes through it."""

    items: Iterator[Any]


def each(value: Any, budget: Budget) -> Iterable[Any]:
    """The elements of a value, each paid for.

    Raises `Refused` for an iterator, which would be used up by a look, and for a frame, whose elements are the names
    of its columns.
    """
    if isinstance(value, Lazy):
        return _counted(value.items, budget)
    if isinstance(value, Iterator):
        raise Refused(f"a look would use up this {type(value).__name__}: keep a list in the state")
    if is_frame(value):
        raise Refused("the elements of a frame are the names of its columns: name one, as in any(df['score'] > 3)")
    if isinstance(value, str) or container(value) is not None:
        budget.look(value)
        items: Iterable[Any] = value
        return items
    return _counted(value, budget)


def _counted(value: Iterable[Any], budget: Budget) -> Iterator[Any]:
    for item in value:
        budget.look(item)
        yield item


def make_set(items: Iterable[Any], budget: Budget) -> set[Any]:
    """A set of the items. Raises `Refused` for keys that only differ where hashing does not look."""
    keys = list(items)
    _expect_apart(keys, budget)
    return set(keys)


def make_dict(pairs: Iterable[tuple[Any, Any]], budget: Budget) -> dict[Any, Any]:
    """A dict of the pairs; see `make_set`."""
    found = list(pairs)
    _expect_apart([key for key, _ in found], budget)
    return dict(found)


def _expect_apart(keys: list[Any], budget: Budget) -> None:
    budget.look(keys, 2)
    alike = Counter(map(hash, keys))
    if len(alike) == len(keys) or max(alike.values()) <= MOST_ALIKE:
        return
    kinds: dict[int, set[Any]] = {hashed: set() for hashed, times in alike.items() if times > MOST_ALIKE}
    for key in keys:
        if (kind := kinds.get(hash(key))) is not None:
            kind.add(key)
            if len(kind) > MOST_ALIKE:
                raise Refused(f"more than {MOST_ALIKE} of the keys have the same hash: use a list")
