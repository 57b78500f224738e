"""Values come back exactly as they were, or are refused; nothing runs because stored bytes say so."""

from __future__ import annotations

import base64
import collections
import contextlib
import dataclasses
import datetime as dt
import enum
import functools
import json
import math
import sys
import zlib
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbhitl.checkpoint.codec import Codec
from nbhitl.checkpoint.opaque import Opaque
from nbhitl.engine.errors import FileDamagedError, UnstorableValueError


class Colour(enum.Enum):
    RED = "red"
    ODD = (1, 2)


class Level(enum.IntEnum):
    LOW = 1


class Perm(enum.Flag):
    R = 1
    W = 2


class Point(NamedTuple):
    x: int
    y: Any = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    a: int
    b: Any = None


@dataclasses.dataclass
class Loose:
    a: int
    made: int = dataclasses.field(init=False, default=7)

    def __post_init__(self) -> None:
        self.a += 1  # must not run again on load

    @functools.cached_property
    def costly(self) -> int:
        return self.a * 2


class Review(pydantic.BaseModel):
    title: str
    score: float = 0.5
    parts: list[Slotted] = []
    _seen: int = 0

    @pydantic.field_validator("title")
    @classmethod
    def upper(cls, text: str) -> str:
        return text + "!"  # must not run again on load


class Free(pydantic.BaseModel, extra="allow"):
    a: int


CLASSES = (Colour, Level, Perm, Point, Slotted, Loose, Review, Free)


