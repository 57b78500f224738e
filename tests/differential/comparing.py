"""What every differential test does: as many examples as wanted, each played on both engines, the same in every run.

``NBHITL_EXAMPLES=20000 python -m pytest tests/differential`` tries more.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import HealthCheck, Phase, event, settings

EXAMPLES = int(os.environ.get("NBHITL_EXAMPLES", "2000"))


def settled(share: float) -> settings:
    """The settings of a test that takes a share of the examples: the same ones in every run."""
    return settings(
        max_examples=max(10, int(EXAMPLES * share)),
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],  # to explain a failure takes minutes
        suppress_health_check=[HealthCheck.too_slow],
    )


def agree(
    theirs: Callable[[], list[Any]], ours: Callable[[], list[Any]], same: Callable[[Any, Any], bool] | None = None
) -> bool:
    """Plays on both, asserts that the records are equal; whether upstream had to be asked again.

    Where bodies run in parallel, upstream is not the same in every run.
    """
    expected, got, again = theirs(), ours(), 0
    equal = same or (lambda one, two: one == two)
    while not equal(expected, got) and again < 2:
        expected, again = theirs(), again + 1
    if not equal(expected, got):
        place = next((n for n, (one, two) in enumerate(zip(expected, got, strict=False)) if one != two), None)
        at = min(len(expected), len(got)) if place is None else place
        raise AssertionError(f"record {at}\n  expected {expected[at : at + 1]}\n  got      {got[at : at + 1]}")
    return bool(again)


def count(seen: Counter[str], features: Iterable[str]) -> None:
    """Notes what one example was made of."""
    found = set(features)
    seen.update(found)
    seen["all"] += 1
    for feature in sorted(found):
        event(feature)


def worth_it(seen: Counter[str], shares: dict[str, float]) -> None:
    """Asserts that enough of the examples have each of these, and that upstream seldom contradicted itself."""
    rare = {name: seen[name] / seen["all"] for name, share in shares.items() if seen[name] < share * seen["all"]}
    assert not rare, f"too few examples have this: {rare}"
    assert seen["upstream wavers"] <= 0.02 * seen["all"]
