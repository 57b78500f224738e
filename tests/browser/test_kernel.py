"""What outlives a reload, a restart and a Stop, and what reaches a run that is at work."""

import pytest

from tests.browser.cells import LOAD, POST, WAIT
from tests.browser.lab import expect

pytestmark = pytest.mark.browser


def test_after_a_reload_the_drawing_is_live_and_the_form_still_answers(lab):
    book = lab(LOAD, POST)
    book.run(0, 1)
    graph, form = book.graph(1), book.form(1)
    graph.node("publish").click()
    graph.marked("publish")
    form.text("Notes").fill("kept over a reload")
    form.choose("revise")

    book.reload()
    graph.shows(draft="done", review="waiting")
    graph.marked("publish")
    expect(form.text("Notes")).to_have_value("kept over a reload")
    form.choose("publish")
    form.submit.click()
    graph.shows(review="done", publish="paused")
    expect(graph.status).to_contain_text("breakpoint")
    graph.node("publish").click()
    graph.marked("publish", on=False)
    # JupyterLab brings no new output to a page that did not run the cell: running it again does.
    book.run(1)
    book.output(1).get_by_role("button", name="Continue").click()
    graph.shows(publish="done")
    expect(book.output(1)).to_contain_text("published: About tea.")


def test_after_a_restart_the_same_question_waits_and_old_drawings_say_what_to_do(lab):
    book = lab(LOAD, POST)
    book.run(0, 1)
    graph, form = book.graph(1), book.form(1)
    form.text("Notes").fill("before the restart")
    form.choose("revise")
    form.submit.click()
    expect(form.box).to_contain_text("About tea. before the restart")
    graph.node("publish").click()
    graph.marked("publish")

    book.restart()
    graph.node("draft").click()
    expect(graph.notice).to_contain_text("Run the cell first")

    book.run(0, 1)
    expect(form.box).to_contain_text("About tea. before the restart")
    graph.shows(draft="done", review="waiting")
    graph.marked("publish")
    form.choose("publish")
    form.submit.click()
    graph.shows(publish="paused")
    book.output(1).get_by_role("button", name="Continue").click()
    expect(book.output(1)).to_contain_text("published: About tea. before the restart")
    book.shutdown()
    assert len(book.sql("SELECT node FROM answers")) == 2
    assert len(book.sql("SELECT DISTINCT thread FROM threads")) == 1


def test_stop_ends_the_cell_after_the_node_that_runs_and_the_next_run_goes_on_behind_it(lab):
    book = lab(LOAD, WAIT)
    folder, graph = book.path.parent, book.graph(1)
    book.run(0)
    book.start(1)
    graph.shows(wait="running", after="idle")

    book.interrupt()
    expect(book.output(1)).to_contain_text("Stopping after the node")
    (folder / "go").touch()
    book.ended(1)
    graph.shows(wait="done")
    expect(graph.box).not_to_have_attribute("data-status", "finished")
    expect(book.output(1)).not_to_contain_text("after: waited")

    book.run(1)
    graph.shows(wait="done", after="done")
    expect(book.output(1)).to_contain_text("after: waited")
    assert (folder / "wait.log").read_text() == "wait\n"


def test_a_breakpoint_that_is_clicked_while_the_cell_runs_stops_that_run(lab):
    book = lab(LOAD, WAIT)
    graph = book.graph(1)
    book.run(0)
    book.start(1)
    graph.shows(wait="running")
    graph.node("after").click()
    graph.marked("after")

    (book.path.parent / "go").touch()
    book.ended(1)
    graph.shows(wait="done", after="paused")
    expect(graph.status).to_contain_text("breakpoint")
    book.output(1).get_by_role("button", name="Continue").click()
    expect(book.output(1)).to_contain_text("after: waited")
    graph.shows(after="done")
