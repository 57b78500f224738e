"""What expressions mean, what they may not say, and what their errors tell."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import numpy as np
import pandas as pd
import polars as pl
import pytest

from nbhitl.debugging.expressions import Expression, ExpressionError


@dataclass
class Draft:
    title: str
    score: float


class Status(StrEnum):
    DONE = "done"


STATE = {
    "score": 4,
    "topic": "Green tea",
    "notes": ["short", "long enough"],
    "draft": Draft("Tea", 0.5),
    "rows": [{"kind": "a", "n": 1}, {"kind": "b", "n": 5}],
    "d": {"title": "x", "b c": 1},
    "status": Status.DONE,
    "max": 9,
}


def value(text, **more):
    return Expression.parse(text).value({**STATE, **more})


def refusal(text, **more):
    with pytest.raises(ExpressionError) as raised:
        value(text, **more)
    return raised.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("score > 3 and 'tea' in topic.lower()", True),
        ("score if notes else 0", 4),
        ("1 < score <= 4", True),
        ("draft.title", "Tea"),
        ("draft.score * 2 + 1", 2.0),
        ("any(row['n'] > 3 for row in rows)", True),
        ("[row['kind'] for row in rows if row['n'] > 3]", ["b"]),
        ("{row['kind']: row['n'] for row in rows}", {"a": 1, "b": 5}),
        ("{k for k, v in d.items() if v == 1}", {"b c"}),
        ("[x + y for x in (1, 2) for y in (10, 20)]", [11, 21, 12, 22]),
        ("sum(len(note) for note in notes)", 16),
        ("max(score, 2)", 4),
        ("max + 1", 10),
        ("max([], default=0)", 0),
        ("sorted(notes, reverse=True)[0][:2]", "sh"),
        ("f'{score:>3}|{topic!r}|{draft.score:.2f}'", "  4|'Green tea'|0.50"),
        ("isinstance(score, (int, float)) and not isinstance(score, str)", True),
        ("status == 'done' and status.upper() == 'DONE'", True),
        ("d.get('none', 7)", 7),
        ("', '.join(note[:2] for note in notes)", "sh, lo"),
        ("[] or {} or ()", ()),
        ("not notes", False),
        ("-score ** 2", -16),
        ("'\\n' in topic", False),
        ("  score  ", 4),
    ],
)
def test_an_expression_means_what_it_means_in_python(text, expected):
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_and_and_or_look_no_further_than_they_have_to():
    assert value("score > 3 or unknown") is True
    assert value("any(n == 1 or unknown for n in [1, 2])") is True


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("score > 3", {"score"}),
        ("[x for x in notes if x != topic]", {"notes", "topic"}),
        ("[x for x in x]", {"x"}),
        ("[len(y) for x in rows for y in x]", {"rows"}),
        ("any(n for n in notes) and n", {"notes", "n"}),
        ("isinstance(score, int)", {"score"}),
        ("len(d['title']) + max(max)", {"d", "max"}),
        ("f'{score:.2f} {topic}'", {"score", "topic"}),
        ("{k: v for k, v in d.items()}", {"d"}),
        ("1 + 1", set()),
    ],
)
def test_the_names_of_an_expression_are_those_that_it_reads(text, names):
    assert Expression.parse(text).names == names


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("scroe > 3", 1, "'scroe' has no value here. Did you mean 'score'?"),
        ("1 + scroe", 5, "'scroe' has no value here. Did you mean 'score'?"),
        ("score > 'a'", 1, "'>' not supported between instances of 'int' and 'str'"),
        ("1 + d['titel']", 5, "there is no key 'titel'. Did you mean 'title'?"),
        ("d.title", 1, "a dict has no attribute 'title': write ['title']"),
        ("not topic.isupper", 5, "'isupper' is a method, and has no value of its own"),
        ("topic.lowr()", 1, "the method 'lowr' cannot be called here. Did you mean 'lower'?"),
        ("notes.append(1)", 1, "the method 'append' cannot be called here."),
        ("lenn(notes)", 1, "'lenn' cannot be called here. Did you mean 'len'?"),
        ("len", 1, "'len' is a function here: write len(...)"),
        ("sorted(notes, key=len)", 1, "'key' of sorted() cannot be given here. Known: 'reverse'"),
        ("score = 3", 7, "to compare, write =="),
        ("(score := 3)", 2, "to compare, write =="),
        ("score > 3 >", 11, "invalid syntax"),
        ("topic.__class__", 1, "attributes that begin with an underscore, as '__class__', are private"),
        ("é + (lambda: 1)", 6, "functions cannot be made here"),
        ("draft.nothing", 1, "has no attribute 'nothing'"),
        ("isinstance(score, Draft)", 19, "isinstance() knows Python's own types here"),
        ("[x for x.y in notes]", 8, "a comprehension gives values to names only"),
        ("[a for a, b in notes]", 8, "2 names stand here for 5 values"),
        ("(x for x in notes)", 1, "put it in brackets"),
        ("max(*notes)", 5, "* cannot stand here"),
        ("{**d}", 1, "** cannot stand here: join dicts with |"),
        ("'%d' % score", 1, "use an f-string"),
        ("f'{score:{max}}'", None, "a format is written out"),
        ("f'{score:>501}'", None, "at most 500"),
        ("2 ** 5000", 1, "more than 2,048 bits"),
        ("'a' * 10 ** 7", 1, "more than 1,000,000 elements or characters"),
        ("sum(rows, [])", 1, "sum() adds numbers here"),
        ("round(1, -9999)", 1, "rounding goes to 600 places"),
        ("", 0, "the expression is empty"),
        ("score\n> 3", 0, "an expression is one line"),
        ("1" * 1001, 0, "at most 1,000 characters"),
        ("-" * 60 + "1", None, "more than 50 parts stand in each other"),
    ],
)
def test_an_error_says_where_what_and_the_cure(text, column, says):
    error = refusal(text)
    assert says in str(error)
    if column is not None:
        assert error.column == column
    if column and column > 1 and text.isascii() and "is no expression" not in str(error):
        assert f"column {column}" in str(error)


def test_an_unknown_name_is_told_apart_from_other_mistakes():
    assert refusal("scroe > 3").name == "scroe"
    assert refusal("score > 'a'").name == ""


def test_what_is_no_text_is_no_expression():
    with pytest.raises(ExpressionError, match="an expression is a text such as 'score > 3', not int"):
        Expression.parse(3)


def test_an_expression_is_read_once_and_evaluated_often():
    assert Expression.parse("score > 3") is Expression.parse("score > 3")
    again = Expression.parse("score > 3")
    assert [again.value({"score": n}) for n in (3, 4)] == [False, True]


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("scores > 3", ".any()"),
        ("series > 3", ".any()"),
        ("frame == 3", ".any(axis=None)"),
        ("pseries > 3", ".any()"),
        ("not scores", ".any()"),
        ("scores > 3 and True", ".any()"),
    ],
)
def test_an_array_is_neither_true_nor_false_and_the_error_says_what_to_write(text, cure):
    names = {
        "scores": np.arange(5),
        "series": pd.Series([1, 5]),
        "frame": pd.DataFrame({"a": [1, 3]}),
        "pseries": pl.Series([1, 5]),
    }
    with pytest.raises(ExpressionError, match="has an answer for each element: say") as raised:
        Expression.parse(text).holds(names)
    assert cure in str(raised.value)


def test_arrays_and_frames_can_be_asked():
    frame = pd.DataFrame({"score": [1, 5], "name": ["a", "b"]})
    assert Expression.parse("frame['score'].mean() > 2 and frame.shape[0] == 2").holds({"frame": frame})
    assert Expression.parse("(frame == 5).any(axis=None)").holds({"frame": frame})
    assert Expression.parse("any(frame['score'] > 3) and len(frame) > 1").holds({"frame": frame})
    assert Expression.parse("(scores > 3).sum() == 1 and scores.max() == 4").holds({"scores": np.arange(5)})
    assert Expression.parse("(p['a'] > 1).any() and p.height == 2").holds({"p": pl.DataFrame({"a": [1, 2]})})
    assert Expression.parse("df is not None").holds({"df": frame})


@pytest.mark.parametrize(
    "text", ["frame.to_csv('x')", "frame.eval('a')", "frame.query('a')", "frame.apply(len)", "scores.tofile('x')"]
)
def test_other_methods_of_arrays_and_frames_cannot_be_called(text):
    names = {"frame": pd.DataFrame({"a": [1]}), "scores": np.arange(3)}
    with pytest.raises(ExpressionError, match="cannot be called here"):
        Expression.parse(text).value(names)


def test_a_column_that_is_not_there_is_told_with_the_nearest_one():
    with pytest.raises(ExpressionError, match="there is no key 'scroe'. Did you mean 'score'"):
        Expression.parse("frame['scroe'].max() > 3").value({"frame": pd.DataFrame({"score": [1]})})


def test_a_frame_is_not_gone_through_since_that_gives_the_names_of_its_columns():
    with pytest.raises(ExpressionError, match="name one, as in"):
        Expression.parse("any(frame)").value({"frame": pd.DataFrame({"a": [0]})})


def test_arrays_are_not_stretched_into_one_that_fills_the_memory():
    wide = np.zeros(100_000)
    with pytest.raises(ExpressionError, match="too much work"):
        Expression.parse("(wide[:, None] * wide[None, :]).sum()").value({"wide": wide})
    with pytest.raises(ExpressionError, match="only arrays of numbers can be multiplied"):
        Expression.parse("words * 10 ** 9").value({"words": np.array(["a"], dtype=object)})


def test_a_look_uses_nothing_up():
    count = itertools.count()
    for text in ("[n for n in count]", "3 in count", "list(count)", "sum(count)"):
        with pytest.raises(ExpressionError, match="use up this count"):
            Expression.parse(text).value({"count": count})
    assert next(count) == 0


def test_kinds_of_dicts_and_lists_work_as_far_as_they_do_not_do_it_their_own_way():
    names = {"c": Counter("aab"), "o": OrderedDict(a=1), "f": defaultdict(list, a=[1])}
    assert Expression.parse("c['a'] == 2 and c.get('b') == 1").holds(names)
    assert Expression.parse("o['a'] == 1 and o.get('z') is None").holds(names)
    assert Expression.parse("f.get('new')").value(names) is None
    assert Expression.parse("c['z']").value(names) == 0
    with pytest.raises(ExpressionError, match="there is no key 'new'"):
        Expression.parse("f['new']").value(names)
    with pytest.raises(ExpressionError, match="has a 'items' of its own"):
        Expression.parse("o.items()").value(names)
    assert "new" not in names["f"]


def test_an_error_of_a_value_s_own_class_is_told_with_its_cause():
    class Odd:
        def __eq__(self, other):
            raise ValueError("odd\x1b[2J one")

        __hash__ = None

    with pytest.raises(ExpressionError, match="ValueError: odd\ufffd\\[2J one") as raised:
        Expression.parse("1 + 1 == 2 and odd == 1").value({"odd": Odd()})
    assert type(raised.value.__cause__) is ValueError
    assert raised.value.column == 16


def test_an_error_whose_own_text_fails_is_told_all_the_same():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    class Odd:
        def __len__(self):
            raise Mute

    with pytest.raises(ExpressionError, match="Mute"):
        Expression.parse("len(odd)").value({"odd": Odd()})


def test_numbers_with_endless_digits_are_not_written_out():
    for text in ("int(n)", "f'{n:f}'", "round(n)"):
        with pytest.raises(ExpressionError, match="more than 600 digits"):
            Expression.parse(text).value({"n": Decimal("1E+999999")})
    assert Expression.parse("n > 3 and str(n) == '1E+999999'").holds({"n": Decimal("1E+999999")})


def test_times_can_be_compared_and_taken_apart():
    names = {"at": dt.datetime(2026, 1, 2, tzinfo=dt.UTC)}
    assert Expression.parse("at.year == 2026 and f'{at:%d.%m.}' == '02.01.'").holds(names)


def test_large_values_of_the_state_can_be_looked_at_and_very_large_ones_are_refused():
    names = {"long": list(range(1_000_000)), "text": "a" * 5_000_000, "longer": list(range(2_000_000))}
    assert Expression.parse("len(longer) > 10 and long[-1] == 999999 and 5 in long").holds(names)
    assert Expression.parse("'b' not in text and text.startswith('a')").holds(names)
    with pytest.raises(ExpressionError, match="too much work for an expression"):
        Expression.parse("-1 in longer").value(names)
