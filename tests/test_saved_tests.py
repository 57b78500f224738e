"""A thread saved as a test: the written file runs by itself under pytest, and fails when the graph goes another way."""

import importlib
import io
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from nbhitl import (
    AnswerRefused,
    DuckDBSaver,
    InMemorySaver,
    NbhitlError,
    RunControl,
    Session,
    UnansweredQuestion,
    answering,
)
from nbhitl.cli import main
from nbhitl.scripts.cells import CellSource
from nbhitl.scripts.literals import Literals, NoLiteral, assertions

APP = '''
import dataclasses
import datetime
import enum
import operator
from typing import Annotated, Any, TypedDict

import pandas as pd
from pydantic import BaseModel, SecretStr

from nbhitl import END, START, StateGraph, interrupt


class Tone(enum.Enum):
    DRY = "dry"


class Verdict(BaseModel):
    ok: bool
    note: str = ""


@dataclasses.dataclass
class Point:
    x: int
    when: datetime.date


class Login(BaseModel):
    password: SecretStr


class Opaque:
    pass


class State(TypedDict, total=False):
    topic: str
    said: Annotated[list, operator.add]
    verdict: Any
    point: Any
    tone: Any
    table: Any
    nothing: Any


def ask(state):
    return {"said": [interrupt("""It's "%s"?""" % state["topic"])]}


def judge(state):
    return {"verdict": interrupt({"n": 1, "text": "Öl \\\\ \\n fine?"}, response_schema=Verdict)}


def login(state):
    interrupt("Password?", response_schema=Login)
    return {}


def fill(state):
    return {
        "point": Point(1, datetime.date(2026, 1, 2)),
        "tone": Tone.DRY,
        "table": pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
    }


builder = StateGraph(State)
builder.add_sequence([ask, judge, login, fill])
builder.add_edge(START, "ask")
builder.add_edge("fill", END)
graph = builder.compile()


def make():
    return builder
'''
RULES = {
    "ask": 'they\'re "quoted" - ünïcode',
    "judge": {"ok": True, "note": "''' \"\"\" \\"},
    "login": {"password": "hunter-2222"},
}


def pytested(folder, *files):
    """Run written tests in a Python of their own; what it said."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:cov", *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def runs(file):
    """Run a written test here: quicker, and the same but for what pytest makes of it."""
    found = [value for name, value in runpy.run_path(str(file)).items() if name.startswith("test_")]
    assert len(found) == 1
    found[0]()


def module(folder, name):
    """The application as a module of that name, imported from a folder."""
    folder.mkdir()
    (folder / f"{name}.py").write_text(APP, encoding="utf-8")
    return importlib.import_module(name)


@pytest.fixture
def app(tmp_path, monkeypatch):
    """A module of its own, imported from a folder."""
    name = f"reviewing_{tmp_path.name.replace('-', '_')}"
    monkeypatch.syspath_prepend(str(tmp_path / "app"))
    yield module(tmp_path / "app", name)
    sys.modules.pop(name, None)


def ran(app, rules=RULES, saver=None, thread="1"):
    session = Session(app.builder.compile(saver or InMemorySaver()), thread)
    session.compiled.graph = app.graph.graph
    session.compiled.calls = app.builder.compile(session.saver).calls
    with answering(rules):
        session.go({"topic": "tea"})
    assert session.failure is None
    return session


def changed(app, old, new):
    """Put something else into the module's file."""
    file = Path(app.__file__)
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_graph_of_a_module_is_saved_readably_and_without_secrets_or_places_of_this_machine(app, tmp_path):
    file = ran(app).save_test(tmp_path / "test_saved.py", graph=f"{app.__name__}:graph")
    text = file.read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert "hunter" not in text
    assert f"from {app.__name__} import graph" in text
    assert 'assert run.path() == ["ask", "judge", "login", "fill"]' in text
    assert 'assert values["verdict"] == Verdict.model_validate(' in text
    assert 'assert values["point"] == Point(x=1, when=datetime.date(2026, 1, 2))' in text
    assert 'assert values["tone"] == Tone["DRY"]' in text
    assert '# values["table"] is a pandas.DataFrame that cannot be written down: its content is compared' in text


