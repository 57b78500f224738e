"""Objects, lists, tables, unions, files and secrets: their fields, and the answers that are read from them."""

import base64
import dataclasses
import datetime as dt
import enum
import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretBytes, SecretStr

from nbhitl import Upload
from nbhitl.engine.errors import AnswerRefused, Problem
from nbhitl.engine.records import MISSING
from nbhitl.run.answers import SchemaChecker, form_model
from nbhitl.run.fields import collect

CHECKER = SchemaChecker()


class Address(BaseModel):
    """Where it goes."""

    street: str
    town: str = Field("Bern", description="Where the post office is")


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: Annotated[int, Field(ge=1, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    name: str


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


@dataclasses.dataclass
class Line:
    article: str
    price: float = 0.0


class Order(BaseModel):
    to: Address
    cc: Address | None = None
    tags: Annotated[list[str], Field(min_length=1, max_length=3)]
    lines: list[Line] = [Line("tea", 2.5)]
    pet: Pet | None = None
    size: int | Literal["any"] = 3


TABLE = {
    "type": "array",
    "x-table": True,
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "price": {"type": ["number", "null"]},
            "sold": {"type": "boolean"},
        },
        "required": ["name", "price", "sold"],
        "additionalProperties": False,
    },
}


def field(schema, name=""):
    return next(f for f in form_model(schema).fields if f.name == name)


def refusal(schema, raw):
    with pytest.raises(AnswerRefused) as refused:
        CHECKER.take(schema, raw)
    return {p.field: p.message for p in refused.value.problems}


def test_an_object_inside_an_object_has_fields_of_its_own_with_their_words():
    to = field(Order, "to")
    assert (to.kind, to.required, to.label, to.description) == ("object", True, "To", "Where it goes.")
    assert [(f.name, f.kind, f.required) for f in to.fields] == [("street", "text", True), ("town", "text", False)]
    assert (to.fields[1].default, to.fields[1].description) == ("Bern", "Where the post office is")


def test_an_optional_object_is_an_object_that_may_be_none():
    cc = field(Order, "cc")
    assert (cc.kind, cc.nullable, cc.may_be_blank, len(cc.fields)) == ("object", True, True, 2)


def test_a_list_knows_its_element_and_its_bounds():
    tags = field(Order, "tags")
    assert (tags.kind, tags.item.kind, tags.shortest, tags.longest) == ("list", "text", 1, 3)
    assert tags.hint == "1 to 3 items"
    lines = field(Order, "lines")
    assert (lines.item.kind, lines.default) == ("object", [{"article": "tea", "price": 2.5}])
    assert field(list[list[int]]).item.item.kind == "integer"
    assert field(set[int]).hint == "no item twice"


def test_the_default_of_an_object_is_the_default_of_its_members():
    class Kept(BaseModel):
        to: Address = Address(street="Long Lane 1", town="Ulm")

    assert [f.default for f in field(Kept, "to").fields] == ["Long Lane 1", "Ulm"]


def test_a_union_with_a_discriminator_shows_its_alternatives_without_it():
    pet = field(Order, "pet")
    assert (pet.kind, pet.nullable, [v.label for v in pet.variants]) == ("union", True, ["Cat", "Dog"])
    assert [v.tag for v in pet.variants] == [("kind", "cat"), ("kind", "dog")]
    assert [[f.name for f in v.fields] for v in pet.variants] == [["lives"], ["name"]]


def test_a_key_with_another_value_in_each_alternative_is_a_discriminator_too():
    found = field(Cat | Dog)
    assert [v.tag for v in found.variants] == [("kind", "cat"), ("kind", "dog")]
    assert CHECKER.take(Cat | Dog, {"": {"variant": 1, "value": {"name": "Rex"}}}) == {"kind": "dog", "name": "Rex"}


def test_a_union_of_plain_values_is_a_choice_of_kinds():
    size = field(Order, "size")
    assert [(v.label, v.kind) for v in size.variants] == [("Whole number", "integer"), ("any", "choice")]
    assert [v.label for v in field(str | list[int] | dt.date).variants] == ["Text", "List: whole number", "Date"]


@pytest.mark.parametrize("schema", [list[int] | list[Any], int | Any, {"anyOf": [{"type": "object"}, {}]}])
def test_alternatives_that_nobody_can_tell_apart_are_json(schema):
    assert field(schema).kind == "json"


def test_two_classes_with_the_same_fields_are_json_since_an_answer_does_not_tell_which_one_it_is():
    class One(BaseModel):
        a: int

    class Two(BaseModel):
        a: int

    assert field(One | Two).kind == "json"


