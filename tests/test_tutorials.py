"""The tutorials run from top to bottom, with a scripted person and with nobody, and leave behind what they say."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbhitl import DuckDBSaver

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
datasets = pytest.importorskip("sklearn.datasets")
pytest.importorskip("matplotlib")

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
FIRST = NOTEBOOKS / "01-label-digits.ipynb"
ANSWERS = NOTEBOOKS / "01-label-digits.answers.json"
THIRD = NOTEBOOKS / "03-ask-a-person.ipynb"
FOURTH = NOTEBOOKS / "04-debug-a-run.ipynb"
SIXTH = NOTEBOOKS / "06-how-fast.ipynb"
FIFTH = NOTEBOOKS / "05-stream-and-tasks.ipynb"
SHOWN = ("display_data", "execute_result")
BUDGET = 8
TRUTH = datasets.load_digits().target.tolist()


@dataclass(frozen=True)
class Ran:
    """A notebook that has run, and its checkpoint file."""

    notebook: object
    file: Path

    def rows(self, query):
        with DuckDBSaver(self.file) as saver:
            return saver.sql(query).rows

    @property
    def state(self):
        """The thread's values as they are now."""
        rows = self.rows("SELECT key, arg_max(value, seq) FROM state GROUP BY key")
        return {key: json.loads(value) for key, value in rows}

    @property
    def answers(self):
        """(branch, image, answer) of every answer, as they were given."""
        rows = self.rows("SELECT branch, CAST(question->>'index' AS INTEGER), answer FROM answers ORDER BY seq")
        return [(branch, index, json.loads(answer)) for branch, index, answer in rows]

    @property
    def shown(self):
        """What each cell displayed, as plain text, by the cell's id."""
        cells = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        return {c.id: "".join(o.data.get("text/plain", "") for o in c.outputs if o.output_type in SHOWN) for c in cells}

    @property
    def printed(self):
        """What each cell printed, by the cell's id."""
        cells = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        return {c.id: "".join(o.text for o in c.outputs if o.output_type == "stream") for c in cells}


