"""A form gathers raw values, keeps drafts, and shows a stranger's text as text; no frontend is needed."""

import datetime as dt
import html
import io
import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

pytest.importorskip("ipywidgets")
import ipywidgets as W  # noqa: N812

from nbhitl.engine.errors import AnswerRefused, Problem, SchemaError
from nbhitl.notebook.questions.form import Form
from nbhitl.notebook.questions.photos import array_png, picture
from nbhitl.run.answers import SchemaChecker

ATTACKS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text())
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@dataclass
class Asking:
    value: Any
    schema: Any = None


class Every(BaseModel):
    """Please look"""

    decision: Literal["publish", "revise"]
    tone: Literal["a", "b", "c", "d", "e", "f", "g", "longer"] = "b"
    stars: Annotated[int, Field(ge=1, le=5)]
    sure: Annotated[int, Field(ge=0, le=100)] = 50
    many: Annotated[int, Field(ge=0, le=9_999)] = 3
    price: float = 1.5
    ok: bool
    urgent: bool = False
    tags: list[Literal["x", "y"]] = ["y"]
    notes: str = ""
    story: str = Field("", json_schema_extra={"x-multiline": True})
    day: dt.date | None = None
    at: dt.datetime | None = None
    clock: dt.time = dt.time(9, 30)
    people: dict[str, int] = {}


def made(schema, value="Well?", title="review"):
    sent = []
    form = Form(Asking(value, schema), title=title, checker=SchemaChecker(), submit=sent.append)
    return form, sent


def control(form, name):
    return next(c for c in form.controls if c.field.name == name)


def widget(form, name):
    return control(form, name).parts[0].widget


def texts(form):
    """Everything that the form shows as HTML, the constant style aside."""
    found, todo = [], [form.widget]
    while todo:
        box = todo.pop()
        todo += getattr(box, "children", ())
        if isinstance(box, W.HTML) and not box.value.startswith("<style>"):
            found.append(box.value)
    return "\n".join(found)


def test_each_kind_of_field_gets_its_control():
    form, _ = made(Every)
    kinds = [type(control(form, name).parts[0].widget).__name__ for name in Every.model_fields]
    assert kinds == [
        "RadioButtons", "Dropdown", "ToggleButtons", "Text", "Text", "Text", "ToggleButtons", "Checkbox",
        "Checkbox", "Text", "Textarea", "DatePicker", "NaiveDatetimePicker", "TimePicker", "Textarea",
    ]  # fmt: skip


