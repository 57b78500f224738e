"""Values as Python expressions that make them again. What has none is told apart by a digest of its content.

May not guess: every expression is evaluated once, and counts only when it makes an equal value of the same kind.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import sys
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any, Final

from nbhitl.engine.ids import digest

WIDTH: Final = 110
"""Characters from which on a list or a dict is broken into lines."""
LONGEST: Final = 20_000
"""Characters of an expression that somebody would still read; what is longer counts by its digest."""

_REPR: Final = {
    dt.datetime: "datetime", dt.date: "datetime", dt.time: "datetime",
    dt.timedelta: "datetime", decimal.Decimal: "decimal", uuid.UUID: "uuid", zoneinfo.ZoneInfo: "zoneinfo",
}  # fmt: skip
"""Kinds whose repr makes them again, and the module that it needs."""


class NoLiteral(Exception):
    """A value cannot be written as an expression."""


class Literals:
    """Writes expressions, and collects what they need to be imported.

    Args:
        known: classes that have a name where the expressions will stand.
    """

    def __init__(self, known: Mapping[type, str]) -> None:
        self.known = dict(known)
        self.imports: set[str] = set()
        self._space: dict[str, Any] = {name: kind for kind, name in known.items()}

    def of(self, value: Any, indent: int = 0) -> str:
        """The expression, broken into lines where it is long; ``indent`` is that of the line it begins in.

        Raises:
            NoLiteral: there is none, or it would not make an equal value.
        """
        before = set(self.imports)
        try:
            text = self._written(value, indent)
            if len(text) > LONGEST:
                raise NoLiteral(f"{len(text)} characters")
            made = eval(text, dict(self._space))  # noqa: S307 - an expression that was written here, from known parts
            if type(made) is not type(value) or digest(made) != digest(value) or not made == value:
                raise NoLiteral("its expression makes another value")
        except NoLiteral:
            self.imports = before
            raise
        except Exception as error:
            self.imports = before
            raise NoLiteral(str(error)) from error
        return text

    def _written(self, value: Any, indent: int) -> str:
        kind = type(value)
        if kind is str:
            return quoted(value)
        if kind in (type(None), bool, int, bytes):
            return repr(value)
        if kind is float:
            if value != value or value in (float("inf"), float("-inf")):
                raise NoLiteral("no number that equals itself")
            return repr(value)
        if kind in (list, tuple, set, frozenset, dict):
            return self._container(value, kind, indent)
        if kind in _REPR:
            return self._module(_REPR[kind], self._qualified(value))
        if isinstance(value, pathlib.PurePath):
            pure = "" if isinstance(value, pathlib.Path) else "Pure"
            return self._module("pathlib", f"pathlib.{pure}Path({str(value)!r})")
        if isinstance(value, enum.Enum):
            return f"{self._name(kind)}[{quoted(value.name)}]"
        if dataclasses.is_dataclass(value):
            members = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
            return self._call(self._name(kind), members, indent)
        dump = getattr(value, "model_dump", None)
        if callable(dump):
            return f"{self._name(kind)}.model_validate({self._written(dump(), indent)})"
        raise NoLiteral(kind.__name__)

    def _qualified(self, value: Any) -> str:
        """The repr of a value of the standard library, with its module in front."""
        text, module = repr(value), _REPR[type(value)]
        if "zoneinfo." in text:
            self._module("zoneinfo", "")
        return text if text.startswith(f"{module}.") else f"{module}.{text}"

    def _container(self, value: Any, kind: type, indent: int) -> str:
        inner = indent + 4
        if kind is dict:
            parts = [f"{self._written(key, inner)}: {self._written(item, inner)}" for key, item in value.items()]
            return _joined("{", parts, "}", indent)
        if kind in (set, frozenset):
            parts = sorted(self._written(item, inner) for item in value)
            text = _joined("{", parts, "}", indent) if parts else "set()"
            return text if kind is set else f"frozenset({text if parts else ''})"
        parts = [self._written(item, inner) for item in value]
        if kind is tuple:
            return _joined("(", parts, ")", indent) if len(parts) != 1 else f"({parts[0]},)"
        return _joined("[", parts, "]", indent)

    def _call(self, name: str, members: Mapping[str, Any], indent: int) -> str:
        parts = [f"{key}={self._written(item, indent + 4)}" for key, item in members.items()]
        return _joined(f"{name}(", parts, ")", indent)

    def _module(self, name: str, text: str) -> str:
        self.imports.add(f"import {name}")
        self._space[name] = sys.modules[name]
        return text

    def _name(self, kind: type) -> str:
        """How a class is called where the expression stands; imports it where that is possible."""
        if kind in self.known:
            return self.known[kind]
        module, top = kind.__module__, kind.__qualname__.partition(".")[0]
        home = sys.modules.get(module)
        if module in ("__main__", "builtins") or home is None or "<locals>" in kind.__qualname__:
            raise NoLiteral(kind.__qualname__)
        if getattr(home, "__spec__", None) is None or top in self._space:
            raise NoLiteral(kind.__qualname__)
        self._space[top] = getattr(home, top, None)
        self.imports.add(f"from {module} import {top}")
        self.known[kind] = kind.__qualname__
        return kind.__qualname__


def quoted(text: str) -> str:
    """A text as a Python literal, in double quotes where it can be."""
    found = repr(text)
    return f'"{found[1:-1]}"' if found.startswith("'") and '"' not in found else found


def _joined(begin: str, parts: list[str], end: str, indent: int) -> str:
    flat = f"{begin}{', '.join(parts)}{end}"
    if "\n" not in flat and indent + len(flat) <= WIDTH:
        return flat
    space = " " * (indent + 4)
    return begin + "".join(f"\n{space}{part}," for part in parts) + f"\n{' ' * indent}{end}"


def assertions(name: str, value: Any, write: Callable[[Any], str]) -> list[str]:
    """Lines that hold when ``name`` stands for a value like this one, as far as that can be said."""
    try:
        return [f"assert {name} == {write(value)}"]
    except NoLiteral:
        kind = type(value)
        what = f"{kind.__module__}.{kind.__qualname__}"
        if " at 0x" in _text(value):
            return [
                f"# {name} is a {what}: nothing of its content can be compared, so only its kind is.",
                f"assert type({name}).__qualname__ == {quoted(kind.__qualname__)}",
            ]
        return [
            f"# {name} is a {what} that cannot be written down: its content is compared by a digest.",
            f"assert digest({name}) == {quoted(digest(value))}",
        ]


def _text(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple, set, frozenset)) or dataclasses.is_dataclass(value):
        return ""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a repr of somebody's class may fail in any way
        return ""
