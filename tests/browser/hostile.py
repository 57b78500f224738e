"""Texts of strangers, what they must not do to the page, and where they are put."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbhitl.notebook.pictures.picture import VERSION
from tests.browser.lab import notebook

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page, Request

    from tests.browser.lab import Notebook, Server

CORPUS = Path(__file__).parents[1] / "corpora" / "attacks.json"
MIME = "application/vnd.nbhitl.graph+json"
IMAGE = "<img src=x onerror=window.__pwn=1>"


def texts() -> list[str]:
    """The corpus, as far as a message or a file can carry it."""
    found = json.loads(CORPUS.read_text())
    kinds = ("xss_html", "names_graph", "xss_markdown", "xss_ansi_text")
    return [text.encode("utf-8", "replace").decode() for kind in kinds for text in found[kind]]


class Watch:
    """Takes note of everything that a text of a stranger must not bring about."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.seen: list[str] = []
        page.on("request", self._request)
        page.on("dialog", self._dialog)
        page.on("popup", lambda popup: self.seen.append(f"popup: {popup.url}"))
        page.on("pageerror", lambda error: self.seen.append(f"error: {error}"))

    def _request(self, request: Request) -> None:
        inside = request.url.startswith((self.server.url, "data:", "blob:"))
        # A relative address of a stranger's image is looked for beside the notebook.
        stray = "/lab/tree/" in request.url and request.resource_type != "document"
        if not inside or stray:
            self.seen.append(f"request: {request.url}")

    def _dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":  # JupyterLab's own: the notebook is not saved
            dialog.accept()
            return
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def poke(self) -> None:
        """Do to each element of the outputs what a person could do."""
        self.seen += [f"command: {command}" for command in self.page.evaluate(_POKE)]

    def nothing(self) -> None:
        """Fail if something was seen, or if there is something on the page that does not belong there."""
        found = self.seen + self.page.evaluate(_LOOK)
        assert not found, "\n".join(found)


_OURS = "document.querySelectorAll('.nbhitl-Graph *, .nbh-form *, .nbh-streamed *, .jp-OutputArea table *')"

_POKE = f"""async () => {{
  const ran = [], note = (_, {{ id }}) => ran.push(id);
  window.jupyterapp.commands.commandExecuted.connect(note);
  const kinds = ['mouseover', 'mouseenter', 'focus', 'mousedown', 'mouseup', 'click', 'load', 'error', 'toggle',
    'animationstart'];
  // The story of the test goes on with these.
  const spared = '.nbh-submit, [aria-label$=" tell"], [aria-label$=" fail"]';
  for (const element of [...{_OURS}].filter(e => !e.closest(spared)))
    for (const kind of kinds)
      element.dispatchEvent(new MouseEvent(kind, {{ bubbles: true, cancelable: true }}));
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  window.jupyterapp.commands.commandExecuted.disconnect(note);
  return ran;
}}"""
"""Gives back the commands of JupyterLab that ran."""

_LOOK = f"""() => {{
  const banned = /^(script|iframe|object|embed|base|link|meta|form|a|foreignObject|use|animate|set)$/i;
  const addresses = /^(src|srcset|href|xlink:href|action|formaction|data)$/i;
  const found = [];
  for (const element of {_OURS}) {{
    if (banned.test(element.localName)) found.push(`element: ${{element.localName}}`);
    for (const {{ name, value }} of element.attributes) {{
      if (/^(on|data-commandlinker)/i.test(name)) found.push(`attribute: ${{name}}`);
      if (addresses.test(name) && !value.startsWith('data:image/')) found.push(`address: ${{value}}`);
    }}
  }}
  const windows = [window, ...[...document.querySelectorAll('iframe')].map(frame => frame.contentWindow)];
  // Another host's window refuses to be looked into; its request has been seen.
  const pwned = w => {{ try {{ return '__pwn' in w; }} catch {{ return false; }} }};
  return windows.some(pwned) ? ['a script ran', ...found] : found;
}}"""


LIVE = f'''\
%%graph "{IMAGE}" --thread "<svg onload=window.__pwn=1>"
import json
from pathlib import Path
from typing import TypedDict
from nbhitl import StateGraph

texts = json.loads(Path("texts.json").read_text())

class State(TypedDict, total=False):
    said: str

def ask(state):
    fields = {{}}
    for n, text in enumerate(texts):
        kinds = [
            {{"enum": [text, "b"]}},
            {{"enum": [text, *"bcdefghi"]}},
            {{"type": "array", "items": {{"enum": [text, "b"]}}}},
            {{"type": "string", "default": text}},
            {{"type": "boolean", "default": False}},
            {{"default": {{text: text}}}},
        ]
        fields[f"{{n}} {{text}}"] = {{"title": text, "description": text, **kinds[n % len(kinds)]}}
    value = {{f"{{n}} {{text}}": text for n, text in enumerate(texts)}}
    interrupt(value, response_schema={{"title": texts[0], "description": texts[1], "properties": fields}})

def tell(state):
    return {{"said": interrupt(texts[0])}}

def fail(state):
    raise ValueError(" ".join(texts))

builder = StateGraph(State)
# Three characters separate the parts of a path; as labels, questions and the graph's name the texts stand in full.
safe = dict(zip(map(ord, "/:|"), "-+!", strict=True))
names = [text for text in dict.fromkeys(text.translate(safe) for text in texts) if text not in ("", "__end__")]
for name in names:
    builder.add_node(name, lambda state: None)
for function in (ask, tell, fail):
    builder.add_node(function.__name__, function)
steps = [START, *names, "ask", "tell", "fail"]
for source, target in zip(steps, steps[1:]):
    builder.add_edge(source, target)
builder.add_conditional_edges("fail", lambda state: texts[0], {{text: names[n % 9] for n, text in enumerate(texts)}})
'''
"""A graph with hostile names everywhere. It asks two questions and fails."""


