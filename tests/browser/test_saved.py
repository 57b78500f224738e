"""What is left in the file can be read without anything of ours."""

import base64
import re

import nbformat
import pytest

from tests.browser.cells import LOAD, POST
from tests.browser.lab import expect

pytestmark = pytest.mark.browser

MIME = "application/vnd.nbhitl.graph+json"
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_saved_notebook_tells_the_whole_story_without_widgets(lab):
    nbconvert = pytest.importorskip("nbconvert")
    book = lab(LOAD, POST)
    book.run(0, 1)
    form, graph = book.form(1), book.graph(1)
    form.text("Notes").fill("more <on> Darjeeling")
    form.choose("revise")
    form.submit.click()
    expect(form.box).to_contain_text("About tea. more <on> Darjeeling")
    form.choose("publish")
    form.submit.click()
    expect(graph.box).to_have_attribute("data-status", "finished")
    expect(book.answers(1)).to_have_count(2)
    saved = nbformat.reads(book.save(), as_version=4)

    nbformat.validate(saved)
    outputs = saved["cells"][1]["outputs"]
    data = [output["data"] for output in outputs if "data" in output]
    assert not [kinds for kinds in data if WIDGET in kinds]
    [drawing] = [kinds for kinds in data if MIME in kinds]
    assert {MIME, "image/svg+xml", "text/plain"} <= set(drawing)
    assert drawing[MIME]["status"] == "finished"
    assert {node["name"]: node["state"] for node in drawing[MIME]["nodes"]}["publish"] == "done"
    svg = drawing["image/svg+xml"]
    assert "Finished" in svg
    assert "publish: done" in svg
    words = "\n".join(kinds.get("text/plain", "") for kinds in data)
    assert "publish [done]" in words
    assert "revise" in words
    assert "more <on> Darjeeling" in words
    printed = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    assert "published: About tea. more <on> Darjeeling" in printed
    assert not [cell for cell in saved["cells"] for output in cell["outputs"] if output["output_type"] == "error"]

    html, _ = nbconvert.HTMLExporter(template_name="lab").from_notebook_node(saved)
    [picture] = re.findall('<img[^>]* src="data:image/svg\\+xml;base64,([^"]+)', html)
    assert base64.b64decode(picture).decode() == svg
    assert "more &lt;on&gt; Darjeeling" in html
    assert "more <on> Darjeeling" not in html
