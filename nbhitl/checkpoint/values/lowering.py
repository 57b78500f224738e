"""Values to what the packer packs exactly, for the codec: plain types and extensions, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgpack import ExtType

from nbhitl.checkpoint.values import arrays, kinds, pandas_values, polars_values
from nbhitl.checkpoint.values.classes import kind_of
from nbhitl.checkpoint.values.fields import class_name
from nbhitl.checkpoint.values.kinds import Kind, Parts, Refusal
from nbhitl.checkpoint.values.opaque import Opaque

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbhitl.checkpoint.values.classes import Classes

MAX_DEPTH: Final = 200
TOO_DEEP: Final = (
    f"is nested deeper than {MAX_DEPTH} levels, or contains itself (tuples, sets and objects count as two)"
)
SAFE: Final = frozenset({type(None), bool, int, float, str, bytes})
_AS_THEY_ARE: Final = SAFE - {int}
_FLAT: Final = frozenset({tuple, set, frozenset})


class Lowering:
    """One call of `Codec.encode`. ``pack`` makes bytes; ``pickles``: other values may be pickled."""

    __slots__ = ("_classes", "_pack", "_pickles", "_told")

    def __init__(self, classes: Classes, pack: Callable[[Any], bytes], *, pickles: bool) -> None:
        self._classes = classes
        self._pack = pack
        self._pickles = pickles
        self._told: set[type] = set()
        """The classes whose schema this value tells already."""

    def lower(self, value: Any, depth: int = 0) -> Any:
        """The value as plain types and extensions. Raises `Refusal`."""
        cls = type(value)
        if cls in SAFE and (cls is not int or -(2**63) <= value < 2**64):
            return value
        if depth > MAX_DEPTH:
            raise Refusal(TOO_DEEP, final=True)
        if cls is list:
            return self._items(value, depth)
        if cls is dict:
            return self._dict(value, depth)
        if cls is Opaque:
            return ExtType(value.kind, value.payload)
        if cls is Parts:
            return self._parts(value, depth)
        if not self._pickles:
            return self._other(value, cls, depth)
        try:
            return self._other(value, cls, depth)
        except Refusal as refusal:
            if refusal.final or refusal.steps:  # a part of it was refused, and pickling it was tried
                raise
            return self._pickle(value, cls, refusal)

    def _other(self, value: Any, cls: type, depth: int) -> ExtType:
        if (entry := kinds.PARTS.get(cls)) is not None:
            kind, take = entry
            parts = take(value)
            if cls in _FLAT:
                return self._extension(kind, self._items(parts, depth + 1))
            if kind is Kind.DEQUE:
                return self._extension(kind, [parts[0], self._items(parts[1], depth + 1)])
            return self._extension(kind, self._each(parts, depth + 1))
        if (array := arrays.numpy_kind(cls)) is not None:
            return self._extension(array, arrays.array_parts(array, value))
        if (own := kind_of(cls)) is not None:
            return self._extension(own, self._class_parts(own, value, depth + 1))
        if kinds.is_zone(cls):
            return self._extension(Kind.ZONE, kinds.zone_parts(value))
        if (parts := pandas_values.parts(value)) is not None:
            return self._extension(Kind.PANDAS, self._each(parts, depth + 1))
        if (parts := polars_values.parts(value)) is not None:
            return self._extension(Kind.POLARS, self._each(parts, depth + 1))
        raise _refusal(value)

    def _extension(self, kind: Kind, parts: Any) -> ExtType:
        return ExtType(int(kind), self._pack(parts))

    def _each(self, parts: Any, depth: int) -> Any:
        return [self.lower(p, depth + 1) for p in parts] if type(parts) is list else parts

    def _parts(self, parts: Parts, depth: int) -> list[Any]:
        try:
            return [self.lower(p, depth + 1) for p in parts.items]
        except Refusal as refusal:
            if parts.step:
                refusal.steps.append(parts.step)
            raise

    def _items(self, items: list[Any], depth: int) -> list[Any]:
        if _AS_THEY_ARE.issuperset(map(type, items)):  # a long column of text
            return items
        out: list[Any] = []
        try:
            for item in items:
                out.append(self.lower(item, depth + 1))  # noqa: PERF401 - its length is the path of an error
        except Refusal as refusal:
            refusal.steps.append(f"[{len(out)}]")
            raise
        return out

    def _dict(self, items: dict[Any, Any], depth: int) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        key: Any = None
        try:
            for key, item in items.items():
                out[self.lower(key, depth + 1)] = self.lower(item, depth + 1)
        except Refusal as refusal:
            refusal.steps.append(f"[{brief(key)}]")
            raise
        if len(out) != len(items):  # NaNs inside tuples: other objects, the same bytes
            raise Refusal("is a dict with keys that cannot be told apart once stored (NaN): use other keys")
        return out

    def _class_parts(self, kind: Kind, value: Any, depth: int) -> list[Any]:
        parts = self._classes.parts(kind, value, self._told)
        match kind:
            case Kind.ENUM:
                pass  # text and plain values
            case Kind.NAMEDTUPLE:
                parts[2] = list(self._fields(dict(zip(parts[1], parts[2], strict=True)), depth).values())
            case Kind.PYDANTIC:
                for i in (2, 4, 5):
                    parts[i] = None if parts[i] is None else self._fields(parts[i], depth)
            case _:
                parts[2] = self._fields(parts[2], depth)
        return [self.lower(p, depth + 1) for p in parts] if kind is Kind.ENUM else parts

    def _fields(self, fields: dict[str, Any], depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        name = ""
        try:
            for name, item in fields.items():
                out[name] = self.lower(item, depth + 1)
        except Refusal as refusal:
            refusal.steps.append(f".{name}")
            raise
        return out

    def _pickle(self, value: Any, cls: type, refusal: Refusal) -> ExtType:
        import pickle

        try:
            data = pickle.dumps(value, protocol=5)
        except Exception as error:
            raise Refusal(f"{refusal} (and it cannot be pickled: {type(error).__name__}: {error})") from error
        return self._extension(Kind.PICKLE, [class_name(cls), data])


def brief(key: Any) -> str:
    """A key's ``repr``, cut."""
    text = repr(key)
    return text if len(text) <= 60 else text[:57] + "..."


