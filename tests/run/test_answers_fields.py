"""A JSON Schema becomes a form model, and raw control values become an answer."""

import datetime as dt
import decimal
import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import pytest
from pydantic import AwareDatetime, BaseModel, Field, SecretStr

from nbhitl.engine.errors import AnswerRefused
from nbhitl.engine.records import MISSING
from nbhitl.run.answers import SchemaChecker, form_model
from nbhitl.run.fields import Option, collect
from nbhitl.run.uploads import Upload

ATTACKS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text())["form_values"]
CHECKER = SchemaChecker()


class Review(BaseModel):
    """Publish this draft?"""

    decision: Literal["publish", "revise"]
    stars: Annotated[int, Field(ge=1, le=5)] = 3
    notes: str = Field("", description="What should change?")


class Loose(TypedDict, total=False):
    name: str
    age: int


def only(schema):
    model = form_model(schema)
    assert model.single
    return model.fields[0]


def refusal(model, raw):
    with pytest.raises(AnswerRefused) as refused:
        collect(model, raw)
    return {p.field: p.message for p in refused.value.problems}


def test_a_model_becomes_a_form_with_its_words_and_bounds():
    model = form_model(Review)
    assert (model.title, model.description, model.single) == ("Review", "Publish this draft?", False)
    decision, stars, notes = model.fields
    assert (decision.kind, decision.required, decision.default) == ("choice", True, MISSING)
    assert decision.options == (Option("publish", "publish"), Option("revise", "revise"))
    assert (stars.kind, stars.minimum, stars.maximum, stars.default) == ("integer", 1, 5, 3)
    assert (notes.kind, notes.label, notes.description) == ("text", "Notes", "What should change?")


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        (Literal["a", "b"], "choice"),
        (Literal["a", None], "choice"),  # noqa: PYI061
        (Literal["a", "b"] | None, "choice"),
        (bool, "choice"),
        (int, "integer"),
        (int | None, "integer"),
        (float, "number"),
        (int | float, "number"),
        (decimal.Decimal, "decimal"),
        (decimal.Decimal | None, "decimal"),
        (str, "text"),
        (dt.date, "date"),
        (dt.datetime, "datetime"),
        (dt.time, "time"),
        (list[Literal["a", "b"]], "choices"),
        (list[int], "list"),
        (list[Any], "json"),
        (tuple[int, str], "object"),
        (dict[str, int], "json"),
        (int | str, "union"),
        (str | list[str] | dict[str, int], "union"),
        (int | Any, "json"),
        (SecretStr, "secret"),
        (SecretStr | None, "secret"),
        (Upload, "file"),
        (Upload | None, "file"),
        (None, "json"),
        ({"type": ["integer", "null"]}, "integer"),
    ],
)
def test_one_value_becomes_a_form_with_one_control(schema, kind):
    assert only(schema).kind == kind
    assert only(CHECKER.describe(schema)) == only(schema)


def test_a_checkbox_is_only_for_a_bool_with_a_default():
    class Flags(BaseModel):
        asked: bool
        given: bool = False
        maybe: bool | None = None

    assert [f.kind for f in form_model(Flags).fields] == ["choice", "checkbox", "choice"]


def test_long_text_gets_many_lines():
    class Texts(BaseModel):
        a: str
        b: str = Field(json_schema_extra={"x-multiline": True})
        c: Annotated[str, Field(max_length=2_000)]
        d: str = "one\ntwo"

    assert [f.multiline for f in form_model(Texts).fields] == [False, True, True, True]
    assert only(str).multiline


def test_an_aware_moment_is_told_from_a_naive_one():
    assert only(AwareDatetime).aware
    assert not only(dt.datetime).aware


def test_raw_values_become_the_answer():
    raw = {"decision": 1, "stars": " 4 ", "notes": "too short"}
    assert collect(form_model(Review), raw) == {"decision": "revise", "stars": 4, "notes": "too short"}


def test_every_field_that_cannot_be_read_is_named():
    said = refusal(form_model(Review), {"decision": None, "stars": "four", "notes": "x" * 1_000_001})
    assert said["decision"] == "is required"
    assert said["stars"] == "must be a whole number from 1 to 5; 'four' is none"
    assert "at most 1,000,000" in said["notes"]


def test_take_names_unreadable_and_unfitting_fields_together():
    with pytest.raises(AnswerRefused) as refused:
        CHECKER.take(Review, {"decision": None, "stars": "9", "notes": ""})
    said = {p.field: p.message for p in refused.value.problems}
    assert said == {"decision": "is required", "stars": "must be at most 5"}
    assert CHECKER.take(Review, {"decision": 0, "stars": "5", "notes": ""}) == {
        "decision": "publish", "stars": 5, "notes": "",
    }  # fmt: skip


