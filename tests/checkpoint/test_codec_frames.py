"""Frames, series and indexes come back exactly, with everything that pandas or polars knows of them, or are refused."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from dateutil.tz import gettz
from hypothesis import given, settings

from nbhitl.checkpoint.values.codec import Codec
from nbhitl.engine.errors import UnstorableValueError
from tests.checkpoint.codec_values import frames, polars_series, same

ROOT = Path(__file__).parents[2]


def attributed() -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"unit": ["m", (2,)], "at": pd.Timestamp(0)}
    return frame.set_flags(allows_duplicate_labels=False)


OF_PANDAS = {
    "empty": pd.DataFrame(),
    "no rows": pd.DataFrame(columns=["a", "b"]),
    "no columns": pd.DataFrame(index=[1, 2]),
    "usual": pd.DataFrame({"a": [1, 2], "b": [1.5, np.nan], "c": ["x", None], "d": [True, False]}),
    "the same name twice": pd.DataFrame([[1, "x"], [2, "y"]], columns=["a", "a"]),
    "attributes and flags": attributed(),
    "text as objects": pd.Series(["a", "b"], dtype=object),
    "four kinds of nothing": pd.Series([None, np.nan, pd.NA, pd.NaT], dtype=object),
    "objects": pd.Series([[1, 2], {"a": (1,)}, np.arange(3), pd.Timestamp("2020", tz="UTC"), Decimal(1)], dtype=object),
    "nullable": pd.DataFrame({t: pd.array([1, None], dtype=t) for t in ("Int64", "UInt8", "Float32", "boolean")}),
    "text": pd.DataFrame({"s": pd.array(["a", None], dtype="string"), "t": pd.array(["a", None], dtype="str")}),
    "categories": pd.Series(["a", "b", "a", None], dtype="category"),
    "ordered categories": pd.Series(pd.Categorical([1, 2], [3, 2, 1], ordered=True)),
    "categories with a zone": pd.Series(pd.Categorical(pd.date_range("2020", periods=2, tz="UTC"))),
    "a zone over a fold": pd.Series(pd.date_range("2024-10-27", periods=5, freq="h", tz="Europe/Berlin")),
    "a fixed zone": pd.Series(pd.date_range("2024", periods=2, tz=dt.timezone(dt.timedelta(hours=1), "x"))),
    "units": pd.DataFrame({u: np.array([1, "NaT"], f"M8[{u}]") for u in ("s", "ms", "us", "ns")}),
    "spans": pd.Series(np.array([1, "NaT"], "m8[ms]")),
    "periods": pd.Series(pd.period_range("2020", periods=3, freq="Q-MAR")),
    "intervals": pd.Series(pd.interval_range(0, 3, closed="both")),
    "bins": pd.Series(pd.cut([1, 2, 3], 2)),
    "narrow": pd.DataFrame({t: np.array([1], t) for t in ("f2", "c8", "u1", ">i4")}),
    "a hierarchy": pd.Series(range(4), index=pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None])),
    "a hierarchy of columns": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
    "a part of a hierarchy": pd.MultiIndex.from_product([["a", "b"], [1, 2]])[1:2],
    "a hierarchy with NaN": pd.MultiIndex.from_tuples([("a", np.nan), ("b", 2)]),
    "a range": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(5, 1, -2, name="r")),
    "weeks": pd.Series(range(3), index=pd.date_range("2024", periods=3, freq="W-MON", tz="Europe/Berlin")),
    "two hours": pd.date_range("2024", periods=3, freq="2h"),
    "an index of spans": pd.timedelta_range("1D", periods=3),
    "an index of categories": pd.CategoricalIndex(["a", "b"], name="c"),
    "an index of objects": pd.Index([1, "a", (1, 2)], name=("n", 1)),
    "an index of int8": pd.Index([1], dtype="int8"),
    "a nullable index": pd.Index([1, None], dtype="Int64"),
    "a name that is a tuple": pd.Series([1], name=("a", 1)),
    "minus zero": pd.Series([-0.0, 0.0]),
    "moments": [
        pd.Timestamp("2024-01-01 12:00:00.123456789"),
        pd.Timestamp("2024").as_unit("s"),
        pd.Timestamp("2024-10-27 02:30").tz_localize("Europe/Berlin", ambiguous=True),
        pd.Timestamp("2024-10-27 02:30").tz_localize("Europe/Berlin", ambiguous=False),
        pd.Timestamp(dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=None))  # noqa: DTZ001,
    ],
    "scalars": [pd.NaT, pd.NA, pd.Timedelta("1D 2ns"), pd.Period("2020Q1"), pd.Interval(0, 1.5, "both")],
    "an interval of moments": pd.Interval(pd.Timestamp(0), pd.Timestamp(1)),
}  # fmt: skip


def whole(types: list[object]) -> pl.DataFrame:
    return pl.DataFrame({str(t): pl.Series([1, None, 3], dtype=t) for t in types})


OF_POLARS = {
    "empty": pl.DataFrame(),
    "no rows": pl.DataFrame(schema={"a": pl.Int64, "b": pl.List(pl.String)}),
    "numbers": whole([pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Int128]),
    "fractions": whole([pl.Float32, pl.Float64, pl.Decimal(20, 4)]),
    "not a number": pl.Series([float("nan"), None, -0.0, float("inf")]),
    "text": pl.Series("n", ["a", None, "é"]),
    "bytes": pl.Series([b"a", None]),
    "nothing": pl.Series([None, None]),
    "times": pl.DataFrame({"d": [dt.date(2024, 1, 1), None], "t": [dt.time(1, 2, 3, 4), None]}),
    "moments": pl.Series([1, None]).cast(pl.Datetime("ns", "Europe/Berlin")),
    "spans": pl.Series([1, None]).cast(pl.Duration("ns")),
    "categories": pl.Series(["a", "b", None], dtype=pl.Categorical),
    "an enum": pl.Series(["a", None], dtype=pl.Enum(["b", "a"])),
    "lists": pl.Series([[1, None], [], None]),
    "lists of nanoseconds": pl.Series([[1, 2], None]).cast(pl.List(pl.Datetime("ns"))),
    "lists of categories": pl.Series([["a"], None], dtype=pl.List(pl.Categorical)),
    "arrays of arrays": pl.Series([[[1, 2]], None], dtype=pl.Array(pl.Int8, (1, 2))),
    "structs": pl.Series([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
    "a struct of nanoseconds": pl.Series([{"a": [1]}], dtype=pl.Struct({"a": pl.List(pl.Int64)})).cast(
        pl.Struct({"a": pl.List(pl.Duration("ns"))})
    ),
}


@pytest.mark.parametrize("value", OF_PANDAS.values(), ids=OF_PANDAS)
def test_a_value_of_pandas_comes_back_exactly(value):
    codec = Codec()
    data, text = codec.encode_with_json(value)
    assert same(codec.decode(data, strict=True), value)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.parametrize("value", OF_POLARS.values(), ids=OF_POLARS)
def test_a_value_of_polars_comes_back_exactly(value):
    codec = Codec()
    data, text = codec.encode_with_json(value)
    assert same(codec.decode(data, strict=True), value)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@settings(max_examples=150, deadline=None)
@given(frames())
def test_any_frame_of_pandas_comes_back_exactly(frame):
    assert same(Codec().decode(Codec().encode([frame]), strict=True), [frame])


@settings(max_examples=150, deadline=None)
@given(polars_series())
def test_any_series_of_polars_comes_back_exactly(series):
    assert same(Codec().decode(Codec().encode((series, series.to_frame())), strict=True), (series, series.to_frame()))


def labelled_by_hand() -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1]})
    object.__setattr__(frame, "note", 1)
    return frame


class MyFrame(pd.DataFrame):
    pass


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        (pd.DataFrame({"x": [1, object()]}), "state['df']['x'][1]", "cannot be stored"),
        (pd.DataFrame({("a", 1): [[1, print]]}), "state['df'][('a', 1)][0][1]", "cannot be stored"),
        (pd.DataFrame({"x": pd.arrays.SparseArray([0, 1])}), "state['df']['x']", ".astype(...)"),
        (
            pd.DataFrame({"x": pd.date_range("2024", periods=1, tz=gettz("Europe/Berlin"))}),
            "state['df']['x'].dtype.tz",
            "zoneinfo",
        ),
        (pd.Series([1], index=pd.Index([print], dtype=object)), "state['df'].index[0]", "cannot be stored"),
        (pd.Series([1], name=print), "state['df'].name", "cannot be stored"),
        (pd.bdate_range("2024", periods=3, freq="C", holidays=["2024-01-02"]), "state['df']", ".freq"),
        (pd.DataFrame({"a": [1]}).assign().pipe(MyFrame), "state['df']", "DataFrame"),
        (labelled_by_hand(), "state['df']", ".attrs"),
        (pd.offsets.MonthEnd(), "state['df']", "pandas"),
        (pl.DataFrame({"x": pl.Series([object()], dtype=pl.Object)}), "state['df']['x']", "cast it"),
        (pl.Series([[1]], dtype=pl.List(pl.Int8)).to_frame("x").lazy(), "state['df']", ".collect()"),
        (pl.Series(["a"], dtype=pl.Categorical(pl.Categories("mine"))), "state['df']", "cast it"),
    ],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_what_would_not_come_back_is_refused_by_path(value, path, said):
    with pytest.raises(UnstorableValueError) as caught:
        Codec().encode(value, "state['df']")
    assert caught.value.path == path
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            pd.DataFrame({"a": range(1000), "b": ["x"] * 1000}),
            '{"columns":["a","b"],"rows":1000,"head":[[0,"x"],[1,"x"],[2,"x"],[3,"x"],[4,"x"]]}',
        ),
        (
            pd.DataFrame({"x": np.zeros(2**20)}),
            '{"columns":["x"],"rows":1048576,"head":[[0.0],[0.0],[0.0],[0.0],[0.0]]}',
        ),
        (pl.DataFrame({"x": [1.5, None]}), '{"columns":["x"],"rows":2,"head":[[1.5],[null]]}'),
        (pd.Series([pd.Timestamp(0), pd.NaT], name="n"), '{"name":"n","rows":2,"head":["1970-01-01 00:00:00",null]}'),
        (pl.Series("n", [[1], None]), '{"name":"n","rows":2,"head":[[1],null]}'),
        ([pd.Timedelta(1, "s"), pd.NA], '["0 days 00:00:01",null]'),
    ],
    ids=["pandas", "large", "polars", "series", "polars series", "scalars"],
)
def test_the_json_beside_a_frame_shows_its_columns_and_its_head(value, text):
    assert Codec().encode_with_json(value)[1] == text


LOOKING = """
import sys
{before}
from nbhitl.checkpoint.values.codec import Codec
from nbhitl.checkpoint.values.opaque import Opaque
from nbhitl.engine.errors import UnknownTypeError
data = bytes.fromhex({data!r})
found = Codec().decode(data)
assert type(found) is Opaque, found
assert Codec().encode(found) == data
try:
    Codec().decode(data, strict=True, path="state['df']")
