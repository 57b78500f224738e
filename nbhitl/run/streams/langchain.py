"""LangChain's chat models in a stream: their tokens arrive through a callback handler that calls in bodies inherit.

The only module of this floor that knows LangChain. It loads nothing of it: whoever has no chat model has not imported
it, and then there is nothing to listen to.
"""

from __future__ import annotations

import contextlib
import contextvars
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbhitl.run.context import CURRENT, TaskContext

if TYPE_CHECKING:
    from uuid import UUID

    from nbhitl.run.running import Run

NO_STREAM = "nostream"
"""The tag of a model whose tokens are not streamed."""


def is_message(given: Any) -> bool:
    """Whether it is a LangChain message."""
    known = sys.modules.get("langchain_core.messages")
    return known is not None and isinstance(given, known.BaseMessage)


class Tokens:
    """Streams what chat models say in the name of the task whose body called them."""

    run_inline = True
    """Called where the model runs: the task is known there, and tokens keep their order."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[UUID, tuple[TaskContext, dict[str, Any]]] = {}
        self._last: dict[UUID, Any] = {}
        """The newest piece of each message that comes in pieces."""

    def said(self, piece: Any) -> bool:
        """Whether a piece has just been streamed."""
        return any(last is piece for last in tuple(self._last.values()))

    def on_chat_model_start(
        self,
        serialized: Any,
        messages: Any,
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """A model was called: remember by whom."""
        job = CURRENT.get()
        if job is None or NO_STREAM in (tags or ()):
            return
        from nbhitl.run.streams.messages import metadata as about  # it knows this module

        more = {"tags": tags} if tags else {}
        self._calls[run_id] = job, {**about(job), **(metadata or {}), **more}

    def on_llm_new_token(self, token: str, *, chunk: Any = None, run_id: UUID, **_: Any) -> None:
        """A piece of its message."""
        call = self._calls.get(run_id)
        message = getattr(chunk, "message", None)
        if call is not None and message is not None:
            self._last[run_id] = message
            job, about = call
            job.emit("messages", (message, about))

    def on_llm_end(self, response: Any, *, run_id: UUID, **_: Any) -> None:
        """Its message is complete: one that did not come in pieces is streamed as a whole."""
        call = self._calls.pop(run_id, None)
        if (
            self._last.pop(run_id, None) is None
            and call is not None
            and response.generations
            and response.generations[0]
        ):
            message = getattr(response.generations[0][0], "message", None)
            if message is not None:
                call[0].emit("messages", (message, call[1]))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """It failed: nothing follows."""
        self._calls.pop(run_id, None)
        self._last.pop(run_id, None)

    # LangChain asks whoever has these two for tokens: without them `invoke` of a model does not stream.

    def tap_output_iter(self, run_id: UUID, output: Iterator[Any]) -> Iterator[Any]:
        """The output as it is."""
        return output

    def tap_output_aiter(self, run_id: UUID, output: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The output as it is."""
        return output


def said(run: Run, piece: Any) -> bool:
    """Whether a piece of a message was streamed already, by the model that it comes from."""
    given = run.config.get("callbacks") or ()
    handlers = given if isinstance(given, (list, tuple)) else given.handlers
    return any(isinstance(known, Tokens) and known.said(piece) for known in handlers)


@cache
def _handler_type() -> type[Any]:
    base = import_module("langchain_core.callbacks").BaseCallbackHandler
    return type("TokenHandler", (Tokens, base), {})


def listen(run: Run) -> bool:
    """Let a run hear what chat models say in its bodies; whether there can be any.

    Its config gets a callback handler, so that bodies that hand the config on are heard as well.
    """
    if "langchain_core" not in sys.modules:
        return False
    given = run.config.get("callbacks")
    if isinstance(given, (list, tuple)) or given is None:
        if not any(isinstance(known, Tokens) for known in given or ()):
            run.config = {**run.config, "callbacks": [*(given or ()), _handler_type()()]}
    elif not any(isinstance(known, Tokens) for known in given.handlers):
        manager = given.copy()
        manager.add_handler(_handler_type()(), inherit=True)
        run.config = {**run.config, "callbacks": manager}
    return True


def _ambient() -> contextvars.ContextVar[Any]:
    """Where LangChain looks for the config of a call that was given none."""
    found: contextvars.ContextVar[Any] = import_module("langchain_core.runnables.config").var_child_runnable_config
    return found


def listening(run: Run) -> contextvars.Context:
    """A context in which calls of chat models are heard without being given the config."""
    context = contextvars.copy_context()
    context.run(_ambient().set, dict(run.config))
    return context


@contextlib.contextmanager
def heard(run: Run) -> Iterator[None]:
    """The same for what runs on this thread."""
    if not listen(run):
        yield
        return
    ambient = _ambient()
    token = ambient.set(dict(run.config))
    try:
        yield
    finally:
        ambient.reset(token)
