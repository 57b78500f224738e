"""Schemas are described, answers are checked as JSON, and a refusal names every wrong field."""

import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict

import pytest
from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from nbhitl.engine.errors import AnswerRefused, Problem, SchemaError
from nbhitl.engine.ports import Checker
from nbhitl.run.answers import SchemaChecker

ATTACKS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text())["form_values"]
CHECKER = SchemaChecker()


class Review(BaseModel):
    """Publish this draft?"""

    decision: Literal["publish", "revise"]
    notes: str = Field("", description="What should change?")


class Tone(enum.Enum):
    FORMAL = "formal"
    PLAIN = "plain"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Draft(TypedDict):
    topic: str
    words: NotRequired[int]


class Issue(TypedDict, total=False):
    drafts: list[Draft]
    tone: Tone | None


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5


class Tree(BaseModel):
    name: str
    branches: list["Tree"] = []


TAKEN = [
    (Review, {"decision": "publish"}, {"decision": "publish", "notes": ""}, Review(decision="publish")),
    (Review, Review(decision="revise", notes="x"), {"decision": "revise", "notes": "x"},
     Review(decision="revise", notes="x")),
    (Literal["a", 1], 1, 1, 1),
    (Literal[0, 1], 0, 0, 0),
    (Tone, "plain", "plain", Tone.PLAIN),
    (Tone, Tone.FORMAL, "formal", Tone.FORMAL),
    (Level, Level.HIGH, 2, Level.HIGH),
    (bool, False, False, False),
    (int, 0, 0, 0),
    (int, 2**70, 2**70, 2**70),
    (float, 3, 3.0, 3.0),
    (str, "", "", ""),
    (str, "\u0000 \u202e \u2028 e\u0301", "\u0000 \u202e \u2028 e\u0301", "\u0000 \u202e \u2028 e\u0301"),
    (Annotated[int, Field(ge=1, le=9)], 9, 9, 9),
    (Optional[int], None, None, None),  # noqa: UP045
    (Tone | None, None, None, None),
    (Draft, {"topic": "bees"}, {"topic": "bees"}, {"topic": "bees"}),
    (Issue, {"drafts": [{"topic": "a", "words": 3}], "tone": Tone.PLAIN},
     {"drafts": [{"topic": "a", "words": 3}], "tone": "plain"},
     {"drafts": [{"topic": "a", "words": 3}], "tone": Tone.PLAIN}),
    (Point, {"x": 1}, {"x": 1, "y": 0.5}, Point(1)),
    (Point, Point(2, 3.5), {"x": 2, "y": 3.5}, Point(2, 3.5)),
    (dt.date, "2024-02-29", "2024-02-29", dt.date(2024, 2, 29)),
    (dt.date, dt.date(2024, 2, 29), "2024-02-29", dt.date(2024, 2, 29)),
    (dt.datetime, "2024-02-29T10:30", "2024-02-29T10:30:00", dt.datetime(2024, 2, 29, 10, 30)),  # noqa: DTZ001
    (dt.time, "10:30", "10:30:00", dt.time(10, 30)),
    (decimal.Decimal, "1.50", "1.50", decimal.Decimal("1.50")),
    (uuid.UUID, "0" * 31 + "7", "00000000-0000-0000-0000-000000000007", uuid.UUID(int=7)),
    (list[Review], [Review(decision="publish")], [{"decision": "publish", "notes": ""}],
     [Review(decision="publish")]),
    (tuple[int, str], (1, "a"), [1, "a"], (1, "a")),
    (dict[str, int], {"a": 1}, {"a": 1}, {"a": 1}),
    (Tree, {"name": "a", "branches": [{"name": "b"}]},
     {"name": "a", "branches": [{"name": "b", "branches": []}]}, Tree(name="a", branches=[Tree(name="b")])),
    ({"type": "integer", "minimum": 1}, 1, 1, 1),
    (None, None, None, None),
    (None, {"any": ["thing", 1.5]}, {"any": ["thing", 1.5]}, {"any": ["thing", 1.5]}),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "answer", "plain", "typed"), TAKEN)
