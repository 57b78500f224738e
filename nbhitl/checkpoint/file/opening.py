"""Opens a checkpoint file: checks what stands there, migrates an old one, salvages a damaged one. Writes no rows."""

from __future__ import annotations

import os
import stat
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint import crashing
from nbhitl.checkpoint.file import instances, mark, migrations, parts, salvage, schema, tail, verifying
from nbhitl.checkpoint.file.mark import Level, Mark
from nbhitl.checkpoint.file.tail import Tail
from nbhitl.engine.errors import CheckpointFileWarning, FileDamagedError, FileLockedError, SaverError

if TYPE_CHECKING:
    from pathlib import Path

MEMORY: Final = ":memory:"
_DUCKDB: Final = (8, b"DUCK")
"""Where a database says that it is duckdb's."""
_OTHERS: Final = {
    b"SQLite format 3\0": "an SQLite file",
    b"PK\3\4": "a zip file",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip file: unpack it first",
}
"""What files begin with that people mix up with this one."""
_KEPT: Final = "it was not changed"


@dataclass(frozen=True, slots=True)
class Opened:
    """An open checkpoint file. ``mark`` and ``tail`` are None in memory; both are closed after the file was."""

    connection: Any
    mark: Mark | None
    tail: Tail | None


def prepare(file: Path) -> None:
    """Make the folder that a file shall stand in, and see that the file can be one of ours. Raises `SaverError`."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaverError(
            f"the folder {file.parent} cannot be made ({error.strerror}): give a path in a folder of yours"
        ) from error
    try:
        found = file.stat()
    except FileNotFoundError:
        found = None
    except OSError as error:
        raise SaverError(f"{file} cannot be looked at ({error.strerror}): give another path") from error
    if found is not None:
        _expect_file(file, found)
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise SaverError(
            f"the folder {file.parent} is read-only for you, and a lock and a log have to stand beside the file:"
            f" give a path in a folder of yours{'' if found is None else ', or only look at it: ' + _look(file)}"
        )


def _look(file: Path) -> str:
    return f"nbhitl.snapshot({str(file)!r})"


def _expect_file(file: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise SaverError(f"{file} is a folder: give the path of a file, e.g. {file / 'runs.duckdb'}")
    if not stat.S_ISREG(found.st_mode):
        raise SaverError(f"{file} is no ordinary file: give another path")
    if found.st_nlink > 1:
        raise SaverError(
            f"{file} has {found.st_nlink} names (hard links), and whoever opens it under another one would lose rows:"
            " remove the other names, or make it a copy, or a symbolic link"
        )
    if not os.access(file, os.R_OK):
        raise SaverError(f"you may not read {file}: change its permissions, or give another path")
    if not os.access(file, os.W_OK):
        raise SaverError(
            f"{file} is read-only: make it writable (chmod u+w), copy it, or only look at it: {_look(file)}"
        )


def open_file(path: Path | None) -> Opened:
    """A locked-down connection to a file, which is made where there is none (or to memory: None), and its mark.

    The caller owns the file's lock.

    Raises:
        FileLockedError: something that knows no lock of ours has the file.
        FileDamagedError: it was damaged. What could be read stands in its place; opening it again works.
        SaverError: it is something else, or of a newer version. It was not changed.
    """
    if path is None:
        connection = instances.fill_new(None)
        lock_down(connection)
        return Opened(connection, None, None)
    salvage.finish(path)
    level = _level(path)
    if _create_missing(path, level):
        level = None
    connection = _checked(path, level)
    try:
        if (version := version_of(connection, path)) < schema.VERSION:
            connection.close()
            migrations.migrate(path, version)
            connection = _checked(path, level)
        migrations.renew_views(connection, path)
        instances.folding(connection)
        lock_down(connection)
        return Opened(
            connection, _new_mark(connection, path), Tail(tail.tail_path(path), verifying.file_id(connection))
        )
    except BaseException:
        connection.close()
        raise


def lock_down(connection: Any) -> None:
    """From here on, no setting can be changed but the time limit of a query."""
    connection.execute("SET allowed_configs = ['max_execution_time']")
    connection.execute("SET lock_configuration = true")


def examine(path: Path) -> list[str]:
    """What is wrong with a file (in words) that opening it would find; takes in its tail. Raises `SaverError`."""
    import duckdb

    try:
        connection = instances.opened(path)
    except duckdb.Error as error:
        if verifying.is_damage(error) and not is_foreign(path):
            return [_said(error)]
        raise _foreign(path, error) from error
    try:
        return _problems(connection, path, _level(path))
    finally:
        connection.close()


def _level(path: Path) -> Level | None:
    try:
        return mark.read(path)
    except OSError as error:
        raise SaverError(f"{mark.mark_path(path)} cannot be read ({error.strerror}): change its permissions") from error


def _create_missing(path: Path, level: Level | None) -> bool:
    """Make the file when there is none, and say whether.

    When its log or rows in its tail are left, or it was emptied, that is damage.
    """
    if path.exists() and path.stat().st_size:
        return False
    log = instances.wal_of(path)
    has_log = log.exists() and log.stat().st_size
    if has_log or (level is not None and level.ahead and tail.tail_path(path).exists()):
        what = "the file is empty" if path.exists() else "the file is gone"
        salvage.salvage(path, [f"{what}, and its {'log' if has_log else 'tail'} is left"], level or Level(""))
    if level is not None and level.newest:
        if path.exists():
            salvage.salvage(path, [f"it is empty, and had {level.newest:,} rows"], level)
        _warn(
            f"{path} had {level.newest:,} rows and is gone; a new one was made. If you did not delete it: put it back."
        )
    instances.create(path)
    mark.mark_path(path).unlink(missing_ok=True)
    tail.tail_path(path).unlink(missing_ok=True)
    return True


def _checked(path: Path, level: Level | None) -> Any:
    """A connection to a file that is whole, as far as can be told quickly. Raises as `open_file` says."""
    import duckdb

    try:
        connection = instances.opened(path)
    except duckdb.Error as error:
        if "set lock on file" in str(error):
            raise FileLockedError(
                f"{path} is in use by another process, which is no nbhitl: use another file, or close that process."
                f" ({error})"
            ) from error
        if not verifying.is_damage(error):
            if is_foreign(path):
                raise _foreign(path, error) from error
            raise SaverError(f"{path} cannot be opened; {_KEPT}. ({error})") from error
        salvage.salvage(path, [_said(error)], level)
        raise _foreign(path, error) from error
    try:
        found = _problems(connection, path, level)
    except BaseException:
        connection.close()
        raise
    if found:
        connection.close()  # changes nothing: see `instances.opened`
        salvage.salvage(path, found, level)
        raise FileDamagedError(f"{path} is damaged: {'; '.join(found)}; {_KEPT}. Restore a copy.")
    return connection


def _problems(connection: Any, path: Path, level: Level | None) -> list[str]:
    import duckdb

    try:
        if version_of(connection, path) < migrations.CHAINED:
            return []
        if level is not None and level.file != verifying.file_id(connection):
            _warn(
                f"{mark.mark_path(path).name} is about another file and was ignored: {path.name} was put in its place."
            )
            level = None
        _take_in(connection, path)
        if level is not None and level.suspect:
            found = verifying.verify_all(connection, level).problems
        else:
            found = verifying.problems_at_open(connection, level)
        return found or verifying.problems_of_tail(connection, level)
    except duckdb.Error as error:
        if verifying.is_damage(error):
            return [_said(error)]
        raise SaverError(f"{path} cannot be read; {_KEPT}. ({error})") from error


def _take_in(connection: Any, path: Path) -> None:
    """Put what stands in the tail only into the database, where it follows the last row there.

    Where it does not, rows are missing in between, and the mark knows. Raises duckdb's errors, and `SaverError`.
    """
    try:
        rows = tail.read(path, verifying.file_id(connection))
    except OSError as error:
        raise SaverError(f"{tail.tail_path(path)} cannot be read ({error.strerror}): change its permissions") from error
    if not rows:
        return
    ((newest,),) = connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchall()
    left = [row for row in rows if row[0] > newest]
    if left and left[0][0] == newest + 1:
        crashing.point("before_taking_in")
        appender = parts.Appender(connection)
        appender.append(left)
        appender.flush()
        crashing.point("after_taking_in")


def version_of(connection: Any, path: Path) -> int:
    """A file's version. Raises `SaverError` for what is no file of ours, or a newer one."""
    import duckdb

    try:
        version = connection.execute("SELECT max(version) FROM schema_migrations").fetchone()[0]
        columns = tuple(row[0] for row in connection.execute("DESCRIBE journal").fetchall())
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise SaverError(f"{path} is a duckdb file, but not one of nbhitl's; {_KEPT}. Use another path.") from error
    if version is not None and version > schema.VERSION:
        raise SaverError(
            f"{path} was written by a newer nbhitl (file version {version}, this one knows {schema.VERSION}):"
            " upgrade nbhitl, or use another file"
        )
    if version is None or (version == schema.VERSION and columns != schema.COLUMNS):
        raise FileDamagedError(f"{path} has an unknown form; {_KEPT}. Restore a copy.")
    return int(version)


