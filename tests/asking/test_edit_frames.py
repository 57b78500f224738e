"""A frame is edited as a table: its rows are plain data, and what comes back has the same columns and types."""

import datetime as dt
from decimal import Decimal

import pytest

from nbhitl import NbhitlError, edit
from nbhitl.asking.frames import CELLS, COLUMNS, ROWS, frame_from, frame_table
from nbhitl.engine.errors import AnswerRefused
from nbhitl.run.answers import SchemaChecker
from nbhitl.run.drafts import drafted

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

MOMENTS = pd.to_datetime(["2024-01-01", "2024-02-02T01:02:03.123456789", None], format="ISO8601")
PANDAS = {
    "integers": pd.Series([1, -2, 3]),
    "small": pd.Series([1, 2, 255], dtype="uint8"),
    "floats": pd.Series([0.1, None, 3.0]),
    "float32": pd.Series([0.1, None, 3.0], dtype="float32"),
    "booleans": pd.Series([True, False, True]),
    "texts": pd.Series(["a", "", "line\nline"]),
    "texts or none": pd.Series(["a", None, "b"]),
    "objects": pd.Series(["a", None, "b"], dtype=object),
    "nullable": pd.Series([1, None, 3], dtype="Int64"),
    "maybe": pd.Series([True, None, False], dtype="boolean"),
    "moments": pd.Series(MOMENTS),
    "seconds": pd.Series(MOMENTS).astype("datetime64[s]"),
    "zoned": pd.Series(MOMENTS).dt.tz_localize("Europe/Berlin"),
    "categories": pd.Series(["u", None, "v"], dtype=pd.CategoricalDtype(["v", "u", "w"], ordered=True)),
    "dates": pd.Series([dt.date(2024, 1, 1), None, dt.date(2024, 3, 31)], dtype=object),
}
POLARS = {
    "integers": pl.Series([1, None, 3]),
    "small": pl.Series([1, 2, 255], dtype=pl.UInt8),
    "floats": pl.Series([0.1, None, 3.0]),
    "float32": pl.Series([0.1, None, 3.0], dtype=pl.Float32),
    "booleans": pl.Series([True, None, False]),
    "texts": pl.Series(["a", None, ""]),
    "dates": pl.Series([dt.date(2024, 1, 1), None, None]),
    "moments": pl.Series([dt.datetime(2024, 1, 1, 2, 3, 4, 5), None, None]),  # noqa: DTZ001 - a naive one
    "zoned": pl.Series([dt.datetime(2024, 7, 1, 2), None, None]).dt.replace_time_zone("Europe/Berlin"),  # noqa: DTZ001
    "times": pl.Series([dt.time(1, 2, 3), None, None]),
    "exact": pl.Series([Decimal("1.50"), None, Decimal("2.00")], dtype=pl.Decimal(10, 2)),
    "enums": pl.Series(["u", None, "v"], dtype=pl.Enum(["u", "v"])),
    "categories": pl.Series(["u", None, "v"], dtype=pl.Categorical),
}


@pytest.mark.parametrize("name", PANDAS)
def test_a_pandas_column_comes_back_as_it_was(name):
    frame = pd.DataFrame({name: PANDAS[name]})
    schema, rows = frame_table(frame)
    answer = SchemaChecker().check(schema, rows)
    pd.testing.assert_frame_equal(frame_from(frame, answer), frame, check_exact=True)


@pytest.mark.parametrize("name", POLARS)
def test_a_polars_column_comes_back_as_it_was(name):
    frame = pl.DataFrame({name: POLARS[name]})
    schema, rows = frame_table(frame)
    made = frame_from(frame, SchemaChecker().check(schema, rows))
    assert made.schema == frame.schema
    assert made.equals(frame)


@pytest.mark.parametrize("columns", [PANDAS, POLARS], ids=["pandas", "polars"])
def test_a_whole_frame_is_shown_as_a_table_with_its_rows(person, columns):
    frame = pd.DataFrame(columns) if columns is PANDAS else pl.DataFrame(columns)
    (field,) = person(lambda: edit(frame, "Correct the rows")).form.fields
    assert field.kind == "table"
    assert [column.name for column in field.fields] == list(columns)
    assert len(field.default) == 3


def test_cells_are_edited_and_rows_added_and_removed(person):
    frame = pd.DataFrame({"name": ["ann", "bob"], "age": [31, 42]})
    edited = person(lambda: edit(frame)).answers([{"name": "bob", "age": 43}, {"name": "cem", "age": 5}])
    pd.testing.assert_frame_equal(edited, pd.DataFrame({"name": ["bob", "cem"], "age": [43, 5]}))
    assert person(lambda: edit(frame)).answers([{"name": "x", "age": 1}] * 3).shape == (3, 2)


@pytest.mark.parametrize("frame", [pd.DataFrame(PANDAS), pl.DataFrame(POLARS)], ids=["pandas", "polars"])
def test_all_rows_may_be_removed_and_the_types_stay(person, frame):
    made = person(lambda: edit(frame)).answers([])
    assert made.shape == (0, frame.shape[1])
    assert list(made.dtypes) == list(frame.dtypes)


