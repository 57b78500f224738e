"""Errors in nodes as a person meets them: the cell's own lines, which node and what it was given, what runs again."""

import re
import sys

import pytest

HEAD = """%%graph sums {line}
from typing import Annotated, TypedDict
import operator
class State(TypedDict, total=False):
    n: int
    log: Annotated[list, operator.add]
"""
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def cell(body, line=""):
    return HEAD.format(line=line) + body


TWO = cell("""
def one(state: State):
    ran.append("one")
    return {"n": 1}
def two(state: State):
    ran.append("two")
    value = state["n"]
    return {"n": value / 0}
flow(START, one, two, END)
""")


@pytest.fixture
def ran(notebook):
    """What the nodes did, in order."""
    notebook.shell.user_ns["ran"] = found = []
    return found


def plain(text):
    return ANSI.sub("", text)


def test_a_traceback_has_the_cells_lines_and_none_of_ours(notebook, ran):
    said = plain(notebook.run(TWO))
    assert isinstance(notebook.error, ZeroDivisionError)
    assert 'return {"n": value / 0}' in said
    assert "line 14, in two(state)" in said
    assert "nbhitl" not in said.replace("sums / sums", "")
    assert "This was in node two, step 1, given log: [], n: 1." in said
    assert "After a fix run the cell again: of this step only two runs again." in said


def test_retry_runs_only_what_failed_and_says_what_is_not_repeated(notebook, ran):
    body = """
def a(state: State):
    ran.append("a")
    return {"log": ["a"]}
def b(state: State):
    ran.append("b")
    if ran.count("b") < 3:
        raise ValueError("not yet")
    return {"log": ["b"]}
def last(state: State):
    return {"log": ["last"]}
flow(START, [a, b], last, END)
"""
    notebook.run(cell(body))
    assert isinstance(notebook.error, ValueError)
    said = plain(notebook.run("%graph retry"))
    assert "Again: b. Finished already, and not repeated: a." in said
    assert isinstance(notebook.error, ValueError)
    notebook.run("%graph retry")
    assert notebook.error is None
    assert ran == ["a", "b", "b", "b"]
    assert notebook.workspace.find().session.state().values["log"] == ["a", "b", "last"]
    said = notebook.run("%graph retry")
    assert "nothing failed" in said


def test_the_cell_with_the_fixed_function_runs_only_that_task_again(notebook, ran):
    notebook.run(TWO)
    said = notebook.run(TWO.replace("value / 0", "value + 1"))
    assert notebook.error is None, said
    assert ran == ["one", "two", "two"]
    assert "Changed since the run stopped: two." in said
    assert notebook.workspace.find().session.state().values["n"] == 2


def test_all_nodes_of_a_step_that_failed_are_shown_each_with_its_lines(notebook, ran):
    body = """
from threading import Barrier
both = Barrier(2)
def left(state: State):
    both.wait(5)
    raise ValueError("left is wrong")
def right(state: State):
    both.wait(5)
    raise KeyError("right is wrong")
flow(START, [left, right], END)
"""
    said = plain(notebook.run(cell(body)))
    assert "Failed 1 of 2: in node left, step 0" in said
    assert "Failed 2 of 2: in node right, step 0" in said
    assert 'raise ValueError("left is wrong")' in said
    assert 'raise KeyError("right is wrong")' in said
    assert "of this step only left, right run again" in said


def test_a_node_of_a_sub_graph_is_named_by_its_path_with_what_it_was_given(notebook, ran):
    body = """
from nbhitl import StateGraph
def ask(state: State):
    raise ValueError("no")
def prepare(state: State):
    return {"n": state["n"] + 1}
inner = StateGraph(State).add_sequence([prepare, ask]).add_edge(START, "prepare").compile()
def begin(state: State):
    return {"n": 6}
flow(START, begin, node(inner, name="review"), END)
"""
    said = plain(notebook.run(cell(body)))
    assert "in node review/ask, step 1, given log: [], n: 7" in said
    fixed = cell(body).replace('raise ValueError("no")', 'return {"log": [state["n"]]}')
    notebook.run(fixed)
    assert notebook.error is None
    assert notebook.workspace.find().session.state().values["n"] == 7


def test_an_async_node_shows_its_own_lines(notebook, ran):
    body = """
import asyncio
async def slow(state: State):
    await asyncio.sleep(0)
    raise ValueError("async, and wrong")
flow(START, slow, END)
"""
    said = plain(notebook.run(cell(body)))
    assert 'raise ValueError("async, and wrong")' in said
    assert "hands.py" not in said
    assert "This was in node slow, step 0" in said


