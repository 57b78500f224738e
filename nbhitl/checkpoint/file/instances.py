"""duckdb instances as nbhitl opens them: cut off from everything else, and closing one changes no file by itself."""

from __future__ import annotations

import os
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint import crashing
from nbhitl.checkpoint.file import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CONFIG: Final = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    # At 500 KB or less every commit would fold the log into the file.
    "checkpoint_threshold": "16MB",
    "memory_limit": "1GiB",
    # Nothing spills to disk: what does not fit is refused.
    "temp_directory": "",
    "threads": "2",
}


_NEW: Final = {**CONFIG, "storage_compatibility_version": "v1.4.0"}
"""For new files: what duckdb's command line before 2.0 reads, too. It is not for the instances that run a user's SQL,
since how duckdb writes down a parsed query depends on it."""


@contextmanager
def stopped_by_ctrl_c() -> Iterator[None]:
    """Make a `KeyboardInterrupt` of the ``RuntimeError: Query interrupted`` that duckdb makes of a Ctrl-C."""
    try:
        yield
    except RuntimeError as error:
        if "interrupt" in str(error).lower():
            raise KeyboardInterrupt from error
        raise


def wal_of(file: Path) -> Path:
    """The write-ahead log of a database file."""
    return file.with_name(file.name + ".wal")


def opened(path: Path, *, read_only: bool = False) -> Any:
    """A connection to a file that exists. Until `folding` is called, closing it leaves file and log as they are.

    Raises duckdb's errors.
    """
    import duckdb

    connection = duckdb.connect(str(path), config=dict(CONFIG), read_only=read_only)
    try:
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    except BaseException:  # the traceback of a Ctrl-C would keep it open
        connection.close()
        raise
    return connection


def let_go(error: BaseException | None) -> None:
    """Forget what the functions that an error has left still hold: a Ctrl-C may have struck just behind an opening."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def folding(connection: Any) -> None:
    """From now on, closing the last connection folds the log into the file."""
    connection.execute("PRAGMA enable_checkpoint_on_shutdown")


def create(path: Path) -> None:
    """Make a checkpoint file under another name and rename it: one whose first creation is killed cannot be opened."""
    fresh = path.with_name(f".{path.name}.new")
    for leftover in (fresh, wal_of(fresh)):
        leftover.unlink(missing_ok=True)
    fill_new(fresh).close()
    crashing.point("before_rename")
    os.replace(fresh, path)


def fill_new(path: Path | None, *, fold: bool = True) -> Any:
    """A connection to a new file (None: in memory) with an empty journal in it, folded into it."""
    import duckdb

    connection = (
        duckdb.connect(":memory:", config=dict(CONFIG)) if path is None else duckdb.connect(path, config=dict(_NEW))
    )
    try:
        execute(connection, schema.statements())
        connection.execute(schema.EDITION, [schema.edition()])
        connection.execute(schema.RECORD, [schema.VERSION, "first"])
        if path is not None and fold:
            connection.execute("CHECKPOINT")
    except BaseException:
        connection.close()
        raise
    return connection


def execute(connection: Any, statements: Iterable[str]) -> None:
    """Run statements in one transaction."""
    connection.execute("BEGIN TRANSACTION")
    for statement in statements:
        connection.execute(statement)
    connection.execute("COMMIT")


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system knows how."""
    if hasattr(os, "O_DIRECTORY"):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
