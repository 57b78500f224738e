"""Forms with parts: what the page sends becomes the typed answer, and what is wrong with it stands at its place."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr

pytest.importorskip("ipywidgets")
import ipywidgets as W  # noqa: N812

from nbhitl import Upload
from nbhitl.engine.errors import AnswerRefused, Problem
from nbhitl.notebook.questions.controls.compound import Compound
from nbhitl.notebook.questions.form import Form
from nbhitl.run.answers import SchemaChecker

ATTACKS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text())
MARKER = ATTACKS["secrets"]["marker"]


class Address(BaseModel):
    street: str
    number: Annotated[int, Field(ge=1)]


class Price(BaseModel):
    item: str
    price: float
    ok: bool = False


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    name: str


class Order(BaseModel):
    """Please complete"""

    urgent: bool = False
    address: Address
    tags: Annotated[list[str], Field(min_length=1, max_length=3)] = ["tea"]
    prices: list[Price] = Field([Price(item="Tea", price=1.5)], json_schema_extra={"x-table": True})
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] = Cat()
    report: Upload | None = None
    token: SecretStr | None = None


@dataclass
class Asking:
    value: Any
    schema: Any = None
    id: str = ""


def made(schema=Order, id=""):
    sent = []
    form = Form(Asking("Well?", schema, id), title="order", checker=SchemaChecker(), submit=sent.append)
    return form, sent


def compound(form, name):
    return next(c for c in form.controls if c.field.name == name).parts[0].widget


def send(form, buffers=(), **drafts):
    """What the page's button sends, with these drafts instead of those that are shown."""
    values = []
    for control in form.controls:
        for i, part in enumerate(control.parts):
            shown = part.value(i, None)
            values.append(drafts.get(control.field.name, shown))
    form._button._handle_custom_msg(
        {"batch": "1", "values": json.loads(json.dumps(values, default=str))}, list(buffers)
    )


FULL = {
    "address": {"on": True, "members": ["High Street", "7"]},
    "tags": {"on": True, "items": ["tea", "milk"]},
    "prices": {"on": True, "rows": [["Tea", "2.5", True], ["Milk", "1", False]]},
    "pet": {"variant": 1, "values": [{"on": True, "members": ["9"]}, {"on": True, "members": ["Rex"]}]},
    "report": {"name": "a.csv", "type": "text/csv", "size": 5, "buffers": [0, 2]},
    "token": MARKER,
}


def test_what_the_page_sends_becomes_the_typed_answer():
    form, sent = made()
    send(form, [memoryview(b"a;b"), b";c"], **FULL)
    checker = SchemaChecker()
    order = checker.build(Order, checker.take(Order, sent[0]))
    assert order.address == Address(street="High Street", number=7)
    assert order.tags == ["tea", "milk"]
    assert order.prices == [Price(item="Tea", price=2.5, ok=True), Price(item="Milk", price=1)]
    assert order.pet == Dog(name="Rex")
    assert (order.report.name, order.report.content) == ("a.csv", b"a;b;c")
    assert order.token.get_secret_value() == MARKER


def test_untouched_controls_are_the_defaults():
    form, sent = made()
    send(form, address=FULL["address"])
    plain = SchemaChecker().take(Order, sent[0])
    assert plain == SchemaChecker().check(Order, {"address": {"street": "High Street", "number": 7}})


def test_each_problem_reaches_its_place_in_the_page():
    form, sent = made()
    tags = {"on": True, "items": ["a", "b", "c", "d"]}
    prices = {"on": True, "rows": [["Tea", "1.5", False], ["Milk", "much", False]]}
    send(form, address={"on": True, "members": ["", "0"]}, tags=tags, prices=prices)
    with pytest.raises(AnswerRefused) as refused:
        SchemaChecker().take(Order, sent[0])
    form.refuse(refused.value.problems)
    assert [place for place, _ in compound(form, "address").problems] == ["street", "number"]
    assert [place for place, _ in compound(form, "prices").problems] == ["1.price"]
    assert [place for place, _ in compound(form, "tags").problems] == [""]
    assert compound(form, "pet").problems == []
    assert "3 fields need another answer: Address, Tags, Prices." in form._summary.value
    assert (form.state, form._button.attention, compound(form, "token").refusals) == ("open", 1, 1)


def test_a_member_whose_name_has_a_dot_is_told_from_a_place_inside():
    schema = {
        "properties": {"a.b": {"type": "object", "properties": {"c": {"type": "string"}}}, "a": {"type": "string"}}
    }
    form, _ = made(schema)
    form.refuse([Problem("a.b.c", "is odd")])
    assert compound(form, "a.b").problems == [["c", "is odd"]]


def test_what_was_typed_lives_on_in_a_later_form_for_the_same_question():
    form, _ = made(id="q1")
    compound(form, "tags").draft = FULL["tags"]
    form.controls[0].parts[0].widget.value = True
    again, sent = made(id="q1")
    again.press()
    assert (sent[0]["tags"], sent[0]["urgent"]) == (["tea", "milk"], True)
    other, sent = made(id="q2")
    other.press()
    assert (sent[0]["tags"], sent[0]["urgent"]) == (["tea"], False)


