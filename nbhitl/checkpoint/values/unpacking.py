"""Bytes to values, for `nbhitl.checkpoint.values.codec`. Bytes only select functions of ours."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgpack

from nbhitl.checkpoint.values import arrays, kinds, pandas_values, polars_values
from nbhitl.checkpoint.values.classes import types_of
from nbhitl.checkpoint.values.kinds import Kind, Unfit
from nbhitl.checkpoint.values.opaque import Opaque

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbhitl.checkpoint.values.classes import Classes

_DEEPEST: Final = 101
"""Extensions within extensions: half of the codec's depth, and one."""
_OBJECTS: Final = frozenset({Kind.ENUM, Kind.NAMEDTUPLE, Kind.DATACLASS, Kind.PYDANTIC})
_LIBRARIES: Final = {int(Kind.PANDAS): "pandas", int(Kind.POLARS): "polars"}
_MAKERS: Final[dict[int, Callable[[Any], Any]]] = {  # by plain numbers: an enum's hash is slow
    **{int(kind): make for kind, make in kinds.MAKERS.items()},
    int(Kind.ARRAY): partial(arrays.make_array, Kind.ARRAY),
    int(Kind.NUMPY_SCALAR): partial(arrays.make_array, Kind.NUMPY_SCALAR),
    int(Kind.PANDAS): pandas_values.make,
    int(Kind.POLARS): polars_values.make,
}


class Named(str):
    """A step of a path that is no index or key: it stands in the path as it is."""

    __slots__ = ()


