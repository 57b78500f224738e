"""The state inspected, compared and edited in the page: values unfold, a form writes, and nothing of a state runs."""

import pytest

from tests.browser.cells import LOAD, POST
from tests.browser.lab import expect

pytestmark = pytest.mark.browser

ATTACK = "<img src=x onerror='window.attacked = 1'><script>window.attacked = 1</script>"
BEGIN = f"""%%graph post -i '{{"topic": "tea", "notes": "{ATTACK.replace("'", "")} {"long " * 60}"}}'"""


def test_a_value_unfolds_by_a_click_and_by_the_keyboard_and_is_text(lab):
    book = lab(LOAD, POST.replace("%%graph post", BEGIN, 1), "%graph state", "%graph diff 0")
    book.run(0, 1, 2, 3)
    row = book.output(2).get_by_role("row", name="notes")
    expect(row.locator("pre")).to_be_hidden()
    row.locator("summary").click()
    expect(row.locator("pre")).to_contain_text("<script>window.attacked = 1</script>")
    row.locator("summary").press("Enter")
    expect(row.locator("pre")).to_be_hidden()
    expect(book.output(3).get_by_role("row", name="draft")).to_contain_text("About tea")
    assert book.page.evaluate("window.attacked") is None


def test_a_form_edits_the_state_and_says_what_it_changed(lab):
    book = lab(LOAD, POST.replace("%%graph post", BEGIN, 1), "%graph edit topic", "%graph state topic")
    book.run(0, 1, 2)
    form = book.output(2).locator(".nbh-form")
    form.get_by_label("Topic").fill("coffee")
    form.get_by_role("button", name="Write").click()
    expect(form.get_by_role("status")).to_contain_text("Written")
    expect(form.get_by_role("row", name="topic")).to_contain_text("coffee")
    book.run(3)
    expect(book.output(3)).to_contain_text("coffee")
    expect(book.form(1).box).to_be_visible()  # the question is still open
