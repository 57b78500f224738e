"""A secret that is answered in a real kernel is found nowhere: no message, no file, no log, no history."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from queue import Empty
from uuid import uuid4

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from nbhitl.engine.records import ThreadKey
from nbhitl.run.vault import SECRET, VAULT

ROOT = Path(__file__).parents[2]
MARKER = json.loads((ROOT / "tests/corpora/attacks.json").read_text(encoding="utf-8"))["secrets"]["marker"]
SEEN = "THIS_MAY_BE_SEEN_81f2"
LOGIN = """%%graph login --thread demo
from typing import TypedDict
from pydantic import BaseModel, SecretStr, model_validator

class State(TypedDict, total=False):
    length: int

class Login(BaseModel):
    user: str
    password: SecretStr

    @model_validator(mode="before")
    @classmethod
    def known(cls, data):
        if data["user"] == "eve":
            raise ValueError(f"{data} is not known")
        return data

def login(state: State):
    given = interrupt("Who are you?", response_schema=Login)
    if given.user == "bob":
        raise ConnectionError(f"no such host: https://bob:{given.password.get_secret_value()}@host")
    print("logged in", given)
    return {"length": len(given.password.get_secret_value())}

def leave(state: State):
    interrupt("Leave?")

flow(START, login, leave, END)
"""
ANSWER = """
import os
from nbhitl.notebook.commands import Answer
from nbhitl.notebook.workspace import Workspace
_worker = Workspace.of(get_ipython()).current
_given = {{"user": {user!r}, "password": os.environ["TYPED"]}}
_worker.do(Answer(_given, _worker.session.pending()[0].id, via={via!r}))
del _given
"""
LOOKS = (
    "%graph",
    "%graph where",
    "%graph state",
    "%graph history",
    "%graph sql SELECT * FROM answers",
    "%graph sql SELECT answer FROM answers",
    "%graph sql SELECT * FROM interrupts",
    "%graph sql SELECT * FROM writes",
    "Workspace.of(get_ipython()).current.session.answers()",
    "Workspace.of(get_ipython()).current.session.position",
)


class Kernel:
    """A real kernel, everything that it says, and everything that it writes."""

    def __init__(self, folder):
        self.folder, self.said = folder, []
        home = folder / "home"
        own = {"IPYTHONDIR": "ipython", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
        environment = {**os.environ, **{name: str(home / part) for name, part in own.items()}, "TYPED": MARKER}
        environment |= {"JPY_SESSION_NAME": "login.ipynb"}
        environment.pop("NBHITL_ANSWERS", None)
        self.manager = KernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
        home.mkdir(exist_ok=True)
        self._out = (home / f"{uuid4()}.out").open("wb")
        self.manager.start_kernel(
            cwd=str(folder), env=environment, stdout=self._out, stderr=self._out, extra_arguments=["--debug"]
        )
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.run("%load_ext nbhitl")

    def run(self, code):
        """Run a cell as a front end with a person does; what was said meanwhile, as text."""
        id_ = self.client.execute(code, allow_stdin=True, store_history=True)
        found = []
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=60)
            except Empty:
                pytest.fail(f"the kernel does not answer: {code:.60}")
            found.append(repr({name: message[name] for name in ("msg_type", "content", "metadata", "buffers")}))
            is_ours = message["parent_header"].get("msg_id") == id_
            if is_ours and message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        reply = self.client.get_shell_msg(timeout=60)
        found.append(repr((reply["msg_type"], reply["content"])))
        self.said += found
        return "\n".join(found)

    def stop(self):
        """End as a person ends a kernel; twice is fine."""
        if not self._out.closed:
            self.client.stop_channels()
            self.manager.shutdown_kernel()
            self.manager.cleanup_resources()
            self._out.close()


@pytest.fixture
def kernel(tmp_path):
    made = []

    def make():
        made.append(Kernel(tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def hits(folder):
    """The files in which the marker stands, and the names of all."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if MARKER.encode() in path.read_bytes()], {path.name for path in files}