def test_async_nodes_side_by_side_are_all_named(notebook, ran):
    body = """
import asyncio
async def left(state: State):
    await asyncio.sleep(0.01)
    raise ValueError("left is wrong")
async def right(state: State):
    await asyncio.sleep(0.01)
    raise KeyError("right is wrong")
flow(START, [left, right], END)
"""
    said = plain(notebook.run(cell(body)))
    assert "Failed 1 of 2: in node left, step 0" in said
    assert "Failed 2 of 2: in node right, step 0" in said


def test_tasks_of_a_fan_out_are_told_apart_by_what_they_were_given(notebook, ran):
    body = """
def spread(state: State):
    return Command(goto=[Send("each", {"n": n}) for n in range(3)])
def each(state: State):
    if state["n"] == 2:
        raise ValueError("two is too much")
    return {"log": [state["n"]]}
flow(START, spread)
flow(each, END)
"""
    said = plain(notebook.run(cell(body)))
    assert "This was in node each, step 1, given n: 2." in said


def test_frames_of_ours_between_the_persons_are_left_out(notebook, ran):
    body = """
from nbhitl import StateGraph
def bad(state: State):
    raise ValueError("deep")
inner = StateGraph(State).add_node("bad", bad).add_edge(START, "bad").compile()
def calls(state: State):
    return inner.invoke({"n": 1})
flow(START, calls, END)
"""
    said = plain(notebook.run(cell(body)))
    assert 'return inner.invoke({"n": 1})' in said
    assert 'raise ValueError("deep")' in said
    assert "compiled.py" not in said


def test_the_error_of_an_exception_group_names_its_members(notebook, ran):
    body = """
def many(state: State):
    raise ExceptionGroup("several", [ValueError("first"), KeyError("second")])
flow(START, many, END)
"""
    said = plain(notebook.run(cell(body)))
    assert isinstance(notebook.error, ExceptionGroup)
    assert "ValueError: first" in said
    assert "KeyError: 'second'" in said


def test_an_object_of_the_main_thread_is_explained(notebook, ran):
    notebook.run("import sqlite3\nconnection = sqlite3.connect(':memory:')")
    body = """
def query(state: State):
    return {"n": connection.execute("SELECT 1").fetchone()[0]}
flow(START, query, END)
"""
    said = plain(notebook.run(cell(body)))
    assert "ProgrammingError" in said
    assert "Hint: nodes run on a thread of their own." in said
    assert "check_same_thread=False" in said


def test_debug_and_tb_find_the_nodes_frame(notebook, ran):
    notebook.run(TWO)
    assert isinstance(sys.last_value, ZeroDivisionError)
    trace = sys.last_value.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    assert trace.tb_frame.f_code.co_name == "two"
    assert trace.tb_frame.f_locals["value"] == 1
    said = plain(notebook.run("%tb"))
    assert 'return {"n": value / 0}' in said
    assert "nbhitl/run" not in said


def test_an_error_while_no_cell_waits_is_shown_with_the_same_lines_and_is_the_last_one(notebook, ran, capsys):
    from nbhitl.notebook.errors import show_problem

    notebook.run(TWO)
    error = notebook.workspace.find().session.failure
    del sys.last_value, sys.last_traceback, sys.last_type
    show_problem(error)
    said = plain(capsys.readouterr().err)
    assert 'return {"n": value / 0}' in said
    assert "This was in node two, step 1" in said
    assert sys.last_value is error


def test_a_secret_in_what_a_node_was_given_or_raises_is_hidden(notebook, ran):
    body = """
from pydantic import SecretStr
def ask(state: State):
    word = interrupt("word?", response_schema=SecretStr).get_secret_value()
    raise ValueError(f"wrong: {word}")
flow(START, ask, END)
"""
    notebook.run(cell(body))
    notebook.workspace.find().session.answer("hunter2-hunter2")
    said = notebook.run("%graph continue")
    assert "hunter2" not in said
    assert "This was in node ask" in plain(said)


def test_a_failed_merge_is_no_nodes_fault(notebook, ran):
    body = """
def a(state: State):
    return {"n": 1}
def b(state: State):
    return {"n": 2}
flow(START, [a, b], END)
"""
    said = plain(notebook.run(cell(body)))
    assert "InvalidUpdateError" in said
    assert "After a fix" not in said
