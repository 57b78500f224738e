"""Both checkpointers, and what a body did, counted."""

from collections import Counter

import pytest

from nbhitl import DuckDBSaver, InMemorySaver


@pytest.fixture(params=["memory", "disk"])
def saver(request, tmp_path):
    """A checkpointer."""
    if request.param == "memory":
        yield InMemorySaver()
        return
    with DuckDBSaver(str(tmp_path / "runs.duckdb")) as found:
        yield found


@pytest.fixture
def did():
    """What was done how often: ``did["write"] += 1`` in a task's body."""
    return Counter()


@pytest.fixture
def config():
    """A thread."""
    return {"configurable": {"thread_id": "t"}}
