"""What people and nodes say to a run: commands and the questions they see. Names as in LangGraph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from nbhitl.engine.generics import NodeNames, NodeT_co
from nbhitl.engine.records import MISSING, Send

PARENT: Final = "__parent__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(NodeNames[NodeT_co]):
    """Given to ``invoke``: answers, or an edit. Returned by a node: an update and where to go next.

    Args:
        graph: None for this graph, ``Command.PARENT`` to leave a sub-graph: update and goto count in the graph that
            called it.
        update: the node's update to the state.
        resume: the answer to the one pending question, or ``{interrupt id: answer}`` for several. Falsy
            answers are answers; None is none.
        goto: a node's name, a `Send`, or a list of these; added to the node's edges.

    ``-> Command[Literal["a", "b"]]`` says in a signature where a node may go: the drawing and type checkers read it.
    """

    graph: str | None = None
    update: Any = None
    resume: Any = MISSING
    goto: NodeT_co | Send | Sequence[NodeT_co | Send] = ()

    PARENT: ClassVar[str] = PARENT


@dataclass(frozen=True, slots=True)
class Overwrite:
    """An update that replaces the value of a key with a reducer instead of being merged into it."""

    value: Any


class StateUpdate(NamedTuple):
    """One writer of a super-step in ``bulk_update_state``."""

    values: Any
    as_node: str | None = None
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A question that waits for a person."""

    value: Any
    id: str
    response_schema: Any = None
    deadline: str | None = None
    """When the default takes its place, as ISO 8601 text; None: never."""


def destinations(goto: str | Send | Sequence[str | Send]) -> tuple[str | Send, ...]:
    """A ``goto`` in any of its forms, as a tuple."""
    return (goto,) if isinstance(goto, (str, Send)) else tuple(goto)
