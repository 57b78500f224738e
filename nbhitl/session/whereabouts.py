"""Where a run stands and what can be done next, in words: what ``%graph`` alone says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from nbhitl.debugging.looks import brief
from nbhitl.engine.records import Position, StopReason
from nbhitl.run.policies import said
from nbhitl.words import plainly, readable

if TYPE_CHECKING:
    from nbhitl.session import Session

_CAN: Final[dict[StopReason | str, tuple[str, ...]]] = {
    "new": ("run --input NAME|JSON", "run --input NAME|JSON --step", "break NODE"),
    "running": ("pause", "break NODE"),
    "breakpoint": ("continue", "step", "until NODE", "state", "set KEY=EXPR", "back"),
    "drained": ("continue", "step", "state", "back"),
    "failed": ("retry", "state", "set KEY=EXPR", "back"),
    "interrupted": ("state", "what-if", "back"),
    "finished": ("history", "timeline", "rewind NODE", "fork STEP", "report FILE.html"),
    "broken": ("continue", "step", "state", "back"),
}
"""The verbs that make sense, by how the run stands."""


def whereabouts(session: Session) -> str:
    """The graph, the thread and its branch, why it stands there, what is next, and the ways on."""
    position = session.position
    how = _how(session, position)
    return "\n".join([_first(session, position, how), *_lines(session, position), _ways_on(session, how)])


def _how(session: Session, position: Position | None) -> str:
    if session.busy:
        return "running"
    if position is None:
        return "new"
    if position.stopped is not None:
        return position.stopped.reason
    return "broken" if position.checkpoint.tasks else "finished"


def _first(session: Session, position: Position | None, how: str) -> str:
    stopped = position.stopped if position is not None else None
    text = {"new": "not run yet", "running": "running", "broken": "broken off"}.get(how)
    if how == "interrupted" and position is not None and not position.pending:
        text = "answered"
    if text is None:
        text = stopped.text if stopped is not None else how
    return f"Graph {session.name}, thread {session.thread}: {text.removesuffix('.')}."


def _lines(session: Session, position: Position | None) -> Iterator[str]:
    if position is None:
        return
    due = dict.fromkeys(task.node for task in position.checkpoint.tasks if task.id not in position.wrote)
    step = max(position.checkpoint.step, 0)
    if due:
        yield f"Step {step}. Next: {', '.join(due)}."
    else:
        yield f"Step {step}."
    for task in position.checkpoint.tasks:
        if (last := position.retried.get(task.id)) is not None and task.id not in position.wrote:
            yield f"{task.node}: {readable(said(last, '', session.compiled.calls.world.clock.now()))}."
    inside = session.inside()
    if inside:
        yield f"Inside {inside.rstrip('/')}."
    for question in session.pending():
        yield f"Question of {session.node_of(question)}: {plainly(question.value)}"
    yield from watched_lines(session)


def watched_lines(session: Session) -> Iterator[str]:
    """Each watched expression with its value now, or why it has none: ``price - cost = 186.0``."""
    for watched in session.watched():
        yield f"{watched.text}: {watched.error}" if watched.error else f"{watched.text} = {brief(watched.value)}"


def _ways_on(session: Session, how: str) -> str:
    verbs = list(_CAN[how])
    if how in ("breakpoint", "drained", "broken"):
        inside = bool(session.inside())
        verbs[2:2] = (["into"] if session.has_subgraphs else []) + (["out"] if inside else [])
    pending = session.pending()
    if pending:
        form = "forms" if len(pending) > 1 else "form"
        value = "NODE VALUE" if len(pending) > 1 else "VALUE"
        return f"Answer in the {form}, or: %graph answer {value} (JSON, key=value pairs, or text). Else: {_said(verbs)}"
    if how == "interrupted":
        verbs.insert(0, "continue")
    return f"You can: {_said(verbs)}"


def _said(verbs: list[str]) -> str:
    return ", ".join(f"%graph {verb}" for verb in verbs)
