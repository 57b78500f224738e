"""The documented views of a checkpoint file as Parquet files. A child process reads a copy of the file and writes them.

Run as ``python -m nbhitl.checkpoint.file.export COPY FOLDER VIEW ...`` it is that child: its connection may write
files, which those of a saver may not.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nbhitl.checkpoint.file.schema import VIEWS
from nbhitl.engine.errors import SaverError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST: Final = 3600.0
"""Seconds that writing may take."""


def export_parquet(path: str | Path, folder: str | Path, views: Sequence[str] | None = None) -> list[Path]:
    """Write views of a checkpoint file to ``<folder>/<view>.parquet``, replacing what is there under those names.

    Args:
        path: the file; somebody may have it open, this process too. What waits to be written is not part of it.
        folder: is made when there is none.
        views: names of documented views; by default all of them.

    Returns:
        The files, in the order of the views.

    Raises:
        SaverError: an unknown view, a folder that cannot be written to, or a file that cannot be looked at.
    """
    from nbhitl.checkpoint.file.copies import snapshot

    chosen = list(VIEWS) if views is None else list(views)
    for name in chosen:
        if name not in VIEWS:
            raise SaverError(f"there is no view {name!r}.{did_you_mean(name, VIEWS)}")
    target = Path(folder).expanduser().resolve()
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaverError(f"the folder {target} cannot be made ({error.strerror}): give another one") from error
    with tempfile.TemporaryDirectory(prefix="nbhitl-") as place:
        copy = Path(place) / "copy.duckdb"
        snapshot(path, copy).close()  # brings an old file's copy to this version
        command = [sys.executable, "-m", "nbhitl.checkpoint.file.export", str(copy), str(target), *chosen]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)
        except subprocess.TimeoutExpired as error:
            raise SaverError(f"exporting {path} took longer than {_LONGEST:g} s and was given up") from error
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2]
        raise SaverError(f"{path} could not be exported to {target} ({why})")
    return [target / f"{name}.parquet" for name in chosen]


def _main(copy: str, folder: str, *views: str) -> None:
    import duckdb

    connection = duckdb.connect(copy, read_only=True)
    for name in views:
        fresh, target = Path(folder) / f".{name}.parquet.new", Path(folder) / f"{name}.parquet"
        connection.view(name).write_parquet(str(fresh))
        fresh.replace(target)


if __name__ == "__main__":
    _main(*sys.argv[1:])
