"""Evaluates the tree of an expression that `grammar.checked` let through."""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar, assert_never

from nbhitl.debugging.expressions.arrays import is_frame
from nbhitl.debugging.expressions.budget import MOST_LENGTH, STEP, Budget, Refused, container
from nbhitl.debugging.expressions.formatting import formatted, said, shortened
from nbhitl.debugging.expressions.functions import FUNCTIONS
from nbhitl.debugging.expressions.iteration import Lazy, each, make_dict, make_set
from nbhitl.debugging.expressions.methods import call_method
from nbhitl.debugging.expressions.operators import binary, compare, element, truth, unary
from nbhitl.debugging.expressions.parsing import complaint
from nbhitl.engine.errors import ExpressionError, did_you_mean

T = TypeVar("T")
Scope: TypeAlias = "dict[str, Any]"
"""The names that comprehensions give values to."""

_CLOSED = (
    type, types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.FrameType,
    types.CodeType, types.TracebackType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType,
)  # fmt: skip
"""Whose attributes lead out of the state: to modules, to globals, to other frames."""
_METHODS = (types.MethodType, types.BuiltinFunctionType, types.FunctionType, types.MethodWrapperType)


def _cause(error: Exception) -> BaseException | None:
    """What stands behind an error in a traceback: a stranger's own exception, and not a refusal of ours."""
    return error.__cause__ if isinstance(error, ExpressionError) else None if isinstance(error, Refused) else error


