"""The pytest fixture ``answering``, in a pytest of its own."""

import subprocess
import sys
from importlib.metadata import entry_points

HEAD = """
import asyncio
import pytest
from typing import TypedDict
from nbhitl import END, START, InMemorySaver, StateGraph, UnansweredQuestion, interrupt

class State(TypedDict, total=False):
    n: int

graph = StateGraph(State).add_node("ask", lambda state: {"n": interrupt("How many?")})
app = graph.add_edge(START, "ask").add_edge("ask", END).compile(InMemorySaver())

def run(thread):
    return app.invoke({}, {"configurable": {"thread_id": thread}})

async def later(thread):
    return await app.ainvoke({}, {"configurable": {"thread_id": thread}})
"""
TESTS = {
    "to_the_end": "answering({'ask': 3})\n    assert run('1') == {'n': 3}",
    "with": "with answering({'ask': 4}):\n        assert run('2') == {'n': 4}",
    "not_outside": "assert '__interrupt__' in run('3')",
    "leftover": "answering({'ask': 3, 'never': 1})\n    run('4')",
    "unanswered": "answering({})\n    run('5')",
    "fails": "answering({'never': 1})\n    assert 1 == 2",
    "lenient": "answering({'ask': 3, 'never': 1}, strict=False)\n    run('6')",
    "async": "answering({'ask': 3})\n    assert asyncio.run(later('7')) == {'n': 3}",
}


def test_the_fixture_answers_until_the_end_and_checks_for_leftovers(tmp_path):
    body = "".join(f"\n\ndef test_{name}(answering):\n    {text}\n" for name, text in TESTS.items())
    (tmp_path / "test_it.py").write_text(HEAD + body)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:cov"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout
    assert "2 failed, 6 passed, 1 error" in said, said
    assert "ERROR test_it.py::test_leftover" in said
    assert "LeftoverAnswers: answering: the rule for node 'never' was never used." in said
    assert "FAILED test_it.py::test_unanswered" in said
    assert "FAILED test_it.py::test_fails - assert 1 == 2" in said


def test_the_plugin_is_registered_and_loads_nothing_heavy():
    assert "nbhitl.pytest_plugin" in {point.value for point in entry_points(group="pytest11")}
    code = "import sys, nbhitl.pytest_plugin; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"nbhitl.graph", "nbhitl.compiled", "pydantic", "duckdb", "IPython"} & set(done.stdout.split())
