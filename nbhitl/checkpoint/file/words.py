"""What several rooms say of a checkpoint file, in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbhitl.engine.errors import SaverError

if TYPE_CHECKING:
    from pathlib import Path


def absent(file: Path) -> SaverError:
    """The error about a file that is not there."""
    return SaverError(f"there is no file {str(file)!r}. A notebook's file is .nbhitl/<its name>.duckdb beside it.")


def size(count: float) -> str:
    """A number of bytes in words, as in ``799 KB``."""
    if count < 1000:
        return f"{count:.0f} bytes"
    for unit in ("KB", "MB"):
        count /= 1000
        if count < 1000:
            return f"{count:.3g} {unit}"
    return f"{count / 1000:,.1f} GB"
