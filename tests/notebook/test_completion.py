"""The Tab key and Shift-Tab over what nbhitl offers, with jedi and without, in a shell and through a kernel."""

import inspect

import pytest
from IPython.core.completer import provisionalcompleter
from jupyter_client.manager import KernelManager

import nbhitl

SETUP = """
import nbhitl
from typing import TypedDict
from nbhitl import *

class State(TypedDict):
    n: int

def one(state: State):
    return {"n": 1}

graph = StateGraph(State)
graph.add_node(one).add_edge(START, "one")
app = graph.compile(InMemorySaver())
session = Session(app, "1")
given = {"n": 1}
"""
CELL = """%%graph demo {line}
class Trip(TypedDict):
    n: int

def first(trip: Trip):
    return {{}}

async def second(trip: Trip):
    return {{}}

flow(START, first, second, END)
"""


@pytest.fixture(params=[True, False], ids=["with jedi", "without jedi"])
def shell(notebook, request):
    notebook.shell.Completer.use_jedi = request.param
    notebook.run(SETUP)
    assert notebook.error is None
    return notebook.shell


def completed(shell, text, at=None):
    with provisionalcompleter():
        found = shell.Completer.completions(text, len(text) if at is None else at)
        return {completion.text.lstrip(".") for completion in found}


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("nbhitl.St", {"StateGraph", "StateSnapshot"}),
        ("nbhitl.stream", {"stream_message"}),
        ("from nbhitl import inter", {"interrupt"}),
        ("from nbhitl import ", {"StateGraph", "interrupt", "Command", "DuckDBSaver", "approve"}),
        ("graph.add_", {"add_node", "add_edge", "add_conditional_edges", "add_sequence"}),
        ("app.", {"invoke", "ainvoke", "stream", "astream", "get_state", "update_state"}),
        ("session.", {"go", "answer", "state", "pending", "back", "break_"}),
        ("interrupt('a', resp", {"response_schema="}),
        ("graph.add_node(one, def", {"defer="}),
        ("app.invoke({}, dur", {"durability="}),
    ],
)
def test_the_tab_key_finds_names_methods_and_parameters(shell, text, some):
    assert some <= completed(shell, text)


def test_nothing_that_is_private_is_offered(shell):
    assert not [
        name for text in ("nbhitl.", "app.", "session.", "graph.") for name in completed(shell, text) if name[0] == "_"
    ]


@pytest.mark.parametrize(
    ("line", "some", "none"),
    [
        ("--", {"--thread", "--input", "--break", "--step", "--restart", "--answers", "--db"}, {"print", "-t"}),
        ("--br", {"--break"}, {"--step"}),
        ("-t x ", {"--input", "--break"}, set()),
        ("--break ", {"first", "second"}, {"demo", "Trip", "print"}),
        ("-b se", {"second"}, {"first"}),
        ("--state ", {"Trip"}, {"first"}),
        ("--input gi", {"given"}, {"get_session"}),
        ("--draw ", {"LR", "TB", "none"}, set()),
        ("--step --inp", {"--input"}, set()),
    ],
)
def test_the_tab_key_offers_the_options_of_a_cell_and_what_they_take(shell, line, some, none):
    found = completed(shell, CELL.format(line=line), len("%%graph demo ") + len(line))
    assert some <= found
    assert not found & none


def test_the_tab_key_offers_the_threads_of_the_graph(shell, notebook):
    notebook.run(CELL.format(line="--thread before --input given --state Trip"))
    assert notebook.error is None
    line = "%%graph demo --thread be"
    assert completed(shell, CELL.format(line="--thread be"), len(line)) == {"before"}


def test_files_and_the_body_of_a_cell_are_completed_as_ever(shell, tmp_path):
    (tmp_path / "people.json").write_text("{}")
    line = "%%graph demo --answers peo"
    assert "people.json" in completed(shell, line + "\nx = 1\n", len(line))
    assert "one" in completed(shell, "%%graph demo\non")


def test_shift_tab_shows_the_signature_and_what_it_is_for(shell):
    found = shell.object_inspect("interrupt")
    assert "response_schema" in found["definition"]
    assert found["docstring"].startswith("Stop this node and ask a person")
    found = shell.object_inspect("nbhitl.StateGraph")
    assert "context_schema" in (found["init_definition"] or found["definition"])
    assert "Collects nodes and edges" in (found["docstring"] or found["class_docstring"])
    assert "durability" in shell.object_inspect("app.invoke")["definition"]
    assert "Args:" in shell.object_inspect("graph.add_node")["docstring"]


@pytest.mark.parametrize("name", nbhitl.__all__)
def test_every_public_name_says_what_it_is(name):
    value = getattr(nbhitl, name)
    if isinstance(value, type) or inspect.isfunction(value):  # else it is a value or an alias
        assert (value.__doc__ or "").strip()


def test_a_kernel_completes_and_inspects_as_a_front_end_asks_it_to(tmp_path):
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        client.execute("%load_ext nbhitl\n" + SETUP, reply=True, timeout=60)
        for text, name in (("nbhitl.StateGr", "StateGraph"), ("app.inv", "invoke"), ("%graph brea", "break")):
            matches = client.complete(text, len(text), reply=True, timeout=60)["content"]["matches"]
            assert name in [match.rpartition(".")[2] for match in matches], text
        line = "%%graph demo --thr"
        matches = client.complete(CELL.format(line="--thr"), len(line), reply=True, timeout=60)["content"]["matches"]
        assert matches == ["--thread"]
        shown = client.inspect("interrupt(", 9, reply=True, timeout=60)["content"]["data"]["text/plain"]
        assert "response_schema" in shown
        assert "ask a person" in shown
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
