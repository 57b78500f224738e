"""Random graphs with random scripts take the same path under LangGraph and under nbhitl, and end in the same state.

``NBHITL_EXAMPLES=20000 python -m pytest tests/differential`` tries more; the examples are the same in every run.
"""

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

pytest.importorskip("langgraph")
from tests.differential.build import OURS, THEIRS
from tests.differential.play import Play, same
from tests.differential.programs import features
from tests.differential.strategies import programs

EXAMPLES = int(os.environ.get("NBHITL_EXAMPLES", "2000"))


def settled(share):
    """The settings of a test that takes a share of the examples: the same ones in every run."""
    return settings(
        max_examples=max(10, int(EXAMPLES * share)),
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],  # to explain a failure takes minutes
        suppress_health_check=[HealthCheck.too_slow],
    )


def compare(program, seen):
    theirs = Play(THEIRS, program).play()
    ours = Play(OURS, program).play()
    expected, got = theirs.end(), ours.end()
    again = 0
    while not same(expected, got) and again < 2:  # where bodies run in parallel, upstream is not the same in every run
        theirs, again = Play(THEIRS, program).play(), again + 1
        expected = theirs.end()
    if same(expected, got):
        got = expected
    found = features(program) | theirs.features | ours.features | ({"upstream wavers"} if again else set())
    seen.update(found)
    seen["all"] += 1
    for feature in sorted(found):
        event(feature)
    assert got == expected


SHARES = {
    "paused": 0.35,
    "answered": 0.3,
    "several questions at once": 0.05,
    "several questions in a body": 0.1,
    "sub-graph": 0.4,
    "sub-graph as a node": 0.25,
    "sub-graph called in a body": 0.25,
    "two levels of sub-graphs": 0.1,
    "paused in a sub-graph": 0.1,
    "leaves for the parent": 0.02,
    "send": 0.2,
    "router": 0.4,
    "loop": 0.2,
    "goto": 0.15,
    "waiting edge": 0.1,
    "defer": 0.05,
    "failing node": 0.05,
    "overwrite": 0.1,
    "private input": 0.1,
    "static breakpoint": 0.05,
    "edited": 0.03,
    "edited while it asks": 0.01,
    "a question outlived an edit": 0.003,
    "forked": 0.03,
    "replayed": 0.03,
    "state dataclass": 0.03,
    "state model": 0.03,
    "style invoke": 0.05,
    "style ainvoke": 0.05,
}
"""What the examples must be made of for this to be worth anything; measured shares are about twice as high."""


def test_random_graphs_take_the_same_path_and_the_examples_are_worth_it():
    seen = Counter()

    @settled(0.6)
    @given(programs())
    def check(program):
        compare(program, seen)

    check()
    rare = {name: seen[name] / seen["all"] for name, share in SHARES.items() if seen[name] < share * seen["all"]}
    assert not rare, "too few examples have this"
    assert seen["upstream wavers"] <= 0.02 * seen["all"]


@settled(0.25)
@given(programs(nesting=0))
def test_flat_graphs_take_the_same_path(program):
    compare(program, Counter())


@settled(0.15)
@given(programs(nesting=1, style=st.just("ainvoke")))
def test_async_graphs_take_the_same_path(program):
    compare(program, Counter())
