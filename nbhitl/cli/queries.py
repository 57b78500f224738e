"""Looking into a checkpoint file that no kernel has open."""

from __future__ import annotations

import argparse
from pathlib import Path

from nbhitl.checkpoint.duckdb import DuckDBSaver
from nbhitl.engine.errors import NbhitlError


def sql(given: argparse.Namespace) -> int:
    """Print what a query finds."""
    with _opened(given.file) as saver:
        print(saver.sql(given.query))
    return 0


def threads(given: argparse.Namespace) -> int:
    """Print the threads of a file, the one that was changed last first."""
    with _opened(given.file) as saver:
        print(saver.sql("SELECT graph, thread, status, step, updated_at FROM threads"))
    return 0


def _opened(file: Path) -> DuckDBSaver:
    if not file.is_file():  # opening would make an empty one
        raise NbhitlError(f"there is no file {str(file)!r}. A notebook's file is .nbhitl/<its name>.duckdb beside it.")
    return DuckDBSaver(file)
