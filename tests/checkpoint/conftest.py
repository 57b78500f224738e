"""What the tests of the checkpoint room share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nbhitl.checkpoint import DuckDBSaver, InMemorySaver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbhitl.engine.ports import Saver


@pytest.fixture(scope="session")
def attacks() -> dict[str, Any]:
    corpus = Path(__file__).parent.parent / "corpora" / "attacks.json"
    return json.loads(corpus.read_text(encoding="utf-8"))


@pytest.fixture(params=["memory", "duckdb"])
def saver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Saver]:
    made: Saver = InMemorySaver() if request.param == "memory" else DuckDBSaver(tmp_path / "t.duckdb")
    yield made
    made.close()


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[DuckDBSaver]:
    with DuckDBSaver(tmp_path / "t.duckdb") as made:
        yield made


@pytest.fixture
def reopened() -> Callable[[Saver], Saver]:
    """The same threads seen by a new saver, where that makes a difference."""

    def again(saver: Saver) -> Saver:
        if isinstance(saver, DuckDBSaver):
            saver.close()
            saver.__init__(saver.path)  # the fixture closes this one
        return saver

    return again
