"""`InMemoryCache`: as long as the process lives."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbhitl.engine.ports import FullKey


class InMemoryCache:
    """Keeps results while the process lives. What is kept is a deep copy, and so is what comes back.

    May be used from any thread, and by several graphs.
    """

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], dict[str, tuple[Any, float | None]]] = {}
        """Namespace to key to a value and, in seconds of the monotonic clock, when it counts no longer."""
        self._lock = threading.Lock()

    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """Those of the keys that have a value which still counts, with it."""
        found: dict[FullKey, Any] = {}
        now = time.monotonic()
        with self._lock:
            for space, key in keys:
                known = self._values.get(tuple(space), {}).get(key)
                if known is None:
                    continue
                if known[1] is not None and known[1] <= now:
                    del self._values[tuple(space)][key]
                else:
                    found[tuple(space), key] = known[0]
        return {place: copy.deepcopy(value) for place, value in found.items()}

    async def aget(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """As `get`."""
        return self.get(keys)

    def set(self, pairs: Mapping[FullKey, tuple[Any, int | None]]) -> None:
        """Keep values; each for so many seconds, None for ever. Raises what copying a value raises."""
        copies = {place: (copy.deepcopy(value), ttl) for place, (value, ttl) in pairs.items()}
        now = time.monotonic()
        with self._lock:
            for (space, key), (value, ttl) in copies.items():
                self._values.setdefault(tuple(space), {})[key] = value, None if ttl is None else now + ttl

    async def aset(self, pairs: Mapping[FullKey, tuple[Any, int | None]]) -> None:
        """As `set`."""
        self.set(pairs)

    def clear(self, namespaces: Sequence[tuple[str, ...]] | None = None) -> None:
        """Forget what lies in these namespaces; None: everything."""
        with self._lock:
            for space in list(self._values) if namespaces is None else namespaces:
                self._values.pop(tuple(space), None)

    async def aclear(self, namespaces: Sequence[tuple[str, ...]] | None = None) -> None:
        """As `clear`."""
        self.clear(namespaces)
