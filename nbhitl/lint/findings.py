"""What the linter says: its rules, and a finding. Knows no code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]
"""error: the run will fail or the answer be lost; warning: likely not what is meant; note: worth knowing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One trap. The hundreds of its code: 1 runs again, 2 a pause gets lost, 3 which question is it, 4 values."""

    code: str
    severity: Severity
    title: str
    cure: str


_ALL: Final = (
    Rule(
        "NBH101",
        "warning",
        "an effect before a question",
        "Move it behind the question or into a node before this one, or keep its result: once('name', function, ...).",
    ),
    Rule(
        "NBH201",
        "error",
        "an except clause that catches the pause",
        "Catch Exception, which lets a pause pass, or raise it again.",
    ),
    Rule(
        "NBH202",
        "error",
        "a finally clause that ends the pause",
        "Put the return, break or continue behind the try statement.",
    ),
    Rule(
        "NBH203",
        "error",
        "gather(return_exceptions=True) around a question",
        "Leave return_exceptions out, or ask before or after the gather.",
    ),
    Rule(
        "NBH204",
        "error",
        "a question in a thread without the node's context",
        "Ask in the node itself, or start it with asyncio.to_thread or contextvars.copy_context().run.",
    ),
    Rule(
        "NBH205",
        "warning",
        "a question in a routing function",
        "Ask in a node, put the answer into the state, and route by that key.",
    ),
    Rule(
        "NBH301",
        "warning",
        "a question under a condition that can flip",
        "Decide in an earlier node and put the result into the state, or keep it: once('name', function, ...).",
    ),
    Rule(
        "NBH302",
        "warning",
        "a question that differs with each run",
        "Give it a name, key='...'; or compute what changes in an earlier node, or keep it with once().",
    ),
    Rule(
        "NBH303",
        "warning",
        "a key that differs with each run",
        "Make the key of what stays the same: a constant, or values of the state.",
    ),
    Rule(
        "NBH304",
        "note",
        "a question in a loop",
        "To ask until an answer fits, use ask_until(); for one question an item, give each a key=f'item {n}', "
        "or ask in a node of its own and route back to it.",
    ),
    Rule(
        "NBH305",
        "warning",
        "one key for several things",
        "Make the key of what differs: f'mail {name}'.",
    ),
    Rule(
        "NBH306",
        "warning",
        "questions side by side without a key",
        "Give each question a name, key='...'.",
    ),
    Rule(
        "NBH307",
        "note",
        "a deadline without a default",
        "Give default=..., or catch InterruptExpired.",
    ),
    Rule(
        "NBH308",
        "error",
        "a default without a deadline",
        "Give deadline=... as well, or leave default out.",
    ),
    Rule(
        "NBH401",
        "warning",
        "a value of the state changed in place",
        "Return a new value: return {key: [*state[key], item]}, or let a reducer append: return {key: [item]}.",
    ),
    Rule(
        "NBH402",
        "warning",
        "a value that cannot be stored",
        "Keep plain data of it (numbers, text, lists, dicts, arrays, dataclasses), and make the object in the node.",
    ),
    Rule(
        "NBH403",
        "warning",
        "input() in a node",
        "Ask with interrupt(...) or ask(...): the question is stored, and shown as a form.",
    ),
)
RULES: Final = {rule.code: rule for rule in _ALL}


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a trap was seen."""

    code: str
    severity: Severity
    reason: str
    """What is wrong, with the names of the code; strangers' text, to be escaped."""
    cure: str
    node: str
    """The node, or else the function, that it is in."""
    file: str
    line: int
    """As the cell or the file counts, from 1."""
    column: int
    """From 1."""
    text: str = ""
    """The line itself."""
    cell: int | None = None
    """The cell of a notebook file, from 1."""

    @property
    def message(self) -> str:
        """Reason and cure in one line."""
        return f"{self.reason} {self.cure}"

    @property
    def place(self) -> str:
        """``line 12``, with the cell before it where a notebook file was read."""
        return f"line {self.line}" if self.cell is None else f"cell {self.cell}, line {self.line}"

    def brief(self) -> str:
        """One line: place, code, node and reason."""
        return f"{self.place}: {self.code} in {self.node}: {self.reason}"

    def in_cell(self, number: int) -> Finding:
        """The same, as seen in a notebook file."""
        return replace(self, cell=number)


def found(code: str, reason: str, *, node: str, file: str, line: int, column: int, text: str) -> Finding:
    """A finding of a rule."""
    rule = RULES[code]
    return Finding(code, rule.severity, reason, rule.cure, node, file, line, column, text)
