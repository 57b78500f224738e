"""How large an answer may be, and how much of a form's words is shown. Imports nothing."""

from __future__ import annotations

from typing import Final

TEXT_CAP: Final = 1_000_000
"""Characters in one text of an answer."""
LABEL_CAP: Final = 200
"""Characters of a label: they may come from a model, and a screen has to hold them."""
DEEPEST: Final = 100
"""Levels of lists and objects in an answer."""
