"""Files of both engines in one temporary folder: SqliteSaver's and ours, only one open at a time.

Where temporary files live in memory, waiting for the disk costs nothing: set TMPDIR to a folder on a disk.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.engines import OURS, Engine

FRESH = "fresh"


class Disk:
    """Opens files for the rows. Opening one closes the one before: no row works while another one's file is tidied."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()

    def fresh(self, engine: Engine) -> Any:
        """A saver on a new file; the engine's last fresh one is gone."""
        self.close()
        shutil.rmtree(self.folder(engine, FRESH), ignore_errors=True)
        return self.open(engine, FRESH)

    def again(self, engine: Engine, name: str, write: Callable[[Any], object]) -> Any:
        """A new saver on a file that ``write`` filled, the first time it is asked for, through another saver."""
        self.close()
        if not self.folder(engine, name).exists():
            try:
                write(self.open(engine, name))
            except BaseException:
                self.close()
                shutil.rmtree(self.folder(engine, name))  # half a file is no file
                raise
            self.close()
        return self.open(engine, name)

    def weight(self, engine: Engine, name: str = FRESH) -> int:
        """Bytes of a file and all that lies beside it (logs, marks), once it is closed."""
        self.close()
        return sum(path.stat().st_size for path in self.folder(engine, name).iterdir())

    def folder(self, engine: Engine, name: str) -> Path:
        """Where a file lies, alone."""
        return self._folder / engine.name / name

    def path(self, engine: Engine, name: str) -> Path:
        """The file itself."""
        return self.folder(engine, name) / ("bench.duckdb" if engine is OURS else "bench.sqlite")

    def close(self) -> None:
        """Close what is open: whatever its saver has to tidy up happens now."""
        self._open.close()

    def open(self, engine: Engine, name: str) -> Any:
        """A saver on a file as it is; nothing else is closed for it."""
        path = self.path(engine, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if engine is OURS:
            return self._open.enter_context(engine.DuckDBSaver(path))
        saver = self._open.enter_context(engine.SqliteSaver.from_conn_string(str(path)))
        saver.setup()  # as ours, it has its tables before anything is timed
        return saver