def test_a_fitting_answer_becomes_plain_data_and_builds_its_typed_value(schema, answer, plain, typed):
    found = CHECKER.check(schema, answer)
    assert found == plain
    assert type(found) is type(plain)
    assert CHECKER.build(schema, found) == typed
    assert CHECKER.check(schema, found) == plain


@pytest.mark.parametrize(("schema", "answer", "plain", "typed"), TAKEN)
def test_the_stored_schema_takes_the_same_answer_without_the_class(schema, answer, plain, typed):
    stored = json.loads(json.dumps(CHECKER.describe(schema)))
    assert CHECKER.check(stored, plain) == plain
    assert CHECKER.build(stored, plain) == plain
    assert CHECKER.describe(stored) == stored


REFUSED = [
    (Review, {"decision": "x", "notes": 3},
     {"decision": "must be 'publish' or 'revise'", "notes": "must be text"}),
    (Review, {}, {"decision": "is required"}),
    (Review, None, {"": "must be an object with named fields"}),
    (Review, {"decision": "publish", "noets": "!"},
     {"noets": "is not a field of this answer. Did you mean 'notes'?"}),
    (Tone, "loud", {"": "must be 'formal' or 'plain'"}),
    (bool, 1, {"": "must be true or false"}),
    (bool, "true", {"": "must be true or false"}),
    (int, "3", {"": "must be a whole number"}),
    (int, True, {"": "must be a whole number"}),
    (int, 3.0, {"": "must be a whole number"}),
    (float, math.nan, {"": "must be a finite number"}),
    (float, math.inf, {"": "must be a finite number"}),
    (str, 3, {"": "must be text"}),
    (str, "a\ud800",
     {"": "holds half of a character (a lone surrogate), which cannot be stored: delete it"}),
    (Annotated[int, Field(ge=1, le=9)], 12, {"": "must be at most 9"}),
    (Annotated[float, Field(gt=0)], 0, {"": "must be more than 0"}),
    (Annotated[str, Field(min_length=3)], "ab", {"": "must have at least 3 characters"}),
    (Annotated[list[int], Field(max_length=1)], [1, 2], {"": "must have at most 1 item"}),
    (dt.date, "2024-02-30", {"": "must be a date such as 2024-03-31"}),
    (dt.datetime, "1700000000", {"": "must be a date and time such as 2024-03-31T14:30:00"}),
    (dt.time, "25:00", {"": "must be a time such as 14:30:00"}),
    (AwareDatetime, "2024-01-01T10:00", {"": "must have a time zone, such as 2024-03-31T14:30:00+02:00"}),
    (Issue, {"drafts": [{"topic": "a"}, {"words": "3"}]},
     {"drafts.1.topic": "is required", "drafts.1.words": "must be a whole number"}),
    (int | str, 1.5, {"": "must be a whole number or must be text"}),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "answer", "problems"), REFUSED)
def test_a_refusal_names_every_wrong_field_at_once_and_says_what_is_allowed(schema, answer, problems):
    with pytest.raises(AnswerRefused) as refused:
        CHECKER.check(schema, answer)
    assert {p.field: p.message for p in refused.value.problems} == problems


@pytest.mark.parametrize(("schema", "answer", "problems"), REFUSED)
def test_the_stored_schema_refuses_the_same_fields_without_the_class(schema, answer, problems):
    with pytest.raises(AnswerRefused) as refused:
        CHECKER.check(json.loads(json.dumps(CHECKER.describe(schema))), answer)
    assert {p.field for p in refused.value.problems} == set(problems)


JSON_SCHEMAS = [
    ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {}, "a"),
    ({"type": "object", "properties": {"a": {"enum": [1, "1"]}}}, {"a": True}, "a"),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, {"b": "x"}, "b"),
    ({"type": "object", "patternProperties": {"^n_": {"type": "integer"}}}, {"n_b": "x"}, "n_b"),
    ({"type": "object", "propertyNames": {"maxLength": 2}}, {"abc": 1}, ""),
    ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [1, 1], ""),
    ({"type": "array", "prefixItems": [{"type": "integer"}], "items": False}, [1, 2], "1"),
    ({"type": ["integer", "null"]}, "x", ""),
    ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, 3, ""),
    ({"not": {"const": 3}}, 3, ""),
    ({"allOf": [{"minimum": 3}, {"maximum": 5}]}, 7, ""),
    ({"multipleOf": 0.1}, 0.25, ""),
    ({"type": "string", "pattern": "^(a+)+$"}, "a" * 5_000 + "b", ""),
    ({"type": "string", "format": "email"}, "me", ""),
    ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "null"}}}, 0, ""),
]


