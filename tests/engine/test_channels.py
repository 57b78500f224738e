"""Channels: what becomes of a key's value in a super-step."""

import operator
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence, Sized
from collections.abc import Set as AbstractSet

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbhitl.engine import moves
from nbhitl.engine.channels import (
    BinaryOperatorAggregate,
    EphemeralValue,
    LastValue,
    Topic,
    UntrackedValue,
    fleeting,
    initial,
    merge,
)
from nbhitl.engine.commands import Overwrite
from nbhitl.engine.errors import InvalidUpdateError
from nbhitl.engine.records import MISSING, Wrote
from tests.engine.literals import at, graph

LISTS = BinaryOperatorAggregate(list, operator.add)
SUM = BinaryOperatorAggregate(int, operator.add)


@pytest.mark.parametrize(
    ("typ", "value"),
    [
        (list, []),
        (list[int], []),
        (int, 0),
        (str, ""),
        (Sequence, []),
        (Sequence[int], []),
        (MutableSequence, []),
        (Mapping, {}),
        (MutableMapping, {}),
        (dict[str, int], {}),
        (AbstractSet, set()),
    ],
)
def test_a_key_with_a_reducer_starts_empty(typ, value):
    assert initial(BinaryOperatorAggregate(typ, operator.add)) == value


@pytest.mark.parametrize("typ", [Sized, memoryview, "list", None, int | str])
def test_where_no_empty_value_is_known_the_first_write_is_the_value(typ):
    channel = BinaryOperatorAggregate(typ, operator.add)
    assert initial(channel) is MISSING
    assert merge("x", channel, MISSING, [1, 2]) == 3


@pytest.mark.parametrize("channel", [LastValue(list), Topic(), EphemeralValue(), UntrackedValue()])
def test_a_key_without_a_reducer_has_no_value_until_it_is_written(channel):
    assert initial(channel) is MISSING


def test_the_last_value_is_kept():
    assert merge("x", LastValue(), 1, [2]) == 2
    assert merge("x", LastValue(), MISSING, [None]) is None


@pytest.mark.parametrize("channel", [LastValue(), EphemeralValue(), UntrackedValue()])
def test_two_values_for_a_key_that_keeps_one_are_refused_with_the_cure(channel):
    with pytest.raises(InvalidUpdateError, match=r"'x' got 2 values in one step.*x: Annotated\[list, operator.add\]"):
        merge("x", channel, 0, [1, 2])


@pytest.mark.parametrize("channel", [EphemeralValue(guard=False), UntrackedValue(guard=False)])
def test_without_a_guard_the_last_of_several_values_counts(channel):
    assert merge("x", channel, 0, [1, 2]) == 2


@pytest.mark.parametrize("channel", [LastValue(), EphemeralValue(), UntrackedValue()])
def test_an_overwrite_is_its_value_where_there_is_no_reducer(channel):
    assert merge("x", channel, 0, [Overwrite(2)]) == 2


def test_a_reducer_folds_in_order():
    assert merge("log", LISTS, ["a"], [["b"], ["c"]]) == ["a", "b", "c"]
    assert merge("log", BinaryOperatorAggregate(str, lambda old, new: f"({old}{new})"), "a", ["b", "c"]) == "((ab)c)"


def test_folding_lists_leaves_the_old_value_as_it_was():
    old = ["a"]
    assert merge("log", LISTS, old, [["b"], ["c"]]) == ["a", "b", "c"]
    assert old == ["a"]


@pytest.mark.parametrize("write", [Overwrite(["z"]), {"__overwrite__": ["z"]}])
def test_an_overwrite_replaces_and_later_writes_of_the_step_do_not_count(write):
    assert merge("log", LISTS, ["a"], [write]) == ["z"]
    assert merge("log", LISTS, ["a"], [["b"], write]) == ["z"]
    assert merge("log", LISTS, ["a"], [write, ["b"]]) == ["z"]


def test_two_overwrites_in_one_step_are_refused():
    with pytest.raises(InvalidUpdateError, match="'log' got several Overwrite values in one step; it takes one"):
        merge("log", LISTS, ["a"], [Overwrite([]), Overwrite([])])


def test_a_dict_with_more_than_an_overwrite_is_a_write_like_any_other():
    union = BinaryOperatorAggregate(dict, operator.or_)
    assert merge("x", union, {"a": 1}, [{"__overwrite__": 2, "b": 3}]) == {"a": 1, "__overwrite__": 2, "b": 3}


def test_what_a_reducer_raises_passes():
    with pytest.raises(TypeError):
        merge("x", SUM, 0, ["a"])


def test_a_topic_is_a_list_of_what_was_written_in_the_step():
    assert merge("t", Topic(), ["old"], ["a", ["b", "c"], ("d",)]) == ["a", "b", "c", ("d",)]


def test_a_topic_that_accumulates_keeps_what_was_written_before():
    old = ["old"]
    assert merge("t", Topic(accumulate=True), old, ["a", ["b"]]) == ["old", "a", "b"]
    assert merge("t", Topic(accumulate=True), MISSING, ["a"]) == ["a"]
    assert old == ["old"]


@pytest.mark.parametrize(
    ("channel", "gone"),
    [
        (EphemeralValue(), True),
        (Topic(), True),
        (Topic(accumulate=True), False),
        (LastValue(), False),
        (UntrackedValue(), False),
        (LISTS, False),
    ],
)
def test_which_values_are_gone_after_a_step_in_which_nobody_wrote_them(channel, gone):
    assert fleeting(channel) is gone


def test_a_fleeting_value_is_dropped_by_the_step_that_does_not_write_it():
    passing = graph({}, note=EphemeralValue(), found=Topic())
    position = at("a", values={"note": 1, "found": ["f"], "x": 2, "log": []})
    made = moves.commit(passing, position.after([Wrote("k:0", (("note", 3),))]), id="m", at=0)
    assert (made.values, made.changed) == ({"note": 3, "x": 2, "log": []}, ("note", "found"))
    made = moves.commit(passing, position.after([Wrote("k:0")]), id="m", at=0)
    assert (made.values, made.changed) == ({"x": 2, "log": []}, ("note", "found"))


def test_a_fleeting_key_without_a_value_does_not_change():
    passing = graph({}, note=EphemeralValue())
    made = moves.commit(passing, at("a", values={"x": 1}).after([Wrote("k:0")]), id="m", at=0)
    assert (made.values, made.changed) == ({"x": 1}, ())


@given(st.lists(st.lists(st.integers())), st.lists(st.integers()))
def test_writes_in_one_step_or_in_several_fold_to_the_same(writes, old):
    one_by_one = old
    for write in writes:
        one_by_one = merge("log", LISTS, one_by_one, [write])
    assert (merge("log", LISTS, old, writes) if writes else old) == one_by_one
