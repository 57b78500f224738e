"""`GraphCallbackHandler`: told when a run pauses and when it goes on. Given in ``config={"callbacks": [...]}``.

Handlers of LangChain's may stand in the same list: they are left to those whom a node hands its config.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nbhitl.engine.errors import CallbackWarning
from nbhitl.run.outputs import interrupts
from nbhitl.run.remarks import remark

if TYPE_CHECKING:
    import asyncio

    from nbhitl.engine.commands import Interrupt
    from nbhitl.engine.records import Stopped
    from nbhitl.run.running import Run

Status: TypeAlias = Literal["pending", "interrupt_before", "interrupt_after"]


@dataclass(frozen=True, slots=True)
class GraphInterruptEvent:
    """A run has paused: at questions, or at a breakpoint."""

    run_id: Any
    """The ``run_id`` of the call's config, where one was given."""
    status: Status
    """``pending`` at a question, else which static breakpoint it was; a debugger's is ``interrupt_before``."""
    checkpoint_id: str
    checkpoint_ns: tuple[str, ...]
    """Empty: pauses are told of at the outermost graph."""
    interrupts: tuple[Interrupt, ...] = ()
    """The open questions, those of sub-graphs included."""


@dataclass(frozen=True, slots=True)
class GraphResumeEvent:
    """A run goes on where it stood: the outermost graph, and each sub-graph that had paused."""

    run_id: Any
    status: Status
    checkpoint_id: str
    checkpoint_ns: tuple[str, ...]
    """Of a sub-graph: the parts of its namespace."""


class GraphCallbackHandler:
    """Derive from it, and have it called when a run pauses and goes on. What it raises is a warning.

    >>> class Bell(GraphCallbackHandler):
    ...     def on_interrupt(self, event):
    ...         print("a person is needed:", *(question.value for question in event.interrupts))
    >>> graph.invoke(input, {"configurable": {"thread_id": "1"}, "callbacks": [Bell()]})

    The methods may be async where the graph is run on a loop; nobody waits for them then.
    """

    # LangChain asks these of every handler in a config: there is nothing here for it.
    raise_error = False
    run_inline = False
    ignore_llm = ignore_retry = ignore_chain = ignore_agent = True
    ignore_retriever = ignore_chat_model = ignore_custom_event = True

    def on_interrupt(self, event: GraphInterruptEvent) -> Any:
        """The run has paused."""

    def on_resume(self, event: GraphResumeEvent) -> Any:
        """The run goes on."""


def paused(run: Run, stopped: Stopped) -> None:
    """Tell the handlers of a run that it has paused."""
    asked = interrupts(run.position)
    after = stopped.text.startswith("at the breakpoint after")
    status: Status = "pending" if asked else "interrupt_after" if after else "interrupt_before"
    event = GraphInterruptEvent(run.config.get("run_id"), status, run.position.checkpoint.id, (), asked)
    _tell(run.config, event)


def resumed(run: Run) -> None:
    """Tell the handlers of a run that it goes on."""
    space = tuple(run.key.ns.split("|")) if run.key.ns else ()
    _tell(run.config, GraphResumeEvent(run.config.get("run_id"), "pending", run.position.checkpoint.id, space))


def _tell(config: Mapping[str, Any], event: GraphInterruptEvent | GraphResumeEvent) -> None:
    name = "on_interrupt" if isinstance(event, GraphInterruptEvent) else "on_resume"
    for handler in _handlers(config):
        method = getattr(handler, name, None)
        if not callable(method):
            continue
        try:
            told = method(event)
            if inspect.iscoroutine(told):
                _begin(told, method)
        except Exception as error:  # noqa: BLE001 - whatever it raises, the run goes on
            _failed(method, error)


def _handlers(config: Mapping[str, Any]) -> Iterator[Any]:
    """A list of handlers, or a manager of LangChain's that has one."""
    given = config.get("callbacks")
    given = getattr(given, "handlers", given)
    if isinstance(given, (list, tuple)):
        yield from given


_running: set[asyncio.Task[Any]] = set()
"""Or they would be collected half-way."""


def _begin(told: Any, method: Any) -> None:
    import asyncio

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # no loop runs on this thread
        asyncio.run(told)
        return

    async def until_done() -> None:
        try:
            await told
        except Exception as error:  # noqa: BLE001 - as above
            _failed(method, error)

    task = loop.create_task(until_done())
    _running.add(task)
    task.add_done_callback(_running.discard)


def _failed(method: Any, error: Exception) -> None:
    who = getattr(method, "__qualname__", repr(method))
    remark(method, f"the callback {who} raised {type(error).__name__}: {error}. The run goes on.", CallbackWarning)
