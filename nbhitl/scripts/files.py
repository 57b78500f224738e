"""Answers files: JSON, or YAML with a ``.yaml`` ending."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nbhitl.engine.errors import NbhitlError


def content(path: str | Path) -> Any:
    """What a file says. Raises `NbhitlError` when it is missing or malformed, saying where."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise NbhitlError(f"the answers file {str(path)!r} is no UTF-8 text: {error}") from error
    except OSError as error:
        raise NbhitlError(f"the answers file {str(path)!r} cannot be read: {error.strerror}.") from error
    return _yaml(text, path) if file.suffix in (".yaml", ".yml") else _json(text, path)


def _json(text: str, path: str | Path) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise NbhitlError(
            f"the answers file {str(path)!r} is no JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError:
        raise NbhitlError(f"the answers file {str(path)!r} is nested too deeply.") from None


def _yaml(text: str, path: str | Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise NbhitlError(f"the answers file {str(path)!r} is no YAML: {error}") from error
    except RecursionError:
        raise NbhitlError(f"the answers file {str(path)!r} is nested too deeply.") from None
