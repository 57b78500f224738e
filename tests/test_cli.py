"""The ``nbhitl`` command."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

import nbhitl
from nbhitl import END, START, DuckDBSaver, StateGraph, cli, interrupt
from nbhitl.cli import tutorials
from nbhitl.cli.headless import shortened

NOTEBOOK = "01-label-digits.ipynb"


def command(*words, folder, **more):
    arguments = [sys.executable, "-m", "nbhitl.cli", *map(str, words)]
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=240, check=False, **more)


@pytest.fixture
def demo_extra():
    for package in ("sklearn", "matplotlib", "nbclient"):
        pytest.importorskip(package)


@pytest.fixture(scope="module")
def headless(tmp_path_factory):
    for package in ("sklearn", "matplotlib", "nbclient"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("demo")
    return folder, command("demo", "--headless", "--folder", "here", folder=folder)


@pytest.fixture
def paused(tmp_path):
    """A checkpoint file with one question open."""

    def ask(state):
        return {"name": interrupt("Who are you?")}

    builder = StateGraph(dict_state())
    builder.add_node(ask)
    builder.add_edge(START, "ask")
    builder.add_edge("ask", END)
    file = tmp_path / "runs.duckdb"
    with DuckDBSaver(file) as saver:
        builder.compile(checkpointer=saver).invoke({}, {"configurable": {"thread_id": "one"}})
    return file


def dict_state():
    from typing import TypedDict

    return TypedDict("State", {"name": str}, total=False)


# -- help


def test_the_help_names_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in ("demo", "sql", "threads", "--version", "nbhitl demo"))


def test_without_a_command_the_help_is_printed(capsys):
    assert cli.main([]) == 0
    assert capsys.readouterr().out == cli.parser().format_help()


@pytest.mark.parametrize("name", ["demo", "sql", "threads"])
def test_the_help_of_a_command_has_examples(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main([name, "--help"])
    assert f"examples:\n  nbhitl {name}" in capsys.readouterr().out


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"nbhitl {nbhitl.__version__}\n"


def test_an_unknown_command_is_answered_with_those_that_there_are(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["dmo"])
    said = capsys.readouterr().err
    assert "dmo" in said
    assert "demo" in said


# -- looking into a file


def test_a_query_prints_a_table(paused, capsys):
    assert cli.main(["sql", str(paused), "SELECT node, value FROM pending_interrupts"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split(maxsplit=1) == ["ask", '"Who are you?"']


def test_the_threads_are_listed(paused, capsys):
    assert cli.main(["threads", str(paused)]) == 0
    assert "one" in capsys.readouterr().out


def test_a_query_that_changes_something_is_refused_in_one_line(paused, capsys):
    assert cli.main(["sql", str(paused), "DELETE FROM journal"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("nbhitl: ")
    assert "Traceback" not in said


def test_a_file_that_is_not_there_is_not_made(tmp_path, capsys):
    assert cli.main(["threads", str(tmp_path / "no.duckdb")]) == 1
    assert "there is no file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# -- the demo without a person


def test_the_demo_runs_without_a_person_and_tells_what_happened(headless):
    _, done = headless
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    said = done.stdout
    assert "branch 0: begin > 8 x (train > measure > pick > ask > learn) > train > measure" in said
    assert "branch 1: " in said
    assert said.count(" of 8, index: ") > 8
    assert "before: " in said
    assert said.count("after: ") == 2
    assert str(headless[0] / "here" / ".nbhitl" / "01-label-digits.duckdb") in said


def test_the_folder_and_the_checkpoint_file_are_kept(headless):
    folder, _ = headless
    names = sorted(path.name for path in (folder / "here").iterdir())
    assert names == [".nbhitl", "01-label-digits.answers.json", NOTEBOOK, "02-differences-from-langgraph.ipynb"]
    with DuckDBSaver(folder / "here" / ".nbhitl" / "01-label-digits.duckdb") as saver:
        assert saver.sql("SELECT graph, status FROM threads").rows == [("label", "finished")]


def test_a_second_run_has_a_thread_of_its_own(headless):
    folder, _ = headless
    done = command("demo", "--headless", "--folder", "here", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "Path of thread label-2 (finished)" in done.stdout


def test_a_tutorial_that_was_changed_is_kept_and_one_that_fails_is_told_in_a_line(demo_extra, tmp_path):
    tutorials.copy(tutorials.tutorials(), tmp_path)
    changed = json.loads((tmp_path / NOTEBOOK).read_text())
    setup = next(cell for cell in changed["cells"] if cell["id"] == "setup")
    setup["source"] = ["1 / 0"]
    text = json.dumps(changed)
    (tmp_path / NOTEBOOK).write_text(text)
    done = command("demo", "--headless", "--folder", tmp_path, folder=tmp_path)
    assert done.returncode == 1
    assert (tmp_path / NOTEBOOK).read_text() == text
    assert f"Kept, since they are no longer as they came: {NOTEBOOK}" in done.stdout
    problem = "the cell that begins with '1 / 0' failed: ZeroDivisionError: division by zero"
    assert done.stderr == f"nbhitl: {NOTEBOOK}: {problem}\n"


def test_a_question_that_waits_for_a_person_is_not_answered_by_the_script(demo_extra, tmp_path, paused, capsys):
    (tmp_path / "here" / ".nbhitl").mkdir(parents=True)
    paused.rename(tmp_path / "here" / ".nbhitl" / "01-label-digits.duckdb")
    assert cli.main(["demo", "--headless", "--folder", str(tmp_path / "here")]) == 1
    assert "a script should not answer in your place" in capsys.readouterr().err


def test_a_missing_extra_is_named_with_its_cure(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert cli.main(["demo", "--folder", str(tmp_path / "here")]) == 2
    said = capsys.readouterr().err
    assert said == "nbhitl: the tutorials need sklearn: pip install 'nbhitl[demo]'\n"
    assert not (tmp_path / "here").exists()


def test_a_folder_that_is_a_file_is_an_error_in_one_line(demo_extra, tmp_path, capsys):
    (tmp_path / "here").write_text("mine")
    assert cli.main(["demo", "--folder", str(tmp_path / "here")]) == 1
    assert capsys.readouterr().err.startswith("nbhitl: ")
    assert (tmp_path / "here").read_text() == "mine"


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ("", []),
        ("a", ["a"]),
        ("aaa", ["3 x (a)"]),
        ("abcbcbc", ["a", "3 x (b > c)"]),
        ("ababcc", ["2 x (a > b)", "2 x (c)"]),
        ("abc", ["a", "b", "c"]),
    ],
)
def test_what_repeats_in_a_path_is_written_once(nodes, words):
    assert list(shortened(list(nodes))) == words


# -- the demo with JupyterLab


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_jupyterlab_and_asks_nothing(number, demo_extra, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = ("CONFIG", "DATA", "RUNTIME")
    environment = {**os.environ, **{f"JUPYTER_{place}_DIR": str(tmp_path / place) for place in places}}
    words = ["demo", "--no-browser", "--port", str(port), "--folder", str(tmp_path / "here")]
    log = (tmp_path / "log").open("w")
    with (
        log,
        subprocess.Popen(
            [sys.executable, "-m", "nbhitl.cli", *words],
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,  # a terminal of its own: Ctrl-C goes to all in it
        ) as demo,
    ):
        try:
            assert _answers(port, demo), (tmp_path / "log").read_text()
            if number == signal.SIGINT:
                os.killpg(demo.pid, number)
            else:
                demo.send_signal(number)
            assert demo.wait(30) == (0 if number == signal.SIGINT else 128 + number)
        finally:
            if demo.poll() is None:
                os.killpg(demo.pid, signal.SIGKILL)
    assert not _listens(port)
    said = (tmp_path / "log").read_text()
    assert f"/lab/tree/{NOTEBOOK}?token=" in said
    assert "Traceback" not in said


def _answers(port, process):
    for _ in range(300):
        if _listens(port):
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.2)
    return False


def _listens(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5):
            return True
    except urllib.error.HTTPError as refused:
        refused.close()
        return True
    except OSError:
        return False
