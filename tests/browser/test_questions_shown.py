"""What a question shows beside its form does nothing to the page, and a card of tool calls gives LangChain's answer."""

import json

import pytest

from tests.browser.hostile import Watch, texts
from tests.browser.lab import expect

pytestmark = pytest.mark.browser

SHOWN = """\
%load_ext nbhitl
import json
from pathlib import Path
import pandas as pd
from IPython.display import display
from nbhitl import Diff, Markdown
from nbhitl.notebook.questions.form import Form
from nbhitl.run.answers import SchemaChecker

class Asked:
    schema = bool
    def __init__(self, value):
        self.value = value

def show(value):
    display(Form(Asked(value), title="ask", checker=SchemaChecker(), submit=print).widget)

texts = json.loads(Path("texts.json").read_text())
show({
    "question": texts[0], "problem": " ".join(texts),
    "show": [*map(Markdown, texts), Markdown("\\n\\n".join(texts)), *[Diff(a, b) for a, b in zip(texts, texts[1:])]],
})
show({
    "frame": pd.DataFrame({text: texts for text in texts[:20]}, dtype=object),
    "records": [{text: text} for text in texts],
    "changes": Diff(dict.fromkeys(texts, 1), {text: text for text in texts}),
    "links": Markdown("[good](https://nbhitl.invalid/page) ![x](https://nbhitl.invalid/x.png) <img src=x>"),
})
show({"action_requests": [{"name": t, "args": {t: t}, "description": t} for t in texts], "review_configs": []})
"""

REVIEW = """\
%%graph review
from typing import TypedDict

class State(TypedDict, total=False):
    decisions: list

def ask_person(state):
    calls = [{"name": "send", "args": {"to": "ann", "copies": 2}}, {"name": "delete", "args": {"path": "x"}}]
    return {"decisions": review_tools(calls)}

def tell(state):
    print(state["decisions"])

flow(START, ask_person, tell, END)
"""


def test_hostile_values_beside_a_question_are_inert(lab, server, page):
    book = lab(SHOWN)
    watch = Watch(page, server)
    (book.path.parent / "texts.json").write_text(json.dumps(texts()))
    book.run(0)
    forms = book.cell(0).locator(".nbh-form")
    expect(forms).to_have_count(3)
    good = forms.nth(1).get_by_role("link", name="good")
    expect(good).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(forms.nth(1)).to_contain_text("(nbhitl.invalid)")
    # Only whole addresses of pages are links; what else a stranger wrote stays words. Taken out of the page, as all
    # that is left must not hold a link or an address.
    links = book.cell(0).locator(".nbh-form a")
    addresses = links.evaluate_all("all => all.map(a => { const h = a.getAttribute('href'); a.remove(); return h; })")
    assert addresses == ["https://nbhitl.invalid/page"]
    watch.nothing()
    watch.poke()
    watch.nothing()


def test_a_person_decides_about_tool_calls(lab):
    book = lab("%load_ext nbhitl", REVIEW)
    book.run(0, 1)
    form = book.form(1)
    expect(form.box).to_contain_text("2 tool calls wait for your decision")
    send, delete = (form.box.get_by_role("radiogroup", name=name) for name in ("send", "delete"))
    send.get_by_role("radio", name="Edit").check()
    form.box.get_by_role("textbox", name="To").fill("bob")
    delete.get_by_role("radio", name="Reject").check()
    form.box.get_by_role("textbox", name="Reason").fill("keep it")
    form.submit.click()
    edited = {"type": "edit", "edited_action": {"name": "send", "args": {"to": "bob", "copies": 2}}}
    expect(book.output(1)).to_contain_text(str([edited, {"type": "reject", "message": "keep it"}]))
