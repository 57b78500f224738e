"""`approve`: yes or no."""

from __future__ import annotations

from typing import Any

from nbhitl.asking.question import Deadline, put, worded
from nbhitl.engine.records import MISSING


def approve(
    question: str,
    *show: Any,
    yes: str = "Approve",
    no: str = "Reject",
    key: str | None = None,
    deadline: Deadline = None,
    default: Any = MISSING,
) -> bool:
    """Stop this node and ask a person for a yes or a no.

    >>> def review(state):
    ...     return {"approved": approve("Publish this draft?", state["draft"])}

    Args:
        question: what is asked, as text.
        show: what is shown beside it: text, dicts, frames, pictures, `nbhitl.Markdown`, `nbhitl.Diff`.
        yes: the words for True.
        no: the words for False.
        key: a name for this question, where what is shown differs between two runs of the body.
        deadline: when it is too late to answer; see `nbhitl.interrupt`.
        default: True or False: what counts then.

    Returns:
        The answer: True or False. From code it is given as such, e.g. ``Command(resume=True)``.

    Raises:
        As `nbhitl.interrupt`.
    """
    options = [{"const": True, "title": yes}, {"const": False, "title": no}]
    found: bool = put(worded("approve", question, show), {"oneOf": options}, key, deadline, default)
    return found
