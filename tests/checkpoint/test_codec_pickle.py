"""Pickling happens only where the caller allowed it, and only for what cannot be stored otherwise."""

from __future__ import annotations

import collections
import re
import threading
from typing import Any

import pydantic
import pytest

from nbhitl.checkpoint.values.codec import Codec
from nbhitl.checkpoint.values.opaque import Opaque
from nbhitl.engine.errors import UnknownTypeError, UnstorableValueError
from tests.checkpoint.codec_values import CLASSES, Loose, Slotted, same


class Plain:
    def __init__(self, a: Any) -> None:
        self.a = a

    def __eq__(self, other: object) -> bool:
        return type(other) is Plain and other.a == self.a

    __hash__ = None


class Exploding:
    def __reduce__(self):
        raise ValueError("not me")


def loads_badly() -> None:
    raise ValueError("not today")


class Sour:
    def __reduce__(self):
        return (loads_badly, ())


@pytest.mark.parametrize(
    "value",
    [
        Plain([1, (2,)]),
        {"a": [collections.Counter("aab"), collections.defaultdict(list, {1: [2]})]},
        re.compile("a+"),
        Slotted(1, Plain(2)),
        collections.OrderedDict(a=1),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_cannot_be_stored_is_pickled_where_that_is_allowed(value):
    codec = Codec(CLASSES, allow_pickle=True)
    found = codec.decode(codec.encode(value), strict=True)
    assert type(found) is type(value)
    assert found == value
    with pytest.raises(UnstorableValueError):
        Codec(CLASSES).encode(value)


def test_what_can_be_stored_is_not_pickled():
    value = {"a": (1, {2}), "b": Slotted(1, [Loose(2)])}
    assert Codec(allow_pickle=True).encode(value) == Codec().encode(value)


def test_an_object_with_more_than_its_fields_is_pickled_whole():
    value = Loose(1)
    value.surprise = 5
    codec = Codec(CLASSES, allow_pickle=True)
    found = codec.decode(codec.encode([value]), strict=True)[0]
    assert (found.a, found.surprise) == (2, 5)


def test_a_pickle_is_not_loaded_by_a_codec_that_may_not():
    stored = Codec(allow_pickle=True).encode({"a": [Plain(1)]})
    codec = Codec()
    found = codec.decode(stored)["a"][0]
    assert type(found) is Opaque
    assert (found.type_name, found.data) == (f"{__name__}.Plain", None)
    assert codec.encode_with_json(codec.decode(stored)) == (stored, '{"a":[null]}')
    with pytest.raises(
        UnknownTypeError, match=r"state\['a'\]\[0\] is a .*Plain that was pickled: allow_pickle=True"
    ) as caught:
        codec.decode(stored, strict=True, path="state")
    assert caught.value.path == "state['a'][0]"
    assert same(Codec(allow_pickle=True).decode(codec.encode(codec.decode(stored)))["a"][0], Plain(1))


def test_what_cannot_be_pickled_either_says_both():
    for value, said in ((Exploding(), "ValueError: not me"), (threading.Lock(), "TypeError: ")):
        with pytest.raises(UnstorableValueError, match=f"cannot be stored: .*it cannot be pickled: {said}") as caught:
            Codec(allow_pickle=True).encode({"a": value}, "state")
        assert caught.value.path == "state['a']"


def test_a_pickle_that_does_not_load_is_opaque_or_a_typed_error():
    codec = Codec(allow_pickle=True)
    stored = codec.encode(Sour())
    assert type(codec.decode(stored)) is Opaque
    with pytest.raises(UnknownTypeError, match="cannot be unpickled .ValueError: not today"):
        codec.decode(stored, strict=True)


def test_a_secret_is_not_stored_even_so():
    with pytest.raises(UnstorableValueError, match="a secret must not be stored"):
        Codec(allow_pickle=True).encode([pydantic.SecretStr("x")])


def test_a_cycle_is_not_pickled():
    value: list[Any] = [1]
    value.append(value)
    with pytest.raises(UnstorableValueError, match="contains itself"):
        Codec(allow_pickle=True).encode(value)
