"""Warnings that point at the node's own code, not at nbhitl's: a notebook then shows the cell and its line."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

_seen: dict[Any, Any] = {}
"""What was said already: Python's default is to say the same thing at the same place once."""


def remark(function: Any, text: str, category: type[Warning]) -> None:
    """Warn about ``function``; raised where warnings are errors."""
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    if code is None:
        warnings.warn(text, category, stacklevel=2)
        return
    warnings.warn_explicit(text, category, code.co_filename, code.co_firstlineno, registry=_seen)
