"""Cells with an entrypoint: the same magics, forms, breakpoints, drawing and timeline."""

import asyncio

import nbclient
import nbformat
import pytest

from nbhitl import get_session
from nbhitl.drawing import describe
from nbhitl.subgraphs import compiled_in

CELL = """%%graph essay {line}
@task
def write(topic: str) -> str:
    return f"essay about {{topic}}"

@task
def polish(text: str) -> str:
    return text.upper()

@entrypoint()
def essay(topic: str, *, previous=None) -> dict:
    text = polish(write(topic).result()).result()
    return {{"text": text, "ok": interrupt({{"essay": text}}, response_schema=bool), "previous": previous}}
"""
DONE = {"text": "ESSAY ABOUT CATS", "ok": True, "previous": None}


def cell(line=""):
    return CELL.format(line=line)


def test_a_cell_with_an_entrypoint_is_built_run_and_answered(notebook):
    shown = notebook.run(cell("--input '\"cats\"'"))
    assert notebook.error is None
    assert "waiting for a person" in shown
    assert "essay: ESSAY ABOUT CATS" in shown
    notebook.run("%graph answer true")
    assert get_session("essay").state().values == DONE


def test_the_input_may_be_a_variable_of_any_kind(notebook):
    notebook.run("topic = 'cats'")
    notebook.run(cell("--input topic"))
    notebook.run("%graph answer true")
    assert get_session("essay").state().values == DONE


def test_without_an_input_the_cell_says_how_to_give_one(notebook):
    notebook.run(cell())
    assert "--input '\"some text\"'" in str(notebook.error)


def test_running_the_cell_again_takes_the_run_up_where_it_waits(notebook):
    notebook.run(cell("--input '\"cats\"'"))
    shown = notebook.run(cell("--input '\"cats\"'"))
    assert notebook.error is None
    assert "Open questions" in shown
    notebook.run("%graph answer true")
    assert get_session("essay").state().values == DONE


def test_a_breakpoint_names_a_task_by_its_path(notebook):
    shown = notebook.run(cell("--input '\"cats\"' --break essay/polish"))
    assert "at the breakpoint before essay/polish" in shown
    notebook.run("%graph continue")
    assert get_session("essay").pending()


def test_steps_go_from_task_to_task_and_the_drawing_opens_the_entrypoint(notebook):
    notebook.run(cell("--input '\"cats\"' --step"))
    assert "before essay/write" in notebook.run("%graph into")
    shown = notebook.run("%graph into")
    assert "before essay/polish" in shown
    assert "write [done]" in shown
    assert "polish [stopped here, about to run]" in shown


def test_the_state_the_timeline_and_the_history_are_shown(notebook):
    notebook.run(cell("--input '\"cats\"'"))
    notebook.run("%graph answer true")
    state = notebook.run("%graph state")
    assert all(key in state for key in ("input", "result", "previous"))
    assert "essay asked" in notebook.run("%graph timeline")
    assert "finished" in notebook.run("%graph history")


def test_a_task_that_was_not_named_as_a_node_is_a_slip_with_a_suggestion(notebook):
    notebook.run(cell("--input '\"cats\"'"))
    notebook.run("%graph break essay/polsh")
    assert "polish" in str(notebook.error)


@pytest.mark.parametrize(("given", "got"), [("false", False), ("true", True)])
def test_json_that_looks_like_a_name_is_no_variable(notebook, given, got):
    notebook.run(f"%%graph main --input {given}\n@entrypoint()\ndef main(x):\n    return [x]\n")
    assert notebook.error is None
    assert get_session("main").state().values == [got]


def test_the_drawing_says_that_an_entrypoint_calls_tasks(notebook):
    shown = notebook.run(cell("-N"))
    assert "essay: not started\n" in shown
    assert "essay [not run yet; calls tasks]" in shown


def test_a_task_that_is_asked_for_too_early_in_an_async_function_says_await(notebook):
    notebook.run(
        "%%graph main --input 1\n@task\ndef write(n):\n    return n\n"
        "@entrypoint()\nasync def main(n):\n    return write(n).result()\n"
    )
    assert isinstance(notebook.error, asyncio.InvalidStateError)
    assert "write `await task(...)`" in str(notebook.error)
    shown = notebook.run("%graph")
    assert "`.result()`.\n" in shown  # with one full stop


def test_a_tasks_bare_name_is_a_slip_with_its_path_as_the_suggestion(notebook):
    notebook.run(cell("--input '\"cats\"'"))
    notebook.run("%graph break polish")
    assert "Did you mean 'essay/polish'?" in str(notebook.error)


