"""What people and nodes say to a run: commands and the questions they see. Names as in LangGraph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import Any, ClassVar

from nbhitl.engine.records import MISSING, Send


@dataclass(frozen=True, slots=True)
class Command:
    """Given to ``invoke``: answers. Returned by a node: an update and where to go next.

    Args:
        update: the node's update to the state.
        resume: the answer to the one pending question, or ``{interrupt id: answer}`` for several. Falsy
            answers are answers.
        goto: a node's name, a `Send`, or a list of these; added to the node's edges.
    """

    update: Mapping[str, Any] | None = None
    resume: Any = MISSING
    goto: str | Send | Sequence[str | Send] = ()

    # ``-> Command[Literal["a", "b"]]`` says in a signature where a node may go.
    __class_getitem__: ClassVar[Any] = classmethod(GenericAlias)


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A question that waits for a person."""

    value: Any
    id: str
    response_schema: Any = None


def destinations(goto: str | Send | Sequence[str | Send]) -> tuple[str | Send, ...]:
    """A ``goto`` in any of its forms, as a tuple."""
    return (goto,) if isinstance(goto, (str, Send)) else tuple(goto)
