"""Every saver; and the answer comes before the edit, or after it."""

import pytest

from tests.edits.homes import Home


@pytest.fixture(params=["memory", "duckdb"])
def saved(request, tmp_path):
    """Where the thread is remembered: None in memory."""
    return None if request.param == "memory" else tmp_path / "t.duckdb"


@pytest.fixture(params=["answered before the edit", "answered after it"])
def home(request, saved):
    made = Home(saved, early=request.param == "answered before the edit")
    yield made
    made.check()
    made.saver.close()


@pytest.fixture
def paused(saved):
    """A home whose answers each test gives itself."""
    made = Home(saved, early=False)
    yield made
    made.check()
    made.saver.close()
