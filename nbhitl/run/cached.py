"""Results of earlier runs: where a task's result lies in the cache, what is kept of it, what comes back.

A result counts for the same node of the same code (`fingerprints`) on the same input; a node that was edited begins
anew. Not kept is what a person had a part in: an approval counts for the run in which it was given.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pickle
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from nbhitl.engine.errors import UncachedResultWarning
from nbhitl.engine.records import MISSING, Entry, Send, Wrote
from nbhitl.run.remarks import remark
from nbhitl.run.results import shaped

if TYPE_CHECKING:
    from nbhitl.engine.description import Graph
    from nbhitl.engine.ports import BaseCache, FullKey
    from nbhitl.run.context import TaskContext

Entries: TypeAlias = tuple[Entry, ...]
ROOM = "nbhitl"
"""The first part of all namespaces."""


def namespace(graph: Graph, node: str) -> tuple[str, ...]:
    """Where the results of a node lie."""
    return (ROOM, graph.name, node)


def place_of(job: TaskContext) -> FullKey | None:
    """Where a task's result lies; None where it has none: without a cache, and where a person had a part in it."""
    policy, run, task = job.node.cache, job.run, job.task
    if policy is None or run.world.cache is None or task.id in job.position.asked:
        return None
    args, kwargs = _input(job)
    try:
        given = digest((args, kwargs)) if policy.key_func is None else policy.key_func(*args, **kwargs)
        known = given.hex() if isinstance(given, bytes) else str(given)
    except Exception as error:  # noqa: BLE001 - whatever the user's function, or pickling, raises
        _refused(job, error, "its input is not known by a key")
        return None
    code = run.code.get(task.node) or run.graph.code()[0].get(task.node, "")
    return namespace(run.graph, task.node), f"{digest(code)[:16]}-{known}"


def found(job: TaskContext, place: FullKey) -> Wrote | None:
    """What lies there."""
    try:
        value = _cache(job).get([place]).get(place, MISSING)
        if value is MISSING:
            return None
        goto = tuple(target if isinstance(target, str) else Send(*target) for target in value["goto"])
        return Wrote(job.task.id, tuple((name, update) for name, update in value["updates"]), goto, "cache")
    except Exception as error:  # noqa: BLE001 - a cache is no reason to fail
        _refused(job, error, "its cached result cannot be read")
        return None


def keep(job: TaskContext, place: FullKey, entries: Entries) -> None:
    """Keep what a task came to, if it wrote."""
    wrote = entries[0] if len(entries) == 1 else None
    policy = job.node.cache
    if not isinstance(wrote, Wrote) or wrote.by or policy is None:
        return
    goto = [target if isinstance(target, str) else [target.node, target.arg] for target in wrote.goto]
    value = {"updates": [[name, update] for name, update in wrote.updates], "goto": goto}
    try:
        _cache(job).set({place: (value, policy.ttl)})
    except Exception as error:  # noqa: BLE001 - a cache is no reason to fail
        _refused(job, error, "its result is not kept in the cache")


async def aplace_of(job: TaskContext) -> FullKey | None:
    """As `place_of`: a digest of much may take its time."""
    import asyncio

    return await asyncio.to_thread(place_of, job)


async def afound(job: TaskContext, place: FullKey) -> Wrote | None:
    """As `found`, without blocking the loop."""
    import asyncio

    return await asyncio.to_thread(found, job, place)


async def akeep(job: TaskContext, place: FullKey, entries: Entries) -> None:
    """As `keep`, without blocking the loop."""
    import asyncio

    await asyncio.to_thread(keep, job, place, entries)


def _cache(job: TaskContext) -> BaseCache:
    return cast("BaseCache", job.run.world.cache)  # without one there is no place


def _input(job: TaskContext) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """What the body is called with, without what the run fills in."""
    if job.run.graph.called:
        return job.run.given
    return (shaped(job, job.node.shape, job.values) if job.task.arg is MISSING else job.task.arg,), {}


def _refused(job: TaskContext, error: Exception, what: str) -> None:
    text = f"node {job.task.node!r} has a cache_policy, but {what}: {error}"
    remark(job.node.action, text, UncachedResultWarning)


def digest(value: Any) -> str:
    """A digest of a value's content: different content gives different digests.

    That of `nbhitl.engine.ids` must be the same after a restart, and takes objects that say nothing of themselves for
    equal: a question may do so, a cache may not.

    Raises:
        Exception: a value in it can neither be read nor pickled.
    """
    state = hashlib.blake2b(digest_size=20)
    _feed(value, state)
    return state.hexdigest()


def _feed(value: Any, state: hashlib.blake2b) -> None:
    kind = type(value)
    state.update(f"{kind.__module__}.{kind.__qualname__}(".encode())
    match value:
        case None | bool() | int() | float() | complex() | str() | Enum():
            state.update(repr(value).encode(errors="surrogatepass"))
        case bytes() | bytearray():
            _feed_bytes(value, state)
        case Mapping() if kind is dict:
            for name in sorted(value, key=digest):
                _feed(name, state)
                _feed(value[name], state)
        case list() | tuple():
            for part in value:
                _feed(part, state)
        case AbstractSet():
            state.update("".join(sorted(map(digest, value))).encode())
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            _feed([getattr(value, field.name) for field in dataclasses.fields(value)], state)
        case _ if callable(getattr(value, "model_dump", None)) and not isinstance(value, type):
            _feed(value.model_dump(), state)
        case _:
            _feed_bytes(pickle.dumps(value), state)
    state.update(b")")


def _feed_bytes(value: bytes | bytearray, state: hashlib.blake2b) -> None:
    state.update(b"%d:" % len(value))  # or some bytes would look like the end of these and the beginning of others
    state.update(value)