_SHAPE = '<polygon fill="white" stroke="black" points="0,0 60,0 60,30 0,30"/><text x="5" y="20">x</text>'
_NODE = f'<g id="n0" class="node"><title>n0</title>{_SHAPE}</g>'
_INNER = (
    "<script>window.__pwn=1</script>",
    '<g onclick="window.__pwn=1" onmouseover="window.__pwn=1" class="node jp-Dialog" id="n0"><rect width="9"/></g>',
    '<a xlink:href="javascript:window.__pwn=1"><text x="5" y="40">click</text></a>',
    '<a href="javascript:window.__pwn=1"><text>click</text></a>',
    "<style>*{background:url(http://127.0.0.1:1/leak)}</style>",
    '<image href="http://127.0.0.1:1/leak" width="9" height="9"/>',
    '<use href="http://127.0.0.1:1/x.svg#a"/>',
    '<foreignObject width="9"><body xmlns="http://www.w3.org/1999/xhtml" onload="window.__pwn=1"/></foreignObject>',
    '<animate onbegin="window.__pwn=1" attributeName="x" dur="1s"/>',
    '<set attributeName="href" to="javascript:window.__pwn=1"/>',
    '<rect width="9" fill="url(http://127.0.0.1:1/leak)" style="fill:url(http://127.0.0.1:1/leak)"/>',
    '<rect width="9" height="9" filter="url(http://127.0.0.1:1/leak)" mask="url(http://127.0.0.1:1/leak)"/>',
    '<text x="1" y="1"><script>window.__pwn=1</script><tspan onclick="window.__pwn=1">t</tspan></text>',
    '<script xmlns="http://www.w3.org/1999/xhtml">window.__pwn=1</script>',
    '<img xmlns="http://www.w3.org/1999/xhtml" src="x" onerror="window.__pwn=1"/>',
    '<g style="position:fixed;inset:0;z-index:99999"><rect width="9999" height="9999"/></g>',
    "<g>" * 3000 + "</g>" * 3000,
    '<button xmlns="http://www.w3.org/1999/xhtml" data-commandlinker-command="terminal:create-new">x</button>',
    '<rect width="9" height="9" data-commandlinker-command="terminal:create-new"/>',
)


def _svg(inner: str, attribute: str = "") -> str:
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    start = f'<svg {spaces} width="99px" height="50px" viewBox="0 0 99 50" {attribute}>'
    return f'{start}<g class="graph">{_NODE}{inner}</g></svg>'


def _drawings() -> list[Any]:
    """Data of drawings as someone may have written them into a file."""
    found = [_data(_svg(inner), "x") for inner in _INNER]
    for text in texts():
        said = html.escape(text)
        found += [
            _data(text, text),
            _data(_svg(text), text),
            _data(_svg(f'<text x="1" y="2">{said}</text>', f'data-x="{said}"'), text),
            _data(_svg(f'<g id="{said}" class="node {said}"><polygon points="{said}" style="{said}"/></g>'), text),
        ]
    good = _data(_svg(""), "x")
    return [*found, None, 1, "x", [], {}, {"version": VERSION}, {**good, "nodes": [None]}, {**good, "status": IMAGE}]


def _data(svg: str, text: str) -> dict[str, Any]:
    marker = {"sign": text, "log": True, "enabled": True, "known": True, "said": text}
    point = {"id": text, "kind": "before", "target": text, "condition": text, "hits": text, "log": text}
    state = {"state": "paused", "said": text, "count": text, "subgraph": "closed", "breakable": True}
    return {
        "version": VERSION,
        "view": text,
        "graph": text,
        "thread": text,
        "svg": svg,
        "nodes": [
            {
                "id": "n0",
                "name": text,
                "label": text,
                **state,
                "markers": {"before": marker, "after": marker},
                "breakpoints": [{**point, "branch": None, "once": False, "enabled": True}],
            }
        ],
        "edges": [{"id": text, "taken": True, "pairs": [[text, text]], "marker": marker}],
        "status": "failed",
        "heading": text,
        "text": text,
        "legend": [{"sign": text, "text": text}],
        "elsewhere": [marker],
    }


def forged() -> str:
    """A notebook file of a stranger, full of drawings that nbhitl would not write."""
    made = json.loads(notebook("1"))
    made["cells"][0]["execution_count"] = 1
    made["cells"][0]["outputs"] = [
        {"output_type": "display_data", "metadata": {}, "data": {MIME: data, "text/plain": IMAGE}}
        for data in _drawings()
    ]
    return json.dumps(made)


def copied(book: Notebook) -> str:
    """A notebook's text, changed so that JupyterLab does not take it for the trusted one."""
    saved = json.loads(book.save())
    saved["metadata"]["copied"] = True
    return json.dumps(saved)