CHANGES = {
    "same": ("", "", ""),
    "asks": ("n fine?", "n good?", "UnansweredQuestion"),
    "path": ("[ask, judge, login, fill]", "[ask, judge, fill]", "LeftoverAnswers"),
    "value": ("Point(1,", "Point(2,", 'assert values["point"]'),
    "table": ('"a": [1, 2]', '"a": [1, 3]', 'assert digest(values["table"])'),
    "schema": ("ok: bool", "ok: int", "AnswerRefused"),
    "fails": ('interrupt("Password?", response_schema=Login)', "1 / 0", "ZeroDivisionError"),
}


def test_a_saved_test_passes_and_fails_when_a_node_is_changed(tmp_path, monkeypatch):
    files = {}
    for number, (name, (old, new, _)) in enumerate(CHANGES.items()):
        made = f"changing_{name}"
        monkeypatch.syspath_prepend(str(tmp_path / name))
        app = module(tmp_path / name, made)
        graph = ("graph", "builder", "make")[number % 3]
        files[name] = ran(app).save_test(tmp_path / f"test_{name}.py", graph=f"{made}:{graph}")
        sys.modules.pop(made)
        changed(app, old, new)
    said = pytested(tmp_path, *(file.name for file in files.values()))
    assert f"{len(files) - 1} failed, 1 passed" in said
    for name, (_, _, words) in CHANGES.items():
        assert words in said
        assert (f"FAILED test_{name}.py" in said) == (name != "same")


def test_the_module_of_a_graph_is_found_by_itself(app, tmp_path):
    session = Session(app.builder.compile(InMemorySaver()), "t's")
    app.kept = session.compiled
    with answering(RULES):
        session.go({"topic": "tea"})
    text = session.save_test(tmp_path / "test_saved.py").read_text(encoding="utf-8")
    assert f"from {app.__name__} import kept" in text
    assert "def test_thread_t_s_goes_as_it_was_recorded():" in text


def test_a_graph_without_a_name_in_any_module_says_what_to_do(app, tmp_path):
    session = Session(app.builder.compile(InMemorySaver()), "1")
    with answering(RULES):
        session.go({"topic": "tea"})
    with pytest.raises(NbhitlError, match=r"no module has it under a name. .* graph='module:name'"):
        session.save_test(tmp_path / "test_saved.py")
    assert not (tmp_path / "test_saved.py").exists()


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ("nothing", "'nothing' names no graph: write module:name"),
        ("no_such_module_at_all:graph", "module 'no_such_module_at_all' cannot be imported"),
        ("{app}:grap", "has no 'grap'. Did you mean 'graph'"),
        ("{app}:State", "is dict, and no graph"),
    ],
)
def test_a_place_where_no_graph_is_is_an_error(app, graph, words, tmp_path):
    from nbhitl.scripts.sources import ModuleSource

    with pytest.raises(NbhitlError, match=words):
        ModuleSource.named(graph.format(app=app.__name__)).compiled()


def test_a_thread_that_waits_becomes_a_test_of_the_question(app, tmp_path):
    session = ran(app, {"ask": "yes", "judge": {"pause": True}})
    file = session.save_test(tmp_path / "test_saved.py", graph=f"{app.__name__}:graph")
    assert 'assert stopped.reason == "interrupted"' in file.read_text(encoding="utf-8")
    runs(file)
    ask = app.interrupt
    app.interrupt = lambda value, **options: ask({"other": value}, **options)
    with pytest.raises(UnansweredQuestion):
        runs(file)


