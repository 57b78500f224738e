"""Messages as people and models write them: no constants, which any compression would shrink to nothing.

The same texts in every run: 500 characters of made-up words, each one out of 4,000, about 12 bits of news a word.
"""

from __future__ import annotations

import random
from functools import cache
from typing import Any

LENGTH = 500
"""Characters (and bytes) a text."""


@cache
def vocabulary() -> list[str]:
    """4,000 words of one to four syllables, no word twice."""
    dice = random.Random(1)
    syllables = [start + vowel + end for start in "bcdfghklmnprstvw" for vowel in "aeiou" for end in ("", "n", "r")]
    words: dict[str, None] = {}
    while len(words) < 4000:
        words["".join(dice.choices(syllables, k=dice.randint(1, 4)))] = None
    return list(words)


@cache
def text(number: int) -> str:
    """The text of a message, made once in a process: making it is no part of what is measured."""
    dice = random.Random(number)
    return " ".join(dice.choices(vocabulary(), k=LENGTH // 2))[:LENGTH]


def prepare(count: int) -> None:
    """Make the texts of so many messages, untimed."""
    for number in range(count):
        text(number)


def message(number: int) -> dict[str, Any]:
    """A chat message; a new dict each time, as a node would make it."""
    return {"role": "user", "id": f"m{number}", "content": text(number)}
