"""Random graphs with random scripts take the same path under LangGraph and under nbhitl, and end in the same state."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("langgraph")
from tests.differential.build import OURS, THEIRS
from tests.differential.comparing import agree, count, settled, worth_it
from tests.differential.play import Play, same
from tests.differential.programs import features
from tests.differential.strategies import programs


def compare(program, seen):
    found = features(program)

    def played(m):
        play = Play(m, program).play()
        found.update(play.features)
        return play.end()

    if agree(lambda: played(THEIRS), lambda: played(OURS), same):
        found.add("upstream wavers")
    count(seen, found)


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
    worth_it(seen, SHARES)


@settled(0.25)
@given(programs(nesting=0))
def test_flat_graphs_take_the_same_path(program):
    compare(program, Counter())


@settled(0.15)
@given(programs(nesting=1, style=st.just("ainvoke")))
def test_async_graphs_take_the_same_path(program):
    compare(program, Counter())