@pytest.mark.parametrize(("schema", "answer", "field"), JSON_SCHEMAS)
def test_a_json_schema_is_checked_and_not_only_shown(schema, answer, field):
    with pytest.raises(AnswerRefused) as refused:
        CHECKER.check(schema, answer)
    assert [p.field for p in refused.value.problems] == [field]


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"typ": "object"}, "'type'"),
        ({"type": "objekt"}, "'type' cannot be 'objekt'"),
        ({"$ref": "https://example.org/schema"}, "only references inside the schema"),
        ({"if": {}, "then": {}}, "not checked here"),
        ({"properties": {"a": {"minimum": "3"}}}, "'minimum' cannot be '3'"),
        ({"default": object()}, "no JSON Schema"),
    ],
)
def test_a_json_schema_that_cannot_be_checked_is_an_error_and_not_ignored(schema, says):
    with pytest.raises(SchemaError, match=says):
        CHECKER.describe(schema)


@pytest.mark.parametrize(
    "schema", [lambda x: x, json, type("Bare", (), {}), Review(decision="publish"), "Review", 3, type, [str]]
)
def test_what_cannot_be_asked_for_is_named_with_what_is_accepted(schema):
    with pytest.raises(SchemaError, match="Accepted are a pydantic model"):
        CHECKER.describe(schema)


def test_an_enum_that_json_cannot_carry_is_refused():
    with pytest.raises(SchemaError, match="Enum"):
        CHECKER.describe(enum.Enum("Pair", {"A": (1, 2)}))


def test_a_name_finds_a_class_again_and_only_a_class():
    class Local(BaseModel):
        a: int

    names = [CHECKER.name(s) for s in (Review, Tone, Draft, Local, int, Literal["a"], list[int], None, {})]
    assert names == ["Review", "Tone", "Draft", "Local", None, None, None, None, None]


def test_the_validators_of_a_class_run_before_an_answer_is_taken():
    class Range(BaseModel):
        low: int
        high: int

        @field_validator("low")
        @classmethod
        def _even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("Choose an even number.")
            return value

        @model_validator(mode="after")
        def _ordered(self) -> "Range":
            if self.low > self.high:
                raise ValueError("low must not be above high")
            return self

    for answer, problem in [
        ({"low": 1, "high": 2}, Problem("low", "Choose an even number.")),
        ({"low": 4, "high": 2}, Problem("", "low must not be above high")),
    ]:
        with pytest.raises(AnswerRefused) as refused:
            CHECKER.check(Range, answer)
        assert refused.value.problems == (problem,)


def test_a_validator_that_breaks_is_a_problem_and_not_a_traceback():
    class Broken(BaseModel):
        a: int

        @field_validator("a")
        @classmethod
        def _look(cls, value: int) -> int:
            return {}[value]

    with pytest.raises(AnswerRefused, match=r"a validator of the class .*Broken raised KeyError: 1"):
        CHECKER.check(Broken, {"a": 1})


def test_a_default_made_by_a_clock_is_fixed_with_the_answer():
    class Signed(BaseModel):
        ok: bool
        id: str = Field(default_factory=lambda: uuid.uuid4().hex)

    plain = CHECKER.check(Signed, {"ok": True})
    assert CHECKER.build(Signed, plain) == CHECKER.build(Signed, plain)


def test_an_answer_that_does_not_survive_dumping_is_recorded_as_it_was_given():
    class Doubled(BaseModel):
        a: int

        @field_validator("a")
        @classmethod
        def _double(cls, value: int) -> int:
            return value * 2

    plain = CHECKER.check(Doubled, {"a": 1})
    assert plain == {"a": 1}
    assert CHECKER.build(Doubled, plain).a == 2