except UnknownTypeError as error:
    print(error)
print({name!r} in sys.modules and sys.modules[{name!r}] is not None)
"""


@pytest.mark.parametrize(
    ("value", "name", "before"),
    [
        (pd.DataFrame({"a": [1]}), "pandas", ""),
        (pd.Timestamp(0), "pandas", ""),
        (pl.DataFrame({"a": [1]}), "polars", ""),
        (np.arange(3), "numpy", ""),
        (pd.Series(["a"]), "pandas", "import numpy"),
    ],
    ids=["frame", "moment", "polars", "array", "series"],
)
def test_a_library_that_was_not_imported_is_not_imported_by_data(value, name, before):
    code = LOOKING.format(data=Codec().encode(value).hex(), name=name, before=before)
    said = run(code)
    assert said == [
        f"state['df'] needs {name}, which this program has not imported: import {name}, and load again",
        "False",
    ]


WITHOUT = """
import sys
sys.modules["pyarrow"] = None
import pandas as pd
from nbhitl.checkpoint.values.codec import Codec
frame = pd.DataFrame({"a": ["x", None], "b": pd.array(["x", None], dtype="string"), "c": [1, 2]})
found = Codec().decode(Codec().encode(frame), strict=True)
pd.testing.assert_frame_equal(found, frame, check_exact=True)
print([str(t) for t in found.dtypes], found["a"].dtype.storage)
"""


def test_pandas_without_pyarrow_is_enough():
    assert run(WITHOUT) == ["['str', 'string', 'int64'] python"]


def test_text_that_pyarrow_holds_is_opaque_without_pyarrow():
    made = """
