"""Where a report goes: a file of its own, which is written as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from nbhitl.engine.errors import NbhitlError

MARK: Final = '<meta name="generator" content="nbhitl report">'
"""Stands near the beginning of every report: one may be written over by another."""
_NEAR: Final = 2_000


def put(file: str | Path, text: str, *, force: bool = False) -> Path:
    """Write a report.

    Args:
        file: where it goes; its name ends in ``.html``.
        text: the page, with `MARK` in it.
        force: also over a file that is something else.

    Raises:
        NbhitlError: the file is something else, its name is none of a page, or it cannot be written.
    """
    target = Path(file)
    if target.suffix.lower() not in (".html", ".htm"):
        raise NbhitlError(f"a report is a page, so its file ends in .html: {target.with_suffix('.html')}")
    try:
        if not force and target.exists() and not _is_report(target):
            raise NbhitlError(
                f"{target} exists and is no report of nbhitl: it is left as it is. Take another name, or write over it "
                "with --force (in Python: force=True)."
            )
        _write(target, text)
    except OSError as error:
        raise NbhitlError(f"the report cannot be written to {target}: {error.strerror or error}.") from error
    return target


def _is_report(file: Path) -> bool:
    with file.open("rb") as opened:
        return MARK.encode() in opened.read(_NEAR)


def _write(target: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as opened:
            opened.write(text)
        Path(name).chmod(0o666 & ~_umask())  # a temporary file is its owner's alone
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now
