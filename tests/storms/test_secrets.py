"""What must not be stored stands nowhere: not in the file, its log, its mark, its notes, its copies, and in no error.

What is kept out: the secret fields of answers, keys that are `UntrackedValue`, values that are refused (a `SecretStr`,
an object that cannot be stored), a node's code, the environment. What a node returns in an ordinary key is stored, and
so is the text of an exception that it raises, without the secrets that were answered: whoever puts another one there
has told it.
"""

import contextlib
import json
import operator
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import BaseModel, SecretStr

from nbhitl import START, Command, DuckDBSaver, Send, StateGraph, UntrackedValue, interrupt, once
from nbhitl.checkpoint.file.copies import snapshot
from nbhitl.checkpoint.file.export import export_parquet
from nbhitl.engine.errors import UnstorableValueError
from nbhitl.run.vault import VAULT
from tests.storms.programs import ROOT

MARKER = json.loads((ROOT / "tests/corpora/attacks.json").read_text(encoding="utf-8"))["secrets"]["marker"]
SEEN = "THIS_MAY_BE_SEEN_81f2"
CONFIG = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]
    token: Annotated[str, UntrackedValue]
    thing: Any


class Token:
    """Cannot be stored, and tells too much."""

    def __repr__(self):
        return f"Token({MARKER})"

    __str__ = __repr__


class Login(BaseModel):
    user: str
    password: SecretStr


def hits(folder):
    """The files in which the marker stands; the other text must be found, or nothing was looked at."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    contents = {path.name: path.read_bytes() for path in files}
    return [name for name, data in contents.items() if MARKER.encode() in data], contents


def rows_with(saver, text):
    """Rows of the journal in which a text stands: what duckdb compresses is not found in its file."""
    rows = saver._reader.rows("SELECT * FROM journal")
    assert rows
    return [row[:6] for row in rows if text in repr(row)]


def untracked(saver):
    """A graph whose secret goes where values go: input, updates, fan-out, a sub-graph, questions, edits."""

    def login(state):
        assert state.get("token") == MARKER
        return {"log": [SEEN], "token": MARKER}

    def use(state):
        return {"log": [f"used {len(state.get('token', ''))}"], "token": MARKER}

    def side(given):
        return {"log": [f"side {given['n']}"]}

    def ask(state):
        interrupt("go on?")
        return Command(update={"log": ["asked"], "token": MARKER})

    inner = StateGraph(State).add_node("use", use).add_edge(START, "use").compile()
    built = StateGraph(State)
    for name, node in (("login", login), ("side", side), ("use", use), ("inner", inner), ("ask", ask)):
        built.add_node(name, node)
    built.add_edge(START, "login").add_conditional_edges(
        "login", lambda state: [Send("side", {"log": [], "n": i}) for i in range(2)], ["side"]
    )
    return built.add_edge("side", "use").add_edge("use", "inner").add_edge("inner", "ask").compile(saver)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_what_is_untracked_stands_nowhere_while_open_closed_reopened_copied_and_compacted(tmp_path, durability):
    path = tmp_path / "t.duckdb"
    with DuckDBSaver(path) as saver:
        graph = untracked(saver)
        graph.invoke({"log": ["in"], "token": MARKER}, CONFIG, durability=durability)
        graph.update_state(CONFIG, {"token": MARKER, "log": ["edited"]}, as_node="inner")
        graph.invoke(None, CONFIG, durability=durability)
        graph.invoke(Command(resume="yes", update={"token": MARKER}), CONFIG, durability=durability)
        saver.flush()
        found, contents = hits(tmp_path)
        assert found == []
        assert any(SEEN.encode() in data for data in contents.values())
        assert rows_with(saver, MARKER) == []
        assert rows_with(saver, SEEN)
        with snapshot(path, tmp_path / "copy.duckdb"):
            assert hits(tmp_path)[0] == []
        saver.compact()
    assert hits(tmp_path)[0] == []
    with DuckDBSaver(path) as saver:
        assert "token" not in untracked(saver).get_state(CONFIG).values
        saver.prune(next(i.key for i in saver.threads()))
        assert rows_with(saver, MARKER) == []
    assert hits(tmp_path)[0] == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: SecretStr(MARKER),
        lambda: {"deep": [1, (2, SecretStr(MARKER))]},
        lambda: Login(user="ann", password=MARKER),
        Token,
        lambda: [Token()],
        lambda: ValueError(MARKER),
        lambda: iter([MARKER]),
        lambda: lambda: MARKER,
    ],
    ids=["secret", "deep", "model", "object", "list", "exception", "iterator", "function"],
)
def test_a_refused_value_stands_in_no_file_and_in_no_error(tmp_path, make):
    def keep(state):
        return {"thing": make(), "log": [SEEN]}

    with DuckDBSaver(tmp_path / "t.duckdb", types=[Login]) as saver:
        graph = StateGraph(State).add_node("keep", keep).add_edge(START, "keep").compile(saver)
        with pytest.raises(UnstorableValueError) as caught:
            graph.invoke({"log": ["in"]}, CONFIG)
        assert MARKER not in f"{caught.value!r} {caught.value} {caught.value.__notes__}"
        assert "thing" in str(caught.value)
        saver.flush()
        assert hits(tmp_path)[0] == []
        assert rows_with(saver, MARKER) == []
        assert "failed" in {row[5] for row in saver._reader.rows("SELECT * FROM journal")}
    assert hits(tmp_path)[0] == []


def test_a_nodes_code_is_described_and_not_stored(tmp_path):
    def login(state, default="NBHITL_SECRET_" + "7f3a9c"):
        key = "NBHITL_SECRET_7f3a9c"
        return {"log": [len(key), len(default)]}

    assert login.__defaults__ == (MARKER,)
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        StateGraph(State).add_node("login", login).add_edge(START, "login").compile(saver).invoke({"log": [1]}, CONFIG)
        assert rows_with(saver, MARKER) == []
        assert saver._reader.rows("SELECT count(*) > 0 FROM journal WHERE kind = 'code'") == [(True,)]
        saver.flush()
        assert hits(tmp_path)[0] == []


KILLED = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    from nbhitl import DuckDBSaver
    from tests.storms.test_secrets import CONFIG, MARKER, untracked
    assert os.environ["API_KEY"] == MARKER and MARKER in sys.argv
    saver = DuckDBSaver(sys.argv[1])
    untracked(saver).invoke({"log": ["in"], "token": MARKER}, CONFIG)
    os.kill(os.getpid(), signal.SIGKILL)
""")


