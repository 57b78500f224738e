"""What nodes stream is on the page while they run, below the drawing, and stays there."""

import json
import os
from pathlib import Path

import pytest

from tests.browser.cells import LOAD
from tests.browser.hostile import Watch, copied, texts
from tests.browser.lab import expect
from tests.browser.test_looks import CONTRASTS, READABLE

pytestmark = pytest.mark.browser

WRITES = """%%graph writes
import time
from pathlib import Path
from typing import Any, TypedDict
from nbhitl import get_stream_writer, stream_message

class State(TypedDict, total=False):
    told: dict[str, Any]
    sure: str
    checked: bool

def until(name):
    while not Path(name).exists():
        time.sleep(0.01)

def writer(state: State):
    def tokens():
        for number in range(400):
            yield f"word{number} "
        until("half")
        yield "<b>The end.</b>"
    return {"told": stream_message(tokens())}

def check(state: State):
    write = get_stream_writer()
    write("reading the sources")
    write({"done": 3, "of": 10})
    until("checked")
    return {"checked": True}

def asks(state: State):
    first = interrupt("Really?", response_schema=str)
    get_stream_writer()(f"thinking about {first}")
    until("thought")
    get_stream_writer()("made up my mind")
    return {"sure": first}

def other(state: State):
    return {"told": {"other": interrupt("What else?", response_schema=str)}}

flow(START, [writer, check], asks, END)
"""


def shoot(book, name):
    """A picture for whoever wants to look: NBHITL_SHOTS names the folder."""
    folder = os.environ.get("NBHITL_SHOTS")
    if folder:
        book.graph(1).box.evaluate("e => e.scrollIntoView({ block: 'start' })")
        book.page.screenshot(path=Path(folder) / f"{name}.png")


def go(book, name):
    (book.path.parent / name).touch()


def test_text_grows_while_nodes_run_follows_its_end_and_stays_in_the_file(lab, page):
    page.set_viewport_size({"width": 1400, "height": 900})
    book = lab(LOAD, WRITES)
    book.run(0)
    book.start(1)
    areas = book.output(1).locator(".nbh-streamed:visible")
    writer = areas.filter(has_text="word399")
    expect(writer).to_be_visible()
    expect(writer.locator(".nbh-who")).to_have_text("writer")
    roll = writer.locator(".nbh-roll")
    assert roll.evaluate("e => e.scrollHeight > e.clientHeight && e.scrollTop === 0")  # its end, in a reversed column
    expect(areas.filter(has_text="reading the sources")).to_contain_text('{"done": 3, "of": 10}')
    shoot(book, "streaming-light")
    book.theme("JupyterLab Dark")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    shoot(book, "streaming-dark")
    book.theme("JupyterLab Light")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.set_viewport_size({"width": 800, "height": 900})
    book._js("await app.commands.execute('application:toggle-left-area');")
    shoot(book, "streaming-narrow")
    roll.evaluate("e => { e.scrollTop = -80; }")  # the person reads what is above
    go(book, "half")
    expect(writer).to_contain_text("<b>The end.</b>")
    assert roll.evaluate("e => e.scrollTop") <= -80
    go(book, "checked")
    book.ended(1)
    form = book.form(1)
    expect(form.box).to_be_visible()
    expect(areas).to_have_count(2)
    page.set_viewport_size({"width": 1400, "height": 900})
    shoot(book, "streaming-form")
    form.box.locator("input[type=text], textarea").first.fill("sure")
    form.submit.click()
    expect(areas.filter(has_text="thinking about sure")).to_be_visible()
    shoot(book, "streaming-after")
    go(book, "thought")
    book.graph(1).shows(asks="done")
    expect(areas.filter(has_text="The end.")).to_be_visible()
    expect(book.output(1).get_by_text("Finished.")).to_be_visible()
    shoot(book, "streaming-finished")
    saved = json.loads(book.save())["cells"][1]["outputs"]
    (plain,) = [text for output in saved if "writer:" in (text := "".join(output["data"].get("text/plain", "")))]
    assert plain.startswith(("check:\nreading the sources\n", "writer:\nword0 "))
    assert "<b>The end.</b>" in plain
    assert plain.endswith("asks:\nthinking about sure\nmade up my mind")


