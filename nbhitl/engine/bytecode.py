"""What a code object says: its instructions, constants and names, without places in files and without docstrings.

The text is made from bytecode, not from source: comments, line numbers and file names are no part of it, and no file
is read. Another version of Python may say the same in other instructions.
"""

from __future__ import annotations

import dis
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Final

_CONSTANT: Final = frozenset(dis.hasconst)
_EXTENDED: Final = dis.opmap["EXTENDED_ARG"]
_STORE_NAME: Final = dis.opmap["STORE_NAME"]
_GLOBAL: Final = dis.opmap["LOAD_GLOBAL"]
_NAMED: Final = frozenset(dis.opmap[name] for name in ("LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS") if name in dis.opmap)
_OWNED: Final = dis.opmap["STORE_GLOBAL"]
_ENCLOSED: Final = dis.opmap["STORE_DEREF"]
_ARGUMENTS: Final = 0x04 | 0x08  # *args, **kwargs
_DOCUMENTS: Final = frozenset({"__doc__", "__firstlineno__"})
_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Bytecode:
    """One code object, read."""

    code: CodeType
    """Held, so that its ``id`` stays its own."""
    text: str
    """Digest of what it does, in hex: equal for the same code in another place."""
    names: tuple[str, ...]
    """Globals that it reads and does not set itself, in order; those of functions inside it included."""
    free: tuple[str, ...]
    """Variables of the functions around it that it does not set itself."""
    attributes: frozenset[str]
    """Every name that it mentions, of attributes too."""
    known: dict[str, str] = field(default_factory=dict, compare=False)
    """For whoever reads it: what was made of the text before."""


_READ: dict[int, Bytecode] = {}


def read(code: CodeType) -> Bytecode:
    """A code object, read; once as long as it lives."""
    known = _READ.get(id(code))
    if known is None or known.code is not code:
        if len(_READ) >= _MOST:  # a notebook of many days: what is still there is read once more
            _READ.clear()
        known = _READ[id(code)] = _read(code)
    return known


def _read(code: CodeType) -> Bytecode:
    state = hashlib.blake2b(digest_size=8)
    loaded: dict[str, None] = {}
    owned: set[str] = set()
    mentioned: set[str] = set()
    _feed(code, state, loaded, owned, mentioned)
    names = tuple(name for name in loaded if name not in owned)
    free = tuple(name for name in code.co_freevars if name not in owned)
    return Bytecode(code, state.hexdigest(), names, free, frozenset(mentioned))


def _feed(code: CodeType, state: Any, loaded: dict[str, None], owned: set[str], mentioned: set[str]) -> None:
    said = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & _ARGUMENTS)
    state.update(_bytes(repr((*said, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars))))
    state.update(code.co_exceptiontable)
    mentioned.update(code.co_names)
    for op, what in _instructions(code, loaded, owned):
        if isinstance(what, CodeType):
            _feed(what, state, loaded, owned, mentioned)
        else:
            state.update(_bytes(f"{op}:{spelled(what) if op in _CONSTANT else what};"))


def _instructions(code: CodeType, loaded: dict[str, None], owned: set[str]) -> Iterator[tuple[int, Any]]:
    """Operation and argument, constants resolved; notes the globals that are read and set."""
    found: list[tuple[int, Any]] = []
    more = 0
    names, raw = code.co_names, code.co_code
    for op, low in zip(raw[::2], raw[1::2], strict=True):
        arg = low | more
        more = arg << 8 if op == _EXTENDED else 0
        if op == _EXTENDED:
            continue
        if op in _CONSTANT:
            found.append((op, code.co_consts[arg]))
            continue
        if op == _GLOBAL:
            loaded[names[arg >> 1]] = None
        elif op in _NAMED:
            loaded[names[arg]] = None
        elif op == _OWNED:
            owned.add(names[arg])
        elif op == _ENCLOSED:
            owned.update(_enclosed(code, arg))
        elif op == _STORE_NAME and names[arg] in _DOCUMENTS:
            found.pop()  # the docstring or the line of a class in a body
            continue
        found.append((op, arg))
    return iter(found)


def _enclosed(code: CodeType, place: int) -> tuple[str, ...]:
    """The variable of a function around it at a place among all its variables; none where it is its own."""
    first = len(code.co_varnames) + sum(name not in code.co_varnames for name in code.co_cellvars)
    return code.co_freevars[place - first : place - first + 1] if place >= first else ()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def spelled(value: Any) -> str:
    """A constant in words that are the same in every process."""
    if isinstance(value, tuple):
        return f"({','.join(map(spelled, value))})"
    if isinstance(value, frozenset):
        return f"{{{','.join(sorted(map(spelled, value)))}}}"
    return f"{type(value).__name__} {value!r}"
