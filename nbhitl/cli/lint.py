"""``nbhitl lint``: what the linter sees in Python files and notebooks, none of which is run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nbhitl.lint import Finding, lint_notebook, lint_source


def lint(given: argparse.Namespace) -> int:
    """Print the findings of every file, a line each; 1 where one is more than a note."""
    found = [one for path in given.files for one in _findings(path)]
    for one in found:
        place = f"{one.line}:{one.column}" if one.cell is None else f"cell {one.cell}:{one.line}:{one.column}"
        print(_printable(f"{one.file}:{place}: {one.severity} {one.code} in {one.node}: {one.message}"))
    if not found:
        print("The linter found nothing.")
    return int(any(one.severity != "note" for one in found))


def _findings(path: Path) -> list[Finding]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return (lint_notebook if path.suffix == ".ipynb" else lint_source)(text, str(path))


def _printable(text: str) -> str:
    """As one line that a terminal shows as it is, whatever its encoding."""
    flat = "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)
    coding = sys.stdout.encoding or "utf-8"
    return flat.encode(coding, "backslashreplace").decode(coding)
