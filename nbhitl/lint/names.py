"""What a name in a source stands for: a function of the person's, something of a library, a value of the notebook.

Names are looked up in the text first, then in the live namespace where there is one. Nothing is called.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import inspect
import linecache
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any, Final, TypeAlias

from nbhitl.engine.mentions import is_graph, is_users
from nbhitl.lint.sources import Scope, Source
from nbhitl.lint.vocabulary import ASKING, HOMES

_UNWRAPPED: Final = 20
"""How many wrappers are looked through."""


@dataclass(frozen=True, slots=True)
class Library:
    """Something of an installed package or of Python, by its dotted name."""

    name: str

    @property
    def asks(self) -> bool:
        """Whether it is ``interrupt`` or a helper that asks."""
        home, _, last = self.name.rpartition(".")
        return last in ASKING and home.partition(".")[0] in HOMES

    @property
    def keeps(self) -> bool:
        """Whether it is ``once``."""
        return self.name == "nbhitl.once"

    @property
    def makes_task(self) -> bool:
        """Whether it is ``task``, which makes tasks of functions."""
        return self.name in ("nbhitl.task", "langgraph.func.task")


@dataclass(frozen=True, slots=True)
class Live:
    """A value of the notebook that is neither function, class nor module."""

    value: Any


Meaning: TypeAlias = Scope | Library | Live | None


class Names:
    """Looks names up.

    Args:
        space: the live namespace of a function.
        enclosed: variables of the functions around it.
        earlier: sources of cells that ran before.
    """

    def __init__(
        self,
        space: Mapping[str, Any] | None = None,
        enclosed: Mapping[str, Any] | None = None,
        earlier: Sequence[Source] = (),
    ) -> None:
        self._space, self._enclosed = space, enclosed or {}
        self._earlier = earlier
        self._sources: dict[str, Source | None] = {}

    def source(self, file: str) -> Source | None:
        """The source of a file or a cell that Python knows, None where it cannot be read."""
        if file not in self._sources:
            text = "".join(linecache.getlines(file))
            try:
                self._sources[file] = Source(text, file) if text.strip() else None
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self._sources[file] = None
        return self._sources[file]

    def add(self, source: Source) -> None:
        """Use this for its file."""
        self._sources[source.file] = source

    def scope_of(self, function: Any) -> list[Scope]:
        """The person's functions that calling something live would run; several only where lambdas share a line."""
        return [scope for one in functions_behind(function) for scope in self.scopes_at(one)]

    def scopes_at(self, function: FunctionType) -> list[Scope]:
        """Where a function stands in its source."""
        code = function.__code__
        source = self.source(code.co_filename)
        return [] if source is None else source.at(code.co_firstlineno, code.co_name)

    def is_task(self, scope: Scope) -> bool:
        """Whether a function is a `@task`, whose calls are made once, however often their caller runs."""
        if scope.parent is None:
            return False
        for decorator in getattr(scope.node, "decorator_list", ()):
            found = self.of(decorator.func if isinstance(decorator, ast.Call) else decorator, scope.parent)
            if isinstance(found, Library) and found.makes_task:
                return True
        return False

    def is_compiled(self, node: ast.AST, scope: Scope) -> bool:
        """Whether a name stands for what a ``compile`` method gave, as the text says."""
        at: Scope | None = scope
        while at is not None and isinstance(node, ast.Name):
            if node.id in at.bound:
                return node.id in at.graphs
            at = at.parent
        return any(isinstance(node, ast.Name) and node.id in source.module.graphs for source in self._earlier)

    def of(self, node: ast.AST, scope: Scope) -> Meaning:
        """What an expression stands for, None where that is not known (e.g. a local variable)."""
        match node:
            case ast.Name(id=name):
                return self._name(name, scope)
            case ast.Attribute(value=value, attr=attr):
                if isinstance(value, ast.Name) and (cls := _own_class(value.id, scope)) is not None:
                    return cls.functions.get(attr)
                return self._member(self.of(value, scope), attr)
            case _:
                return None

    def _name(self, name: str, scope: Scope) -> Meaning:
        at: Scope | None = scope
        while at is not None:
            visible = at is scope or not isinstance(at.node, ast.ClassDef)
            if visible and name in at.bound and name not in at.outer:
                found = self._bound(name, at)
                if found is not None or at is scope:
                    return found
                # What is bound by assigning is known to the live namespace.
                if at.parent is not None:
                    return self.of_value(self._enclosed[name]) if name in self._enclosed else None
                return self._live(name)
            at = at.parent
        return self._live(name) or self._before(name) or _without_import(name, scope.source)

    def _bound(self, name: str, at: Scope) -> Meaning:
        if name in at.functions:
            return at.functions[name]
        if name in at.classes:
            return at.classes[name]
        imported = at.imports.get(name)
        if imported is None:
            return None
        live = self._live(name) if at.parent is None else None
        return live if isinstance(live, Scope) else Library(imported)

    def _before(self, name: str) -> Meaning:
        for source in reversed(self._earlier):
            if name in source.module.bound:
                return self._bound(name, source.module)
        return None

    def _live(self, name: str) -> Meaning:
        if self._space is None or name not in self._space:
            return None
        return self.of_value(self._space[name])

    def of_value(self, value: Any) -> Meaning:
        """What a live value is."""
        if isinstance(value, ModuleType):
            return Library(value.__name__)
        if is_graph(value):
            return Live(value)
        home = getattr(value, "__module__", None) or type(getattr(value, "__self__", None)).__module__
        name = getattr(value, "__qualname__", "")
        if isinstance(value, type):
            return Live(value) if is_users(home) else Library(f"{home}.{name}")
        if not inspect.isroutine(value):
            return Live(value)
        if home.partition(".")[0] == "nbhitl":
            return Library(f"nbhitl.{name}")
        if not is_users(home):
            return Library(f"{home}.{name.rpartition('.')[2]}")
        return next(iter(self.scope_of(value)), None)

    def _member(self, of: Meaning, attr: str) -> Meaning:
        match of:
            case Library(name=name):
                return Library(f"{name}.{attr}")
            case Scope() if not of.is_function:
                return of.functions.get(attr)
            case Live(value=value) if inspect.isroutine(found := inspect.getattr_static(value, attr, None)):
                return self.of_value(found)
            case _:
                return None


