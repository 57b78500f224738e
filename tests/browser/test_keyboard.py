"""Everything can be done without a mouse."""

import pytest

from tests.browser.cells import LOAD, POST
from tests.browser.lab import expect

pytestmark = pytest.mark.browser


def test_breakpoints_and_answers_need_no_mouse(lab):
    book = lab(LOAD, POST)
    book.run(0, 1)
    graph, keys = book.graph(1), book.page.keyboard
    graph.shows(review="waiting")

    graph.node("draft").focus()
    keys.press("Tab")
    expect(graph.node("review")).to_be_focused()
    keys.press("Tab")
    expect(graph.node("publish")).to_be_focused()
    graph.marked("publish", on=False)
    keys.press("Enter")
    graph.marked("publish")
    expect(graph.node("publish")).to_be_focused()
    keys.press("Space")
    graph.marked("publish", on=False)
    keys.press("Enter")
    graph.marked("publish")
    keys.press("Shift+Tab")
    expect(graph.node("review")).to_be_focused()

    form = book.form(1)
    form.text("Notes").focus()
    keys.type("typed, and sent at once")
    keys.press("Control+Enter")
    expect(form.field("Decision").get_by_role("alert")).to_be_visible()
    expect(form.text("Notes")).to_have_value("typed, and sent at once")
    form.option("publish").focus()
    keys.press("Space")
    keys.press("Control+Enter")
    graph.shows(publish="paused")
    # Neither Enter ran the cell a second time or wrote into it.
    assert book.executed(1) == 2

    book.output(1).get_by_role("button", name="Continue").focus()
    keys.press("Enter")
    expect(graph.box).to_have_attribute("data-status", "finished")
    book.shutdown()
    [(answer,)] = book.sql("SELECT answer FROM answers")
    assert "typed, and sent at once" in str(answer)