def test_neither_the_environment_nor_the_arguments_nor_a_kill_leave_a_secret(tmp_path):
    path = tmp_path / "t.duckdb"
    env = {**os.environ, "API_KEY": MARKER, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), MARKER], cwd=ROOT, env=env, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    found, contents = hits(tmp_path)
    assert {"t.duckdb", "t.duckdb.tail", "t.duckdb.mark", "t.duckdb.lock", "t.duckdb.owner"} <= contents.keys()
    assert found == []
    assert SEEN.encode() in contents["t.duckdb.tail"]
    with DuckDBSaver(path) as saver:
        assert rows_with(saver, MARKER) == []
    assert hits(tmp_path)[0] == []
    assert Path(path).exists()


# -- secrets that a person answers


def login(state):
    """Asks for a secret in a body that goes on asking, keeps an effect, and tries to log in with it."""
    given = interrupt({"question": "who?", "seen": SEEN}, response_schema=Login)
    once("greet", lambda: f"{SEEN} {given.user}")
    kind = interrupt("how?")
    if kind == "fail":
        raise ConnectionError(f"https://{given.user}:{given.password.get_secret_value()}@host")
    if kind == "die" and "DIES" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
    assert given.password.get_secret_value() == MARKER
    return {"log": [SEEN, given.user]}


def logs_in(saver):
    """Two that log in side by side: a node, and a sub-graph."""
    inner = StateGraph(State).add_node("login", login).add_edge(START, "login").compile()
    built = StateGraph(State).add_node("login", login).add_node("inner", inner)
    return built.add_edge(START, "login").add_edge(START, "inner").compile(saver)


def answer_all(graph, answer):
    """Answer every open question alike."""
    asked = graph.get_state(CONFIG).interrupts
    return graph.invoke(Command(resume={question.id: answer for question in asked}), CONFIG)


GIVEN = {"user": "ann", "password": MARKER}


