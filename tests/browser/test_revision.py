"""Code that was edited while a run was paused, and nodes that fail, in JupyterLab."""

import pytest

from tests.browser.cells import LOAD, POST
from tests.browser.lab import expect

pytestmark = pytest.mark.browser

EDITED = POST.replace('f"About', 'f"All about').replace('["publish", "revise"]', '["publish", "revise", "drop"]')
FAILS = """\
%%graph sums
from typing import TypedDict

class State(TypedDict, total=False):
    n: int
    by: int

def one(state: State):
    return {"n": 84}

def ask(state: State):
    return {"by": interrupt("Divide by?", response_schema=int)}

def divide(state: State):
    return {"n": state["n"] // state["by"]}

flow(START, one, ask, divide, END)
"""
THEMES = ["JupyterLab Light", "JupyterLab Dark"]


@pytest.mark.parametrize("theme", THEMES)
def test_an_edit_is_shown_with_its_differences_and_run_again_by_a_button(lab, tmp_path, theme):
    book = lab(LOAD, POST, EDITED)
    book.page.set_viewport_size({"width": 1400, "height": 900})
    book.theme(theme)
    book.run(0, 1, 2)
    output = book.output(2)
    region = output.get_by_role("region", name="edited code")
    expect(region).to_contain_text("Changed since the run stopped: draft, review (Review).")
    summaries = region.locator("summary")
    summaries.nth(0).press("Enter")
    expect(region.locator("ins").first).to_be_visible()
    summaries.nth(1).click()
    book.page.screenshot(path=tmp_path / "edited.png")
    output.get_by_role("button", name="Run again from step 0, before draft").click()
    expect(output).to_contain_text("Run again with the new code from step 0, before draft")
    expect(output).to_contain_text("All about tea.")
    expect(output.get_by_role("button", name="New thread")).to_have_count(0)
    form = book.form(2)
    form.choose("drop")
    book.page.screenshot(path=tmp_path / "again.png")


def test_a_new_thread_is_begun_below_the_old_one_which_stays(lab):
    book = lab(LOAD, POST, EDITED, "%graph threads")
    book.run(0, 1, 2)
    book.output(2).get_by_role("button", name="New thread").click()
    expect(book.output(2)).to_contain_text("All about tea.")
    expect(book.output(2).locator(".nbhitl-Graph")).to_have_count(2)
    book.run(3)
    expect(book.output(3)).to_contain_text("post-2")


@pytest.mark.parametrize("theme", THEMES)
def test_a_node_that_fails_after_an_answer_shows_its_lines_in_the_cell_and_is_retried(lab, tmp_path, theme):
    book = lab(LOAD, FAILS, FAILS.replace("// state", "// max(1, state").replace('["by"]}', '["by"])}'))
    book.page.set_viewport_size({"width": 1400, "height": 900})
    book.theme(theme)
    book.run(0, 1)
    form = book.form(1)
    form.box.locator("input").first.fill("0")
    form.submit.click()
    output = book.output(1)
    expect(output).to_contain_text("ZeroDivisionError")
    expect(output).to_contain_text("This was in node divide, step 2, given n: 84, by: 0.")
    expect(output.get_by_role("button", name="Retry")).to_be_visible()
    book.graph(1).shows(one="done", divide="failed")
    book.page.screenshot(path=tmp_path / "failed.png")
    book.run(2)
    book.graph(2).shows(one="done", divide="done")
    book.page.screenshot(path=tmp_path / "fixed.png")
