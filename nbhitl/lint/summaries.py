"""What calling something means: does it ask, keep, do something in the world, or say something else each time.

Functions of the person's are followed; what is found of one is kept for the next call.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nbhitl.engine.mentions import is_graph
from nbhitl.lint import vocabulary
from nbhitl.lint.names import Library, Live, Names
from nbhitl.lint.sources import FUNCTIONS, Scope, dotted, is_next, own, root

if TYPE_CHECKING:
    from nbhitl.engine.description import Graph

_DEEPEST: Final = 30
"""How far calls are followed."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of one function of the person's."""

    asks: bool = False
    keyless: bool = False
    """One of its questions has no key."""
    effect: str = ""
    """What it does in the world, in words; empty: nothing that is known."""
    owner: Scope | None = None
    """Whose local variable the effect changes; None: it is seen from everywhere."""
    volatile: str = ""
    """What of its result differs with each call, in words."""
    plain: bool = False
    """It calls nothing that is not known to be harmless."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What one call means."""

    asks: bool = False
    direct: bool = False
    """It is ``interrupt`` or a helper itself, not a function that calls one."""
    keyless: bool = False
    keeps: bool = False
    """It is ``once``."""
    effect: str = ""
    volatile: str = ""
    calls: Scope | None = None
    """The function of the person's that is called."""


NOTHING: Final = Meant()
_STUCK: Final = Summary()
_HARMLESS: Final = frozenset(
    {"len", "str", "int", "float", "bool", "repr", "format", "dict", "list", "tuple", "set", "sorted", "sum", "min",
     "max", "abs", "round", "any", "all", "zip", "range", "enumerate", "isinstance", "getattr", "map", "filter",
     "reversed"}
)  # fmt: skip


