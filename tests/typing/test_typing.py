"""What type checkers see: programs of users pass ``mypy --strict``, and their mistakes are found."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypedDict

import pytest

import nbhitl

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(nbhitl.__file__).parents[1]
MARK = re.compile(r"#\s*E: (?P<code>[\w-]+)")
FOUND = re.compile(r"(?P<file>[^:]+\.py):(?P<line>\d+): (?:error|note): (?P<text>.*?)(?:\s+\[(?P<code>[\w-]+)\])?$")


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What ``mypy --strict`` says of all programs, as a user has it: without this project's own settings."""
    pytest.importorskip("mypy")  # it comes with the extra `dev`
    cache = tmp_path_factory.mktemp("mypy")
    programs = sorted(PROGRAMS.glob("*.py"))
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", *map(str, programs)]
    done = subprocess.run(
        command, cwd=cache, env={"MYPYPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=300
    )
    assert not done.stderr, done.stderr
    found = {}
    for line in done.stdout.splitlines():
        if match := FOUND.match(line):
            found.setdefault(Path(match["file"]).name, []).append((int(match["line"]), match["code"], match["text"]))
    return found


@pytest.mark.parametrize("program", [p.name for p in sorted(PROGRAMS.glob("*.py")) if p.name != "mistakes.py"])
def test_programs_of_users_pass_mypy_strict(checked, program):
    assert checked.get(program, []) == []


def test_every_mistake_is_found_and_nothing_else(checked):
    lines = enumerate((PROGRAMS / "mistakes.py").read_text().splitlines(), 1)
    expected = [(number, match["code"]) for number, line in lines if (match := MARK.search(line))]
    assert sorted({(number, code) for number, code, _ in checked["mistakes.py"] if code}) == expected


def test_the_package_itself_has_nothing_to_say_in_the_programs_of_users(checked):
    assert set(checked) <= {path.name for path in PROGRAMS.glob("*.py")}


@pytest.mark.parametrize("program", [p.name for p in sorted(PROGRAMS.glob("*.py")) if p.name != "mistakes.py"])
def test_what_type_checkers_pass_runs(program):
    done = subprocess.run(
        [sys.executable, PROGRAMS / program], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _for_type_checkers():
    """Name to module, as the block for type checkers in ``nbhitl/__init__.py`` has it."""
    tree = ast.parse(Path(nbhitl.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module.startswith("nbhitl")
        for alias in node.names
    }


def test_type_checkers_see_the_names_that_there_are():
    assert _for_type_checkers() == nbhitl._WHERE, "write both: the table, and `from module import X as X` above it"
    assert set(nbhitl.__all__) == {*nbhitl._WHERE, "__version__", "load_ipython_extension"}


def test_every_public_name_is_where_the_table_says():
    for name, where in nbhitl._WHERE.items():
        assert getattr(nbhitl, name) is getattr(import_module(where), name)


def test_type_checkers_are_told_that_the_package_is_typed():
    assert (Path(nbhitl.__file__).parent / "py.typed").read_text() == ""


def test_types_are_subscripted_at_run_time_and_cost_a_run_nothing():
    class State(TypedDict):
        n: int

    assert nbhitl.StateGraph[State, Any](State).state_schema is State
    assert nbhitl.CompiledGraph[State].__origin__ is nbhitl.CompiledGraph
    assert nbhitl.Command[Literal["a"]].__args__ == (Literal["a"],)
    loaded = "import sys, nbhitl; nbhitl.StateGraph; print('typing_extensions' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", loaded], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "False\n", done.stderr
