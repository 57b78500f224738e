"""What Mermaid itself makes of the text that ``draw_mermaid`` writes, with names that are attacks."""

from pathlib import Path

import pytest

from nbhitl.drawing import printable
from tests.recipes import NAMES, drawn, hostile

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).parents[2] / "labextension" / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"

# Texts without what Mermaid adds for looks; elements that a label must never become.
RENDER = """async ([number, text]) => {
  const {svg} = await mermaid.render(`m${number}`, text);
  const shown = document.createElement("div");
  shown.innerHTML = svg;
  document.body.replaceChildren(shown);
  const texts = where => [...shown.querySelectorAll(where)].map(found => found.textContent.trim());
  return {
    texts: [...texts(".nodeLabel"), ...texts(".edgeLabel"), ...texts(".cluster-label")],
    foreign: shown.querySelectorAll("script,a,img,iframe,object,form,button,i,em,strong,code,ul,ol,h1,math").length,
  };
}"""


@pytest.mark.skipif(not SCRIPT.is_file(), reason="mermaid comes with the labextension's packages: jlpm install")
@pytest.mark.parametrize("level", ["strict", "loose"])
def test_every_hostile_name_is_shown_as_it_is_and_does_nothing(page, level):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.set_content("<body></body>")
    page.add_script_tag(path=SCRIPT)
    page.evaluate("level => mermaid.initialize({startOnLoad: false, securityLevel: level})", level)
    wrong = {}
    for number in range(0, len(NAMES), 8):
        names = NAMES[number : number + 8]
        found = page.evaluate(RENDER, [number, drawn(hostile(names, names[-1]), True).draw_mermaid()])
        wanted = {*map(printable, names), f"{printable(names[0])} ● stops before"}
        if found["foreign"] or not wanted <= set(found["texts"]):
            wrong[number] = wanted - set(found["texts"])
    assert wrong == {}
    assert requests == []
    assert page.evaluate("window.__pwn") is None
