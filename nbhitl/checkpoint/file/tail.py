"""The tail: a small file beside the database, of rows that are durable and do not stand in the database yet.

A commit of duckdb costs a millisecond, most of it computing; appending a few hundred bytes to a file and syncing them
costs a tenth of that. So what somebody waits for goes here first, and into the database with the rows after it. It is
one batch behind the other from the beginning; when all of them are in the database, the next one begins there again.
Whoever opens the file takes in what was left. May not open the database.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from typing import TYPE_CHECKING, Any, Final

import msgpack

from nbhitl.checkpoint.file.instances import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_HEAD: Final = struct.Struct("<4sBBHI16sQ")
"""Magic, version, columns of a row, nothing, bytes that follow, file id, number of the first row. The rows follow,
packed by msgpack, and the CRC-32 of it all."""
_MAGIC: Final = b"NBHT"
_VERSION: Final = 1
_SUM: Final = 4
"""Bytes of the checksum."""
_ROOM: Final = 1 << 16
"""Bytes by which the file grows: to sync what is written over takes half the time of what makes a file longer."""


class Tail:
    """Appends batches of numbered rows, durably. For one thread; makes the file when it is first needed."""

    def __init__(self, path: Path, file: str) -> None:
        self._path = path
        self._id = file.encode()
        self._fd = -1
        self._end = self._size = 0

    def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Append numbered rows that follow each other. They are durable when it returns. Raises OSError."""
        if self._fd < 0:
            self._open()
        body = msgpack.packb(rows)
        data = _HEAD.pack(_MAGIC, _VERSION, len(rows[0]), 0, len(body), self._id, rows[0][0]) + body
        data += zlib.crc32(data).to_bytes(_SUM, "little")
        end = self._end + len(data)
        if end > self._size:
            self._size = -(-end // _ROOM) * _ROOM
            data += bytes(self._size - end)
        os.lseek(self._fd, self._end, os.SEEK_SET)
        left = memoryview(data)
        while left:
            left = left[os.write(self._fd, left) :]
        _sync(self._fd)
        self._end = end

    def begin_anew(self) -> None:
        """All rows are in the database, durably: the next batch is the first one."""
        self._end = 0

    def close(self, *, clean: bool) -> None:
        """Let go of the file; ``clean``: all rows are in the database, so it goes. Closing twice is fine."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
        if clean:
            self._path.unlink(missing_ok=True)

    def _open(self) -> None:
        how = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._fd = os.open(self._path, how, 0o666)
        sync_folder(self._path.parent)  # its name has to be durable, too


def tail_path(file: Path) -> Path:
    """Where the tail of a file stands."""
    return file.with_name(file.name + ".tail")


def read(file: Path, id_: str) -> list[tuple[Any, ...]]:
    """The rows in a file's tail, in their order; ``id_`` is the file's. Raises OSError.

    What was written last may be cut off: nobody was told that it is durable. Behind it stand batches of before.
    """
    try:
        data = tail_path(file).read_bytes()
    except FileNotFoundError:
        return []
    rows: list[tuple[Any, ...]] = []
    for batch in _batches(data, id_.encode()):
        if rows and batch[0][0] != rows[-1][0] + 1:
            break
        rows += batch
    return rows


def _batches(data: bytes, id_: bytes) -> Iterator[list[tuple[Any, ...]]]:
    """The batches, up to the first one that is not whole, or of another file."""
    place = 0
    while len(data) >= place + _HEAD.size + _SUM:
        magic, version, columns, _, size, file, first = _HEAD.unpack_from(data, place)
        end = place + _HEAD.size + size
        sum_ = int.from_bytes(data[end : end + _SUM], "little")
        if (magic, version) != (_MAGIC, _VERSION) or file.rstrip(b"\0") != id_ or zlib.crc32(data[place:end]) != sum_:
            return
        rows = _rows(data[place + _HEAD.size : end], first, columns)
        if not rows:
            return
        yield rows
        place = end + _SUM


def _rows(body: bytes, first: int, columns: int) -> list[tuple[Any, ...]]:
    """The rows of a batch; none of one that nobody here has written, whatever its checksum says."""
    try:
        found = msgpack.unpackb(body)
    except ValueError:
        return []
    if type(found) is not list or any(type(row) is not list or len(row) != columns for row in found):
        return []
    return [tuple(row) for row in found] if [row[0] for row in found] == [*range(first, first + len(found))] else []


if sys.platform == "darwin":
    from fcntl import F_FULLFSYNC, fcntl

    def _sync(fd: int) -> None:
        try:
            fcntl(fd, F_FULLFSYNC)  # fsync leaves the bytes in the disk's own memory there
        except OSError:  # not every file system knows it
            os.fsync(fd)

else:
    _sync = getattr(os, "fdatasync", os.fsync)
