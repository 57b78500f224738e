"""Every entry of ``form_values`` in the corpus of attacks through the form model: taken as what it says, or refused."""

import datetime as dt
import decimal
import enum
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, Field, SecretStr

from nbhitl import Upload
from nbhitl.engine.errors import AnswerRefused
from nbhitl.run.answers import SchemaChecker

ATTACKS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text())["form_values"]
CHECKER = SchemaChecker()
REFUSED: Any = object()


class Letter(enum.Enum):
    A = "a"
    B = "b"


class Note(BaseModel):
    text: str
    more: list[str] = []


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    name: str


KINDS: dict[str, Any] = {
    "choice": Literal["a", "b"],
    "choices": list[Literal["a", "b"]],
    "yes or no": bool,
    "integer": int,
    "number": float,
    "decimal": decimal.Decimal,
    "text": str,
    "date": dt.date,
    "datetime": dt.datetime,
    "time": dt.time,
    "json": dict[str, int],
    "object": Note | None,
    "list": list[int],
    "table": {"type": "array", "x-table": True, "items": CHECKER.describe(Cat)},
    "union": Cat | Dog,
    "file": Upload,
    "secret": SecretStr,
}


def taken(schema, raw):
    """The plain answer of a form with one field, live and stored alike; REFUSED for what is refused in words."""
    found = []
    for each in (schema, json.loads(json.dumps(CHECKER.describe(schema)))):
        try:
            found.append(CHECKER.take(each, {"": raw}))
        except AnswerRefused as refused:
            assert all(problem.message for problem in refused.problems)  # noqa: PT017
            found.append(REFUSED)
    assert (found[0] is REFUSED) == (found[1] is REFUSED)
    return found[0]


NUMBERS = {  # as a whole number, as a number, as an exact one
    "NaN": (REFUSED, REFUSED, REFUSED),
    "Infinity": (REFUSED, REFUSED, REFUSED),
    "-Infinity": (REFUSED, REFUSED, REFUSED),
    "-0.0": (REFUSED, -0.0, "-0.0"),
    "1e309": (REFUSED, REFUSED, REFUSED),
    "1e-400": (REFUSED, 0.0, "1e-400"),
    "9007199254740993": (9007199254740993, 9007199254740993.0, "9007199254740993"),
    "2**70": (REFUSED, REFUSED, REFUSED),
    "0x10": (REFUSED, REFUSED, REFUSED),
    "1_000": (REFUSED, REFUSED, REFUSED),
    "1,5": (REFUSED, REFUSED, REFUSED),
    "\u0661\u0662": (REFUSED, REFUSED, REFUSED),
    "True": (REFUSED, REFUSED, REFUSED),
    "null": (REFUSED, REFUSED, REFUSED),
    "": (REFUSED, REFUSED, REFUSED),
}


@pytest.mark.parametrize("text", ATTACKS["numbers"])
def test_a_number_is_taken_exactly_or_refused(text):
    whole, number, exact = NUMBERS[text]
    assert taken(int, text) == whole
    assert taken(float, text) == number
    found = taken(decimal.Decimal, text)
    assert found == exact or decimal.Decimal(found) == decimal.Decimal(exact)
    assert taken(int | Letter, {"variant": 0, "value": text}) == whole
    assert taken(list[int], ["1", text]) == (REFUSED if whole is REFUSED else [1, whole])


@pytest.mark.parametrize("text", ATTACKS["text"])
def test_text_is_taken_as_it_is_or_refused(text):
    text = "A" * 50_000_000 if text.startswith("gen:") else text
    fits = len(text) <= 1_000_000 and "\ud800" not in text
    assert taken(str, text) == (text if fits and text.strip() else REFUSED)
    assert taken(SecretStr, text) == (text if fits else REFUSED)
    assert taken(list[str], ["x", text]) == (["x", text] if fits and text.strip() else REFUSED)
    table = {"type": "array", "x-table": True, "items": CHECKER.describe(Dog)}
    assert taken(table, [{"kind": 0, "name": text}]) == ([{"kind": "dog", "name": text}] if fits else REFUSED)
    assert taken(Note | None, {"text": "x", "more": [text]}) == (
        {"text": "x", "more": [text]} if fits and text.strip() else REFUSED
    )
    assert taken(Letter, text) is REFUSED


