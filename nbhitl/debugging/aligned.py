"""Which items of two lists belong together: the longest common subsequence, as far as that is affordable. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from nbhitl.debugging.likeness import same

Pair: TypeAlias = tuple[int | None, int | None]
AFFORDABLE: Final = 20_000
"""Comparisons of items at most; longer middles are compared place by place."""


def aligned(old: Sequence[Any], new: Sequence[Any]) -> Iterator[Pair]:
    """Places of items that are not the same: ``(3, None)`` was removed, ``(None, 3)`` added, ``(3, 4)`` changed.

    Items that took the place of as many others in between two equal ones count as changed, in order.
    """
    start, shorter = 0, min(len(old), len(new))
    while start < shorter and same(old[start], new[start]):
        start += 1
    end = 0
    while end < shorter - start and same(old[-1 - end], new[-1 - end]):
        end += 1
    left, right = range(start, len(old) - end), range(start, len(new) - end)
    if not left or not right or len(left) * len(right) > AFFORDABLE:
        yield from _in_places(left, right)
        return
    here, there = left.start, right.start
    for before, after in (*_common(old, new, left, right), (left.stop, right.stop)):
        yield from _in_places(range(here, before), range(there, after))
        here, there = before + 1, after + 1


def _in_places(left: range, right: range) -> Iterator[Pair]:
    """Items one by one; what is left over on one side was removed or added."""
    both = min(len(left), len(right))
    yield from zip(left[:both], right[:both], strict=True)
    yield from ((place, None) for place in left[both:])
    yield from ((None, place) for place in right[both:])


def _common(old: Sequence[Any], new: Sequence[Any], left: range, right: range) -> list[tuple[int, int]]:
    """The longest common subsequence, as pairs of places."""
    equal = [[same(old[i], new[j]) for j in right] for i in left]
    longest = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in reversed(range(len(left))):
        row, below, hits = longest[i], longest[i + 1], equal[i]
        for j in reversed(range(len(right))):
            row[j] = below[j + 1] + 1 if hits[j] else max(below[j], row[j + 1])
    found, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if equal[i][j]:
            found.append((left[i], right[j]))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return found
