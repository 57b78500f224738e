"""What must not be stored stands nowhere: not in the file, its log, its mark, its notes, its copies, and in no error.

What is kept out: keys that are `UntrackedValue`, values that are refused (a `SecretStr`, an object that cannot be
stored), a node's code, the environment. What a node returns in an ordinary key is stored, and so is the text of an
exception that it raises: whoever puts a secret there has told it.
"""

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

from nbhitl import START, Command, DuckDBSaver, Send, StateGraph, UntrackedValue, interrupt
from nbhitl.checkpoint.file.copies import snapshot
from nbhitl.engine.errors import UnstorableValueError
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
    assert {"t.duckdb", "t.duckdb.wal", "t.duckdb.mark", "t.duckdb.lock", "t.duckdb.owner"} <= contents.keys()
    assert found == []
    assert SEEN.encode() in contents["t.duckdb.wal"]
    with DuckDBSaver(path) as saver:
        assert rows_with(saver, MARKER) == []
    assert hits(tmp_path)[0] == []
    assert Path(path).exists()
