"""What changed between two frames of pandas or polars, or two arrays of numpy: rows, columns and single cells.

Imports none of them by itself: whoever has a frame has imported what it is of. Rows of pandas belong together by their
labels where these tell rows apart, else by their places, as those of polars do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from nbhitl.debugging.likeness import is_array, is_frame, kind_of
from nbhitl.debugging.looks import brief, sized
from nbhitl.engine.records import MISSING

MOST: Final = 50
"""Rows, columns and cells that are told one by one, of each."""


@dataclass(frozen=True, slots=True)
class Part:
    """A row, a column or a cell that changed."""

    name: str
    """``[row 3]``, ``[column price]``, ``[row 3, price]``; of an array ``[2, 0]``."""
    change: Literal["added", "removed", "changed"]
    old: Any = MISSING
    new: Any = MISSING
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cells:
    """All that changed in a frame or an array."""

    note: str
    """How its size changed, in words; empty where it did not."""
    parts: tuple[Part, ...]
    more: int
    """Parts beyond those that are told."""


def cells_of(old: Any, new: Any) -> Cells | None:
    """What changed between two frames, series or arrays; None for other values. May raise what their classes raise."""
    if is_array(old) and is_array(new):
        return _of_arrays(old, new)
    if not (is_frame(old) and is_frame(new)) or kind_of(old) != kind_of(new):
        return None
    package, name = kind_of(old)
    if name == "Series":
        old, new = old.to_frame(), new.to_frame()
    return _of_pandas(old, new) if package == "pandas" else _of_polars(old, new)


Found: TypeAlias = tuple[Sequence[Any], Callable[[Any], Part]]
"""Places of one kind, and what is told of each: of most of a large frame it is never asked."""


def _cells(old: Any, new: Any, *lists: Found, cells: Iterable[Found] = ()) -> Cells:
    """The first parts of each list, and of all the ``cells`` together; the rest is counted."""
    sizes = sized(old), sized(new)
    told: list[Part] = []
    more = 0
    for places, make in lists:
        told += [make(place) for place in places[:MOST]]
        more += max(0, len(places) - MOST)
    left = MOST
    for places, make in cells:
        told += [make(place) for place in places[:left]]
        more += max(0, len(places) - left)
        left = max(0, left - len(places))
    return Cells(f"{sizes[0]} became {sizes[1]}" if sizes[0] != sizes[1] else "", tuple(told), more)


def _of_arrays(old: Any, new: Any) -> Cells:
    import numpy as np

    if old.dtype != new.dtype:
        return Cells(f"{old.dtype} became {new.dtype}", (), 0)
    if old.shape != new.shape:
        return _cells(old, new)
    differs = np.asarray(old != new)
    if old.dtype.kind in "fc":
        differs &= ~(np.isnan(old) & np.isnan(new))
    found = np.argwhere(differs)
    places = [tuple(int(n) for n in place) for place in found[:MOST]]
    parts = tuple(Part(f"[{', '.join(map(str, place))}]", "changed", old[place], new[place]) for place in places)
    return Cells("", parts, len(found) - len(parts))


# -- pandas


def _of_pandas(old: Any, new: Any) -> Cells:
    columns = [c for c in new.columns if c in old.columns]
    if not (old.columns.is_unique and new.columns.is_unique):
        return _cells(old, new)
    labelled = old.index.is_unique and new.index.is_unique and old.index.nlevels == new.index.nlevels
    if labelled:
        gone, come = old.index.difference(new.index, sort=False), new.index.difference(old.index, sort=False)
        rows = new.index.intersection(old.index, sort=False)
        before, after = old.loc[rows, columns], new.loc[rows, columns]
    else:
        height = min(len(old), len(new))
        gone, come = range(height, len(old)), range(height, len(new))
        rows = range(height)
        before, after = old.iloc[:height][columns], new.iloc[:height][columns]
    return _cells(
        old,
        new,
        *_columns(list(old.columns), list(new.columns)),
        _retyped([(c, old[c].dtype, new[c].dtype) for c in columns]),
        (gone, lambda label: _row(label, "removed", old.loc[label] if labelled else old.iloc[label])),
        (come, lambda label: _row(label, "added", new.loc[label] if labelled else new.iloc[label])),
        cells=_pandas_cells(before, after, rows),
    )


def _row(label: Any, change: Literal["added", "removed"], row: Any) -> Part:
    values = {str(name): value for name, value in row.items()}
    return _whole(f"[row {brief(label, 40)}]", change, values)


def _whole(name: str, change: Literal["added", "removed"], value: Any) -> Part:
    return Part(name, change, new=value) if change == "added" else Part(name, change, old=value)


def _pandas_cells(before: Any, after: Any, rows: Sequence[Any]) -> Iterator[Found]:
    for place, column in enumerate(after.columns):
        old, new = before.iloc[:, place].reset_index(drop=True), after.iloc[:, place].reset_index(drop=True)
        if old.dtype != new.dtype or str(old.dtype) == "category":
            old, new = old.astype(object), new.astype(object)
        equal = ((old == new) | (old.isna() & new.isna())).fillna(False).astype(bool)
        make = partial(_cell, column, labels=rows, old=old.iloc, new=new.iloc)
        yield (~equal).to_numpy().nonzero()[0], make


# -- polars


def _of_polars(old: Any, new: Any) -> Cells:
    columns = [name for name in new.columns if name in old.columns]
    height = min(old.height, new.height)
    return _cells(
        old,
        new,
        *_columns(old.columns, new.columns),
        _retyped([(name, old.schema[name], new.schema[name]) for name in columns]),
        (range(height, old.height), lambda n: _whole(f"[row {n}]", "removed", old.row(n, named=True))),
        (range(height, new.height), lambda n: _whole(f"[row {n}]", "added", new.row(n, named=True))),
        cells=_polars_cells(old.head(height), new.head(height), columns),
    )


def _polars_cells(old: Any, new: Any, columns: Sequence[str]) -> Iterator[Found]:
    for name in columns:
        before, after = old[name], new[name]
        if before.dtype == after.dtype:
            rows = before.ne_missing(after).arg_true().to_list()
        else:  # a column of another type is compared as the values of Python
            pairs = zip(before.to_list(), after.to_list(), strict=True)
            rows = [row for row, (was, now) in enumerate(pairs) if was != now]
        yield rows, partial(_cell, name, labels=range(len(after)), old=before, new=after)


# -- both


def _columns(old: Sequence[Any], new: Sequence[Any]) -> tuple[Found, Found]:
    gone, come = [name for name in old if name not in new], [name for name in new if name not in old]
    return (gone, lambda name: Part(_column(name), "removed")), (come, lambda name: Part(_column(name), "added"))


def _retyped(columns: Sequence[tuple[Any, Any, Any]]) -> Found:
    """Columns whose type has changed; each is given with the old and the new one."""
    found = [(name, old, new) for name, old, new in columns if old != new]
    return found, lambda each: Part(_column(each[0]), "changed", note=f"{each[1]} became {each[2]}")


def _column(name: Any) -> str:
    return f"[column {name if isinstance(name, str) else brief(name, 40)}]"


def _cell(column: Any, row: Any, *, labels: Sequence[Any], old: Any, new: Any) -> Part:
    shown = column if isinstance(column, str) else brief(column, 40)
    return Part(f"[row {brief(labels[row], 40)}, {shown}]", "changed", old[row], new[row])
