"""What a node's body can reach while it runs: ``interrupt()``, and nothing hidden behind it."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from nbhitl.engine import questions
from nbhitl.engine.errors import (
    AnswerRefused,
    CheckpointerRequired,
    GraphInterrupt,
    NbhitlError,
    PauseSwallowed,
    SchemaError,
)
from nbhitl.engine.ids import interrupt_id
from nbhitl.engine.ports import Checker, Clock
from nbhitl.engine.records import Answered, Asked, Task

SWALLOWED = (
    "node {node!r} went on after interrupt(): its pause was swallowed by a bare `except:`, `except BaseException`, "
    "gather(return_exceptions=True) or a `return` in `finally`. Let GraphInterrupt pass."
)


@dataclass(slots=True)
class TaskContext:
    """One performance of one task: which questions its body has asked, and the answers that are known."""

    task: Task
    checker: Checker
    clock: Clock
    asked: tuple[Asked, ...] = ()
    answers: dict[str, Answered] = field(default_factory=dict)
    can_pause: bool = True
    """Whether a checkpointer remembers the run."""
    calls: int = 0
    """How many questions without a key this performance has asked."""
    pause: GraphInterrupt | None = None
    """The pause that was signalled, to notice a body that swallows it."""
    keys: dict[str, str] = field(default_factory=dict)
    """Keys that were used, with what they asked."""
    paused_in: set[int] = field(default_factory=set)
    """The asyncio tasks and threads that a pause has left."""

    def ask(self, value: Any, schema: Any, key: str | None) -> Any:
        """The answer to a question if it is known; else leaves the body."""
        if not self.can_pause:
            raise CheckpointerRequired(
                f"node {self.task.node!r} called interrupt(), but the graph was compiled without a checkpointer, so "
                "the run could not be continued. Use compile(checkpointer=InMemorySaver()) and give a thread_id."
            )
        self._check_place(key)
        ordinal = self.calls
        if key is None:
            self.calls += 1
        described = None if schema is None else self.checker.describe(schema)
        binding = questions.binding(ordinal=ordinal, key=key, value=value, schema=described)
        question = Asked(
            task=self.task.id,
            id=interrupt_id(self.task.id, binding),
            value=value,
            schema=schema,
            described=described,
            schema_name=None if schema is None else self.checker.name(schema),
            ordinal=ordinal,
            key=key,
            binding=binding,
            at=self.clock.now(),
        )
        self._check_key(question, described)
        answer = self.answers.get(question.id)
        if answer is None:
            questions.check_change(self.asked, question, self.task.node)
            self.pause = GraphInterrupt(question)
            self.paused_in.add(_place())
            raise self.pause
        return answer.value if schema is None else self._typed(schema, answer)

    def _check_key(self, question: Asked, described: Any) -> None:
        """In one performance, a key names one question."""
        if question.key is None:
            return
        content = questions.binding(ordinal=0, key=None, value=question.value, schema=described)
        if self.keys.setdefault(question.key, content) != content:
            raise NbhitlError(
                f"node {self.task.node!r} uses the key {question.key!r} for two different questions, so one answer "
                "would count for both. Give each its own key, e.g. key=f'item {n}'."
            )

    def _check_place(self, key: str | None) -> None:
        """Nothing asks where a pause was signalled before; side by side, each question needs a name."""
        if _place() in self.paused_in:
            raise PauseSwallowed(SWALLOWED.format(node=self.task.node))
        if self.paused_in and key is None:
            raise PauseSwallowed(
                f"node {self.task.node!r} asks several questions side by side, and nobody could tell which answer is "
                "whose: give each one a name, interrupt(value, key='...')."
            )

    def _typed(self, schema: Any, answer: Answered) -> Any:
        try:
            return self.checker.build(schema, answer.value)
        except AnswerRefused as error:
            # The answer was checked against what was known of the schema when it was given, e.g. after a
            # kernel restart without the class. It is kept; the node fails with the reason.
            raise SchemaError(
                f"the answer recorded for node {self.task.node!r} does not fit the class it is asked with now: {error}"
            ) from error


def _place() -> int:
    """Which asyncio task, or else which thread, is running this."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs on this thread
        task = None
    return id(task) if task is not None else threading.get_ident()


CURRENT: ContextVar[TaskContext | None] = ContextVar("nbhitl_task", default=None)
"""The performance that the calling code belongs to."""


def interrupt(value: Any, *, response_schema: Any = None, key: str | None = None) -> Any:
    """Stop this node and ask a person; return the answer when the run goes on.

    The node's body starts again from its first line when the answer is there, and this call then returns it. So
    what stands before the call runs once more: keep effects behind it, or in an earlier node.

    Args:
        value: the question: text, or any value that can be stored; a form shows dicts as tables and images as
            images.
        response_schema: what an answer has to be: a pydantic model, Literal, Enum, bool, int, float, str,
            ``Annotated[int, Field(ge=0, le=9)]``, TypedDict, dataclass or a JSON Schema dict. None takes anything.
        key: a name for this question, where its value differs between two runs of the body.

    Returns:
        The answer, as an instance of ``response_schema`` when one was given.

    Raises:
        GraphInterrupt: leaves the body; it is no `Exception`, so ``except Exception`` lets it pass.
        CheckpointerRequired: the graph was compiled without a checkpointer.
        NbhitlError: called outside a node.
    """
    context = CURRENT.get()
    if context is None:
        raise NbhitlError(
            "interrupt() was called outside a node. Call it in a function that is a node of a graph; a thread that a "
            "node starts needs the node's context: contextvars.copy_context().run(...)."
        )
    return context.ask(value, response_schema, key)
