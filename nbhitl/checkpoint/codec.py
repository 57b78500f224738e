"""`Codec`: values to bytes and back, exactly or not at all. May not import, call or execute what data names.

A frame is one version byte, the CRC-32 of the body, and the body: msgpack with the closed set of extension
codes of `kinds`. Plain JSON types go straight to msgpack's C packer; everything else is first lowered to
extensions, because the packer by itself would turn a bytearray into bytes and let a value pass itself off as
an extension.
"""

from __future__ import annotations

import threading
import zlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgpack
from msgpack import ExtType

from nbhitl.checkpoint import arrays, kinds
from nbhitl.checkpoint.classes import Classes, kind_of
from nbhitl.checkpoint.kinds import Kind, Refusal
from nbhitl.checkpoint.opaque import Opaque
from nbhitl.checkpoint.projection import json_text
from nbhitl.checkpoint.unpacking import Unpacking
from nbhitl.engine.errors import FileDamagedError, UnstorableValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

VERSION: Final = 1
MAX_DEPTH: Final = 200
_HEAD: Final = bytes([VERSION])
_HEAD_SIZE: Final = 5
_SAFE: Final = frozenset({type(None), bool, int, float, str, bytes})
_TOO_DEEP: Final = (
    f"is nested deeper than {MAX_DEPTH} levels, or contains itself (tuples, sets and objects count as two)"
)
_CURE: Final = "keep what you need of it as plain data (numbers, text, lists, dicts, dataclasses, pydantic models)"


