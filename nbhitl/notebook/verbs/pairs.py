"""``KEY=EXPR`` pairs in a line, with their values: expressions over the state, or variables of the notebook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from nbhitl.debugging.expressions import Expression, ExpressionError
from nbhitl.engine.errors import NbhitlError, did_you_mean

_START: Final = re.compile(r"(\w+)\s*=(?!=)\s*")
_WORDS: Final = {"true": True, "false": False, "null": None}
"""What JSON writes otherwise than Python does; a key of the state of that name counts more."""
_OPEN: Final = {"(": ")", "[": "]", "{": "}"}


def pairs(words: str, usage: str) -> dict[str, str]:
    """Key to the text of its expression; a value may have spaces in it. Raises `NbhitlError`, with the usage.

    >>> pairs("n=n + 1 note='a b' tags=[1, 2]", "")
    {'n': 'n + 1', 'note': "'a b'", 'tags': '[1, 2]'}
    """
    found: dict[str, str] = {}
    starts = _starts(words)
    if not starts or words[: starts[0].start()].strip():
        raise NbhitlError(f"say it like this: %graph {usage}. A text is written in quotes: topic='tea'.")
    for place, match in enumerate(starts):
        end = starts[place + 1].start() if place + 1 < len(starts) else len(words)
        text = words[match.end() : end].strip()
        if not text:
            raise NbhitlError(f"{match[1]}= has no value behind it: %graph {usage}.")
        if match[1] in found:
            raise NbhitlError(f"{match[1]} is given twice.")
        found[match[1]] = text
    return found


def values(texts: Mapping[str, str], state: Mapping[str, Any], space: Mapping[str, Any]) -> dict[str, Any]:
    """Key to value.

    Args:
        texts: as `pairs` gives them. ``$name`` alone is the notebook's variable of that name.
        state: the keys that expressions may use.
        space: the notebook's variables.

    Raises:
        NbhitlError: an expression that is none, or a name that is not known; says how to write a text.
    """
    return {key: _value(key, text, state, space) for key, text in texts.items()}


def _value(key: str, text: str, state: Mapping[str, Any], space: Mapping[str, Any]) -> Any:
    if text.startswith("$") and text[1:].isidentifier():
        if text[1:] not in space:
            known = [name for name in space if not name.startswith("_")]
            raise NbhitlError(
                f"{key}={text}: the notebook has no variable of that name.{did_you_mean(text[1:], known)}"
            )
        return space[text[1:]]
    try:
        expression = Expression.parse(text)
        words = {name: value for name, value in _WORDS.items() if name in expression.names}
        return expression.value({**words, **state})
    except ExpressionError as error:
        word = f" A text is written in quotes: {key}='{text}'." if re.fullmatch(r"[\w .,-]+", text) else ""
        variable = f" A variable of the notebook: {key}=${text}." if text in space else ""
        raise NbhitlError(f"{key}={text}: {error}{word}{variable}") from error


def _starts(words: str) -> list[re.Match[str]]:
    """Where pairs begin: a name and ``=`` behind a space, outside of quotes and brackets."""
    found = []
    closing: list[str] = []
    quote, place = "", 0
    while place < len(words):
        letter = words[place]
        if quote:
            place += 1 if letter == "\\" else 0
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in _OPEN:
            closing.append(_OPEN[letter])
        elif closing and letter == closing[-1]:
            closing.pop()
        elif not closing and (place == 0 or words[place - 1].isspace()) and (match := _START.match(words, place)):
            found.append(match)
            place = match.end()
            continue
        place += 1
    return found