def test_a_class_inside_itself_ends_in_json():
    class Tree(BaseModel):
        name: str
        left: "Tree | None" = None

    depth, found = 0, next(f for f in form_model(Tree).fields if f.name == "left")
    while found.kind == "object":
        depth, found = depth + 1, found.fields[1]
    assert (depth, found.kind) == (5, "json")


def test_a_wide_and_deep_schema_does_not_make_an_endless_form():
    wide: dict[str, Any] = {"$defs": {"d0": {"type": "string"}}, "$ref": "#/$defs/d6"}
    for level in range(6):
        members = {f"a{n}": {"$ref": f"#/$defs/d{level}"} for n in range(30)}
        wide["$defs"][f"d{level + 1}"] = {"type": "object", "properties": members}

    def count(fields):
        return sum(1 + count(f.fields) for f in fields)

    assert count(form_model(wide).fields) < 3_000


def test_a_table_has_columns_and_an_empty_cell_of_text_is_an_empty_text():
    table = field(TABLE)
    assert (table.kind, table.shortest, table.hint) == ("table", 1, "at least 1 row")
    assert [(c.name, c.kind) for c in table.fields] == [("name", "text"), ("price", "number"), ("sold", "choice")]
    raw = [{"name": "tea", "price": "2.5", "sold": 0}, {"name": "", "price": "", "sold": 1}]
    assert CHECKER.take(TABLE, {"": raw}) == [
        {"name": "tea", "price": 2.5, "sold": True},
        {"name": "", "price": None, "sold": False},
    ]


def test_a_wrong_cell_is_named_by_row_and_column():
    raw = [{"name": "tea", "price": "2,5", "sold": 0}, {"name": "", "price": "x", "sold": None}, 3]
    said = refusal(TABLE, {"": raw})
    assert set(said) == {"0.price", "1.price", "1.sold", "2"}
    assert "with a point" in said["0.price"]
    assert refusal(TABLE, {"": []}) == {"": "must have at least 1 item"}


def test_without_the_mark_a_list_of_flat_objects_is_no_table():
    assert field({**TABLE, "x-table": False}).kind == "list"


ORDER = {
    "to": {"street": "Long Lane 1", "town": "Ulm"},
    "cc": None,
    "tags": ["new", "urgent"],
    "lines": [{"article": "tea", "price": "2.5"}, {"article": "pot", "price": ""}],
    "pet": {"variant": 0, "value": {"lives": "9"}},
    "size": {"variant": 1, "value": 0},
}


def test_the_raw_values_of_a_nested_form_become_its_answer():
    assert CHECKER.take(Order, ORDER) == {
        "to": {"street": "Long Lane 1", "town": "Ulm"},
        "cc": None,
        "tags": ["new", "urgent"],
        "lines": [{"article": "tea", "price": 2.5}, {"article": "pot", "price": 0.0}],
        "pet": {"kind": "cat", "lives": 9},
        "size": "any",
    }


def test_every_wrong_place_is_named_by_its_path_at_once():
    raw = {
        "to": {"street": "", "town": "Ulm"},
        "cc": {"street": None},
        "tags": ["a", "", "c", "d"],
        "lines": [{"article": "tea"}, {"article": "pot", "price": "many"}],
        "pet": {"variant": 0, "value": {"lives": "10"}},
        "size": {"variant": 2, "value": 0},
    }
    assert refusal(Order, raw) == {
        "to.street": "is required",
        "cc.street": "is required",
        "tags.1": "is required",
        "tags": "must have at most 3 items",
        "lines.1.price": "must be a number; 'many' is none",
        "pet.lives": "must be at most 9",
        "size": "must be one of Whole number, any",
    }


def test_of_a_union_only_the_problems_of_the_chosen_alternative_are_told():
    class One(BaseModel):
        a: Annotated[int, Field(ge=5)]

    class Two(BaseModel):
        b: str

    assert refusal(One | Two, {"": {"variant": 0, "value": {"a": "3"}}}) == {"a": "must be at least 5"}
    assert refusal(One | Two, {"": {"variant": None, "value": None}}) == {"": "is required"}


def test_an_unread_element_keeps_the_others_in_their_places():
    assert refusal(list[Annotated[int, Field(le=5)]], {"": ["1", "x", "9"]}) == {
        "1": "must be a whole number of at most 5; 'x' is none",
        "2": "must be at most 5",
    }


