"""Every field can be filled in with keys, while the kernel is busy too, and says what is wrong at its place."""

import json

import pytest

from tests.browser.cells import LOAD, POST
from tests.browser.hostile import Watch, texts
from tests.browser.lab import expect

pytestmark = pytest.mark.browser

ORDER = '''\
%%graph order
import json
from pathlib import Path
from typing import Annotated, Literal, TypedDict
from pydantic import BaseModel, Field, SecretStr
from nbhitl import Upload

class State(TypedDict, total=False):
    done: bool

class Address(BaseModel):
    street: str
    number: int = Field(ge=1)

class Price(BaseModel):
    item: str
    price: float
    ok: bool = False
    unit: Literal["kg", "piece"] = "kg"

class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int

class Dog(BaseModel):
    kind: Literal["dog"]
    name: str

PRICES = [Price(item=f"Tea {n}", price=n) for n in range(300)]

class Order(BaseModel):
    """Please complete the order"""
    address: Address
    tags: list[str] = Field(["tea"], max_length=4)
    people: list[Address] = []
    prices: list[Price] = Field(PRICES, json_schema_extra={"x-table": True})
    pet: Cat | Dog = Field(discriminator="kind")
    report: Annotated[Upload, Upload.only(largest=11_000_000)]
    token: SecretStr

def ask(state: State):
    order = interrupt("?", response_schema=Order)
    flat = order.model_dump(exclude={"prices", "report", "token"})
    parts = [len(order.prices), order.prices[1].price, order.prices[-1].item, order.report.name, order.report.text()]
    Path("got.json").write_text(json.dumps([flat, parts, order.token.get_secret_value()]))
    return {"done": True}

flow(START, ask, END)
'''

SECRET = "NBHITL_SECRET_7f3a9c"
BUSY = "from time import sleep\nwhile not __import__('pathlib').Path('go').exists(): sleep(0.02)"


def focused(book, label):
    """Wait until the control of this name has the cursor."""
    expect(book.page.locator(":focus")).to_have_accessible_name(label)


