"""Values of expressions as text, with bounds; and what a stranger's exception says."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from nbhitl.debugging.expressions.budget import Budget, Refused

MOST_DIGITS = 600
"""Of a number that is read from a text, rounded or written out."""
MOST_FORMAT = 40
"""Characters of the format behind a colon."""
MOST_WIDTH = 500
"""Characters that a format may ask for."""
_LOOKS = 4
"""Looks at each part of a value that writing it out takes."""
_SAID = 200


def format_mistake(spec: str) -> str:
    """What is wrong with the format behind a colon in an f-string; empty when nothing is."""
    if len(spec) > MOST_FORMAT:
        return f"a format has at most {MOST_FORMAT} characters"
    if any(int(digits) > MOST_WIDTH for digits in re.findall(r"\d+", spec)):
        return f"a format asks for a width, or digits, of at most {MOST_WIDTH}"
    return ""


def formatted(value: Any, conversion: str, spec: str, budget: Budget) -> str:
    """``value`` as an f-string writes it: ``conversion`` is ``s``, ``r``, ``a`` or empty, ``spec`` the format."""
    pay_for_writing(value, budget)
    if spec:
        check_digits(value)
    match conversion:
        case "s":
            value = str(value)
        case "r":
            value = repr(value)
        case "a":
            value = ascii(value)
    return format(value, spec)


def pay_for_writing(value: Any, budget: Budget) -> None:
    """Charge for writing a value out as text."""
    budget.look(value, _LOOKS)


def check_digits(value: Any) -> None:
    """Raise `Refused` for a decimal so large, or so small, that all its digits would take all the memory."""
    if isinstance(value, Decimal) and abs(Decimal.adjusted(value)) > MOST_DIGITS:
        raise Refused(f"the number has more than {MOST_DIGITS} digits")


def said(error: Exception) -> str:
    """What an exception says, in one short line; of one that cannot even be written, its class."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - a stranger's class
        text = ""
    return f"{type(error).__name__}: {shortened(text, _SAID)}" if text else type(error).__name__


def shortened(text: str, most: int) -> str:
    """At most that many characters, none of which moves a cursor or turns the direction of writing."""
    short = text if len(text) <= most else text[: most - 1] + "\u2026"
    return short if short.isprintable() else "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in short)
