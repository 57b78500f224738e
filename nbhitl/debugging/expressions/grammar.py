"""What an expression may consist of: a part of Python's own expressions, checked before anything is evaluated.

Left out is what could change something, call what is not listed, or look behind an object: assignments, lambdas,
starred arguments, attributes that begin with an underscore.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeAlias, assert_never

from nbhitl.debugging.expressions.formatting import format_mistake
from nbhitl.debugging.expressions.functions import FUNCTIONS, KINDS
from nbhitl.debugging.expressions.methods import KEYWORDS, NAMES
from nbhitl.debugging.expressions.parsing import complaint
from nbhitl.engine.errors import ExpressionError, did_you_mean

Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
MOST_DEPTH = 50
"""Parts of an expression that stand in each other."""

_PLAIN: tuple[type[ast.AST], ...] = (
    ast.Constant, ast.Name, ast.Load, ast.Attribute, ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.Set, ast.Dict,
    ast.BoolOp, ast.boolop, ast.BinOp, ast.operator, ast.UnaryOp, ast.unaryop, ast.Compare, ast.cmpop, ast.IfExp,
    ast.JoinedStr, ast.FormattedValue,
)  # fmt: skip
_REFUSED: dict[type[ast.AST], str] = {
    ast.Lambda: "functions cannot be made here",
    ast.NamedExpr: "nothing can be assigned here; to compare, write ==",
    ast.Starred: "* cannot stand here: join lists with +",
    ast.Await: "nothing can be awaited here",
    ast.Yield: "nothing can be yielded here",
    ast.YieldFrom: "nothing can be yielded here",
    ast.MatMult: "matrices cannot be multiplied here",
    ast.GeneratorExp: "put it in brackets: [... for ... in ...]",
}


def checked(tree: ast.expr, text: str) -> frozenset[str]:
    """The names that an expression reads. Raises `ExpressionError` for a part that it may not have."""
    return frozenset(_Check(text).names(tree, frozenset(), 1))


class _Check:
    """Goes through a tree once."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _refusal(self, node: ast.AST, message: str) -> ExpressionError:
        return complaint(node, self._text, message)

    def names(self, node: ast.AST, bound: frozenset[str], depth: int) -> Iterator[str]:
        """The names that a part reads, those aside that a comprehension around it gives a value."""
        if depth > MOST_DEPTH:
            raise self._refusal(node, f"more than {MOST_DEPTH} parts stand in each other: write it flatter")
        match node:
            case ast.Name(id=name) if name in bound:
                return
            case ast.Name(id=name):
                yield name
            case ast.ListComp() | ast.SetComp() | ast.DictComp():
                yield from self._comprehension(node, bound, depth)
            case ast.Call():
                yield from self._call(node, bound, depth)
            case _:
                self._one(node)
                for part in ast.iter_child_nodes(node):
                    yield from self.names(part, bound, depth + 1)

    def _one(self, node: ast.AST) -> None:
        """Look at one part without what stands in it."""
        match node:
            case ast.MatMult():
                raise self._refusal(node, _REFUSED[ast.MatMult])
            case ast.Attribute(attr=name) if name.startswith("_"):
                raise self._refusal(node, f"attributes that begin with an underscore, as {name!r}, are private")
            case ast.FormattedValue(format_spec=ast.JoinedStr(values=parts)):
                self._format(node, parts)
            case ast.Dict(keys=keys) if None in keys:
                raise self._refusal(node, "** cannot stand here: join dicts with |")
            case _ if not isinstance(node, _PLAIN):
                raise self._refusal(node, _REFUSED.get(type(node), f"{type(node).__name__} cannot stand here"))

    def _format(self, node: ast.AST, parts: list[ast.expr]) -> None:
        for part in parts:
            if not isinstance(part, ast.Constant):
                raise self._refusal(node, "a format is written out, without braces in it")
            if wrong := format_mistake(str(part.value)):
                raise self._refusal(node, wrong)

    def _call(self, node: ast.Call, bound: frozenset[str], depth: int) -> Iterator[str]:
        name, keywords, consumes = self._callee(node)
        if isinstance(node.func, ast.Attribute):
            yield from self.names(node.func.value, bound, depth + 1)
        arguments = list(node.args)
        if consumes and arguments and isinstance(arguments[0], ast.GeneratorExp):
            yield from self._comprehension(arguments[0], bound, depth + 1)
            del arguments[0]
        if name == "isinstance":
            self._kinds(node)
            arguments = arguments[:1]
        for keyword in node.keywords:
            if keyword.arg not in keywords:
                word = f"{keyword.arg!r} of {name}()" if keyword.arg else "**"
                raise self._refusal(node, f"{word} cannot be given here.{did_you_mean(keyword.arg, keywords)}")
            arguments.append(keyword.value)
        for argument in arguments:
            yield from self.names(argument, bound, depth + 1)

    def _callee(self, node: ast.Call) -> tuple[str, frozenset[str], bool]:
        """What is called: its name, its keywords, and whether it goes through a generator expression."""
        match node.func:
            case ast.Name(id=name) if name in FUNCTIONS:
                return name, FUNCTIONS[name].keywords, FUNCTIONS[name].consumes
            case ast.Name(id=name):
                raise self._refusal(node.func, f"{name!r} cannot be called here.{did_you_mean(name, FUNCTIONS)}")
            case ast.Attribute(attr=name):
                self._one(node.func)
                if name not in NAMES:
                    message = f"the method {name!r} cannot be called here.{did_you_mean(name, NAMES)}"
                    raise self._refusal(node.func, message)
                return name, KEYWORDS.get(name, frozenset()), name == "join"
            case _:
                raise self._refusal(node.func, "only functions with a name can be called here, such as len or any")

    def _kinds(self, node: ast.Call) -> None:
        if len(node.args) != 2:
            raise self._refusal(node, "isinstance() takes a value and a type")
        asked = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
        for kind in asked:
            if not isinstance(kind, ast.Name) or kind.id not in KINDS:
                word = kind.id if isinstance(kind, ast.Name) else ""
                raise self._refusal(kind, f"isinstance() knows Python's own types here.{did_you_mean(word, KINDS)}")

    def _comprehension(self, node: Comprehension, bound: frozenset[str], depth: int) -> Iterator[str]:
        match node:
            case ast.DictComp():
                made, clauses = [node.key, node.value], node.generators
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                made, clauses = [node.elt], node.generators
            case _:
                assert_never(node)
        for clause in clauses:
            if clause.is_async:
                raise self._refusal(clause.target, "nothing can be awaited here")
            yield from self.names(clause.iter, bound, depth + 1)
            bound |= frozenset(self._targets(clause.target))
            for test in clause.ifs:
                yield from self.names(test, bound, depth + 1)
        for part in made:
            yield from self.names(part, bound, depth + 1)

    def _targets(self, target: ast.expr) -> Iterator[str]:
        match target:
            case ast.Name(id=name):
                yield name
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    yield from self._targets(part)
            case _:
                raise self._refusal(target, "a comprehension gives values to names only")
