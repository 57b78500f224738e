"""The story can be read in light and dark."""

import pytest

from tests.browser.cells import LOAD, POST
from tests.browser.lab import expect

pytestmark = pytest.mark.browser

READABLE = 4.5
"""The least contrast of text, by WCAG 2 AA."""
ERROR = 4.3
"""That of an error, which is bold and has a sign: JupyterLab's own red on its own dark ground."""

CONTRASTS = """box => {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  // Painting brings every way of writing a colour to red, green and blue; what is below shines through.
  const painted = (...colours) => {
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = rgb => rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const grounds = element => {
    const found = [];
    for (let e = element; e; e = e.parentElement) found.unshift(getComputedStyle(e).backgroundColor);
    return ['white', ...found];
  };
  const found = {};
  for (const node of box.querySelectorAll('g.node')) {
    const shape = node.querySelector('polygon, path, ellipse'), text = node.querySelector('text');
    if (!text) continue;  // where edges join
    const ground = [...grounds(box), getComputedStyle(shape).fill];
    found[text.textContent] = contrast(painted(...ground, getComputedStyle(text).fill), painted(...ground));
  }
  for (const text of box.querySelectorAll('g.edge text')) {
    const ground = grounds(box);
    found[`edge ${text.textContent}`] = contrast(painted(...ground, getComputedStyle(text).fill), painted(...ground));
  }
  const texts = ['.nbhitl-Graph-status',
    ...['title', 'description', 'help', 'error', 'who', 'text'].map(name => `.nbh-${name}`),
    ...['th', 'td', 'label', 'textarea'].map(name => `.nbh-form ${name}`), '.nbh-submit'];
  for (const element of box.closest('.jp-Cell-outputArea').querySelectorAll(texts.join())) {
    if (!element.checkVisibility()) continue;
    const ground = grounds(element);
    found[`${element.className || element.localName}: ${element.textContent.slice(0, 20)}`] =
      contrast(painted(...ground, getComputedStyle(element).color), painted(...ground));
  }
  return found;
}"""


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_text_of_the_story_stands_out_from_its_ground(lab, tmp_path, theme):
    book = lab(LOAD, POST)
    book.run(0, 1)
    book.theme(theme)
    graph, form = book.graph(1), book.form(1)
    graph.node("draft").click()
    graph.node("publish").click()
    graph.marked("publish")
    form.submit.click()
    expect(form.field("Decision").get_by_role("alert")).to_be_visible()
    book.page.screenshot(path=tmp_path / "asked.png")
    _readable(graph)
    form.choose("publish")
    form.submit.click()
    graph.shows(publish="paused")
    book.page.screenshot(path=tmp_path / "stopped.png")
    _readable(graph)
    book.output(1).get_by_role("button", name="Continue").click()
    expect(graph.box).to_have_attribute("data-status", "finished")
    expect(book.answers(1)).to_have_count(1)
    book.page.screenshot(path=tmp_path / "finished.png")
    _readable(graph)


def _readable(graph):
    contrasts = graph.box.evaluate(CONTRASTS)
    assert {"START", "draft", "review", "publish", "END"} <= set(contrasts)
    least = {text: ERROR if text.startswith("nbh-error") else READABLE for text in contrasts}
    assert {text: round(found, 2) for text, found in contrasts.items() if found < least[text]} == {}