class Evaluation:
    """One evaluation of one expression; ``names`` are what it can read."""

    def __init__(self, text: str, names: Mapping[str, Any], budget: Budget) -> None:
        self._text = text
        self._names = names
        self._budget = budget

    def value(self, node: ast.expr) -> Any:
        """The value of a whole expression, which whoever asked may print; parts of the state may have any size."""
        found = self.of(node, {})
        if not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            try:
                self._budget.check_result(found)
            except Refused as error:
                raise self._failed(node, error) from None
        return found

    def holds(self, node: ast.expr) -> bool:
        """Whether the value of a whole expression counts as true."""
        return self.true(node, {})

    def of(self, node: ast.expr, scope: Scope) -> Any:
        """The value of a part. Raises `ExpressionError`, whatever a value of the state raises."""
        try:
            self._budget.charge(STEP)
            return _HANDLERS[type(node)](self, node, scope)
        except Exception as error:  # noqa: BLE001 - a stranger's class may raise anything
            raise self._failed(node, error) from _cause(error)

    def true(self, node: ast.expr, scope: Scope) -> bool:
        """Whether the value of a part counts as true."""
        return self._truth(node, self.of(node, scope))

    def written(self, node: ast.expr, conversion: str, form: str) -> str:
        """The value of a whole expression as a template writes it."""
        value = self.of(node, {})
        return self._told(node, lambda: formatted(value, conversion, form, self._budget))

    def _truth(self, node: ast.expr, value: Any) -> bool:
        return self._told(node, lambda: truth(value))

    def _told(self, node: ast.expr, work: Callable[[], T]) -> T:
        """The result of a look at a value; what the look raises is told of the part."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - a stranger's class may raise anything
            raise self._failed(node, error) from _cause(error)

    def _failed(self, node: ast.expr, error: Exception) -> ExpressionError:
        if isinstance(error, ExpressionError):
            return error
        return complaint(node, self._text, str(error) if isinstance(error, Refused) else said(error))

    def constant(self, node: ast.Constant, _: Scope) -> Any:
        """A literal."""
        return node.value

    def name(self, node: ast.Name, scope: Scope) -> Any:
        """A key of the state, or a name of a comprehension."""
        if node.id in scope:
            return scope[node.id]
        try:
            return self._names[node.id]
        except KeyError:
            known = [name for name in self._names if isinstance(name, str)]
        if node.id in FUNCTIONS:
            message = f"{node.id!r} is a function here: write {node.id}(...)"
        else:
            message = f"{node.id!r} has no value here.{did_you_mean(node.id, known)}"
        raise complaint(node, self._text, message, node.id)

    def attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        """What an object says of itself under a name without an underscore."""
        owner = self.of(node.value, scope)
        if isinstance(owner, _CLOSED):
            raise Refused(f"attributes of a {type(owner).__name__} cannot be read here")
        if isinstance(owner, dict) and not hasattr(type(owner), node.attr):
            raise Refused(f"a dict has no attribute {node.attr!r}: write [{node.attr!r}]")
        found = getattr(owner, node.attr)
        if isinstance(found, _METHODS):
            raise Refused(f"{node.attr!r} is a method, and has no value of its own")
        return found

    def subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        """An element, a key's value or a slice."""
        owner, key = self.of(node.value, scope), self.of(node.slice, scope)
        if isinstance(key, slice) and (base := container(owner)) is not None:
            self._budget.charge(base.__len__(owner) // 8)
        self._budget.look(key)
        try:
            return element(owner, key)
        except KeyError:
            names = owner if isinstance(owner, dict) else owner.columns if is_frame(owner) else ()
            known = [name for name in names if isinstance(name, str)]
            raise Refused(f"there is no key {shortened(repr(key), 80)}.{did_you_mean(key, known)}") from None

    def span(self, node: ast.Slice, scope: Scope) -> slice:
        """``1:2:3``."""
        return slice(*(self.of(part, scope) if part else None for part in (node.lower, node.upper, node.step)))

    def elements(self, node: ast.Tuple | ast.List | ast.Set, scope: Scope) -> Any:
        """A tuple, list or set that is written out."""
        values = [self.of(part, scope) for part in node.elts]
        match node:
            case ast.Tuple():
                return tuple(values)
            case ast.List():
                return values
            case ast.Set():
                return make_set(values, self._budget)

    def mapping(self, node: ast.Dict, scope: Scope) -> Any:
        """A dict that is written out."""
        pairs = zip(node.keys, node.values, strict=True)
        return make_dict([(self.of(key, scope), self.of(value, scope)) for key, value in pairs if key], self._budget)

    def both(self, node: ast.BoolOp, scope: Scope) -> Any:
        """``and``, ``or``: the first value that decides."""
        wanted = isinstance(node.op, ast.Or)
        *first, last = node.values
        for part in first:
            value = self.of(part, scope)
            if self._truth(part, value) is wanted:
                return value
        return self.of(last, scope)

    def binary(self, node: ast.BinOp, scope: Scope) -> Any:
        """``left + right``."""
        return binary(type(node.op), self.of(node.left, scope), self.of(node.right, scope), self._budget)

    def unary(self, node: ast.UnaryOp, scope: Scope) -> Any:
        """``-value``, ``not value``."""
        if isinstance(node.op, ast.Not):
            return not self.true(node.operand, scope)
        return unary(type(node.op), self.of(node.operand, scope), self._budget)

    def compare(self, node: ast.Compare, scope: Scope) -> Any:
        """``a < b``, and chains: ``a < b < c``."""
        left, found = self.of(node.left, scope), None
        for i, (kind, part) in enumerate(zip(node.ops, node.comparators, strict=True)):
            if i and not self._truth(node, found):
                return found
            right = self.of(part, scope)
            found = compare(type(kind), left, right, self._budget)
            left = right
        return found

    def choice(self, node: ast.IfExp, scope: Scope) -> Any:
        """``a if test else b``."""
        return self.of(node.body if self.true(node.test, scope) else node.orelse, scope)

    def text(self, node: ast.JoinedStr, scope: Scope) -> str:
        """An f-string."""
        made = "".join([str(self.of(part, scope)) for part in node.values])
        if len(made) > MOST_LENGTH:
            raise Refused(f"the text would have more than {MOST_LENGTH:,} characters")
        return made

    def formatted(self, node: ast.FormattedValue, scope: Scope) -> str:
        """A value in an f-string."""
        spec = str(self.of(node.format_spec, scope)) if node.format_spec else ""
        return formatted(
            self.of(node.value, scope), chr(node.conversion) if node.conversion > 0 else "", spec, self._budget
        )

    def many(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, scope: Scope) -> Any:
        """A comprehension; the names that it gives values to are its own."""
        inner = dict(scope)
        rounds = self._rounds(node.generators, inner)
        match node:
            case ast.ListComp():
                return [self.of(node.elt, inner) for _ in rounds]
            case ast.SetComp():
                return make_set((self.of(node.elt, inner) for _ in rounds), self._budget)
            case ast.DictComp():
                return make_dict(((self.of(node.key, inner), self.of(node.value, inner)) for _ in rounds), self._budget)
            case ast.GeneratorExp():
                return Lazy(self.of(node.elt, inner) for _ in rounds)
            case _:
                assert_never(node)

    def _rounds(self, clauses: list[ast.comprehension], scope: Scope) -> Iterator[None]:
        """Goes through the clauses, with the names of each round in ``scope``."""
        if not clauses:
            yield
            return
        first, *rest = clauses
        for item in each(self.of(first.iter, scope), self._budget):
            self._bind(first.target, item, scope)
            if all(self.true(test, scope) for test in first.ifs):
                yield from self._rounds(rest, scope)

    def _bind(self, target: ast.expr, value: Any, scope: Scope) -> None:
        match target:
            case ast.Name(id=name):
                scope[name] = value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                values = list(each(value, self._budget))
                if len(values) != len(parts):
                    message = f"{len(parts)} names stand here for {len(values)} values"
                    raise complaint(target, self._text, message)
                for part, one in zip(parts, values, strict=True):
                    self._bind(part, one, scope)

    def call(self, node: ast.Call, scope: Scope) -> Any:
        """A call of a listed function, or of a listed method of one of Python's own values."""
        options = {word.arg: self.of(word.value, scope) for word in node.keywords if word.arg}
        match node.func:
            case ast.Name(id="isinstance"):
                kinds = [part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)]
                return FUNCTIONS["isinstance"].work(self._budget, self.of(node.args[0], scope), *kinds)
            case ast.Name(id=name):
                given = [self.of(part, scope) for part in node.args]
                return FUNCTIONS[name].work(self._budget, *given, **options)
            case ast.Attribute(value=owner, attr=name):
                found = self.of(owner, scope)
                return call_method(found, name, [self.of(part, scope) for part in node.args], options, self._budget)
            case _:
                raise AssertionError  # the grammar lets no other callee through


_HANDLERS: dict[type[ast.AST], Callable[[Evaluation, Any, Scope], Any]] = {
    ast.Attribute: Evaluation.attribute,
    ast.BinOp: Evaluation.binary,
    ast.BoolOp: Evaluation.both,
    ast.Call: Evaluation.call,
    ast.Compare: Evaluation.compare,
    ast.Constant: Evaluation.constant,
    ast.Dict: Evaluation.mapping,
    ast.DictComp: Evaluation.many,
    ast.FormattedValue: Evaluation.formatted,
    ast.GeneratorExp: Evaluation.many,
    ast.IfExp: Evaluation.choice,
    ast.JoinedStr: Evaluation.text,
    ast.List: Evaluation.elements,
    ast.ListComp: Evaluation.many,
    ast.Name: Evaluation.name,
    ast.Set: Evaluation.elements,
    ast.SetComp: Evaluation.many,
    ast.Slice: Evaluation.span,
    ast.Subscript: Evaluation.subscript,
    ast.Tuple: Evaluation.elements,
    ast.UnaryOp: Evaluation.unary,
}
