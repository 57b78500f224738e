"""The high-water mark: a small file beside the database that says how far it is known to have got.

A write-ahead log that was cut, or that is gone, opens without a word and with fewer rows. The mark tells: the last row
that was durable, the link of its chain, and whose mark it is. May not open the database.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_SLOT: Final = struct.Struct("<4sBBHQQQQ16s")
"""Magic, version, flags, rows ahead, counter, seq, chain, verified, file id. The CRC-32 of it follows."""
_MAGIC: Final = b"NBHM"
_VERSION: Final = 1
_CLEAN, _SUSPECT = 1, 2
_PLACES: Final = (0, 512)
"""Where the two slots begin: in sectors of their own, so that a write that is cut off leaves the other one."""
_SIZE: Final = _SLOT.size + 4
_BITS: Final = 2**64 - 1
MOST_AHEAD: Final = 2**16 - 1
"""Rows that a tail may hold."""


@dataclass(frozen=True, slots=True)
class Level:
    """What a mark says. ``file``: the id of the file that it is about, up to 16 ASCII characters."""

    file: str
    seq: int = 0
    """The last row that was durable in the file itself."""
    chain: int = 0
    """The link of that row."""
    verified: int = 0
    """Rows up to this one were looked at by the last process that opened the file, or were written by it."""
    clean: bool = False
    """Whether the file was closed properly."""
    suspect: bool = False
    """Whether reading found damage while the file was open: everything is verified at the next open."""
    ahead: int = 0
    """Rows after ``seq`` that are durable in the file's tail."""

    @property
    def newest(self) -> int:
        """The last row that was durable, in the file or in its tail."""
        return self.seq + self.ahead


class Mark:
    """Keeps ``path`` open and moves the mark. One owner, the writer's thread; `suspect` may be called by any."""

    def __init__(self, path: Path, level: Level) -> None:
        """Make or take over the mark. Raises OSError."""
        how = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._fd = os.open(path, how, 0o666)
        self._id = level.file.encode()
        self._turn = max((counter for counter, _ in _slots(_contents(path))), default=0)
        self._flags = self._ahead = 0
        self._seq, self._chain, self._verified = level.seq, level.chain, level.seq
        self._put()

    def write(self, seq: int, chain: int) -> None:
        """The file is durable up to row ``seq``, whose link is ``chain``. Not synced: see `sync`."""
        self._seq, self._chain, self._ahead = seq, chain, 0
        self._put()

    def run_ahead(self, rows: int) -> None:
        """So many rows more are durable in the tail, at most `MOST_AHEAD`. Not synced."""
        self._ahead = rows
        self._put()

    def suspect(self) -> None:
        """Reading found damage: the next open shall verify everything."""
        self._flags |= _SUSPECT
        self._put()
        self.sync()

    def sync(self) -> None:
        """Make the mark itself durable."""
        if self._fd >= 0:
            os.fsync(self._fd)

    def close(self, *, clean: bool) -> None:
        """Let go of the mark; ``clean``: all was written and the file was closed. Closing twice is fine."""
        if self._fd < 0:
            return
        if clean:
            self._flags |= _CLEAN
            self._verified = self._seq
            self._put()
            self.sync()
        fd, self._fd = self._fd, -1
        os.close(fd)

    def _put(self) -> None:
        if self._fd < 0:
            return
        self._turn = turn = self._turn + 1
        chain = self._chain & _BITS
        body = _SLOT.pack(_MAGIC, _VERSION, self._flags, self._ahead, turn, self._seq, chain, self._verified, self._id)
        _write(self._fd, body + zlib.crc32(body).to_bytes(4, "little"), _PLACES[turn & 1])


def mark_path(file: Path) -> Path:
    """Where the mark of a file stands."""
    return file.with_name(file.name + ".mark")


def read(file: Path) -> Level | None:
    """The newest whole mark of a file; None where there is none."""
    found = _slots(_contents(mark_path(file)))
    return max(found, key=lambda slot: slot[0])[1] if found else None


def _contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _slots(data: bytes) -> list[tuple[int, Level]]:
    """The slots that are whole, each with its counter."""
    found = []
    for place in _PLACES:
        slot = data[place : place + _SIZE]
        if len(slot) < _SIZE or zlib.crc32(slot[:-4]) != int.from_bytes(slot[-4:], "little"):
            continue
        magic, version, flags, ahead, turn, seq, chain, verified, file = _SLOT.unpack(slot[:-4])
        if magic == _MAGIC and version == _VERSION:
            level = Level(
                file.rstrip(b"\0").decode("ascii", "replace"),
                seq,
                chain,
                verified,
                bool(flags & _CLEAN),
                bool(flags & _SUSPECT),
                ahead,
            )
            found.append((turn, level))
    return found


def _write_by_seeking(fd: int, data: bytes, place: int, /) -> int:
    os.lseek(fd, place, os.SEEK_SET)
    return os.write(fd, data)


_write: Final[Callable[[int, bytes, int], int]] = getattr(os, "pwrite", _write_by_seeking)