def test_a_secret_that_is_submitted_stands_in_no_message_no_file_no_log_and_no_history(kernel, tmp_path):
    first = kernel()
    assert "Who are you?" in first.run(LOGIN)
    refused = first.run(ANSWER.format(user="eve", via="form"))
    assert "is not known" in refused
    assert SECRET in refused
    said = first.run(ANSWER.format(user="ann", via="form"))
    assert "logged in" in said
    assert f"'password': '{SECRET}'" in first.run(
        f"print({SEEN!r}, Workspace.of(get_ipython()).current.session.answers())"
    )
    for look in LOOKS:
        first.run(look)
    assert "finished" in first.run("%graph answer yes")
    assert "length" in first.run("%graph state")
    first.stop()
    found, names = hits(tmp_path)
    assert found == []
    assert {"login.duckdb", "history.sqlite"} <= names
    assert [text for text in first.said if MARKER in text] == []
    assert SEEN.encode() in (tmp_path / "home/ipython/profile_default/history.sqlite").read_bytes()


def test_a_node_that_fails_with_its_secret_does_not_show_it_and_a_new_kernel_asks_again(kernel, tmp_path):
    first = kernel()
    first.run(LOGIN)
    said = first.run(ANSWER.format(user="bob", via="form"))
    assert f"no such host: https://bob:{SECRET}@host" in said
    assert "'ename': 'ConnectionError'" in said
    for look in ("%graph", "%tb", "%graph sql SELECT * FROM writes"):
        first.run(look)
    first.stop()
    second = kernel()
    assert "Who are you?" in second.run(LOGIN)
    assert "Asked again" in "\n".join(second.said)
    assert "logged in" in second.run(ANSWER.format(user="ann", via="form"))
    second.stop()
    assert hits(tmp_path)[0] == []
    assert [text for text in first.said + second.said if MARKER in text] == []


def test_a_secret_is_taken_neither_from_a_cell_nor_from_the_command_line(kernel, tmp_path):
    only = kernel()
    only.run(LOGIN)
    only.run("from nbhitl.notebook.workspace import Workspace")
    said = only.run('%graph answer {"user": "ann", "password": "typed in a cell"}')
    assert "what is typed into a cell stays in the notebook" in said
    id = only.run("print(Workspace.of(get_ipython()).current.session.pending()[0].id)")
    id = re.search(r"'text': '([0-9a-f]{16})", id)[1]
    command = [sys.executable, "-m", "nbhitl.cli", "answer", ".nbhitl/login.duckdb", id, "user=x", f"password={MARKER}"]
    done = subprocess.run(command, cwd=tmp_path, check=False, timeout=60, capture_output=True, text=True)
    assert done.returncode == 1, done
    assert "asks for a secret, which the command line would show to others" in done.stderr
    assert "Who are you?" in only.run("%graph where")
    only.stop()
    assert hits(tmp_path)[0] == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_that_runs_without_people_takes_it_from_its_answers_and_holds_it_nowhere(tmp_path, monkeypatch):
    nbconvert = pytest.importorskip("nbconvert")
    for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home" / name))
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "home").mkdir()
    given = tmp_path / "answers.json"
    given.write_text(json.dumps({"login": {"user": "ann", "password": MARKER}, "leave": "yes"}))
    sources = ["%load_ext nbhitl", LOGIN, *LOOKS[:-2]]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    client = NotebookClient(
        book,
        km=KernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[])),
        timeout=60,
        resources={"metadata": {"path": str(work)}},
        store_widget_state=True,
    )
    environment = {**os.environ, "NBHITL_ANSWERS": str(given), "JPY_SESSION_NAME": str(work / "login.ipynb")}
    client.execute(env=environment, cleanup_kc=True)
    nbformat.write(book, work / "login.ipynb")
    page, _ = nbconvert.HTMLExporter().from_notebook_node(book)
    (work / "login.html").write_text(page)
    assert "logged in" in page
    assert SECRET in page
    assert hits(work)[0] == []
    assert hits(tmp_path / "home")[0] == []


def test_the_cells_of_one_shell_show_a_placeholder_and_the_body_gets_the_text(notebook):
    notebook.run(LOGIN)
    worker = notebook.workspace.current
    with pytest.raises(Exception, match="password: is required"):
        worker.session.answer({"user": "ann"})
    worker.session.answer({"user": "ann", "password": MARKER}, via="code")
    notebook.run(LOGIN)
    assert worker.session.state().values == {"length": len(MARKER)}
    shown = "\n".join(notebook.run(look) + repr(notebook.value) for look in LOOKS[:-2])
    assert MARKER not in shown
    assert SECRET in shown
    assert MARKER not in repr(notebook.workspace.saver.load(ThreadKey("demo", "login")))
    VAULT.forget()
