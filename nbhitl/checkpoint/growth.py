"""What a line's newest lists hold, so that of a list that grew only the rest is written. Pure; writes nothing.

Two ways to see that a list begins with all of the old one. Where lists are only joined (``operator.add``, and
``add_messages``, which keeps what it does not replace), the elements are compared by identity: one that was changed in
place is no write of a node (``debug=True`` names it). Any other list is what a node returned, or a reducer that may
have changed its elements, so its bytes are compared.
"""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.values.codec import FRAME_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from nbhitl.checkpoint.values.codec import Codec

GONE: Final = -1
"""In place of how many elements a list grew from: there is no value any more."""
_WEIGHT: Final = 100
"""Bytes of an element that nobody has packed."""
_SMALL: Final = 8
"""Elements up to which a list that was not only joined is written whole, without looking."""


class Lists:
    """The lists of a line's newest checkpoint; ``stored`` reads its values from what was written."""

    __slots__ = ("_codec", "_fresh", "_items", "_packed", "_stored")

    def __init__(self, codec: Codec, stored: Callable[[], Mapping[str, Any]]) -> None:
        self._codec = codec
        self._stored = stored
        self._items: dict[str, list[Any]] = {}
        """The very elements, in lists of our own: somebody may extend theirs in place."""
        self._packed: dict[str, bytes] = {}
        """The elements' bytes, of lists that were not only joined."""
        self._fresh: tuple[Any, bytes] = (None, b"")
        """The list that was packed last, and its bytes."""

    def hold(self, values: Mapping[str, Any]) -> None:
        """These values were handed out, and may come back with more at the end."""
        for name, value in values.items():
            if type(value) is list:
                self._items[name] = list(value)

    def grown(self, name: str, value: list[Any], joined: Container[str]) -> int | None:
        """How many elements the stored list has that ``value`` begins with; None when it is another list."""
        items = self._items.get(name)
        if items is not None and name in joined and len(items) <= len(value) and all(map(is_, items, value)):
            return len(items)
        if len(value) <= _SMALL:
            return None
        old = self._bytes(name)
        if old is None or old[0] > len(value):
            return None
        fresh = _packed(self._codec, value)
        self._fresh = value, fresh
        return old[0] if fresh.startswith(old[1]) else None

    def size(self, value: list[Any]) -> int:
        """About how many bytes a list takes, of which `grown` was asked last."""
        known, packed = self._fresh
        return len(packed) if known is value else _WEIGHT * len(value)

    def keep(self, name: str, value: list[Any], grown: int | None, joined: Container[str]) -> None:
        """``value`` is stored now; its first ``grown`` elements were before."""
        self._packed.pop(name, None)
        items = self._items.pop(name, None)
        if grown == GONE:
            return
        by_bytes = self._fresh[0] is value  # then the elements that are known are not the ones of this list
        if grown is not None and items is not None and len(items) == grown and name in joined and not by_bytes:
            items.extend(value[grown:])
            self._items[name] = items
        else:
            self._items[name] = list(value)
        if name not in joined and len(value) > _SMALL:
            known, packed = self._fresh
            self._packed[name] = packed if known is value else _packed(self._codec, value)
        self._fresh = (None, b"")  # somebody may change that list

    def _bytes(self, name: str) -> tuple[int, bytes] | None:
        packed = self._packed.get(name)
        if packed is not None:
            return len(self._items[name]), packed
        stored = self._stored().get(name)
        return (len(stored), _packed(self._codec, stored)) if type(stored) is list else None


def _packed(codec: Codec, items: Sequence[Any]) -> bytes:
    """The elements' bytes, one after the other."""
    try:
        frame = codec.pack(codec.lowered(items, "value")[0])
    except (OverflowError, UnicodeEncodeError):  # plain data that is not quite
        frame = codec.pack(codec.lowered(items, "value", trusting=False)[0], trusting=False)
    count = len(items)
    return frame[FRAME_HEAD + (1 if count < 16 else 3 if count < 2**16 else 5) :]  # msgpack's head of an array
