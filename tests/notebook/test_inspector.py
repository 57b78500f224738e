"""The state, differences and watches as a person sees them in a notebook: as text, and as HTML in which all is text."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from nbhitl.debugging.differences import differences
from nbhitl.debugging.inspection import Inspection, rows_of
from nbhitl.debugging.watch import watch
from nbhitl.notebook.inspecting.compared import Compared
from nbhitl.notebook.inspecting.inspector import Inspected
from nbhitl.notebook.inspecting.tree import Budget, value_html
from nbhitl.notebook.inspecting.watching import Watches
from tests.debugging.hostile import all_of_them

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"
VOID = {"img", "br"}


class Tags(HTMLParser):
    """The elements of a text, and whether they are well nested."""

    def __init__(self, html):
        super().__init__()
        self.open, self.seen, self.wrong = [], set(), []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.wrong += [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")


SAFE = {"style", "div", "table", "thead", "tbody", "tr", "th", "td", "span", "details", "summary", "pre", "ins", "del"}


def sound(html):
    found = Tags(html)
    assert found.seen <= SAFE, found.seen - SAFE
    assert not found.wrong
    assert not found.open
    return html


def inspected(old, new, writers=None, **more):
    rows = tuple(rows_of(old, new, writers or {}))
    return Inspected(Inspection(rows, 3, "ab-0003", ("draft",), ("review",)), "post / demo", **more)


def test_a_row_says_type_size_value_what_happened_and_who_did_it():
    found = inspected({"n": 1, "gone": 2}, {"topic": "tea", "n": 3}, {"n": ("a", "b", "b")})
    text = repr(found)
    assert "State of post / demo at step 3, after draft. Next: review." in text
    assert re.search(r"^\+  topic  str   3 characters  'tea'$", text, re.MULTILINE)
    assert re.search(r"^~  n      int +3 +a, b \(2 times\); was 1$", text, re.MULTILINE)
    assert re.search(r"^\u2212  gone .* was 2$", text, re.MULTILINE)
    assert "~ changed in this step" in text


def test_the_values_can_be_taken_from_what_is_shown():
    found = inspected({}, {"topic": "tea", "n": 3}, keys=("n",))
    assert (found.values, found["n"]) == ({"n": 3}, 3)


def test_text_in_a_state_is_shown_as_text_wherever_it_stands():
    frame = pd.DataFrame({ATTACK: [ATTACK]}, index=[ATTACK])
    old = {"text": "x", "long": ATTACK * 50, "frame": frame, "deep": {ATTACK: [ATTACK, {ATTACK}]}, ATTACK: 1}
    new = {**old, "text": ATTACK, "long": ATTACK * 51, "frame": frame * 2, "deep": {ATTACK: [ATTACK * 9]}, ATTACK: 2}
    for html in (
        inspected(old, new, {ATTACK: (ATTACK,)})._repr_html_(),
        inspected(old, new, keys=("deep",), full=True)._repr_html_(),
        Compared(differences(old, new), ATTACK)._repr_html_(),
        Watches([watch("text", new), watch(ATTACK, new)], ATTACK)._repr_html_(),
    ):
        assert ATTACK not in sound(html)
        assert "&lt;script&gt;" in html


def test_values_of_strangers_break_neither_the_inspector_nor_the_differences():
    old, new = all_of_them(), all_of_them()
    for shown in (inspected(old, new), inspected({}, new), inspected({}, new, keys=tuple(new), full=True)):
        sound(shown._repr_html_())
        assert "\x1b" not in repr(shown)
    for shown in (Compared(differences(old, {}), "x"), Compared(differences({}, new), "x")):
        sound(shown._repr_html_())
        assert "\x1b" not in repr(shown)


def test_a_large_state_makes_a_small_page():
    state = {f"k{n}": [{"text": "x" * 1_000_000, "items": list(range(10_000))}] * 1_000 for n in range(20)}
    html = inspected({}, state)._repr_html_()
    assert len(html) < 3_000_000
    assert "more" in html
    assert len(repr(inspected({}, state))) < 10_000


def test_nested_values_unfold_level_by_level():
    html = value_html({"a": {"b": {"c": 1}}}, Budget())
    assert html.count("<details>") == 3
    assert value_html({"a": {"b": 1}}, Budget(), opened=True).count("<details open>") == 1
    assert "<details>" not in value_html("short", Budget())


@pytest.mark.parametrize(
    ("value", "heads"),
    [
        (pd.DataFrame({"kind": ["Assam"], "price": [4.5]}), ["kind", "price"]),
        (np.arange(6).reshape(2, 3), ["row", "0", "1", "2"]),
        (np.arange(3), ["row", "value"]),
        ([{"kind": "Assam", "n": 1}, {"kind": "Sencha", "n": 2}], ["kind", "n"]),
    ],
)
def test_tables_unfold_to_tables(value, heads):
    html = sound(value_html(value, Budget()))
    assert re.findall(r'<th[^>]*scope="col">([^<]*)</th>', html) == heads


def test_one_key_is_shown_whole_as_text():
    frame = pd.DataFrame({"kind": ["Assam"], "price": [4.5]})
    new = {"text": "one\ntwo", "frame": frame, "deep": {"a": {"long": "x" * 200}}}
    assert "\n  one\n  two" in repr(inspected({}, new, keys=("text",)))
    assert "Assam  4.5" in repr(inspected({}, new, keys=("frame",)))
    assert "\n  a:\n    long: 'xxx" in repr(inspected({}, new, keys=("deep",)))


def test_differences_are_signed_and_long_texts_compared_line_by_line():
    old = {"n": 1, "text": "one\ntwo\nthree", "short": "green tea", "gone": [1]}
    new = {"n": 3, "text": "one\n2\nthree", "short": "black tea", "new": {"a": 1}}
    found = Compared(differences(old, new), "From step 0 to step 1")
    assert repr(found).split("\n") == [
        "From step 0 to step 1:",
        "~ n      1 -> 3  (+2)",
        "~ text ",
        "      one",
        "    - two",
        "    + 2",
        "      three",
        "~ short  'green tea' -> 'black tea'",
        "+ new    {'a': 1}",
        "\u2212 gone   [1]",
    ]
    html = sound(found._repr_html_())
    assert "<del>green</del>" in html
    assert "<ins>black</ins>" in html
    assert ">removed: </span>two" in html


def test_no_differences_are_said_in_words():
    assert repr(Compared([], "From step 0 to step 1")) == "From step 0 to step 1: nothing has changed."
    assert "Nothing has changed" in Compared([], "x")._repr_html_()


def test_a_watch_without_a_value_says_why():
    found = Watches([watch("len(log)", {"log": [1]}), watch("nope", {"log": [1]}), watch("1 +", {})])
    text = repr(found)
    assert re.search(r"^len\(log\) +int +1$", text, re.MULTILINE)
    assert "! 'nope' has no value here" in text
    assert "invalid syntax" in text
    assert "Nothing is watched yet" in repr(Watches([]))
