"""What is asked, as safe HTML: text, a table, and pictures beside it. Shows only; knows no controls."""

from __future__ import annotations

import base64
from typing import Any, Final, Protocol

from nbhitl.notebook.markup import escaped, pretty
from nbhitl.notebook.photos import picture

TEXT_SHOWN: Final = 20_000
"""Characters of one value of a question that are shown."""


class Question(Protocol):
    """What a form needs of `nbhitl.engine.records.Asked`."""

    @property
    def value(self) -> Any:
        """What is asked."""

    @property
    def schema(self) -> Any:
        """What an answer has to be."""


def headline(value: Any) -> str:
    """A question that is one short line of text is its own heading; empty for others."""
    return value if type(value) is str and len(value) <= 200 and "\n" not in value else ""


def question_html(value: Any) -> list[str]:
    """What is asked as safe HTML: pictures in one part, text in another."""
    named = list(value.items()) if isinstance(value, dict) else [("", value)]
    pictures, rows = [], []
    for name, item in named:
        found = picture(item)
        if found is not None:
            pictures.append((_shown(name) if name else "", found))
        elif item is not None or isinstance(value, dict):
            rows.append((_shown(name), _shown(item)))
    parts = []
    if pictures:
        parts.append("".join(_figure(name, kind, data) for name, (kind, data) in pictures))
    if rows and isinstance(value, dict):
        lines = (f"<tr><th>{escaped(n[:60])}</th><td>{escaped(t)}</td></tr>" for n, t in rows)
        parts.append(f'<table class="nbh-values">{"".join(lines)}</table>')
    elif rows:
        parts.append(f'<div class="nbh-question">{escaped(rows[0][1])}</div>')
    return ["".join(parts)] if parts else []


def _figure(name: str, kind: str, data: bytes) -> str:
    said = escaped(name[:100])
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    caption = f"<figcaption>{said}</figcaption>" if name else ""
    return f'<figure class="nbh-figure"><img src="{source}" alt="picture {said}">{caption}</figure>'


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else pretty(value)
    cut = f" ... ({len(text):,} characters)" if len(text) > TEXT_SHOWN else ""
    return text[:TEXT_SHOWN] + cut
