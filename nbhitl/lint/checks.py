"""What is looked at where a body asks, keeps a result or starts something side by side."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from nbhitl.lint.findings import Finding, found
from nbhitl.lint.names import Library
from nbhitl.lint.sources import FUNCTIONS, LOOPS, Scope, caught, dotted, own
from nbhitl.lint.summaries import keyword
from nbhitl.lint.vocabulary import HOMES

if TYPE_CHECKING:
    from nbhitl.lint.bodies import Body, Condition
    from nbhitl.lint.summaries import Meant, Summaries

_ASIDE: Final = frozenset({"key", "deadline", "default", "check"})
"""Arguments of a question that play no part in what binds an answer to it."""
_EXPIRY: Final = frozenset({"InterruptExpired", "TimeoutError", "NbhitlError", "Exception"})
"""What an ``except`` clause for a deadline that has passed names."""
_GATHERING: Final = frozenset({"gather", "create_task", "ensure_future", "wait", "as_completed"})


class Checks:
    """Collects the findings of one function; ``label`` says whose they are."""

    def __init__(self, scope: Scope, label: str, summaries: Summaries, add: Callable[[Finding], None]) -> None:
        self.scope, self.label, self.summaries, self._add = scope, label, summaries, add
        self._parts = [part for statement in scope.body for part in own(statement)]
        self._said: set[tuple[str, int, int]] = set()
        self._keys: dict[tuple[bool, str], ast.Call] = {}
        self._tasks: list[ast.Call] = []
        """Calls that start a task that asks."""
        self._unnamed: set[ast.Call] = set()
        """Questions side by side that were told to have a key."""

    def report(self, code: str, node: ast.AST, reason: str) -> None:
        """Say it once, unless a comment there says that it does not matter."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        source = self.scope.source
        last = line if isinstance(node, (ast.stmt, ast.ExceptHandler)) else getattr(node, "end_lineno", None) or line
        if (code, line, column) in self._said or source.ignores(code, line, last):
            return
        self._said.add((code, line, column))
        text = source.line(line)
        self._add(
            found(code, reason, node=self.label, file=source.file, line=line, column=column + 1, text=text),
        )

    # -- questions

    def question(self, call: ast.Call, meant: Meant, body: Body) -> None:
        """A call that asks, in the place where the body comes to it."""
        for effect in body.path.effects.values():
            later = _line(effect.node) > _line(call)
            self.report(
                "NBH101",
                effect.node,
                f"{effect.words} again when {'the next' if later else 'the'} question in line {_line(call)} is "
                "answered: the body starts anew from its first line.",
            )
        for condition in (*body.path.conditions, *body.conditions):
            flips = condition.flips or self._changed_on_the_way(condition, body)
            if flips:
                self.report(
                    "NBH301",
                    condition.test,
                    f"Whether the question in line {_line(call)} is asked depends on {flips}, which can be different "
                    "in the run that should take its answer.",
                )
        for trap in body.traps:
            self.report(trap.code, trap.node, trap.words)
        self._looped(call, meant, body)
        if meant.direct:
            self._bound(call, body)
            self._in_time(call)

    def _changed_on_the_way(self, condition: Condition, body: Body) -> str:
        """A name in the condition that the body changes before it asks."""
        changes = {effect.changes for effect in body.path.effects.values()} - {""}
        for part in own(condition.test):
            if isinstance(part, ast.Name) and part.id in changes:
                return f"{part.id}, changed by the body itself"
        return ""

    def _looped(self, call: ast.Call, meant: Meant, body: Body) -> None:
        key = keyword(call, "key") if meant.direct else None
        if not body.loops:
            if key is not None:
                self._unique(call, key, "question")
        elif key is not None and not body.varies(key):
            self.report(
                "NBH305",
                call,
                f"The key {ast.unparse(key)} is the same in each round of the loop, so one answer counts for all "
                "rounds, or they are an error.",
            )
        elif meant.keyless and call not in self._unnamed:
            self.report(
                "NBH304",
                call,
                "Each answer runs the body again from its first line: n questions of a loop are n + 1 runs.",
            )

    def _bound(self, call: ast.Call, body: Body) -> None:
        key = keyword(call, "key")
        if key is not None:
            reason = body.differs(key)
            if reason:
                self.report(
                    "NBH303", call, f"The key depends on {reason}, so the next run of the body asks another question."
                )
            return
        asked = [*call.args, *(given.value for given in call.keywords if given.arg not in _ASIDE)]
        reason = next(filter(None, map(body.differs, asked)), "")
        if reason:
            self.report(
                "NBH302",
                call,
                f"The question depends on {reason}, so the next run of the body asks something else, and the answer "
                "does not fit it.",
            )

    def _in_time(self, call: ast.Call) -> None:
        if any(given.arg is None for given in call.keywords):
            return  # **options: nobody knows what is in there
        deadline, default = keyword(call, "deadline"), any(given.arg == "default" for given in call.keywords)
        if default and deadline is None:
            self.report("NBH308", call, "A default counts when a deadline has passed, and there is none.")
        if deadline is not None and not default and not self._expects_expiry():
            self.report("NBH307", call, "When the deadline has passed without an answer, the node fails.")

    def _expects_expiry(self) -> bool:
        handlers = [part for part in self._parts if isinstance(part, ast.ExceptHandler)]
        names = {dotted(kind).rpartition(".")[2] for handler in handlers for kind in caught(handler)}
        return bool(names & _EXPIRY)

    # -- once

    def once(self, call: ast.Call, body: Body) -> None:
        """A call of ``once``: its key names one effect."""
        key = call.args[0] if call.args else None
        if key is None:
            return
        reason = body.differs(key)
        if reason:
            self.report("NBH303", call, f"The key depends on {reason}, so what is kept is never found again.")
        elif not body.loops:
            self._unique(call, key, "effect")
        elif not body.varies(key):
            self.report(
                "NBH305",
                call,
                f"The key {ast.unparse(key)} is the same in each round of the loop: the first round's result is "
                "given to all of them, and the function is called once.",
            )

    def _unique(self, call: ast.Call, key: ast.expr, what: str) -> None:
        name = (what == "effect", ast.dump(key))
        first = self._keys.setdefault(name, call)
        if first is not call and isinstance(key, ast.Constant) and ast.dump(first) != ast.dump(call):
            self.report(
                "NBH305", call, f"The key {ast.unparse(key)} names another {what} already, in line {_line(first)}."
            )

    # -- side by side

    def concurrent(self, call: ast.Call, body: Body) -> None:
        """A call that starts functions side by side, or in another thread."""
        name = dotted(call.func).rpartition(".")[2]
        if name in ("submit", "map", "run_in_executor", "Thread", "Timer"):
            for function in self._started_in_threads(name, call):
                self.report(
                    "NBH204",
                    call,
                    f"{_called(function)} asks, and a thread that {name}() starts does not know which node it is in.",
                )
        if name not in _GATHERING:
            return
        if name == "gather" and _is_true(keyword(call, "return_exceptions")) and any(self._asking(call)):
            self.report(
                "NBH203", call, "gather(return_exceptions=True) takes the pause for a result, and the run fails."
            )
        asking = list(self._asking(call))
        if not any(meant.keyless for _, meant in asking):
            return
        one_task = name in ("create_task", "ensure_future")
        self._tasks += [call] if one_task and call not in self._tasks else []
        many = len(asking) > 1 or any(isinstance(part, LOOPS) for part in own(call))
        if many or len(self._tasks) > 1 or (one_task and body.loops):
            self._unnamed.update(part for part, _ in asking)
            self.report(
                "NBH306",
                call,
                "Questions side by side are told apart by the order in which they come, and that can be another one in "
                "the next run; in a TaskGroup they are an error.",
            )

    def _asking(self, call: ast.Call) -> Iterator[tuple[ast.Call, Meant]]:
        for part in own(call):
            if isinstance(part, ast.Call) and part is not call:
                meant = self.summaries.call(part, self.scope)
                if meant.asks:
                    yield part, meant

    def _started_in_threads(self, name: str, call: ast.Call) -> Iterator[ast.expr]:
        if name in ("submit", "map"):
            if not isinstance(call.func, ast.Attribute):
                return  # the builtin map: no thread
            given = call.args[:1]
        elif name == "run_in_executor":
            given = call.args[1:2]
        else:
            target = keyword(call, "target") or keyword(call, "function")
            given = [target] if target is not None else call.args[1:2]
        yield from (function for function in given if self._function_asks(function))

    def _function_asks(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Lambda):
            calls = [part for part in own(node.body) if isinstance(part, ast.Call)]
            return any(self.summaries.call(part, self.scope).asks for part in calls)
        meaning = self.summaries.names.of(node, self.scope)
        if isinstance(meaning, Scope):
            return meaning.is_function and self.summaries.of(meaning).asks
        return isinstance(meaning, Library) and meaning.asks and meaning.name.partition(".")[0] in HOMES

    def typed(self, call: ast.Call, body: Body) -> None:
        """A call of Python's ``input``."""
        self.report(
            "NBH403", call, "Nobody can type here when the node runs beside the cell, and the answer is not kept."
        )


def _called(node: ast.expr) -> str:
    return "The lambda" if isinstance(node, FUNCTIONS) else f"{ast.unparse(node)}()"


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)
