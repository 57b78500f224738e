"""A report is read from a file, by keyboard, in the dark, without a script; strangers' texts in it do nothing."""

import itertools
import operator
from typing import Annotated, Any, TypedDict

import pytest

from nbhitl import END, START, InMemorySaver, Session, StateGraph, interrupt
from tests.browser.hostile import texts
from tests.browser.lab import expect

pytestmark = pytest.mark.browser


class State(TypedDict, total=False):
    said: object
    log: Annotated[list, operator.add]


@pytest.fixture
def opened(page):
    """Opens a file in a page; what it asks for, runs or complains of is kept."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(f"request: {request.url}"))
    page.on("dialog", lambda dialog: (seen.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("pageerror", lambda error: seen.append(f"error: {error}"))
    page.on("console", lambda message: seen.append(f"console: {message.text}"))

    def open_(file):
        page.goto(file.as_uri())
        assert seen.pop(0) == f"request: {file.as_uri()}"
        return seen

    return open_


def looped(times):
    def work(state):
        return {"said": f"line {len(state.get('log', []))}", "log": ["worked"]}

    builder = StateGraph(State).add_node("work", work).add_node("ask", lambda state: {"said": interrupt("Well?")})
    builder.add_edge(START, "work").add_edge("ask", END)
    ends = {"again": "work", "enough": "ask"}
    builder.add_conditional_edges("work", lambda state: "again" if len(state["log"]) < times else "enough", ends)
    return Session(builder.compile(checkpointer=InMemorySaver(), name="loop"), "demo")


def look(page, label):
    return page.locator("#picture g.node").filter(has_text=label)


def test_the_steps_are_walked_by_keys_by_the_slider_and_by_the_rows(opened, page, tmp_path):
    session = looped(3)
    session.go({})
    seen = opened(session.report(tmp_path / "story.html"))
    expect(page.locator("#where")).to_have_text("6 of 6")
    expect(look(page, "ask")).to_have_attribute("data-look", "waiting")
    expect(page.locator("#step")).to_contain_text("ask waits for an answer")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#step h2")).to_have_text("Step 3")
    expect(look(page, "work")).to_have_attribute("data-look", "ran")
    expect(look(page, "ask")).to_have_attribute("data-look", "next")
    expect(page.locator("#state tr.changed ins")).to_have_text(["line 2", '["worked", "worked", "worked"]'])
    expect(page.locator("#state tr.changed del b")).to_have_text(["1"])
    page.keyboard.press("Home")
    expect(page.locator("#step h2")).to_have_text("Step -1: new input")
    expect(page.get_by_role("button", name="Step before")).to_be_disabled()
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#where")).to_have_text("2 of 6")
    page.locator("#timeline tr[data-step='3']").click()
    expect(page.locator("#timeline tr[aria-current]")).to_have_attribute("data-step", "3")
    expect(page.locator("#step h2")).to_have_text("Step 2")
    page.get_by_role("button", name="First step").click()
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#where")).to_have_text("6 of 6")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert seen == []


def test_without_a_script_the_last_step_is_told(browser, tmp_path):
    session = looped(2)
    session.go({})
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(session.report(tmp_path / "story.html").as_uri())
    expect(page.locator("#step")).to_contain_text("ask waits for an answer")
    expect(page.locator("#state")).to_contain_text("line 1")
    expect(page.locator("#timeline tbody tr")).to_have_count(5)
    expect(page.locator("#bar")).to_be_hidden()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 800])
def test_the_page_fits_its_window_in_each_colour_scheme(opened, page, tmp_path, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    session = looped(2)
    session.go({"log": ["x" * 3_000]})
    opened(session.report(tmp_path / "story.html"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]


def hostile(file):
    """A report of a graph with hostile texts in all places."""
    found = texts()
    safe = dict(zip(map(ord, "/:|"), "-+!", strict=True))
    names = [name for name in dict.fromkeys(text.translate(safe) for text in found) if name not in ("", "__end__")]
    kinds: Any = TypedDict
    schema = kinds("Hostile", {**{f"k{n} {text}": object for n, text in enumerate(found)}, "said": object}, total=False)

    def wrote(state):
        return {f"k{n} {text}": text for n, text in enumerate(found)}

    def ask(state):
        return {"said": interrupt({text: text for text in found})}

    def fail(state):
        raise ValueError(" ".join(found))

    builder = StateGraph(schema).add_node("ask", ask).add_node("fail", fail)
    for name in names:
        builder.add_node(name, wrote)
    steps = [START, *names, "ask", "fail"]
    for source, target in itertools.pairwise(steps):
        builder.add_edge(source, target)
    session = Session(builder.compile(checkpointer=InMemorySaver(), name=found[0]), found[1])
    session.go({})
    session.answer(found, by=found[2], via=found[3], note=" ".join(found))
    session.go()
    return session.report(file, title=" ".join(found))


def test_strangers_texts_run_nothing_load_nothing_and_stay_text(opened, page, tmp_path):
    seen = opened(hostile(tmp_path / "story.html"))
    page.keyboard.press("Home")
    for _ in range(page.locator("#timeline tbody tr").count()):
        page.keyboard.press("ArrowRight")
    page.evaluate(
        "for (const e of document.querySelectorAll('*')) for (const kind of ['mouseover', 'focus', 'error', 'load'])"
        " e.dispatchEvent(new Event(kind))"
    )
    page.wait_for_function("() => new Promise(done => setTimeout(() => done(true), 50))")
    assert seen == []
    assert page.evaluate("'__pwn' in window") is False
    strange = page.evaluate(
        "[...document.querySelectorAll('iframe,object,embed,base,link,form,a,img,use,foreignObject,animate,set')]"
        ".map(e => e.outerHTML)"
    )
    assert strange == []
    assert page.locator("script").count() == 2
    attributes = "[...document.querySelectorAll('*')].flatMap(element => [...element.attributes])"
    assert page.evaluate(f"{attributes}.filter(attribute => /^on/i.test(attribute.name)).length") == 0
