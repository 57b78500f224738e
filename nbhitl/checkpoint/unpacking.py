"""Bytes to values, for `nbhitl.checkpoint.codec`. Bytes only select functions of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgpack

from nbhitl.checkpoint import arrays, kinds
from nbhitl.checkpoint.kinds import Kind, Unfit
from nbhitl.checkpoint.opaque import Opaque

if TYPE_CHECKING:
    from nbhitl.checkpoint.classes import Classes

_DEEPEST: Final = 101
"""Extensions within extensions: half of the codec's depth, and one."""


class Unpacking:
    """One call of `Codec.decode`.

    Extensions are held until msgpack has returned, and only then made: its C unpacker takes 40 KB of stack,
    so calling it from its own hook overflows the stack after some 200 levels.
    """

    def __init__(self, classes: Classes) -> None:
        self._classes = classes
        self._held = 0

    def loads(self, body: bytes, depth: int = 0) -> Any:
        """The value of a body. Raises all sorts of errors for odd bytes; the codec makes them one."""
        before = self._held
        tree = msgpack.unpackb(
            body, ext_hook=self._hold, raw=False, strict_map_key=False, unicode_errors="surrogatepass"
        )
        return tree if self._held == before else self._settle(tree, depth)

    def _hold(self, code: int, payload: bytes) -> _Held:
        self._held += 1
        return _Held(code, payload)

    def _settle(self, tree: Any, depth: int) -> Any:
        """The tree with everything that was held made, in place where that is possible."""
        kind = type(tree)
        if kind is _Held:
            return self._make(Kind(tree.code), tree.payload, depth + 1)
        if kind is list:
            for i, item in enumerate(tree):
                if type(item) in _NESTING:
                    tree[i] = self._settle(item, depth)
        elif kind is dict:
            for key, item in tree.items():
                if type(item) in _NESTING:
                    tree[key] = self._settle(item, depth)
            if _Held in map(type, tree):
                return {self._settle(key, depth): item for key, item in tree.items()}
        return tree

    def _make(self, kind: Kind, payload: bytes, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("extensions are nested too deep")
        parts = self.loads(payload, depth)
        try:
            if kind in kinds.MAKERS:
                return kinds.MAKERS[kind](parts)
            if kind in (Kind.ARRAY, Kind.NUMPY_SCALAR):
                return arrays.make_array(kind, parts)
            return self._classes.make(kind, parts)
        except Unfit:
            return _opaque(kind, parts, payload)


class _Held:
    """An extension that was read and not yet made."""

    __slots__ = ("code", "payload")

    def __init__(self, code: int, payload: bytes) -> None:
        self.code = code
        self.payload = payload


_NESTING: Final = frozenset({list, dict, _Held})


def _opaque(kind: Kind, parts: Any, payload: bytes) -> Opaque:
    match kind, parts:
        case Kind.ENUM, [str(name), member, value]:
            return Opaque(name, {"name": member, "value": value}, int(kind), payload)
        case Kind.NAMEDTUPLE, [str(name), list(names), list(values)]:
            return Opaque(name, dict(zip(names, values, strict=False)), int(kind), payload)
        case ((Kind.DATACLASS | Kind.PYDANTIC), [str(name), _, dict(fields), *_]):
            return Opaque(name, fields, int(kind), payload)
        case Kind.ENUM | Kind.NAMEDTUPLE | Kind.DATACLASS | Kind.PYDANTIC, _:
            raise ValueError(f"odd parts of a {kind.name.lower()}")
    return Opaque(kind.name.lower(), parts, int(kind), payload)