def test_a_thread_that_was_edited_or_failed_or_never_ran_is_no_test(app, tmp_path):
    session = ran(app, {"ask": "yes", "judge": {"pause": True}})
    session.compiled.update_state(session.config, {"topic": "ink"}, as_node="ask")
    session.go()
    with pytest.raises(NbhitlError, match="'1' cannot be made a test: the state was edited by hand at step 2"):
        session.save_test(tmp_path / "test_saved.py", graph=f"{app.__name__}:graph")
    failed = Session(session.compiled, "2")
    with answering({"ask": 1, "judge": {"ok": "no bool"}}), pytest.raises(AnswerRefused):
        failed.go({"topic": "tea"}, control=(control := RunControl()))
    control.request_drain("enough")
    failed.answer({"ok": True})
    failed.go(control=control)
    with pytest.raises(NbhitlError, match="thread '2' ended: enough. A test is made of a run that has finished"):
        failed.save_test(tmp_path / "test_saved.py", graph=f"{app.__name__}:graph")
    with pytest.raises(NbhitlError, match="has not run yet"):
        Session(session.compiled, "none").save_test(tmp_path / "test_saved.py")


def test_a_file_of_somebody_elses_is_not_written_over(app, tmp_path):
    session, file = ran(app), tmp_path / "test_saved.py"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(NbhitlError, match="exists, and was not written by save_test"):
        session.save_test(file, graph=f"{app.__name__}:graph")
    assert file.read_text(encoding="utf-8") == "mine"
    with pytest.raises(NbhitlError, match="cannot be written: No such file or directory"):
        session.save_test(tmp_path / "missing" / "test_saved.py", graph=f"{app.__name__}:graph")
    file.unlink()
    for _ in range(2):  # its own it may write again
        session.save_test(file, graph=f"{app.__name__}:graph")


