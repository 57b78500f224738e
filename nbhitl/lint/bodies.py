"""One body, walked in the order in which it runs: what has been done on the way to each question.

The walk follows branches, loops (twice, since the second round comes after the first), ``try`` and early exits. At each
question it tells `Checks` how it came there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from nbhitl.lint import vocabulary
from nbhitl.lint.names import Library
from nbhitl.lint.sources import LOOPS, Scope, caught, dotted, is_next, own, root

if TYPE_CHECKING:
    from nbhitl.lint.checks import Checks
    from nbhitl.lint.summaries import Summaries


@dataclass(frozen=True, slots=True)
class Effect:
    """Something done that another run of the body would do again."""

    node: ast.AST
    words: str
    """What happens, as the beginning of a sentence: ``send() runs``."""
    changes: str = ""
    """The name of what it changes in place."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What decided that the body came here."""

    test: ast.AST
    flips: str
    """Why it can come out otherwise in the next run; empty: it cannot, as far as is known."""


@dataclass(frozen=True, slots=True)
class Trap:
    """Something around a question that loses its pause."""

    code: str
    node: ast.AST
    words: str


@dataclass(slots=True)
class Loop:
    """A loop around what is being walked."""

    node: ast.AST
    varies: set[str]
    """Names that it binds."""
    left: list[Path] = field(default_factory=list)
    """Where it was left by ``break``."""
    next: list[Path] = field(default_factory=list)


@dataclass(slots=True)
class Path:
    """What happened on the way from the body's first line to here."""

    effects: dict[tuple[int, int], Effect] = field(default_factory=dict)
    tainted: dict[str, str] = field(default_factory=dict)
    """Local variables whose value differs with each run, and why."""
    conditions: tuple[Condition, ...] = ()
    """Those that would have ended the body before it came here."""
    alive: bool = True

    def copy(self) -> Path:
        """For a branch."""
        return replace(self, effects=dict(self.effects), tainted=dict(self.tainted))

    def become(self, *ways: Path) -> None:
        """Go on from where these ways meet; those that ended do not count."""
        alive = [way for way in ways if way.alive]
        self.alive = bool(alive)
        self.effects = {place: effect for way in alive for place, effect in way.effects.items()}
        self.tainted = {name: reason for way in alive for name, reason in way.tainted.items()}
        self.conditions = tuple(dict.fromkeys(one for way in alive for one in way.conditions))

    def end(self) -> None:
        """Nothing follows."""
        self.alive = False


_ENDED: Final = Path(alive=False)


