"""The linter under a ``%%graph`` cell, and ``%graph lint``."""

import re

import pytest

from nbhitl.notebook import findings
from nbhitl.notebook.findings import SHORT, Findings

MAILS = """%%graph mails {line}
from typing import TypedDict

class State(TypedDict, total=False):
    reply: str

SENT = []

def mail(state: State):
    SENT.append("a <b>mail</b>")
    return {{"reply": interrupt("Did they reply?")}}

def publish(state: State):
    print("published")

flow(START, mail, publish, END)
"""
FOUND = "line 10: NBH101 in mail: SENT is changed again when the question in line 11 is answered"


def test_a_cell_says_in_a_line_what_the_linter_found_with_the_lines_that_the_person_sees(notebook):
    said = notebook.run(MAILS.format(line=""))
    assert notebook.error is None
    assert FOUND in said
    assert "Reasons and cures: %graph lint" in said
    assert said.index(FOUND) < said.index("mails / mails: not started")


def test_a_quiet_cell_says_nothing_of_it(notebook):
    assert "NBH101" not in notebook.run(MAILS.format(line="-q"))
    assert FOUND not in notebook.run(MAILS.format(line="-q"))


def test_a_cell_without_traps_says_nothing_of_the_linter(notebook):
    said = notebook.post("""-i '{"topic": "tea"}'""")
    assert "NBH" not in said
    assert "lint" not in said


def test_the_verb_shows_source_line_reason_and_cure(notebook):
    notebook.run(MAILS.format(line="-q"))
    said = notebook.run("%graph lint")
    for text in (
        "line 10, mail: warning NBH101",
        'SENT.append("a <b>mail</b>")',
        "Reason: SENT is changed again when the question in line 11 is answered",
        "Cure: Move it behind the question",
        "# nbhitl: ignore[CODE]",
    ):
        assert text in said
    assert len(notebook.value) == 1


def test_the_verb_shows_code_as_text_never_as_html(notebook):
    notebook.run(MAILS.format(line="-q"))
    notebook.run("%graph lint")
    shown = notebook.value._repr_html_()
    assert "&lt;b&gt;mail&lt;/b&gt;" in shown
    assert set(re.findall(r"<(\w+)", shown)) <= {"table", "thead", "tbody", "tr", "th", "td", "code", "br", "p"}


def test_the_verb_says_that_nothing_was_found(notebook):
    notebook.post("""-i '{"topic": "tea"}'""")
    assert "Graph post: the linter found nothing." in notebook.run("%graph lint")
    assert notebook.value._repr_html_() == "<p>Graph post: the linter found nothing.</p>"


def test_the_verb_looks_at_the_graph_that_is_named(notebook):
    notebook.run(MAILS.format(line="-q"))
    notebook.post("""-i '{"topic": "tea"}'""")
    assert "found nothing" in notebook.run("%graph lint")
    assert "NBH101" in notebook.run("%graph -g mails lint")


def test_a_function_of_an_earlier_cell_is_looked_into(notebook):
    notebook.run("SENT = []\ndef send(text):\n    SENT.append(text)")
    cell = MAILS.format(line="-q").replace('SENT.append("a <b>mail</b>")', "send('mail')")
    notebook.run(cell)
    assert "send() runs (SENT is changed) again" in notebook.run("%graph lint")


def test_a_helper_of_an_earlier_cell_that_asks_is_looked_at_in_its_own_lines(notebook):
    notebook.run("import nbhitl\nSENT = []\ndef ask_them():\n    SENT.append(1)\n    return nbhitl.interrupt('Reply?')")
    cell = MAILS.format(line="-q").replace('    SENT.append("a <b>mail</b>")\n', "")
    notebook.run(cell.replace('interrupt("Did they reply?")', "ask_them()"))
    assert "line 4, ask_them: warning NBH101" in notebook.run("%graph lint")


