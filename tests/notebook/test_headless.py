"""A kernel whose front end takes no input, as papermill's and nbclient's: no kind of pause makes it wait."""

import os

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

HEAD = """from typing import TypedDict
class State(TypedDict, total=False):
    n: int
"""
ASKS = HEAD + "def ask(state: State):\n    return {'n': interrupt('How many?')}\nflow(START, ask, END)\n"
CELLS = {
    "load": "%load_ext nbhitl",
    "question": "%%graph question\n" + ASKS,
    "resumed": "%graph answer 3",
    "input": "%%graph needs\n" + ASKS.replace(", total=False", ""),
    "breakpoint": "%%graph stops --break last\n"
    + HEAD
    + "def first(state: State):\n    return {'n': 1}\ndef last(state: State):\n    return {}\n"
    + "flow(START, first, last, END)\n",
    "board": "%%graph board\n"
    + HEAD
    + "def left(state: State):\n    interrupt('Left?')\n    return {}\n"
    + "def right(state: State):\n    interrupt('Right?')\n    return {}\nflow(START, [left, right], END)\n",
    "deadline": "%%graph late\n" + ASKS.replace("'How many?'", "'How many?', deadline=3600, default=7"),
    "scripted": "%%graph scripted --answers people.json\n" + ASKS,
    "environment": "%%graph known\n" + ASKS.replace("ask", "known"),
}


def executed(folder, cells, monkeypatch, **environment):
    """The outputs of cells by their names: what each printed, and the error that it ended with."""
    monkeypatch.chdir(folder)
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELLS[name]) for name in cells])
    kernels = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(
        nb, km=kernels, timeout=60, allow_errors=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env={**os.environ, **environment}, cleanup_kc=True)
    found = {}
    for name, cell in zip(cells, nb.cells, strict=True):
        said = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        errors = [f"{output.ename}: {output.evalue}" for output in cell.outputs if output.output_type == "error"]
        found[name] = (said, errors[0] if errors else "")
    return found


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "people.json").write_text('{"ask": 5}', encoding="utf-8")
    (tmp_path / "all.yaml").write_text("known: 6\nelsewhere: 1\n", encoding="utf-8")
    return tmp_path


def test_every_kind_of_pause_is_left_with_words_how_to_go_on(folder, monkeypatch):
    found = executed(folder, list(CELLS), monkeypatch, NBHITL_ANSWERS="all.yaml")
    said = {name: text for name, (text, _) in found.items()}
    errors = {name: error for name, (_, error) in found.items() if error}
    assert (
        "Paused: ask waits for an answer. Answer with %graph answer VALUE, or run the cell with --answers FILE."
        in (said["question"])
    )
    assert "Graph question: finished" in said["resumed"]
    assert list(errors) == ["input"]
    assert "graph 'needs' needs an input with n: --input '{\"n\": ...}'" in errors["input"]
    assert "Paused: at the breakpoint before last. Go on with %graph continue" in said["breakpoint"]
    assert "Paused: left, right wait for 2 answers. Answer with %graph answer NODE VALUE" in said["board"]
    assert "Paused: ask waits for an answer" in said["deadline"]
    assert "on running the cell again takes what counts when nobody answers" in said["deadline"]
    assert "Paused" not in said["scripted"] + said["environment"]


def test_each_question_can_be_made_an_error(folder, monkeypatch):
    cells = ["load", "question", "breakpoint", "board", "deadline", "scripted"]
    found = executed(folder, cells, monkeypatch, NBHITL_ON_PAUSE="error")
    assert {name for name, (_, error) in found.items() if error} == {"question", "board", "deadline"}
    assert "Paused: at the breakpoint before last" in found["breakpoint"][0]  # somebody has set it
    assert found["board"][1].startswith("NbhitlError: Paused: left, right wait for 2 answers.")
