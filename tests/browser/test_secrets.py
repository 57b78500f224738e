"""A password that is typed into a form leaves the page once, and is found nowhere afterwards."""

import json

import nbformat
import pytest

from nbhitl.run.vault import SECRET
from tests.browser.cells import LOAD
from tests.browser.lab import expect
from tests.notebook.test_secrets import LOGIN, MARKER

pytestmark = pytest.mark.browser

TELL = """from nbhitl.notebook.workspace import Workspace
Workspace.of(get_ipython()).current.session.answers()"""
STORED = """() => JSON.stringify([
  { ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML,
  [...document.querySelectorAll('input, textarea')].map(element => element.value),
])"""
"""What the page holds that outlives a click."""


class Wire:
    """What went over the page's sockets, as text."""

    def __init__(self, page):
        self.sent, self.received = [], []
        page.on("websocket", self._listen)

    def _listen(self, socket):
        socket.on("framesent", lambda frame: self.sent.append(_text(frame)))
        socket.on("framereceived", lambda frame: self.received.append(_text(frame)))


def _text(frame):
    return frame.decode("utf-8", "replace") if isinstance(frame, bytes) else frame


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_password_leaves_the_page_once_and_is_in_no_message_back_no_file_no_log_and_no_page(lab, server, page):
    nbconvert = pytest.importorskip("nbconvert")
    wire = Wire(page)
    book = lab(LOAD, LOGIN, TELL)
    book.run(0, 1)
    form = book.form(1)
    password = form.box.locator("input[type=password]")
    form.text("User").fill("eve")
    password.fill(MARKER)
    form.submit.click()
    expect(form.box).to_contain_text("is not known")
    expect(password).to_have_value("")
    assert sum(MARKER in frame for frame in wire.sent) == 1
    form.text("User").fill("ann")
    password.fill(MARKER)
    form.submit.click()
    expect(book.output(1)).to_contain_text("logged in")
    expect(book.form(1).box).to_contain_text("Leave?")
    book.run(2)
    expect(book.output(2)).to_contain_text(SECRET)
    assert sum(MARKER in frame for frame in wire.sent) == 2
    assert [frame for frame in wire.received if MARKER in frame] == []
    assert MARKER not in page.evaluate(STORED)

    book.restart()
    book.run(0, 1)
    book.form(1).box.locator("textarea, input[type=text]").first.fill("yes")
    book.form(1).submit.click()
    expect(book.graph(1).box).to_have_attribute("data-status", "finished")
    expect(book.output(1)).to_contain_text(SECRET)
    text = book.save()
    assert MARKER not in text
    notebook = nbformat.reads(text, as_version=4)
    assert MARKER not in nbconvert.HTMLExporter(template_name="lab").from_notebook_node(notebook)[0]
    assert MARKER not in json.dumps(notebook)
    book.shutdown()
    others = [folder for folder in server.root.iterdir() if folder != book.path.parent]  # other tests' notebooks
    files = [path for path in server.home.rglob("*") if path.is_file() and not any(o in path.parents for o in others)]
    assert {"story.duckdb", "history.sqlite", "server.log"} <= {path.name for path in files}
    assert [str(path) for path in files if MARKER.encode() in path.read_bytes()] == []