class Unpacking:
    """One call of `Codec.decode`.

    Extensions are held until msgpack has returned, and only then made: its C unpacker takes 40 KB of stack,
    so calling it from its own hook overflows the stack after some 200 levels.
    """

    # Most frames are plain: what they do not need is not set.
    strict = False
    """What does not fit raises `Unfit` instead of becoming an `Opaque`."""
    pickles = False
    """What was pickled is unpickled."""
    opaques = 0
    """How many values became an `Opaque`."""
    _body = b""
    _types: dict[tuple[str, int | None], dict[str, str]] | None = None
    tree: Any = None
    """The outermost value, as far as it was made: where an error stands is told by it."""

    def __init__(self, classes: Classes) -> None:
        self._classes = classes
        self._held = 0

    def loads(self, body: bytes) -> Any:
        """The value of a body. Raises all sorts of errors for odd bytes; the codec makes them one."""
        tree = msgpack.unpackb(
            body, ext_hook=self._hold, raw=False, strict_map_key=False, unicode_errors="surrogatepass"
        )
        if not self._held:
            return tree
        self._body, self.tree = body, tree
        return self._settle(tree, 0)

    def _unpack(self, body: bytes) -> Any:
        return msgpack.unpackb(
            body, ext_hook=self._hold, raw=False, strict_map_key=False, unicode_errors="surrogatepass"
        )

    def _hold(self, code: int, payload: bytes) -> _Held:
        self._held += 1
        return _Held(code, payload)

    def _settle(self, tree: Any, depth: int) -> Any:
        """The tree with everything that was held made, in place where that is possible."""
        kind = type(tree)
        if kind is _Held:
            return self._make(tree.code, tree.payload, depth + 1)
        step: Any = None
        try:
            if kind is list:
                for step, item in enumerate(tree):
                    if type(item) in _NESTING:
                        tree[step] = self._settle(item, depth)
            elif kind is dict:
                for step, item in tree.items():
                    if type(item) in _NESTING:
                        tree[step] = self._settle(item, depth)
                if _Held in map(type, tree):
                    step = Named("[a key]")
                    made = {self._settle(key, depth): item for key, item in tree.items()}
                    if len(made) != len(tree):
                        raise ValueError("keys that are equal")
                    return made
        except Unfit as unfit:
            unfit.steps.append(step)
            raise
        return tree

    def _make(self, code: int, payload: bytes, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("extensions are nested too deep")
        if self.strict and (library := _LIBRARIES.get(code)) is not None and library not in sys.modules:
            raise kinds.missing(library)  # before its parts say the same
        held, opaques = self._held, self.opaques
        parts = self._unpack(payload)
        if self._held != held:
            try:
                parts = self._settle(parts, depth)
            except Unfit as unfit:
                unfit.steps[:] = _told(Kind(code), parts, unfit.steps)
                raise
        try:
            if (maker := _MAKERS.get(code)) is not None:
                return maker(parts)
            kind = Kind(code)
            return self._unpickle(parts) if kind is Kind.PICKLE else self._classes.make(kind, parts, self._find)
        except Unfit:
            if self.strict:
                raise
        except Exception:
            if self.opaques == opaques:  # else: a part of it is opaque, and so it cannot be made
                raise
        self.opaques += 1
        return _opaque(Kind(code), parts, payload)

    def _unpickle(self, parts: Any) -> Any:
        name, data = parts
        if type(name) is not str or type(data) is not bytes:
            raise ValueError("odd parts of a pickle")
        if not self.pickles:
            raise Unfit(f"is a {name} that was pickled: allow_pickle=True loads it, and runs whatever it says", name)
        import pickle

        try:
            return pickle.loads(data)  # noqa: S301 - the caller allowed it
        except Exception as error:
            raise Unfit(f"is a {name} that cannot be unpickled ({type(error).__name__}: {error})", name) from error

    def _find(self, name: str, print_: int | None) -> dict[str, str]:
        """The types of a class's fields when it was stored: the first of its objects in the frame tells them."""
        if self._types is None:
            self._types = {}
            for held in self._extensions(self._body):
                self._search(held, 0, self._types)
        return self._types.get((name, print_), {})

    def _search(self, held: _Held, depth: int, found: dict[tuple[str, int | None], dict[str, str]]) -> None:
        if depth > _DEEPEST:
            raise ValueError("extensions are nested too deep")
        if held.code in _OBJECTS:
            name, print_, types = types_of(Kind(held.code), self._unpack(held.payload))
            if types is not None:
                found.setdefault((name, print_), types)
        for inner in self._extensions(held.payload):
            self._search(inner, depth + 1, found)

    def _extensions(self, body: bytes) -> list[_Held]:
        found: list[_Held] = []

        def hold(code: int, payload: bytes) -> _Held:
            found.append(_Held(code, payload))
            return found[-1]

        msgpack.unpackb(body, ext_hook=hold, raw=False, strict_map_key=False, unicode_errors="surrogatepass")
        return found


class _Held:
    """An extension that was read and not yet made."""

    __slots__ = ("code", "payload")

    def __init__(self, code: int, payload: bytes) -> None:
        self.code = code
        self.payload = payload


_NESTING: Final = frozenset({list, dict, _Held})


def path_of(steps: list[Any]) -> str:
    """The steps of an `Unfit`, which go from the inside out, as a path."""
    said = [step if isinstance(step, Named) else f"[{step!r:.60}]" for step in reversed(steps)]
    return "".join(said if len(said) <= 12 else [*said[:6], " ... ", *said[-2:]])


def _told(kind: Kind, parts: Any, steps: list[Any]) -> list[Any]:
    """The steps into an extension's parts as a person sees them: an object's field, a list's index."""
    *inner, outer = steps
    match kind:
        case Kind.DEQUE:
            return inner
        case Kind.DATACLASS | Kind.PYDANTIC:
            return [*inner[:-1], Named(f".{inner[-1]}")] if inner else []
        case Kind.NAMEDTUPLE:
            return [*inner[:-1], Named(f".{parts[1][inner[-1]]}")] if inner else []
        case Kind.TUPLE:
            return steps
        case Kind.SET | Kind.FROZENSET:
            return [*inner, Named("[an element]")]
        case Kind.PANDAS | Kind.POLARS:
            return [Named(f" (a part of a {kind.name.lower()} value)")]
    return [outer] if isinstance(outer, Named) else []


def _opaque(kind: Kind, parts: Any, payload: bytes) -> Opaque:
    match kind, parts:
        case Kind.ENUM, [str(name), member, value]:
            return Opaque(name, {"name": member, "value": value}, int(kind), payload)
        case Kind.NAMEDTUPLE, [str(name), list(names), list(values), *_]:
            return Opaque(name, dict(zip(names, values, strict=False)), int(kind), payload)
        case ((Kind.DATACLASS | Kind.PYDANTIC), [str(name), _, dict(fields), *_]):
            return Opaque(name, fields, int(kind), payload)
        case Kind.PICKLE, [str(name), _]:
            return Opaque(name, None, int(kind), payload)
        case Kind.ENUM | Kind.NAMEDTUPLE | Kind.DATACLASS | Kind.PYDANTIC, _:
            raise ValueError(f"odd parts of a {kind.name.lower()}")
    return Opaque(kind.name.lower(), parts, int(kind), payload)
