"""Values come back exactly as they were, or are refused; nothing runs because stored bytes say so."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import enum
import functools
import ipaddress
import json
import math
import re
import struct
import sys
import types
import zlib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from typing import Any, ClassVar, Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgpack
import numpy as np
import pydantic
import pytest
from dateutil.tz import gettz
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.linear_model import LinearRegression

from nbhitl.checkpoint.values.codec import Codec
from nbhitl.checkpoint.values.opaque import Opaque
from nbhitl.engine.errors import FileDamagedError, UnknownTypeError, UnstorableValueError
from tests.checkpoint.codec_values import CLASSES, Colour, Keep, Loose, Point, Review, Slotted, same, values


@settings(max_examples=400, deadline=None)
@given(values)
def test_what_is_stored_comes_back_exactly(value):
    codec = Codec(CLASSES)
    data, text = codec.encode_with_json(value)
    assert same(codec.decode(data), value)
    if text is not None:
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        text.encode()


trees = st.recursive(values.map(lambda value: (value,)), lambda inner: st.lists(inner, max_size=20), max_leaves=40)


@settings(max_examples=100, deadline=None)
@given(st.lists(trees, max_size=20))
def test_a_list_is_put_together_from_frames_as_if_it_had_been_encoded_whole(tree):
    codec = Codec(CLASSES)

    def each(node, leaf):
        return leaf(node[0]) if isinstance(node, tuple) else [each(item, leaf) for item in node]

    found = codec.decode(codec.encode_list(each(tree, codec.encode)))
    assert same(found, each(tree, lambda value: value))


@settings(max_examples=200, deadline=None)
@given(values)
def test_an_unknown_class_is_opaque_and_stored_again_without_loss(value):
    known, ignorant = Codec(CLASSES), Codec()
    again = ignorant.encode(ignorant.decode(known.encode(value)))
    assert same(known.decode(again), value)


def test_an_opaque_shows_what_was_stored():
    found = Codec().decode(Codec().encode(Slotted(1, [Colour.RED])))
    assert isinstance(found, Opaque)
    assert found.type_name.endswith("Slotted")
    assert found.data["a"] == 1
    assert found.data["b"][0].data == {"name": "RED", "value": "red"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.type_name = "x"


def test_constructors_and_validators_do_not_run_again_for_an_unchanged_class():
    codec = Codec(CLASSES)
    loose, review = Loose(1), Review(title="t")
    assert loose.costly == 4
    review._seen = 5
    again = codec.decode(codec.encode([loose, review]))
    assert again == [loose, review]
    assert again[0].a == 2
    assert again[1].title == "t!"
    assert again[1]._seen == 5
    assert again[1].model_fields_set == {"title"}


class Str(str):
    __slots__ = ()


class Dict(dict):
    pass


@dataclasses.dataclass
class Both(dict):
    a: int


@dataclasses.dataclass(init=False)
class Dated(dt.date):
    a: int = 1


class Float(np.float64):
    pass


T = TypeVar("T")


@dataclasses.dataclass
class Box(Generic[T]):
    inside: T


@dataclasses.dataclass
class Parent:
    a: int = 0
    shared: ClassVar[int] = 3


@dataclasses.dataclass
class Child(Parent):
    given: dataclasses.InitVar[int] = 1
    b: int = 2

    def __post_init__(self, given):
        self.b += given  # must not run again on load


@dataclasses.dataclass(kw_only=True, frozen=True)
class Kept:
    items: list = dataclasses.field(default_factory=list)
    found: Any = dataclasses.field(init=False, default=None)


class PBox(pydantic.BaseModel, Generic[T]):
    inside: T


class Root(pydantic.RootModel[list[int]]):
    pass


class Aliased(pydantic.BaseModel):
    a: int = pydantic.Field(alias="b")


class Cat(pydantic.BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(pydantic.BaseModel):
    kind: Literal["dog"] = "dog"


class Pet(pydantic.BaseModel):
    animal: Cat | Dog = pydantic.Field(discriminator="kind")


class Computed(pydantic.BaseModel):
    a: int

    @pydantic.computed_field
    @functools.cached_property
    def twice(self) -> int:
        return self.a * 2


class Private(pydantic.BaseModel):
    _seen: int = pydantic.PrivateAttr(default=5)
    _notes: list = pydantic.PrivateAttr(default_factory=list)


class WithSlot(pydantic.BaseModel):
    __slots__ = ("_cache",)
    a: int = 1


class Secretive(pydantic.BaseModel):
    key: pydantic.SecretStr


@pydantic.dataclasses.dataclass
class Checked:
    a: int
    b: list[int] = pydantic.Field(default_factory=list)


class Sub(Point):
    pass


class Alike(tuple):
    __slots__ = ()
    _fields = ("a",)


class Twice(enum.Enum):
    A = 1
    B = 1  # noqa: PIE796 - an alias


MORE = (
    Box,
    Parent,
    Child,
    Kept,
    PBox[int],
    Root,
    Aliased,
    Cat,
    Dog,
    Pet,
    Computed,
    Private,
    WithSlot,
    Checked,
    Sub,
    Twice,
)


def computed() -> Computed:
    value = Computed(a=2)
    assert value.twice == 4
    return value


def seen() -> Private:
    value = Private()
    value._seen = 9
    return value


@pytest.mark.parametrize(
    "value",
    [
        {1: "a", 2.5: "b", None: 1, b"x": 2, "x": 3, (1, 2): 4, frozenset({1}): 5, Twice.B: 6},
        {True: 1},
        {1.0: 1},
        {math.nan: 1, float("nan"): 2},
        struct.unpack("<d", b"\x01\0\0\0\0\0\xf8\x7f")[0],
        {"k\udfff": "\ud800"},
        Keep(9),
        dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
        dt.time(1, fold=1, tzinfo=dt.UTC),
        [dt.UTC, dt.timezone(dt.timedelta(0), "UTC"), ZoneInfo("UTC")],
        Fraction(-(2**200), 7),
        [Decimal("sNaN12"), Decimal("-0E-5"), Decimal("1E+400"), Decimal("-Infinity")],
        complex(-0.0, math.nan),
        range(0, 2**70, 3),
        [2**64 - 1, 2**64, -(2**63), -(2**63) - 1],
        np.array(5),
        np.zeros((0, 3)),
        np.zeros((3, 0), order="F"),
        np.asfortranarray(np.arange(24).reshape(2, 3, 4)),
        np.arange(6).reshape(2, 3).T,
        np.array([1, 2], ">i4"),
        np.array(["2020", "NaT"], "M8[D]"),
        np.array([1], "m8[3s]"),
        np.array([b"a\0"]),
        [np.datetime64("2020-01-01T00"), np.timedelta64(3, "D"), np.float16(1), np.complex64(1j), np.str_("")],
        collections.deque([1, (2,)], maxlen=2),
        Child(a=5, given=2),
        Kept(items=[1]),
        Box([1]),
        PBox[int](inside=1),
        Root([1]),
        Aliased(b=3),
        Pet(animal=Dog()),
        computed(),
        seen(),
        Private(),
        WithSlot(),
        Checked(1, [2]),
        Sub(1),
        Review.model_construct(score=1.0),
        [PureWindowsPath("C:\\x"), Path("a/../b"), Path("")],
    ],
    ids=lambda v: re.sub(r"\s+", " ", repr(v))[:60].encode("ascii", "replace").decode(),
)
def test_odd_values_come_back_exactly(value):
    codec = Codec([*CLASSES, *MORE])
    assert same(codec.decode(codec.encode(value), strict=True), value)


def test_a_list_that_stands_in_two_places_comes_back_as_two_lists():
    one = [1]
    found = Codec().decode(Codec().encode({"a": one, "b": [one, one]}))
    assert found == {"a": [1], "b": [[1], [1]]}
    assert found["a"] is not found["b"][0]
    assert found["b"][0] is not found["b"][1]


def test_an_array_of_any_strides_comes_back_contiguous_and_writable():
    value = np.arange(10)[::2]
    value.flags.writeable = False
    found = Codec().decode(Codec().encode(value))
    assert found.tolist() == [0, 2, 4, 6, 8]
    assert found.flags.c_contiguous
    assert found.flags.writeable


def test_what_this_machine_does_not_have_is_opaque_or_a_typed_error():
    for kind, parts, name, said in (
        (
            19,
            ["zone", "Mars/Base"],
            "zoneinfo.ZoneInfo",
            "'Mars/Base', which this machine does not know: install tzdata",
        ),
        (12, [1, 1, 1, 0, 0, 0, 0, 0, ["zone", "Mars/Base"]], "zoneinfo.ZoneInfo", "install tzdata"),
        (11, [foreign(), "x"], f"pathlib.{foreign()}", "which this system has not"),
    ):
        body = msgpack.packb([msgpack.ExtType(kind, msgpack.packb(parts))])
        data = b"\x01" + zlib.crc32(body).to_bytes(4, "little") + body
        (found,) = Codec().decode(data)
        assert type(found) is Opaque
        assert Codec().encode([found]) == data
        with pytest.raises(UnknownTypeError, match=said) as caught:
            Codec().decode(data, strict=True, path="state")
        assert (caught.value.path, caught.value.type_name) == ("state[0]", name)


def foreign() -> str:
    """The class of paths of another system than this."""
    return "PosixPath" if sys.platform == "win32" else "WindowsPath"


def extra_attribute() -> Loose:
    value = Loose(1)
    value.surprise = 1
    return value


def with_slot() -> WithSlot:
    value = WithSlot()
    object.__setattr__(value, "_cache", 3)
    return value


CYCLE: list[Any] = [1]
CYCLE.append({"me": CYCLE})


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        ({"df": [0, 1, 2, Slotted(1, object())]}, "state['df'][3].b", "cannot be stored"),
        (Str("x"), "state", "str("),
        ({Str("x"): 1}, "state['x']", "str("),
        ({"a": Dict()}, "state['a']", "dict("),
        ([True, Both(1)], "state[1]", "builtin type"),
        (Dated(2020, 1, 1), "state", "builtin type"),
        (extra_attribute(), "state", "'surprise'"),
        (with_slot(), "state", "'_cache'"),
        ([Box[int](1)], "state[0]", "make it as Box(...)"),
        ((1, print), "state[1]", "cannot be stored"),
        ({(1, 2): {3: memoryview(b"x")}}, "state[(1, 2)][3]", "use bytes(...)"),
        (np.array([object()]), "state", "object"),
        (np.ma.array([1]), "state", "use .filled(...)"),
        (np.zeros(2, [("a", "i4")]), "state", ".tolist()"),
        (np.array([1], np.dtype("i4", metadata={"a": 1})), "state", "metadata"),
        (np.rec.array([(1,)], dtype=[("a", "i4")]), "state", "use numpy.asarray"),
        (Float(1), "state", "convert it to float64"),
        (np.longdouble(1), "state", "numpy value"),
        (Slotted, "state", "keep its name"),
        (dt.datetime(2020, 1, 1, tzinfo=type("Zone", (dt.tzinfo,), {})()), "state", "zoneinfo"),
        (dt.datetime(2020, 1, 1, tzinfo=gettz("Europe/Berlin")), "state", "zoneinfo"),
        (collections.OrderedDict(a=1), "state", "dict("),
        (collections.Counter("a"), "state", "dict("),
        (collections.defaultdict(list), "state", "dict("),
        ([msgpack.Timestamp(1)], "state[0]", "Timestamp"),
        ({(math.nan,): 1, (float("nan"),): 2}, "state", "NaN"),
        (Alike((1, 2)), "state", "tuple(...)"),
        ([Secretive(key="x")], "state[0].key", "a secret must not be stored"),
        (ipaddress.ip_address("::1"), "state", "use str(...)"),
        (re.compile("x"), "state", ".pattern"),
        (types.SimpleNamespace(a=1), "state", "vars(...)"),
        (ValueError("x"), "state", "repr(...)"),
        (array.array("i", [1]), "state", ".tolist()"),
        ((x for x in ()), "state", "list(...)"),
        (lambda: 0, "state", "keep its name"),
        (LinearRegression(), "state", "joblib.dump"),
        (Image.new("L", (1, 1)), "state", ".save()"),
    ],
    ids=lambda v: re.sub(r"\s+", " ", repr(v))[:60],
)
def test_what_cannot_be_stored_exactly_is_refused_by_path(value, path, said):
    with pytest.raises(UnstorableValueError) as caught:
        Codec().encode(value, "state")
    assert caught.value.path == path
    assert said in str(caught.value)


def test_a_value_cannot_pass_itself_off_as_an_extension():
    value = {"a": msgpack.ExtType(33, msgpack.packb(["tests.Slotted", 0, {"a": 1}]))}
    found = Codec([msgpack.ExtType]).decode(Codec().encode(value))
    assert found == value
    assert type(found["a"]) is msgpack.ExtType


def nested(make: Any, depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = make(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        CYCLE,
        nested(lambda v: [v], 5000),
        nested(lambda v: {"k": v}, 5000),
        nested(lambda v: (v,), 5000),
        nested(lambda v: Slotted(1, v), 500),
    ],
    ids=["cycle", "lists", "dicts", "tuples", "objects"],
)
def test_cycles_and_abysses_are_refused_in_words(value):
    with pytest.raises(UnstorableValueError, match="nested deeper than 200 levels, or contains itself") as caught:
        Codec().encode(value, "state")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("make", "depth"),
    [(lambda v: [v], 195), (lambda v: {"k": v}, 195), (lambda v: (v,), 99), (lambda v: Slotted(0, v), 99)],
)
def test_deep_values_within_the_limit_come_back(make, depth):
    value = nested(make, depth)
    codec = Codec(CLASSES)
    assert codec.decode(codec.encode_with_json(value)[0]) == value


def test_a_bytearray_stays_one_inside_plain_containers():
    value = {"a": [bytearray(b"x"), b"y"]}
    assert [type(v) for v in Codec().decode(Codec().encode(value))["a"]] == [bytearray, bytes]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, 2.5, None, True, "é"]}, '{"a":[1,2.5,null,true,"é"]}'),
        ({2, 1}, "[1,2]"),
        (b"x", "null"),
        ([math.nan, math.inf, b"x"], "[null,null,null]"),
        (np.arange(3), "[0,1,2]"),
        (np.zeros((100, 100)), '{"dtype":"float64","shape":[100,100]}'),
        (Slotted(1, Point(1, 2)), '{"a":1,"b":{"x":1,"y":2}}'),
        (Review(title="t"), '{"title":"t!","score":0.5,"parts":[]}'),
        ({1: 2, (1, 2): 3}, '{"1":2,"[1,2]":3}'),
        ("\ud800", '"\ufffd"'),
        (2**200, "null"),
        (dt.datetime(2020, 1, 2, 3, tzinfo=dt.UTC), '"2020-01-02T03:00:00+00:00"'),
        ("x" * 300_000, None),
        (Colour.RED, '"red"'),
        (10**5000, "null"),
        ([Fraction(1, 3), ZoneInfo("UTC"), dt.UTC], '["1/3","UTC","UTC"]'),
    ],
    ids=lambda v: repr(v)[:30] if not isinstance(v, int) else "int",
)
def test_the_json_beside_a_value_is_readable(value, text):
    assert Codec().encode_with_json(value)[1] == text


@settings(max_examples=300, deadline=None)
@given(values, st.data())
def test_a_flipped_byte_is_noticed(value, data):
    stored = bytearray(Codec().encode(value))
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FileDamagedError):
        Codec(CLASSES).decode(bytes(stored))


def test_only_classes_with_fields_can_be_registered():
    with pytest.raises(TypeError, match="nothing to register"):
        Codec([int])
