"""What is known of a node that raised: where it stands, in which step, and what it was given."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from nbhitl.engine.errors import GraphChanged, NbhitlError
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import EMPTY, MISSING, Failed, Position, Task, ThreadKey
from nbhitl.run.vault import VAULT
from nbhitl.words import plainly

NOTE: Final = re.compile(r"in node ['\"]")
"""How the notes begin that every graph puts on what leaves one of its nodes, the innermost first."""


@dataclass(frozen=True, slots=True)
class NodeFailure:
    """One node that raised, of those of a step."""

    node: str
    """Its path: ``review/ask`` in a sub-graph. Empty: it was no node, but the merging of what nodes wrote."""
    step: int
    """The step of the outermost graph at which it was due, as the timeline and ``fork`` name it."""
    error: BaseException
    given: str = ""
    """What it was given, in one short line without secrets."""

    @property
    def place(self) -> str:
        """Where it happened, in words: ``in node review/ask, step 3, given topic: tea``."""
        where = f"in node {self.node}" if self.node else "while the step's results were merged"
        given = f", given {self.given}" if self.given else ""
        return f"{where}, step {self.step}{given}"


def failures_of(failed: tuple[Failed, ...], position: Position, saver: Saver, key: ThreadKey) -> list[NodeFailure]:
    """The failures of a step, in the order of its tasks."""
    tasks = {task.id: task for task in position.checkpoint.tasks}
    order = {id: place for place, id in enumerate(tasks)}
    found = []
    for one in sorted(failed, key=lambda each: order.get(each.task, len(order))):
        error = one.exception or NbhitlError(one.text)
        node, given = "", ""
        if one.task in tasks and not isinstance(error, GraphChanged):  # of a node that is gone none has raised
            path, values = _given(tasks[one.task], position, saver, key)
            node = "/".join(path if len(path) > 1 else _by_notes(path[0], error))
            given = VAULT.hidden(plainly(values))
        found.append(NodeFailure(node, position.checkpoint.step, error, given))
    return found


def _given(task: Task, position: Position, saver: Saver, key: ThreadKey) -> tuple[list[str], Mapping[str, Any]]:
    """The names of nodes that lead to what failed, and what that was given: in a sub-graph, a node in there."""
    for entered in position.entered.get(task.id, EMPTY).values():
        line = replace(key, ns=entered.ns)
        inner = saver.newest(line, entered.head) if entered.head else None
        failed = [one for one in inner.checkpoint.tasks if one.id in inner.failed] if inner is not None else []
        if inner is not None and failed:
            path, values = _given(failed[0], inner, saver, line)
            return [task.node, *path], values
    if task.arg is MISSING:
        return [task.node], position.checkpoint.values
    return [task.node], task.arg if isinstance(task.arg, Mapping) else {"input": task.arg}


def _by_notes(node: str, error: BaseException) -> list[str]:
    """The same names by the notes of the graphs around: where a sub-graph remembers nothing."""
    notes = [note for note in getattr(error, "__notes__", ()) if isinstance(note, str) and NOTE.match(note)]
    names = [_name(note) for note in reversed(notes)]
    if not names or names[0] != node:
        return [node]
    again = names.index(node, 1) if node in names[1:] else len(names)  # of an earlier call that raised the same object
    return names[:again]


def _name(note: str) -> str:
    quoted = note.removeprefix("in node ").partition(", answered by")[0]
    try:
        return str(ast.literal_eval(quoted))
    except (ValueError, SyntaxError):
        return quoted