def same(a: Any, b: Any) -> bool:
    """Equal, of the same types all the way down; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float | complex) and not isinstance(a, np.generic):
        return repr(a) == repr(b)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, np.generic):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            same(k, m) and same(v, w) for (k, v), (m, w) in zip(a.items(), b.items(), strict=True)
        )
    if isinstance(a, list | tuple | collections.deque):
        return len(a) == len(b) and all(map(same, a, b)) and getattr(a, "maxlen", 0) == getattr(b, "maxlen", 0)
    if isinstance(a, set | frozenset):
        return sorted(map(repr, a)) == sorted(map(repr, b))
    if isinstance(a, dt.datetime | dt.time):
        return (
            a.replace(tzinfo=None) == b.replace(tzinfo=None) and a.fold == b.fold and repr(a.tzinfo) == repr(b.tzinfo)
        )
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, pydantic.BaseModel):
        return same(dict(a), dict(b)) and a.model_fields_set == b.model_fields_set
    if isinstance(a, Decimal):
        return str(a) == str(b)
    return bool(a == b)


zones = st.one_of(
    st.none(),
    st.sampled_from([dt.UTC, ZoneInfo("Europe/Berlin"), dt.timezone(dt.timedelta(minutes=-61), "odd")]),
)
texts = st.text(st.characters(codec=None))
keys = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    texts,
    st.binary(),
    st.dates(),
    st.uuids(),
)
arrays = st.builds(
    lambda d, n, f: np.arange(n).astype(d).reshape((n, 1) if f else (n,)),
    st.sampled_from(["i1", "u8", "f2", "f4", "f8", "c16", "?", "U5", "S3", "M8[ns]", "m8[s]", ">i4"]),
    st.integers(0, 5),
    st.booleans(),
)
leaves = st.one_of(
    keys,
    st.floats(),
    texts.map(lambda s: s + "\ud800"),
    st.binary().map(bytearray),
    st.builds(lambda d, z, f: d.replace(tzinfo=z, fold=f), st.datetimes(), zones, st.integers(0, 1)),
    st.times(),
    st.timedeltas(),
    st.decimals(),
    st.complex_numbers(),
    st.builds(range, st.integers(), st.integers(), st.integers(1, 9)),
    st.sampled_from([Path("/x/y"), PurePosixPath("a/.."), PureWindowsPath("C:\\x")]),
    st.sampled_from([Colour.RED, Colour.ODD, Level.LOW, Perm.R, Perm.R | Perm.W, Perm(0)]),
    arrays,
    st.sampled_from(
        [np.float64(1.5), np.int8(3), np.bool_(True), np.str_("a\0"), np.bytes_(b"x"), np.datetime64("NaT")]
    ),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys | st.tuples(keys, keys), inner, max_size=4),
        st.builds(collections.deque, st.lists(inner, max_size=3), st.sampled_from([None, 3])),
        st.sets(keys, max_size=4),
        st.frozensets(keys, max_size=4),
        st.builds(Point, st.integers(), inner),
        st.builds(Slotted, st.integers(), inner),
        st.builds(Free, a=st.integers(), other=inner),
        st.builds(lambda a: Review(title="t", parts=[Slotted(1, a)]), inner),
    ),
    max_leaves=15,
)


@settings(max_examples=400, deadline=None)
@given(values)
def test_what_is_stored_comes_back_exactly(value):
    codec = Codec(CLASSES)
    data, text = codec.encode_with_json(value)
    assert same(codec.decode(data), value)
    if text is not None:
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        text.encode()


nested = st.recursive(values.map(lambda value: (value,)), lambda inner: st.lists(inner, max_size=20), max_leaves=40)


@settings(max_examples=200, deadline=None)
@given(st.lists(nested, max_size=20))
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


def redefined(name: str, *fields: Any) -> type:
    return dataclasses.make_dataclass(name, fields, namespace={"__module__": __name__}, frozen=True)


def test_a_redefined_class_takes_new_fields_with_defaults_and_refuses_a_missing_one():
    old = redefined("Changing", ("a", int))
    data = Codec().encode(old(1))
    wider = redefined("Changing", ("a", int), ("b", int, dataclasses.field(default=2)))
    assert Codec([wider]).decode(data) == wider(1, 2)
    other = redefined("Changing", ("c", int))
    assert isinstance(Codec([other]).decode(data), Opaque)


def test_a_redefined_model_is_validated_and_otherwise_opaque():
    def model(**fields: Any) -> Any:
        made = pydantic.create_model("Moving", __module__=__name__, **fields)
        made.__qualname__ = "Moving"
        return made

    data = Codec().encode(model(a=(int, ...))(a=3))
    wider = model(a=(int, ...), b=(str, "x"))
    assert Codec([wider]).decode(data) == wider(a=3, b="x")
    assert isinstance(Codec([model(a=(list, ...))]).decode(data), Opaque)
    assert isinstance(Codec([model(b=(int, 1))]).decode(data), Opaque)
    assert isinstance(Codec([redefined("Moving", ("a", int))]).decode(data), Opaque)


class Str(str):
    __slots__ = ()


class Dict(dict):
    pass


@dataclasses.dataclass
class Both(dict):
    a: int


def extra_attribute() -> Loose:
    value = Loose(1)
    value.surprise = 1
    return value


CYCLE: list[Any] = [1]
CYCLE.append({"me": CYCLE})


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        ({"df": [0, 1, 2, Slotted(1, object())]}, "state['df'][3].b", "cannot be stored"),
        (Str("x"), "state", "str("),
        ({"a": Dict()}, "state['a']", "dict("),
        ([True, Both(1)], "state[1]", "builtin type"),
        (extra_attribute(), "state", "'surprise'"),
        ((1, print), "state[1]", "cannot be stored"),
        ({(1, 2): {3: memoryview(b"x")}}, "state[(1, 2)][3]", "memoryview"),
        (np.array([object()]), "state", "object"),
        (np.ma.array([1]), "state", "MaskedArray"),
        (pd.Timestamp(0), "state", "datetime"),
        (Slotted, "state", "type"),
        (dt.datetime(2020, 1, 1, tzinfo=type("Zone", (dt.tzinfo,), {})()), "state", "zoneinfo"),
        (collections.OrderedDict(a=1), "state", "dict("),
        (collections.Counter("a"), "state", "dict("),
        ([__import__("msgpack").Timestamp(1)], "state[0]", "Timestamp"),
    ],
    ids=repr,
)
def test_what_cannot_be_stored_exactly_is_refused_by_path(value, path, said):
    with pytest.raises(UnstorableValueError) as caught:
        Codec().encode(value, "state")
    assert caught.value.path == path
    assert said in str(caught.value)


def test_a_value_cannot_pass_itself_off_as_an_extension():
    import msgpack

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
    ],
    ids=lambda v: repr(v)[:30] if not isinstance(v, int) else "int",
)
def test_the_json_beside_a_value_is_readable(value, text):
    assert Codec().encode_with_json(value)[1] == text


class Watch:
    """Counts what an audit hook sees while on: a hook cannot be taken out again."""

    on = False
    seen: ClassVar[list[tuple[str, Any]]] = []


@pytest.fixture(scope="session")
def watch() -> type[Watch]:
    def hook(event: str, args: Any) -> None:
        if Watch.on and event.startswith(
            ("import", "os.", "subprocess", "exec", "compile", "open", "shutil", "pickle")
        ):
            Watch.seen.append((event, args))

    sys.addaudithook(hook)
    return Watch


def payloads(attacks: dict[str, Any]) -> list[bytes]:
    found = []
    for section in ("serde_msgpack_b64", "serde_pickle_b64"):
        for name, text in attacks[section].items():
            if name == "deep_array_1e5":
                found.append(b"\x91" * 100000 + b"\xc0")
            elif name != "mislabelled_as_msgpack":
                found.append(base64.b64decode(text))
    found += [json.dumps(v).encode() for v in attacks["serde_json"]]
    found += [
        _ext(16, ["<f8", [10**12], b""]),
        _ext(16, ["O", [1], b"x" * 8]),
        _ext(33, ["os.system", 0, {"command": "x"}]),
    ]
    found += [
        _ext(35, ["subprocess.Popen", 0, {"args": ["x"]}, [], None, None]),
        _ext(32, ["os.environ", "X", 1]),
    ]
    found += [
        _ext(12, [1, 1, 1, 0, 0, 0, 0, 0, ["zone", "../../etc/passwd"]]),
        _ext(6, 10**12),
        _ext(99, 1),
        _ext(11, ["os", "x"]),
    ]
    deep = b"\xc0"
    for _ in range(3000):
        deep = b"\xc9" + len(deep).to_bytes(4, "big") + b"\x02" + b"\x91" + deep if len(deep) < 2**20 else deep
    return [*found, deep]


def _ext(code: int, parts: Any) -> bytes:
    import msgpack

    return msgpack.packb(msgpack.ExtType(code, msgpack.packb(parts)))


def frame(body: bytes) -> bytes:
    return b"\x01" + zlib.crc32(body).to_bytes(4, "little") + body


def test_hostile_bytes_import_and_execute_nothing(attacks, watch, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    codec = Codec(CLASSES)
    codec.decode(codec.encode([dt.datetime(2020, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))]))  # warm: reads zone names
    tried = payloads(attacks)
    assert len(tried) > 25
    for body in tried:
        for data in (body, frame(body)):
            watch.seen.clear()
            watch.on = True
            try:
                found = codec.decode(data)
            except FileDamagedError:
                found = None
            finally:
                watch.on = False
            assert watch.seen == []
            assert found is None or type(found) in (Opaque, int, dict, list, str, bytes, tuple), found
    assert list(tmp_path.iterdir()) == []


def test_json_that_looks_like_a_constructor_stays_a_dict(attacks):
    codec = Codec(CLASSES)
    for value in attacks["serde_json"]:
        assert codec.decode(codec.encode(value)) == value


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_give_a_value_or_one_kind_of_error(body):
    with contextlib.suppress(FileDamagedError):
        Codec(CLASSES).decode(frame(body))


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