def run(folder, answers=None, path=FIRST):
    """Run a tutorial in a kernel of this interpreter, whatever kernels the machine has."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    notebook = nbformat.read(path, as_version=4)
    kernels = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    resources = {"metadata": {"path": str(folder)}}
    client = nbclient.NotebookClient(notebook, km=kernels, timeout=120, resources=resources)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NBHITL_")}
    environment["JPY_SESSION_NAME"] = str(folder / path.name)
    if answers is not None:
        environment["NBHITL_ANSWERS"] = str(answers)
    client.execute(env=environment, cleanup_kc=True)
    return Ran(notebook, folder / ".nbhitl" / f"{path.stem}.duckdb")


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    return run(tmp_path_factory.mktemp("scripted"), ANSWERS)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_a_tutorial_is_kept_without_outputs_and_is_a_valid_notebook(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == []


def test_the_scripted_person_knows_every_image_and_errs_once():
    rule = json.loads(ANSWERS.read_text())["ask"]
    said = [rule["is"].get(str(index)) for index in range(len(TRUTH))]
    assert rule["by"] == "index"
    assert len(rule["is"]) == len(TRUTH)
    assert sum(answer != digit for answer, digit in zip(said, TRUTH, strict=True)) == 1


def test_as_many_questions_are_asked_as_the_budget_allows(scripted):
    asked = [index for branch, index, _ in scripted.answers if branch == 0]
    assert len(asked) == len(set(asked)) == BUDGET
    assert scripted.rows("SELECT status FROM threads") == [("finished",)]
    assert scripted.rows("SELECT * FROM pending_interrupts") == []


def test_an_answer_is_corrected_on_a_branch_and_the_old_one_is_kept(scripted):
    assert [branch for (branch,) in scripted.rows("SELECT branch FROM branches")] == [0, 1]
    _, index, answer = next(given for given in scripted.answers if given[0] == 1)
    (old,) = [said for branch, image, said in scripted.answers if branch == 0 and image == index]
    assert old != answer
    assert scripted.rows("SELECT count(*) FROM interrupts WHERE answered_at IS NULL") == [(0,)]


def test_the_answers_make_the_program_read_better(scripted):
    rows = scripted.rows("SELECT value FROM writes WHERE key = 'score' ORDER BY seq")
    scores = [json.loads(value) for (value,) in rows]
    assert scores[0]["answers"] == 0
    assert scripted.state["score"] == scores[-1]
    assert scores[-1]["answers"] == BUDGET
    assert 0.5 < scores[0]["accuracy"] < max(score["accuracy"] for score in scores) <= 1


def test_the_breakpoint_stops_before_the_answer_is_learnt(scripted):
    assert scripted.printed["look"].splitlines()[-1].split(":")[1].strip() == str(list(range(10)))
    assert scripted.rows("SELECT * FROM breakpoints") == []


def test_the_node_that_asks_starts_twice_as_the_text_says(scripted):
    assert scripted.printed["graph"].count("ask starts from its first line") == 2


def test_the_state_is_small(scripted):
    assert scripted.file.stat().st_size < 2_000_000


def test_the_lesson_works_for_a_person_who_makes_no_mistake(tmp_path):
    rules = {"ask": {"by": "index", "is": {str(index): digit for index, digit in enumerate(TRUTH)}}}
    (tmp_path / "people.json").write_text(json.dumps(rules))
    ran = run(tmp_path, tmp_path / "people.json")
    wrong = [(branch, image) for branch, image, said in ran.answers if said != TRUTH[image]]
    last = [image for branch, image, _ in ran.answers if branch == 0][-1]
    assert wrong == [(1, last)]


def test_a_person_who_skips_everything_gets_to_the_end(tmp_path):
    (tmp_path / "people.json").write_text('{"ask": "skip"}')
    ran = run(tmp_path, tmp_path / "people.json")
    assert [said for branch, _, said in ran.answers if branch == 0] == ["skip"] * BUDGET


def test_every_cell_can_be_run_while_a_question_is_open(tmp_path):
    ran = run(tmp_path)
    for name in ("look", "continue", "fork", "compare"):
        assert ran.printed[name].startswith("First answer the question under the drawing.")
    assert ran.rows("SELECT node FROM pending_interrupts") == [("ask",)]
    assert ran.answers == []


def test_the_kernel_is_that_of_the_tests(scripted):
    (cell,) = [cell for cell in scripted.notebook.cells if cell.id == "setup"]
    assert cell.outputs[0].text.startswith("1,797 images")
    assert scripted.notebook.metadata.language_info.version == sys.version.split()[0]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The tutorial about asking, answered from its file."""
    pytest.importorskip("pandas")
    return run(tmp_path_factory.mktemp("asked"), THIRD.with_suffix(".answers.json"), THIRD)


def test_every_graph_of_the_tutorial_about_asking_comes_to_its_end(asked):
    found = dict(asked.rows("SELECT graph, status FROM threads"))
    assert found.pop("bill") == "finished"
    assert set(found) == {"dinner", "shopping", "careless", "careful", "round", "reservation", "login"}
    assert set(found.values()) == {"finished"}


def test_it_says_what_its_words_promise(asked):
    assert asked.printed["form"].endswith("1,500 g from the market\n")
    assert asked.printed["table"].endswith("63.70 euro\n")
    assert asked.printed["twice"].startswith("line 17: NBH101 in invite")
    assert asked.printed["twice-look"] == "['Ann', 'Ann']\n"
    assert "NBH" not in asked.printed["once"]
    assert asked.printed["once-look"] == "['Ann']\n"
    assert asked.printed["many"].endswith("served: soup, cake\n")
    assert asked.printed["nobody"] == "{'text': 'version 3', 'rounds': 3, 'good': True}\n"


def test_its_question_is_asked_again_with_the_reason(asked):
    rows = asked.rows("SELECT question->>'problem' FROM answers WHERE graph = 'dinner' AND node = 'when' ORDER BY seq")
    assert rows == [(None,), ("is a Wednesday; we only cook at weekends",)]


def test_its_secret_is_nowhere(asked):
    assert asked.rows("SELECT answer FROM answers WHERE graph = 'login'") == [('"(secret)"',)]
    secret = json.loads(THIRD.with_suffix(".answers.json").read_text())["sign_in"].encode()
    kept = [path for path in asked.file.parent.parent.rglob("*") if path.is_file()]
    assert [path for path in kept if secret in path.read_bytes()] == []
    assert secret.decode() not in json.dumps(asked.notebook.cells)


