"""The main story: run, look, set a breakpoint, answer, answer again, continue."""

import pytest

from tests.browser.cells import LOAD, POST
from tests.browser.lab import expect

pytestmark = pytest.mark.browser


def test_a_post_is_drafted_reviewed_revised_and_published_in_one_cell(lab):
    book = lab(LOAD, POST)
    book.run(0, 1)
    graph = book.graph(1)
    graph.shows(draft="done", review="waiting", publish="idle")
    expect(graph.box).to_have_count(1)

    graph.node("publish").click()
    graph.marked("publish")

    form = book.form(1)
    expect(form.box).to_contain_text("Publish this draft?")
    expect(form.box).to_contain_text("About tea.")
    form.text("Notes").fill("more on Darjeeling")
    form.submit.click()
    expect(form.field("Decision").get_by_role("alert")).to_be_visible()
    expect(form.field("Notes").get_by_role("alert")).to_have_count(0)
    expect(form.text("Notes")).to_have_value("more on Darjeeling")

    form.choose("revise")
    form.submit.click()
    expect(form.box).to_contain_text("About tea. more on Darjeeling")
    graph.shows(draft="done", review="waiting")

    form.choose("publish")
    form.submit.click()
    graph.shows(review="done", publish="paused")
    expect(graph.status).to_contain_text("publish")
    expect(graph.status).to_contain_text("breakpoint")
    expect(book.output(1)).not_to_contain_text("published:")

    book.output(1).get_by_role("button", name="Continue").click()
    graph.shows(publish="done")
    expect(graph.box).to_have_attribute("data-status", "finished")
    expect(book.output(1)).to_contain_text("published: About tea. more on Darjeeling")
    expect(book.answers(1)).to_have_count(2)
    expect(book.answers(1).first).to_contain_text("more on Darjeeling")

    book.shutdown()
    rows = book.sql("SELECT node, answer, via FROM answers ORDER BY answered_at")
    assert [(node, via) for node, _, via in rows] == [("review", "form")] * 2
    assert "revise" in str(rows[0][1])
    assert "more on Darjeeling" in str(rows[0][1])
    assert "publish" in str(rows[1][1])
