"""The ``nbhitl`` command."""

import json
import os
import re
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
from nbhitl.cli import queries, tutorials
from nbhitl.cli.headless import shortened

NOTEBOOK = "01-label-digits.ipynb"
COMMANDS = ("demo", "sql", "threads", "doctor", "export", "compact")


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
    assert all(name in said for name in (*COMMANDS, "--version", "nbhitl demo"))


def test_without_a_command_the_help_is_printed(capsys):
    assert cli.main([]) == 0
    assert capsys.readouterr().out == cli.parser().format_help()


@pytest.mark.parametrize("name", COMMANDS)
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


def test_the_help_of_sql_names_the_views_and_the_macros(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["sql", "--help"])
    said = capsys.readouterr().out
    assert "pending_interrupts, answers, " in said
    assert "history(thread), diff(thread, a, b)" in said


def test_values_are_bound_and_never_part_of_the_query(paused, capsys):
    query = "SELECT node FROM pending_interrupts WHERE thread = $thread AND step = $step"
    assert cli.main(["sql", str(paused), query, "--param", "thread=one", "--param", "step=0", "--format", "csv"]) == 0
    assert capsys.readouterr().out == "node\nask\n"
    assert cli.main(["sql", str(paused), query, "--param", "thread=x' OR 1=1 --", "--param", "step=0"]) == 0
    assert "ask" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("a=1", 1),
        ("a=1.5", 1.5),
        ("a=true", True),
        ("a=null", None),
        ('a="1"', "1"),
        ("a=x=y", "x=y"),
        ("a=[1]", "[1]"),
    ],
)
def test_a_parameter_is_what_its_json_says_or_text(given, value):
    assert queries.parameter(given) == ("a", value)


def test_a_parameter_without_a_name_is_refused_in_one_line(paused, capsys):
    assert cli.main(["sql", str(paused), "SELECT 1", "--param", "one"]) == 1
    assert "--param 'one' is not of the form name=value" in capsys.readouterr().err


def test_rows_are_printed_as_csv_and_as_json(paused, capsys):
    query = "SELECT thread, next, made_at, NULL AS nothing FROM steps WHERE step = 0"
    assert cli.main(["sql", str(paused), query, "--format", "csv"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head == "thread,next,made_at,nothing"
    assert row.startswith('one,"[""ask""]",20')
    assert cli.main(["sql", str(paused), query, "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["thread"], found["next"], found["nothing"]) == ("one", ["ask"], None)
    assert cli.main(["threads", str(paused), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["status"] == "interrupted"


def test_what_was_left_out_is_told_beside_the_data(paused, capsys):
    assert cli.main(["sql", str(paused), "SELECT * FROM range(20000)", "--format", "csv"]) == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 10_001
    assert "only the first 10000 rows" in said.err


def test_a_query_that_takes_too_long_is_stopped(paused, capsys):
    query = "SELECT count(*) FROM range(100000000) a, range(100000000) b"
    assert cli.main(["sql", str(paused), query, "--timeout", "0.2"]) == 1
    assert "longer than 0.2 s" in capsys.readouterr().err


def test_a_file_that_a_kernel_has_open_is_looked_at_as_a_copy(paused, capsys):
    hold = "import sys; from nbhitl import DuckDBSaver; s = DuckDBSaver(sys.argv[1]); print(1, flush=True); input()"
    words = [sys.executable, "-c", hold, str(paused)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as kernel:
        kernel.stdout.readline()
        for command_ in (["threads", str(paused)], ["sql", str(paused), "SELECT thread FROM threads"]):
            assert cli.main(command_) == 0
            said = capsys.readouterr()
            assert "one" in said.out
            assert f"is in use by process {kernel.pid}" in said.err
            assert "this is a copy of it as it is now" in said.err
            assert said.err.count("\n") == 1
        assert cli.main(["compact", str(paused)]) == 1
        assert "close the other kernel" in capsys.readouterr().err
        kernel.communicate(b"\n")


def test_views_are_exported(paused, tmp_path, capsys):
    assert cli.main(["export", str(paused), str(tmp_path / "out"), "--view", "threads", "--view", "state"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / "out" / f"{v}.parquet") for v in ("threads", "state")
    ]
    assert cli.main(["export", str(paused), str(tmp_path / "out"), "--view", "tate"]) == 1
    assert "Did you mean 'state'" in capsys.readouterr().err


def test_a_file_is_compacted(paused, capsys):
    assert cli.main(["compact", str(paused)]) == 0
    assert re.match(r".*runs\.duckdb: [\d.]+ [KM]B before, [\d.]+ [KM]B now\n", capsys.readouterr().out)
    assert cli.main(["doctor", str(paused)]) == 0
    assert "1 thread" in capsys.readouterr().out


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
    assert names[0] == ".nbhitl"
    assert names[1:] == sorted(path.name for path in tutorials.tutorials().iterdir())
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