@pytest.fixture
def forgetful():
    """What a process keeps in its memory is forgotten before and after."""
    VAULT.forget()
    yield VAULT
    VAULT.forget()


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_an_answered_secret_stands_in_no_file_while_open_closed_reopened_copied_exported_and_compacted(
    tmp_path, durability, forgetful
):
    path = tmp_path / "t.duckdb"
    with DuckDBSaver(path) as saver:
        graph = logs_in(saver)
        graph.invoke({"log": []}, CONFIG, durability=durability)
        answer_all(graph, GIVEN)
        saver.flush()
        assert hits(tmp_path)[0] == []
        with pytest.raises(ConnectionError):
            answer_all(graph, "fail")
        saver.flush()
        assert rows_with(saver, MARKER) == []
        told = saver.sql("SELECT answer, answered_by FROM answers WHERE node LIKE '%login%'").rows
        assert any("(secret)" in str(row) for row in told)
        assert not any(MARKER in str(row) for row in told)
        with snapshot(path, tmp_path / "copy.duckdb"):
            assert hits(tmp_path)[0] == []
        export_parquet(path, tmp_path / "exported")
        export_parquet(tmp_path / "copy.duckdb", tmp_path / "exported again")
        saver.compact()
    found, contents = hits(tmp_path)
    assert found == []
    assert {"t.duckdb", "copy.duckdb", "answers.parquet"} <= contents.keys()
    forgetful.forget()
    with DuckDBSaver(path) as saver:
        graph = logs_in(saver)
        asked = graph.invoke(None, CONFIG)["__interrupt__"]
        assert [question.value["question"] for question in asked] == ["who?", "who?"]
        with pytest.raises(ConnectionError):  # the later answer is kept
            answer_all(graph, GIVEN)
        graph.invoke({"log": []}, CONFIG, restart=True)
        answer_all(graph, GIVEN)
        assert answer_all(graph, "well")["log"] == [SEEN, "ann"] * 2
        saver.prune(next(i.key for i in saver.threads()))
        assert rows_with(saver, MARKER) == []
        assert rows_with(saver, SEEN)
        saver.flush()
    assert hits(tmp_path)[0] == []


ANSWERED = textwrap.dedent("""
    import logging, os, sys
    logging.basicConfig(level=logging.DEBUG)
    from nbhitl import DuckDBSaver
    from tests.storms.test_secrets import CONFIG, GIVEN, answer_all, logs_in
    saver = DuckDBSaver(sys.argv[1])
    graph = logs_in(saver)
    graph.invoke({"log": []}, CONFIG)
    answer_all(graph, GIVEN)
    answer_all(graph, sys.argv[2])
""")


@pytest.mark.parametrize(
    ("crash", "how", "ends"),
    [
        ("", "die", -signal.SIGKILL),
        ("after_answer_before_commit", "well", -signal.SIGKILL),
        ("before_tail:3", "well", -signal.SIGKILL),
        ("after_tail_before_mark:4", "well", -signal.SIGKILL),
        ("", "fail", 1),
    ],
)
def test_a_process_that_ends_anyhow_leaves_no_secret_and_the_next_one_asks_again(tmp_path, crash, how, ends, forgetful):
    path = tmp_path / "files" / "t.duckdb"
    path.parent.mkdir()
    env = {**os.environ, "NBHITL_CRASH_AT": crash, "PYTHONPATH": str(ROOT), "DIES": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ANSWERED, str(path), how],
        cwd=ROOT,
        env=env,
        check=False,
        timeout=60,
        capture_output=True,
    )
    assert done.returncode == ends, done.stderr.decode()
    found, contents = hits(path.parent)
    assert found == []
    assert {"t.duckdb", "t.duckdb.mark"} <= contents.keys()
    if how != "fail":  # what a node itself puts into an exception, Python prints
        assert MARKER.encode() not in done.stdout + done.stderr
    with DuckDBSaver(path) as saver:
        assert rows_with(saver, MARKER) == []
        graph = logs_in(saver)
        for answer in (None, GIVEN, "well", GIVEN, "well"):
            asked = graph.get_state(CONFIG).interrupts
            if answer is None:
                graph.invoke(None, CONFIG)
            elif asked:
                answers = {q.id: "well" if q.value == "how?" else GIVEN for q in asked}
                with contextlib.suppress(ConnectionError):  # its "fail" was recorded
                    graph.invoke(Command(resume=answers), CONFIG)
        finished = graph.get_state(CONFIG).values.get("log") == [SEEN, "ann"] * 2
        assert finished is (how != "fail")
        assert rows_with(saver, MARKER) == []
    assert hits(path.parent)[0] == []


@pytest.mark.parametrize("held", [True, False], ids=["a program has the file", "nobody has it"])
def test_the_command_line_takes_no_secret_and_writes_none_down(tmp_path, held, forgetful):
    path = tmp_path / "t.duckdb"
    with DuckDBSaver(path) as saver:
        graph = logs_in(saver)
        (asked, _) = graph.invoke({"log": []}, CONFIG)["__interrupt__"]
        if not held:
            saver.close()
        command = [sys.executable, "-m", "nbhitl.cli", "answer", str(path), asked.id, "user=ann", f"password={MARKER}"]
        command += ["--timeout", "0.5"]
        done = subprocess.run(command, cwd=ROOT, check=False, timeout=60, capture_output=True, text=True)
        assert done.returncode == (4 if held else 1), done
        why = "did not take" if held else "asks for a secret, which the command line would show to others"
        assert why in done.stderr
        assert MARKER not in done.stdout + done.stderr
        assert hits(tmp_path)[0] == []
    with DuckDBSaver(path) as saver:
        assert len(logs_in(saver).get_state(CONFIG).interrupts) == 2
