"""What one function or class says by itself, and which other functions and classes it mentions.

The user's own code is looked into; that of Python's library, of installed packages and of nbhitl counts by name. What
is found does not depend on the process: no addresses, no order of sets. `nbhitl.engine.fingerprints` follows the
mentions.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import re
import sys
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from itertools import islice
from operator import is_
from pathlib import PurePath
from types import FunctionType, ModuleType
from typing import Any, Final

from nbhitl.engine.bytecode import read, spelled

_SCALARS: Final = frozenset({bool, int, float, complex, str, bytes, type(None), type(...), range})
_SPELLED: Final = frozenset({"datetime", "decimal", "fractions", "ipaddress", "pathlib", "uuid", "zoneinfo"})
"""Modules of the library whose values' ``repr`` says all of them."""
_WRAPPERS: Final = (property, classmethod, staticmethod, functools.cached_property, type(lru_cache(len)))
_WRAPPED: Final = ("fget", "fset", "fdel", "__func__", "func", "__wrapped__", "wrapped")
_MANY: Final = 1_000
"""How many members of a collection are looked at."""
_WORD: Final = re.compile(r"[^\W\d]\w*")


class Mention:
    """What is said of one function, class or value, and the user's functions, classes and graphs that it mentions."""

    __slots__ = ("_open", "fluid", "held", "looked_up", "named", "own", "refs", "said", "text", "thing")

    def __init__(self, thing: Any) -> None:
        self.thing = thing
        """Held, so that its ``id`` stays its own."""
        self.said: list[str] = []
        self.refs: list[Any] = []
        self.named: dict[str, tuple[str, list[Any]]] = {}
        """Of a function: a global or an enclosed variable that it reads, what is said of it, and what it mentions."""
        self.own = ""
        """Digest of what is said, the named ones aside."""
        self.text: tuple[tuple[str, ...], str] = ((), "")
        """For whoever follows the mentions: what they led to, and what was made of that."""
        self.held: tuple[Any, ...] = ()
        """What it was made from: as long as these are the same objects, nothing else has to be looked at."""
        self.fluid = False
        """Something in it can change in place."""
        self.looked_up = False
        """Names in texts were looked up: they may mean something else next time."""
        self._open: set[int] = set()

    def stands(self) -> bool:
        """Whether all of this would be said again."""
        if self.fluid or self.looked_up:
            return False
        now = made_from(self.thing)
        return len(now) == len(self.held) and all(map(is_, now, self.held))

    def digest(self) -> str:
        """Of all that is said here; what is mentioned aside."""
        if not self.named:
            return self.own
        return hashed(self.own, *(f"{name}={said}" for name, (said, _) in self.named.items()))

    def leads_to(self) -> list[Any]:
        """Everything mentioned, in order."""
        return [*self.refs, *(ref for _, refs in self.named.values() for ref in refs)]

    # -- functions

    def function(self, function: FunctionType) -> None:
        """Say what a function does. Globals that it sets itself are no part of that."""
        code = read(function.__code__)
        self.held = made_from(function)
        if function.__defaults__ or function.__kwdefaults__:
            self.put((function.__defaults__, function.__kwdefaults__))
        space, said = function.__globals__, [code.text, *self.said]
        for name in code.names:
            if name in space:
                self._name(name, space[name], said, code.attributes)
        for name, content in _enclosed(function):
            self._name(name, content, said, code.attributes)
        if len(said) == 1:
            self.own = code.text
            return
        text = "\n".join(said)
        self.own = code.known.get(text) or code.known.setdefault(text, hashed(text))

    def _name(self, name: str, value: Any, said: list[str], attributes: frozenset[str]) -> None:
        """Say what a name stands for; where that is nothing of the user's, it is said of the function itself."""
        kind = type(value)
        if kind is ModuleType or kind is FunctionType:
            home = value.__name__ if kind is ModuleType else value.__module__
            if not is_users(home):
                said.append(f"{name}:{home}.{value.__name__}")
                return
        inner = Mention(value)
        if kind is ModuleType:
            inner.module(value, attributes)
        else:
            inner.put(value, whole=False)
        self.named[name] = ("".join(inner.said), inner.refs)
        self._join(inner)

    def _join(self, inner: Mention) -> None:
        self.fluid |= inner.fluid
        self.looked_up |= inner.looked_up

    def module(self, module: ModuleType, attributes: frozenset[str], depth: int = 0) -> None:
        """Say what those names stand for in a module of the user's, and in modules below it."""
        self.fluid = True
        space = vars(module)
        for name in sorted(attributes & space.keys()):
            value = space[name]
            if type(value) is ModuleType:
                if is_users(value.__name__) and depth < 3:
                    self.module(value, attributes, depth + 1)
                continue
            self.said.append(f"{name}=")
            self.put(value, whole=False)

    # -- values

    def put(self, value: Any, *, whole: bool = True) -> None:
        """Say what a value is. Without ``whole``, a list, dict or set counts by the code in it: a run may fill it."""
        kind = type(value)
        if kind in _SCALARS:
            self.said.append(f"{spelled(value)};")
        elif kind is FunctionType or (isinstance(value, type) and typing.get_origin(value) is None):
            self._refer(value, users=is_users(value.__module__))
        elif is_graph(value):
            self._refer(value, users=True)
        elif id(value) in self._open:
            self.said.append("again;")
        else:
            self._open.add(id(value))
            self._compound(value, kind, whole)
            self._open.discard(id(value))

    def _refer(self, value: Any, *, users: bool) -> None:
        self.said.append("@;" if users else f"{called(value)};")
        if users:
            self.refs.append(value)

    def _compound(self, value: Any, kind: type, whole: bool) -> None:
        match value:
            case tuple():
                self._members(kind, value)
            case list():
                self.fluid = True
                self._members(kind, value, whole)
            case dict() | types.MappingProxyType():
                self.fluid = True
                self._members(kind, (part for pair in value.items() for part in pair), whole)
            case set() | frozenset():
                self._set(value, whole or isinstance(value, frozenset))
            case Enum():
                self._members(kind, (value.name,))
            case functools.partial():
                self._members(kind, (value.func, value.args, value.keywords))
            case types.MethodType():
                owner = value.__self__
                self._members(kind, (value.__func__, owner if isinstance(owner, type) else type(owner)))
            case re.Pattern():
                self._members(kind, (value.pattern, value.flags))
            case _ if isinstance(value, _WRAPPERS) or kind.__name__ == "PydanticDescriptorProxy":
                self._members(kind, [getattr(value, name, None) for name in _WRAPPED])
            case _ if typing.get_origin(value) is not None:
                self.hint(value, {})
            case _ if dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
                self._members(kind, [getattr(value, f.name, None) for f in dataclasses.fields(kind)])
            case _:
                self._object(value, kind)

    def _members(self, kind: type, members: Iterable[Any], whole: bool = True) -> None:
        self.put(kind)
        self.said.append("(")
        for member in islice(members, _MANY):
            if whole or type(member) not in _SCALARS:
                self.put(member, whole=whole)
        self.said.append(")")

    def _set(self, value: set[Any] | frozenset[Any], whole: bool) -> None:
        self.fluid |= not isinstance(value, frozenset)
        found = []
        for member in value if whole else ():
            one = Mention(member)
            one.put(member)
            self._join(one)
            found.append(("".join(one.said), [called(ref) for ref in one.refs], one.refs))
        found.sort(key=lambda each: each[:2])
        self.said.append(f"{type(value).__name__}({','.join(said for said, _, _ in found)})")
        self.refs += [ref for _, _, refs in found for ref in refs]

    def _object(self, value: Any, kind: type) -> None:
        """An object of some class: it counts by its class, and by the name that it may have."""
        self.put(kind)
        if kind.__module__ in _SPELLED or isinstance(value, PurePath):
            self.said.append(f"{value!r};")
        elif callable(value) and not is_users(kind.__module__):  # built-in functions, methods of built-in types, ufuncs
            self.said.append(f"{called(value)};")

    def attributes(self, value: Any, space: Mapping[str, Any]) -> None:
        """Say all of something that pydantic makes a schema of: a field, a constraint."""
        self.put(type(value))
        slots = [name for cls in type(value).__mro__ for name in cls.__dict__.get("__slots__", ())]
        for name in [*slots, *getattr(value, "__dict__", ())]:
            if name.startswith("_") or not hasattr(value, name):
                continue
            found = getattr(value, name)
            self.said.append(f"{name}=")
            if name == "annotation":
                self.hint(found, space)
            elif name == "metadata" and isinstance(found, list):
                for part in found:
                    self.attributes(part, space)
            else:
                self.put(found)

    def hint(self, hint: Any, space: Mapping[str, Any]) -> None:
        """Say what an annotation means; names in a text are looked up in ``space``."""
        text = hint.__forward_arg__ if isinstance(hint, typing.ForwardRef) else hint
        origin = typing.get_origin(hint)
        if isinstance(text, str):
            self.said.append(f"{text!r};")
            self.looked_up = True
            for found in (space.get(word) for word in _WORD.findall(text)):
                if isinstance(found, type):
                    self.put(found)
        elif isinstance(hint, (list, tuple)):  # of a Callable's parameters
            for part in hint:
                self.hint(part, space)
        elif origin is None:
            found = getattr(hint, "__supertype__", getattr(hint, "__value__", None))  # NewType, a type alias
            self.said.append(f"{called(hint)};")
            self.put(hint) if found is None else self.hint(found, space)
        elif origin is typing.Literal:
            self._members(type(hint), typing.get_args(hint))
        elif origin is typing.Annotated:
            self.hint(hint.__origin__, space)
            for part in hint.__metadata__:
                self.put(part) if callable(part) else self.attributes(part, space)
        else:
            self.said.append(f"{called(origin)}[")
            self.hint(typing.get_args(hint), space)
            self.said.append("]")