class Body:
    """Walks one function."""

    def __init__(self, scope: Scope, summaries: Summaries, checks: Checks, *, runs: bool) -> None:
        self.scope, self.summaries, self.checks = scope, summaries, checks
        self._runs = runs
        """Whether it surely runs in a node."""
        self.path = Path()
        self.conditions: list[Condition] = []
        self.loops: list[Loop] = []
        self.traps: list[Trap] = []

    def walk(self) -> None:
        """From the first statement to the last."""
        self._statements(self.scope.body)

    # -- statements

    def _statements(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            if not self.path.alive:
                return
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case ast.If():
                self._expression(node.test)
                self._branches(node.test, node.body, node.orelse)
            case ast.For() | ast.AsyncFor():
                self._expression(node.iter)
                self._bind(node.target, node.iter)
                self._loop(node, node.iter, node.body, node.orelse)
            case ast.While():
                self._loop(node, node.test, node.body, node.orelse)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.With() | ast.AsyncWith():
                self._with(node)
            case ast.Match():
                self._match(node)
            case ast.Return() | ast.Raise():
                self._parts(node)
                self.path.end()
            case ast.Break() | ast.Continue():
                if self.loops:
                    loop = self.loops[-1]
                    (loop.left if isinstance(node, ast.Break) else loop.next).append(self.path.copy())
                self.path.end()
            case _:
                self._parts(node)
                self._assign(node)

    def _parts(self, node: ast.AST) -> None:
        for part in ast.iter_child_nodes(node):
            self._expression(part)

    def _assign(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._bind(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._bind(target, value)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                reason = self._differs(value)
                if reason:
                    self.path.tainted[name] = reason
            case _:
                pass
        self._change(node)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        """The names of a target differ with each run if the value does."""
        reason = self._differs(value)
        for part in ast.walk(target):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                if reason:
                    self.path.tainted[part.id] = reason
                else:
                    self.path.tainted.pop(part.id, None)

    def _change(self, node: ast.AST) -> None:
        name = self.summaries.changed(node, self.scope)
        if name and not is_next(node):
            self._effect(Effect(node, f"{name} is changed", name))

    def _effect(self, effect: Effect) -> None:
        place = (getattr(effect.node, "lineno", 0), getattr(effect.node, "col_offset", 0))
        self.path.effects[place] = effect

    def _branches(self, test: ast.AST, *bodies: Sequence[ast.AST], flips: str | None = None) -> None:
        condition = Condition(test, self._differs(test) if flips is None else flips)
        before, ways = self.path, []
        for body in bodies:
            self.path = before.copy()
            self.conditions.append(condition)
            self._run(body)
            self.conditions.pop()
            ways.append(self.path)
        self.path = before
        self.path.become(*ways)
        if any(not way.alive for way in ways):  # what follows runs only for how this came out
            self.path.conditions += (condition,)

    def _run(self, body: Sequence[ast.AST]) -> None:
        for part in body:
            if not self.path.alive:
                return
            if isinstance(part, ast.stmt):
                self._statement(part)
            else:
                self._expression(part)

    def _match(self, node: ast.Match) -> None:
        self._expression(node.subject)
        bodies: list[Sequence[ast.AST]] = [case.body for case in node.cases]
        last = node.cases[-1]
        catches_all = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None
        self._branches(node.subject, *bodies, *([] if catches_all else [[]]))

    def _loop(self, node: ast.AST, over: ast.expr, body: Sequence[ast.AST], orelse: Sequence[ast.AST]) -> None:
        varies = {
            part.id for part in own(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }  # fmt: skip
        loop = Loop(node, varies)
        forever = isinstance(node, ast.While) and isinstance(over, ast.Constant) and bool(over.value)
        ends = [_ENDED if forever else self.path.copy()]
        for _ in range(2):
            self.loops.append(loop)
            if isinstance(node, ast.While):
                self._expression(over)
            self.conditions.append(Condition(over, self._differs(over)))
            self._run(body)
            self.conditions.pop()
            self.loops.pop()
            self.path.become(self.path.copy(), *loop.next)
            if not forever:
                ends.append(self.path.copy())
        self.path.become(*ends)
        if self.path.alive:
            self._run(orelse)
        self.path.become(self.path.copy(), *loop.left)

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        before = self.path.copy()
        traps = len(self.traps)
        self.traps += [Trap("NBH202", end, _end_words(end)) for end in _ends(node.finalbody)]
        inner = len(self.traps)
        catching = _catching(node.handlers)
        if catching is not None:
            self.traps.append(Trap("NBH201", catching, _except_words(catching)))
        self._statements(node.body)
        del self.traps[inner:]
        done = self.path
        thrown = before.copy()
        thrown.become(before, replace(done, alive=True))
        why = self._may_fail(node.body)
        ways = []
        for handler in node.handlers:
            self.path = thrown.copy()
            condition = Condition(handler, why)
            self.conditions.append(condition)
            self._statements(handler.body)
            self.conditions.pop()
            ways.append(self.path)
        self.path = done
        self._statements(node.orelse)
        after = self.path.copy()
        self.path.become(after, *ways)
        del self.traps[traps:]
        if not self.path.alive and node.finalbody:
            self.path = thrown.copy()
            self._statements(node.finalbody)
            self.path.end()
            return
        self._statements(node.finalbody)

    def _may_fail(self, body: Sequence[ast.AST]) -> str:
        """Why what is tried may fail in one run of the body and not in the next."""
        for statement in body:
            for part in own(statement):
                if isinstance(part, ast.Call):
                    meant = self.summaries.call(part, self.scope)
                    if (meant.effect and not meant.asks) or meant.volatile:
                        return f"whether {dotted(part.func)}() fails"
        return ""

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        traps = len(self.traps)
        for item in node.items:
            self._expression(item.context_expr)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, item.context_expr)
            if _suppresses(item.context_expr):
                self.traps.append(Trap("NBH201", item.context_expr, "suppress(...) here catches the pause."))
        self._statements(node.body)
        del self.traps[traps:]

    # -- expressions, in the order in which they are evaluated

    def _expression(self, node: ast.AST) -> None:
        match node:
            case ast.Lambda():
                pass
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._expression(test)
                self._branches(test, [body], [orelse])
            case ast.BoolOp(values=[first, *rest]):
                self._expression(first)
                self._branches(first, rest, [])
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node)
            case ast.NamedExpr(target=target, value=value):
                self._expression(value)
                self._bind(target, value)
            case ast.Call():
                self.checks.concurrent(node, self)
                self._parts(node)
                self._call(node)
            case _:
                self._parts(node)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        for generator in node.generators:
            self._expression(generator.iter)
            self._bind(generator.target, generator.iter)
        parts: list[ast.AST] = [test for generator in node.generators for test in generator.ifs]
        parts += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._loop(node, node.generators[0].iter, parts, [])

    def _call(self, node: ast.Call) -> None:
        meant = self.summaries.call(node, self.scope)
        if meant.asks:
            self.checks.question(node, meant, self)
        if meant.keeps:
            self.checks.once(node, self)
        if meant.effect:
            self._effect(Effect(node, meant.effect))
        found = self.summaries.names.of(node.func, self.scope)
        if isinstance(found, Library):
            if found.name in vocabulary.SHUFFLING and node.args and (name := root(node.args[0])):
                self.path.tainted[name] = f"{dotted(node.func)}()"
            if found.name == "builtins.input" and self._runs:
                self.checks.typed(node, self)
        self._change(node)

    def _differs(self, node: ast.AST) -> str:
        return self.summaries.differs(node, self.scope, self.path.tainted)

    def differs(self, node: ast.AST) -> str:
        """Why the value of an expression differs with each run of the body; empty: it does not."""
        return self._differs(node)

    def varies(self, node: ast.AST) -> bool:
        """Whether the value of an expression can differ from round to round of the innermost loop."""
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        called = any(isinstance(part, ast.Call) for part in ast.walk(node))
        return called or any(names & loop.varies for loop in self.loops)


def _ends(statements: Sequence[ast.stmt]) -> list[ast.stmt]:
    """What ends a ``finally`` clause early, and with it whatever was on its way out."""
    found: list[ast.stmt] = []
    todo: list[tuple[ast.AST, bool]] = [(statement, False) for statement in statements]
    while todo:
        node, looped = todo.pop(0)
        match node:
            case ast.Return():
                found.append(node)
            case ast.Break() | ast.Continue() if not looped:
                found.append(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
                continue
        inside = looped or isinstance(node, (ast.For, ast.AsyncFor, ast.While, *LOOPS))
        todo += [(child, inside) for child in ast.iter_child_nodes(node)]
    return found


def _end_words(node: ast.stmt) -> str:
    word = type(node).__name__.lower()
    return f"`{word}` in a finally clause drops the pause of the question that is tried above it."


def _except_words(handler: ast.ExceptHandler) -> str:
    said = f"except {ast.unparse(handler.type)}" if handler.type is not None else "a bare except"
    return f"{said} catches the pause of the question that is tried above it, and the run fails."


def _catching(handlers: Sequence[ast.ExceptHandler]) -> ast.ExceptHandler | None:
    """The clause that a pause ends in; None when it passes, or is raised again."""
    for handler in handlers:
        names = {dotted(kind).rpartition(".")[2] for kind in caught(handler)}
        if handler.type is None or names & vocabulary.SWALLOWING:
            raises = any(isinstance(part, ast.Raise) for statement in handler.body for part in own(statement))
            return None if raises else handler
    return None


def _suppresses(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or dotted(node.func).rpartition(".")[2] != "suppress":
        return False
    return any(dotted(kind).rpartition(".")[2] in vocabulary.SWALLOWING for kind in node.args)
