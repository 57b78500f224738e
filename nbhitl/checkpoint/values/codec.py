"""`Codec`: values to bytes and back, exactly or not at all. May not import, call or execute what data names.

A frame is one version byte, the CRC-32 of the body, and the body: msgpack with the closed set of extension
codes of `kinds`. Plain JSON types go straight to msgpack's C packer; everything else is first lowered to
extensions, because the packer by itself would turn a bytearray into bytes and let a value pass itself off as
an extension (`lowering`; `unpacking` is the way back).

What comes back is equal and of the same types. Not kept: that two places held the same object (each gets its own),
the order in a set, an array's strides and read-only flag, a frame's blocks and chunks.
"""

from __future__ import annotations

import threading
import zlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgpack

from nbhitl.checkpoint.values.classes import Classes
from nbhitl.checkpoint.values.kinds import Refusal, Unfit
from nbhitl.checkpoint.values.lowering import MAX_DEPTH, SAFE, TOO_DEEP, Lowering
from nbhitl.checkpoint.values.projection import json_text
from nbhitl.checkpoint.values.unpacking import Unpacking, path_of
from nbhitl.engine.errors import FileDamagedError, SchemaChanged, UnknownTypeError, UnstorableValueError
from nbhitl.engine.shown import SHOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nbhitl.checkpoint.values.rebuilding import Migrate

VERSION: Final = 1
_HEAD: Final = bytes([VERSION])
FRAME_HEAD: Final = 5
"""Bytes of a frame before its body."""

_SAFE: Final = SAFE  # its methods are called faster than those of an imported name
Frames: TypeAlias = "Sequence[bytes | Frames]"
"""The frames of a list's items, which may be lists themselves."""
Where: TypeAlias = "Callable[[Any, Sequence[Any]], tuple[str, int]]"
"""Names a value in a frame: gets the frame's outermost value and the indexes and keys from there, outermost first;
returns a name and how many of the steps it covers."""


class _Packers(threading.local):
    """One packer of each sort a thread: a packer is a buffer, and cannot be shared."""

    def __init__(self) -> None:
        self.strict: Callable[[Any], bytes] = msgpack.Packer(strict_types=True).pack
        self.lone: Callable[[Any], bytes] = msgpack.Packer(strict_types=True, unicode_errors="surrogatepass").pack


