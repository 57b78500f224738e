"""Random nodes with retries, error handlers, caches, defaults and drains are called as often, and end the same."""

from collections import Counter

import pytest
from hypothesis import given

pytest.importorskip("langgraph")
from tests.differential.build import OURS, THEIRS
from tests.differential.comparing import agree, count, settled, worth_it
from tests.differential.enforce import Enforced
from tests.differential.policies import features, plans

SHARES = {
    "retries": 0.2,
    "survives": 0.04,
    "two retry policies": 0.2,
    "fatal": 0.1,
    "handler update": 0.03,
    "handler goto": 0.02,
    "handler raise": 0.02,
    "handler ask": 0.01,
    "cached": 0.4,
    "cleared": 0.08,
    "defaults": 0.2,
    "drained": 0.05,
    "asks and fails": 0.01,
    "failed": 0.1,
    "paused": 0.1,
    "answered": 0.05,
    "several threads": 0.2,
    "awaits": 0.1,
}
"""What the examples must be made of for this to be worth anything; measured shares are about twice as high."""


def test_random_nodes_with_policies_are_called_as_often_and_end_the_same():
    seen = Counter()

    @settled(0.2)
    @given(plans())
    def check(plan):
        found = features(plan)

        def played(m):
            play = Enforced(m, plan).play()
            found.update(play.features)
            return play.record

        if agree(lambda: played(THEIRS), lambda: played(OURS)):
            found.add("upstream wavers")
        count(seen, found)

    check()
    worth_it(seen, SHARES)
