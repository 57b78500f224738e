"""Brings a file of an older version to this one: in numbered steps, forward only, after a copy of it was made.

Each step is one transaction with its record in ``schema_migrations``. May run only while nobody has the file open.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint import crashing
from nbhitl.checkpoint.file import instances, schema, version3
from nbhitl.engine.errors import SaverError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHAINED: Final = 3
"""The first version whose rows have chains."""


@dataclass(frozen=True, slots=True)
class Step:
    """What makes a file of the version before one of ``version``; runs inside a transaction."""

    version: int
    name: str
    change: Callable[[Any], None]


def _unchanged(connection: Any) -> None:
    """Rows stay as they are: what they lack has its default. The version keeps older programs away."""


STEPS: Final = (
    Step(2, "sub-graphs", _unchanged),
    Step(3, "one row a checkpoint", version3.upgrade),
)


def backup_path(path: Path, version: int) -> Path:
    """Where the copy of a file of an older version is kept."""
    return path.with_name(f"{path.stem}.v{version}-backup{path.suffix}")


def migrate(path: Path, version: int) -> None:
    """Bring a file that nobody has open from ``version`` to `schema.VERSION`.

    Raises `SaverError`, with the file as it was, when it cannot be copied or changed.
    """
    import duckdb

    kept = _back_up(path, version)
    connection = instances.opened(path)
    try:
        for step in STEPS:
            if step.version > version:
                _take(connection, step)
        connection.execute("CHECKPOINT")
    except (duckdb.Error, SaverError) as error:
        why = str(error).partition("\n")[0]
        raise SaverError(
            f"{path} (file version {version}) could not be brought to version {schema.VERSION} ({why}). It is as it was"
            f" before this step; a copy is {kept}. Use the nbhitl that wrote it, and tell us."
        ) from error
    finally:
        connection.close()


def renew_views(connection: Any, path: Path) -> None:
    """Give a file of this version the views of this program, where another one made them; its rows stay as they are.

    Raises `SaverError`, with the file as it was, when that cannot be written.
    """
    import duckdb

    wanted = schema.edition()
    if connection.execute("SELECT value FROM about WHERE name = 'views'").fetchall() == [(wanted,)]:
        return
    try:
        connection.execute("BEGIN TRANSACTION")
        for statement in schema.views():
            connection.execute(statement)
        connection.execute("DELETE FROM about WHERE name = 'views'")
        connection.execute(schema.EDITION, [wanted])
        connection.execute("COMMIT")
    except duckdb.Error as error:
        why = str(error).partition("\n")[0]
        raise SaverError(f"the views of {path} could not be renewed ({why}); make room there, open it again") from error


def _take(connection: Any, step: Step) -> None:
    connection.execute("BEGIN TRANSACTION")
    try:
        step.change(connection)
        crashing.point("during_migration")
        if step.version == schema.VERSION:
            for statement in schema.views():
                connection.execute(statement)
        crashing.point("after_migration_before_record")
        connection.execute(schema.RECORD, [step.version, step.name])
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _back_up(path: Path, version: int) -> Path:
    """Copy a file and its log into one file beside it; returns where. Raises `SaverError`."""
    import duckdb

    fresh = path.with_name(f".{path.name}.backup")
    log = instances.wal_of(path)
    try:
        for leftover in (fresh, instances.wal_of(fresh)):
            leftover.unlink(missing_ok=True)
        shutil.copyfile(path, fresh)
        if log.exists():
            shutil.copyfile(log, instances.wal_of(fresh))
            connection = instances.opened(fresh)
            try:
                connection.execute("CHECKPOINT")
            finally:
                connection.close()
            instances.wal_of(fresh).unlink(missing_ok=True)
        kept = _name(path, version, fresh)
        os.replace(fresh, kept)
        instances.sync_folder(path.parent)
    except (OSError, duckdb.Error) as error:
        fresh.unlink(missing_ok=True)
        raise SaverError(
            f"{path} is of an older version and has to be copied before it is changed, which failed ({error}). It was"
            " not changed. Make room in its folder, and open it again."
        ) from error
    return kept


def _name(path: Path, version: int, fresh: Path) -> Path:
    """The first name that is free, or whose file is the same: a copy is never replaced by another one."""
    n, kept = 1, backup_path(path, version)
    while kept.exists() and not _same(kept, fresh):
        n += 1
        kept = path.with_name(f"{path.stem}.v{version}-backup-{n}{path.suffix}")
    return kept


def _same(one: Path, other: Path) -> bool:
    import filecmp

    return filecmp.cmp(one, other, shallow=False)
