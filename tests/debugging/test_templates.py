"""Texts with expressions in braces, which a breakpoint prints in place of stopping."""

from __future__ import annotations

import pytest

from nbhitl.debugging.expressions import ExpressionError, Template

STATE = {"score": 4.126, "d": {"a b": "x"}, "name": "tea", "rows": [{"n": 1}, {"n": 5}]}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("no braces", "no braces"),
        ("score is {score}", "score is 4.126"),
        ("{score:.1f}|{name!r:>7}|{name!s}", "4.1|  'tea'|tea"),
        ("{{{name}}} {{}}", "{tea} {}"),
        ("{d['a b']}", "x"),
        ('{d["a b"]}:{name[0:2]}', "x:te"),
        ("{score != 4}", "True"),
        ("{ {1: 2}[1] }", "2"),
        ("{[row['n'] for row in rows if row['n'] > 3]}", "[5]"),
        ("{'}' + ':' + '!r'}", "}:!r"),
        ("{f'{name}'}", "tea"),
        ("one\ntwo {name}", "one\ntwo tea"),
    ],
)
def test_expressions_in_braces_become_their_values(source, text):
    assert Template.parse(source).text(STATE) == text


@pytest.mark.parametrize(
    ("source", "column", "says"),
    [
        ("{name", 1, "this brace is never closed"),
        ("name}", 5, "write }} for a brace"),
        ("{}", 2, "the expression is empty"),
        ("a {name!z}", 8, "behind ! stands r, s or a"),
        ("a {name +}", 9, "invalid syntax"),
        ("ab {lenn(name)}", 5, "Did you mean 'len'?"),
        ("{name:>9999}", 6, "at most 500"),
        ("{name:{score}}", 6, "a format has no braces in it"),
        ("{name:", 1, "this brace is never closed"),
        ("{name.__class__}", 2, "private"),
        ("x" * 2001, 0, "at most 2,000 characters"),
    ],
)
def test_a_mistake_is_found_when_the_text_is_read(source, column, says):
    with pytest.raises(ExpressionError) as raised:
        Template.parse(source)
    assert says in str(raised.value)
    assert raised.value.column == column


def test_where_a_value_is_missing_the_reason_stands_in_its_place():
    text = Template.parse("score {scroe:.1f}, name {name}").text(STATE)
    assert text == "score (the expression 'scroe': 'scroe' has no value here. Did you mean 'score'?), name tea"
    assert "TypeError" in Template.parse("{name + 1}").text(STATE)
    assert "ValueError" in Template.parse("{name:d}").text(STATE)


def test_what_is_printed_is_short_and_moves_no_cursor():
    text = Template.parse("{long} {name}").text({"long": "a" * 10_000, "name": "x"})
    assert len(text) == 2000
    assert text.endswith("…")
    assert Template.parse("{t}").text({"t": "\x1b[2J\u202edrow"}) == "\ufffd[2J\ufffddrow"


def test_the_names_of_a_text_are_those_of_its_expressions():
    assert Template.parse("{name} {{no}} {score > len(rows)}").names == {"name", "score", "rows"}


def test_all_expressions_of_a_text_share_one_budget():
    source = "{[0 for i in range(50000)] == 1}" * 20
    text = Template.parse(source).text({})
    assert text.startswith("False")
    assert text.count("too much work") >= 10


def test_what_is_no_text_is_refused():
    with pytest.raises(ExpressionError, match="a log text is a text, not int"):
        Template.parse(3)