class Summaries:
    """Knows what calls mean, by `Names`."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._known: dict[Scope, Summary] = {}
        self._graphs: dict[int, bool] = {}
        self._depth = 0

    def of(self, scope: Scope) -> Summary:
        """The summary of a function; a function that calls itself adds nothing by that."""
        if scope not in self._known:
            self._known[scope] = _STUCK
            self._depth += 1
            try:
                if self._depth <= _DEEPEST:
                    self._known[scope] = self._look(scope)
            finally:
                self._depth -= 1
        return self._known[scope]

    def _look(self, scope: Scope) -> Summary:
        asks = keyless = False
        plain, effect, owner = True, "", None
        for statement in scope.body:
            for node in own(statement):
                if not effect and not is_next(node) and (name := self.changed(node, scope)):
                    effect, owner = f"{name} is changed", _owner(name, scope)
                if not isinstance(node, ast.Call):
                    continue
                meant = self.call(node, scope)
                asks, keyless = asks or meant.asks, keyless or meant.keyless
                effect = effect or meant.effect
                plain = plain and self._is_plain(node, meant, scope)
        return Summary(asks, keyless, effect, owner, self._returns(scope), plain and not effect)

    def _is_plain(self, call: ast.Call, meant: Meant, scope: Scope) -> bool:
        if meant.calls is not None:
            return self.of(meant.calls).plain
        found = self.names.of(call.func, scope)
        if isinstance(found, Library):
            home, _, name = found.name.rpartition(".")
            return home == "builtins" and name in _HARMLESS
        # A method of a value, such as text.upper(): what does something is known by its name.
        return isinstance(call.func, ast.Attribute) and not meant.effect

    def _returns(self, scope: Scope) -> str:
        """Why what a function returns differs with each call."""
        tainted: dict[str, str] = {}
        found = ""
        for statement in scope.body:
            for node in own(statement):
                match node:
                    case ast.Assign(targets=[ast.Name(id=name)], value=value):
                        reason = self.differs(value, scope, tainted)
                        if reason:
                            tainted[name] = reason
                    case ast.Return(value=ast.expr() as value):
                        found = found or self.differs(value, scope, tainted)
                    case _:
                        pass
        return found

    def call(self, call: ast.Call, scope: Scope) -> Meant:
        """What a call means."""
        if isinstance(call.func, ast.Attribute) and (told := self._of_graph(call.func, scope)) is not None:
            return told
        found = self.names.of(call.func, scope)
        match found:
            case Library():
                if found.asks:
                    return Meant(asks=True, direct=True, keyless=keyword(call, "key") is None)
                if found.keeps:
                    return Meant(keeps=True)
                return self._of_library(found.name, call)
            case Scope() if self.names.is_task(found):
                return self._of_task([found])
            case Scope() if found.is_function:
                return self._of_function(found, scope, dotted(call.func))
            case Live(value=value) if is_graph(value) and value.graph.called:
                return self._of_task(self.names.scope_of(value.func))
            case Scope():
                return NOTHING
            case _:
                pass
        return self._by_name(call, scope)

    def _of_graph(self, func: ast.Attribute, scope: Scope) -> Meant | None:
        """A call of a graph: it asks when one of its nodes does, and keeps by itself what it has done."""
        found = self.names.of(func.value, scope)
        if isinstance(found, Live) and is_graph(found.value):
            return Meant(asks=func.attr in ("invoke", "ainvoke") and self._graph_asks(found.value.graph))
        return NOTHING if self.names.is_compiled(func.value, scope) else None

    def _graph_asks(self, graph: Graph) -> bool:
        if id(graph) not in self._graphs:
            self._graphs[id(graph)] = False
            self._graphs[id(graph)] = any(
                self._graph_asks(node.graph)
                if node.graph is not None
                else any(self.of(scope).asks for scope in self.names.scope_of(node.action))
                for node in graph.nodes.values()
            )
        return self._graphs[id(graph)]

    def _of_function(self, called: Scope, caller: Scope, said: str) -> Meant:
        told = self.of(called)
        effect = f"{said}() runs ({told.effect})" if told.effect and told.owner is not caller else ""
        if not effect and not told.plain and not told.asks and vocabulary.sounds_like_effect(called.name, method=False):
            effect = f"{said}() runs"
        return Meant(told.asks, keyless=told.keyless, effect=effect, volatile=told.volatile, calls=called)

    def _of_task(self, scopes: Sequence[Scope]) -> Meant:
        """A call of a `@task` is made once: what it does is not done again, and it returns what it returned before."""
        asks = any(self.of(scope).asks for scope in scopes)
        return Meant(asks, calls=scopes[0] if scopes else None)

    def _of_library(self, name: str, call: ast.Call) -> Meant:
        said = dotted(call.func)
        if name.startswith("nbhitl."):
            return NOTHING
        if name == "builtins.open":
            mode = call.args[1] if len(call.args) > 1 else keyword(call, "mode")
            writes = isinstance(mode, ast.Constant) and set(str(mode.value)) & set("wax+")
            return Meant(effect="a file is opened to write" if writes else "")
        if name in vocabulary.EFFECTS or vocabulary.asks_a_model(said) or name.startswith("smtplib."):
            return Meant(effect=f"{said}() runs")
        home, _, last = name.rpartition(".")
        foreign = home.partition(".")[0] not in ("builtins", "numpy", "pandas", "logging", "math")
        if foreign and last[:1].islower() and vocabulary.sounds_like_effect(last, method=True):
            return Meant(effect=f"{said}() runs")
        if vocabulary.is_volatile(name, arguments=bool(call.args or call.keywords)):
            return Meant(volatile=f"{said}()")
        return NOTHING

    def _by_name(self, call: ast.Call, scope: Scope) -> Meant:
        """Nothing is known of what is called but its name."""
        said = dotted(call.func)
        if not isinstance(call.func, ast.Attribute):
            local = isinstance(call.func, ast.Name) and call.func.id in scope.bound
            known = vocabulary.sounds_like_effect(said, method=False) or vocabulary.asks_a_model(said)
            return Meant(effect=f"{said}() runs") if known and not local else NOTHING
        method = call.func.attr
        query = call.args[0] if call.args else None
        if method == "execute":
            reads = isinstance(query, ast.Constant) and vocabulary.reads_only(str(query.value))
            return NOTHING if reads or query is None else Meant(effect=f"{said}() runs")
        if method in ("write_text", "write_bytes"):
            return Meant(effect=f"{said}() runs")
        if vocabulary.sounds_like_effect(method, method=True) or vocabulary.asks_a_model(said):
            return Meant(effect=f"{said}() runs")
        if vocabulary.is_look(method, arguments=bool(call.args or call.keywords)):
            return Meant(volatile=f"{said}()")
        return NOTHING

    # -- changes of what outlives the body

    def changed(self, node: ast.AST, scope: Scope) -> str:
        """The name of what it changes and what outlives the body; empty where a second time would change no more."""
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in vocabulary.REPEATED:
                return root(value) if self._outlives(root(value), scope, rebound=False) else ""
            case ast.Call(func=ast.Name(id="next"), args=[ast.Name(id=name), *_]):
                return name if self._outlives(name, scope, rebound=False) else ""
            case ast.AugAssign(target=target):
                plain = isinstance(target, ast.Name)
                return root(target) if self._outlives(root(target), scope, rebound=plain) else ""
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in scope.outer:
                reads = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
                return name if name in reads else ""
            case _:
                return ""

    def _outlives(self, name: str, scope: Scope, *, rebound: bool) -> bool:
        """Whether what a name stands for is there before the body and after it: global, enclosed, or the object's."""
        if not name:
            return False
        if name in scope.outer:
            return True
        if name in scope.bound:
            parameters = scope.parameters
            if name not in parameters:
                return False
            method = scope.parent is not None and isinstance(scope.parent.node, ast.ClassDef)
            return (method and parameters[0] == name and not rebound) or name in _lasting_defaults(scope)
        found = self.names.of(ast.Name(name, ast.Load()), scope)
        return not rebound and not isinstance(found, Library)

    # -- what differs with each run

    def differs(self, node: ast.AST, scope: Scope, tainted: Mapping[str, str]) -> str:
        """Why the value of an expression differs with each run of the body; empty: as far as is known, it does not.

        What ``once`` keeps and what a person answered stay the same.
        """
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            return tainted.get(node.id, "")
        if isinstance(node, ast.Call):
            meant = self.call(node, scope)
            if meant.keeps or meant.asks:
                return ""
            if meant.volatile:
                return meant.volatile
            changed = self.changed(node, scope)
            if changed:
                return f"what {changed} gives"
        if isinstance(node, ast.Lambda):
            return ""
        return next(filter(None, (self.differs(part, scope, tainted) for part in ast.iter_child_nodes(node))), "")


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument; None for one that is not there, or is None."""
    for given in call.keywords:
        if given.arg == name:
            return None if isinstance(given.value, ast.Constant) and given.value.value is None else given.value
    return None


def _owner(name: str, scope: Scope) -> Scope | None:
    """The function around a function whose local variable a name is."""
    at = scope.parent
    while at is not None:
        if at.is_function and name in at.bound:
            return at
        at = at.parent
    return None


def _lasting_defaults(scope: Scope) -> Iterator[str]:
    """Parameters whose default is a list, dict or set: one for all calls."""
    if not isinstance(scope.node, FUNCTIONS):
        return
    args = scope.node.args
    positional = [*args.posonlyargs, *args.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = [*zip(reversed(positional), reversed(args.defaults), strict=False)]
    pairs += [*zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    for parameter, default in pairs:
        if isinstance(default, (ast.List, ast.Dict, ast.Set)):
            yield parameter.arg
