"""Who answers where nobody sits: the one hook of a compiled graph for `nbhitl.answering`.

A call that stops at a question looks here, and goes on with the answers that it gets. Nobody stands in unless somebody
asked for it, and then a call pays for one look at a context variable. May not know where answers come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from nbhitl.engine.commands import Command
from nbhitl.engine.errors import AnswerRefused, SchemaError
from nbhitl.engine.records import EMPTY, Asked, ThreadKey

if TYPE_CHECKING:
    from nbhitl.calls import CallOptions, Calls, Config
    from nbhitl.engine.description import Graph
    from nbhitl.run.running import Run


class StandIn(Protocol):
    """Answers in a person's place."""

    via: str
    """Through what its answers come: stands in the ``answers`` view."""
    timeless: bool
    """Whether what it answers was in time once, so that no deadline passes while it answers."""

    @property
    def active(self) -> bool:
        """Whether it still answers."""

    def answers(self, graph: Graph, key: ThreadKey, asked: Sequence[tuple[str, Asked]]) -> Mapping[str, Any]:
        """Interrupt ids to answers. What is left out stays open; an empty mapping lets the run pause.

        Args:
            graph: the outermost graph.
            key: the thread.
            asked: the open questions, each behind the path of the node that asks.
        """

    def explain(self, error: Exception, node: str, asked: Asked) -> None:
        """Put where it came from behind an error that an answer has led to."""


STAND_IN: ContextVar[StandIn | None] = ContextVar("nbhitl_stand_in", default=None)
"""Whoever answers for the calls of this context; None: a person."""


def following(calls: Calls, run: Run, config: Config, options: CallOptions) -> tuple[Any, Config, CallOptions] | None:
    """The call (input, config, options) that goes on where a run has stopped; None where it stays.

    Raises:
        AnswerRefused: an answer does not fit; nothing was recorded. A note says whose it was.
        NbhitlError: the stand-in has no answer, and was told not to pause.
    """
    stand_in = STAND_IN.get()
    if stand_in is None or not stand_in.active:
        return None
    position = run.position
    stopped = position.stopped
    if stopped is None or stopped.reason != "interrupted" or calls.world.saver is None:
        return None
    if options.control is not None and options.control.drain_requested:
        return None
    now = calls.world.clock.now()
    # What has expired meanwhile is no longer asked: its default counts, or its node fails.
    pending = calls.open_questions(position)
    asked = [q for q in pending if not q.deadline or q.deadline > now or stand_in.timeless]
    nodes = {task.id: task.node for task in position.checkpoint.tasks}
    due = [(question.node or nodes[question.task], question) for question in asked]
    given = stand_in.answers(run.graph, run.key, due) if due else EMPTY
    _expect_fitting(calls, stand_in, due, given)
    if not given and len(asked) == len(pending):
        return None
    thread = {"thread_id": config.get("configurable", EMPTY).get("thread_id")}
    return (
        Command(resume=dict(given)) if given else None,
        {**config, "configurable": thread},
        replace(options, via=stand_in.via, in_time=True, restart=False, rename={}, last_step=run.rules.last_step),
    )


def _expect_fitting(
    calls: Calls, stand_in: StandIn, due: Iterable[tuple[str, Asked]], given: Mapping[str, Any]
) -> None:
    """Check each answer on its own, before any is recorded: the error says whose it is."""
    for node, question in due:
        if question.id not in given or question.schema is None:
            continue
        try:
            calls.world.checker.check(question.schema, given[question.id])
        except (AnswerRefused, SchemaError) as error:
            stand_in.explain(error, node, question)
            raise
