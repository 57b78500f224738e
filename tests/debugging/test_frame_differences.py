"""What changed in frames and arrays: rows, columns, cells."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from nbhitl.debugging.differences import MOST, differences


def told(old, new):
    return {one.where: (one.change, one.note) for one in differences({"t": old}, {"t": new})}


def teas(**more):
    return pd.DataFrame({"kind": ["Assam", "Sencha", "Oolong"], "price": [4.5, np.nan, 7.0], **more})


def test_rows_belong_together_by_their_labels():
    old = teas().set_index("kind")
    new = old.drop("Assam").copy()
    new.loc["Oolong", "price"] = 8.0
    new.loc["Matcha"] = [9.0]
    assert told(old, new) == {
        "t[row 'Assam']": ("removed", ""),
        "t[row 'Matcha']": ("added", ""),
        "t[row 'Oolong', price]": ("changed", "+1"),
    }


def test_a_missing_cell_is_the_same_as_a_missing_cell():
    assert told(teas(), teas()) == {}
    filled = teas()
    filled.loc[1, "price"] = 5.0
    assert list(told(teas(), filled)) == ["t[row 1, price]"]


def test_columns_come_go_and_change_their_type():
    found = told(teas(stock=[1, 2, 3]), teas(sold=[1, 2, 3]).astype({"price": "float32"}))
    assert found["t[column stock]"] == ("removed", "")
    assert found["t[column sold]"] == ("added", "")
    assert found["t[column price]"] == ("changed", "float64 became float32")


def test_rows_with_labels_that_tell_nothing_belong_together_by_their_places():
    old = pd.DataFrame({"n": [1, 2, 3]}, index=["a", "a", "b"])
    new = pd.DataFrame({"n": [1, 5]}, index=["a", "a"])
    found = told(old, new)
    assert found["t"] == ("changed", "3 rows, 1 column became 2 rows, 1 column")
    assert found["t[row 1, n]"] == ("changed", "+3")
    assert found["t[row 2]"] == ("removed", "")


@pytest.mark.parametrize("kind", ["category", "string", object])
def test_cells_of_other_kinds_are_compared_too(kind):
    old = teas().astype({"kind": kind})
    new = pd.DataFrame({"kind": ["Assam", "Matcha", "Oolong"], "price": teas()["price"]}).astype({"kind": kind})
    assert "t[row 1, kind]" in told(old, new)


def test_a_large_frame_in_which_all_changed_is_cut_quickly():
    big = pd.DataFrame(np.zeros((100_000, 5)))
    found = differences({"t": big}, {"t": big + 1})
    assert len(found) == MOST + 1
    assert found[-1].count == 500_000 - MOST


def test_a_series_is_compared_as_a_column():
    found = told(pd.Series([1, 2], name="n"), pd.Series([1, 4], name="n"))
    assert found == {"t[row 1, n]": ("changed", "+2")}


def test_frames_of_polars_are_compared_by_place():
    old = pl.DataFrame({"kind": ["Assam", "Sencha"], "price": [4.5, None]})
    new = pl.DataFrame({"kind": ["Assam", "Matcha", "Oolong"], "price": [4.5, None, 7.0]})
    assert told(old, new) == {
        "t": ("changed", "2 rows, 2 columns became 3 rows, 2 columns"),
        "t[row 2]": ("added", ""),
        "t[row 1, kind]": ("changed", ""),
    }


def test_single_cells_of_arrays_are_told_and_shapes_and_types():
    old = np.array([[1.0, np.nan], [3.0, 4.0]])
    new = old.copy()
    new[1, 0] = 5.0
    assert told(old, new) == {"t[1, 0]": ("changed", "+2")}
    assert told(old, np.zeros((2, 3))) == {"t": ("changed", "2 \u00d7 2 became 2 \u00d7 3")}
    assert told(np.array([1]), np.array([1.0])) == {"t": ("changed", "int64 became float64")}


def test_an_array_of_objects_that_will_not_be_compared_counts_as_changed():
    class Odd:
        def __eq__(self, other):
            raise ValueError

        __hash__ = None

    old, new = np.array([Odd(), 1], dtype=object), np.array([Odd(), 1], dtype=object)
    assert told(old, new)["t"][0] == "changed"
