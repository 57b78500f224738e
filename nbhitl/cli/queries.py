"""Looking into a checkpoint file; into a copy of it, when a kernel has it open."""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import os
import sys
from pathlib import Path
from typing import Any

from nbhitl.checkpoint.duckdb import DuckDBSaver
from nbhitl.checkpoint.file.copies import snapshot
from nbhitl.checkpoint.file.words import absent
from nbhitl.checkpoint.sql.table import Table
from nbhitl.engine.errors import FileLockedError, NbhitlError

FORMATS = ("table", "csv", "json")


def sql(given: argparse.Namespace) -> int:
    """Print what a query finds."""
    values = dict(map(parameter, given.param or ()))
    with opened(given.file) as saver:
        found = saver.sql(given.query, values or None, timeout=given.timeout)
    show(found, given.format)
    return 0


def threads(given: argparse.Namespace) -> int:
    """Print the threads of a file, the one that was changed last first."""
    with opened(given.file) as saver:
        found = saver.sql("SELECT graph, thread, status, step, updated_at FROM threads")
    show(found, given.format)
    return 0


def expect_file(file: Path) -> Path:
    """The path of a file that is there. Raises `SaverError`: opening would make an empty one."""
    if not file.is_file():
        raise absent(file)
    return file


def opened(file: Path) -> DuckDBSaver:
    """The file, or a copy of it when somebody has it open, or when it may not be written to."""
    expect_file(file)
    if not (os.access(file, os.W_OK) and os.access(file.resolve().parent, os.W_OK)):
        return snapshot(file)
    try:
        return DuckDBSaver(file)
    except FileLockedError as error:
        copy = snapshot(file)
        print(f"nbhitl: {str(error).partition(': ')[0]}: this is a copy of it as it is now", file=sys.stderr)
        return copy


def parameter(text: str) -> tuple[str, Any]:
    """The name and the value of ``name=value``; a value that is JSON is what it says, any other one is text."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise NbhitlError(f"--param {text!r} is not of the form name=value, as in: --param thread=post")
    try:
        found = json.loads(value)
    except ValueError:
        return name, value
    return name, value if isinstance(found, dict | list) else found


def show(table: Table, form: str) -> None:
    """Print a table; the note about what was left out goes to stderr."""
    match form:
        case "csv":
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(table.columns)
            writer.writerows([[_text(value) for value in row] for row in table])
        case "json":
            rows = [dict(zip(table.columns, row, strict=True)) for row in table]
            print(json.dumps(rows, ensure_ascii=False, default=str))
        case _:
            print(table)
            return
    if table.cut is not None:
        print(f"nbhitl: {table.note}", file=sys.stderr)


def _text(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
