"""What stands beside a form: text as text, tables, pictures, Markdown and changes; a stranger's values do nothing."""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

pytest.importorskip("ipywidgets")

from nbhitl import Diff, DuckDBSaver, Markdown
from nbhitl.checkpoint.values.codec import Codec
from nbhitl.notebook.questions.question import headline, question_html
from nbhitl.notebook.questions.tables import ROWS_SHOWN
from nbhitl.run.cards import card_schema
from nbhitl.words import plainly
from tests.notebook.shown_html import Page

ATTACKS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text())
HOSTILE = [text for kind in ("xss_html", "xss_markdown", "xss_ansi_text", "names_graph") for text in ATTACKS[kind]]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@dataclass
class Draft:
    title: str
    words: int


class Login(BaseModel):
    user: str
    password: SecretStr


def html_of(value, heading=""):
    return "".join(question_html(value, heading))


def page(value, heading=""):
    found = Page(html_of(value, heading))
    assert found.wrong == []
    return found


def surrounded(text):
    """Each place of a question in which a text can stand."""
    import pandas as pd

    yield text
    yield {text: text, "b": [text]}
    yield {"question": text, "problem": text, "show": [text, {text: text}]}
    yield [{text: text}, {"b": text}]
    yield {"text": Markdown(text), "in a line": Markdown(f"a {text} b"), "cell": Markdown(f"|a|\n|-|\n|{text}|")}
    yield {"changed": Diff(text, f"{text} more"), "keys": Diff({text: text}, {"b": text}), "to": Diff("", text)}
    names = pd.Index([text], dtype=object)
    yield {text: pd.DataFrame([[text]], index=names, columns=names, dtype=object)}
    yield Draft(text, 3)
    yield {"action_requests": [{"name": text, "args": {text: text}, "description": text}], "review_configs": []}


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_hostile_text_does_nothing_in_any_place(text):
    for value in surrounded(text):
        shown = page(value)
        assert not any(link.startswith(("http://127.0.0.1", "javascript", "data", "command")) for link in shown.links)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_hostile_text_is_shown_as_it_is(text):
    said = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    assert said in page({"a": text, "b": 1}).text.replace("\0", "\ufffd")


def test_the_heading_is_not_said_again():
    assert headline("Go?") == "Go?"
    assert headline({"question": "Go?", "show": [1]}) == "Go?"
    assert headline({"question": "two\nlines"}) == headline({"draft": "x"}) == headline(3) == ""
    assert question_html("Go?", "Go?") == question_html({"question": "Go?"}, "Go?") == []
    assert page({"question": "Go?", "draft": "x"}, "Go?").text == "draftx"
    assert page({"question": "Go?", "draft": "x"}, "Publish this draft?").text == "Go?draftx"


def test_why_it_is_asked_again_is_said_to_a_screen_reader():
    shown = html_of({"question": "Name?", "problem": "is taken"}, "Name?")
    assert 'role="alert"' in shown
    assert "is taken" in shown


def test_values_are_shown_by_their_names():
    assert page(Draft("Tea", 3)).text == page({"title": "Tea", "words": 3}).text == "titleTeawords3"
    assert "hunter2" not in html_of(Login(user="ann", password="hunter2"))
    assert "hunter2" not in html_of({"login": Login(user="ann", password="hunter2")})


def test_a_stored_value_of_an_unknown_class_shows_what_was_stored():
    opaque = Codec().decode(Codec([Draft]).encode(Draft("Tea", 3)))
    assert page({"draft": opaque, "b": 1}).text == 'draft{"title": "Tea", "words": 3}b1'


def test_pictures_stand_first_and_values_in_order():
    found = html_of({"a": 1, "scan <1>": PNG, "text": Markdown("*x*"), "b": 2})
    assert found.index("<figure") < found.index("<th>a</th>") < found.index("<em>x</em>") < found.index("<th>b</th>")
    assert 'alt="picture scan &lt;1&gt;"' in found


def test_no_depth_of_nesting_is_too_much():
    deep = value = {}
    for _ in range(3_000):
        deep[""] = {}
        deep = deep[""]
    for shown in (value, {"question": "x", "show": [value]}, Diff(value, 1), Diff(value, value), [value, value]):
        assert page(shown)


class Hostile:
    def __repr__(self):
        raise RuntimeError("no")

    __str__ = __repr__

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


class DataFrame:
    __module__ = "pandas"


@pytest.mark.parametrize(
    "value", [Hostile(), {"a": Hostile()}, DataFrame(), [{"a": Hostile()}] * 2, Diff(Hostile(), 1)]
)
def test_a_value_that_cannot_even_be_printed_is_shown(value):
    assert page(value)


