"""Random nodes that use a store and a context get the same from both, across threads, pauses and attempts."""

from collections import Counter

import pytest
from hypothesis import given

pytest.importorskip("langgraph")
from tests.differential.build import OURS, THEIRS
from tests.differential.comparing import agree, count, settled, worth_it
from tests.differential.memories import OPS, WAYS, features, memories
from tests.differential.remember import Remembered

SHARES = {
    **{f"op {op}": 0.15 for op in OPS},
    **{f"by {way}": 0.1 for way in WAYS},
    "context dataclass": 0.2,
    "context dict": 0.15,
    "context given": 0.08,
    "filter": 0.3,
    "refused": 0.25,
    "several users": 0.15,
    "several threads": 0.12,
    "sub-graph": 0.15,
    "retried": 0.08,
    "awaits": 0.15,
    "asks": 0.18,
    "paused": 0.18,
}
"""What the examples must be made of for this to be worth anything; measured shares are about twice as high."""


def test_random_nodes_get_the_same_from_a_store_and_a_context():
    seen = Counter()

    @settled(0.15)
    @given(memories)
    def check(program):
        found = features(program)

        def played(m):
            play = Remembered(m, program).play()
            found.update(play.features)
            return play.record

        if agree(lambda: played(THEIRS), lambda: played(OURS)):
            found.add("upstream wavers")
        count(seen, found)

    check()
    worth_it(seen, SHARES)