class Codec:
    """Turns values into bytes and back.

    >>> codec = Codec()
    >>> codec.decode(codec.encode({"when": (1, 2)}))
    {'when': (1, 2)}
    """

    def __init__(self, types: Iterable[type] = (), *, allow_pickle: bool = False) -> None:
        """``types``: classes to register.

        ``allow_pickle``: what cannot be stored otherwise is pickled, and what was pickled is loaded. **Loading a
        pickle runs whatever code its bytes say**: only for files that nobody else could have written.
        """
        self._classes = Classes()
        self._packers = _Packers()
        self._pickles = allow_pickle
        self.opaques = 0
        """How many values became an `Opaque` so far: where that did not change, none has to be searched for."""
        self.register(*SHOWN, *types)

    def register(self, *classes: type, migrate: Migrate | None = None, was: str | None = None) -> None:
        """Make classes known: their stored values load as themselves.

        Args:
            classes: enums, dataclasses, named tuples, pydantic models. A later class of the same name replaces an
                earlier one.
            migrate: for exactly one class: takes the fields of an object that was stored when the class had others
                (a dict; ``name`` and ``value`` of an enum's member) and returns what the class takes now.
            was: for exactly one class: the qualified name that it had before, e.g. ``"__main__.Old"``.

        Raises:
            TypeError: for other kinds of classes, and ``migrate`` or ``was`` for several.
        """
        self._classes.register(*classes, migrate=migrate, was=was)

    def encode(self, value: Any, path: str = "value") -> bytes:
        """The value's frame. Raises `UnstorableValueError`; ``path`` names the value in its message."""
        return self._encode(value, path)[0]

    def encode_with_json(self, value: Any, path: str = "value") -> tuple[bytes, str | None]:
        """The value's frame and its JSON projection (None when it has none or is too long)."""
        data, plain = self._encode(value, path)
        return data, json_text(value, len(data), plain)

    def encode_list(self, items: Frames) -> bytes:
        """The frame of the list whose items' frames are given, at any depth: nothing is encoded twice."""
        pieces: list[bytes | memoryview] = []
        _collect(items, pieces)
        return _framed(b"".join(pieces))

    def lowered(self, value: Any, path: str, *, trusting: bool = True) -> tuple[Any, bool]:
        """The value as what `pack` takes, and whether it holds only JSON's types. Raises `UnstorableValueError`.

        ``trusting``: plain data is not looked through for ints beyond 64 bits and lone surrogates; `pack` finds them.
        """
        kind = type(value)
        if kind in _SAFE and (kind is not int or -(2**63) <= value < 2**64):
            return value, kind is not bytes
        if trusting and (kind is dict or kind is list) and _is_plain(value, 0):
            return value, True
        try:
            return self._lowering().lower(value), kind is int
        except RecursionError:  # called with little stack left
            raise _unstorable(Refusal(TOO_DEEP), path) from None
        except Refusal as refusal:
            raise _unstorable(refusal, path) from None

    def pack(self, tree: Any, *, trusting: bool = True) -> bytes:
        """The frame of a tree of plain data and of what `lowered` returned, both called with the same ``trusting``.

        Raises OverflowError or UnicodeEncodeError when what was trusted holds an int beyond 64 bits or a lone
        surrogate.
        """
        return _framed(self._packers.strict(tree) if trusting else self._packers.lone(tree))

    def decode(self, data: bytes, *, strict: bool = False, path: str | Where = "value") -> Any:
        """The value of a frame.

        Args:
            data: the frame.
            strict: raise for values that this program does not know, which otherwise become `Opaque`.
            path: what errors call the value; or what names a value in it.

        Raises:
            FileDamagedError: for bytes that are no whole frame of ours.
            UnknownTypeError: when strict, for a value of a class that is not registered.
            SchemaChanged: when strict, for a value that its class does not take any more.
        """
        if not is_frame(data):
            raise FileDamagedError(
                "a stored value is no whole frame, or does not match its checksum: it was written by something else, or"
                " damaged"
            )
        body = data[FRAME_HEAD:]
        unpacking = Unpacking(self._classes)
        if strict or self._pickles:
            unpacking.strict, unpacking.pickles = strict, self._pickles
        try:
            value = unpacking.loads(body)
            self.opaques += unpacking.opaques
            return value
        except Unfit as unfit:
            raise _unloadable(unfit, path, unpacking.tree) from unfit.__cause__
        except Exception as error:  # whatever odd bytes make the unpacker or a maker raise, it means one thing
            raise FileDamagedError(f"a stored value cannot be read ({type(error).__name__}: {error})") from error

    def _lowering(self) -> Lowering:
        return Lowering(self._classes, self._packers.lone, pickles=self._pickles)

    def _encode(self, value: Any, path: str) -> tuple[bytes, bool]:
        kind = type(value)
        plain = kind in _SAFE or ((kind is dict or kind is list) and _is_plain(value, 0))
        try:
            body = self._packers.strict(value) if plain else self._packers.lone(self._lowering().lower(value))
        except (OverflowError, UnicodeEncodeError):  # an int beyond 64 bits, a lone surrogate
            plain = False
            body = self._retry(value, path)
        except RecursionError:  # called with little stack left
            raise _unstorable(Refusal(TOO_DEEP), path) from None
        except Refusal as refusal:
            raise _unstorable(refusal, path) from None
        except ValueError as error:  # longer than msgpack's 4 GiB
            raise UnstorableValueError(f"{path} cannot be stored: {error}", path) from error
        return _framed(body), plain

    def _retry(self, value: Any, path: str) -> bytes:
        try:
            return self._packers.lone(self._lowering().lower(value))
        except Refusal as refusal:
            raise _unstorable(refusal, path) from None


def _collect(items: Frames, pieces: list[bytes | memoryview]) -> None:
    count = len(items)
    pieces.append(bytes((0x90 | count,)) if count < 16 else b"\xdd" + count.to_bytes(4, "big"))
    for item in items:
        if isinstance(item, bytes):
            pieces.append(memoryview(item)[FRAME_HEAD:])
        else:
            _collect(item, pieces)


def is_frame(data: bytes) -> bool:
    """Whether bytes are a frame of this version with the checksum that its body has."""
    checksum = int.from_bytes(data[1:FRAME_HEAD], "little")
    return len(data) > FRAME_HEAD and data[0] == VERSION and zlib.crc32(memoryview(data)[FRAME_HEAD:]) == checksum


def _framed(body: bytes) -> bytes:
    return _HEAD + zlib.crc32(body).to_bytes(4, "little") + body


def _is_plain(value: Any, depth: int) -> bool:
    """Whether a dict or a list holds only types that msgpack and JSON both know, not too deep."""
    if type(value) is dict:
        if not _SAFE.issuperset(map(type, value)):
            return False
        value = value.values()
    if _SAFE.issuperset(map(type, value)):
        return True
    if depth >= MAX_DEPTH:
        return False
    for item in value:
        kind = type(item)
        if kind not in _SAFE and not ((kind is dict or kind is list) and _is_plain(item, depth + 1)):
            return False
    return True


def _unloadable(unfit: Unfit, path: str | Where, tree: Any) -> SchemaChanged | UnknownTypeError:
    steps = unfit.steps
    if not isinstance(path, str):
        path, covered = path(tree, steps[::-1])
        steps = steps[: len(steps) - covered]
    where = path + path_of(steps)
    kind = SchemaChanged if unfit.changed else UnknownTypeError
    return kind(f"{where} {unfit}", where, unfit.type_name)


def _unstorable(refusal: Refusal, path: str) -> UnstorableValueError:
    steps = refusal.steps[::-1]
    shown = steps if len(steps) <= 12 else [*steps[:6], " ... ", *steps[-2:]]
    where = path + "".join(shown)
    return UnstorableValueError(f"{where} {refusal}", path + "".join(steps))
