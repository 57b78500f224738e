"""Bounds on what one call in a user's SQL can make. Only text: macros that stand before duckdb's own functions.

A time limit is looked at between vectors of 2048 values, and memory is counted only where duckdb gets it by
its buffer manager. ``lpad('x', 2e9, 'y')`` and ``levenshtein`` of two books are one call: no limit reaches
into them. So a query's cursor gets temporary macros of the same names that look at the lengths first. The check is
put *into an argument*: constant folding would compute a call that stands in a branch of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TEXT: Final = 100_000
"""Characters that a call may make when it is the only one; times 2048 values and two threads this is half a GiB."""
ITEMS: Final = 25_000
"""Items of a list that a call may make when it is the only one."""
_LEAST: Final = 1_000
"""What each of many calls may make at least."""
_WORK: Final = 5_000_000
"""Characters times characters of a pattern or of a second text that one call may go through."""
_SHARE: Final = 4
"""A value may grow by this factor, however large it is."""


def _checked(value: str, limit: str, name: str, what: str) -> str:
    """``value``, or an error when ``limit`` is true; NULL passes."""
    return f"CASE WHEN {limit} THEN error('{name}() {what}') ELSE {value} END"


_TOO_LONG: Final = "would make a text of more than @text characters here: make it shorter"
_TOO_MANY: Final = "would make a list of more than @items items: use it as a table, FROM range(...)"
_TOO_MUCH: Final = "has too long texts to go through here: shorten them with left(text, n)"

_Overload = tuple[str, str]
"""Parameters, and the body."""


def _sized(name: str, size: str, parameters: str, what: str) -> _Overload:
    """A function of ``n``, a size."""
    checked = _checked("n", size, name, what)
    return parameters, f"system.main.{name}({', '.join(checked if p == 'n' else p for p in parameters.split(', '))})"


def _series(name: str) -> list[_Overload]:
    """Numbers or times from a to b: which of them is known by trying, as a macro has no types."""

    def number(x: str) -> str:
        return f"TRY_CAST(CAST({x} AS VARCHAR) AS DOUBLE)"

    def second(x: str) -> str:
        return f"epoch(TRY_CAST(CAST({x} AS VARCHAR) AS TIMESTAMP))"

    step = "abs(epoch(TRY_CAST(CAST(c AS VARCHAR) AS INTERVAL)))"
    numbers = f"abs({number('b')} - {number('a')}) > @items * abs({number('c')})"
    times = f"abs({second('b')} - {second('a')}) > @items * {step}"
    limits = {
        "b": f"{number('b')} > @items",
        "a, b": f"{number('b')} - {number('a')} > @items",
        "a, b, c": f"coalesce({numbers}, {times}, false)",
    }
    return [
        (p, f"system.main.{name}({p.replace('b', _checked('b', limit, name, _TOO_MANY))})")
        for p, limit in limits.items()
    ]


def _through(name: str, *parameters: str, limit: str = "false") -> list[_Overload]:
    """A function whose time grows with the product of two texts, the first two parameters."""
    checked = _checked("a", f"strlen(a) * strlen(b) > {_WORK} OR {limit}", name, _TOO_MUCH)
    return [(p, f"system.main.{name}({checked}{p[1:]})") for p in parameters]


def _split(name: str) -> list[_Overload]:
    """A function that takes a text apart; at an empty text into its characters."""
    parts = "(strlen(a) - strlen(system.main.replace(a, b, ''))) // strlen(b)"
    limit = f"strlen(a) > @items AND (strlen(b) = 0 OR {parts} > @items)"
    return [("a, b", f"system.main.{name}({_checked('a', limit, name, _TOO_MUCH)}, b)")]


def _replaced(name: str, *parameters: str) -> list[_Overload]:
    """``replace``, counted exactly where the rough bound is not enough, and its like."""
    most = f"greatest(@text, {_SHARE} * strlen(a))"
    if name == "replace":
        rough = f"strlen(b) > 0 AND strlen(a) * strlen(c) > {most} * strlen(b)"
        count = "(strlen(a) - strlen(system.main.replace(a, b, ''))) // strlen(b)"
        exact = f"strlen(a) + {count} * (strlen(c) - strlen(b)) > {most}"
        limit = f"{rough} AND {exact}"
    else:  # counting the matches would take more memory than they do
        limit = f"strlen(a) * strlen(b) > {_WORK} OR (strlen(a) + 1) * (strlen(c) + 1) > greatest(10 * @text, {most})"
    checked = _checked("c", limit, name, _TOO_LONG)
    return [(p, f"system.main.{name}(a, b, {checked}{p[7:]})") for p in parameters]


_REGEXP: Final = ("a, b", "a, b, c")
_MACROS: Final[dict[str, list[_Overload]]] = {
    # As text, because it also takes lists and bytes; those are not shorter as text.
    "repeat": [_sized("repeat", "n > @text OR strlen(CAST(a AS VARCHAR)) * n > @text", "a, n", _TOO_LONG)],
    "lpad": [_sized("lpad", "n > @text", "a, n, c", _TOO_LONG)],
    "rpad": [_sized("rpad", "n > @text", "a, n, c", _TOO_LONG)],
    "bitstring": [_sized("bitstring", "n > @text", "a, n", _TOO_LONG)],
    "range": _series("range"),
    "generate_series": _series("generate_series"),
    **{n: [_sized(n, "n > @items", p, _TOO_MANY) for p in ("a, n", "a, n, c")]
       for n in ("list_resize", "array_resize")},
    "equi_width_bins": [_sized("equi_width_bins", "n > @items", "a, b, n, c", _TOO_MANY)],
    "replace": _replaced("replace", "a, b, c"),
    "regexp_replace": _replaced("regexp_replace", "a, b, c", "a, b, c, o"),
    **{n: _through(n, *_REGEXP) for n in ("regexp_matches", "regexp_full_match")},
    **{n: _through(n, *_REGEXP, limit="strlen(a) > 2 * @items")
       for n in ("string_split_regex", "str_split_regex", "regexp_split_to_array")},
    **{n: _through(n, *_REGEXP, "a, b, c, o") for n in ("regexp_extract", "regexp_extract_all")},
    **{n: _through(n, "a, b") for n in ("levenshtein", "editdist3", "damerau_levenshtein")},
    **{n: _through(n, "a, b", "a, b, c") for n in ("jaro_similarity", "jaro_winkler_similarity")},
    **{n: _split(n) for n in ("split", "str_split", "string_split", "string_to_array")},
}  # fmt: skip

NAMES: Final = frozenset(_MACROS)


def bind(cursor: Any, names: Iterable[str], calls: int = 1) -> None:
    """Put the macros of these functions before duckdb's own, for one cursor only; other names are passed over.

    ``calls``: how many such calls the query has, which share what one may make.
    """
    text, items = (str(max(_LEAST, most // max(1, calls))) for most in (TEXT, ITEMS))
    for name in sorted(NAMES.intersection(names)):
        overloads = ", ".join(f"({parameters}) AS {body}" for parameters, body in _MACROS[name])
        sized = overloads.replace("@text", text).replace("@items", items)
        cursor.execute(f"CREATE OR REPLACE TEMP MACRO {name} {sized}")
