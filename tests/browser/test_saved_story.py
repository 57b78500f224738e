"""The saved output of a cell tells its story with no kernel, no widgets and nothing of ours, at every moment."""

import re
import warnings

import nbformat
import pytest

from tests.browser.cells import LOAD, POST
from tests.browser.lab import expect

pytestmark = pytest.mark.browser


def saved(book, cell=1):
    """The texts and the HTML of a cell's outputs in the file, without widgets; and the page that nbconvert makes."""
    nbconvert = pytest.importorskip("nbconvert")
    file = nbformat.reads(book.save(), as_version=4)
    nbformat.validate(file)
    data = [output["data"] for output in file["cells"][cell]["outputs"] if "data" in output]
    words = "\n".join(kinds.get("text/plain", "") for kinds in data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        page, _ = nbconvert.HTMLExporter(template_name="lab").from_notebook_node(file)
    return words, page


def story(book):
    """The story's output on the page."""
    return book.output(1).locator(".nbh-story")


def test_while_a_form_is_open_the_file_has_the_question_and_how_to_answer(lab):
    book = lab(LOAD, POST)
    book.run(0, 1)
    expect(book.form(1).box).to_be_visible()
    expect(story(book)).to_be_hidden()  # the form says it better
    words, page = saved(book)
    assert "Waits for a person: review waits for an answer." in words
    assert re.search(r"review +draft: About tea\. +decision=publish \| revise, notes=", words)
    assert re.search(r"nbhitl answer \.nbhitl/story\.duckdb [0-9a-f]+ VALUE", words)
    assert re.search(r"draft +About tea\. +str", words)
    assert "Open questions" in page


def test_when_the_run_is_over_the_file_has_the_answers_and_the_last_state(lab):
    book = lab(LOAD, POST)
    book.run(0, 1)
    form = book.form(1)
    form.text("Notes").fill("fine")
    form.choose("publish")
    form.submit.click()
    expect(story(book)).to_be_visible()
    expect(book.answers(1)).to_have_count(1)
    words, page = saved(book)
    assert words.count("Finished.") == 1
    assert re.search(r"review +draft: About tea\. +decision: publish, notes: fine +\S.* through a form at 20", words)
    assert re.search(r"notes +fine +str", words)
    assert "Open questions" not in words
    assert "<td" in page
    assert "decision: publish, notes: fine" in page


def test_a_form_that_was_answered_elsewhere_leaves_its_answer_in_the_file(lab):
    book = lab(LOAD, POST, '%graph answer decision=publish notes="by %graph" --by kim')
    book.run(0, 1)
    form = book.output(1).locator(".nbh-form")
    expect(form).to_be_visible()
    book.run(2)
    expect(form).to_contain_text("Answered elsewhere by kim")
    expect(story(book)).to_have_count(2)  # one in what is alive, one that the file keeps and the page hides
    expect(book.answers(1)).to_have_count(1)
    words, page = saved(book)
    assert re.search(r"decision: publish, notes: by %graph +kim through %graph answer at 20", words)
    assert "kim through %graph answer at 20" in page


def test_a_page_that_was_reloaded_shows_the_answers_once(lab):
    book = lab(LOAD, POST)
    book.run(0, 1)
    expect(book.form(1).box).to_be_visible()
    book.reload()
    form = book.form(1)
    form.choose("publish")
    form.submit.click()
    expect(story(book).filter(visible=True)).to_have_count(1)
    expect(story(book).filter(visible=True)).to_contain_text("decision: publish")
