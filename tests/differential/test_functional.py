"""Random entrypoints and tasks come to the same results, run their bodies as often, and remember the same."""

from collections import Counter

import pytest
from hypothesis import given

pytest.importorskip("langgraph")
from tests.differential.build import OURS, THEIRS
from tests.differential.comparing import agree, count, settled, worth_it
from tests.differential.functions import features, functions
from tests.differential.perform import Performed

SHARES = {
    "question in the body": 0.3,
    "question in a task": 0.05,
    "questions side by side": 0.01,
    "side by side": 0.1,
    "task in a task": 0.03,
    "task fails": 0.1,
    "task is retried": 0.07,
    "entrypoint fails": 0.04,
    "entrypoint is retried": 0.02,
    "error is caught": 0.03,
    "cached": 0.1,
    "saved": 0.1,
    "several turns": 0.15,
    "awaits": 0.2,
    "sync task awaited": 0.07,
    "streams": 0.1,
    "paused": 0.3,
    "failed": 0.09,
}
"""What the examples must be made of for this to be worth anything; measured shares are about twice as high."""


def test_random_entrypoints_come_to_the_same_and_run_their_bodies_as_often():
    seen = Counter()

    @settled(0.2)
    @given(functions())
    def check(function):
        found = features(function)

        def played(m):
            play = Performed(m, function).play()
            found.update(play.features)
            return play.record

        if agree(lambda: played(THEIRS), lambda: played(OURS)):
            found.add("upstream wavers")
        count(seen, found)

    check()
    worth_it(seen, SHARES)
