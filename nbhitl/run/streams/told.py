"""`Told`: what bodies say while they run, told at once, on their own threads. No stream, and nobody is held up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nbhitl.run.streams.options import LIVE
from nbhitl.run.world import Emitted


class Told:
    """The outlet of a run whose watcher is called with each `Emitted`: of parallel tasks, several at a time."""

    modes: Final[frozenset[str]] = LIVE | {"attempts"}

    def __init__(self, tell: Callable[[Emitted], None]) -> None:
        self._tell = tell

    def put(self, event: Emitted, ns: str) -> None:
        """Tell what a body says."""
        self._tell(event)

    async def room(self) -> None:
        """There is always room."""
