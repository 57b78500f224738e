"""Looking at a checkpoint file that somebody has open: `snapshot` copies it, and opens the copy read-only.

The copy is made by a child process: a process that opens and closes the file loses the database's lock on it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from nbhitl.checkpoint.duckdb import DuckDBSaver
from nbhitl.checkpoint.file import instances, mark, opening, tail
from nbhitl.checkpoint.file.words import absent
from nbhitl.engine.errors import FileDamagedError, SaverError

if TYPE_CHECKING:
    from collections.abc import Iterable

_ATTEMPTS: Final = 20
_PAUSE: Final = 0.05
"""Seconds between two attempts; longer each time."""
_LONGEST: Final = 600.0
"""Seconds that copying may take."""
_COPYING: Final = """\
import os, shutil, sys
source, target = sys.argv[1:3]
for ending in (".mark", ".tail", ".wal", ""):
    try:
        shutil.copyfile(source + ending, target + ending)
    except FileNotFoundError:
        if not ending:
            sys.exit(3)
        if os.path.exists(target + ending):
            os.unlink(target + ending)
"""
"""The mark goes first: the copy has to reach it. What leaves the tail goes into the log, and from there into the file,
so that none of it falls in between."""
_MISSING: Final = 3


class Snapshot(DuckDBSaver):
    """A read-only copy of a checkpoint file as it was at one moment: query it, load threads, look at their history.

    A context manager; the copy is deleted when it is closed, unless it was given a place. Made by `snapshot`.
    """

    def __init__(self, source: Path, copy: Path, *, temporary: bool, types: Iterable[type] = ()) -> None:
        self.source = source
        """The file that this is a copy of."""
        super().__init__(copy, types=types)
        self._gone = weakref.finalize(self, _delete, copy.parent) if temporary else None

    def __repr__(self) -> str:
        return f"Snapshot({str(self.source)!r})"

    def close(self) -> None:
        """Let the copy go. Closing twice is fine."""
        super().close()
        if self._gone is not None:
            self._gone()

    def _refused(self, *_: Any, **__: Any) -> NoReturn:
        raise SaverError(
            f"this is a snapshot of {self.source}, which is read-only: go on with the thread in the kernel that has"
            " the file open"
        )

    commit = append = answer = remember_code = set_breakpoints = set_setting = _refused
    delete_thread = copy_thread = prune = compact = _refused


def snapshot(path: str | Path, to: str | Path | None = None, *, types: Iterable[type] = ()) -> Snapshot:
    """Copy a checkpoint file, open in this process, in another one or in none, and open the copy to look at it.

    Args:
        path: the file.
        to: where the copy shall stay; by default it is in a temporary folder, and is deleted at ``close()``.
        types: classes whose stored values should load as themselves.

    Returns:
        A saver that refuses to write; it has `sql`, `threads`, `load` and `history`.

    Raises:
        SaverError: there is no such file, it cannot be copied, or it is none of nbhitl's.
        FileDamagedError: the file is damaged: open it, and what can be read is saved.
    """
    source = Path(path).expanduser().resolve()
    if to is None:
        copy = Path(tempfile.mkdtemp(prefix="nbhitl-")) / source.name
    else:
        copy = Path(to).expanduser().resolve()
        if copy.exists():
            raise SaverError(f"{copy} exists already: give the copy another place")
        opening.prepare(copy)
    try:
        copy_whole(source, copy)
        return Snapshot(source, copy, temporary=to is None, types=types)
    except BaseException:
        if to is None:
            _delete(copy.parent)
        raise


def copy_whole(source: Path, copy: Path) -> None:
    """Copy a file with its log, its tail and its mark, again until they fit together. Raises as `snapshot` does."""
    found: list[str] = []
    for attempt in range(_ATTEMPTS):
        time.sleep(_PAUSE * attempt)
        _copied(source, copy)
        found = opening.examine(copy)
        if not found:
            return
        if attempt and _unchanged(source, copy):
            break  # nobody wrote in between: it is the file that is damaged
    for file in (copy, instances.wal_of(copy), tail.tail_path(copy), mark.mark_path(copy)):
        file.unlink(missing_ok=True)
    raise FileDamagedError(
        f"{source} cannot be looked at: {'; '.join(found)}. Close the kernel that has it open, then open it again, or"
        f" run: nbhitl doctor {source}"
    )


def _copied(source: Path, copy: Path) -> None:
    command = [sys.executable, "-I", "-S", "-c", _COPYING, str(source), str(copy)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)
    except subprocess.TimeoutExpired as error:
        raise SaverError(f"copying {source} took longer than {_LONGEST:g} s and was given up") from error
    if done.returncode == _MISSING:
        raise absent(source)
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2]
        raise SaverError(f"{source} could not be copied to {copy.parent} ({why})")


def _unchanged(source: Path, copy: Path) -> bool:
    """Whether the mark still stands where it stood when the copy was made."""
    try:
        return mark.read(source) == mark.read(copy)
    except OSError:
        return False


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
