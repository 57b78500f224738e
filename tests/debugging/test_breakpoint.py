"""Breakpoints as values: their names, their words, their mistakes, and how a file holds them."""

from __future__ import annotations

import json

import pytest

from nbhitl.debugging.breakpoint import Breakpoint
from nbhitl.debugging.hits import Hits
from nbhitl.debugging.sight import Branches
from nbhitl.engine.errors import ExpressionError, NbhitlError
from nbhitl.engine.records import Task

EXAMPLES = [
    (Breakpoint("before", "review"), "before review", "before review"),
    (
        Breakpoint("before", "review", condition="score > 3", hits="%3"),
        "before review",
        "before review, if score > 3, at every 3rd hit",
    ),
    (Breakpoint("after", "sub/ask", branch=2, once=True), "after sub/ask [2]", "after sub/ask, in branch 2, once"),
    (Breakpoint("edge", "a", target="b"), "edge a -> b", "on the edge a -> b"),
    (Breakpoint("change", key="score"), "change score", "when score changes"),
    (Breakpoint("change", "draft", key="score"), "change score in draft", "when draft changes score"),
    (Breakpoint("error"), "error", "when a node fails"),
    (Breakpoint("error", "draft"), "error in draft", "when draft fails"),
    (Breakpoint("interrupt", hits=">=2"), "interrupt", "when a node asks, from hit 2 on"),
    (
        Breakpoint("after", "draft", log="score {score}", hits="1", enabled=False),
        "after draft",
        "after draft, at hit 1, print 'score {score}' and go on",
    ),
]


@pytest.mark.parametrize(("point", "id", "words"), EXAMPLES, ids=lambda x: getattr(x, "id", ""))
def test_a_breakpoint_has_a_name_and_words_and_goes_through_a_file(point, id, words):
    point.check()
    assert point.id == id
    assert point.words == words
    assert Breakpoint.of(id, json.loads(json.dumps(point.data()))) == point


def test_a_file_holds_only_what_is_not_as_by_default():
    assert Breakpoint("before", "draft").data() == {"kind": "before", "node": "draft"}


@pytest.mark.parametrize(
    ("id", "spec", "expected"),
    [
        ("publish", {"enabled": True}, Breakpoint("before", "publish")),
        ("publish", {"enabled": False}, Breakpoint("before", "publish", enabled=False)),
        ("review/ask", {"when": "after"}, Breakpoint("after", "review/ask")),
        ("draft", None, Breakpoint("before", "draft")),
        ("draft", 7, Breakpoint("before", "draft")),
        ("x", {"kind": "before", "node": "draft", "colour": "red"}, Breakpoint("before", "draft")),
        ("x", {"kind": "before", "node": "draft", "branch": True, "once": 1}, Breakpoint("before", "draft")),
        ("x", {"kind": "before", "node": "draft", "branch": "2", "key": None}, Breakpoint("before", "draft")),
        ("x", {"kind": "no such"}, Breakpoint("before", "x")),
    ],
)
def test_what_an_older_version_stored_is_understood(id, spec, expected):
    assert Breakpoint.of(id, spec) == expected


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "before", "node": "draft", "condition": "(("},
        {"kind": "before", "node": "draft", "hits": "many"},
        {"kind": "before"},
        {"kind": "edge", "node": "a"},
        {"kind": "change", "node": "a"},
    ],
)
def test_a_stored_breakpoint_with_a_mistake_is_disabled_and_can_be_listed(spec):
    point = Breakpoint.of("x", spec)
    assert not point.enabled
    assert point.words


@pytest.mark.parametrize(
    ("point", "says"),
    [
        (Breakpoint("before"), "needs a node"),
        (Breakpoint("edge", "a"), "a target"),
        (Breakpoint("before", "a", target="b"), "other breakpoints have no target"),
        (Breakpoint("change"), "needs a key"),
        (Breakpoint("before", "a", key="score"), "is for breakpoints of the kind 'change'"),
        (Breakpoint("befor", "a"), "Did you mean 'before'?"),
        (Breakpoint("error", branch=1), "name the node"),
        (Breakpoint("before", "a", branch=-1), "are counted from 0"),
        (Breakpoint("before", "a", hits="0"), "no count of hits"),
        (Breakpoint("before", "a", hits="third"), "write 3 for the third hit"),
        (Breakpoint("before", "a", log="x", once=True), "never stops a run"),
    ],
)
def test_a_mistake_in_a_breakpoint_is_told_with_its_cure(point, says):
    with pytest.raises(NbhitlError) as raised:
        point.check()
    assert says in str(raised.value)


@pytest.mark.parametrize("point", [Breakpoint("before", "a", condition="a ="), Breakpoint("before", "a", log="{a")])
def test_a_mistake_in_an_expression_is_told_when_the_breakpoint_is_set(point):
    with pytest.raises(ExpressionError):
        point.check()


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("1", [1]),
        ("3", [3]),
        ("=3", [3]),
        ("==3", [3]),
        (">=3", [3, 4, 5, 6, 7]),
        (">= 3", [3, 4, 5, 6, 7]),
        ("%3", [3, 6]),
        (" %1 ", [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_hits_are_reached_as_the_rule_says(text, hits):
    rule = Hits.parse(text)
    assert [n for n in range(8) if rule.reached(n)] == hits
    assert Hits.parse(str(rule)) == rule


@pytest.mark.parametrize("text", ["", "0", "-1", "> 3", "3.0", "%0", "%", "٣", "1" * 11, "9999999999", "3 4", None, 3])
def test_what_is_no_count_of_hits_is_refused(text):
    with pytest.raises(NbhitlError, match="is no count of hits: write 3 for the third hit"):
        Hits.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2", "at hit 2"),
        ("%1", "at every hit"),
        ("%2", "at every 2nd hit"),
        ("%11", "at every 11th hit"),
        ("%21", "at every 21st hit"),
        ("%112", "at every 112th hit"),
    ],
)
def test_a_rule_for_hits_has_words(text, words):
    assert Hits.parse(text).words == words


class Walked:
    """Tasks of a step, that count how often somebody goes through them."""

    def __init__(self, tasks):
        self.tasks, self.walks = tasks, 0

    def __iter__(self):
        self.walks += 1
        return iter(self.tasks)


def test_the_branches_of_a_fan_out_are_numbered_once_not_once_a_task():
    tasks = Walked([Task(f"t{n}", "ab"[n % 2]) for n in range(6)])
    branches = Branches(tasks)
    assert tasks.walks == 0
    assert [branches.number(task) for task in tasks.tasks] == [0, 0, 1, 1, 2, 2]
    assert tasks.walks == 1