def test_a_long_text_is_cut_and_says_how_long_it_was():
    assert "... (30,000 characters)" in page("x" * 30_000).text
    assert "... (30,000 characters)" in page(Markdown("x " * 15_000)).text


# -- tables


def test_a_pandas_frame_is_a_table_with_its_types_aligned_and_its_size():
    import pandas as pd

    frame = pd.DataFrame({"name": ["ann", None], "age": [31, 42], "when": pd.to_datetime(["2024-01-01", None])})
    shown = html_of(frame)
    assert page(frame).text == "nameagewhenann312024-01-01 00:00:00422 rows, 3 columns"
    assert '<td class="nbh-right">31</td>' in shown
    assert "<td>ann</td>" in shown


def test_a_polars_frame_and_records_are_tables_too():
    import polars as pl

    assert page(pl.DataFrame({"a": [1, None]})).text == "a12 rows, 1 column"
    assert page([{"a": 1, "b": "x"}, {"a": 2}]).text == "ab1x22 rows, 2 columns"
    assert "<table" not in html_of([1, 2])


def test_an_index_that_says_something_is_the_first_column():
    import pandas as pd

    shown = html_of(pd.DataFrame({"age": [31]}, index=pd.Index(["ann"], name="who")))
    assert '<th scope="row">ann</th>' in shown
    assert page(pd.Series([1, 2], name="n")).text == "n122 rows, 1 column"


def test_a_large_frame_shows_its_beginning_and_says_so():
    import pandas as pd

    frame = pd.DataFrame({f"c{n}": range(5_000) for n in range(60)})
    shown = page(frame)
    assert shown.text.endswith("5,000 rows, 60 columns; the first 200 rows and the first 40 columns are shown")
    assert html_of(frame).count("<tr>") == ROWS_SHOWN + 1


def test_a_frame_of_several_levels_and_odd_cells_is_shown():
    import pandas as pd

    index = pd.MultiIndex.from_tuples([("a", 1)], names=["x", None])
    frame = pd.DataFrame(
        [[{"k": 1}, b"\xff", 1j]], index=index, columns=pd.MultiIndex.from_tuples([("c", 1), ("c", 2), ("d", 1)])
    )
    assert "{&quot;k&quot;: 1}" in html_of(frame)
    assert page(frame)


# -- Markdown


def test_markdown_is_formatted():
    shown = html_of(Markdown("# Tea\n\n*green* **black** `x` ~~no~~\n\n- one\n\n|a|b|\n|-|-:|\n|1|2|"))
    for piece in (
        "<h1>Tea</h1>",
        "<em>green</em>",
        "<strong>black</strong>",
        "<code>x</code>",
        "<s>no</s>",
        "<li>one</li>",
    ):
        assert piece in shown
    assert '<td class="nbh-right">2</td>' in shown


def test_a_link_names_its_host_and_gives_nothing_away():
    found = page(Markdown("[your bank](https://evil.example/x?y) <https://ok.example>"))
    assert found.text.strip() == "your bank (evil.example) https://ok.example (ok.example)"
    assert html_of(Markdown("[a](https://b.example)")).count('rel="noopener noreferrer nofollow"') == 1


@pytest.mark.parametrize(
    "address",
    [
        "javascript:x", "data:text/html,x", "//evil.example", "/lab", "x.ipynb", "#a", "command:x", "mailto:a@b.c",
        "http:", "https:///x", "https://[", "vbscript:x", "file:///etc/passwd", "JaVaScRiPt:x", "\tjavascript:x",
    ],
)  # fmt: skip
def test_a_link_to_anything_but_a_page_of_a_host_is_only_its_words(address):
    found = page(Markdown(f"[words]({address}) <{address}>\n\n[r]\n\n[r]: {address}"))
    assert found.links == []
    assert "words" in found.text


def test_a_picture_in_markdown_is_its_words():
    assert page(Markdown("![a cat](https://evil.example/cat.png)")).text.strip() == "[picture: a cat]"
    assert page(Markdown("[![a cat](x)](https://e.example)")).text.strip() == "[picture: a cat] (e.example)"


def test_markdown_that_is_made_to_be_slow_is_shown_all_the_same():
    for text in (
        "[" * 20_000,
        "*" * 20_000,
        "> " * 10_000,
        "![" * 9_000 + "x" + "](y)" * 2_000,
        "`" * 9_999 + " `" * 5_000,
    ):
        assert page(Markdown(text))


# -- changes


def test_changed_lines_have_signs_and_their_words_are_marked():
    shown = html_of(Diff("one\ntwo three four\nfive", "one\ntwo 3 four\nfive\nsix"))
    assert "<del>three</del>" in shown
    assert "<ins>3</ins>" in shown
    assert "removed: " in shown
    assert page(Diff("a\nb c d", "a\nb c e")).text == " a\u2212removed: b c d+added: b c e"