TYPES = {  # the only ones that are an answer, by the kind of field
    ("choice", "0"): "a", ("choice", "1"): "b",
    ("yes or no", "0"): True, ("yes or no", "1"): False,
    ("choices", "[]"): [], ("list", "[]"): [], ("table", "[]"): [],
    ("text", '"0"'): "0", ("secret", '"0"'): "0",
    **{("integer", number): int(number) for number in ("0", "1", "-1")}, ("integer", '"0"'): 0,
    **{("number", number): float(number) for number in ("0", "1", "-1", "1.5")}, ("number", '"0"'): 0.0,
    **{("decimal", number): number for number in ("0", "1", "-1", "1.5")}, ("decimal", '"0"'): "0",
    ("object", "null"): None, ("object", '""'): None,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", ATTACKS["types"], ids=json.dumps)
def test_a_value_of_another_type_is_never_taken_for_an_answer(kind, raw):
    expected = TYPES.get((kind, json.dumps(raw)), REFUSED)
    found = taken(KINDS[kind], raw)
    assert (found == expected and type(found) is type(expected)) or found is expected


CHOICES = {
    "not-in-options": ["not-in-options", "c"],
    "index:-1": [-1],
    "index:99": [99],
    "index:'1'": ["1"],
    "rewrite _options_labels then index": ["a", 2],
    "duplicate indexes [0,0,1]": [[0, 0, 1]],
}


@pytest.mark.parametrize("attack", ATTACKS["choice"])
def test_a_choice_is_one_of_the_options_that_were_offered(attack):
    for raw in CHOICES[attack]:
        for schema in (Literal["a", "b"], Letter, bool, Literal["a"] | None):
            assert taken(schema, raw) is REFUSED
        assert taken(Cat | Dog, {"variant": raw, "value": {"lives": "1", "name": "x"}}) is REFUSED
        several = ["a", "b"] if raw == [0, 0, 1] else REFUSED
        assert taken(list[Literal["a", "b"]], raw) == several
        assert taken(list[Literal["a", "b"]], [raw]) is REFUSED


@pytest.mark.parametrize("text", ATTACKS["dates"])
def test_a_date_that_does_not_exist_is_refused(text):
    for schema in (dt.date, dt.datetime, AwareDatetime, dt.time, dt.date | None, dt.timedelta):
        assert taken(schema, text) is REFUSED
    assert taken(list[dt.date], ["2024-02-29", text]) is REFUSED


@pytest.mark.parametrize("attack", ATTACKS["files"], ids=lambda a: a["name"][:12])
def test_a_file_is_taken_under_a_proper_name_and_its_size_is_counted(attack):
    content = b"PK\x05\x06" + bytes(18) if "content" in attack else b"1"  # an archive is bytes: nothing opens it here
    found = taken(Annotated[Upload, Upload.only(largest=100)], {**attack, "type": "", "content": content})
    if attack["name"] in ("big", "x.ipynb"):
        assert found["name"] == attack["name"]
        assert CHECKER.build(Upload, found).content == content
    else:
        assert found is REFUSED
    assert taken(Annotated[Upload, Upload.only(largest=1)], {**attack, "type": "", "content": b"12"}) is REFUSED


def test_a_bound_that_a_screen_moved_still_holds():
    assert taken(Annotated[int, Field(ge=1, le=5)], "6") is REFUSED
    assert taken(Annotated[list[int], Field(max_length=2)], ["1", "2", "3"]) is REFUSED


def test_a_message_with_more_or_fewer_keys_gives_the_fields_that_were_asked_for():
    raw = {"variant": 0, "value": {"lives": "3", "kind": "dog", "__class__": "x"}, "more": 1}
    assert taken(Cat | Dog, raw) == {"kind": "cat", "lives": 3}
    assert taken(Cat | Dog, {"value": {"lives": "3"}}) is REFUSED
    assert CHECKER.take(Note, {"text": "a", "more": ["b"], "__class__": "x"}) == {"text": "a", "more": ["b"]}
    with pytest.raises(AnswerRefused, match="text: is required"):
        CHECKER.take(Note, {})