def test_a_blank_optional_field_is_left_out_or_none():
    class Blank(BaseModel):
        day: dt.date | None = None
        n: int = 7
        must: int | None
        text: str = "old"

    raw = {"day": None, "n": "", "must": " ", "text": ""}
    assert collect(form_model(Blank), raw) == {"must": None, "text": ""}
    assert CHECKER.take(Blank, raw) == {"day": None, "n": 7, "must": None, "text": ""}
    assert collect(form_model(Loose), {"name": "", "age": ""}) == {}


def test_a_blank_required_text_is_asked_for_again_unless_the_schema_allows_it():
    assert refusal(form_model(str), {"": ""}) == {"": "is required"}
    assert collect(form_model(Annotated[str, Field(min_length=0)]), {"": ""}) == ""


def test_false_and_zero_are_answers():
    assert collect(form_model(bool), {"": 1}) is False
    assert collect(form_model(int), {"": "0"}) == 0
    assert collect(form_model(Literal[0, 1]), {"": 0}) == 0


@pytest.mark.parametrize("text", ATTACKS["numbers"])
def test_odd_numbers_are_refused_or_mean_what_they_say(text):
    whole, real = form_model(int), form_model(float)
    digits = text.lstrip("-").isascii() and text.lstrip("-").isdigit()
    if digits:
        assert collect(whole, {"": text}) == int(text)
    else:
        assert set(refusal(whole, {"": text})) == {""}
    if text in ("-0.0", "1e-400", "9007199254740993"):
        assert collect(real, {"": text}) == (int(text) if digits else float(text))
    else:
        assert set(refusal(real, {"": text})) == {""}


def test_a_decimal_keeps_its_digits():
    assert CHECKER.take(decimal.Decimal, {"": "0.10"}) == "0.10"
    assert CHECKER.build(decimal.Decimal, "0.10") == decimal.Decimal("0.10")


def test_a_comma_in_a_number_gets_the_cure():
    assert "with a point" in refusal(form_model(float), {"": "1,5"})[""]


@pytest.mark.parametrize("raw", [-1, 99, "1", "a", True, 1.0, [0], {}])
def test_an_index_that_is_none_of_the_choices_is_refused(raw):
    assert "must be one of a, b" in refusal(form_model(Literal["a", "b"]), {"": raw})[""]


def test_many_choices_are_a_list_in_order_and_without_repeats():
    model = form_model(list[Literal["a", "b", "c"]])
    assert collect(model, {"": [2, 0, 0, 2]}) == ["a", "c"]
    assert collect(model, {"": []}) == []
    for raw in ("abc", 3, [9], [[0]], ["0"]):
        assert set(refusal(model, {"": raw})) == {""}


def test_a_slip_in_json_is_told_with_line_and_column():
    assert refusal(form_model(dict[str, int]), {"": "[1,\n 2"}) == {
        "": "is not JSON: expecting ',' delimiter at line 2, column 3"
    }
    assert "twice" in refusal(form_model(dict[str, int]), {"": '{"a": 1, "a": 2}'})[""]
    assert "NaN" in refusal(form_model(list[Any]), {"": "[NaN]"})[""]
    assert "too large" in refusal(form_model(list[Any]), {"": "[1e999]"})[""]
    assert "deep" in refusal(form_model(list[Any]), {"": "[" * 200_000})[""]


def test_a_free_answer_is_json_or_else_the_text_itself():
    free = form_model(None)
    assert collect(free, {"": "42"}) == 42
    assert collect(free, {"": "true"}) is True
    assert collect(free, {"": '{"a": [1]}'}) == {"a": [1]}
    assert collect(free, {"": "Shorter, please.\n"}) == "Shorter, please.\n"
    assert collect(free, {"": "NaN"}) == "NaN"
    assert "double quotes" in refusal(free, {"": '{"a": 1'})[""]


@pytest.mark.parametrize("text", [t for t in ATTACKS["text"] if not t.startswith(("gen:", "{"))])
def test_odd_text_is_kept_as_it_is_or_refused_in_words(text):
    try:
        assert CHECKER.take(str, {"": text}) == text
    except AnswerRefused as refused:
        assert not text.strip() or "surrogate" in str(refused)  # noqa: PT017


def test_pickers_give_dates_as_text():
    class When(BaseModel):
        day: dt.date
        at: dt.datetime
        clock: dt.time

    raw = {"day": dt.date(2024, 2, 29), "at": dt.datetime(2024, 2, 29, 10, 30), "clock": "09:05"}  # noqa: DTZ001
    assert CHECKER.take(When, raw) == {"day": "2024-02-29", "at": "2024-02-29T10:30:00", "clock": "09:05:00"}


def test_labels_are_capped_and_a_loop_of_references_ends():
    long = {"properties": {"a": {"title": "x" * 9_999, "enum": ["y" * 9_999]}}}
    field = form_model(long).fields[0]
    assert len(field.label) == 200 == len(field.options[0].label)
    assert form_model({"$ref": "#"}).fields[0].kind == "json"