def test_digits_are_compact_buttons_and_nothing_is_chosen_beforehand():
    form, _ = made(Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert isinstance(widget(form, ""), W.ToggleButtons)
    assert widget(form, "").index is None
    assert widget(made(Every)[0], "decision").index is None
    assert widget(made(Every)[0], "tone").index == 1


def test_defaults_are_filled_in_and_come_back_as_raw_values():
    form, sent = made(Every)
    widget(form, "decision").index = 0
    widget(form, "stars").index = 4
    widget(form, "ok").index = 1
    form.press()
    assert sent == [
        {
            "decision": 0, "tone": 1, "stars": "5", "sure": "50", "many": "3", "price": "1.5", "ok": 1,
            "urgent": False, "tags": [1], "notes": "", "story": "", "day": None, "at": None,
            "clock": dt.time(9, 30), "people": "{}",
        }
    ]  # fmt: skip
    answer = SchemaChecker().take(Every, sent[0])
    assert (answer["decision"], answer["stars"], answer["ok"], answer["tags"]) == ("publish", 5, False, ["y"])


def test_a_form_is_busy_until_it_is_told_how_it_went():
    form, sent = made(bool)
    widget(form, "").index = 0
    form.press()
    form.press()
    assert len(sent) == 1
    assert (form.state, form._button.disabled, form._button.description) == ("busy", True, "Answering ...")
    form.refuse([])
    assert (form.state, form._button.disabled, form._button.description) == ("open", False, "Submit")


def test_a_submit_that_fails_leaves_the_form_open():
    def broken(raw):
        raise RuntimeError("no queue")

    form = Form(Asking("?", bool), title="", checker=SchemaChecker(), submit=broken)
    with pytest.raises(RuntimeError):
        form.press()
    assert form.state == "open"


def test_a_refusal_keeps_the_drafts_and_stands_beside_its_field():
    form, _ = made(Every)
    widget(form, "many").value = "12a"
    widget(form, "notes").value = "half a thought"
    form.press()
    form.refuse([Problem("many", "must be a number"), Problem("people.bob", "is wrong"), Problem("", "is odd")])
    assert widget(form, "many").value == "12a"
    assert widget(form, "notes").value == "half a thought"
    assert "Must be a number" in control(form, "many").error.value
    assert "Bob: is wrong" in control(form, "people").error.value
    assert control(form, "notes").error.value == ""
    assert "2 fields need another answer: Many, People." in form._summary.value
    assert "Is odd" in form._summary.value
    form.refuse([Problem("notes", "is too short")])
    assert control(form, "many").error.value == "" == form._summary.value
    assert 'role="alert"' in control(form, "notes").error.value


def test_a_wrong_number_is_never_changed_in_silence():
    form, sent = made(Every)
    widget(form, "sure").value = "140"
    form.press()
    assert sent[0]["sure"] == "140"
    assert control(form, "sure").extras[0].value == 50


def test_a_slider_and_its_number_follow_each_other():
    class Sure(BaseModel):
        sure: Annotated[int, Field(ge=0, le=100)]

    form, sent = made(Sure)
    slider = control(form, "sure").extras[0]
    form.press()
    assert sent == [{"sure": ""}]  # an untouched slider is no answer
    slider.value = 30
    assert widget(form, "sure").value == "30"
    widget(form, "sure").value = "70"
    assert slider.value == 70
    widget(form, "sure").value = "07x"
    assert (slider.value, widget(form, "sure").value) == (70, "07x")


def test_an_optional_choice_can_be_left_unanswered():
    class Maybe(BaseModel):
        pick: Literal["a", "b"] | None = None
        stars: Annotated[int, Field(ge=1, le=3)] | None = None

    form, sent = made(Maybe)
    form.press()
    form.refuse([])
    widget(form, "pick").index = 2
    widget(form, "stars").index = 1
    form.press()
    assert sent == [{"pick": None, "stars": None}, {"pick": 1, "stars": "1"}]


def test_values_that_the_page_sends_win_over_those_that_arrived_before():
    form, sent = made(Every)
    values = [part.value(i, None) for i, part in enumerate(p for c in form.controls for p in c.parts)]
    values[0] = 1
    values[-1] = '{"bob": 2}'
    values[12] = {"year": 2024, "month": 1, "date": 29}
    form._pressed(values)
    assert (sent[0]["decision"], sent[0]["people"], sent[0]["day"]) == (1, '{"bob": 2}', dt.date(2024, 2, 29))


@pytest.mark.parametrize(
    "junk", [None, "x", -1, 99, True, [], {}, {"year": "x"}, 1e308, {"year": 1, "month": 99, "date": 1}]
)
def test_whatever_the_page_sends_is_gathered_and_left_to_the_checker(junk):
    form, sent = made(Every)
    form._pressed([junk] * 16)
    with pytest.raises(AnswerRefused):
        SchemaChecker().take(Every, sent[0])


def test_the_button_knows_all_controls_and_hands_over_what_the_page_sends():
    form, sent = made(Every)
    parts = [part for c in form.controls for part in c.parts]
    assert form._button.controls == [[part.widget.model_id, part.key, ""] for part in parts]
    values = [part.value(i, None) for i, part in enumerate(parts)]
    values[0] = 1
    form._button._handle_custom_msg({"values": values}, [])
    assert [raw["decision"] for raw in sent] == [1]


@pytest.mark.parametrize("junk", [None, "x", [], {}, {"values": "x"}])
def test_a_message_without_values_submits_what_is_known_here(junk):
    form, sent = made(bool)
    widget(form, "").index = 1
    form._button._handle_custom_msg(junk, [])
    assert sent == [{"": 1}]


def test_an_answered_form_says_so_and_takes_no_more():
    form, sent = made(bool)
    widget(form, "").index = 0
    form.press()
    form.answered("Yes <b>")
    form.refuse([Problem("", "late")])
    form.press()
    assert len(sent) == 1
    assert form.state == "answered"
    assert "Answered: Yes &lt;b&gt;" in form._status.value
    assert widget(form, "").disabled


def test_a_closed_form_keeps_the_draft_and_says_why():
    form, sent = made(str)
    widget(form, "").value = "my draft"
    form.close("Answered elsewhere by Ann.")
    form.press()
    assert (sent, form.state, widget(form, "").value) == ([], "closed", "my draft")
    assert "Answered elsewhere by Ann." in form._status.value


def test_a_form_whose_widget_was_closed_can_still_be_told_anything():
    form, _ = made(Every)
    form.widget.close()
    form.refuse([Problem("notes", "x")])
    form.answered("x")
    form.close("x")


def test_an_unshowable_schema_is_an_error_and_no_half_form():
    with pytest.raises(SchemaError):
        made(lambda x: x)


def test_a_stored_schema_makes_the_same_form_as_the_class():
    stored = json.loads(json.dumps(SchemaChecker().describe(Every)))
    assert made(stored)[0].model == made(Every)[0].model


XSS = [text for key in ("xss_html", "xss_markdown", "xss_ansi_text") for text in ATTACKS[key] if isinstance(text, str)]


@pytest.mark.parametrize("text", XSS)
def test_text_of_a_question_reaches_the_page_only_escaped(text):
    schema = {
        "title": text, "description": text, "type": "object",
        "properties": {text: {"title": text, "description": text, "enum": [text, "b"]}},
    }  # fmt: skip
    for value in (text, {text: text, "list": [text], "bytes": text.encode()}, [text]):
        form, _ = made(schema, value, title=text)
        form.refuse([Problem(text, text), Problem("other", text)])
        form.close(text)
        shown = texts(form)
        tags = {tag.split()[0] for tag in shown.replace("</", "<").replace(">", " ").split("<")[1:]}
        assert tags <= {"div", "span", "table", "tr", "th", "td"}
        if "<" in text:
            assert html.escape(text[:60]) in shown
        assert text not in shown or html.escape(text) == text


def test_a_label_that_could_be_tex_is_not_given_to_ipywidgets_which_typesets_it():
    unsafe = ["$x$ and $y$", "\\(y\\)"]
    for title in unsafe:
        for schema in ({"enum": ["a", "b"]}, {"type": "string"}, {"type": "boolean", "default": False}):
            form, _ = made({"properties": {"a": {**schema, "title": title}}})
            assert widget(form, "a").description == ""
            assert f'<div class="nbh-label">{title}</div>' in texts(form)
    form, _ = made({"type": "array", "items": {"enum": [*unsafe, "Price in $"]}})
    assert [part.widget.description for part in control(form, "").parts] == ["", "", "Price in $"]


def test_every_field_shows_its_label_once_and_marks_what_is_required():
    form, _ = made(Every)
    for name, field in Every.model_fields.items():
        label = name.capitalize() + (" *" if field.is_required() else "")
        own = [part.widget.description for part in control(form, name).parts].count(label)
        assert own + texts(form).count(f'<div class="nbh-label">{label}</div>') == 1, name


def test_half_characters_in_a_question_do_not_stop_a_form():
    half = "a\ud800"
    props = {"a": {"title": half, "enum": [half, "b"]}, "b": {"type": "string", "default": half}}
    form, _ = made({"title": half, "properties": props}, {half: half}, title=half)
    form.refuse([Problem("a", half)])
    texts(form).encode()


def test_a_question_is_shown_as_heading_text_or_table():
    assert '<div class="nbh-description">Go?</div>' in texts(made(bool, "Go?")[0])
    assert '<div class="nbh-question">a\nb</div>' in texts(made(bool, "a\nb")[0])
    assert "<th>n</th><td>3</td>" in texts(made(bool, {"n": 3})[0])
    assert "(50,000 characters)" in texts(made(bool, {"n": "x" * 50_000})[0])


def test_a_value_whose_repr_breaks_is_shown_all_the_same():
    class Odd:
        def __repr__(self):
            raise OSError("no")

    assert "its repr raised OSError" in texts(made(bool, {"odd": Odd()})[0])


def test_pictures_are_told_by_their_first_bytes_and_never_svg():
    assert picture(PNG) == ("png", PNG)
    assert picture(b"\xff\xd8\xff\xe0...")[0] == "jpeg"
    assert picture(b"GIF89a...")[0] == "gif"
    assert picture(b"RIFF....WEBPVP8 ")[0] == "webp"
    for other in (b"<svg xmlns='x'/>", b"", b"<?xml", "text", None, 3, [1], {"a": 1}):
        assert picture(other) is None
    shown = texts(made(bool, {"scan <1>": PNG, "n": 3})[0])
    assert "data:image/png;base64," in shown
    assert 'alt="picture scan &lt;1&gt;"' in shown


def test_an_array_becomes_a_picture_that_can_be_seen():
    np = pytest.importorskip("numpy")
    digit = np.arange(64.0).reshape(8, 8)
    data = array_png(digit)
    assert struct.unpack(">IIBB", data[16:26]) == (160, 160, 8, 0)
    lines = zlib.decompress(data[data.index(b"IDAT") + 4 : -16])
    rows = [lines[i + 1 : i + 161] for i in range(0, len(lines), 161)]
    assert len(rows) == 160
    assert rows[0][:21] == bytes(20) + b"\x04"
    assert rows[-1][-1] == 255
    assert picture(digit) == ("png", data)


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2), (0, 4), (2, 2, 2, 2)])
def test_an_array_of_another_shape_is_no_picture(shape):
    np = pytest.importorskip("numpy")
    assert picture(np.zeros(shape)) is None


def test_arrays_of_all_number_types_and_layers_are_pictures():
    np = pytest.importorskip("numpy")
    image = pytest.importorskip("PIL.Image")
    nan = np.array([[np.nan, np.inf], [0.5, 1.0]])
    for array in (
        np.eye(2, dtype=bool), np.eye(2, dtype=np.uint8), np.eye(2, dtype=np.int64) * -5, nan,
        np.zeros((2, 3, 1)), np.ones((2, 3, 3)), np.ones((2, 3, 4), np.uint8), np.zeros((5_000, 3)),
    ):  # fmt: skip
        opened = image.open(io.BytesIO(picture(array)[1]))
        opened.load()
        assert max(opened.size) <= 2_500


def test_pil_images_and_matplotlib_figures_are_pictures():
    image = pytest.importorskip("PIL.Image")
    figures = pytest.importorskip("matplotlib.figure")
    assert picture(image.new("RGB", (8, 8)))[0] == "png"
    assert picture(image.new("P", (8, 4)))[0] == "png"
    assert picture(figures.Figure())[0] == "png"
