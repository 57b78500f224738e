"""What is linted: a graph that was built, a file, a notebook file."""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from types import FunctionType
from typing import TYPE_CHECKING

from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import START
from nbhitl.lint.bodies import Body
from nbhitl.lint.checks import Checks
from nbhitl.lint.findings import Finding
from nbhitl.lint.names import Names, enclosed, functions_behind
from nbhitl.lint.sources import Scope, Source, dotted, own
from nbhitl.lint.summaries import Summaries, keyword
from nbhitl.lint.values import Values

if TYPE_CHECKING:
    from nbhitl.engine.description import Graph

_NODES = frozenset({"add_node", "add_sequence", "flow", "node", "route"})
"""Calls that make nodes of functions."""
_UNREADABLE = (ValueError, RecursionError, MemoryError)
"""What Python's parser raises beside `SyntaxError`."""
_ROUTING = frozenset({"route", "add_conditional_edges"})


class _Linter:
    """Collects the findings of some functions and of all that they call and that ask."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.summaries = Summaries(names)
        self.found: list[Finding] = []
        self._seen: set[Scope] = set()

    def look(
        self, scope: Scope, label: str = "", *, is_node: bool = False, untracked: frozenset[str] = frozenset()
    ) -> None:
        """Look at a function, and at those it calls that ask."""
        if scope in self._seen:
            return
        self._seen.add(scope)
        with contextlib.suppress(RecursionError):  # an expression of a thousand parts: no lesson
            self._look(scope, label or scope.name, is_node, untracked)

    def _look(self, scope: Scope, label: str, is_node: bool, untracked: frozenset[str]) -> None:
        checks = Checks(scope, label, self.summaries, self.found.append)
        Body(scope, self.summaries, checks, runs=is_node or self.summaries.of(scope).asks).walk()
        Values(scope, self.names, checks, untracked).look(is_node=is_node)
        for statement in scope.body:
            for part in own(statement):
                if isinstance(part, ast.Call):
                    meant = self.summaries.call(part, scope)
                    if meant.calls is not None and meant.asks:
                        self.look(meant.calls)

    def router(self, scope: Scope, source: str) -> None:
        """Look at a function that says what follows ``source``."""
        if source == START:
            return  # nothing ran before it
        if self.summaries.of(scope).asks:
            checks = Checks(scope, source, self.summaries, self.found.append)
            checks.report(
                "NBH205",
                scope.node,
                f"{scope.name}() belongs to the node {source}, so all of {source} runs again when the question in "
                "here is answered.",
            )

    def sorted(self) -> list[Finding]:
        """All findings, by file and place, each once."""
        unique = {(one.file, one.line, one.column, one.code): one for one in self.found}
        return [unique[key] for key in sorted(unique)]


def lint_graph(graph: Graph) -> list[Finding]:
    """The findings of a graph's nodes, routers and sub-graphs, and of the person's functions that these call.

    Functions whose source cannot be read are left out. Lines are those of the cell or file that the function is in.
    """
    linters: dict[int, _Linter] = {}
    _graph(graph, "", linters)
    together = _Linter(Names())
    together.found = [one for linter in linters.values() for one in linter.found]
    return together.sorted()


def _graph(graph: Graph, path: str, linters: dict[int, _Linter]) -> None:
    for name, node in graph.nodes.items():
        if node.graph is not None:
            _graph(node.graph, f"{path}{name}/", linters)
            continue
        for function in functions_behind(node.action):
            linter = _linter(function, linters)
            for scope in linter.names.scopes_at(function):
                linter.look(scope, path + name, is_node=True, untracked=graph.untracked)
    for source, routers in graph.routers.items():
        for router in routers:
            for function in functions_behind(router.path):
                linter = _linter(function, linters)
                for scope in linter.names.scopes_at(function):
                    linter.router(scope, source if source == START else path + source)


def _linter(function: FunctionType, linters: dict[int, _Linter]) -> _Linter:
    """The linter of what a function's names are looked up in."""
    around = enclosed(function)
    key = id(function) if around else id(function.__globals__)
    if key not in linters:
        linters[key] = _Linter(Names(function.__globals__, around))
    return linters[key]


