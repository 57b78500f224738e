"""What the tests of sessions share: every saver, and the newsroom at its question."""

import pytest

from nbhitl import DuckDBSaver, InMemorySaver
from tests.session.newsroom import newsroom, session


@pytest.fixture(params=["memory", "duckdb"])
def saver(request, tmp_path):
    made = InMemorySaver() if request.param == "memory" else DuckDBSaver(tmp_path / "t.duckdb")
    yield made
    made.close()


@pytest.fixture
def news(saver):
    """The newsroom, paused at its question."""
    made = session(newsroom(), saver)
    made.go({"topic": "tea"})
    return made
