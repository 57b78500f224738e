"""A stranger's text as safe HTML, as a label, and as text at all.

Everything that comes from a question is shown as text: it reaches the page through `html.escape` only, here.
The labels of ipywidgets are typeset as TeX, so they go through `label_text`. May not know forms or questions.
"""

from __future__ import annotations

import html
import json
from typing import Any

import ipywidgets as W  # noqa: N812 - the name its users know


def text_box(text: str, style: str = "") -> Any:
    """A widget that shows this text, of this CSS class; nothing for the empty text."""
    return W.HTML(f'<div class="{style}">{escaped(text)}</div>' if text else "")


def escaped(text: str) -> str:
    """The text as HTML that shows it as it is."""
    return html.escape(whole(text))


def whole(text: str) -> str:
    """Without halves of characters, which cannot be sent."""
    return text.encode("utf-8", "replace").decode()


def label_text(text: str) -> str:
    """For ipywidgets' own labels, which are typeset: empty for text that could be TeX (show these with `text_box`)."""
    text = whole(text).replace("\n", " ")
    return "" if text.count("$") > 1 or "\\" in text else text


def sentence(text: str) -> str:
    """With a capital at the start."""
    return text[:1].upper() + text[1:]


def pretty(value: Any) -> str:
    """Any value as text: JSON where it can be, else its repr. Never raises."""
    try:
        indent = 2 if isinstance(value, dict | list) and len(repr(value)) > 60 else None
        return json.dumps(value, ensure_ascii=False, indent=indent)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return repr(value)
    except Exception as broken:  # noqa: BLE001 - a stranger's code
        return f"<{type(value).__name__}: its repr raised {type(broken).__name__}>"


def note(style: str, sign: str, text: str) -> str:
    """What became of a form, as HTML that a screen reader says."""
    return f'<div class="{style}" role="status"><span aria-hidden="true">{sign}</span> {escaped(text)}</div>'


def error_html(text: str) -> str:
    """What is wrong, as HTML that a screen reader says at once."""
    sign = '<span aria-hidden="true">\u26a0</span>'
    return f'<div class="nbh-error" role="alert">{sign} {escaped(text)}</div>'