import pandas as pd
from nbhitl.checkpoint.values.codec import Codec
print(Codec().encode(pd.Series(pd.array(["a", None], dtype="string[pyarrow]"))).hex())
"""
    (data,) = run(made)
    before = "sys.modules['pyarrow'] = None\nimport pandas"
    said = run(LOOKING.format(data=data, name="pyarrow", before=before))
    assert said[0].startswith("state['df'] needs pyarrow, which this program has not imported")
    assert said[1] == "False"


ARROW = """
import pandas as pd, pyarrow as pa, datetime as dt
from nbhitl.checkpoint.values.codec import Codec
from nbhitl.engine.errors import UnstorableValueError
types = [pa.int8(), pa.uint64(), pa.float32(), pa.float64()]
made = {str(t): pd.array([1, None], dtype=pd.ArrowDtype(t)) for t in types}
made["text"] = pd.array(["a", None], dtype=pd.ArrowDtype(pa.string()))
made["large"] = pd.array(["a", None], dtype=pd.ArrowDtype(pa.large_string()))
made["bytes"] = pd.array([b"a", None], dtype=pd.ArrowDtype(pa.binary()))
made["bool"] = pd.array([True, None], dtype=pd.ArrowDtype(pa.bool_()))
made["day"] = pd.array([dt.date(2024, 1, 1), None], dtype=pd.ArrowDtype(pa.date32()))
made["moment"] = pd.array([pd.Timestamp("2024"), None], dtype=pd.ArrowDtype(pa.timestamp("ns", "Europe/Berlin")))
made["span"] = pd.array([pd.Timedelta(1), None], dtype=pd.ArrowDtype(pa.duration("us")))
made["none"] = pd.array([None, None], dtype=pd.ArrowDtype(pa.null()))
made["str"] = pd.array(["a", None], dtype="str")
made["string"] = pd.array(["a", None], dtype="string[pyarrow]")
frame = pd.DataFrame(made)
found = Codec().decode(Codec().encode(frame), strict=True)
pd.testing.assert_frame_equal(found, frame, check_exact=True)
assert [repr(t) for t in found.dtypes] == [repr(t) for t in frame.dtypes]
try:
    Codec().encode(pd.Series([[1]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))), "state['x']")
except UnstorableValueError as error:
    print(error)
print("done", frame["str"].dtype.storage)
"""


def test_columns_that_pyarrow_holds_come_back_exactly():
    said = run(ARROW)
    assert said[0].startswith("state['x'] holds values of the dtype list<")
    assert said[1] == "done pyarrow"


def run(code: str) -> list[str]:
    """The lines that a program prints in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code],
        capture_output=True, text=True, timeout=120, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
