"""What stops a run without a question, and why. Pure.

Static breakpoints (LangGraph's ``interrupt_before`` and ``interrupt_after``) hold a whole super-step. The debugger's
hold one task; what else is due in the step runs: which, and when, is the business of a `Debugger`. Both name nodes, or
nodes in sub-graphs by path: ``review/ask``.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from nbhitl.engine.record import record
from nbhitl.engine.records import START, Held, Position, Task

if TYPE_CHECKING:
    from nbhitl.engine.description import Graph

NOWHERE: frozenset[str] = frozenset()


class Debugger(Protocol):
    """Holds tasks, one by one. Asked between any two moves, on the thread that runs the graph.

    Sees each position several times, so what it counts it counts once a task; it may be given other breakpoints at any
    time.
    """

    def holds(self, graph: Graph, position: Position, ready: Sequence[Task], inside: str) -> tuple[Held, ...]:
        """The tasks to be held now: of the ``ready`` ones, and of those that have ended since.

        Args:
            graph: the graph that runs, or the sub-graph.
            position: where it stands.
            ready: what is about to be performed.
            inside: the path of the sub-graph, with a slash behind it; empty for the outermost graph.
        """


@record
class Rules:
    """What one call asks of the law."""

    last_step: int
    """No super-step after this one may begin."""
    before: frozenset[str] = NOWHERE
    """Nodes with a static breakpoint before them."""
    after: frozenset[str] = NOWHERE
    debugger: Debugger | None = None
    """Holds single tasks, here and in the sub-graphs."""
    inside: str = field(default="", compare=False)
    """The path of the sub-graph that is run, with a slash behind it."""

    def within(self, node: str, rules: Rules) -> Rules:
        """The rules of a sub-graph in ``node``: ``rules`` of its own, and what paths into it say here."""
        inside = f"{self.inside}{node}/"
        before = rules.before | _within(node, self.before) if self.before else rules.before
        after = rules.after | _within(node, self.after) if self.after else rules.after
        return Rules(rules.last_step, before, after, self.debugger, inside)

    def counted_from(self, position: Position) -> Rules:
        """These rules with ``last_step`` counted from ``position``; taking input is a step that no limit counts."""
        begun = position.checkpoint
        taking_input = len(begun.tasks) == 1 and begun.tasks[0].node == START
        last = begun.step + self.last_step + taking_input
        return Rules(last, self.before, self.after, self.debugger, self.inside)


def _within(node: str, paths: frozenset[str]) -> frozenset[str]:
    return frozenset(path[len(node) + 1 :] for path in paths if path.startswith(f"{node}/"))


def static_stop(position: Position, before: AbstractSet[str], after: AbstractSet[str]) -> str | None:
    """Why a static breakpoint holds the run here, in words; None where none does."""
    if position.passed or not position.untouched:
        return None
    if after:
        ran = [node for node in position.checkpoint.ran if node in after]
        if ran:
            return f"at the breakpoint after {', '.join(ran)}"
    if before:
        due = [task.node for task in position.checkpoint.tasks if task.node in before]
        if due:
            return f"at the breakpoint before {', '.join(dict.fromkeys(due))}"
    return None