def _new_mark(connection: Any, path: Path) -> Mark:
    """The file's mark, at its newest row."""
    found = connection.execute("SELECT seq, chain FROM journal ORDER BY seq DESC LIMIT 1").fetchall()
    seq, chain = found[0] if found else (0, 0)
    try:
        return Mark(mark.mark_path(path), Level(verifying.file_id(connection), seq, chain or 0))
    except OSError as error:
        raise SaverError(f"{mark.mark_path(path)} cannot be written ({error.strerror}): {_KEPT}") from error


def is_foreign(path: Path) -> bool:
    """Whether a file is no duckdb file at all, as its first bytes tell. Not for a file that this process has open."""
    place, magic = _DUCKDB
    with path.open("rb") as file:
        return file.read(64)[place : place + len(magic)] != magic


def _foreign(path: Path, error: Exception) -> SaverError:
    """The error about a file that is none of ours, as far as can be told."""
    with path.open("rb") as file:
        head = file.read(64)
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            return SaverError(f"{path} is {what}, and no checkpoint file; {_KEPT}. Use another path.")
    if is_foreign(path):
        return FileDamagedError(f"{path} is no checkpoint file, or nothing is left of it; {_KEPT}. Use another path.")
    return FileDamagedError(f"{path} cannot be opened; {_KEPT}. Restore a copy. ({_said(error)})")


def _said(error: Exception) -> str:
    """What duckdb says is wrong, without what it says about itself."""
    text = str(error).partition("\n")[0]
    return text if len(text) <= 200 else text[:197] + "..."


def _warn(text: str) -> None:
    warnings.warn(text, CheckpointFileWarning, stacklevel=5)
