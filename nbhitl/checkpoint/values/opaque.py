"""`Opaque`: a stored value whose class is not known here. Inert: it can be looked at and stored again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value of a class that is not registered, or whose fields do not fit the class any more.

    ``data`` shows what was stored: a dict of fields, a list, or a plain value. To get the real object back,
    register the class (``saver.register(TheClass)``) and load again. Storing an `Opaque` stores the original.
    """

    type_name: str
    data: Any = field(compare=False)
    kind: int = field(repr=False)
    """The codec's extension code."""
    payload: bytes = field(repr=False)
    """The original bytes, so that storing again loses nothing."""
