"""What stops a run without a question, and why. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from nbhitl.engine.records import Position


def static_stop(position: Position, before: AbstractSet[str], after: AbstractSet[str]) -> str | None:
    """Why a static breakpoint holds the run here, in words; None where none does.

    Static breakpoints hold a whole super-step (as LangGraph's ``interrupt_before`` and ``interrupt_after``):
    before its tasks have begun, or right after the step that ran a listed node.
    """
    if position.passed or not position.untouched:
        return None
    if after:
        ran = [node for node in position.checkpoint.ran if node in after]
        if ran:
            return f"at the breakpoint after {', '.join(ran)}"
    if before:
        due = [task.node for task in position.checkpoint.tasks if task.node in before]
        if due:
            return f"at the breakpoint before {', '.join(due)}"
    return None
