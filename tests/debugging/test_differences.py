"""What changed between two states, part by part."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import pydantic
import pytest

from nbhitl.debugging.differences import ALTOGETHER, MOST, differences
from nbhitl.debugging.likeness import same
from nbhitl.engine.records import MISSING
from tests.debugging.hostile import all_of_them, endless


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Note:
    text: str
    stars: int = 0


class Plain:
    """Its class does not compare it."""

    def __init__(self, x):
        self.x = x


class Review(pydantic.BaseModel):
    ok: bool
    notes: list[str] = []


def told(old, new):
    return [(one.change, one.where, one.old, one.new) for one in differences(old, new)]


def test_keys_that_came_went_and_changed_are_told_in_the_order_of_the_new_state():
    assert told({"a": 1, "b": 2, "c": 3}, {"d": 4, "c": 5, "a": 1}) == [
        ("added", "d", MISSING, 4),
        ("changed", "c", 3, 5),
        ("removed", "b", 2, MISSING),
    ]


def test_nothing_is_told_of_states_that_are_the_same():
    state = {"a": [1, {"b": (2, {3})}], "n": math.nan, "p": Point(1, 2), "o": Plain([1])}
    again = {"a": [1, {"b": (2, {3})}], "n": float("nan"), "p": Point(1, 2), "o": Plain([1])}
    assert differences(state, again) == ()


def test_a_number_is_told_with_its_delta():
    notes = [one.note for one in differences({"n": 1000, "x": 1.5}, {"n": 3001, "x": 1.25})]
    assert notes == ["+2,001", "-0.25"]


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), ("1", 1), ([1], (1,)), (None, 0)])
def test_another_type_is_a_change_although_python_may_call_them_equal(old, new):
    (one,) = differences({"x": old}, {"x": new})
    assert one.change == "changed"
    assert "became" in one.note


def test_an_item_in_front_is_one_addition_and_not_a_change_of_all_that_follow():
    assert told({"log": ["b", "c", "d"]}, {"log": ["a", "b", "c", "d"]}) == [("added", "log[0]", MISSING, "a")]
    assert told({"log": ["a", "b", "c"]}, {"log": ["a", "c"]}) == [("removed", "log[1]", "b", MISSING)]
    assert told({"log": [1, 2, 3, 4, 5]}, {"log": [0, 1, 3, 9, 5]}) == [
        ("added", "log[0]", MISSING, 0),
        ("removed", "log[1]", 2, MISSING),
        ("changed", "log[3]", 4, 9),
    ]


def test_what_changed_inside_an_item_is_told_by_its_path():
    old = {"messages": [{"role": "user", "content": "hi"}, {"role": "ai", "content": "hello", "two words": 1}]}
    new = {"messages": [{"role": "user", "content": "hi"}, {"role": "ai", "content": "bye", "two words": 2}]}
    assert [one.where for one in differences(old, new)] == ["messages[1].content", "messages[1]['two words']"]


def test_fields_of_dataclasses_models_and_named_tuples_are_told_one_by_one():
    old = {"note": Note("a"), "review": Review(ok=True), "point": Point(1, 2)}
    new = {"note": Note("b"), "review": Review(ok=True, notes=["x"]), "point": Point(1, 3)}
    assert told(old, new) == [
        ("changed", "note.text", "a", "b"),
        ("added", "review.notes[0]", MISSING, "x"),
        ("changed", "point.y", 2, 3),
    ]


def test_items_of_sets_come_and_go():
    found = differences({"s": {1, 2}}, {"s": {2, 3}})
    assert [(one.change, one.where) for one in found] == [("removed", "s{1}"), ("added", "s{3}")]


def test_of_many_differences_the_rest_is_counted():
    found = differences({"n": list(range(1_000))}, {"n": [-n - 1 for n in range(1_000)]})
    assert len(found) == MOST + 1
    assert (found[-1].change, found[-1].count) == ("more", 1_000 - MOST)


def test_of_millions_of_differences_nobody_counts_all():
    found = differences({"n": [0] * 200_000}, {"n": [1] * 200_000})
    assert found[-1].note == "more than 10,000 more"


def test_a_state_of_thousands_of_changed_keys_is_cut():
    old, new = ({f"k{n}": sign * n for n in range(1, 2_000)} for sign in (1, -1))
    found = differences(old, new)
    assert len(found) == ALTOGETHER + 1
    assert found[-1].change == "more"


def test_values_of_strangers_break_nothing():
    found = differences(all_of_them(), all_of_them())
    assert {one.key for one in found} <= {"raising", "vague"}
    assert {one.change for one in found} <= {"changed"}


def test_a_value_that_holds_itself_is_compared_once():
    other = endless()
    other[1] = 5
    assert differences({"x": endless()}, {"x": endless()}) == ()
    assert next(one.where for one in differences({"x": endless()}, {"x": other})) == "x[1]"


def test_one_part_that_stands_everywhere_does_not_make_the_comparison_explode():
    def wide():
        part = [0]
        for _ in range(60):
            part = [part, part]
        return part

    assert same(wide(), wide())


def test_one_difference_inside_strangers_does_not_hide_the_others():
    old, new = all_of_them(), all_of_them()
    old["lying list"].append(3)
    new["lying dict"]["b"] = 2
    found = {one.where: one.change for one in differences(old, new)}
    assert found["lying list[2]"] == "removed"
    assert found["lying dict.b"] == "added"
