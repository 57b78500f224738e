"""Controls of compound fields: a draft stands for raw values, and nothing that a page can send breaks that."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("ipywidgets")

from nbhitl.engine.errors import AnswerRefused
from nbhitl.notebook.questions.controls import control_for
from nbhitl.notebook.questions.controls.compound import COMPOUND, described
from nbhitl.notebook.questions.controls.draft import draft_of, may_be_off, raw_of
from nbhitl.notebook.questions.submit import AHEAD_CAP, submit_button
from nbhitl.run.forms import FormField, FormModel, Option
from nbhitl.run.reading import collect, gather

ATTACKS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text())


def field(kind, name="f", required=True, **rest):
    return FormField(name, name.capitalize(), kind, required, **rest)


def options(*values):
    return tuple(Option(value, str(value)) for value in values)


def on(*members):
    return {"on": True, "members": list(members)}


TEXT = field("text", "text")
NUMBER = field("integer", "number")
COLOUR = field("choice", "colour", options=options("red", "green", 1, True))
FLAGS = field("choices", "flags", options=options("a", "b", "c"))
ADDRESS = field("object", "address", fields=(TEXT, NUMBER))
PAIR = field("object", "pair", fields=(field("text", "0"), field("integer", "1")), positional=True)
TAGS = field("list", "tags", item=field("text", ""), shortest=1, longest=3)
PRICES = field("table", "prices", fields=(TEXT, NUMBER, COLOUR, field("checkbox", "ok", required=False, default=False)))
CAT = field("object", "Cat", fields=(TEXT,), tag=("kind", "cat"), fixed=(("kind", "cat"),))
DOG = field("object", "Dog", fields=(NUMBER,), tag=("kind", "dog"), fixed=(("kind", "dog"),))
PET = field("union", "pet", variants=(CAT, DOG, field("integer", "Age")))
REPORT = field("file", "report", accepts=(".csv",), largest=100)
TOKEN = field("secret", "token")
EVERY = field("object", "every", fields=(COLOUR, FLAGS, ADDRESS, TAGS, PRICES, PET, REPORT, TOKEN))


# -- drafts


@pytest.mark.parametrize(
    ("asked", "draft", "raw"),
    [
        (TEXT, "tea", "tea"),
        (NUMBER, "7x", "7x"),
        (COLOUR, 3, 3),
        (FLAGS, [0, 2], [0, 2]),
        (ADDRESS, {"on": True, "members": ["a", "1"]}, {"text": "a", "number": "1"}),
        (ADDRESS, {"on": False, "members": ["a", "1"]}, None),
        (TAGS, {"on": True, "items": ["a", "b"]}, ["a", "b"]),
        (TAGS, {"on": False, "items": ["a", "b"]}, None),
        (PRICES, {"on": True, "rows": [["a", "1", 0, True]]}, [{"text": "a", "number": "1", "colour": 0, "ok": True}]),
        (PET, {"variant": 1, "values": [None, on("3"), "x"]}, {"variant": 1, "value": {"number": "3"}}),
        (PET, {"variant": None, "values": [None, None, None]}, {"variant": None, "value": None}),
        (REPORT, None, None),
        (TOKEN, "s3cret", "s3cret"),
        (TOKEN, None, None),
    ],
)  # fmt: skip
def test_a_draft_stands_for_a_raw_value(asked, draft, raw):
    assert raw_of(asked, draft) == raw


@pytest.mark.parametrize(
    ("asked", "default", "draft"),
    [
        (COLOUR, True, 3),
        (COLOUR, 1, 2),
        (COLOUR, "blue", None),
        (FLAGS, ["c", "a", "x"], [0, 2]),
        (ADDRESS, {"number": 4, "text": "a"}, {"on": True, "members": ["a", "4"]}),
        (PAIR, ["a", 4], {"on": True, "members": ["a", "4"]}),
        (TAGS, ["a"], {"on": True, "items": ["a"]}),
        (PRICES, [{"text": "a"}], {"on": True, "rows": [["a", "", None, False]]}),
        (PET, {"kind": "dog", "number": 3}, {"variant": 1, "values": [on(""), on("3"), ""]}),
        (PET, 5, {"variant": 2, "values": [on(""), on(""), "5"]}),
        (TOKEN, "never shown", None),
        (REPORT, "never shown", None),
    ],
)  # fmt: skip
def test_a_default_is_the_first_draft(asked, default, draft):
    assert draft_of(asked, default) == draft


def test_a_list_begins_with_as_many_elements_as_it_needs():
    assert draft_of(TAGS) == {"on": True, "items": [""]}
    assert draft_of(field("list", item=TEXT)) == {"on": True, "items": []}


def test_what_can_be_left_out_as_a_whole_begins_left_out():
    for asked in (
        field("object", required=False, fields=(TEXT,)),
        field("list", required=False, item=TEXT),
        field("table", nullable=True, default=None, fields=(TEXT,)),
    ):
        assert may_be_off(asked)
        assert described(asked)["optional"] is True
        assert raw_of(asked, draft_of(asked)) is None


def test_the_page_is_told_words_and_never_values():
    pick = field("choice", "pick", options=(Option("value-1", "One"),), default="value-1")
    hidden = field("object", fields=(field("secret", "token", default="hunter2"), pick))
    assert "hunter2" not in json.dumps(described(hidden))
    assert "value-1" not in json.dumps(described(hidden))
    assert "One" in json.dumps(described(hidden))


# -- properties


def _flat(draw):
    kind = draw(st.sampled_from(["text", "integer", "choice", "choices", "checkbox", "date", "json"]))
    match kind:
        case "text":
            value = draw(st.text(st.characters(codec="utf-8"), max_size=5))
            return {"kind": kind}, value, value
        case "integer":
            value = draw(st.integers(-999, 999))
            return {"kind": kind}, value, str(value)
        case "choice":
            index = draw(st.integers(0, 2))
            return {"kind": kind, "options": options("a", "b", 3)}, ("a", "b", 3)[index], index
        case "choices":
            chosen = sorted(draw(st.sets(st.integers(0, 2))))
            return {"kind": kind, "options": options("a", "b", "c")}, ["abc"[i] for i in chosen], chosen
        case "checkbox":
            value = draw(st.booleans())
            return {"kind": kind}, value, value
        case "date":
            return {"kind": kind}, "2024-02-29", "2024-02-29"
        case _:
            value = draw(st.lists(st.integers(0, 9), max_size=3))
            return {"kind": kind}, value, json.dumps(value)


@st.composite
def fields(draw, depth=2, name="f"):
    """A field with a default, its default, and the raw value of an untouched control."""
    kinds = ["flat"] * 2 + (["object", "list", "table", "union"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    match kind:
        case "object":
            inner = [draw(fields(depth - 1, f"m{i}")) for i in range(draw(st.integers(1, 3)))]
            rest = {"kind": kind, "fields": tuple(f for f, _, _ in inner)}
            value = {f.name: v for f, v, _ in inner}
            raw = {f.name: r for f, _, r in inner}
        case "list":
            # one field for all elements, each with the same value: an element's own default does not count then
            item, one, each = draw(fields(depth - 1, ""))
            n = draw(st.integers(0, 3))
            rest, value, raw = {"kind": kind, "item": item}, [one] * n, [each] * n
        case "table":
            inner = [draw(fields(0, f"c{i}")) for i in range(draw(st.integers(1, 3)))]
            n = draw(st.integers(0, 3))
            rest = {"kind": kind, "fields": tuple(f for f, _, _ in inner)}
            value = [{f.name: v for f, v, _ in inner}] * n
            raw = [{f.name: r for f, _, r in inner}] * n
        case "union":
            tagged = [
                field("object", f"v{i}", fields=(draw(fields(0, "m"))[0],), fixed=(("kind", i),))
                for i in range(draw(st.integers(1, 3)))
            ]
            at = draw(st.integers(0, len(tagged) - 1))
            member = tagged[at].fields[0]
            rest = {"kind": kind, "variants": tuple(tagged)}
            value = {"kind": at, "m": member.default}
            raw = {"variant": at, "value": {"m": raw_of(member, draft_of(member))}}
        case _:
            rest, value, raw = _flat(draw)
    return FormField(name, name.upper(), rest.pop("kind"), required=False, default=value, **rest), value, raw


@settings(max_examples=150, deadline=None)
@given(fields())
def test_an_untouched_draft_is_the_default(made):
    asked, _, raw = made
    assert raw_of(asked, draft_of(asked)) == raw
    assert raw_of(asked, json.loads(json.dumps(draft_of(asked)))) == raw
    json.dumps(described(asked)).encode()


@settings(max_examples=25, deadline=None)
@given(fields())
def test_every_field_gets_a_control_whose_untouched_value_is_the_default(made):
    asked, value, _ = made
    control = control_for(asked)
    try:
        values = [part.value(i, None) for i, part in enumerate(control.parts)]
        raw = control.read(values, ())
        assert collect(FormModel("", "", (asked,), single=False), {asked.name: raw}) == {asked.name: value}
    finally:
        control.box.close()


KEYS = ["on", "members", "items", "rows", "variant", "values", "name", "type", "size", "buffers", "x"]
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 99)
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(KEYS),
        inner,
        max_size=5,
    ),
    max_leaves=15,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(JUNK, st.sampled_from([*EVERY.fields, EVERY]))
def test_whatever_the_page_sends_is_an_answer_or_refused(junk, asked):
    raw = raw_of(asked, junk, [b"abc", memoryview(b"def")])
    _, problems = gather(FormModel("", "", (asked,), single=False), {asked.name: raw})
    assert all(problem.field.startswith(asked.name) for problem in problems)


# -- messages that no form of ours sends


@pytest.mark.parametrize(
    ("asked", "draft", "place"),
    [
        (PRICES, {"on": True, "rows": [["a", "1", 0, True, "unknown column"]]}, "prices.0"),
        (PRICES, {"on": True, "rows": [["a", "1", 0, True], "row"]}, "prices.1"),
        (PRICES, {"on": True, "rows": [["a" * 1_000_001, "1", 0, True]]}, "prices.0.text"),
        (PRICES, {"on": True, "rows": [["a", "1", 99, True]]}, "prices.0.colour"),
        (PRICES, {"on": True, "rows": [["a", "1", -1, True]]}, "prices.0.colour"),
        (PRICES, {"on": True, "rows": [["a", "1", True, True]]}, "prices.0.colour"),
        (PRICES, {"on": True, "rows": [["a", "NaN", 0, True]]}, "prices.0.number"),
        (PET, {"variant": 3, "values": [None] * 4}, "pet"),
        (PET, {"variant": -1, "values": [None] * 3}, "pet"),
        (PET, {"variant": True, "values": [None] * 3}, "pet"),
        (PET, {"variant": 0, "values": []}, "pet"),
        (FLAGS, [0, 99], "flags"),
        (FLAGS, ["0"], "flags"),
        (REPORT, {"name": "x.csv", "type": "text/csv", "size": 3}, "report"),
        (REPORT, {"name": "x.csv", "type": "text/csv", "size": 3, "buffers": [0, 2]}, "report"),
        (REPORT, {"name": "x.csv", "type": "text/csv", "size": 3, "buffers": [-1, 1]}, "report"),
        (REPORT, {"name": "x.csv", "type": "text/csv", "size": 3, "buffers": ["0", "1"]}, "report"),
        (REPORT, {"name": ["x"], "type": "", "size": 3, "buffers": [0, 1]}, "report"),
        (ADDRESS, {"on": True, "members": ["a"]}, "address"),
        (ADDRESS, {"on": True, "members": ["a", "1", "2"]}, "address"),
        (ADDRESS, {"on": "yes", "members": ["a", "1"]}, "address"),
        (TAGS, {"on": True, "items": [{"a": 1}]}, "tags.0"),
    ],
)  # fmt: skip
def test_a_message_that_goes_round_the_controls_is_refused_at_its_place(asked, draft, place):
    raw = raw_of(asked, draft, [b"abc"])
    with pytest.raises(AnswerRefused) as refused:
        collect(FormModel("", "", (asked,), single=False), {asked.name: raw})
    assert any(p.field == place or p.field.startswith(place + ".") for p in refused.value.problems), (
        refused.value.problems
    )


def test_an_index_that_is_there_twice_counts_once():
    assert collect(FormModel("", "", (FLAGS,), single=False), {"flags": raw_of(FLAGS, [0, 0, 1])}) == {
        "flags": ["a", "b"]
    }


# -- files: the submit message and what goes ahead of it


def button():
    got = []
    made = submit_button((), lambda values, buffers: got.append((values, [bytes(b) for b in buffers])))
    return made, got


def test_the_pieces_of_large_files_are_put_before_those_of_the_message():
    made, got = button()
    made._handle_custom_msg({"batch": "1", "ahead": True}, [memoryview(b"a"), memoryview(b"b")])
    made._handle_custom_msg({"batch": "1", "ahead": True}, [b"c"])
    made._handle_custom_msg({"batch": "1", "values": [1]}, [b"d"])
    made._handle_custom_msg({"batch": "2", "values": [2]}, [])
    assert got == [([1], [b"a", b"b", b"c", b"d"]), ([2], [])]


def test_pieces_of_two_tabs_are_not_mixed():
    made, got = button()
    made._handle_custom_msg({"batch": "1", "ahead": True}, [b"a"])
    made._handle_custom_msg({"batch": "2", "values": [2]}, [b"b"])
    made._handle_custom_msg({"batch": "1", "values": [1]}, [b"c"])
    assert got == [([2], [b"b"]), ([1], [b"c"])]


def test_pieces_without_end_are_not_kept():
    class Huge(bytes):
        def __len__(self):
            return AHEAD_CAP // 2 + 1

    made, got = button()
    for _ in range(5):
        made._handle_custom_msg({"batch": "1", "ahead": True}, [Huge()])
    made._handle_custom_msg({"batch": "1", "values": []}, [b"d"])
    assert got == [([], [b"d"])]


def test_the_content_of_a_file_is_joined_from_its_buffers():
    said = {"name": "a.csv", "type": "text/csv", "size": 3, "buffers": [1, 3]}
    assert raw_of(REPORT, said, [b"x", memoryview(b"ab"), b"c", b"y"]) == {
        "name": "a.csv", "type": "text/csv", "content": b"abc",
    }  # fmt: skip
    empty = {**said, "buffers": [1, 1]}
    assert raw_of(REPORT, empty, [b"x"])["content"] == b""


# -- widgets


@pytest.mark.parametrize("asked", [*EVERY.fields[2:], EVERY], ids=lambda f: f.kind)
def test_a_compound_field_is_one_widget_that_can_be_told_what_is_wrong(asked):
    assert asked.kind in COMPOUND
    control = control_for(asked)
    widget = control.parts[0].widget
    control.say([("", "is odd"), ("inner.2", "half \ud800")])
    assert widget.problems == [["", "is odd"], ["inner.2", "half ?"]]
    assert "nbh-wrong" in control.box._dom_classes
    control.say(())
    assert widget.problems == []
    assert "nbh-wrong" not in control.box._dom_classes
    control.forget()
    control.lock()
    assert (widget.refusals, widget.disabled) == (1, True)


def test_a_secret_is_in_no_trait():
    control = control_for(EVERY)
    widget = control.parts[0].widget
    sent = draft_of(EVERY)
    sent["members"][-1] = ATTACKS["secrets"]["marker"]
    raw = control.read([control.parts[0].value(0, [sent])], ())
    assert raw["token"] == ATTACKS["secrets"]["marker"]
    control.say([("token", "is wrong")])
    assert ATTACKS["secrets"]["marker"] not in json.dumps(widget.get_state(), default=repr)
