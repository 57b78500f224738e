"""The first tutorial, as a person goes through its beginning."""

import json
import re
from pathlib import Path

import pytest

from tests.browser.lab import expect

pytestmark = pytest.mark.browser

TUTORIAL = Path(__file__).parents[2] / "notebooks" / "01-label-digits.ipynb"


def test_digits_are_labelled_and_a_question_outlives_a_restart_of_the_kernel(lab):
    text = TUTORIAL.read_text()
    cells = json.loads(text)["cells"]
    until = next(n for n, cell in enumerate(cells) if "".join(cell["source"]).startswith("%%graph"))
    code = [n for n in range(until + 1) if cells[n]["cell_type"] == "code"]
    book = lab(text=text)
    book.run(*code)
    graph, form = book.graph(until), book.form(until)
    asking = graph.box.locator("g.node[data-state=waiting]")
    expect(asking).to_have_count(1)
    first = _question(form)

    marked = _unmark(graph)
    asking.click()
    expect(marked).to_have_count(1)
    marked.click()
    expect(marked).to_have_count(0)

    _answer(form, 3)
    second = _next(form, first)
    book.restart()
    book.run(*code)
    expect(asking).to_have_count(1)
    assert _question(form) == second
    _unmark(graph)  # the cell's own, which it has set again
    _answer(form, 8)
    _next(form, second)

    book.shutdown()
    answers = book.sql("SELECT question->>'index', answer, via FROM answers ORDER BY answered_at")
    assert [(answer, via) for _, answer, via in answers] == [("3", "form"), ("8", "form")]
    assert answers[0][0] != answers[1][0]


def _unmark(graph):
    """Remove every breakpoint by a click; finds those that are set."""
    marked = graph.box.locator("g.node[data-breakpoint=before]")
    for left in reversed(range(marked.count())):
        marked.first.click()
        expect(marked).to_have_count(left)
    return marked


def _question(form):
    """What is asked: the picture and the words beside it."""
    picture = form.box.locator("img")
    expect(picture).to_be_visible()
    return picture.get_attribute("src"), form.box.locator(".nbh-values").inner_text()


def _next(form, before):
    """Wait for another picture."""
    expect(form.box.locator("img")).not_to_have_attribute("src", before[0])
    return _question(form)


def _answer(form, digit):
    """With whatever control the form offers for a few choices."""
    if form.box.locator("select").count():
        form.box.locator("select").select_option(str(digit))
    else:
        name = re.compile(rf"^\s*{digit}\s*$")
        form.box.get_by_role("radio", name=name).or_(form.box.get_by_role("button", name=name)).click()
    form.submit.click()
