"""What a question can show beside itself: values that say how they want to be looked at. Pure data, stored as such.

May not know how they are drawn (`nbhitl.notebook.questions.question`); as text each one reads well in a transcript.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Markdown:
    r"""Text that a form shows formatted: headings, lists, tables, code, emphasis.

    The text may come from a model or a stranger: HTML in it stays text, pictures become their words, and of links
    only those to ``http`` and ``https`` are kept, with the name of the host beside them. Nothing is loaded.

    >>> interrupt({"draft": Markdown("# Tea\n\n*Green* or *black*.")})  # doctest: +SKIP
    """

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed between two values: texts line by line with the words marked, dicts and objects key by key.

    >>> print(Diff("green tea", "black tea"))
    - green tea
    + black tea
    """

    before: Any
    after: Any

    def __str__(self) -> str:
        old, new = _lines(self.before), _lines(self.after)
        if old == new:
            return "(no change)"
        found = difflib.unified_diff(old, new, lineterm="", n=1)
        signed = [line for line in list(found)[2:] if not line.startswith("@@")]
        return "\n".join(f"{line[0]} {line[1:]}" for line in signed)


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.splitlines()
    try:
        return json.dumps(value, ensure_ascii=False, indent=1).splitlines()
    except (TypeError, ValueError, RecursionError):
        return repr(value).splitlines()


SHOWN = (Markdown, Diff)
"""All of them: every saver knows these classes without being told."""
