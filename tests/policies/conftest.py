"""What the tests of policies share: every saver, one thread, both ways to call."""

import asyncio

import pytest

from nbhitl import DuckDBSaver, InMemorySaver


@pytest.fixture(params=["memory", "duckdb"])
def saver(request, tmp_path):
    made = InMemorySaver() if request.param == "memory" else DuckDBSaver(tmp_path / "t.duckdb")
    yield made
    made.close()


@pytest.fixture
def config():
    return {"configurable": {"thread_id": "t"}}


@pytest.fixture(params=["sync", "async"])
def call(request):
    """``invoke`` in both ways."""
    if request.param == "sync":
        return lambda graph, *given, **more: graph.invoke(*given, **more)
    return lambda graph, *given, **more: asyncio.run(graph.ainvoke(*given, **more))