def test_equal_lines_far_from_a_change_are_counted():
    old = "\n".join(map(str, range(50)))
    assert "\u22ef 23 equal lines" in page(Diff(old, old.replace("25", "x"))).text
    assert page(Diff("a", "a")).text == "Nothing has changed"


def test_dicts_and_objects_are_compared_by_their_keys():
    shown = page(
        Diff({"a": 1, "b": {"c": "x y z", "d": 2}, "gone": 3}, {"a": 1, "b": {"c": "x y w", "d": 2}, "new": [4]})
    )
    assert shown.text == "beforeafter~b.cx y zx y w\u2212gone3+new[4]2 values are the same"
    assert page(Diff(Draft("a", 1), Draft("a", 2))).text == "beforeafter~words121 value is the same"
    assert "Nothing has changed" in page(Diff({"a": 1}, {"a": 1})).text


def test_frames_are_compared_row_by_row():
    import pandas as pd

    old, new = pd.DataFrame({"n": [1, 2], "t": ["a", "b"]}), pd.DataFrame({"n": [1, 3], "t": ["a", "b"]})
    assert "<del>2</del>" in html_of(Diff(old, new))


def test_values_of_different_kinds_are_different():
    assert "Nothing" not in page(Diff({"a": 1}, {"a": True})).text
    assert page(Diff({"a": None}, {"a": ""})).text.startswith("beforeafter~a")


def test_a_very_long_change_is_cut_and_says_so():
    shown = page(Diff("x\n" * 30_000, "y\n" * 30_000)).text
    assert "Only the beginning of the texts is compared" in shown


def test_changes_read_well_as_text():
    assert str(Diff("a\nb", "a\nc")) == "  a\n- b\n+ c"
    assert str(Diff({"a": 1}, {"a": 2})) == '  {\n-  "a": 1\n+  "a": 2\n  }'
    assert str(Diff(1, 1)) == "(no change)"
    assert str(Markdown("# x")) == "# x"


def test_a_question_reads_well_in_one_line():
    value = {"question": "Go?", "problem": "too late", "show": [Markdown("# Hi"), Diff("a", "b"), PNG, {"t": 1}]}
    assert plainly(value) == 'Go?, problem: too late, # Hi, - a + b, {"t": 1}'
    assert plainly({"draft": Markdown("*x*"), "show": "y"}) == "draft: *x*, show: y"


# -- cards


def test_tool_calls_are_shown_one_by_one_with_their_arguments():
    calls = [
        {
            "name": "send",
            "args": {"to": "ann"},
            "description": "Tool execution requires approval\n\nTool: send\nArgs: {}",
        },
        {"name": "rm", "args": {}, "description": "Too dangerous?"},
    ]
    value = {"action_requests": calls, "review_configs": []}
    assert card_schema(value)
    assert page(value).text == "sendTool execution requires approvaltoannrmToo dangerous?"


# -- storing


@pytest.mark.parametrize(
    "value",
    [Markdown("# x"), Diff("a", "b"), {"question": "?", "show": [Markdown("x"), Diff({"a": dt.date(2024, 1, 1)}, {})]}],
)
def test_what_is_shown_is_stored_and_loaded_as_itself(value):
    assert Codec().decode(Codec().encode(value), strict=True) == value


def test_a_question_with_markdown_and_changes_is_the_same_after_a_restart(tmp_path):
    from nbhitl import START, StateGraph, approve

    def build(saver):
        builder = StateGraph(dict)
        builder.add_node("ask", lambda state: {"ok": approve("Go?", Markdown("# x"), Diff("a", "b"))})
        builder.add_edge(START, "ask")
        return builder.compile(checkpointer=saver)

    config = {"configurable": {"thread_id": "1"}}
    with DuckDBSaver(tmp_path / "runs.duckdb") as saver:
        asked = build(saver).invoke({"x": 1}, config)["__interrupt__"][0]
    with DuckDBSaver(tmp_path / "runs.duckdb") as saver:
        again = build(saver).get_state(config).tasks[0].interrupts[0]
        assert (again.id, again.value) == (asked.id, asked.value)
        assert again.value["show"] == [Markdown("# x"), Diff("a", "b")]


class Unreadable(str):
    __slots__ = ()

    def __str__(self):
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"n": 10**6000, "m": 1}, "n: int, m: 1"),
        ({"n": Unreadable("x"), "m": 1}, "n: Unreadable, m: 1"),
        (10**6000, "int"),
        (Unreadable("x"), "Unreadable"),
    ],
    ids=["a part", "another part", "a number", "a text"],
)
def test_a_value_that_cannot_be_written_out_is_named_by_its_type(value, line):
    assert plainly(value) == line
