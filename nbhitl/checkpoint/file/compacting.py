"""Writes a file that nobody has open anew, without the room of deleted rows: duckdb's files never shrink."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from nbhitl.checkpoint import crashing
from nbhitl.checkpoint.file import instances, parts
from nbhitl.engine.errors import SaverError

if TYPE_CHECKING:
    from pathlib import Path

_TABLES: Final = ("schema_migrations", "about")
_PAGE: Final = 2048


def compact(file: Path) -> None:
    """Copy the rows into a new file, in the old one's place. Raises `SaverError`; the file is as it was then."""
    import duckdb

    if instances.wal_of(file).exists():
        raise SaverError(f"the log of {file} could not be folded into it, so it was not compacted: open it again first")
    fresh = file.with_name(f".{file.name}.compact")
    try:
        for leftover in (fresh, instances.wal_of(fresh)):
            leftover.unlink(missing_ok=True)
        try:
            with instances.stopped_by_ctrl_c():
                _copy(file, fresh)
        except BaseException as error:
            instances.let_go(error)  # the file is to be opened again while this error is on its way
            raise
        crashing.point("during_compact")
        if fresh.stat().st_size >= file.stat().st_size:  # there was nothing to gain
            fresh.unlink()
            return
        os.replace(fresh, file)
        instances.sync_folder(file.parent)
    except (OSError, duckdb.Error) as error:
        fresh.unlink(missing_ok=True)
        instances.wal_of(fresh).unlink(missing_ok=True)
        raise SaverError(
            f"{file} could not be compacted ({error}); it is as it was. Make room in its folder."
        ) from error


def _copy(file: Path, fresh: Path) -> None:
    """Write the rows of a file into a new one."""
    with ExitStack() as stack:
        source = instances.opened(file, read_only=True)
        stack.callback(source.close)
        target = instances.fill_new(fresh, fold=False)  # what is folded twice takes its room twice
        stack.callback(target.close)
        # Both are cut off from other files, so that one cannot attach the other.
        for table in _TABLES:
            target.execute(f"TRUNCATE {table}")
            small = target.appender(table)
            stack.callback(small.clear)  # duckdb warns of rows that nobody has flushed
            small.append_rows(source.table(table).fetchall())
            small.flush()
        appender = parts.Appender(target)
        stack.callback(appender.drop)
        for part in parts.names(source):  # one after the other: sorting all rows would need the room of all
            rows = source.execute(parts.aimed("SELECT * FROM journal ORDER BY seq", part))
            while page := rows.fetchmany(_PAGE):
                appender.append(page)
                appender.flush()
        target.execute("CHECKPOINT")
