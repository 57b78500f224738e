"""Deterministic names, and what a digest sees of a value."""

import array
import dataclasses
import functools
from enum import Enum

import pydantic
import pytest

from nbhitl.engine import ids
from nbhitl.engine.errors import did_you_mean
from nbhitl.engine.fingerprints import fingerprint
from nbhitl.engine.ids import digest
from nbhitl.engine.records import MISSING


def test_names_are_made_from_what_they_name():
    assert ids.checkpoint_id("run", 7) == "run-0007"
    assert ids.task_id("run-0007", 2) == "run-0007:2"
    assert ids.interrupt_id("run-0007:2", "key a") == ids.interrupt_id("run-0007:2", "key a")
    assert ids.interrupt_id("run-0007:2", "key a") != ids.interrupt_id("run-0007:3", "key a")


class Form(pydantic.BaseModel):
    a: int = 1


class Other(pydantic.BaseModel):
    a: int = 1


class Colour(Enum):
    RED = 1
    BLUE = 1.5


class Metres(float):
    """A number of the user's own kind."""


@dataclasses.dataclass
class Point:
    x: int


class Plain:
    """Nothing is known about its inside."""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Form(a=1), Form(a=2)),
        (Form(a=1), Other(a=1)),
        (Form, Other),
        (Colour.RED, Colour.BLUE),
        (Metres(1), Metres(2)),
        (Metres(1), 1.0),
        (Point(1), Point(2)),
        (array.array("i", [1]), array.array("i", [2])),
        (array.array("i", [1]), array.array("q", [1])),
        ({"a": [1]}, {"a": [2]}),
    ],
)
def test_values_that_differ_have_digests_that_differ(one, other):
    assert digest(one) == digest(one)
    assert digest(one) != digest(other)


class Table:
    """As tables of pandas and polars."""

    def __init__(self, **columns):
        self.columns = columns

    def to_dict(self):
        return self.columns


def test_a_table_counts_by_its_columns():
    assert digest(Table(a=[1])) == digest(Table(a=[1]))
    assert digest(Table(a=[1])) != digest(Table(a=[2]))
    assert digest(Table(a=[1])) != digest(Table(b=[1]))


def test_an_object_of_an_unknown_kind_counts_by_its_class():
    assert digest(Plain()) == digest(Plain())
    assert digest(Plain()) != digest(object())


def test_the_order_of_a_set_does_not_count():
    assert digest({"a", "b", "c"}) == digest({"c", "b", "a"})


def nested(depth, leaf):
    for _ in range(depth):
        leaf = [leaf]
    return leaf


def test_what_lies_deeper_than_any_question_does_not_count_and_ends_no_stack():
    assert digest(nested(40, 1)) != digest(nested(40, 2))
    assert digest(nested(10_000, 1)) == digest(nested(10_000, 2))


def test_a_value_that_holds_itself_has_a_digest():
    loop = []
    loop.append(loop)
    assert digest(loop) == digest(loop)


def test_callables_without_code_count_by_their_name_and_what_they_were_made_with():
    assert fingerprint(functools.partial(print, 1)) == fingerprint(functools.partial(print, 1))
    assert fingerprint(functools.partial(print, 1)) != fingerprint(functools.partial(print, 2))
    assert fingerprint(print) != fingerprint(len)
    assert fingerprint(print) != fingerprint(functools.partial(print))


def test_a_suggestion_is_the_nearest_name_else_all_else_nothing():
    assert did_you_mean("drft", ["draft", "review"]) == " Did you mean 'draft'?"
    assert did_you_mean("zzz", ["draft", "review"]) == " Known: 'draft', 'review'."
    assert did_you_mean("zzz", [f"n{n:02}" for n in range(20)]).endswith(", 'n11', ....")
    assert did_you_mean("zzz", []) == ""


def test_no_value_says_so():
    assert repr(MISSING) == "MISSING"
    assert MISSING is not None


def test_what_can_be_stored_is_told_apart_by_its_content():
    import datetime as dt
    import uuid
    from collections import deque
    from decimal import Decimal
    from pathlib import PurePosixPath

    pairs = [
        (Decimal(10), Decimal(11)),
        (dt.date(2030, 1, 1), dt.date(2024, 1, 1)),
        (dt.datetime(2030, 1, 1, tzinfo=dt.UTC), dt.datetime(2031, 1, 1, tzinfo=dt.UTC)),
        (dt.timedelta(1), dt.timedelta(2)),
        (PurePosixPath("a"), PurePosixPath("b")),
        (uuid.UUID(int=1), uuid.UUID(int=2)),
        (deque([1]), deque([2])),
        (range(3), range(4)),
    ]
    for one, other in pairs:
        assert digest({"v": one}) != digest({"v": other}), type(one)


def test_arrays_are_told_apart_whatever_they_hold():
    numpy = pytest.importorskip("numpy")
    days = [numpy.array(["2024-01-01"], "M8[D]"), numpy.array(["2024-01-02"], "M8[D]")]
    assert digest(days[0]) != digest(days[1])
    things = [numpy.array([text * 40, None], dtype=object) for text in ("a", "a", "b")]
    assert digest(things[0]) == digest(things[1]) != digest(things[2])