@pytest.mark.parametrize(
    "raw", [3, True, ["x"], {"variant": 0}, {"variant": True, "value": {}}, {"variant": -1}, {"street": 1}]
)
def test_what_is_not_of_a_fields_shape_is_refused(raw):
    for schema in (Address | None, Pet, list[int], TABLE, Upload, SecretStr):
        with pytest.raises(AnswerRefused):
            CHECKER.take(
                {"type": "object", "properties": {"a": CHECKER.describe(schema)}, "required": ["a"]}, {"a": raw}
            )
    for whole in (3, "x", [1], None):
        with pytest.raises(AnswerRefused):
            CHECKER.take(Order, whole)


def test_a_long_list_is_refused_before_it_is_read():
    assert refusal(list[int], {"": ["1"] * 10_001}) == {"": "is too long: 10,001 items, at most 10,000 are taken"}
    with pytest.raises(AnswerRefused, match="10,001 items"):
        CHECKER.check(list[int], [1] * 10_001)


def test_an_answer_that_is_too_large_as_a_whole_is_refused():
    with pytest.raises(AnswerRefused, match="10,000,000 are taken"):
        CHECKER.check(list[str], ["x" * 999_999] * 11)
    with pytest.raises(AnswerRefused, match="1,000,000 values"):
        CHECKER.check(list[list[int]], [[1] * 9_999] * 101)


def test_a_hundred_problems_are_named_and_the_rest_are_counted():
    with pytest.raises(AnswerRefused) as refused:
        CHECKER.check(list[int], ["x"] * 250)
    assert len(refused.value.problems) == 101
    assert refused.value.problems[-1] == Problem("", "and 150 more problems")


def test_a_name_of_an_alternative_that_is_also_a_key_does_not_mislead():
    class Shelf(BaseModel):
        kind: Literal["cat"]
        cat: int
        lives: int

    class Box(BaseModel):
        pet: Annotated[Shelf | Dog, Field(discriminator="kind")]

    with pytest.raises(AnswerRefused) as refused:
        CHECKER.check(Box, {"pet": {"kind": "cat", "cat": 1, "lives": "x"}})
    assert [p.field for p in refused.value.problems] == ["pet.lives"]


def test_an_unknown_alternative_is_named_by_its_discriminator_live_and_stored():
    for schema in (Order, json.loads(json.dumps(CHECKER.describe(Order)))):
        with pytest.raises(AnswerRefused) as refused:
            CHECKER.check(schema, {"to": {"street": "a"}, "tags": ["a"], "pet": {"kind": "cow"}})
        assert refused.value.problems == (Problem("pet.kind", "must be 'cat' or 'dog'"),)
        with pytest.raises(AnswerRefused) as refused:
            CHECKER.check(schema, {"to": {"street": "a"}, "tags": ["a"], "pet": {"lives": 3}})
        assert refused.value.problems == (Problem("pet.kind", "is required"),)


# -- words of options


class Colour(enum.Enum):
    RED = "r"
    DARK_BLUE = "#00008b"
    grey = "grey"


class Level(enum.IntEnum):
    LOW = 1
    VERY_HIGH = 2


class Status(enum.IntEnum):
    OK = 200
    NOT_FOUND = 404


@pytest.mark.parametrize(
    ("schema", "labels"),
    [
        (Colour, ["Red (r)", "Dark blue (#00008b)", "grey"]),
        (Level, ["Low", "Very high"]),
        (Status, ["Ok (200)", "Not found (404)"]),
        (Level | None, ["Low", "Very high"]),
        ({"oneOf": [{"const": True, "title": "Approve"}, {"const": False, "title": "Reject"}]}, ["Approve", "Reject"]),
    ],
)
def test_an_option_is_called_by_its_name_and_by_its_value_where_that_says_more(schema, labels):
    stored = json.loads(json.dumps(CHECKER.describe(schema)))
    assert [o.label for o in field(stored).options] == labels
    assert [o.label for o in field(schema).options] == labels


def test_many_options_of_an_enum_have_names_too():
    assert [o.label for o in field(list[Level]).options] == ["Low", "Very high"]
    assert CHECKER.build(list[Level], CHECKER.take(list[Level], {"": [1]})) == [Level.VERY_HIGH]


# -- files


def test_a_file_becomes_an_upload():
    raw = {"name": "Züri 1.csv", "type": "text/csv", "content": "a,b\n".encode("utf-8-sig"), "size": 10**12}
    plain = CHECKER.take(Upload, {"": raw})
    assert plain == {"name": "Züri 1.csv", "type": "text/csv", "content": base64.b64encode(raw["content"]).decode()}
    upload = CHECKER.build(Upload, plain)
    assert upload == Upload("Züri 1.csv", "text/csv", raw["content"])
    assert (upload.text(), upload.open().read()) == ("a,b\n", raw["content"])
    assert CHECKER.check(Upload, upload) == plain
    assert repr(upload) == "Upload(name='Züri 1.csv', type='text/csv', content=<7 bytes>)"


