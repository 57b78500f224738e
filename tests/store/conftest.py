"""What the tests of stores share: every store, and a clock that only they move."""

import pytest

from nbhitl import DuckDBStore, InMemoryStore

MINUTE = 60_000_000


class Clock:
    """A clock that stands until a test moves it."""

    def __init__(self):
        self.at = 1_700_000_000_000_000

    def now(self):
        self.at += 1
        return self.at

    def pass_minutes(self, minutes):
        self.at += round(minutes * MINUTE)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["memory", "duckdb"])
def make(request, tmp_path, clock):
    """Makes stores of one kind, with the test's clock."""
    made = []

    def one(**options):
        options = {"clock": clock, **options}
        if request.param == "memory":
            return InMemoryStore(**options)
        made.append(DuckDBStore(tmp_path / f"s{len(made)}.duckdb", **options))
        return made[-1]

    yield one
    for store in made:
        store.close()


@pytest.fixture
def store(make):
    return make()
