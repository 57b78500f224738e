"""What a node does with values: the state's, changed in place; and what it returns, which has to be stored."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from nbhitl.lint import vocabulary
from nbhitl.lint.names import Library, Live
from nbhitl.lint.sources import FUNCTIONS, Scope, own, root

if TYPE_CHECKING:
    from nbhitl.lint.checks import Checks
    from nbhitl.lint.names import Names

_OBJECT: Final = "an object of a class of its own, which is no dataclass, pydantic model, enum or named tuple"


class Values:
    """Looks at one node's function; ``untracked``: keys of the state that are never stored."""

    def __init__(self, scope: Scope, names: Names, checks: Checks, untracked: frozenset[str]) -> None:
        self.scope, self.names, self.checks, self._untracked = scope, names, checks, untracked
        parameters = scope.parameters
        method = scope.parent is not None and isinstance(scope.parent.node, ast.ClassDef)
        self._state = next(iter(parameters[1:] if method and parameters[:1] == ["self"] else parameters), "")
        self._nodes = [part for statement in scope.body for part in own(statement)]
        self._aliases = self._find_aliases()
        self._assigned = self._find_assigned()

    def look(self, *, is_node: bool) -> None:
        """Report what is wrong; a function that is no node may do with its arguments what it likes."""
        for node in self._nodes:
            if is_node:
                self._in_place(node)
            match node:
                case ast.Return(value=ast.expr() as value) if is_node:
                    self._returned(value)
                case ast.Call() if self._asks(node) and node.args:
                    self._stored(node.args[0], "the question")
                case _:
                    pass

    def _asks(self, call: ast.Call) -> bool:
        found = self.names.of(call.func, self.scope)
        return isinstance(found, Library) and found.asks

    # -- the state

    def _find_aliases(self) -> frozenset[str]:
        """Local variables that are a value of the state, not a copy of it."""
        found: set[str] = set()
        for node in self._nodes:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if self._is_part(value, found):
                    found.add(name)
                case ast.For(target=ast.Name(id=name), iter=value) if self._is_part(value, found):
                    found.add(name)
                case _:
                    pass
        return frozenset(found)

    def _is_part(self, node: ast.expr, aliases: frozenset[str] | set[str]) -> bool:
        """Whether an expression is a value that lies in the state, as ``state["log"]`` does."""
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[_, *_]):
                return bool(name) and name == self._state
            case ast.Subscript(slice=ast.Slice()):
                return False  # a copy
            case ast.Subscript(value=value) | ast.Attribute(value=value):
                return (isinstance(value, ast.Name) and value.id == self._state) or self._is_part(value, aliases)
            case ast.Name(id=name):
                return name in aliases
            case ast.BoolOp(values=values):
                return any(self._is_part(value, aliases) for value in values)
            case _:
                return False

    def _in_place(self, node: ast.AST) -> None:
        if not self._state:
            return
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in vocabulary.CHANGING:
                changed: ast.expr | None = value if self._is_part(value, self._aliases) else None
            case ast.Assign(targets=[ast.Subscript(value=value)]) | ast.AugAssign(target=ast.Subscript(value=value)):
                changed = value if self._is_part(value, self._aliases) else None
            case ast.Delete(targets=[ast.Subscript(value=value)]):
                changed = value if self._is_part(value, self._aliases) else None
            case _:
                changed = None
        if changed is not None:
            said = ast.unparse(changed)
            whose = "" if root(changed) == self._state else ", a value of the state,"
            self.checks.report(
                "NBH401",
                node,
                f"{said}{whose} is changed in place: what counts is what the node returns, and the change is lost "
                "when the thread is loaded again.",
            )

    # -- what is stored

    def _find_assigned(self) -> dict[str, ast.expr | ast.ExceptHandler]:
        """Local variables that are assigned once, with what; of a caught exception its handler."""
        values: dict[str, list[ast.expr | ast.ExceptHandler]] = {}
        for node in self._nodes:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    values.setdefault(name, []).append(value)
                case ast.ExceptHandler(name=str(name)):
                    values.setdefault(name, []).append(node)
                case ast.Name(id=name, ctx=ast.Store()) | ast.AugAssign(target=ast.Name(id=name)):
                    values.setdefault(name, [])
                case _:
                    pass
        stores = [node.id for node in self._nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        return {
            name: given[0]
            for name, given in values.items()
            if len(given) == 1 and stores.count(name) <= 1 and name not in self.scope.outer
        }

    def _returned(self, value: ast.expr) -> None:
        match value:
            case ast.Dict(keys=keys, values=values):
                for key, one in zip(keys, values, strict=True):
                    name = key.value if isinstance(key, ast.Constant) else None
                    if name not in self._untracked:
                        self._stored(one, f"the state's {name!r}" if isinstance(name, str) else "the state")
            case ast.Call(func=func, keywords=keywords):
                found = self.names.of(func, self.scope)
                if isinstance(found, Library) and found.name.rpartition(".")[2] == "Command":
                    for given in keywords:
                        if given.arg == "update":
                            self._returned(given.value)
            case ast.Name(id=name):
                origin = self._assigned.get(name)
                if isinstance(origin, ast.Dict):
                    self._returned(origin)
            case ast.IfExp(body=body, orelse=orelse):
                self._returned(body)
                self._returned(orelse)
            case _:
                pass

    def _stored(self, value: ast.expr, where: str) -> None:
        for node, what in self._unstorable(value):
            self.checks.report("NBH402", node, f"{ast.unparse(node):.60} would be {what}: {where} cannot store that.")

    def _unstorable(self, value: ast.expr) -> Iterator[tuple[ast.expr, str]]:
        match value:
            case ast.Lambda():
                yield value, "a function"
            case ast.GeneratorExp():
                yield value, "a generator"
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts) | ast.Dict(values=parts):
                for part in parts:
                    yield from self._unstorable(part)
            case ast.Name(id=name):
                if name in self._assigned:
                    origin = self._assigned[name]
                    if isinstance(origin, ast.ExceptHandler):
                        yield value, "an exception"
                    elif not isinstance(origin, (ast.List, ast.Tuple, ast.Dict, ast.Name)):
                        yield from ((value, what) for _, what in self._unstorable(origin))
                else:
                    what = self._thing(value)
                    if what:
                        yield value, what
            case ast.Call(func=func):
                what = self._result(func)
                if what:
                    yield value, what
            case _:
                pass

    def _thing(self, node: ast.expr) -> str:
        """What a name stands for, where that cannot be stored."""
        found = self.names.of(node, self.scope)
        if isinstance(found, Scope):
            return "a function" if isinstance(found.node, FUNCTIONS) else "a class"
        return ""

    def _result(self, func: ast.expr) -> str:
        """What a call gives, where that cannot be stored."""
        found = self.names.of(func, self.scope)
        match found:
            case Library(name=name):
                return f"what {ast.unparse(func)}() makes, a live object" if vocabulary.is_unstorable(name) else ""
            case Scope(node=ast.ClassDef() as cls):
                return _OBJECT if _is_plain_class(cls) else ""
            case Live(value=type() as cls):
                return _OBJECT if cls.__mro__[1:] == (object,) and not hasattr(cls, "__dataclass_fields__") else ""
            case _:
                return ""


def _is_plain_class(node: ast.ClassDef) -> bool:
    """Whether a class is neither decorated nor made from another: no dataclass, model, enum, named tuple."""
    return not (node.decorator_list or node.bases or node.keywords)
