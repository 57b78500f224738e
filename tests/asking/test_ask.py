"""`ask` gives a value of a type, `ask_until` one that passes a check; later runs come to the same questions."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import pytest
from pydantic import BaseModel, SecretStr

from nbhitl import NbhitlError, ask, ask_until
from nbhitl.engine.errors import AnswerRefused, SchemaError
from nbhitl.engine.records import MISSING


class Trip(BaseModel):
    """Where to?"""

    city: str
    nights: int = 2


@dataclass
class Point:
    x: int
    y: int


class Login(BaseModel):
    user: str
    password: SecretStr


@pytest.mark.parametrize(
    ("kind", "given", "found"),
    [
        (str, "Ann", "Ann"),
        (int, 3, 3),
        (float, 2, 2.0),
        (bool, True, True),
        (dt.date, "2024-03-31", dt.date(2024, 3, 31)),
        (Literal["a", "b"], "b", "b"),
        (list[int], [1, 2], [1, 2]),
        (Trip, {"city": "Rome"}, Trip(city="Rome")),
        (Point, {"x": 1, "y": 2}, Point(1, 2)),
        ({"type": "integer"}, 4, 4),
    ],
)
def test_an_answer_is_of_the_type_that_was_asked_for(person, kind, given, found):
    answer = person(lambda: ask("Well?", kind)).answers(given)
    assert (type(answer), answer) == (type(found), found)


@pytest.mark.parametrize(
    ("kind", "bounds", "wrong", "said"),
    [
        (int, {"at_least": 1, "at_most": 9}, 10, "at most 9"),
        (float, {"at_least": 0.5}, 0.1, "at least 0.5"),
        (str, {"at_least": 3}, "ab", "at least 3 characters"),
        (list[str], {"at_most": 1}, ["a", "b"], "at most 1"),
        (dt.date, {"at_least": dt.date(2024, 1, 1)}, "2023-12-31", "2024-01-01"),
    ],
)
def test_bounds_are_of_values_or_of_lengths(person, kind, bounds, wrong, said):
    asked = person(lambda: ask("Well?", kind, **bounds))
    with pytest.raises(AnswerRefused, match=said):
        asked.answers({asked.id: wrong})


@pytest.mark.parametrize("kind", [Trip, bool, Literal["a"], dict[str, int]])
def test_bounds_of_what_has_none_are_an_error(person, kind):
    with pytest.raises(NbhitlError, match="go with numbers, dates, text and lists"):
        person(lambda: ask("Well?", kind, at_least=1))


def test_a_draft_fills_in_the_form_and_changes_nothing_else(person):
    asked = person(lambda: ask("Where to?", Trip, draft=Trip(city="Oslo", nights=4)))
    assert [(f.name, f.default, f.required) for f in asked.form.fields] == [
        ("city", "Oslo", True),
        ("nights", 4, False),
    ]
    assert asked.answers({"city": "Rome"}) == Trip(city="Rome", nights=2)


def test_a_draft_of_a_single_value_is_filled_in_too(person):
    (field,) = person(lambda: ask("How many?", int, at_least=1, draft=5)).form.fields
    assert (field.default, field.minimum) == (5, 1)


def test_a_secret_is_never_part_of_a_draft(person):
    asked = person(lambda: ask("Who?", Login, draft=Login(user="ann", password="hunter2")))
    assert [f.default for f in asked.form.fields] == ["ann", MISSING]


def test_a_draft_that_does_not_fit_is_an_error(person):
    with pytest.raises(AnswerRefused):
        person(lambda: ask("Where to?", Trip, draft=Point(1, 2)))


def test_a_schema_that_cannot_be_asked_for_is_an_error(person):
    with pytest.raises(SchemaError, match="cannot be asked for"):
        person(lambda: ask("Well?", print))


def test_it_is_asked_again_with_the_reason_and_the_draft_until_the_check_passes(person):
    taken = {"ann": "is taken already", "bob": "is taken, too"}
    asked = person(lambda: ask_until("Which name?", check=taken.get))
    assert asked.asked == "Which name?"
    assert asked.answers("ann") == {"question": "Which name?", "problem": "is taken already"}
    assert asked.form.fields[0].default == "ann"
    assert asked.answers("bob") == {"question": "Which name?", "problem": "is taken, too"}
    assert asked.answers("cem") == "cem"


def test_what_a_check_said_is_kept_although_the_world_has_changed(person):
    seen, taken = [], {"ann"}

    def check(name):
        seen.append(name)
        return "is taken" if name in taken else None

    asked = person(lambda: (ask_until("Which name?", check=check), ask("How old?", int)))
    asked.answers("ann")
    taken.clear()
    assert asked.answers("bob") == "How old?"
    assert asked.answers(7) == ("bob", 7)
    assert seen == ["ann", "bob"]


def test_two_of_the_same_question_keep_their_own_rounds(person):
    names = []

    def body():
        def fresh(name):
            return "is taken" if name in names else None

        names.clear()
        for _ in range(2):
            names.append(ask_until("Which name?", check=fresh))  # noqa: PERF401 - the check looks at it
        return list(names)

    asked = person(body)
    assert asked.answers("ann") == "Which name?"
    assert asked.answers("ann") == {"question": "Which name?", "problem": "is taken"}
    assert asked.answers("bob") == ["ann", "bob"]


def test_rounds_have_keys_of_their_own(person):
    asked = person(lambda: ask_until("Which?", int, check=lambda n: None if n > 2 else "too few", key="guests"))
    asked.answers(1)
    asked.answers(2)
    assert asked.answers(3) == 3


def test_a_refused_answer_of_a_class_is_the_next_draft(person):
    def check(trip):
        return "too long" if trip.nights > 3 else None

    asked = person(lambda: ask_until("Where to?", Trip, check=check))
    asked.answers({"city": "Rome", "nights": 9})
    assert [f.default for f in asked.form.fields] == ["Rome", 9]
    assert asked.answers({"city": "Rome", "nights": 3}) == Trip(city="Rome", nights=3)


@pytest.mark.parametrize("found", [True, False, 0, ["no"]])
def test_a_check_that_returns_no_words_is_an_error(person, found):
    asked = person(lambda: ask_until("Which?", check=lambda answer: found))
    with pytest.raises(NbhitlError, match="return None when the answer will do"):
        asked.answers("a")


def test_a_check_that_fails_is_run_again_with_the_same_answer(person):
    seen = []

    def check(name):
        seen.append(name)
        if len(seen) == 1:
            raise OSError("no network")

    asked = person(lambda: ask_until("Which?", check=check))
    with pytest.raises(OSError, match="no network"):
        asked.answers("ann")
    assert asked.graph.invoke(None, {"configurable": {"thread_id": "1"}})["out"] == "ann"
    assert seen == ["ann", "ann"]


def test_rounds_survive_a_file_that_is_closed_and_opened(stored):
    def body():
        return ask_until("Which?", int, check=lambda n: "odd" if n % 2 else None)

    stored(body).answers(1)
    asked = stored(body)
    assert asked.asked == {"question": "Which?", "problem": "odd"}
    assert stored(body).answers(2) == 2