def enclosed(function: FunctionType) -> dict[str, Any]:
    """The variables of the functions around it that a function reads."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # a name that has no value yet
            found[name] = cell.cell_contents
    return found


def _own_class(name: str, scope: Scope) -> Scope | None:
    """The class of ``self``, where ``name`` is the first parameter of a method."""
    parent = scope.parent
    if scope.is_function and parent is not None and isinstance(parent.node, ast.ClassDef):
        return parent if scope.parameters[:1] == [name] else None
    return None


def _without_import(name: str, source: Source) -> Meaning:
    if name in ("interrupt", "once") or (source.in_reach and name in {*ASKING, "task"}):
        return Library(f"nbhitl.{name}")
    return Library(f"builtins.{name}") if hasattr(builtins, name) else None


def functions_behind(function: Any) -> Iterator[FunctionType]:
    """The person's functions behind a callable: methods, partials, decorated ones, callable objects."""
    todo, seen = [function], 0
    while todo and seen < _UNWRAPPED:
        one, seen = todo.pop(), seen + 1
        if isinstance(one, functools.partial):
            todo.append(one.func)
        elif inspect.ismethod(one):
            todo.append(one.__func__)
        elif isinstance(one, FunctionType):
            if is_users(one.__module__):
                yield one
            todo += _wrapped(one)
        elif not isinstance(one, type) and callable(one) and isinstance(type(one).__call__, FunctionType):
            todo.append(type(one).__call__)


def _wrapped(function: FunctionType) -> list[Callable[..., Any]]:
    """What a decorator, or a function of nbhitl's, has wrapped."""
    found = [function.__wrapped__] if hasattr(function, "__wrapped__") else []
    if not is_users(function.__module__):
        found += [content for content in enclosed(function).values() if isinstance(content, FunctionType)]
    return found