def test_a_pasted_builder_a_lambda_a_partial_and_a_method_are_looked_at(notebook):
    said = notebook.run("""%%graph many -N
import functools
from typing import TypedDict
from langgraph.graph import StateGraph, START
from langgraph.types import interrupt

class State(TypedDict, total=False):
    x: str

class Reviewer:
    def __init__(self):
        self.seen = []
    def __call__(self, state):
        self.seen.append(1)
        return {"x": interrupt("a?")}
    async def later(self, state):
        self.seen.append(1)
        return {"x": interrupt("b?")}

def review(name, state):
    RUNS.append(name)
    return {"x": interrupt(name)}

RUNS = []
reviewer = Reviewer()
builder = StateGraph(State)
builder.add_node("called", reviewer)
builder.add_node("method", reviewer.later)
builder.add_node("partial", functools.partial(review, "c?"))
builder.add_node("lambda", lambda state: {"x": (RUNS.append(1), interrupt("d?"))})
for name in builder.nodes:
    builder.add_edge(START, name)
""")
    assert notebook.error is None, said
    notebook.run("%graph lint")
    found = [(one.line, one.code, one.node) for one in notebook.value.findings]
    assert found == [
        (14, "NBH101", "called"),
        (17, "NBH101", "method"),
        (21, "NBH101", "partial"),
        (30, "NBH101", "lambda"),
    ]


def test_a_routing_function_that_asks_is_found_in_the_cell(notebook):
    cell = MAILS.replace(
        "flow(START, mail, publish, END)",
        "def where(state):\n    return interrupt('Where?')\n\n"
        "flow(START, mail)\nroute(mail, where, on=publish, off=END)\nflow(publish, END)",
    )
    notebook.run(cell.format(line="-q -N"))
    assert notebook.error is None
    assert "mail: warning NBH205\n    def where(state):" in notebook.run("%graph lint")


def test_the_nodes_of_a_sub_graph_are_looked_at_by_their_path(notebook):
    notebook.run("""%%graph outer -N -q
from typing import TypedDict
from nbhitl import StateGraph

class State(TypedDict, total=False):
    x: str

def inner(state: State):
    try:
        return {"x": interrupt("a?")}
    except BaseException:
        return {}

sub = StateGraph(State).add_node("inner", inner).add_edge(START, "inner").compile()
flow(START, sub, END)
""")
    assert "line 11, sub/inner: error NBH201" in notebook.run("%graph lint")


def test_many_findings_are_cut_under_the_cell_the_worst_first(notebook):
    lines = "".join(f"    SENT.append({n})\n" for n in range(SHORT + 2))
    cell = MAILS.format(line="").replace('    SENT.append("a <b>mail</b>")\n', lines)
    said = notebook.run(cell.replace('interrupt("Did they reply?")', 'interrupt("Reply?", default="no")'))
    assert "NBH308" in said.splitlines()[0]
    assert said.count("NBH101") == SHORT - 1
    assert "and 3 more: %graph lint" in said


def test_a_comment_in_the_cell_switches_a_finding_off(notebook):
    cell = MAILS.format(line="").replace('mail</b>")', 'mail</b>")  # nbhitl: ignore[NBH101]')
    assert "NBH101" not in notebook.run(cell)
    assert "found nothing" in notebook.run("%graph lint")


def test_a_linter_that_fails_does_not_keep_the_graph_from_running(notebook, monkeypatch):
    def broken(graph):
        raise RecursionError("too deep\x1b[31m")

    monkeypatch.setattr(findings, "lint_graph", broken)
    said = notebook.run(MAILS.format(line=""))
    assert "The linter could not read this graph's code" in said
    assert "\x1b" not in said
    assert "mail waits for an answer" in said


@pytest.mark.parametrize("text", ["\x1b[2Jgone", "a\rb", "\u202eevil"])
def test_control_characters_of_code_reach_no_terminal(text):
    from nbhitl.lint import lint_source

    source = f"def node(state):\n    return interrupt('x', default=1)  # {text}\n".replace("\r", "\x0b")
    shown = repr(Findings("g", lint_source(source)))
    assert "NBH308" in shown
    assert all(c.isprintable() or c == "\n" for c in shown)
