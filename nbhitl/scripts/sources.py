"""Where a graph's code stands, and how a written file gets at it: by importing a module, or by a cell's text."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from nbhitl.engine.description import Graph
from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.scripts.cells import CellSource, cell_code
from nbhitl.scripts.code import GRAPH, Code, is_graph
from nbhitl.scripts.literals import quoted


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """A name in a module: a compiled graph, a builder, or a function without parameters that makes one."""

    module: str
    name: str

    @classmethod
    def named(cls, text: str) -> ModuleSource:
        """From ``module:name``. Raises `NbhitlError` when there is no such thing."""
        module, _, name = text.partition(":")
        if not module or not name.isidentifier():
            raise NbhitlError(f"{text!r} names no graph: write module:name, as in app.review:graph.")
        found = cls(module, name)
        found.value()
        return found

    def value(self) -> Any:
        """What stands there. Raises `NbhitlError` when it cannot be imported."""
        try:
            module = import_module(self.module)
        except ImportError as error:
            raise NbhitlError(f"module {self.module!r} cannot be imported: {error}") from error
        if not hasattr(module, self.name):
            raise NbhitlError(f"module {self.module!r} has no {self.name!r}.{did_you_mean(self.name, vars(module))}")
        return getattr(module, self.name)

    def compiled(self) -> Any:
        """The compiled graph. Raises `NbhitlError` when it is none."""
        value = self.value()
        if not is_graph(value) and not hasattr(value, "compile") and callable(value):
            value = value()
        if hasattr(value, "compile"):
            value = value.compile()
        if not is_graph(value):
            raise NbhitlError(f"{self.module}:{self.name} is {type(value).__name__}, and no graph.")
        return value


Source = CellSource | ModuleSource


class _Compiled(Protocol):
    """What is asked of a compiled graph here."""

    graph: Graph


def source_of(compiled: _Compiled) -> ModuleSource:
    """The module in which a graph has a name. Raises `NbhitlError` where it has none."""
    for module, content in list(sys.modules.items()):
        if module == "__main__" or not isinstance(content, ModuleType) or getattr(content, "__file__", None) is None:
            continue
        for name, value in list(vars(content).items()):
            if value is compiled or (is_graph(value) and value.graph is compiled.graph):
                return ModuleSource(module, name)
    raise NbhitlError(
        "the test has to find the graph again, and no module has it under a name. Give it one at the top of a module "
        "that can be imported, or say where it is: save_test(..., graph='module:name')."
    )


def code_of(source: Source, beside: Path) -> Code:
    """The code that makes a graph, for a file ``beside`` which paths are given.

    Raises:
        NbhitlError: a cell uses what stands in another cell and has no literal.
    """
    return cell_code(source) if isinstance(source, CellSource) else _of_module(source, beside)


# -- modules


def _of_module(source: ModuleSource, beside: Path) -> Code:
    module = sys.modules.get(source.module) or import_module(source.module)
    lines = []
    root = _root(module, source.module)
    if root is not None:
        way = os.path.relpath(root, beside.resolve().parent).replace(os.sep, "/")
        lines.append(f"sys.path.insert(0, str((Path(__file__).parent / {quoted(way)}).resolve()))")
    value = source.value()
    called = not is_graph(value) and not hasattr(value, "compile") and callable(value)
    made = f"{source.name}()" if called else source.name
    lines.append(f"from {source.module} import {source.name}  # noqa: E402")
    whole = f"{made}.compile()" if hasattr(value() if called else value, "compile") else made
    lines += ["", f"{GRAPH} = nbhitl.CompiledGraph({whole}.graph, nbhitl.InMemorySaver())"]
    imports = ("import sys", "from pathlib import Path") if root is not None else ()
    return Code(imports=imports, lines=tuple(lines))


def _root(module: ModuleType, name: str) -> Path | None:
    """The folder from which a module is imported, where Python would not look by itself."""
    file = getattr(module, "__file__", None)
    if file is None:
        return None
    root = Path(file).resolve().parents[name.count(".") + (Path(file).name == "__init__.py")]
    return None if "site-packages" in root.parts or root == Path(os.__file__).resolve().parent else root
