"""`edit` gives back a value of the type that it was given, and its form begins with that value."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

import pytest
from pydantic import BaseModel, SecretStr, field_validator

from nbhitl import NbhitlError, edit
from nbhitl.engine.errors import AnswerRefused
from nbhitl.engine.records import MISSING


class Tone(Enum):
    KIND = "kind"
    FIRM = "firm"


class Address(BaseModel):
    street: str
    number: int


class Order(BaseModel):
    """An order."""

    item: str
    price: Decimal
    address: Address
    tags: list[str] = []

    @field_validator("item")
    @classmethod
    def known(cls, item: str) -> str:
        if item == "moon":
            raise ValueError("we do not sell this")
        return item


@dataclass
class Note:
    text: str
    when: dt.date
    tone: Tone = Tone.KIND
    seen: list[int] = field(default_factory=list)


class Account(BaseModel):
    user: str
    token: SecretStr


ORDER = Order(item="tea", price=Decimal("1.50"), address=Address(street="High St", number=3), tags=["new"])
NOTE = Note("hi", dt.date(2024, 3, 31), Tone.FIRM, [1])


def test_text_is_edited_in_a_text_area_that_holds_it(person):
    asked = person(lambda: edit("one\ntwo", "Anything to mend?"))
    (control,) = asked.form.fields
    assert (asked.asked, control.kind, control.multiline) == ("Anything to mend?", "text", True)
    assert control.default == "one\ntwo"
    assert asked.answers("three") == "three"


def test_text_may_be_cleared(person):
    assert person(lambda: edit("draft")).answers("") == ""


@pytest.mark.parametrize(
    ("value", "given", "found"),
    [
        (
            ORDER,
            {**ORDER.model_dump(mode="json"), "price": "2.25"},
            ORDER.model_copy(update={"price": Decimal("2.25")}),
        ),
        (NOTE, {"text": "ho", "when": "2024-04-01", "tone": "kind", "seen": []}, Note("ho", dt.date(2024, 4, 1))),
        ({"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 2, "b": "y"}),
        ({"when": dt.date(2024, 1, 1)}, {"when": "2024-01-02"}, {"when": dt.date(2024, 1, 2)}),
        ({"in": {"x": 1.5}}, {"in": {"x": 2}}, {"in": {"x": 2.0}}),
        ({"two words": 1}, {"two words": 5}, {"two words": 5}),
        ([1, 2], [3], [3]),
        ([{"a": 1}, {"a": 2}], [{"a": 3}], [{"a": 3}]),
        ([1, "a"], ["b", 2.5], ["b", 2.5]),
        (7, 8, 8),
        (True, False, False),
        (Tone.KIND, "firm", Tone.FIRM),
        (Decimal("1.10"), "1.20", Decimal("1.20")),
    ],
)
def test_the_corrected_value_is_of_the_same_type(person, value, given, found):
    answer = person(lambda: edit(value)).answers(given)
    assert (type(answer), answer) == (type(found), found)


@pytest.mark.parametrize("value", [ORDER, NOTE, {"a": 1, "n": {"b": [1]}, "d": dt.date(2024, 1, 1)}, [1, 2], "x"])
def test_a_value_that_nobody_touches_comes_back_equal(person, value):
    asked = person(lambda: edit(value))
    described = asked.graph.get_state({"configurable": {"thread_id": "1"}}).tasks[0].interrupts[0].response_schema
    from nbhitl.run.answers import SchemaChecker

    assert asked.answers({asked.id: SchemaChecker().describe(described)["default"]}) == value


def test_the_form_begins_with_the_values(person):
    fields = {f.name: f for f in person(lambda: edit(ORDER)).form.fields}
    assert (fields["item"].default, fields["price"].default) == ("tea", "1.50")
    assert [f.default for f in fields["address"].fields] == ["High St", 3]
    assert fields["tags"].default == ["new"]


def test_the_validators_of_the_class_check_what_was_edited(person):
    asked = person(lambda: edit(ORDER))
    with pytest.raises(AnswerRefused, match="we do not sell this"):
        asked.answers({asked.id: {**ORDER.model_dump(mode="json"), "item": "moon"}})


def test_a_dict_keeps_its_keys(person):
    asked = person(lambda: edit({"a": 1}))
    with pytest.raises(AnswerRefused, match="b: is not a field"):
        asked.answers({asked.id: {"a": 1, "b": 2}})


def test_a_secret_of_the_value_is_not_stored_with_the_question(person):
    asked = person(lambda: edit(Account(user="ann", token="hunter2")))
    assert [f.default for f in asked.form.fields] == ["ann", MISSING]
    assert "hunter2" not in repr(asked.graph.get_state({"configurable": {"thread_id": "1"}}))


@pytest.mark.parametrize(
    ("value", "said"),
    [({1: "a"}, "keys that are no text"), ((1, 2), r"edit list\(...\)"), ({"a": {"b": (1,)}}, r"value\['a'\]\['b'\]")],
)
def test_what_no_form_can_show_is_an_error_that_says_where(person, value, said):
    with pytest.raises(NbhitlError, match=said):
        person(lambda: edit(value))


def test_the_default_is_a_value_of_the_same_kind(person):
    assert person(lambda: edit(ORDER, deadline=60, default=ORDER)).asked == "Please correct"