def test_extra_keys_are_taken_where_the_class_says_so():
    class Open(BaseModel, extra="allow"):
        a: int = 0

    class Loose(BaseModel, extra="ignore"):
        a: int = 0

    class Aliased(BaseModel, populate_by_name=True):
        a: int = Field(0, alias="A")

    assert CHECKER.check(Open, {"b": 1}) == {"a": 0, "b": 1}
    assert CHECKER.check(Loose, {"b": 1}) == {"a": 0}
    assert CHECKER.check(Aliased, {"a": 1}) == {"A": 1} == CHECKER.check(Aliased, {"A": 1})


def test_an_instance_that_was_never_validated_is_checked_all_the_same():
    with pytest.raises(AnswerRefused, match="decision: must be 'publish' or 'revise'"):
        CHECKER.check(Review, Review.model_construct(decision="burn"))


def test_an_instance_of_another_class_is_refused_in_words():
    with pytest.raises(AnswerRefused, match="is a Point, which does not fit"):
        CHECKER.check(Review, Point(1))


def test_without_a_schema_any_value_of_python_passes_unchanged():
    for value in (object(), {1, 2}, lambda: 1, math.nan, "x" * 2_000_000, [{"a": dt.date(2024, 1, 1)}]):
        assert CHECKER.check(None, value) is value
        assert CHECKER.build(None, value) is value
    with pytest.raises(AnswerRefused, match="surrogate"):
        CHECKER.check(None, {"deep": ["a\ud800"]})


def test_long_text_and_deep_nesting_are_refused():
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(AnswerRefused, match="at most 1,000,000"):
        CHECKER.check(str, "A" * 50_000_000)
    with pytest.raises(AnswerRefused, match="100 levels"):
        CHECKER.check(list[Any], deep)


def test_numbers_of_numpy_are_numbers():
    np = pytest.importorskip("numpy")
    assert CHECKER.check(Annotated[int, Field(le=9)], np.int64(3)) == 3
    assert CHECKER.check(float, np.float32(0.5)) == 0.5
    assert CHECKER.check(bool, np.bool_(False)) is False


@pytest.mark.parametrize("value", ATTACKS["types"])
def test_a_value_of_the_wrong_type_never_passes_for_a_choice(value):
    for schema in (Literal["yes", "no"], Tone, CHECKER.describe(Tone)):
        with pytest.raises(AnswerRefused):
            CHECKER.check(schema, value)


@pytest.mark.parametrize("value", ATTACKS["types"])
def test_a_value_of_the_wrong_type_never_passes_for_a_model(value):
    class Loose(BaseModel):
        note: str = ""

    if value == {}:
        assert CHECKER.check(Loose, value) == {"note": ""}
    else:
        for schema in (Loose, CHECKER.describe(Loose)):
            with pytest.raises(AnswerRefused):
                CHECKER.check(schema, value)


@pytest.mark.parametrize("value", ATTACKS["dates"])
def test_a_broken_date_is_refused_in_words(value):
    for schema in (dt.date, dt.datetime, dt.time, CHECKER.describe(dt.datetime)):
        with pytest.raises(AnswerRefused, match=r"must be a (date|time)"):
            CHECKER.check(schema, value)


def test_words_that_a_class_adds_for_others_do_not_keep_its_stored_schema_from_being_checked():
    class Styled(BaseModel):
        note: str = Field(json_schema_extra={"widget": "big", "x-multiline": True, "if": {}})

    stored = CHECKER.describe(Styled)
    assert stored["properties"]["note"] == {"title": "Note", "type": "string", "x-multiline": True}
    assert CHECKER.check(stored, {"note": "a"}) == {"note": "a"}


def test_the_checker_is_the_port_and_a_description_is_the_same_each_time():
    checker: Checker = CHECKER
    assert checker.describe(Issue) == checker.describe(Issue)
    assert json.loads(json.dumps(checker.describe(Issue))) == checker.describe(Issue)


def test_pydantic_is_not_loaded_before_it_is_needed():
    code = "import sys, nbhitl.run.answers; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_class_that_pydantic_checks_itself_agrees():
    with pytest.raises(ValidationError):
        Review(decision="burn")
