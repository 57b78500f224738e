"""What a person gives in a line as a variable's name or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nbhitl.engine.errors import NbhitlError


def variable_or_json(text: str, space: Mapping[str, Any], role: str) -> Mapping[str, Any]:
    """A dict of state keys: the variable of that name, or JSON. Raises `NbhitlError`, which begins with ``role``."""
    if text.isidentifier():
        if text not in space:
            raise NbhitlError(f"{role} {text}: there is no variable of that name. Define it, or give JSON.")
        value = space[text]
    else:
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise NbhitlError(
                f"{role}: neither a variable's name nor JSON ({error.msg} in column {error.colno}): {text:.60} "
                "Put JSON into single quotes."
            ) from error
    if not isinstance(value, Mapping):
        raise NbhitlError(f"{role}: expected a dict of state keys, not {type(value).__name__}.")
    return value
