"""Values as texts for a page of limited size: bounded, each kept once, all cut alike when they become too much."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any, Final

from nbhitl.engine.shown import SHOWN
from nbhitl.words import readable

ITEMS: Final = 120
"""Elements of a list, or entries of a dict, that are shown: five of six from its beginning."""
DEPTH: Final = 12
WIDTH: Final = 80
BUDGET: Final = 3_000_000
"""Characters of all texts of a page."""
LIMITS: Final = (20_000, 8_000, 4_000, 2_000, 1_000, 600, 400, 300, 200, 100, 50, 24)
"""Characters that one text may have: the first of these with which all of them keep to the budget."""


def as_text(value: Any) -> str:
    """Any value as text: text as it is, JSON where it can be, else its repr. Never raises."""
    if type(value) is str:
        return value
    if isinstance(value, SHOWN):
        return _safely(str, value)
    try:
        return _pretty(_bounded(value, DEPTH), 0)
    except (TypeError, ValueError, RecursionError):
        return _safely(repr, value)


def as_parts(value: Any) -> str:
    """As `as_text`, but of a dict each part on lines of its own: a question or an answer for people."""
    if type(value) is not dict or not value:
        return as_text(value)
    return "\n".join(_part(str(key), as_text(part)) for key, part in islice(value.items(), ITEMS))


def _part(key: str, text: str) -> str:
    if key == "question":  # it speaks for itself
        return text
    return f"{key}:\n{text}" if "\n" in text else f"{key}: {text}"


def kind_of(value: Any) -> str:
    """The value's type, with the number of elements of a built-in collection."""
    name = type(value).__name__[:60]
    return f"{name} ({len(value):,})" if type(value) in (str, bytes, list, tuple, dict, set, frozenset) else name


def _bounded(value: Any, depth: int) -> Any:
    """Plain data without its middle where that is long. Raises `TypeError` for what is no plain data."""
    kind = type(value)
    if kind in (str, bool, int, float, type(None)):
        return value
    if depth == 0:
        return "…"
    if kind in (list, tuple):
        if len(value) <= ITEMS:
            return [_bounded(part, depth - 1) for part in value]
        first, last = value[: ITEMS * 5 // 6], value[-ITEMS // 6 :]
        gone = f"… {len(value) - len(first) - len(last):,} elements left out …"
        return [*(_bounded(part, depth - 1) for part in first), gone, *(_bounded(part, depth - 1) for part in last)]
    if kind is dict and all(type(key) is str for key in islice(value, ITEMS)):
        found = {key: _bounded(part, depth - 1) for key, part in islice(value.items(), ITEMS)}
        return found if len(value) <= ITEMS else {**found, "…": f"{len(value) - ITEMS:,} entries left out"}
    raise TypeError(kind.__name__)


def _pretty(plain: Any, indent: int) -> str:
    """JSON with an entry a line, where it is longer than a line; lists of plain values are left together."""
    flat = json.dumps(plain, ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(plain, (dict, list)):
        return flat
    if isinstance(plain, list) and not any(isinstance(part, (dict, list)) for part in plain):
        return flat
    inner = " " * (indent + 2)
    if isinstance(plain, dict):
        ends = "{}"
        parts = [f"{json.dumps(key, ensure_ascii=False)}: {_pretty(part, indent + 2)}" for key, part in plain.items()]
    else:
        ends = "[]"
        parts = [_pretty(part, indent + 2) for part in plain]
    lines = ",\n".join(inner + part for part in parts)
    return f"{ends[0]}\n{lines}\n{' ' * indent}{ends[1]}"


def _safely(say: Any, value: Any) -> str:
    try:
        return str(say(value))
    except Exception as error:  # noqa: BLE001 - a stranger's code
        return f"<{type(value).__name__}: showing it raised {type(error).__name__}>"


def _lines(text: str) -> str:
    """With a mark for each character that has no shape of its own; line breaks and tabs are kept."""
    if text.isprintable():
        return text
    return "\n".join("\t".join(map(readable, line.split("\t"))) for line in text.split("\n"))


class Texts:
    """The texts of a page, each once; they are called by their numbers."""

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.limit = LIMITS[0]
        """Characters that a text may have now."""
        self._size = 0
        self._parts: list[tuple[str, str, int]] = []
        """Beginning, end, and how long each text was."""
        self._known: dict[tuple[int, int], int] = {}

    def add(self, text: str) -> int:
        """The number of a text."""
        text = text.replace("\r\n", "\n")
        key = (hash(text), len(text))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = len(self._parts)
            head, tail, length = self._cut(text, "", len(text))
            self._parts.append((_lines(head), _lines(tail), length))
            self._size += len(self._parts[-1][0]) + len(self._parts[-1][1])
            self._keep_to_budget()
        return known

    def is_cut(self, number: int) -> bool:
        """Whether there is more of a text than is shown."""
        head, tail, length = self._parts[number]
        return len(head) + len(tail) < length

    def __getitem__(self, number: int) -> str:
        head, tail, length = self._parts[number]
        left_out = length - len(head) - len(tail)
        return f"{head} [… {left_out:,} characters left out …] {tail}" if left_out else head + tail

    def __len__(self) -> int:
        return len(self._parts)

    def _keep_to_budget(self) -> None:
        while self._size > self.budget and self.limit > LIMITS[-1]:
            self.limit = LIMITS[LIMITS.index(self.limit) + 1]
            self._parts = [self._cut(*parts) for parts in self._parts]
            self._size = sum(len(head) + len(tail) for head, tail, _ in self._parts)

    def _cut(self, head: str, tail: str, length: int) -> tuple[str, str, int]:
        if len(head) + len(tail) <= self.limit:
            return head, tail, length
        last = self.limit // 4
        return head[: self.limit - last], (tail or head)[-last:], length
