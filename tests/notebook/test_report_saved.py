"""What a cell leaves in the file as text: why it stopped, questions and answers, the last state."""

import os
import re
import warnings

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from nbhitl.notebook.story import story
from tests.notebook.conftest import POST

TEA = '--input \'{"topic": "tea"}\''


@pytest.fixture
def session(notebook):
    notebook.post(TEA)
    return notebook.workspace.current.session


def test_an_open_question_is_told_with_what_is_accepted_and_how_to_answer(session):
    told = story(session)["text/plain"]
    assert told.startswith("Waits for a person: review waits for an answer.\n\nOpen questions\n")
    assert re.search(
        r"review +draft: About tea\. +decision=publish \| revise, notes=text \(optional\) +[0-9a-f]+\n", told
    )
    assert re.search(r"\ntopic +tea +str \(3\)\n", told)
    [id] = [question.id for question in session.pending()]
    assert f"on the command line: nbhitl answer .nbhitl/default.duckdb {id} VALUE" in told


def test_an_answer_is_told_with_who_gave_it_through_what_and_its_note(session):
    session.answer({"decision": "revise", "notes": "more"}, by="kim", via="form", note="as Ann says")
    session.go()
    told = story(session)["text/plain"]
    assert re.search(r"\nAnswers\nnode +question +answer +answered by +note\n", told)
    assert re.search(r"decision: revise, notes: more +kim through a form at 20\S+ \S+ +as Ann says\n", told)


def test_an_answer_that_was_taken_back_is_not_told(session):
    session.answer({"decision": "revise", "notes": "taken back"})
    session.go()
    session.back(2)
    session.answer({"decision": "publish", "notes": "in its place"})
    session.fork()
    told = story(session)["text/plain"]
    assert "taken back" not in told
    assert told.count("decision: publish, notes: in its place") == 1


def test_what_is_told_is_text_in_html(session):
    hostile = "<img src=x onerror=window.__pwn=1>"
    session.answer({"decision": "revise", "notes": hostile}, by=hostile, note=hostile)
    session.go()
    shown = story(session)["text/html"]
    assert "<img" not in shown
    assert shown.count("&lt;img src=x onerror=window.__pwn=1&gt;") >= 4


def test_a_path_of_this_machine_is_not_told(notebook, tmp_path):
    notebook.post(f"{TEA} --db {tmp_path / 'elsewhere.duckdb'}")
    told = story(notebook.workspace.current.session)["text/plain"]
    assert "nbhitl answer FILE " in told
    assert str(tmp_path) not in told


def test_before_the_first_run_there_is_nothing_to_tell(notebook):
    notebook.post("-N")
    assert story(notebook.workspace.current.session) == {"text/plain": "", "text/html": ""}


def test_a_notebook_that_ran_without_a_person_has_the_whole_story(tmp_path):
    nbconvert = pytest.importorskip("nbconvert")
    (tmp_path / "people.json").write_text('{"review": {"decision": "publish"}}')
    cells = ["%load_ext nbhitl", POST.format(line=f"{TEA} --answers people.json")]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    kernels = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(book, km=kernels, timeout=60, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env={key: value for key, value in os.environ.items() if key != "NBHITL_ANSWERS"}, cleanup_kc=True)
    nbformat.validate(book)
    data = [output["data"] for output in book.cells[1].outputs if "data" in output]
    assert [sorted(kinds) for kinds in data][-1] == ["text/html", "text/plain"]
    assert data[-1]["text/plain"].startswith("Finished.\n\nAnswers\n")
    assert not [kinds for kinds in data if "application/vnd.jupyter.widget-view+json" in kinds]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        page, _ = nbconvert.HTMLExporter(template_name="lab").from_notebook_node(book)
    assert "through scripted answers at 20" in page