_PLAIN: Final = "keep what you need of it as plain data (numbers, text, lists, dicts, dataclasses, pydantic models)"
_SECRET: Final = "a secret must not be stored: let the node that needs it read it where it is kept"  # noqa: S105
_CURES: Final = {
    "builtins.memoryview": "use bytes(...)",
    "builtins.generator": "use list(...)",
    "builtins.function": "keep its name, and look it up in the node",
    "builtins.type": "keep its name, and look it up in the node",
    "builtins.module": "import it in the node",
    "re.Pattern": "keep its .pattern",
    "types.SimpleNamespace": "use vars(...), or a dataclass",
    "numpy.ma.MaskedArray": "use .filled(...), and .mask beside it",
    "numpy.ndarray": "use numpy.asarray(...)",
    "pandas.DataFrame": "make a pandas.DataFrame(...) of it",
    "pandas.Series": "make a pandas.Series(...) of it",
    "array.array": "use .tolist(), or a numpy array",
    "polars.lazyframe.frame.LazyFrame": "store its .collect()",
    "torch.Tensor": "use .numpy(force=True)",
}
_ROOMS: Final = {
    "ipaddress": "use str(...)",
    "PIL": "save it to a file and keep the path, or keep the bytes that .save() writes into an io.BytesIO",
    "matplotlib": "save it to a file and keep the path",
    "sklearn": "joblib.dump it to a file and keep the path",
    "scipy": "use .toarray(), or save it to a file and keep the path",
    "xarray": "use .to_dataframe(), or save it to a file and keep the path",
    "pyarrow": "use .to_pylist(), or a pandas or polars frame",
    "pydantic": "use str(...)",
    "pydantic_core": "use str(...)",
    "pandas": "use a DataFrame, a Series, or an Index",
    "dateutil": "use zoneinfo.ZoneInfo",
    "pytz": "use zoneinfo.ZoneInfo",
}


def _refusal(value: Any) -> Refusal:
    cls = type(value)
    name = cls.__qualname__ if cls.__module__ == "builtins" else class_name(cls)
    bases = cls.__mro__
    if any(b.__module__ == "pydantic.types" and "Secret" in b.__qualname__ for b in bases):
        return Refusal(f"is a {name}: {_SECRET}", final=True)
    base = next((b.__name__ for b in bases[1:] if b in SAFE or b in (list, dict) or b in kinds.PARTS), None)
    if base is not None:
        return Refusal(f"is a {name}, a subclass of {base} that would come back changed: convert it with {base}(...)")
    if isinstance(value, BaseException):
        return Refusal(f"is a {name}, an exception: keep str(...) or repr(...) of it")
    room = cls.__module__.partition(".")[0]
    cure = next((_CURES[n] for b in bases if (n := f"{b.__module__}.{b.__qualname__}") in _CURES), None)
    return Refusal(f"is a {name}, which cannot be stored: {cure or _ROOMS.get(room) or _PLAIN}")