def test_the_command_line_writes_a_test_from_a_file(app, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with DuckDBSaver("runs.duckdb") as saver:
        ran(app, saver=saver, thread="demo")
    given = ["save-test", "runs.duckdb", "demo", "test_demo.py", "--graph", f"{app.__name__}:graph"]
    assert main(given) == 0
    assert capsys.readouterr().out == "test_demo.py\n"
    runs(tmp_path / "test_demo.py")
    given[2] = "dmeo"
    assert main(given) == 1
    assert "there is no thread 'dmeo' in it. Did you mean 'demo'" in capsys.readouterr().err


# -- cells

CELL = """
from __future__ import annotations
%matplotlib inline
from typing import TypedDict
from langgraph.checkpoint.memory import MemorySaver
from langgraph.types import Command as Order

class State(TypedDict, total=False):
    n: int
    word: str

def ask(state: State):
    return {"n": interrupt(QUESTION) + np.int64(1).item(), "word": shout(shape(state["word"]))}

def last(state: State):
    return Order(goto=END)

flow(START, ask, last)
"""


def cell_of(text, space, name="post", state=None):
    """The session and namespace of a cell, as the notebook makes them."""
    from IPython.core.interactiveshell import InteractiveShell

    from nbhitl.compiled import CompiledGraph
    from nbhitl.notebook.cell import build

    shell = InteractiveShell.instance()
    try:
        shell.user_ns.update(space)
        cell = build(shell, text, name, state)
        session = Session(CompiledGraph(cell.graph, InMemorySaver(), scope=name), name)
        session.source = CellSource(text, name, state, shell.user_ns)
        return session, shell
    finally:
        InteractiveShell.clear_instance()


def test_a_cell_brings_along_what_it_uses_of_other_cells(tmp_path):
    import numpy as np
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_cell("MARK = {'mark': '!'}\ndef shout(text):\n    return text.upper() + MARK['mark']", store_history=True)
    space = {"np": np, "shape": textwrap.dedent, "QUESTION": {"how": "many \"'?"}, "unused": object()}
    text = CELL.replace("%matplotlib inline\n", "%time 1\n")
    session, shell = cell_of(text, space)
    with answering({"ask": 1}):
        session.go({"word": "  so"})
    assert session.failure is None
    file = session.save_test(tmp_path / "test_cell.py")
    written = file.read_text(encoding="utf-8")
    for line in (
        "import numpy as np",
        "from textwrap import dedent as shape",
        "# left out: %time 1",
        "from nbhitl import InMemorySaver as MemorySaver",
        "from nbhitl import Command as Order",
        "from nbhitl import END, START, interrupt",
        'MARK = {"mark": "!"}',
        "def shout(text):",
    ):
        assert line in written.splitlines(), line
    assert "unused" not in written
    assert "1 passed" in pytested(tmp_path, file.name)
    assert "langgraph" not in written.partition("ANSWERS")[0].replace("test_langgraph", "")
    runs(file)


def test_a_cell_that_uses_what_cannot_be_written_down_says_so(tmp_path):
    text = CELL.replace("%matplotlib inline\n", "").replace("np.int64(1).item()", "1").replace("shout", "str")
    session, shell = cell_of(text.replace("shape", "str"), {"QUESTION": "?"})
    with answering({"ask": 1}):
        session.go({"word": "so"})
    shell.user_ns["QUESTION"] = io.StringIO()
    with pytest.raises(NbhitlError, match="the cell uses QUESTION of another cell, and a StringIO cannot be written"):
        session.save_test(tmp_path / "test_cell.py")


@pytest.mark.parametrize(
    "end",
    [
        "app = StateGraph(State).add_node('ask', ask).add_edge(START, 'ask').compile(checkpointer=MemorySaver())",
        "app = StateGraph(State).add_node('ask', ask).add_edge(START, 'ask')",
    ],
)
def test_a_pasted_builder_cell_becomes_a_test(end, tmp_path):
    text = f"""
from typing import TypedDict
from langgraph.checkpoint.memory import MemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

class S(TypedDict, total=False):
    n: int

State = S

def ask(state: S):
    return {{"n": interrupt("How many?")}}

{end}
"""
    session, _ = cell_of(text, {})
    with answering({"ask": 3}):
        session.go({"n": 0})
    runs(session.save_test(tmp_path / "test_cell.py"))


def test_the_state_is_found_as_the_cell_names_it(tmp_path):
    text = """
from typing import TypedDict
class Mine(TypedDict, total=False):
    n: int
def a(state: Mine):
    return {"n": 1}
flow(START, a, END)
"""
    for state in (None, "Mine"):
        session, _ = cell_of(text, {}, state=state)
        session.go({"n": 0})
        file = session.save_test(tmp_path / "test_cell.py")
        assert "_graph = _wiring.build(Mine, globals())" in file.read_text(encoding="utf-8")
        runs(file)


# -- literals


class Odd:
    def __repr__(self):
        return "Odd()"


@pytest.mark.parametrize(
    "value",
    [None, True, 1, 1.5, "x", "it's", 'a"b\'c', b"\0", [1, [2]], (1,), (), {1: 2}, {1, 2}, set(), frozenset({3}),
     {"a" * 60: ["b" * 60]}, "line\nline", "\ud800"],
    ids=repr,
)  # fmt: skip
def test_a_literal_makes_an_equal_value(value):
    assert eval(Literals({}).of(value)) == value


def test_values_of_the_standard_library_have_a_literal():
    import datetime as dt
    import decimal
    import pathlib
    import uuid
    import zoneinfo

    literals = Literals({})
    for value in (
        dt.datetime(2026, 1, 2, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        dt.timedelta(days=1),
        decimal.Decimal("1.10"),
        uuid.UUID(int=5),
        pathlib.Path("a/b"),
    ):
        text = literals.of(value)
        space = {}
        exec("\n".join(sorted(literals.imports)), space)
        assert eval(text, space) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("nan")], Odd(), object(), {"x": Odd()}, len])
def test_what_does_not_equal_itself_or_has_no_expression_has_no_literal(value):
    literals = Literals({})
    with pytest.raises(NoLiteral):
        literals.of(value)
    assert literals.imports == set()


def test_what_has_no_literal_is_compared_by_digest_or_by_kind():
    write = Literals({}).of
    (told, line) = assertions("v", float("nan"), write)
    assert told == "# v is a builtins.float that cannot be written down: its content is compared by a digest."
    assert line.startswith('assert digest(v) == "')
    (told, line) = assertions("v", object(), write)
    assert "only its kind is" in told
    assert line == 'assert type(v).__qualname__ == "object"'
