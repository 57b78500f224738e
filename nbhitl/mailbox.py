"""Letters to whoever owns a checkpoint file: a folder beside it, ``<file>.answers``, and no socket.

A letter is one file, put there whole under a random name (`post`); the owner takes it by renaming it (`Mailbox.take`)
and puts a reply beside it, which the sender collects. So a letter is taken once, and a sender who gives up either
takes it back or learns that it was taken. Moves bytes only: what a letter means is not known here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbhitl.engine.errors import NbhitlError

LARGEST: Final = 1_000_000
"""Bytes of a letter at most."""
MANY: Final = 1_000
"""Letters that are taken in one look."""
FORGOTTEN: Final = 3600.0
"""Seconds after which a reply that nobody collected is cleared away."""
_PAUSE: Final = 0.02
_LETTER: Final = re.compile(r"([0-9a-f]{32})\.letter")
_KINDS: Final = re.compile(r"[0-9a-f]{32}\.(letter|taken|reply|new)")


class NobodyTookIt(NbhitlError):
    """The owner of a checkpoint file did not take a letter in time; it was taken back."""


class NoReply(NbhitlError):
    """A letter was taken, and what came of it was not said in time."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody sent: JSON data that nobody has looked at yet, or why it cannot be read."""

    name: str
    content: Any
    problem: str = ""


def folder_of(file: Path) -> Path:
    """Where letters to the owner of a checkpoint file are put."""
    file = file.expanduser().resolve()
    return file.with_name(file.name + ".answers")


class Mailbox:
    """The owner's side. Every method may meet any file in the folder, and harms nothing and nobody by it."""

    def __init__(self, file: Path) -> None:
        self.folder = folder_of(file)

    def take(self) -> Iterator[Letter]:
        """The letters that wait now, each of which is ours from then on: reply to every one."""
        if not _is_ours(self.folder):
            return
        try:
            names = sorted(os.listdir(self.folder))
        except OSError:
            return
        for name in names[:MANY]:
            match = _LETTER.fullmatch(name)
            if match is None:
                self._clear(name)
                continue
            taken = self.folder / f"{match[1]}.taken"
            try:
                os.replace(self.folder / name, taken)
            except OSError:  # taken back meanwhile, or a folder
                continue
            yield _read(match[1], taken)

    def reply(self, letter: Letter, content: Mapping[str, Any]) -> None:
        """Say what came of a letter. Does nothing where that cannot be written: the sender says so."""
        with contextlib.suppress(OSError):
            _put(self.folder, f"{letter.name}.reply", content)
        with contextlib.suppress(OSError):
            (self.folder / f"{letter.name}.taken").unlink(missing_ok=True)

    def close(self) -> None:
        """Take the folder away, if nothing is in it."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def _clear(self, name: str) -> None:
        """Take away what a sender who was killed has left; files of other names are not ours."""
        file = self.folder / name
        with contextlib.suppress(OSError):
            found = os.lstat(file)
            if _KINDS.fullmatch(name) and stat.S_ISREG(found.st_mode) and time.time() - found.st_mtime > FORGOTTEN:
                file.unlink()


def post(file: Path, content: Mapping[str, Any], timeout: float) -> Any:
    """Send a letter to the owner of a checkpoint file, and wait for the reply.

    Raises:
        NobodyTookIt: within ``timeout`` seconds; the letter was taken back.
        NoReply: it was taken, and no reply came within as long again.
        NbhitlError: the folder beside the file cannot be made, or is not ours.
    """
    folder = folder_of(file)
    name = secrets.token_hex(16)
    letter, reply = folder / f"{name}.letter", folder / f"{name}.reply"
    _prepare(folder)
    try:
        _put(folder, letter.name, content)
    except FileNotFoundError:  # the owner took the empty folder away in between
        _prepare(folder)
        _put(folder, letter.name, content)
    try:
        if (found := _collected(reply, timeout)) is not None:
            return found
        if _taken_back(letter):
            raise NobodyTookIt(f"the owner of {file} did not take the answer within {timeout:g} s; it was taken back")
        if (found := _collected(reply, timeout)) is not None:
            return found
        raise NoReply(f"the owner of {file} took the answer, and did not say within {timeout:g} s what came of it")
    finally:
        _taken_back(letter)  # whatever broke the waiting off, e.g. Ctrl-C
        with contextlib.suppress(OSError):
            folder.rmdir()


def _taken_back(letter: Path) -> bool:
    """Whether a letter was still there, and is not any more."""
    try:
        letter.unlink()
    except FileNotFoundError:
        return False
    return True


def _collected(reply: Path, timeout: float) -> Any:
    give_up = time.monotonic() + timeout
    while True:
        try:
            text = reply.read_text(encoding="utf-8")
        except FileNotFoundError:
            if time.monotonic() >= give_up:
                return None
            time.sleep(_PAUSE)
            continue
        reply.unlink(missing_ok=True)
        return json.loads(text)


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise NbhitlError(f"{folder} cannot be made ({error.strerror}): answers are handed over in there") from error
    if not _is_ours(folder):
        raise NbhitlError(f"{folder} is no folder of yours alone: remove it, and answer again")


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder that only we can write to; links are followed nowhere."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        return False
    return os.name == "nt" or (found.st_uid == os.geteuid() and not found.st_mode & 0o022)


def _put(folder: Path, name: str, content: Mapping[str, Any]) -> None:
    """Write a file that is there whole or not at all."""
    fresh = folder / f"{secrets.token_hex(16)}.new"
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.replace(fresh, folder / name)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def _read(name: str, file: Path) -> Letter:
    """What is in a letter. Opens no link, waits for no pipe, and reads no more than `LARGEST`."""
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return _refused(name, file, "is no ordinary file")
    found = os.fstat(descriptor)
    ordinary = stat.S_ISREG(found.st_mode)
    if not ordinary or (os.name != "nt" and found.st_uid != os.geteuid()):
        os.close(descriptor)
        return _refused(name, file, "is somebody else's" if ordinary else "is no ordinary file")
    with os.fdopen(descriptor, "rb") as opened:
        data = opened.read(LARGEST + 1)
    if len(data) > LARGEST:
        return _refused(name, file, f"is larger than {LARGEST:,} bytes")
    try:
        return Letter(name, json.loads(data))
    except (ValueError, RecursionError):
        return _refused(name, file, "is not JSON")


def _refused(name: str, file: Path, why: str) -> Letter:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
    return Letter(name, None, f"the answer {why}")