@pytest.mark.parametrize(
    "calls",
    [
        "[write(topic) for topic in topics]",
        "list(write(topic) for topic in topics)",
        "list(map(lambda topic: write(topic), topics))",
    ],
)
def test_tasks_that_are_called_in_comprehensions_and_lambdas_are_seen(notebook, calls):
    shown = notebook.run(
        "%%graph main --input '[1, 2]' --break main/write\n"
        "@task\ndef write(n):\n    return n\n"
        f"@entrypoint()\ndef main(topics):\n    return [one.result() for one in {calls}]\n"
    )
    assert "at the breakpoint before main/write" in shown
    assert "not in the graph" not in shown
    notebook.run("%graph break main/nosuch")
    assert "there is no node 'main/nosuch'" in str(notebook.error)


def test_the_first_step_is_found_by_its_number_and_back_names_the_way_to_answer_anew(notebook):
    notebook.run(cell("--input '\"cats\"'"))
    assert "at step -1" in notebook.run("%graph state --step -1")
    notebook.run("%graph back")
    assert "%graph rewind NODE" in str(notebook.error)
    notebook.run("%graph fork -1 --set 'input=\"dogs\"'")
    assert notebook.error is None
    notebook.run("%graph continue")
    notebook.run("%graph answer true")
    assert get_session("essay").state().values["text"] == "ESSAY ABOUT DOGS"


def test_what_follows_from_each_answer_is_shown_whatever_the_entrypoint_returns(notebook):
    notebook.run(
        "%%graph main --input 3\n"
        "@entrypoint()\ndef main(n):\n"
        "    return ['one', 'two'] if interrupt('both?', response_schema=bool) else n\n"
    )
    shown = notebook.run("%graph what-if")
    assert notebook.error is None
    assert "['one', 'two']" in shown
    assert [row.values["result"] for row in get_session("main").what_if().rows] == [["one", "two"], 3]


def test_a_pasted_cell_of_langgraphs_functional_api_works_unchanged(notebook):
    notebook.run(
        "%%graph pasted --input 2\n"
        "from langgraph.checkpoint.memory import InMemorySaver\n"
        "from langgraph.func import entrypoint, task\n"
        "@task\ndef double(n):\n    return 2 * n\n"
        "@entrypoint(checkpointer=InMemorySaver())\ndef main(n):\n    return double(n).result()\n"
    )
    assert notebook.error is None
    assert get_session("pasted").state().values == 4


def test_a_thread_is_run_again_elsewhere_with_its_input(notebook):
    notebook.run(cell("--input '\"cats\"'"))
    notebook.run("%graph answer true")
    notebook.run("%graph run --input '\"dogs\"'")
    notebook.run("%graph answer false")
    found = get_session("essay").state().values
    assert (found["text"], found["previous"]) == ("ESSAY ABOUT DOGS", DONE)


def test_a_graphs_input_is_still_a_dict_of_its_keys(notebook):
    notebook.post("--input '[1]'")
    assert "expected a dict of state keys, not list" in str(notebook.error)


def test_the_cell_is_saved_as_a_test_that_passes(notebook, tmp_path):
    notebook.run(cell("--input '\"cats\"'"))
    notebook.run("%graph answer true")
    notebook.run(f"%graph save-test {tmp_path / 'test_essay.py'}")
    assert notebook.error is None
    space: dict = {"__name__": "test_essay"}
    exec((tmp_path / "test_essay.py").read_text(), space)
    tests = [found for name, found in space.items() if name.startswith("test_")]
    assert tests
    for found in tests:
        found()


def test_opened_the_drawing_shows_the_body_and_the_tasks_that_it_calls(notebook):
    notebook.run(cell("--input '\"cats\"'"))
    drawing = describe(get_session("essay").graph, ["essay"], lambda node: [one.graph for one in compiled_in(node)])
    names = {node.id: node.name for node in drawing.nodes}
    lines = {(names[edge.tail], names[edge.head], edge.kind) for edge in drawing.edges}
    assert lines == {
        ("__start__", "essay", "static"),
        ("essay", "essay/write", "conditional"),
        ("essay", "essay/polish", "conditional"),
        ("essay", "__end__", "static"),
    }


def test_a_notebook_with_an_entrypoint_runs_without_people(tmp_path):
    cells = ["%load_ext nbhitl", cell("--input '\"cats\"' --answers answers.json"), "%graph state"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    (tmp_path / "answers.json").write_text('{"essay": true}')
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [str(output) for output in notebook.cells[2].outputs]
    assert "ESSAY ABOUT CATS" in "".join(shown)
