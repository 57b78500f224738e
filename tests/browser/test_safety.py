"""A stranger's text is text: it runs nothing, loads nothing and opens nothing, in whatever place it stands."""

import json

import nbformat
import nbformat.sign
import pytest

from tests.browser.hostile import IMAGE, LIVE, Watch, copied, forged, texts
from tests.browser.lab import expect

pytestmark = pytest.mark.browser


def test_hostile_texts_of_a_graph_and_its_questions_are_shown_as_text(lab, server, page):
    book = lab("%load_ext nbhitl", LIVE)
    watch = Watch(page, server)
    (book.path.parent / "texts.json").write_text(json.dumps(texts()))
    book.run(0, 1)
    graph, form = book.graph(1), book.form(1)
    expect(graph.status).to_contain_text(IMAGE)
    graph.shows(ask="waiting")
    expect(form.box).to_contain_text(IMAGE)
    watch.nothing()
    watch.poke()
    asked = copied(book)
    form.submit.click()
    graph.shows(tell="waiting")
    answer = form.box.locator("textarea, input[type=text]").first
    answer.fill(IMAGE)
    form.submit.click()
    graph.shows(fail="failed")
    expect(book.answers(1)).to_have_count(2)
    watch.poke()
    watch.nothing()

    book = lab(text=asked)
    assert not book.is_trusted()
    expect(book.graph(1).status).to_contain_text(IMAGE)
    watch.poke()
    watch.nothing()


@pytest.mark.parametrize("trusted", [False, True], ids=["untrusted", "trusted"])
def test_a_forged_drawing_in_a_file_is_only_a_drawing(lab, server, page, trusted):
    watch = Watch(page, server)
    text = forged()
    if trusted:
        nbformat.sign.NotebookNotary(data_dir=str(server.data)).sign(nbformat.reads(text, as_version=4))
    book = lab(text=text)
    assert book.is_trusted() is trusted
    expect(book.output(0).locator(".nbhitl-Graph svg").first).to_be_visible()
    watch.poke()
    watch.nothing()