def test_a_page_that_is_loaded_again_goes_on_with_the_text(lab):
    book = lab(LOAD, WRITES)
    go(book, "half")
    go(book, "checked")
    book.run(0, 1)
    form = book.form(1)
    form.box.locator("input[type=text], textarea").first.fill("reloading")
    form.submit.click()
    areas = book.output(1).locator(".nbh-streamed:visible")
    expect(areas.filter(has_text="thinking about reloading")).to_be_visible()
    book.reload()
    expect(areas.filter(has_text="thinking about reloading")).to_be_visible()
    expect(areas.filter(has_text="<b>The end.</b>")).to_be_visible()
    go(book, "thought")
    expect(areas.filter(has_text="made up my mind")).to_be_visible()


def test_a_kernel_that_is_restarted_leaves_the_text_as_it_was_and_the_next_run_begins_it_anew(lab):
    book = lab(LOAD, WRITES)
    book.run(0)
    book.start(1)
    areas = book.output(1).locator(".nbh-streamed:visible")
    expect(areas.filter(has_text="word399")).to_be_visible()
    saved = json.loads(book.save())
    while "word399" not in json.dumps(saved):  # the file is a little behind the page
        saved = json.loads(book.save())
    book.restart()
    outputs = json.loads(book.save())["cells"][1]["outputs"]
    assert "word399" in json.dumps(outputs)
    assert not any(output["output_type"] == "error" for output in outputs)
    book.run(0)
    go(book, "half")
    go(book, "checked")
    book.run(1)
    expect(book.form(1).box).to_be_visible()
    writer = areas.filter(has_text="word399")
    expect(writer).to_have_count(1)
    expect(writer).to_contain_text("word0 word1 ")
    expect(writer).to_contain_text("<b>The end.</b>")
    expect(writer.locator("pre")).to_have_count(1)


HOSTILE = """%%graph hostile
import json
from pathlib import Path
from typing import TypedDict
from nbhitl import get_stream_writer, stream_message

class State(TypedDict, total=False):
    n: int

def streams(state: State):
    write = get_stream_writer()
    for text in json.loads(Path("texts.json").read_text()):
        write(text)
        stream_message([text[: len(text) // 2], text[len(text) // 2 :], "\\n"])

def asks(state: State):
    interrupt("Seen?", response_schema=str)

flow(START, streams, asks, END)
"""


def test_hostile_texts_that_are_streamed_are_shown_as_text(lab, server, page):
    book = lab(LOAD, HOSTILE)
    watch = Watch(page, server)
    (book.path.parent / "texts.json").write_text(json.dumps(texts()))
    book.run(0, 1)
    live = book.output(1).locator(".nbh-live .nbh-streamed")
    expect(live).to_contain_text("fake prompt")
    watch.poke()
    watch.nothing()
    asked = copied(book)
    form = book.form(1)
    form.box.locator("textarea, input[type=text]").first.fill("yes")
    form.submit.click()
    book.graph(1).shows(asks="done")
    expect(book.output(1).locator(".nbh-streamed:visible")).to_be_visible()
    watch.poke()
    watch.nothing()

    book = lab(text=asked)
    assert not book.is_trusted()
    expect(book.output(1).locator(".nbh-streamed")).to_contain_text("fake prompt")
    watch.poke()
    watch.nothing()


def test_the_text_can_be_read_in_light_and_dark(lab):
    book = lab(LOAD, WRITES)
    book.run(0)
    book.start(1)
    expect(book.output(1).locator(".nbh-streamed:visible").filter(has_text="word399")).to_be_visible()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        found = book.graph(1).box.evaluate(CONTRASTS)
        assert {"nbh-who: writer", "nbh-who: check"} < found.keys()
        assert {text: ratio for text, ratio in found.items() if ratio < READABLE} == {}