def made_from(thing: Any) -> tuple[Any, ...]:
    """The objects that decide what is said of a function or a class."""
    if type(thing) is not FunctionType:
        return tuple(vars(thing).values()) if isinstance(thing, type) else (thing,)
    code, space = thing.__code__, thing.__globals__
    found = (code, thing.__defaults__, thing.__kwdefaults__, *[space.get(name, space) for name in read(code).names])
    return (*found, *[content for _, content in _enclosed(thing)]) if thing.__closure__ else found


def _enclosed(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The variables of the functions around it that a function reads; those without a value left out."""
    free = read(function.__code__).free
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if name in free:
            with contextlib.suppress(ValueError):  # a name that has no value yet
                yield name, cell.cell_contents


def hashed(*texts: str) -> str:
    """16 hex digits of some texts."""
    return hashlib.blake2b("\0".join(texts).encode(errors="surrogatepass"), digest_size=8).hexdigest()


def called(value: Any) -> str:
    """The name of something that has one."""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "") or getattr(value, "_name", "")
    return f"{getattr(value, '__module__', '')}.{name}"


def is_graph(value: Any) -> bool:
    """Whether a value is a graph that was compiled."""
    return hasattr(type(value), "as_action")


@lru_cache(maxsize=4_096)
def is_users(module: str | None) -> bool:
    """Whether a module is the user's: a notebook or a file, and neither Python's, nor nbhitl's, nor installed."""
    if module is None or module == "__main__":
        return True  # made by exec; a notebook, or a script
    top = module.partition(".")[0]
    if top == "nbhitl" or top in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(top), "__file__", None) or getattr(sys.modules.get(module), "__file__", None) or ""
    return not {"site-packages", "dist-packages"} & set(PurePath(file).parts)
