"""Every example runs twice, on LangGraph and on nbhitl: `lg` is the engine, with the public names of both.

Nothing here says what an engine does; where nbhitl differs on purpose, the test itself says so and names the row of
"We differ" in the contract (03-semantics).
"""

import asyncio
import contextlib
import itertools
import re
import warnings
from importlib import import_module

import pytest

import nbhitl

pytest.importorskip("langgraph")

LANGGRAPH = {
    "langgraph.graph": ("StateGraph", "START", "END", "MessagesState", "add_messages"),
    "langgraph.graph.message": ("REMOVE_ALL_MESSAGES",),
    "langgraph.types": ("CachePolicy", "Command", "GraphOutput", "Interrupt", "Overwrite", "PregelTask", "RetryPolicy",
                        "Send", "StateSnapshot", "StateUpdate", "StreamWriter", "TimeoutPolicy", "default_retry_on",
                        "interrupt"),
    "langgraph.func": ("entrypoint", "task"),
    "langgraph.config": ("get_config", "get_store", "get_stream_writer"),
    "langgraph.managed": ("RemainingSteps",),
    "langgraph.runtime": ("RunControl", "Runtime", "get_runtime"),
    "langgraph.errors": ("EmptyInputError", "GraphDrained", "GraphInterrupt", "GraphRecursionError",
                         "InvalidUpdateError", "NodeError", "NodeTimeoutError"),
    "langgraph.callbacks": ("GraphCallbackHandler",),
    "langgraph.checkpoint.memory": ("InMemorySaver",),
    "langgraph.store.base": ("BaseStore",),
    "langgraph.store.memory": ("InMemoryStore",),
    "langgraph.cache.memory": ("InMemoryCache",),
}  # fmt: skip
TOPICS = (
    {"pizza", "food", "hungry", "eat", "cuisine"},
    {"plumber", "work", "job", "pipes"},
    {"rain", "sun"},
)
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

    @contextlib.contextmanager
    def file_store(self, path, **options):
        """A store on a file: DuckDB here, SQLite there."""
        if self.ours:
            store = nbhitl.DuckDBStore(str(path), **options)
            try:
                yield store
            finally:
                store.close()
        else:
            from langgraph.store.sqlite import SqliteStore

            with SqliteStore.from_conn_string(str(path), **options) as store:
                store.setup()
                yield store

    @contextlib.contextmanager
    def file_cache(self, path):
        """A cache on a file: DuckDB here, SQLite there."""
        if self.ours:
            cache = nbhitl.DuckDBCache(str(path))
            try:
                yield cache
            finally:
                cache.close()
        else:
            from langgraph.cache.sqlite import SqliteCache

            yield SqliteCache(path=str(path))

    # -- models

    @staticmethod
    def model(*replies, **options):
        """A chat model of LangChain that gives these replies, word by word where it is asked to stream."""
        from langchain_core.language_models.fake_chat_models import GenericFakeChatModel

        return GenericFakeChatModel(messages=iter(replies), **options)

    @staticmethod
    def embed(texts):
        """Texts as vectors: how many of their words are about food, about work, about the weather."""
        words = [re.findall("[a-z]+", text.lower()) for text in texts]
        return [[sum(word in topic for word in one) + 0.01 for topic in TOPICS] for one in words]

    @property
    def index(self):
        """How a store searches by meaning."""
        return {"embed": self.embed, "dims": len(TOPICS)}

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
    def texts(messages):
        """The contents of messages, be they objects or dicts."""
        return [Engine.text(one) for one in messages]

    # -- async examples

    @staticmethod
    def run(coroutine):
        """An async example."""
        return asyncio.run(coroutine)

    @staticmethod
    def gathered(chunks):
        """All of an async stream."""

        async def gather():
            return [chunk async for chunk in chunks]

        return asyncio.run(gather())


@pytest.fixture(params=["langgraph", "nbhitl"])
def lg(request):
    return Engine(request.param)
