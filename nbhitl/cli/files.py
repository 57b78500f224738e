"""What there is to do to a checkpoint file: look it over, compact it, write its views as Parquet files."""

from __future__ import annotations

import argparse
import sys

from nbhitl.checkpoint.duckdb import DuckDBSaver
from nbhitl.checkpoint.file import doctor as looking_over
from nbhitl.checkpoint.file import words
from nbhitl.checkpoint.file.export import export_parquet
from nbhitl.cli.queries import expect_file
from nbhitl.engine.errors import FileDamagedError


def doctor(given: argparse.Namespace) -> int:
    """Print how a file is; the exit code is 1 when it is damaged."""
    findings = looking_over.diagnose(given.file, _progress if sys.stderr.isatty() else None)
    for line in findings.lines():
        print(line)
    if not findings.problems:
        return 0
    if given.salvage:
        try:
            looking_over.mend(given.file, findings)
        except FileDamagedError as told:
            print(f"\n{told}")
    return 1


def compact(given: argparse.Namespace) -> int:
    """Give the room of what was deleted back to the disk."""
    file = expect_file(given.file)
    with DuckDBSaver(file) as saver:
        before, after = saver.compact()
    print(f"{file}: {words.size(before)} before, {words.size(after)} now")
    return 0


def export(given: argparse.Namespace) -> int:
    """Write the documented views as Parquet files."""
    for file in export_parquet(expect_file(given.file), given.folder, given.view):
        print(file)
    return 0


def _progress(done: int, rows: int) -> None:
    print(f"\r{done:,} of {rows:,} rows", end="" if done < rows else "\n", file=sys.stderr, flush=True)
