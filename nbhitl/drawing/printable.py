"""Text from anywhere as one line that is safe to show, and about how wide that is. Pure and standard."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL_LIMIT: Final = 40
"""Characters of a label."""


def printable(text: str, limit: int = LABEL_LIMIT) -> str:
    """``text`` as one line that is safe to show: no control characters, no towers of accents, an end."""
    found = "".join(_printable(text[: 8 * limit])).strip()
    if len(found) > limit or len(text) > 8 * limit:
        found = found[: limit - 1].rstrip() + "…"
    return found or "(no name)"


def _printable(text: str) -> Iterator[str]:
    marks = 0
    before = ""
    for char in text:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if char.isspace():
            shown = "" if before == " " else " "
        elif kind == "Cf" or marks > 2:
            # Invisible, could turn the reading direction; or an accent over accents, could reach other lines.
            shown = ""
        else:
            shown = char if char.isprintable() else "\ufffd"
        before = shown or before
        yield shown


def text_width(text: str, size: float) -> float:
    """About how wide ``text`` is, at least, in any of the fonts that a page may have; in ``size``'s unit."""
    return size * sum(_em(char) for char in text)


def _em(char: str) -> float:
    if char in "ijlftrI.,:;!|'()[]/ -":
        return 0.36
    if char.isascii():
        return 0.95 if char in "mwMW@%" else 0.68 if char.isupper() else 0.59
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0 if char.isalpha() else 1.35
    return 0.66
