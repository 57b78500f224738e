"""`Hits`: at which of its hits a breakpoint stops."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from nbhitl.engine.errors import NbhitlError

Rule: TypeAlias = Literal["", ">=", "%"]
MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Hits:
    """One rule: ``3`` is the third hit, ``>=3`` each from the third on, ``%3`` each third."""

    rule: Rule
    number: int

    @classmethod
    def parse(cls, text: str) -> Hits:
        """Read a rule. Raises `NbhitlError` for anything but a number from 1 on, alone or behind ``>=`` or ``%``."""
        found = re.fullmatch(r"(>=|%|=|==)? ?([0-9]{1,10})", text.strip()) if isinstance(text, str) else None
        number = int(found[2]) if found else 0
        if not found or not 1 <= number <= MOST:
            cure = "write 3 for the third hit, >=3 from the third on, %3 for each third"
            raise NbhitlError(f"hits={text!r:.40} is no count of hits: {cure}")
        match found[1]:
            case ">=":
                return cls(">=", number)
            case "%":
                return cls("%", number)
            case _:
                return cls("", number)

    def reached(self, hits: int) -> bool:
        """Whether the hit with this number, counted from 1, is one to stop at."""
        match self.rule:
            case "":
                return hits == self.number
            case ">=":
                return hits >= self.number
            case "%":
                return hits > 0 and hits % self.number == 0
            case _:
                assert_never(self.rule)

    @property
    def words(self) -> str:
        """What a list says of it: ``at hit 3``, ``from hit 3 on``, ``at every 3rd hit``."""
        match self.rule:
            case "":
                return f"at hit {self.number}"
            case ">=":
                return f"from hit {self.number} on"
            case "%":
                return "at every hit" if self.number == 1 else f"at every {_ordinal(self.number)} hit"
            case _:
                assert_never(self.rule)

    def __str__(self) -> str:
        return f"{self.rule}{self.number}"


def _ordinal(number: int) -> str:
    last = number % 10 if number % 100 not in (11, 12, 13) else 0
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"