def test_a_form_for_another_schema_or_after_an_answer_begins_anew():
    form, _ = made(id="q3")
    compound(form, "tags").draft = FULL["tags"]
    assert made(Address, id="q3")[0].raw() == {"street": "", "number": ""}
    form, _ = made(id="q4")
    compound(form, "tags").draft = FULL["tags"]
    form.press()
    form.answered("done")
    assert made(id="q4")[0].raw()["tags"] == ["tea"]


def test_a_done_form_takes_no_more_input():
    for finish in (Form.answered, Form.close):
        form, _ = made()
        finish(form, "done")
        assert all(compound(form, name).disabled for name in ("address", "tags", "prices", "pet", "report", "token"))


def test_a_secret_is_in_no_trait_of_any_widget():
    form, sent = made()
    send(form, [b"", b""], **FULL)
    assert sent[0]["token"] == MARKER
    form.refuse([Problem("token", "is not a token"), Problem("address.street", "is odd")])
    widgets = [form.widget]
    while widgets:
        widget = widgets.pop()
        widgets += getattr(widget, "children", ())
        assert MARKER not in repr(widget.get_state())
        assert MARKER not in repr(widget)
    form.press()  # what is known here: the secret went once
    assert sent[1]["token"] is None


@pytest.mark.parametrize(
    ("drafts", "place"),
    [
        ({"tags": {"on": True, "items": ["x"] * 20_000}}, "tags"),
        ({"tags": {"on": True, "items": ["x"] * 4}}, "tags"),
        ({"tags": {"on": True, "items": []}}, "tags"),
        ({"prices": {"on": True, "rows": [["x" * 1_000_001, "1", False]]}}, "prices.0.item"),
        ({"prices": {"on": True, "rows": [["Tea", "1", False, "a column that is none"]]}}, "prices.0"),
        ({"prices": {"on": True, "rows": [["Tea", "1", "yes"]]}}, "prices.0.ok"),
        ({"prices": {"on": True, "rows": [["Tea", "1e309", False]]}}, "prices.0.price"),
        ({"pet": {"variant": 2, "values": [None, None, None]}}, "pet"),
        ({"pet": {"variant": 1, "values": [None, {"on": True, "members": [["Rex"]]}]}}, "pet.name"),
        ({"report": {"name": "../../etc/passwd", "type": "", "size": 5, "buffers": [0, 1]}}, "report"),
        ({"report": {"name": "a\x00.txt", "type": "", "size": -1, "buffers": [0, 1]}}, "report"),
        ({"report": {"name": "x" * 300, "type": "", "size": 1, "buffers": [0, 1]}}, "report"),
        ({"report": {"name": "big", "type": "", "size": 1_000_000_000_000}}, "report"),
        ({"report": {"name": "big", "type": "", "size": 1, "buffers": [0, 2]}}, "report"),
        ({"token": ["not text"]}, "token"),
        ({"address": [["street", "x"]]}, "address"),
        ({"address": None}, "address"),
        ({"urgent": "yes"}, "urgent"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_that_goes_round_the_controls_is_refused_at_its_place(drafts, place):
    form, sent = made()
    send(form, [b"abc", b"0" * 10_000_001], **{**FULL, "report": None, **drafts})
    with pytest.raises(AnswerRefused) as refused:
        SchemaChecker().take(Order, sent[0])
    assert any(p.field == place or p.field.startswith(place + ".") for p in refused.value.problems), (
        refused.value.problems
    )


XSS = [text for key in ("xss_html", "xss_markdown", "xss_ansi_text", "names_graph") for text in ATTACKS[key]]


@pytest.mark.parametrize("text", XSS)
def test_text_of_a_schema_reaches_the_page_as_data_of_one_widget_only(text):
    inner = {"title": text, "description": text, "type": "string", "default": text}
    schema = {
        "properties": {
            "o": {"title": text, "type": "object", "properties": {text or "x": inner}},
            "l": {"title": text, "description": text, "type": "array", "items": inner, "default": [text]},
            "t": {"x-table": True, "type": "array", "items": {"type": "object", "properties": {text or "x": inner}}},
            "u": {"title": text, "anyOf": [{"type": "integer", "title": "1 " + text}, {**inner, "title": "2 " + text}]},
        }
    }
    form, _ = made(schema)
    form.refuse([Problem("o", text), Problem("l.0", text), Problem("t.0", text), Problem("u", text)])
    widgets = [form.widget]
    while widgets:
        widget = widgets.pop()
        widgets += getattr(widget, "children", ())
        if isinstance(widget, W.HTML) and "<" in text and not widget.value.startswith("<style>"):
            assert text not in widget.value
        if isinstance(widget, Compound):
            json.dumps([widget.field, widget.draft, widget.problems], ensure_ascii=False).encode()
    assert {c.field.kind for c in form.controls} == {"object", "list", "table", "union"}
