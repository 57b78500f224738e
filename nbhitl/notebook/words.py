"""Values as short plain text, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LIMIT = 120
"""Characters of a value that are shown."""


def plainly(value: Any) -> str:
    """A question or an answer in one short line; what cannot be read as text, such as an image, is left out."""
    if isinstance(value, Mapping):
        parts = [f"{key}: {_one(part)}" for key, part in value.items() if _readable(part)]
        return cut(", ".join(parts))
    return cut(_one(value)) if _readable(value) else type(value).__name__


def cut(text: str) -> str:
    """At most `LIMIT` characters in one line."""
    line = " ".join(text.split())
    return line if len(line) <= LIMIT else line[: LIMIT - 1] + "\u2026"


def _readable(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) <= 20 and all(_readable(part) for part in value)
    return isinstance(value, (str, int, float, bool, type(None), Mapping)) and value != ""


def _one(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(value)
