"""What stops a run without a question, and why. Pure.

Static breakpoints (LangGraph's ``interrupt_before`` and ``interrupt_after``) hold a whole super-step. The debugger's
hold one task; what else is due in the step runs. Both name nodes, or nodes in sub-graphs by path: ``review/ask``.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import field

from nbhitl.engine.record import record
from nbhitl.engine.records import START, Held, Position, Task

NOWHERE: frozenset[str] = frozenset()


@record
class Rules:
    """What one call asks of the law."""

    last_step: int
    """No super-step after this one may begin."""
    before: frozenset[str] = NOWHERE
    """Nodes with a static breakpoint before them."""
    after: frozenset[str] = NOWHERE
    hold_before: frozenset[str] = NOWHERE
    """Nodes whose tasks the debugger holds, each on its own, before they begin."""
    hold_after: frozenset[str] = NOWHERE
    inside: str = field(default="", compare=False)
    """The path of the sub-graph that is run, with a slash behind it: for messages."""

    def within(self, node: str, rules: Rules) -> Rules:
        """The rules of a sub-graph in ``node``: ``rules`` of its own, and what paths into it say here."""
        inside = f"{self.inside}{node}/"
        if not (self.before or self.after or self.hold_before or self.hold_after):
            return Rules(rules.last_step, rules.before, rules.after, inside=inside)
        return Rules(
            rules.last_step,
            rules.before | _within(node, self.before),
            rules.after | _within(node, self.after),
            _within(node, self.hold_before),
            _within(node, self.hold_after),
            inside,
        )

    def counted_from(self, position: Position) -> Rules:
        """These rules with ``last_step`` counted from ``position``; taking input is a step that no limit counts."""
        begun = position.checkpoint
        taking_input = len(begun.tasks) == 1 and begun.tasks[0].node == START
        last = begun.step + self.last_step + taking_input
        return Rules(last, self.before, self.after, self.hold_before, self.hold_after, self.inside)


def _within(node: str, paths: frozenset[str]) -> frozenset[str]:
    if not paths:
        return paths
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


def holds(position: Position, ready: Iterable[Task], rules: Rules) -> tuple[Held, ...]:
    """The debugger's breakpoints that stop a task now: ``ready`` ones before they begin, finished ones after it."""
    found = []
    if rules.hold_before and not position.passed:  # one stop at a step is enough
        found += [
            Held(task.id, f"before {task.node}")
            for task in ready
            if task.node in rules.hold_before and task.node != START and (task.id, "before") not in position.released
        ]
    if rules.hold_after:
        found += [
            Held(task.id, f"after {task.node}", "after")
            for task in position.checkpoint.tasks
            if task.node in rules.hold_after
            and task.id in position.wrote
            and task.id not in position.held
            and (task.id, "after") not in position.released
        ]
    return tuple(found)
