"""The text of a ``%%graph`` cell as plain Python that makes the same graph, with what it uses of other cells.

Imports no notebook: a cell is its text and the namespace that it ran in.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import symtable
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final

from nbhitl.engine.errors import NbhitlError
from nbhitl.scripts.code import GRAPH, Code, compiled_with, is_graph
from nbhitl.scripts.literals import Literals, NoLiteral

_IN_REACH: Final = ("START", "END", "interrupt", "Command", "Send", "entrypoint", "task")
_WIRING: Final = ("flow", "route", "node")


@dataclass(frozen=True, slots=True)
class CellSource:
    """A ``%%graph`` cell, below its first line."""

    text: str
    name: str
    """The graph's."""
    state: str | None
    """The name of the state's class, where it is not ``State``."""
    space: Mapping[str, Any] = field(repr=False)
    """The namespace that it ran in."""


def cell_code(source: CellSource) -> Code:
    """The code that makes a cell's graph, without IPython.

    Raises:
        NbhitlError: it uses what stands in another cell and has no source or literal.
    """
    text, future = _plain(source.text)
    tree = ast.parse(text)
    bound = set(_bound(tree))
    used = _used(text)
    found = _Elsewhere(source.space, bound)
    for name in used:
        found.take(name)
    reach = [name for name in _IN_REACH if name in used and name not in bound and name not in found.taken]
    wired = any(name in used and name not in bound for name in _WIRING)
    imports = [*found.imports, *([f"from nbhitl import {', '.join(sorted(reach))}"] if reach else [])]
    lines = list(found.lines)
    if wired:
        imports.append("from nbhitl.notebook.wiring import Wiring")
        lines += ["_wiring = Wiring()", "flow, route, node = _wiring.flow, _wiring.route, _wiring.node", ""]
    title = f"# -- the cell of graph {source.name!r}"
    lines += [title, "", *text.strip("\n").splitlines(), "", "# -- its graph, in memory", ""]
    lines.append(_graph(source, bound, wired=wired))
    names = {**{n: source.space[n] for n in bound if n in source.space}, **found.taken}
    classes = {value: name for name, value in names.items() if isinstance(value, type)}
    return Code(tuple(future), tuple(imports), tuple(lines), classes)


def _graph(source: CellSource, bound: set[str], *, wired: bool) -> str:
    space, memory = source.space, "nbhitl.InMemorySaver()"
    if wired:
        state = source.state or ("State" if "State" in bound else _annotated(source))
        return f"{GRAPH} = _wiring.build({state}, globals()).compile({memory})"
    for name in reversed(list(_bound(ast.parse(_plain(source.text)[0])))):
        if is_graph(space.get(name)):
            return f"{GRAPH} = nbhitl.CompiledGraph({name}.graph, {memory}{compiled_with(name, space[name])})"
    for name in reversed(list(_bound(ast.parse(_plain(source.text)[0])))):
        if hasattr(space.get(name), "add_conditional_edges"):
            return f"{GRAPH} = {name}.compile({memory})"
    raise NbhitlError(f"the cell of graph {source.name!r} has no name for its graph; run it again.")


def _annotated(source: CellSource) -> str:
    """The state's class where the cell only says it as an annotation of a node: the first one that it names."""
    for statement in ast.walk(ast.parse(_plain(source.text)[0])):
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.args.args:
            annotation = statement.args.args[0].annotation
            if isinstance(annotation, (ast.Name, ast.Attribute)):
                return ast.unparse(annotation)
    raise NbhitlError(f"the cell of graph {source.name!r} names no state: write class State, or --state NAME.")


def _plain(text: str) -> tuple[str, list[str]]:
    """A cell as plain Python, and its imports from ``__future__``: they stand at the top of a file.

    Magics are left out; what LangGraph's names stand for is served by nbhitl, as when the cell runs.
    """
    lines = [f"# left out: {line}" if line.lstrip()[:1] in ("%", "!", "?") else line for line in text.splitlines()]
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError as error:
        raise NbhitlError(f"line {error.lineno} of the cell is no plain Python: {error.text!r:.80}") from error
    future: list[str] = []
    for statement in reversed(tree.body):
        if not isinstance(statement, ast.ImportFrom):
            continue
        first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
        if statement.module == "__future__":
            future += lines[first:last]
            lines[first:last] = []
        elif (statement.module or "").partition(".")[0] == "langgraph":
            names = [ast.alias(_RENAMED.get(a.name, a.name), a.asname or a.name) for a in statement.names]
            plain = [ast.alias(a.name, None if a.asname == a.name else a.asname) for a in names]
            lines[first:last] = [ast.unparse(ast.ImportFrom("nbhitl", plain, 0))]
    return "\n".join(lines), future