def test_every_compound_field_is_filled_in_with_keys_while_the_kernel_is_busy(lab):
    book = lab(LOAD, ORDER, BUSY)
    book.run(0, 1)
    form, keys = book.form(1), book.page.keyboard
    expect(form.box).to_contain_text("Please complete the order")
    book.start(2)

    form.box.get_by_label("Street").first.focus()
    keys.type("High Street")
    keys.press("Tab")
    keys.type("0")
    form.box.get_by_role("button", name="add to Tags").focus()
    keys.press("Enter")
    focused(book, "Tags 2")
    keys.type("milk")
    keys.press("Enter")
    focused(book, "Tags 3")
    keys.type("sugar")
    keys.press("Alt+ArrowUp")
    focused(book, "Tags 2")
    form.box.get_by_role("button", name="remove: Tags 1").focus()
    keys.press("Space")
    focused(book, "remove: Tags 1")
    form.box.get_by_role("button", name="add to People").focus()
    keys.press("Enter")
    keys.type("Low Road")
    keys.press("Tab")
    keys.type("5")

    form.box.get_by_label("Item, row 1", exact=True).focus()
    keys.press("ArrowDown")
    focused(book, "Item, row 2")
    keys.press("Tab")
    keys.type("x")
    keys.press("Enter")
    focused(book, "Price, row 3")
    add = form.box.get_by_role("button", name="add a row to Prices")
    add.focus()
    keys.press("Enter")
    focused(book, "Item, row 301")
    keys.type("Last")
    keys.press("ArrowRight")
    keys.type("1.5")
    assert form.box.locator("tbody tr").count() < 100  # only what can be seen is on the page

    form.option("Dog").focus()
    keys.press("Space")
    form.box.get_by_label("Name").focus()
    keys.type("Rex")
    form.option("Dog").focus()
    keys.press("ArrowUp")
    keys.press("ArrowDown")
    expect(form.box.get_by_label("Name")).to_have_value("Rex")
    large = book.path.parent / "a.csv"
    large.write_bytes(b"x" * 11_000_001)
    form.box.locator("input[type=file]").set_input_files(large)
    expect(form.field("Report").get_by_role("alert")).to_contain_text("too large")
    large.write_bytes(b"x" * 11_000_000)  # more than a server takes in one message
    form.box.locator("input[type=file]").set_input_files(large)
    expect(form.field("Report")).to_contain_text("a.csv (11.0 MB)")
    form.box.locator("input[type=password]").focus()
    keys.type(SECRET)
    (book.path.parent / "go").touch()
    book.ended(2)
    keys.press("Control+Enter")

    expect(form.box.get_by_label("Number").first).to_have_attribute("aria-invalid", "true")
    expect(form.box.get_by_label("Price, row 2", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(form.field("Prices")).to_contain_text("Row 2, Price must be a number")
    focused(book, "Number *")
    expect(form.field("Token")).to_contain_text("Type it again")
    keys.press("Control+A")
    keys.type("7")
    form.box.get_by_role("button", name="Row 2, Price").focus()
    keys.press("Enter")
    focused(book, "Price, row 2")
    keys.type("2.5")
    keys.press("Tab")

    book.reload()
    form = book.form(1)
    expect(form.box.get_by_label("Price, row 2", exact=True)).to_have_value("2.5")
    expect(form.field("Report")).to_contain_text("choose it again")
    large.write_bytes(b"xyz")
    form.box.locator("input[type=file]").set_input_files(large)
    expect(form.field("Report")).to_contain_text("a.csv (3 bytes)")
    form.box.locator("input[type=password]").fill(SECRET)
    form.submit.focus()
    keys.press("Enter")
    expect(book.graph(1).box).to_have_attribute("data-status", "finished")
    flat, parts, token = json.loads((book.path.parent / "got.json").read_text())
    assert flat == {
        "address": {"street": "High Street", "number": 7}, "tags": ["sugar", "milk"],
        "people": [{"street": "Low Road", "number": 5}], "pet": {"kind": "dog", "name": "Rex"},
    }  # fmt: skip
    assert (parts, token) == ([301, 2.5, "Last", "a.csv", "xyz"], SECRET)
    assert SECRET not in book.save()
    assert SECRET not in book.page.content()


def test_the_cursor_goes_on_to_what_comes_next_and_what_was_typed_is_kept(lab):
    book = lab(LOAD, POST)
    book.run(0, 1)
    form, keys = book.form(1), book.page.keyboard
    form.text("Notes").fill("half")
    keys.press("Control+Enter")
    expect(form.option("publish")).to_be_focused()
    group = form.box.get_by_role("radiogroup", name="Decision *")
    expect(group).to_have_attribute("aria-invalid", "true")
    expect(group).to_have_accessible_description("Is required")
    expect(form.text("Notes")).to_have_accessible_name("Notes")
    expect(form.text("Notes")).to_have_accessible_description("What should change?")

    form.box.evaluate("form => { form.dataset.seen = 'yes'; }")
    book.run(1)
    expect(form.box).not_to_have_attribute("data-seen", "yes")  # another form for the same question
    expect(form.text("Notes")).to_have_value("half")
    form.option("publish").focus()
    keys.press("ArrowDown")  # for the options, and not for the notebook
    expect(form.option("revise")).to_be_focused()
    keys.press("Control+Enter")
    expect(form.box).to_contain_text("About tea. half")
    expect(form.option("publish")).to_be_focused()
    keys.press("Space")
    keys.press("Control+Enter")
    expect(book.graph(1).box).to_have_attribute("data-status", "finished")
    expect(book.output(1)).to_be_focused()


SEND = """async ([id, method, said]) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const comm = kernel._comms.get(id);
  comm.send(method === 'custom' ? { method, content: said } : { method, state: said, buffer_paths: [] });
}"""
IDS = """\
from ipywidgets.widgets.widget import _instances
made = {type(w).__name__: w for w in _instances.values()}
print(made["Submit"].model_id, made["RadioButtons"].model_id)
"""


def test_messages_that_go_round_the_controls_are_refused(lab):
    book = lab(LOAD, POST, IDS)
    book.run(0, 1, 2)
    submit, radio = book.output(2).inner_text().split()
    form = book.form(1)

    def send(id, method, said):
        book.page.evaluate(SEND, [id, method, said])

    for values in (
        [99, "x"], [-1, "x"], [True, "x"], ["publish", "x"], [[0, 0], "x"], [{"index": 0}, "x"],
        [0, {"value": 1}], [0, ["x"]], [], None,
    ):  # fmt: skip
        send(submit, "custom", {"batch": "1", "values": values})
        expect(form.field("Decision").or_(form.field("Notes")).get_by_role("alert").first).to_be_visible()
    for state in ({"_options_labels": ["a", "b", "sell everything"]}, {"index": 2}, {"index": 99}):
        send(radio, "update", state)
    send(submit, "custom", {"batch": "2", "values": [2, ""]})
    send(submit, "custom", {"batch": "3", "ahead": True, "values": [0, ""]})
    send(submit, "unknown", {"values": [0, ""]})
    expect(form.field("Decision").get_by_role("alert")).to_be_visible()
    assert book.graph(1).box.get_attribute("data-status") == "interrupted"
    send(submit, "update", {"disabled": True})
    send(submit, "custom", {"batch": "4", "values": [0, ""]})
    send(submit, "custom", {"batch": "4", "values": [1, "twice"]})
    expect(book.graph(1).box).to_have_attribute("data-status", "finished")
    expect(book.answers(1)).to_have_count(1)
    expect(book.answers(1)).to_contain_text("publish")


HOSTILE = """\
%%graph hostile
import json
from pathlib import Path
from typing import TypedDict

class State(TypedDict, total=False):
    said: str

def ask(state: State):
    fields = {}
    for n, text in enumerate(json.loads(Path("texts.json").read_text())):
        inner = {"title": text, "description": text, "type": "string", "default": text}
        members = {text or "x": inner, "pick": {"title": text, "enum": [text, "b", "c", "d", "e", "f"][: 2 + n % 5]}}
        thing = {"type": "object", "title": text, "description": text, "properties": members, "required": ["pick"]}
        kinds = [
            thing,
            {"title": text, "description": text, "type": "array", "items": inner, "default": [text]},
            {"title": text, "type": "array", "x-table": True, "items": thing, "default": [{text or "x": text}]},
            {"title": text, "anyOf": [{"type": "integer", "title": "1" + text}, {**inner, "title": "2" + text}]},
            {"title": text, "type": "array", "items": thing, "default": [{text or "x": text}]},
        ]
        fields[f"{n} {text}"] = kinds[n % len(kinds)]
    interrupt("?", response_schema={"properties": fields, "required": list(fields)})

flow(START, ask, END)
"""


def test_hostile_texts_in_compound_fields_are_shown_as_text(lab, server, page):
    book = lab(LOAD, HOSTILE)
    watch = Watch(page, server)
    (book.path.parent / "texts.json").write_text(json.dumps(texts()))
    book.run(0, 1)
    form = book.form(1)
    expect(form.box.locator(".nbh-compound").last).to_be_visible()
    expect(form.box).to_contain_text("<script>window.__pwn=1</script>")
    form.submit.click()  # each "pick" is required
    expect(form.box.get_by_role("alert").first).to_be_visible()
    watch.poke()
    watch.nothing()