def test_the_test_that_it_writes_passes(asked):
    folder = asked.file.parent.parent
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_dinner.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


# -- the tutorial about debugging


@pytest.fixture(scope="module")
def debugged(tmp_path_factory):
    """Run with nobody: breakpoints stop it, and cells move it on."""
    return run(tmp_path_factory.mktemp("debugged"), path=FOURTH)


def test_the_tutorial_about_debugging_stops_and_ends_where_its_text_says(debugged):
    printed = debugged.printed
    assert "before pricing/labour" in printed["into"]
    assert "at the breakpoint before cheaper (margin < 0.25)" in printed["break"]
    assert "price - cost = 186.0" in printed["watch"]
    assert "finished" in printed["set"]
    assert "forked at step 0 with hours edited" in printed["fork"]


def test_what_it_shows_stands_in_its_cells(debugged):
    shown = debugged.shown
    assert "quote / monday: finished" in shown["graph"]  # brought up to date by cells that came later
    assert "margin" in shown["state"]
    assert "fewer-hours" in shown["branches"]
    assert "902.0 -> 972.0" in shown["compare"]
    assert all(answer in shown["what-if"] for answer in ("send", "cheaper", "decline"))
    assert "Changed since the run stopped: add_up" in shown["mended"]
    assert shown["total"] == "{'total': 7, 'rows': [3, 4, None]}"


def test_what_failed_is_mended_and_nothing_else_is_run_again(debugged):
    assert "loading" in debugged.printed["fail"]
    assert "loading" not in debugged.printed["mended"]
    assert (debugged.file.parents[1] / "monday.html").stat().st_size > 10_000


# -- the tutorial about streaming and tasks


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    """Run with nobody: a cell answers the one question."""
    return run(tmp_path_factory.mktemp("streamed"), path=FIFTH)


def test_what_nodes_stream_stays_in_the_notebook_and_comes_live_to_a_program(streamed):
    shown = streamed.shown["stream"]
    assert "search:\na book about tea (1 of 3)\nan old letter about tea (2 of 3)\n" in shown
    assert "write:\nDear friend, I read a book, an old letter, a map." in shown
    lines = streamed.printed["modes"].splitlines()
    assert lines[:3] == [f"search: {name} about rain ({n} of 3)"
                         for n, name in enumerate(["a book", "an old letter", "a map"], 1)]  # fmt: skip
    assert lines[3].startswith("Dear friend, I read a book")


def test_tasks_that_have_finished_do_not_run_again_when_the_question_is_answered(streamed):
    written = [line for printed in streamed.printed.values() for line in printed.splitlines() if "writing" in line]
    assert sorted(written) == ["writing about rain", "writing about tea"]
    assert "finished" in streamed.printed["answer"]
    assert streamed.printed["printed"] == "A chapter about tea.\nA chapter about rain.\n"


def test_policies_the_store_and_the_context_do_what_the_text_says(streamed):
    assert streamed.printed["policies"].splitlines()[1].endswith("after 3 calls: from the cache")
    assert streamed.printed["store"].splitlines() == ["tea for Ada", "tea for Ada, as ever", "water for Alan"]


# -- the page about speed


def test_the_page_about_speed_times_a_loop_and_leaves_nothing_behind(tmp_path):
    printed = run(tmp_path, path=SIXTH).printed["here"].splitlines()
    assert [line[:18].strip() for line in printed] == [
        "no checkpointer", "in memory", "in a file, async", "in a file, sync"
    ]  # fmt: skip
    assert all(0 < int(line[18:].split()[0]) < 100_000 for line in printed)
    assert list(tmp_path.iterdir()) == []


def test_the_page_about_speed_has_a_table_for_everything_that_is_measured():
    cells = {cell.id: cell.source for cell in nbformat.read(SIXTH, as_version=4).cells}
    for name in ("speed", "growth", "million"):
        head, rule, *lines = [line for line in cells[name].splitlines() if line.startswith("|")]
        assert rule.startswith("|---|---:|")
        assert len(lines) > 9
        assert {line.count("|") for line in (head, *lines)} == {6}
