"""Values for the tests of the codec, the classes of which they are made, and what it means that two are the same."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import functools
import struct
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pydantic
from hypothesis import strategies as st


class Colour(enum.Enum):
    RED = "red"
    ODD = (1, 2)


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    YES = "yes"


class Perm(enum.Flag):
    R = 1
    W = 2


class Keep(enum.Flag, boundary=enum.KEEP):
    R = 1


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


CLASSES = (Colour, Level, Word, Perm, Keep, Point, Slotted, Loose, Review, Free)


def same(a: Any, b: Any) -> bool:
    """Equal, of the same types all the way down; NaN equals NaN, -0.0 does not equal 0.0."""
    if type(a) is not type(b):
        return False
    module = type(a).__module__.partition(".")[0]
    if module in ("pandas", "polars"):
        return _same_frames(a, b)
    match a:
        case np.ndarray():
            flags = [(v.dtype.str, v.shape, v.flags.fnc) for v in (a, b)]
            return flags[0] == flags[1] and a.tobytes() == b.tobytes()
        case np.generic():
            return a.dtype == b.dtype and a.tobytes() == b.tobytes()
        case enum.Enum():
            return a is b
        case float():
            return struct.pack("<d", a) == struct.pack("<d", b)
        case complex():
            return same(a.real, b.real) and same(a.imag, b.imag)
        case dict():
            return same(list(a.items()), list(b.items()))
        case collections.deque():
            return a.maxlen == b.maxlen and same(list(a), list(b))
        case list() | tuple():
            return len(a) == len(b) and all(map(same, a, b))
        case set() | frozenset():
            return sorted((type(v).__name__, repr(v)) for v in a) == sorted((type(v).__name__, repr(v)) for v in b)
        case dt.datetime() | dt.time():
            bare = [v.replace(tzinfo=None) for v in (a, b)]
            return bare[0] == bare[1] and a.fold == b.fold and same(a.tzinfo, b.tzinfo)
        case pydantic.BaseModel():
            beside = [(v.model_fields_set, v.__pydantic_private__, v.__pydantic_extra__) for v in (a, b)]
            fields = [{n: v.__dict__[n] for n in type(v).model_fields if n in v.__dict__} for v in (a, b)]
            return same(beside[0], beside[1]) and same(fields[0], fields[1])
        case dt.tzinfo() | Decimal():
            return repr(a) == repr(b)
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    return bool(a == b)


def _same_frames(a: Any, b: Any) -> bool:
    strict = {"check_exact": True, "check_freq": True, "check_flags": True, "check_index_type": "exact"}
    match a:
        case pd.DataFrame():
            pd.testing.assert_frame_equal(a, b, check_column_type="exact", **strict)
            columns = [same(a.iloc[:, i], b.iloc[:, i]) for i in range(a.shape[1])]
            return all(columns) and same(a.attrs, b.attrs)
        case pd.Series():
            pd.testing.assert_series_equal(a, b, **strict)
            alike = same(a.attrs, b.attrs) and same(a.name, b.name) and same(a.index, b.index)
            return alike and repr(a.dtype) == repr(b.dtype) and same(a.tolist(), b.tolist())
        case pd.Index():
            pd.testing.assert_index_equal(a, b, exact=True, check_exact=True)
            alike = a.identical(b) and getattr(a, "freq", None) == getattr(b, "freq", None)
            return alike and same(list(a.names), list(b.names)) and same(a.tolist(), b.tolist())
        case pl.DataFrame():
            polars.testing.assert_frame_equal(a, b, check_exact=True)
            return a.schema == b.schema and a.height == b.height
        case pl.Series():
            polars.testing.assert_series_equal(a, b, check_exact=True)
            return a.dtype == b.dtype
        case pd.Timestamp():
            return a.unit == b.unit and a == b and a.fold == b.fold and same(a.tz, b.tz)
        case pd.Timedelta():
            return a.unit == b.unit and a == b
    return repr(a) == repr(b)


zones = st.one_of(
    st.none(),
    st.sampled_from(
        [
            dt.UTC,
            ZoneInfo("Europe/Berlin"),
            dt.timezone(dt.timedelta(minutes=-61), "odd"),
            dt.timezone(dt.timedelta(0), "UTC"),
        ]
    ),
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
    st.fractions(),
    st.sampled_from([Colour.RED, Word.YES, Level.LOW]),
)
arrays = st.builds(
    lambda d, n, f, order: np.array(
        np.arange(n).astype(d).reshape((n // 2, -1) if f and n % 2 == 0 else (n,)), order=order
    ),
    st.sampled_from(["i1", "u8", "f2", "f4", "f8", "c16", "?", "U5", "S3", "M8[ns]", "m8[s]", ">i4"]),
    st.integers(1, 6),
    st.booleans(),
    st.sampled_from("CF"),
)
columns = st.sampled_from(
    [
        pd.array([1, 2]),
        pd.array([1, None], dtype="Int8"),
        pd.array([1.5, None], dtype="Float64"),
        pd.array([True, None], dtype="boolean"),
        pd.array(["a", None], dtype="string"),
        pd.array(["a", None], dtype="str"),
        np.array(["a", "b"], object),
        np.array([None, (1, 2.5)], object),
        np.array([0.5, -0.0]),
        np.array(["2020-01-01", "NaT"], "M8[ms]"),
        pd.Categorical(["a", None], ["b", "a"], ordered=True),
        pd.date_range("2024-10-27", periods=2, freq="h", tz="Europe/Berlin").array,
        pd.period_range("2020", periods=2, freq="Q-MAR").array,
        pd.interval_range(0, 2).array,
    ]
)
indexes = st.sampled_from(
    [
        pd.RangeIndex(2),
        pd.RangeIndex(9, 3, -3, name="r"),
        pd.Index(["a", "a"], name=("n", 1)),
        pd.Index([1, "a"], dtype=object),
        pd.Index([0.5, np.nan]),
        pd.date_range("2024", periods=2, freq="W-MON", tz="Europe/Berlin"),
        pd.MultiIndex.from_arrays([["a", "b"], [1.5, np.nan]], names=["x", None]),
    ]
)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    index = draw(indexes)
    made = [pd.Series(c, index=index, dtype=c.dtype) for c in draw(st.lists(columns, max_size=4))]
    frame = pd.DataFrame(dict(enumerate(made)), index=index)
    frame.columns = pd.Index([draw(st.sampled_from(["a", "b"])) for _ in made], dtype="str")
    frame.attrs = draw(st.dictionaries(st.text(max_size=3), st.integers(), max_size=2))
    return frame


polars_types = st.sampled_from(
    [
        *(pl.Int8(), pl.UInt64(), pl.Float32(), pl.Float64(), pl.Boolean(), pl.String(), pl.Date(), pl.Time()),
        *(pl.Datetime("ns", "Europe/Berlin"), pl.Datetime("ms"), pl.Duration("us"), pl.Decimal(20, 3), pl.Null()),
        *(pl.Binary(), pl.Categorical(), pl.Enum(["x", ""])),
    ]
)
polars_nested = st.recursive(
    polars_types,
    lambda inner: st.one_of(
        inner.map(pl.List),
        inner.map(lambda t: pl.Array(t, 2)),
        st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=2).map(pl.Struct),
    ),
    max_leaves=3,
)


@st.composite
def polars_values(draw: st.DrawFn, dtype: pl.DataType) -> Any:
    if draw(st.integers(0, 4)) == 0 or dtype == pl.Null():
        return None
    match dtype:
        case pl.List():
            return draw(st.lists(polars_values(dtype.inner), max_size=3))
        case pl.Array():
            return [draw(polars_values(dtype.inner)) for _ in range(dtype.size)]
        case pl.Struct():
            return {f.name: draw(polars_values(f.dtype)) for f in dtype.fields}
        case pl.Int8():
            return draw(st.integers(-128, 127))
        case pl.UInt64():
            return draw(st.integers(0, 2**64 - 1))
        case pl.Float32():
            return draw(st.floats(width=32, allow_nan=False))
        case pl.Float64():
            return draw(st.floats())
        case pl.Boolean():
            return draw(st.booleans())
        case pl.String():
            return draw(st.text(max_size=4))
        case pl.Binary():
            return draw(st.binary(max_size=4))
        case pl.Decimal():
            return draw(st.decimals(-1000, 1000, places=3))
        case pl.Categorical() | pl.Enum():
            return draw(st.sampled_from(["x", ""]))
        case pl.Date():
            return draw(st.dates())
        case pl.Time():
            return draw(st.times())
        case pl.Duration():
            return draw(st.timedeltas(dt.timedelta(-1000), dt.timedelta(1000)))
    moment = dt.datetime.fromtimestamp(0, dt.UTC) + draw(st.timedeltas(dt.timedelta(0), dt.timedelta(40000)))
    return moment if dtype.time_zone else moment.replace(tzinfo=None)


@st.composite
def polars_series(draw: st.DrawFn, length: int = 3) -> pl.Series:
    dtype = draw(polars_nested)
    return pl.Series(draw(st.text(max_size=3)), [draw(polars_values(dtype)) for _ in range(length)], dtype=dtype)


leaves = st.one_of(
    keys,
    st.floats(),
    texts.map(lambda s: s + "\ud800"),
    st.binary().map(bytearray),
    st.builds(lambda d, z, f: d.replace(tzinfo=z, fold=f), st.datetimes(), zones, st.integers(0, 1)),
    st.times(),
    st.timedeltas(),
    zones,
    st.decimals(),
    st.complex_numbers(),
    st.builds(range, st.integers(), st.integers(), st.integers(1, 9)),
    st.sampled_from([Path("/x/y"), PurePosixPath("a/.."), PureWindowsPath("C:\\x"), Fraction(-1, 3)]),
    st.sampled_from([Colour.ODD, Perm.R, Perm.R | Perm.W, Perm(0), Keep(9), Keep.R]),
    arrays,
    st.sampled_from(
        [
            np.float64(1.5),
            np.int8(3),
            np.bool_(True),
            np.str_("a\0"),
            np.str_(""),
            np.bytes_(b"x"),
            np.datetime64("NaT"),
        ]
    ),
    st.sampled_from([pd.NaT, pd.NA, pd.Timedelta(1, "s"), pd.Period("2020Q1"), pd.Interval(0, 1.5, "both")]),
    st.sampled_from([pd.Timestamp(1), pd.Timestamp("2024-10-27 00:30", tz="UTC").tz_convert("Europe/Berlin")]),
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