Frames: TypeAlias = "Sequence[bytes | Frames]"
"""The frames of a list's items, which may be lists themselves."""


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

    def __init__(self, types: Iterable[type] = ()) -> None:
        self._classes = Classes()
        self._packers = _Packers()
        self.register(*types)

    def register(self, *classes: type) -> None:
        """Make classes known: their stored values load as themselves. Raises TypeError for other kinds."""
        for cls in classes:
            self._classes.register(cls)

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

    def decode(self, data: bytes) -> Any:
        """The value of a frame. Raises `FileDamagedError` for bytes that are no whole frame of ours.

        A value of an unknown class becomes an `Opaque`.
        """
        if len(data) <= _HEAD_SIZE or data[0] != VERSION:
            raise FileDamagedError("a stored value has no known format: it was written by something else, or damaged")
        body = data[_HEAD_SIZE:]
        if zlib.crc32(body) != int.from_bytes(data[1:_HEAD_SIZE], "little"):
            raise FileDamagedError("a stored value does not match its checksum: the file was damaged")
        try:
            return Unpacking(self._classes).loads(body)
        except Exception as error:  # whatever odd bytes make the unpacker or a maker raise, it means one thing
            raise FileDamagedError(f"a stored value cannot be read ({type(error).__name__}: {error})") from error

    def _encode(self, value: Any, path: str) -> tuple[bytes, bool]:
        kind = type(value)
        plain = kind in _SAFE or ((kind is dict or kind is list) and _is_plain(value, 0))
        try:
            body = self._packers.strict(value) if plain else self._lowered(value)
        except (OverflowError, UnicodeEncodeError):  # an int beyond 64 bits, a lone surrogate
            plain = False
            body = self._retry(value, path)
        except RecursionError:  # called with little stack left
            raise _unstorable(Refusal(_TOO_DEEP), path) from None
        except Refusal as refusal:
            raise _unstorable(refusal, path) from None
        except ValueError as error:  # longer than msgpack's 4 GiB
            raise UnstorableValueError(f"{path} cannot be stored: {error}", path) from error
        return _framed(body), plain

    def _retry(self, value: Any, path: str) -> bytes:
        try:
            return self._lowered(value)
        except Refusal as refusal:
            raise _unstorable(refusal, path) from None

    def _lowered(self, value: Any) -> bytes:
        return self._packers.lone(self._lower(value, 0))

    def _lower(self, value: Any, depth: int) -> Any:
        """The value as what the packer packs exactly: plain types and extensions. Raises `Refusal`."""
        cls = type(value)
        if cls in _SAFE and (cls is not int or -(2**63) <= value < 2**64):
            return value
        if depth > MAX_DEPTH:
            raise Refusal(_TOO_DEEP)
        if cls is list:
            return self._lower_items(value, depth)
        if cls is dict:
            return self._lower_dict(value, depth)
        if cls is Opaque:
            return ExtType(value.kind, value.payload)
        if (entry := kinds.PARTS.get(cls)) is not None:
            kind, take = entry
            return self._extension(kind, take(value), depth + 1, flat=cls in (tuple, set, frozenset))
        if (array := arrays.numpy_kind(cls)) is not None:
            return self._extension(array, arrays.array_parts(array, value), depth + 1)
        if (own := kind_of(cls)) is not None:
            return self._extension(own, self._class_parts(own, value, depth + 1), depth + 1, lowered=True)
        raise Refusal(_why(value))

    def _extension(self, kind: Kind, parts: Any, depth: int, *, flat: bool = False, lowered: bool = False) -> ExtType:
        if flat:
            parts = self._lower_items(parts, depth)
        elif not lowered and type(parts) is list:
            parts = (
                self._lower_deque(parts, depth) if kind is Kind.DEQUE else [self._lower(p, depth + 1) for p in parts]
            )
        return ExtType(int(kind), self._packers.lone(parts))

    def _lower_deque(self, parts: list[Any], depth: int) -> list[Any]:
        return [parts[0], self._lower_items(parts[1], depth)]

    def _lower_items(self, items: list[Any], depth: int) -> list[Any]:
        out: list[Any] = []
        try:
            for item in items:
                out.append(self._lower(item, depth + 1))  # noqa: PERF401 - its length is the path of an error
        except Refusal as refusal:
            refusal.steps.append(f"[{len(out)}]")
            raise
        return out

    def _lower_dict(self, items: dict[Any, Any], depth: int) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        key: Any = None
        try:
            for key, item in items.items():
                out[self._lower(key, depth + 1)] = self._lower(item, depth + 1)
        except Refusal as refusal:
            refusal.steps.append(f"[{_brief(key)}]")
            raise
        return out

    def _class_parts(self, kind: Kind, value: Any, depth: int) -> list[Any]:
        parts: list[Any] = self._classes.parts(kind, value)
        match kind:
            case Kind.ENUM:
                parts = [self._lower(p, depth + 1) for p in parts]
            case Kind.NAMEDTUPLE:
                parts[2] = list(self._lower_fields(dict(zip(parts[1], parts[2], strict=True)), depth).values())
            case Kind.PYDANTIC:
                for i in (2, 4, 5):
                    parts[i] = None if parts[i] is None else self._lower_fields(parts[i], depth)
            case _:
                parts[2] = self._lower_fields(parts[2], depth)
        return parts

    def _lower_fields(self, fields: dict[str, Any], depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        name = ""
        try:
            for name, item in fields.items():
                out[name] = self._lower(item, depth + 1)
        except Refusal as refusal:
            refusal.steps.append(f".{name}")
            raise
        return out


def _collect(items: Frames, pieces: list[bytes | memoryview]) -> None:
    count = len(items)
    pieces.append(bytes((0x90 | count,)) if count < 16 else b"\xdd" + count.to_bytes(4, "big"))
    for item in items:
        if isinstance(item, bytes):
            pieces.append(memoryview(item)[_HEAD_SIZE:])
        else:
            _collect(item, pieces)


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


def _why(value: Any) -> str:
    cls = type(value)
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    base = next((b.__name__ for b in cls.__mro__[1:] if b in _SAFE or b in (list, dict) or b in kinds.PARTS), None)
    if base is not None:
        return f"is a {name}, a subclass of {base} that would come back changed: convert it with {base}(...)"
    return f"is a {name}, which cannot be stored: {_CURE}"


def _unstorable(refusal: Refusal, path: str) -> UnstorableValueError:
    steps = refusal.steps[::-1]
    shown = steps if len(steps) <= 12 else [*steps[:6], " ... ", *steps[-2:]]
    where = path + "".join(shown)
    return UnstorableValueError(f"{where} {refusal}", path + "".join(steps))


def _brief(key: Any) -> str:
    text = repr(key)
    return text if len(text) <= 60 else text[:57] + "..."
