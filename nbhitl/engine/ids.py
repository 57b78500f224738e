"""Deterministic names: the same run of the same graph gives the same ids, on every machine.

Only `digest` looks inside values; it never calls code that a value brings along except a pydantic model's
``model_dump``.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sized
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any

_SCALARS = (bool, int, float, complex, str, bytes, type(None))


def checkpoint_id(run: str, number: int) -> str:
    """The id of a run's ``number``-th checkpoint."""
    return f"{run}-{number:04d}"


def task_id(checkpoint: str, place: int) -> str:
    """The id of the task at ``place`` in a checkpoint's tasks."""
    return f"{checkpoint}:{place}"


def interrupt_id(task: str, binding: str) -> str:
    """The id of a question: 16 hex digits of its task and of what it is bound to."""
    return hashlib.blake2b(f"{task}\0{binding}".encode(errors="surrogatepass"), digest_size=8).hexdigest()


def digest(value: Any) -> str:
    """A fingerprint of a value's content: equal content gives equal digests, in every process.

    Objects of kinds unknown here count by their ``repr``, or by their class name where that holds an address: it
    would make the same question look new after a restart.
    """
    state = hashlib.blake2b(digest_size=16)
    _feed(value, state.update, 0)
    return state.hexdigest()


def _feed(value: Any, update: Callable[[bytes], None], depth: int) -> None:
    kind = type(value)
    if kind in _SCALARS:
        update(f"{kind.__name__}:{value!r};".encode(errors="surrogatepass"))
        return
    update(f"{kind.__qualname__}(".encode())
    if depth > 50:  # deeper than any question: what lies below does not tell questions apart
        return
    for part in _parts(value):
        if isinstance(part, bytes):
            update(part)
        else:
            _feed(part, update, depth + 1)
    update(b")")


def _parts(value: Any) -> list[Any]:
    if isinstance(value, Enum):
        return [value.name]
    if isinstance(value, Mapping):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, AbstractSet):
        return sorted(digest(member) for member in value)
    if isinstance(value, (list, tuple)):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, f.name) for f in dataclasses.fields(value)]
    if isinstance(value, type):
        return [value.__qualname__]
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return [dump()]
    dtype = getattr(value, "dtype", None)
    if dtype is not None and callable(getattr(value, "tolist", None)):
        return [str(dtype), str(getattr(value, "shape", "")), value.tolist()]
    frame = getattr(value, "to_dict", None)
    if callable(frame):  # a table of pandas or polars
        return [frame()]
    if getattr(value, "typecode", None) is not None:  # array.array
        return [str(getattr(value, "typecode", "")), *value]
    if isinstance(value, Iterable) and isinstance(value, Sized) and not isinstance(value, (str, bytes)):
        return list(value)
    text = repr(value)  # dates, decimals, paths, ids: their text says all of them
    return [] if " at 0x" in text else [text]
