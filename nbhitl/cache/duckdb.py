"""`DuckDBCache`: results in a file, so that they survive the kernel."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import duckdb

from nbhitl.checkpoint.file import opening
from nbhitl.checkpoint.file.instances import CONFIG, wal_of
from nbhitl.checkpoint.file.owned import OwnedFile
from nbhitl.checkpoint.values.codec import Codec
from nbhitl.engine.errors import CheckpointFileWarning, SaverError

if TYPE_CHECKING:
    from nbhitl.engine.ports import FullKey

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS results (
    namespace VARCHAR, key VARCHAR, value BLOB, expires DOUBLE, PRIMARY KEY (namespace, key)
)
"""


class DuckDBCache:
    """Keeps results in a file of its own, e.g. ``DuckDBCache("cache.duckdb")``.

    Values are stored as a checkpointer stores them: plain data and the classes that the graph's schemas name, never
    code. What cannot be read any more does not count. The file belongs to one process at a time.

    Args:
        path: the file; made where there is none. One that cannot be read is put aside. ``":memory:"`` for none.
        types: classes that values may have, beside those of the graphs.

    Raises:
        FileLockedError: another process has the file.
        SaverError: the file cannot stand there, or is a database that is none of a cache's.
    """

    def __init__(self, path: str | Path, *, types: Iterable[type] = ()) -> None:
        self._codec = Codec(types)
        self._file = OwnedFile(path, _opened)
        self.path = str(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"DuckDBCache({self.path!r})"

    def register(self, *classes: type) -> None:
        """Make classes known that values may have."""
        self._codec.register(*classes)

    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """Those of the keys that have a value which still counts, with it."""
        found: dict[FullKey, Any] = {}
        for space, key in keys:
            query = "SELECT value FROM results WHERE namespace = ? AND key = ? AND coalesce(expires > ?, true)"
            with self._at_work() as connection:
                row = connection.execute(query, [_text(space), key, time.time()]).fetchone()
            if row is not None:
                with contextlib.suppress(_Unreadable):
                    found[tuple(space), key] = self._value(row[0])
        return found

    async def aget(self, keys: Sequence[FullKey]) -> dict[FullKey, Any]:
        """As `get`, without blocking the loop."""
        return await asyncio.to_thread(self.get, keys)

    def set(self, pairs: Mapping[FullKey, tuple[Any, int | None]]) -> None:
        """Keep values; each for so many seconds, None for ever.

        Raises:
            UnstorableValueError: one of them cannot be stored; none is kept then.
        """
        now = time.time()
        rows = [
            [_text(space), key, self._codec.encode(value, "the result"), None if ttl is None else now + ttl]
            for (space, key), (value, ttl) in pairs.items()
        ]
        with self._at_work() as connection:
            connection.execute("DELETE FROM results WHERE expires <= ?", [now])
            for row in rows:
                connection.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", row)

    async def aset(self, pairs: Mapping[FullKey, tuple[Any, int | None]]) -> None:
        """As `set`, without blocking the loop."""
        await asyncio.to_thread(self.set, pairs)

    def clear(self, namespaces: Sequence[tuple[str, ...]] | None = None) -> None:
        """Forget what lies in these namespaces; None: everything."""
        with self._at_work() as connection:
            if namespaces is None:
                connection.execute("DELETE FROM results")
            for space in namespaces or ():
                connection.execute("DELETE FROM results WHERE namespace = ?", [_text(space)])

    async def aclear(self, namespaces: Sequence[tuple[str, ...]] | None = None) -> None:
        """As `clear`, without blocking the loop."""
        await asyncio.to_thread(self.clear, namespaces)

    def close(self) -> None:
        """Let the file go. Closing twice is fine; other calls raise `SaverError` from then on."""
        self._file.close()

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._file.forked:
            raise SaverError(f"the cache {self.path} was opened by the process that this one was forked from.")
        with self._file.lock:
            if self._file.closed:
                raise SaverError(f"the cache {self.path} is closed.")
            yield self._file.connection

    def _value(self, data: bytes) -> Any:
        """A value; raises `_Unreadable` also where a class in it is not known any more."""
        before = self._codec.opaques
        try:
            value = self._codec.decode(data)
        except Exception as error:
            raise _Unreadable from error
        if self._codec.opaques != before:
            raise _Unreadable
        return value


class _Unreadable(Exception):
    """What was stored does not come back as it was."""


def _text(space: Sequence[str]) -> str:
    return json.dumps(list(space))


def _opened(file: Path | None) -> duckdb.DuckDBPyConnection:
    try:
        return _connected(file)
    except duckdb.Error as error:
        if file is None:
            raise
        if "set lock on file" in str(error):  # duckdb's command line, say: the file is whole
            raise SaverError(f"the cache {file} is in use by another program: close it there.") from error
        aside = file.with_name(f"{file.name}.damaged-{time.time_ns()}")
        file.rename(aside)
        wal_of(file).unlink(missing_ok=True)
        text = f"the cache {file.name} cannot be read, so it begins anew; the old file is {aside.name}: {error}"
        warnings.warn(text, CheckpointFileWarning, stacklevel=4)
        return _connected(file)


def _connected(file: Path | None) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(opening.MEMORY if file is None else str(file), config={**CONFIG, "threads": "1"})
    try:
        names = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        if names and "results" not in names:
            raise SaverError(
                f"{file} is no cache's file, and was not changed: a cache has a file of its own, e.g. "
                "DuckDBCache('cache.duckdb')."
            )
        connection.execute(_TABLE)
    except BaseException:
        connection.close()
        raise
    return connection
