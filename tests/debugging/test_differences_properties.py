"""Laws of differences, for any values."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from nbhitl.debugging.aligned import aligned
from nbhitl.debugging.differences import differences
from nbhitl.debugging.likeness import same
from nbhitl.debugging.looks import brief
from nbhitl.engine.records import MISSING

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=4)
        | st.sets(st.integers(), max_size=3)
    ),
    max_leaves=12,
)
states = st.dictionaries(st.sampled_from("abcd"), values)


@given(states)
def test_a_state_does_not_differ_from_its_copy(state):
    assert differences(state, copy.deepcopy(state)) == ()


@given(states, states)
def test_states_differ_exactly_where_their_values_are_not_the_same(old, new):
    changed = {key for key in {*old, *new} if not same(old.get(key, MISSING), new.get(key, MISSING))}
    assert {one.key for one in differences(old, new)} == changed


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_a_list_with_its_differences_put_in_is_the_other_list(old, new):
    pairs = list(aligned(old, new))
    gone = {before for before, after in pairs if after is None}
    changed = {before: after for before, after in pairs if before is not None and after is not None}
    come = {after for before, after in pairs if before is None}
    kept = iter([new[changed[n]] if n in changed else item for n, item in enumerate(old) if n not in gone])
    assert [new[n] if n in come else next(kept) for n in range(len(new))] == new
    assert next(kept, None) is None


@given(values, st.integers(1, 200))
def test_a_line_is_one_line_of_the_length_that_is_asked_for(value, room):
    line = brief(value, room)
    assert len(line) <= room
    assert "\n" not in line