def lint_source(
    text: str, file: str = "<text>", *, in_reach: bool = False, earlier: Sequence[Source] = ()
) -> list[Finding]:
    """The findings of a module's text, which is not run: its nodes, and every function that asks.

    Args:
        text: Python.
        file: its name, for the findings.
        in_reach: the names of nbhitl need no import, as in a ``%%graph`` cell.
        earlier: what ran before it, the cells of a notebook.

    Raises:
        NbhitlError: it is no Python; names the line. Or it is nested too deep.
    """
    try:
        source = Source(text, file, in_reach=in_reach)
    except SyntaxError as error:
        raise NbhitlError(f"{file}: line {error.lineno} is no Python: {error.msg}") from error
    except _UNREADABLE as error:
        said = str(error)
        raise NbhitlError(f"{file} cannot be read as Python: {said or 'it is nested too deep'}.") from error
    return _source(source, earlier)


def _source(source: Source, earlier: Sequence[Source] = ()) -> list[Finding]:
    linter = _Linter(Names(earlier=earlier))
    linter.names.add(source)
    nodes: dict[Scope, None] = {}
    for place, call in _calls(source):
        name = dotted(call.func).rpartition(".")[2]
        if name in _NODES:
            nodes.update(dict.fromkeys(_functions(_wired(name, call), place, linter.names)))
        if name in _ROUTING and len(call.args) > 1:
            start = call.args[0]
            said = "__start__" if dotted(start).endswith("START") else _text(start)
            for scope in _functions(call.args[1:2], place, linter.names):
                linter.router(scope, said)
    untracked = frozenset(_untracked(source))
    for scope in nodes:
        linter.look(scope, is_node=True, untracked=untracked)
    for scope in source.functions:
        linter.look(scope)
    return [one for one in linter.sorted() if one.file == source.file]


def _untracked(source: Source) -> Iterator[str]:
    """Keys that the text marks as never stored."""
    for node in ast.walk(source.tree):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=hint) if "UntrackedValue" in ast.unparse(hint):
                yield name
            case _:
                pass


def _wired(name: str, call: ast.Call) -> list[ast.expr]:
    """The arguments of a wiring call that are nodes."""
    if name == "route":
        wired = [given.value for given in call.keywords if given.arg not in ("by", "to")]
        return [*call.args[:1], *wired]
    action = keyword(call, "action")
    return [*call.args, *([action] if action is not None else [])]


def _calls(source: Source) -> Iterator[tuple[Scope, ast.Call]]:
    """Every call of a source, with the scope that it is in."""
    todo: list[tuple[Scope, Iterable[ast.AST]]] = [(source.module, source.tree.body)]
    todo += [(scope, scope.body) for scope in source.functions]
    for scope, statements in todo:
        for statement in statements:
            for part in own(statement):
                if isinstance(part, ast.Call):
                    yield scope, part


def _functions(given: Iterable[ast.expr], place: Scope, names: Names) -> Iterator[Scope]:
    """The functions of a source that are given to a wiring call, those in lists included."""
    for one in given:
        if isinstance(one, (ast.List, ast.Tuple)):
            yield from _functions(one.elts, place, names)
        elif isinstance(one, ast.Lambda):
            yield from (scope for scope in place.source.functions if scope.node is one)
        else:
            meaning = names.of(one, place)
            if isinstance(meaning, Scope) and meaning.is_function:
                yield meaning


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else dotted(node) or "before"


def lint_notebook(text: str, file: str) -> list[Finding]:
    """The findings of a notebook file's cells; nothing is run.

    Lines count within each cell, the line of a cell magic included.

    Raises:
        NbhitlError: it is no notebook. A cell that is no Python is left out.
    """
    try:
        cells = json.loads(text)["cells"]
        sources = [(n, "".join(cell["source"])) for n, cell in enumerate(cells, 1) if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise NbhitlError(f"{file} is no notebook file.") from error
    findings: list[Finding] = []
    earlier: list[Source] = []
    for number, cell in sources:
        plain = _python(cell)
        if plain is None:
            continue
        try:
            source = Source(plain, file, in_reach=cell.startswith("%%graph"))
        except (SyntaxError, *_UNREADABLE):
            continue
        findings += [one.in_cell(number) for one in _source(source, earlier)]
        earlier.append(source)
    return findings


def _python(cell: str) -> str | None:
    """A cell's Python with its lines where they were; None for a cell of another language."""
    first, _, rest = cell.partition("\n")
    if first.startswith("%%"):
        word = first[2:].split(" ")[0]
        if word not in ("graph", "time", "timeit", "capture"):
            return None
        cell = f"\n{rest}"
    lines = cell.split("\n")
    for n, line in enumerate(lines):
        bare = line.lstrip()
        if bare.startswith(("%", "!", "?")):
            lines[n] = line[: len(line) - len(bare)] + "pass"
    return "\n".join(lines)
