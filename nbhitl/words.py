"""Values as short plain text, for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from nbhitl.engine.shown import SHOWN

LIMIT = 120
"""Characters of a value that are shown."""


def plainly(value: Any) -> str:
    """A question or an answer in one short line; what cannot be read as text, such as an image, is left out.

    For any value of anybody; never raises.
    """
    try:
        if isinstance(value, Mapping):
            return cut(", ".join(_parts(value)))
        return cut(_one(value)) if _readable(value) else type(value).__name__
    except Exception:  # noqa: BLE001 - a stranger's str, or deeper than Python goes
        return type(value).__name__


def cut(text: str) -> str:
    """At most `LIMIT` characters in one line, none of which moves a cursor or turns the direction of writing."""
    line = readable(" ".join(text[: 50 * LIMIT].split()))
    return line if len(line) <= LIMIT else line[: LIMIT - 1] + "\u2026"


def readable(text: str) -> str:
    """The text with a mark in the place of each character that has no shape of its own, such as an escape."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c in _KEPT else "\ufffd" for c in text)


_KEPT = "\u200d"
"""Joins emoji."""


def _parts(value: Mapping[Any, Any]) -> Iterator[str]:
    """Each part with its name; the question's own text, and what it shows without names, speak for themselves."""
    for key, part in value.items():
        if key == "question":
            yield from [_one(part)] if _readable(part) else []
        elif key == "show" and isinstance(part, list) and "question" in value:
            yield from (_one(each) for each in part if _readable(each))
        elif _readable(part):
            yield f"{key}: {_one(part)}"


def _readable(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) <= 20 and all(_readable(part) for part in value)
    return isinstance(value, (str, int, float, bool, type(None), Mapping, *SHOWN)) and value != ""


def _one(value: Any) -> str:
    try:
        if isinstance(value, (str, *SHOWN)):
            return str(value)
        with suppress(TypeError, ValueError):
            return json.dumps(value, ensure_ascii=False)
        return repr(value)
    except Exception:  # noqa: BLE001 - the other parts can be read
        return type(value).__name__