def test_a_file_may_be_larger_than_a_text():
    raw = {"name": "a.bin", "type": "", "content": bytes(range(256)) * 10_000}
    for schema in (Upload, CHECKER.describe(Upload)):
        assert len(base64.b64decode(CHECKER.take(schema, {"": raw})["content"])) == 2_560_000
    with pytest.raises(AnswerRefused, match="1,000,000 are taken"):
        CHECKER.check(str, "x" * 1_000_001)


@dataclasses.dataclass
class Report:
    data: Annotated[Upload, Upload.only(".csv", "image/*", largest=4)]
    more: list[Upload] = dataclasses.field(default_factory=list)


@pytest.mark.parametrize(
    ("name", "kind", "content", "says"),
    [
        ("a.txt", "text/plain", b"1", "must be a file of one of these kinds: .csv, image/*"),
        ("a.csv", "text/csv", b"12345", "is too large: 5 bytes, at most 4 bytes are taken"),
        ("../../etc/passwd", "image/png", b"1", "must have a name without a folder"),
        ("..\\a.csv", "", b"1", "must have a name without a folder"),
        ("C:a.csv", "", b"1", "must have a name without a folder"),
        ("a\u0000.csv", "", b"1", "must have a name without control characters"),
        ("a\u202evsc.csv", "", b"1", "must have a name without control characters"),
        ("x" * 5_000 + ".csv", "", b"1", "must have a name of at most 255 bytes, this one has 5,004"),
        ("nul.csv", "", b"1", "must not have the name of a device (on Windows): rename the file"),
        (" ..", "image/png", b"1", "must have a name"),
        ("a.csv", "text/csv\r\nX: y", b"1", "must have a media type such as text/csv, or none"),
    ],
)
def test_a_file_that_is_not_taken_is_refused_in_words_live_and_stored(name, kind, content, says):
    for schema in (Report, CHECKER.describe(Report)):
        raw = {"data": {"name": name, "type": kind, "content": content}, "more": []}
        assert refusal(schema, raw) == {"data": says}


@pytest.mark.parametrize(
    "raw",
    [
        {"name": "a.csv", "type": "text/csv"},
        {"name": "a.csv", "type": "text/csv", "content": "text"},
        {"name": None, "type": "", "content": b"1"},
        {"name": "a.csv", "type": 3, "content": b"1"},
    ],
)
def test_half_a_file_is_refused(raw):
    assert set(refusal(Report, {"data": raw, "more": []})) == {"data"}


def test_a_file_of_a_kind_that_is_taken_is_taken():
    for name, kind in (("A.CSV", ""), ("a", "image/png"), ("a", "IMAGE/PNG; x=1")):
        raw = {"data": {"name": name, "type": kind, "content": memoryview(b"1234")}, "more": []}
        assert CHECKER.take(Report, raw)["data"]["name"] == name
    data = field(Report, "data")
    assert (data.kind, data.accepts, data.largest) == ("file", (".csv", "image/*"), 4)
    assert data.hint == ".csv, image/*, at most 4 bytes"
    assert field(Upload).hint == "any file, at most 10 MB"


@pytest.mark.parametrize("content", ["!", "YQ", "YQ==\n", "ä"])
def test_content_that_is_no_base64_is_refused(content):
    for schema in (Upload, CHECKER.describe(Upload)):
        with pytest.raises(AnswerRefused, match="base64"):
            CHECKER.check(schema, {"name": "a.csv", "type": "", "content": content})


def test_an_upload_made_by_code_has_to_have_a_proper_name():
    with pytest.raises(ValueError, match="without a folder"):
        Upload("../a", "", b"")
    with pytest.raises(ValueError, match="neither an ending"):
        Upload.of("csv")
    with pytest.raises(ValueError, match="largest"):
        Upload.of(".csv", largest=0)


def test_the_same_kind_of_file_can_be_asked_for_without_a_class():
    schema = Upload.of(".csv", largest=100)
    plain = CHECKER.take(schema, {"": {"name": "a.csv", "type": "", "content": b"1"}})
    assert CHECKER.build(schema, plain) == Upload("a.csv", "", b"1")
    with pytest.raises(AnswerRefused, match=r"kinds: \.csv"):
        CHECKER.check(schema, Upload("a.txt", "", b"1"))


