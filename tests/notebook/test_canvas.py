"""The drawing of a cell: sub-graphs that open and close, and what the page may ask of the kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbhitl.debugging.breakpoint import Breakpoint
from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.commands import Look, Show
from nbhitl.notebook.panel import TEXT_LIMIT, breakpoint_of, reply
from nbhitl.notebook.pictures.picture import MIME
from nbhitl.notebook.workspace import Workspace

CORPUS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text(encoding="utf-8"))
NESTED = """%%graph nested {line}
from typing import TypedDict

class State(TypedDict, total=False):
    n: int

def ask(state: State):
    return {{"n": state.get("n", 0) + 1}}

def check(state: State):
    return {{}}

def last(state: State):
    return {{}}

inner = StateGraph(State).add_node(ask).add_node(check)
inner.add_edge(START, "ask").add_edge("ask", "check").add_edge("check", END)
review = inner.compile()

flow(START, node(review, name="review"), last, END)
"""


@pytest.fixture
def nested(notebook):
    """A thread that is paused inside its sub-graph; its worker."""
    notebook.run("from nbhitl import StateGraph, START, END")
    notebook.run(NESTED.format(line="--thread t --no-execute"))
    assert notebook.error is None
    worker = Workspace.of(notebook.shell).find("nested", "t")
    worker.session.break_("review/check")
    worker.session.go({})
    return worker


def message(worker, type, **rest):
    canvas = worker.screen.canvas
    return {"type": type, "view": canvas.id, "graph": "nested", "thread": "t", **rest}


def ask(notebook, worker, type, **rest):
    return reply(Workspace.of(notebook.shell), message(worker, type, **rest))


def drawn(worker):
    """What the drawing shows now: paths to states."""
    canvas = worker.screen.canvas
    canvas.paint(at_once=True)
    return {node["name"]: node["state"] for node in canvas._bundle()[MIME]["nodes"]}


def test_a_sub_graph_opens_and_closes_and_shows_where_the_run_is(notebook, nested):
    assert "review/ask" not in drawn(nested)
    assert ask(notebook, nested, "open_subgraph", node="review", open=True) == {
        "type": "ok",
        "view": nested.screen.canvas.id,
    }
    shown = drawn(nested)
    assert (shown["review"], shown["review/ask"], shown["review/check"]) == ("paused", "done", "paused")
    ask(notebook, nested, "open_subgraph", node="review", open=False)
    assert "review/ask" not in drawn(nested)


def test_what_cannot_be_opened_is_refused_and_nothing_changes(notebook, nested):
    answer = ask(notebook, nested, "open_subgraph", node="reviev", open=True)
    assert answer["type"] == "error"
    assert "Did you mean 'review'?" in answer["text"]
    assert ask(notebook, nested, "open_subgraph", node="last", open=True)["type"] == "error"
    older = {**message(nested, "open_subgraph", node="review", open=True), "view": "another"}
    assert "earlier run" in reply(Workspace.of(notebook.shell), older)["text"]
    assert nested.screen.canvas.opened == frozenset()


def test_breakpoints_are_set_changed_and_removed_by_messages(notebook, nested):
    session = nested.session
    spec = {"kind": "before", "node": "last", "condition": "n > 3", "hits": ">=2"}
    assert ask(notebook, nested, "set_breakpoint", breakpoint=spec)["type"] == "ok"
    assert session.breakpoints["before last"] == Breakpoint(node="last", condition="n > 3", hits=">=2")
    ask(notebook, nested, "enable_breakpoint", id="before last", on=False)
    assert not session.breakpoints["before last"].enabled
    ask(notebook, nested, "remove_breakpoint", id="before last")
    ask(notebook, nested, "toggle_breakpoint", node="review/ask")
    assert set(session.breakpoints) == {"before review/check", "before review/ask"}


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "before", "node": "lsat"},
        {"kind": "before", "node": "last", "condition": "n >"},
        {"kind": "before", "node": "last", "condition": "__import__('os')"},
        {"kind": "before", "node": "last", "hits": "often"},
        {"kind": "before", "node": "last", "log": "{n"},
        {"kind": "before", "node": "last", "log": "x" * (TEXT_LIMIT + 1)},
        {"kind": "change", "key": "nn"},
    ],
)
def test_a_breakpoint_with_a_mistake_is_refused_in_words(notebook, nested, spec):
    before = nested.session.breakpoints
    answer = ask(notebook, nested, "set_breakpoint", breakpoint=spec)
    assert answer["type"] == "error"
    assert "Reload the page" not in answer["text"]
    assert nested.session.breakpoints == before


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "sideways", "node": "last"},
        {"kind": "before", "node": 3},
        {"kind": "before", "node": "last", "once": 1},
        {"kind": "before", "node": "last", "branch": -1},
        {"kind": "before", "node": "last", "branch": True},
        {"kind": ["before"], "node": "last"},
        {"kind": "before", "node": "last", "more": ""},
    ],
)
def test_what_is_no_breakpoint_is_not_understood(spec):
    with pytest.raises(NbhitlError, match="does not understand"):
        breakpoint_of(spec)


@pytest.mark.parametrize("strange", [None, 3, "toggle", [], {}, {"type": []}, {"type": "toggle_breakpoint"}])
def test_strange_messages_are_answered_and_change_nothing(notebook, nested, strange):
    assert reply(Workspace.of(notebook.shell), strange)["type"] == "error"
    assert set(nested.session.breakpoints) == {"before review/check"}


def test_hostile_names_in_messages_are_refused(notebook, nested):
    for name in CORPUS["names_graph"]:
        for type in ("toggle_breakpoint", "run_until"):
            assert ask(notebook, nested, type, node=name)["type"] == "error"
        assert ask(notebook, nested, "remove_breakpoint", id=name)["type"] == "error"
    assert set(nested.session.breakpoints) == {"before review/check"}


def test_a_run_goes_on_to_the_node_that_was_asked_for(notebook, nested):
    assert ask(notebook, nested, "run_until", node="last")["type"] == "ok"
    nested.do(Look())  # behind the move, in the worker's queue
    position = nested.session.position
    assert position.stopped.reason == "breakpoint"
    assert [task.node for task in position.checkpoint.tasks] == ["last"]


def test_a_run_that_has_finished_says_so_in_the_notice(notebook, nested):
    nested.session.go()
    assert "finished" in ask(notebook, nested, "run_until", node="last")["text"]


def test_the_saved_output_has_the_frame_and_its_breakpoint(notebook, nested):
    ask(notebook, nested, "open_subgraph", node="review", open=True)
    bundle = nested.screen.canvas._bundle()
    assert "review [stopped here, about to run] -> last, inside:" in bundle["text/plain"]
    assert "breakpoint before review/check" in bundle["image/svg+xml"]
    assert bundle[MIME]["heading"] == "Paused"


def test_where_a_run_stops_is_opened_unless_somebody_closed_it(notebook, nested):
    canvas = nested.screen.canvas
    assert canvas.opened == frozenset()
    nested.do(Show())
    assert canvas.opened == {"review"}
    ask(notebook, nested, "open_subgraph", node="review", open=False)
    nested.do(Show())
    assert canvas.opened == frozenset()
