"""What the tests of runs share: every saver, one thread."""

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
