"""Opens a checkpoint file: made under a temporary name, checked, with its settings locked. Writes no rows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint import schema
from nbhitl.engine.errors import FileDamagedError, FileLockedError, SaverError

if TYPE_CHECKING:
    from pathlib import Path

MEMORY: Final = ":memory:"

_CONFIG: Final = {
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


def make_folder(file: Path) -> None:
    """Make the folder that a file shall stand in. Raises `SaverError`."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaverError(
            f"the folder {file.parent} cannot be made ({error.strerror}): give a path in a folder of yours"
        ) from error


def connect(path: Path | None) -> Any:
    """A locked-down connection to a file that exists, or to a new database in memory (None).

    Raises `FileLockedError`, `FileDamagedError`, or `SaverError` for a file of something else.
    """
    import duckdb

    if path is not None and not (path.exists() and path.stat().st_size):
        _create(path)
    try:
        connection = duckdb.connect(str(path) if path is not None else MEMORY, config=dict(_CONFIG))
    except duckdb.Error as error:
        if "lock" in str(error).lower():
            raise FileLockedError(
                f"{path} is in use by another process: use another file, or close that process. ({error})"
            ) from error
        raise FileDamagedError(f"{path} cannot be opened; it was not changed. Restore a copy. ({error})") from error
    try:
        if path is None:
            _fill(connection)
        _check(connection, path)
        connection.execute("SET allowed_configs = ['max_execution_time']")
        connection.execute("SET lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Make the file under another name and rename it: one whose first creation is killed cannot be opened."""
    import duckdb

    fresh = path.with_name(f".{path.name}.new")
    for leftover in (fresh, fresh.with_name(fresh.name + ".wal")):
        leftover.unlink(missing_ok=True)
    connection = duckdb.connect(str(fresh), config=dict(_CONFIG))
    try:
        _fill(connection)
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
    os.replace(fresh, path)


def _fill(connection: Any) -> None:
    _execute(connection, schema.statements())


def _execute(connection: Any, statements: list[str]) -> None:
    connection.execute("BEGIN TRANSACTION")
    for statement in statements:
        connection.execute(statement)
    connection.execute("COMMIT")


def _check(connection: Any, path: Path | None) -> None:
    import duckdb

    try:
        version = connection.execute("SELECT max(version) FROM schema_migrations").fetchone()[0]
        columns = tuple(row[0] for row in connection.execute("DESCRIBE journal").fetchall())
    except duckdb.CatalogException as error:
        raise SaverError(f"{path} is a duckdb file, but not one of nbhitl's: use another path") from error
    if version is not None and version > schema.VERSION:
        raise SaverError(
            f"{path} was written by a newer nbhitl (file version {version}, this one knows {schema.VERSION}):"
            " upgrade nbhitl, or use another file"
        )
    if version is None or columns != schema.COLUMNS:
        raise FileDamagedError(f"{path} has an unknown form; it was not changed. Restore a copy.")
    if version < schema.VERSION:
        # Only the views are made anew, so no copy is kept; from now on an older nbhitl refuses the file in plain
        # words, where it would have passed over entries that it does not know.
        _execute(connection, schema.upgrade())
        connection.execute("CHECKPOINT")
