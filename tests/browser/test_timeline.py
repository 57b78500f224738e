"""The timeline, the branches and the what-if in a real notebook."""

from __future__ import annotations

import os
from pathlib import Path

from tests.browser.cells import LOAD, POST
from tests.browser.lab import expect

ANSWER = "%graph answer decision=revise notes=shorter"
SHOTS = os.environ.get("NBHITL_SHOTS")
"""A folder for pictures to look at."""


def shot(notebook, name):
    if SHOTS:
        notebook.page.set_viewport_size({"width": 1400, "height": 900})
        notebook.page.wait_for_timeout(2000)
        notebook.page.screenshot(path=Path(SHOTS) / f"{name}.png")


def steps(notebook, n):
    return notebook.output(n).locator(".nbh-timeline select")


def test_a_step_is_looked_at_and_gone_back_to_and_forked(lab):
    notebook = lab(LOAD, POST, ANSWER, "%graph timeline", "%graph branches")
    notebook.run(0, 1, 2, 3)
    rows = steps(notebook, 3).locator("option")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("0 ✓ draft")
    expect(notebook.output(3)).to_contain_text("Step 3: ? review asked")
    # with the keyboard alone
    steps(notebook, 3).focus()
    notebook.page.keyboard.press("ArrowUp")
    notebook.page.keyboard.press("ArrowUp")
    expect(notebook.output(3)).to_contain_text("Step 1: ✓ review ran")
    expect(notebook.output(3)).to_contain_text("What this step changed")
    expect(notebook.output(3)).to_contain_text("review asked “")
    shot(notebook, "timeline-light")
    if SHOTS:
        notebook.theme("JupyterLab Dark")
        shot(notebook, "timeline-dark")
    notebook.output(3).get_by_role("button", name="Go back here").click()
    expect(notebook.output(3)).to_contain_text("back at step 1, review waits for an answer, on branch 2.")
    expect(rows).to_have_count(2)
    notebook.graph(1).shows(draft="done", review="waiting")
    expect(notebook.form(1).submit).to_be_visible()
    steps(notebook, 3).select_option(index=0)
    expect(notebook.output(3)).to_contain_text("Step 0: ✓ draft ran")
    notebook.output(3).get_by_role("button", name="Fork here").click()
    expect(notebook.output(3)).to_contain_text("forked at step 0, before draft, on branch 3.")
    notebook.graph(1).shows(draft="paused")
    notebook.run(4)
    expect(notebook.output(4)).to_contain_text("branch 3")
    expect(notebook.output(4).locator("tr[aria-current]")).to_contain_text("● now")


def test_the_saved_notebook_keeps_the_timeline_as_a_table(lab):
    notebook = lab(LOAD, POST, ANSWER, "%graph timeline")
    notebook.run(0, 1, 2, 3)
    expect(steps(notebook, 3)).to_be_visible()
    expect(notebook.output(3).locator(".nbh-story")).to_be_hidden()
    assert "Timeline of post / post, on main" in notebook.save()


def test_the_form_of_a_question_that_is_open_again_takes_another_answer(lab):
    notebook = lab(LOAD, POST, "%graph back", "%graph compare main", "%graph what-if")
    notebook.run(0, 1)
    notebook.form(1).choose("publish")
    notebook.form(1).submit.click()
    notebook.graph(1).shows(publish="done")
    notebook.run(2)
    notebook.run(2)
    notebook.graph(1).shows(review="waiting")
    notebook.run(4)
    expect(notebook.output(4)).to_contain_text("review → publish")
    notebook.form(1).choose("revise")
    notebook.form(1).submit.click()
    notebook.graph(1).shows(review="waiting", draft="done")
    notebook.run(3)
    expect(notebook.output(3)).to_contain_text("part after step 0 (draft)")
    shot(notebook, "compare-light")
    notebook.theme("JupyterLab Dark")
    shot(notebook, "compare-dark")