_RENAMED: Final = {"MemorySaver": "InMemorySaver"}


def _bound(tree: ast.Module) -> Iterator[str]:
    """Names that a module's top level binds, in order."""
    todo: list[ast.AST] = list(reversed(tree.body))
    while todo:
        match todo.pop():
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((alias.asname or alias.name.partition(".")[0]) for alias in names)
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                pass
            case node:
                todo.extend(reversed(list(ast.iter_child_nodes(node))))


def _used(text: str) -> list[str]:
    """Names that a text looks up in its module, its own and those from elsewhere, in order."""
    found: dict[str, None] = {}
    todo: list[symtable.SymbolTable] = [symtable.symtable(text, "cell", "exec")]
    while todo:
        table = todo.pop()
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                found[symbol.get_name()] = None
        todo += table.get_children()
    return [name for name in found if not hasattr(builtins, name) and not name.startswith("__")]


class _Elsewhere:
    """What a cell uses of other cells: imported, copied as source, or written as a literal."""

    def __init__(self, space: Mapping[str, Any], bound: set[str]) -> None:
        self.space, self.bound = space, bound
        self.taken: dict[str, Any] = {}
        self.imports: list[str] = []
        self.lines: list[str] = []

    def take(self, name: str) -> None:
        """Let a name have its value in the file, if another cell gave it one."""
        if name in self.bound or name in self.taken or name not in self.space:
            return
        value = self.space[name]
        if name in _WIRING or (name in _IN_REACH and getattr(sys.modules["nbhitl"], name) is value):
            return
        self.taken[name] = value
        if isinstance(value, ModuleType):
            self.imports.append(_import(value.__name__, name))
            return
        home, own = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
        module = sys.modules.get(home) if isinstance(home, str) else None
        if module is not None and home not in ("__main__", "builtins") and getattr(module, own, None) is value:
            self.imports.append(f"from {home} import {own}" + ("" if own == name else f" as {name}"))
        elif isinstance(value, type) or inspect.isfunction(value):
            self._copy(name, value)
        else:
            self._write(name, value)

    def _copy(self, name: str, value: Any) -> None:
        """A function or class of another cell, with what that uses."""
        text = _definition(value, self.space)
        if text is None or not name == value.__name__:
            raise NbhitlError(f"the cell uses {name} of another cell, whose source cannot be found. {_CURE}")
        for other in _used(text):
            self.take(other)
        self.lines += ["", *text.strip("\n").splitlines(), ""]

    def _write(self, name: str, value: Any) -> None:
        literals = Literals({v: n for n, v in self.taken.items() if isinstance(v, type)})
        try:
            text = literals.of(value)
        except NoLiteral as error:
            raise NbhitlError(
                f"the cell uses {name} of another cell, and a {type(value).__name__} cannot be written down. {_CURE}"
            ) from error
        self.imports += sorted(literals.imports)
        self.lines.append(f"{name} = {text}")


_CURE: Final = "Define it in the graph's cell, or in a module that the cell imports."


def _import(module: str, name: str) -> str:
    if module == name:
        return f"import {module}"
    parent, _, last = module.rpartition(".")
    return f"from {parent} import {last}" if parent and last == name else f"import {module} as {name}"


def _definition(value: Any, space: Mapping[str, Any]) -> str | None:
    """The source of a function or class that a cell has defined: the newest one."""
    if inspect.isfunction(value):
        try:
            return textwrap.dedent(inspect.getsource(value))
        except (OSError, TypeError):
            pass
    cells = space.get("In", ())
    for cell in reversed(cells if isinstance(cells, Sequence) else ()):
        try:
            tree = ast.parse(str(cell))
        except (SyntaxError, ValueError):
            continue
        for statement in tree.body:
            match statement:
                case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef() if statement.name == value.__name__:
                    begin = min([statement.lineno, *(d.lineno for d in statement.decorator_list)]) - 1
                    return "\n".join(str(cell).splitlines()[begin : statement.end_lineno])
    return None
