"""A source text as scopes: which functions, classes, imports and other names stand where, and what is ignored."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LOOPS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
"""Expressions that loop."""
_IGNORE: Final = re.compile(r"#\s*nbhitl:\s*ignore(?:\[([\w\s,]*)\])?")


@dataclass(eq=False, slots=True)
class Scope:
    """A module, class or function: the names that it binds."""

    node: ast.AST
    name: str
    source: Source
    parent: Scope | None = None
    bound: set[str] = field(default_factory=set)
    outer: set[str] = field(default_factory=set)
    """Names that it says are global or nonlocal."""
    imports: dict[str, str] = field(default_factory=dict)
    """Name to what was imported, dotted."""
    functions: dict[str, Scope] = field(default_factory=dict)
    classes: dict[str, Scope] = field(default_factory=dict)
    graphs: set[str] = field(default_factory=set)
    """Names of what a ``compile`` method gave."""

    @property
    def is_function(self) -> bool:
        """Whether it is a function or a lambda."""
        return isinstance(self.node, FUNCTIONS)

    @property
    def parameters(self) -> list[str]:
        """Names of all parameters of a function."""
        return [parameter.arg for parameter in _parameters(self.node)]

    @property
    def body(self) -> list[ast.stmt]:
        """The statements; a lambda returns its expression."""
        if isinstance(self.node, ast.Lambda):
            return [ast.copy_location(ast.Return(self.node.body), self.node.body)]
        found: list[ast.stmt] = getattr(self.node, "body", [])
        return found

    @property
    def line(self) -> int:
        """Its first line, decorators included: how Python counts a function's lines."""
        node = self.node
        lines: list[int] = [decorator.lineno for decorator in getattr(node, "decorator_list", [])]
        return min([getattr(node, "lineno", 1), *lines])


class Source:
    """One text, parsed. Raises `SyntaxError` when it is no Python."""

    def __init__(self, text: str, file: str, *, in_reach: bool = False) -> None:
        self.text, self.file = text, file
        self.in_reach = in_reach
        """Whether the names of nbhitl need no import: a ``%%graph`` cell."""
        self.lines = text.splitlines()
        self.tree = ast.parse(text, file)
        self.ignored = _ignored(text)
        self.functions: list[Scope] = []
        """All functions and lambdas, the outer ones first."""
        self.module = Scope(self.tree, "<module>", self)
        for statement in self.tree.body:
            self._visit(statement, self.module)

    def line(self, number: int) -> str:
        """The text of a line."""
        return self.lines[number - 1].strip() if 0 < number <= len(self.lines) else ""

    def ignores(self, code: str, first: int, last: int) -> bool:
        """Whether a comment on one of these lines says that a rule does not matter there."""
        for number in range(first, last + 1):
            codes = self.ignored.get(number)
            if codes is not None and (not codes or code in codes):
                return True
        return False

    def at(self, line: int, name: str) -> list[Scope]:
        """The functions that begin on a line: several only where lambdas share it."""
        return [scope for scope in self.functions if scope.line == line and name in (scope.name, "")]

    def _visit(self, node: ast.AST, scope: Scope) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._function(node, scope)
                return
            case ast.ClassDef():
                scope.bound.add(node.name)
                inner = scope.classes[node.name] = Scope(node, node.name, self, scope)
                for statement in node.body:
                    self._visit(statement, inner)
                for part in (*node.decorator_list, *node.bases):
                    self._visit(part, scope)
                return
            case ast.Import():
                for alias in node.names:
                    name = alias.asname or alias.name.split(".")[0]
                    scope.bound.add(name)
                    scope.imports[name] = alias.name if alias.asname else name
            case ast.ImportFrom():
                for alias in node.names:
                    scope.bound.add(alias.asname or alias.name)
                    scope.imports[alias.asname or alias.name] = f"{node.module or ''}.{alias.name}"
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Attribute(attr="compile"))):
                scope.graphs.add(name)
            case ast.Global() | ast.Nonlocal():
                scope.outer.update(node.names)
            case ast.Name(ctx=ast.Store() | ast.Del()):
                scope.bound.add(node.id)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                scope.bound.add(name)
            case _:
                pass
        for child in ast.iter_child_nodes(node):
            self._visit(child, scope)

    def _function(self, node: Function, scope: Scope) -> None:
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        inner = Scope(node, name, self, scope)
        self.functions.append(inner)
        if not isinstance(node, ast.Lambda):
            scope.bound.add(name)
            scope.functions[name] = inner
            for decorator in node.decorator_list:
                self._visit(decorator, scope)
        inner.bound.update(inner.parameters)
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self._visit(default, scope)
        for part in inner.body:
            self._visit(part, inner)


def _parameters(node: ast.AST) -> Iterator[ast.arg]:
    if not isinstance(node, FUNCTIONS):
        return
    args = node.args
    yield from (*args.posonlyargs, *args.args, *args.kwonlyargs)
    yield from filter(None, (args.vararg, args.kwarg))


def _ignored(text: str) -> dict[int, frozenset[str]]:
    """Line to the rules that a comment there switches off; the empty set: all."""
    found: dict[int, frozenset[str]] = {}
    if "nbhitl:" not in text:
        return found
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        match = _IGNORE.search(token.string) if token.type == tokenize.COMMENT else None
        if match:
            codes = (match[1] or "").replace(",", " ").split()
            found[token.start[0]] = frozenset(code.upper() for code in codes)
    return found


def own(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it; of functions and classes that are defined there, only that they are."""
    todo = [node]
    while todo:
        one = todo.pop()
        yield one
        if not isinstance(one, (*FUNCTIONS, ast.ClassDef)):
            todo.extend(reversed(list(ast.iter_child_nodes(one))))


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of such an expression; calls and subscripts on the way are left out."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{dotted(value)}.{attr}".lstrip(".")
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
            return dotted(inner)
        case _:
            return ""


def root(node: ast.AST) -> str:
    """The name that attributes and subscripts begin with, calls aside; empty when there is none."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def is_next(node: ast.AST) -> bool:
    """Whether it is ``next(...)``: what it gives differs, but that it moved on matters to nobody else."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "next"


def caught(handler: ast.ExceptHandler) -> list[ast.expr]:
    """The classes that an ``except`` clause names."""
    if handler.type is None:
        return []
    return handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
