"""Every example runs twice, on LangGraph and on nbhitl: `lg` is the engine, with the public names of both.

Nothing here says what an engine does; where nbhitl differs on purpose, the test itself says so and names the row of
"We differ" in the contract (03-semantics).
"""

import asyncio
import contextlib
import itertools
import warnings
from importlib import import_module

import pytest

import nbhitl

pytest.importorskip("langgraph")

LANGGRAPH = {
    "langgraph.graph": ("StateGraph", "START", "END", "MessagesState", "add_messages"),
    "langgraph.types": ("Command", "Interrupt", "Overwrite", "PregelTask", "Send", "StateSnapshot", "StateUpdate",
                        "interrupt"),
    "langgraph.managed": ("RemainingSteps",),
    "langgraph.runtime": ("Runtime", "get_runtime"),
    "langgraph.errors": ("EmptyInputError", "GraphInterrupt", "GraphRecursionError", "InvalidUpdateError"),
    "langgraph.checkpoint.memory": ("InMemorySaver",),
}  # fmt: skip
NAMES = {name: module for module, names in LANGGRAPH.items() for name in names}


class Engine:
    """One engine's public names as attributes, and what the examples share."""

    def __init__(self, name):
        self.name, self.ours, self._threads = name, name == "nbhitl", itertools.count(1)

    def __getattr__(self, name):
        if self.ours:
            return getattr(nbhitl, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what LangGraph's own dependencies say is not ours to mend
            return getattr(import_module(NAMES[name]), name)

    # -- threads and savers

    def thread(self, **more):
        """The config of a thread that nobody used yet."""
        return {"configurable": {"thread_id": f"thread {next(self._threads)}"}, **more}

    @contextlib.contextmanager
    def file_saver(self, path):
        """A saver on a file: DuckDB here, SQLite there."""
        if self.ours:
            saver = nbhitl.DuckDBSaver(str(path))
            try:
                yield saver
            finally:
                saver.close()
        else:
            from langgraph.checkpoint.sqlite import SqliteSaver

            with SqliteSaver.from_conn_string(str(path)) as saver:
                yield saver

    @property
    def refused(self):
        """What an answer that does not fit its ``response_schema`` raises."""
        if self.ours:
            return nbhitl.AnswerRefused
        from pydantic import ValidationError

        return ValidationError

    # -- looking

    @staticmethod
    def asked(result):
        """The payloads that a result or a chunk of a stream shows."""
        return [one.value for one in result.get("__interrupt__", ())]

    @staticmethod
    def pending(graph, config):
        """The payloads of all open questions of a thread, in order of their text."""
        return sorted((one.value for one in graph.get_state(config).interrupts), key=str)

    @staticmethod
    def at(graph, config, *due):
        """The oldest snapshot of the history at which exactly these nodes are due."""
        return [one for one in graph.get_state_history(config) if sorted(one.next) == sorted(due)][-1]

    @staticmethod
    def text(message):
        """The content of a message, be it an object or a dict."""
        return message["content"] if isinstance(message, dict) else message.content

    @staticmethod
    def run(coroutine):
        """An async example."""
        return asyncio.run(coroutine)


@pytest.fixture(params=["langgraph", "nbhitl"])
def lg(request):
    return Engine(request.param)
