"""``--context`` and ``--store`` of a ``%%graph`` cell, and what a pasted cell imports for them."""

import pytest

CELL = """%%graph names {options}
from dataclasses import dataclass
from typing import TypedDict

@dataclass
class Context:
    user: str
    limit: int = 3

class State(TypedDict, total=False):
    who: str

def greet(state: State, runtime, store):
    known = store.search(("names",)) if store else []
    interrupt("sure?")
    if store:
        store.put(("names",), runtime.context.user, {{"limit": runtime.context.limit}})
    return {{"who": f"{{runtime.context.user}} after {{len(known)}}"}}

flow(START, greet, END)
"""


def values(notebook):
    return notebook.workspace.find().session.state().values


def test_a_context_is_given_as_json_and_made_into_the_cells_context_class(notebook):
    notebook.run(CELL.format(options="""--context '{"user": "anna"}' """))
    assert notebook.error is None
    notebook.run("%graph answer yes")
    assert values(notebook) == {"who": "anna after 0"}


def test_a_context_is_given_as_a_variable_and_stays_for_each_run_of_the_session(notebook):
    notebook.run("settings = {'user': 'bo', 'limit': 1}")
    notebook.run(CELL.format(options="-c settings"))
    notebook.run("%graph answer yes")
    assert values(notebook) == {"who": "bo after 0"}
    notebook.run("%graph run --input '{}'")
    notebook.run("%graph answer yes")
    assert values(notebook) == {"who": "bo after 0"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("""--context '{"usr": "anna"}' """, "context has 'usr', which is no field of Context. Did you mean 'user'"),
        ("--context '{}'", "context lacks 'user' of Context"),
        ("--context nowhere", "--context nowhere: there is no variable of that name"),
        ("--context '{'", "--context: neither a variable's name nor JSON"),
        ("--store nowhere", "--store nowhere: there is no variable of that name"),
        ("--store nowhere", "Make one: nowhere = nbhitl.DuckDBStore('store.duckdb')"),
        ("--context numbre", "Did you mean 'number'?"),
        ("--store number", "--store number: it is no store, but of type int"),
    ],
)
def test_a_wrong_option_is_named_and_nothing_is_run(notebook, options, said):
    notebook.run("number = 5")
    shown = notebook.run(CELL.format(options=options))
    assert said in shown
    assert "Traceback" not in shown
    assert "waits for" not in shown


def test_a_store_of_the_notebook_is_used_by_all_threads(notebook):
    notebook.run("from nbhitl import InMemoryStore\nmemory = InMemoryStore()")
    for thread, expected in [("1", "anna after 0"), ("2", "anna after 1")]:
        notebook.run(CELL.format(options=f"""--store memory --thread {thread} --context '{{"user": "anna"}}' """))
        notebook.run("%graph answer yes")
        assert values(notebook) == {"who": expected}
    assert [item.key for item in notebook.shell.user_ns["memory"].search(())] == ["anna"]


PASTED = """%%graph pasted -c '{"user": "anna"}'
from dataclasses import dataclass
from typing import TypedDict
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime, get_runtime
from langgraph.config import get_config, get_store, get_stream_writer
from langgraph.store.base import BaseStore, Item, PutOp, SearchItem
from langgraph.store.memory import InMemoryStore
from langgraph.types import StreamWriter

@dataclass
class Ctx:
    user: str

class State(TypedDict, total=False):
    who: str

def remember(state: State, runtime: Runtime[Ctx], *, store: BaseStore, writer: StreamWriter):
    store.batch([PutOp(("users",), runtime.context.user, {"seen": True})])
    assert get_runtime(Ctx) is runtime and get_store() is store and get_stream_writer() is writer
    return {"who": store.search(("users",))[0].key}

builder = StateGraph(State, context_schema=Ctx)
builder.add_node(remember)
builder.add_edge(START, "remember")
graph = builder.compile(store=InMemoryStore())
"""


def test_a_pasted_cell_keeps_its_store_and_its_context_schema(notebook):
    said = notebook.run(PASTED)
    assert notebook.error is None, said
    assert values(notebook) == {"who": "anna"}


def test_a_name_that_our_stores_do_not_have_is_said(notebook):
    said = notebook.run("%%graph pasted\nfrom langgraph.store.base import PutOpp\n")
    assert "line 2: nbhitl has no 'PutOpp' of langgraph.store.base. Did you mean 'PutOp'" in said
