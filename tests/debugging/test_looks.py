"""How any value looks in one line, and what it consists of."""

import time

import numpy as np
import pandas as pd
import pydantic
import pytest

from nbhitl.checkpoint.values.opaque import Opaque
from nbhitl.debugging.looks import brief, sized, type_name
from nbhitl.debugging.parts import outlined, parts_of
from tests.debugging.hostile import LyingDict, LyingList, all_of_them, endless


class Review(pydantic.BaseModel):
    ok: bool
    notes: str = ""


@pytest.mark.parametrize(
    ("value", "type", "size", "text"),
    [
        (None, "None", "", "None"),
        (True, "bool", "", "True"),
        ("tea", "str", "3 characters", "'tea'"),
        (b"x", "bytes", "1 byte", "b'x'"),
        ([1, [2, [3, [4, [5]]]]], "list", "2 items", "[1, [2, [3, [4, […]]]]]"),
        ({"a": 1, 2: "b"}, "dict", "2 keys", "{'a': 1, 2: 'b'}"),
        (list(range(9)), "list", "9 items", "[0, 1, 2, 3, 4, 5, … 3 more]"),
        (set(), "set", "0 items", "set()"),
        (np.float64(2.5), "float64", "", "2.5"),
        (np.zeros((3, 4)), "ndarray of float64", "3 \u00d7 4", "<ndarray of float64, 3 \u00d7 4>"),
        (pd.DataFrame({"a": [1]}), "DataFrame", "1 row, 1 column", "<DataFrame, 1 row, 1 column>"),
        (Review(ok=True), "Review", "2 fields", "Review(ok=True, notes='')"),
        (Opaque("Review", {"ok": True}, 1, b""), "Review (not loaded)", "1 field", "Review (not loaded)(ok=True)"),
    ],
)
def test_a_value_has_a_type_a_size_and_a_line(value, type, size, text):
    assert (type_name(value), sized(value), brief(value)) == (type, size, text)


def test_values_of_strangers_have_a_line_without_control_characters():
    for name, value in all_of_them().items():
        line = brief(value, 80)
        assert len(line) <= 80, name
        assert line.isprintable(), name
        assert isinstance(sized(value), str)
        assert isinstance(type_name(value), str)
        parts_of(value, 10)
        assert len(list(outlined(value, 20))) <= 21


def test_a_number_that_python_refuses_to_write_out_has_a_line():
    assert brief(10**6_000) == "<int of 19,932 bits>"


def test_what_a_container_says_of_itself_is_not_believed():
    assert sized(LyingList([1, 2])) == "2 items"
    assert brief(LyingList([1, 2])) == "[1, 2]"
    assert brief(LyingDict(a=1)) == "{'a': 1}"
    assert parts_of(LyingList([1, 2]), 1).more == 1


def test_of_a_large_value_only_the_beginning_is_read():
    began = time.perf_counter()
    assert brief(["x" * 100_000_000, list(range(1_000_000))]).startswith("['xxx")
    assert time.perf_counter() - began < 20  # reading all of it takes minutes


def test_a_value_as_lines_is_folded_out_where_its_line_is_too_long():
    value = {"tags": ["green"], "deep": {"text": "x" * 200, "n": 1}}
    assert list(outlined(value, 10)) == [
        "tags: ['green']",
        "deep:",
        f"  text: {brief('x' * 200, 400)}",
        "  n: 1",
    ]
    assert list(outlined(list(range(100)), 3)) == ["0: 0", "1: 1", "2: 2", "… and more"]
    assert len(list(outlined(endless(), 50))) <= 51
