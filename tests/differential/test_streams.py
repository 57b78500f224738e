"""Random graphs stream the same: every mode, several at once, sub-graphs, sync and async, both versions."""

from collections import Counter

import pytest
from hypothesis import given

pytest.importorskip("langgraph")
from tests.differential.build import OURS, THEIRS
from tests.differential.comparing import agree, count, settled, worth_it
from tests.differential.streams import MODES, Heard, alike, listened, listenings

SHARES = {
    **{f"mode {mode}": 0.2 for mode in MODES},
    "alone": 0.05,
    "subgraphs": 0.25,
    "version v1": 0.25,
    "version v2": 0.25,
    "sub-graph": 0.2,
    "paused": 0.25,
    "paused in a sub-graph": 0.03,
    "answered": 0.2,
    "several questions at once": 0.03,
    "send": 0.15,
    "loop": 0.15,
    "static breakpoint": 0.05,
    "failing node": 0.05,
    "edited": 0.02,
    "forked": 0.02,
    "style stream": 0.2,
    "style ainvoke": 0.2,
}
"""What the examples must be made of for this to be worth anything; measured shares are about twice as high."""


def test_random_graphs_stream_the_same_in_every_mode():
    seen = Counter()

    @settled(0.3)
    @given(listenings())
    def check(listening):
        found = listened(listening)

        def played(m):
            play = Heard(m, listening)
            heard = play.heard()
            found.update(play.features)
            return heard

        if agree(lambda: played(THEIRS), lambda: played(OURS), alike):
            found.add("upstream wavers")
        count(seen, found)

    check()
    worth_it(seen, SHARES)
