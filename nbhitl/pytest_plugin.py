"""For pytest: the fixture ``answering``. Loaded in every run of pytest, so it imports nothing of nbhitl by itself."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from nbhitl.scripts.context import Answering


_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test's body failed: what is left of its answers is no news then."""
    report = yield
    if call.when == "call" and call.excinfo is not None:
        item.stash[_FAILED] = True
    return report


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[Callable[..., Answering]]:
    """As ``nbhitl.answering``, at work at once and until the end of the test, or of a ``with`` around it.

    What the rules were not asked for is an error of the test, also where it is not used with ``with``.
    """
    from nbhitl.scripts.context import answering as rules_for

    begun: list[Answering] = []

    def begin(rules: Any, *, strict: bool = True) -> Answering:
        found = rules_for(rules, strict=strict)
        found.begin()
        begun.append(found)
        return found

    yield begin
    for one in reversed(begun):
        one.end(check=not request.node.stash.get(_FAILED, False))