def test_what_pydantic_would_let_pass_is_refused_inside_of_alternatives_too():
    class Shot(BaseModel):
        kind: Literal["shot"] = "shot"
        at: dt.datetime

    class Scan(BaseModel):
        kind: Literal["scan"] = "scan"
        page: Annotated[Upload, Upload.only(".pdf")]

    either = list[Annotated[Shot | Scan, Field(discriminator="kind")] | int]
    page = {"name": "a.exe", "type": "", "content": "YQ=="}
    with pytest.raises(AnswerRefused) as refused:
        CHECKER.check(either, [{"kind": "shot", "at": "1700000000"}, {"kind": "scan", "page": page}, 3])
    assert {p.field: p.message for p in refused.value.problems} == {
        "0.at": "must be a date and time such as 2024-03-31T14:30:00",
        "1.page": "must be a file of one of these kinds: .pdf",
    }
    assert CHECKER.check(dt.date | str, "tea") == "tea"
    for schema, value in ((dt.date | int, "0"), (Shot | Scan, {"kind": "shot", "at": "2024-01-01T10:00", "x": 1})):
        with pytest.raises(AnswerRefused):
            CHECKER.check(schema, value)


# -- secrets


MARKER = "NBHITL_SECRET_7f3a9c"


class Login(BaseModel):
    user: str
    password: Annotated[SecretStr, Field(min_length=4)]
    token: SecretStr | None = SecretStr(MARKER)
    others: dict[str, SecretStr] = {"old": SecretStr(MARKER)}
    pair: tuple[SecretStr, SecretBytes] | None = None


def test_a_secret_is_a_field_whose_default_is_never_told():
    described = json.dumps(CHECKER.describe(Login))
    assert MARKER not in described
    assert "*****" not in described
    user, password, token, others, _ = form_model(Login).fields
    assert (user.kind, password.kind, token.kind, token.default, token.required) == (
        "text", "secret", "secret", MISSING, False,
    )  # fmt: skip
    assert password.hint == "at least 4 characters"
    assert (others.kind, others.means_json) == ("secret", True)


def test_a_secret_is_checked_and_built_with_its_very_text():
    raw = {"user": "ada", "password": "  p\u00e4ss ", "token": "", "others": '{"a": "b"}', "pair": None}
    plain = CHECKER.take(Login, raw)
    assert (plain["password"], plain["others"]) == ("  p\u00e4ss ", {"a": "b"})
    assert plain["token"] == MARKER  # a blank one leaves the class's own, which nobody was shown
    login = CHECKER.build(Login, plain)
    assert login.password.get_secret_value() == "  p\u00e4ss "
    assert login.others["a"].get_secret_value() == "b"
    assert CHECKER.check(Login, login) == plain


def test_a_secret_inside_anything_keeps_its_text():
    login = Login(user="ada", password=SecretStr(MARKER), pair=(SecretStr("one"), SecretBytes(b"two")))
    plain = CHECKER.check(list[Login], [login])
    assert (plain[0]["password"], plain[0]["token"], plain[0]["pair"]) == (MARKER, MARKER, ["one", "two"])
    assert CHECKER.build(list[Login], plain) == [login]
    assert CHECKER.check(Login, {"user": "a", "password": SecretStr("wxyz")})["password"] == "wxyz"


def test_no_refusal_tells_a_secret():
    class Talkative(BaseModel):
        password: SecretStr
        n: int

        def model_post_init(self, _: Any) -> None:
            raise ValueError(f"{self.password.get_secret_value()} is too simple")

    raws = [
        (Talkative, {"password": MARKER, "n": "1"}),
        (Talkative, {"password": MARKER, "n": MARKER[:3]}),
        (Login, {"user": "", "password": MARKER, "others": f'{{"a": {MARKER}'}),
        (Login, {"user": "", "password": MARKER, "others": f'{{"{MARKER}": 1, "{MARKER}": 2}}'}),
        (Annotated[SecretStr, Field(max_length=3)], {"": MARKER}),
        (SecretStr, {"": [MARKER]}),
        ({"type": "string", "format": "password", "pattern": "^x"}, {"": MARKER}),
        ({"type": "string", "format": "password", "enum": ["a"]}, {"": MARKER}),
    ]
    for schema, raw in raws:
        with pytest.raises(AnswerRefused) as refused:
            CHECKER.take(schema, raw)
        assert MARKER not in str(refused.value)
        assert MARKER not in repr(refused.value.problems)
        assert refused.value.__cause__ is None


def test_collecting_from_an_empty_form_names_what_is_required():
    with pytest.raises(AnswerRefused) as refused:
        collect(form_model(Login), {})
    assert [p.field for p in refused.value.problems] == ["user", "password"]