def test_a_wrong_cell_is_refused_with_its_place(person):
    asked = person(lambda: edit(pd.DataFrame({"age": pd.Series([1], dtype="int8")})))
    for cell, said in [("x", "whole number"), (300, "at most 127"), (None, "whole number"), (1.5, "whole number")]:
        with pytest.raises(AnswerRefused, match=rf"0\.age: must be .*{said}"):
            asked.answers({asked.id: [{"age": cell}]})
    with pytest.raises(AnswerRefused, match=r"0\.size: is not a field"):
        asked.answers({asked.id: [{"age": 1, "size": 2}]})


def test_an_index_that_says_something_is_edited_and_set_again(person):
    frame = pd.DataFrame({"age": [31, 42, 5]}, index=pd.Index(["ann", "bob", "cem"], name="name"))
    asked = person(lambda: edit(frame))
    assert asked.answers([{"name": "bob", "age": 43}]).equals(
        pd.DataFrame({"age": [43]}, index=pd.Index(["bob"], name="name"))
    )
    part = pd.DataFrame({"age": [31, 42, 5]})[1:]
    rows = [{"index": 1, "age": 42}, {"index": 2, "age": 6}]
    pd.testing.assert_frame_equal(
        person(lambda: edit(part)).answers(rows), pd.DataFrame({"age": [42, 6]}, index=[1, 2]), check_index_type=False
    )


def test_columns_keep_labels_that_are_no_text(person):
    frame = pd.DataFrame([[1, 2]], columns=[10, 20])
    assert list(person(lambda: edit(frame)).answers([{"10": 5, "20": 6}]).columns) == [10, 20]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"x": range(ROWS + 1)}), r"1,001 rows and 1 columns; a form takes 1,000 rows"),
        (pl.DataFrame({str(n): [1] for n in range(COLUMNS + 1)}), "61 columns"),
        (pd.DataFrame({str(n): range(ROWS) for n in range(CELLS // ROWS + 1)}), "20,000 cells at most"),
        (pd.DataFrame(), "no columns"),
        (pd.DataFrame({"x": [1j]}), r"'x' is of type complex128.*drop\(columns=\['x'\]\)"),
        (pd.DataFrame({"x": [1, "a"]}), "'x' is of values of several kinds"),
        (pd.DataFrame({"x": [float("inf")]}), "'x' holds inf"),
        (pd.DataFrame({"x": pd.to_timedelta(["1s"])}), "type timedelta64"),
        (pl.DataFrame({"x": [[1, 2]]}), r"'x' is of type List\(Int64\).*drop\('x'\)"),
        (pl.DataFrame({"x": [float("nan")]}), "'x' holds NaN"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns are called 'a'"),
        (pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)])), "several levels"),
    ],
)
def test_a_frame_that_no_table_can_show_is_an_error_with_the_cure(person, frame, said):
    with pytest.raises(NbhitlError, match=said):
        person(lambda: edit(frame))


def test_a_frame_inside_another_value_is_an_error(person):
    with pytest.raises(NbhitlError, match=r"value\['frame'\] is a frame inside another value"):
        person(lambda: edit({"frame": pd.DataFrame({"a": [1]})}))


def test_the_frame_itself_can_be_the_default(person):
    frame = pd.DataFrame({"a": [1]})
    assert person(lambda: edit(frame, deadline=60, default=frame)).asked == "Please correct"


def test_an_edited_frame_survives_a_file_that_is_closed_and_opened(stored):
    frame = pd.DataFrame({"a": [1], "when": pd.to_datetime(["2024-01-01"])})
    stored(lambda: edit(frame))
    made = stored(lambda: edit(frame)).answers([{"a": 2, "when": "2024-01-02T00:00:00"}])
    pd.testing.assert_frame_equal(
        made, pd.DataFrame({"a": [2], "when": pd.to_datetime(["2024-01-02"])}).astype(frame.dtypes)
    )


@pytest.mark.parametrize("frame", [pd.DataFrame(PANDAS), pl.DataFrame(POLARS).drop("texts")], ids=["pandas", "polars"])
def test_a_form_that_nobody_touches_gives_back_the_same_frame(frame):
    drafts = pytest.importorskip("nbhitl.notebook.questions.controls.draft")
    schema, rows = frame_table(frame)
    (field,) = SchemaChecker().form_model(drafted(schema, rows)).fields
    raw = drafts.raw_of(field, drafts.draft_of(field))
    made = frame_from(frame, SchemaChecker().take(schema, {"": raw}))
    assert list(made.dtypes) == list(frame.dtypes)
    assert made.equals(frame)


def test_a_blank_cell_of_a_column_with_missing_texts_is_missing():
    drafts = pytest.importorskip("nbhitl.notebook.questions.controls.draft")
    schema, rows = frame_table(pl.DataFrame({"t": ["a", None, ""]}))
    (field,) = SchemaChecker().form_model(drafted(schema, rows)).fields
    raw = drafts.raw_of(field, drafts.draft_of(field))
    assert SchemaChecker().take(schema, {"": raw}) == [{"t": "a"}, {"t": None}, {"t": None}]
