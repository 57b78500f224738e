"""The closed set of extension codes, and how each standard type is taken apart and put together again.

`PARTS` maps an exact type to its code and to a function that takes a value apart into storable parts;
`MAKERS` maps a code back. Nothing here looks at a name in the data to find code: a code selects a function of
ours. Codes are part of the file format: never reuse or renumber one. Parts may get longer at their end.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections import deque
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from functools import lru_cache
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable


class Kind(IntEnum):
    """Extension codes of the file format."""

    BIGINT = 1
    TUPLE = 2
    SET = 3
    FROZENSET = 4
    DEQUE = 5
    BYTEARRAY = 6
    COMPLEX = 7
    RANGE = 8
    DECIMAL = 9
    UUID = 10
    PATH = 11
    DATETIME = 12
    DATE = 13
    TIME = 14
    TIMEDELTA = 15
    ARRAY = 16
    NUMPY_SCALAR = 17
    FRACTION = 18
    ZONE = 19
    PANDAS = 20
    POLARS = 21
    ENUM = 32
    DATACLASS = 33
    NAMEDTUPLE = 34
    PYDANTIC = 35
    PICKLE = 48


class Refusal(Exception):
    """A value cannot be stored; ``steps`` collects the way to it from the inside out.

    ``final``: not even with ``allow_pickle``.
    """

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.steps: list[str] = []
        self.final = final


class Unfit(Exception):
    """Stored parts do not fit anything that is known here: an `Opaque` when looking, an error when running.

    ``changed``: the class is known, and has other fields now. ``steps`` collects the way from the inside out.
    """

    def __init__(self, reason: str, type_name: str, *, changed: bool = False) -> None:
        super().__init__(reason)
        self.type_name = type_name
        self.changed = changed
        self.steps: list[Any] = []


def missing(library: str) -> Unfit:
    """The value is made by a library, which only the program may import."""
    return Unfit(f"needs {library}, which this program has not imported: import {library}, and load again", library)


class Parts:
    """Parts within parts: a plain list in the file that is no step of a path, but may name one (``.index``)."""

    __slots__ = ("items", "step")

    def __init__(self, step: str, *items: Any) -> None:
        self.step = step
        self.items = items


def is_zone(cls: type) -> bool:
    """Whether ``cls`` is `zoneinfo.ZoneInfo`; does not import it."""
    zoneinfo = sys.modules.get("zoneinfo")
    return zoneinfo is not None and cls is zoneinfo.ZoneInfo


def zone_parts(zone: dt.tzinfo) -> Any:
    """What is stored of a time zone. Raises `Refusal` for all but `zoneinfo.ZoneInfo` and `datetime.timezone`."""
    return _zone_parts(zone)


def _zone_parts(zone: dt.tzinfo | None) -> Any:
    """None, ``["fixed", timedelta parts, name or None]`` or ``["zone", key]``."""
    if zone is None:
        return None
    if type(zone) is dt.timezone:
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return ["fixed", _delta_parts(offset), name[0] if name else None]
    key = getattr(zone, "key", None)
    if is_zone(type(zone)) and isinstance(key, str) and key in _zones():
        return ["zone", key]
    raise Refusal(f"has a time zone of type {type(zone).__module__}.{type(zone).__qualname__}: use zoneinfo.ZoneInfo")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    # Known keys only: ZoneInfo("anything") may import a package whose name comes from the key.
    import zoneinfo

    return frozenset(zoneinfo.available_timezones())


def _make_zone(parts: Any) -> dt.tzinfo | None:
    match parts:
        case None:
            return None
        case ["fixed", delta, None]:
            return dt.timezone(_make_delta(delta))
        case ["fixed", delta, str(name)]:
            return dt.timezone(_make_delta(delta), name)
        case ["zone", str(key)] if key in _zones():
            from zoneinfo import ZoneInfo

            return ZoneInfo(key)
        case ["zone", str(key)]:
            reason = f"has the time zone {key[:60]!r}, which this machine does not know: install tzdata, and load again"
            raise Unfit(reason, "zoneinfo.ZoneInfo")
    raise ValueError("no time zone")


def _delta_parts(value: dt.timedelta) -> Any:
    return [value.days, value.seconds, value.microseconds]


def _make_delta(parts: Any) -> dt.timedelta:
    days, seconds, micros = parts
    return dt.timedelta(days=days, seconds=seconds, microseconds=micros)


def _datetime_parts(v: dt.datetime) -> Any:
    return [v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond, v.fold, _zone_parts(v.tzinfo)]


def _make_datetime(parts: Any) -> dt.datetime:
    *fields, fold, zone = parts
    year, month, day, hour, minute, second, micro = fields
    return dt.datetime(year, month, day, hour, minute, second, micro, _make_zone(zone), fold=fold)


def _time_parts(v: dt.time) -> Any:
    return [v.hour, v.minute, v.second, v.microsecond, v.fold, _zone_parts(v.tzinfo)]


def _make_time(parts: Any) -> dt.time:
    *fields, fold, zone = parts
    hour, minute, second, micro = fields
    return dt.time(hour, minute, second, micro, _make_zone(zone), fold=fold)


def _bigint_parts(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True)


def _decimal_parts(value: Decimal) -> str:
    return str(value)


def _make_decimal(text: Any) -> Decimal:
    if not isinstance(text, str) or not re.fullmatch(r"-?(\d+(\.\d+)?(E[+-]?\d+)?|Infinity|s?NaN\d*)", text):
        raise ValueError("no decimal")
    return Decimal(text)


_PATHS: Final = {c.__name__: c for c in (PosixPath, WindowsPath, PurePosixPath, PureWindowsPath)}


def _make_path(parts: Any) -> Any:
    name, text = parts
    try:
        return _PATHS[name](text)
    except NotImplementedError as error:  # a WindowsPath on Linux and the other way round
        raise Unfit(f"is a {name}, which this system has not: store a PurePath, or text", f"pathlib.{name}") from error


PARTS: Final[dict[type, tuple[Kind, Callable[[Any], Any]]]] = {
    int: (Kind.BIGINT, _bigint_parts),  # only reached by ints beyond 64 bits
    tuple: (Kind.TUPLE, list),
    set: (Kind.SET, list),
    frozenset: (Kind.FROZENSET, list),
    deque: (Kind.DEQUE, lambda v: [v.maxlen, list(v)]),
    bytearray: (Kind.BYTEARRAY, bytes),
    complex: (Kind.COMPLEX, lambda v: [v.real, v.imag]),
    range: (Kind.RANGE, lambda v: [v.start, v.stop, v.step]),
    Decimal: (Kind.DECIMAL, _decimal_parts),
    Fraction: (Kind.FRACTION, lambda v: [v.numerator, v.denominator]),
    UUID: (Kind.UUID, lambda v: v.bytes),
    dt.timezone: (Kind.ZONE, _zone_parts),
    dt.datetime: (Kind.DATETIME, _datetime_parts),
    dt.date: (Kind.DATE, lambda v: [v.year, v.month, v.day]),
    dt.time: (Kind.TIME, _time_parts),
    dt.timedelta: (Kind.TIMEDELTA, _delta_parts),
    **{c: (Kind.PATH, lambda v: [type(v).__name__, str(v)]) for c in _PATHS.values()},
}


def _make_bigint(data: Any) -> int:
    return int.from_bytes(data, "little", signed=True)


def _make_fraction(parts: Any) -> Fraction:
    above, below = parts
    if type(above) is not int or type(below) is not int:  # Fraction would also parse text
        raise ValueError("no fraction")
    return Fraction(above, below)


def _make_range(parts: Any) -> range:
    start, stop, step = parts
    return range(start, stop, step)


MAKERS: Final[dict[int, Callable[[Any], Any]]] = {
    Kind.BIGINT: _make_bigint,
    Kind.TUPLE: lambda parts: tuple(_listed(parts)),
    Kind.SET: lambda parts: set(_listed(parts)),
    Kind.FROZENSET: lambda parts: frozenset(_listed(parts)),
    Kind.DEQUE: lambda parts: deque(_listed(parts[1]), maxlen=parts[0]),
    Kind.BYTEARRAY: lambda data: bytearray(_bytes(data)),
    Kind.COMPLEX: lambda parts: complex(float(parts[0]), float(parts[1])),
    Kind.RANGE: _make_range,
    Kind.DECIMAL: _make_decimal,
    Kind.FRACTION: _make_fraction,
    Kind.ZONE: _make_zone,
    Kind.UUID: lambda data: UUID(bytes=_bytes(data)),
    Kind.PATH: _make_path,
    Kind.DATETIME: _make_datetime,
    Kind.DATE: lambda parts: dt.date(*parts),
    Kind.TIME: _make_time,
    Kind.TIMEDELTA: _make_delta,
}


def _listed(parts: Any) -> list[Any]:
    if type(parts) is not list:
        raise ValueError("a list was expected")
    return parts


def _bytes(data: Any) -> bytes:
    if type(data) is not bytes:  # bytearray(10**12) would take a number for a size
        raise ValueError("bytes were expected")
    return data
