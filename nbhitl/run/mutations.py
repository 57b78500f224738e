"""Notices a node that changes a value of the state in place: only with ``debug``, since it looks into values.

What a node changes without returning it is lost after a restart, and shows in a checkpoint that is only in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbhitl.engine.errors import MutatedStateWarning
from nbhitl.engine.ids import digest
from nbhitl.run.remarks import remark

if TYPE_CHECKING:
    from nbhitl.run.context import TaskContext

_MUTABLE = (list, dict, set, bytearray)
LARGEST = 10_000
"""Members of a container that are looked at: a debugging aid must not be slower than the node."""


def seen(values: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Length and digest of the containers among ``values``, by key."""
    return {name: _mark(value) for name, value in values.items() if isinstance(value, _MUTABLE)}


def _mark(value: Any) -> tuple[int, str]:
    return len(value), digest(value) if len(value) <= LARGEST else ""


def check(job: TaskContext, before: Mapping[str, tuple[int, str]]) -> None:
    """Warn of every key whose value is another than before the node ran."""
    for name, mark in before.items():
        if _mark(job.values[name]) != mark:
            text = (
                f"node {job.task.node!r} changed state[{name!r}] in place. What counts is what a node returns: "
                f"return {{{name!r}: a new value}}; the change in place is lost when the thread is loaded again."
            )
            remark(job.node.action, text, MutatedStateWarning)
