"""Search by meaning: which texts of a value are indexed, and who makes vectors of them."""

from __future__ import annotations

import asyncio
import inspect
import json
import math
import threading
from array import array
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypedDict

from nbhitl.engine.description import is_async
from nbhitl.engine.errors import StoreError

_MANY: Final = 100
"""Vectors from which on loading numpy is worth its time."""
Vector: TypeAlias = "array[float]"


class Embeddings(Protocol):
    """Makes vectors of texts: LangChain's class of that name, or whatever looks like it."""

    def embed_documents(self, texts: list[str]) -> Sequence[Sequence[float]]:
        """A vector for each text that is stored."""

    def embed_query(self, text: str) -> Sequence[float]:
        """The vector of a text that is looked for."""


Embed: TypeAlias = (
    Embeddings
    | Callable[[Sequence[str]], Sequence[Sequence[float]]]
    | Callable[[Sequence[str]], Awaitable[Sequence[Sequence[float]]]]
)


class _Needed(TypedDict):
    dims: int
    embed: Embed


class IndexConfig(_Needed, total=False):
    """How a store finds by meaning.

    ``dims``: how many numbers a vector has. ``embed``: a function of a list of texts that returns their vectors, sync
    or async, or LangChain's embeddings. ``fields``: paths of the texts that are indexed, such as ``["title",
    "notes[*].text"]``; ``["$"]``, the whole value, by default.
    """

    fields: list[str]


class Index:
    """An `IndexConfig` that was checked. Raises `StoreError`."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        dims, embed = given.get("dims"), given.get("embed")
        if not isinstance(dims, int) or isinstance(dims, bool) or dims < 1:
            raise StoreError(f"index: 'dims' is {dims!r:.40}; give the number of numbers that a vector has")
        if not callable(embed) and not callable(getattr(embed, "embed_documents", None)):
            raise StoreError(
                f"index: 'embed' is {embed!r:.40}; give a function of a list of texts that returns a vector for each, "
                "or LangChain's embeddings, e.g. init_embeddings('openai:text-embedding-3-small')"
            )
        self.dims: int = dims
        self.fields = paths(given.get("fields", ["$"]))
        self._embed: Any = embed

    def embed(self, documents: Sequence[str], queries: Sequence[str]) -> tuple[list[Vector], list[Vector]]:
        """Vectors of texts that are stored, and of those that are looked for."""
        if not hasattr(self._embed, "embed_documents"):
            texts = [*documents, *queries]
            made = _waited(self._embed(texts)) if texts else []
            return self._split(made, len(documents), len(queries))
        made = self._embed.embed_documents(list(documents)) if documents else []
        return self._checked(made, len(documents)), self._checked(
            [self._embed.embed_query(text) for text in queries], len(queries)
        )

    async def aembed(self, documents: Sequence[str], queries: Sequence[str]) -> tuple[list[Vector], list[Vector]]:
        """As `embed`, without blocking the loop."""
        embed = self._embed
        if hasattr(embed, "aembed_documents"):
            made = await embed.aembed_documents(list(documents)) if documents else []
            asked = [await embed.aembed_query(text) for text in queries]
            return self._checked(made, len(documents)), self._checked(asked, len(queries))
        if not is_async(embed):
            return await asyncio.to_thread(self.embed, documents, queries)
        texts = [*documents, *queries]
        return self._split(await embed(texts) if texts else [], len(documents), len(queries))

    def _split(self, made: Any, documents: int, queries: int) -> tuple[list[Vector], list[Vector]]:
        found = self._checked(made, documents + queries)
        return found[:documents], found[documents:]

    def _checked(self, made: Any, count: int) -> list[Vector]:
        found = [array("d", map(float, vector)) for vector in made]
        if len(found) != count:
            raise StoreError(f"index: 'embed' was given {count} texts and returned {len(found)} vectors")
        for vector in found:
            if len(vector) != self.dims:
                raise StoreError(f"index: 'embed' returned {len(vector)} numbers for a text, and 'dims' is {self.dims}")
            if not all(map(math.isfinite, vector)):
                raise StoreError("index: 'embed' returned a number that is none (nan or infinite)")
        return found


def _waited(made: Any) -> Any:
    """What a function returned; what an async one returned is waited for, on a thread where a loop runs here."""
    if not inspect.isawaitable(made):
        return made

    async def wait() -> Any:
        return await made

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    found: list[Any] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            found.append(asyncio.run(wait()))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            failed.append(error)

    thread = threading.Thread(target=work, name="nbhitl-embed", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


def nearness(query: Vector, vectors: Sequence[Vector]) -> Sequence[float]:
    """How near vectors are to one in direction, each from -1 to 1; 0 where one of both has none."""
    if len(vectors) >= _MANY and (numpy := _numpy()) is not None:
        with numpy.errstate(invalid="ignore"):
            rows, wanted = numpy.stack([numpy.frombuffer(vector) for vector in vectors]), numpy.frombuffer(query)
            lengths = numpy.linalg.norm(rows, axis=1) * numpy.linalg.norm(wanted)
            found: list[float] = numpy.nan_to_num(rows @ wanted / lengths).tolist()
            return found
    return [_cosine(query, vector) for vector in vectors]


def _cosine(one: Vector, other: Vector) -> float:
    lengths = math.sqrt(sum(x * x for x in one)) * math.sqrt(sum(x * x for x in other))
    return sum(map(float.__mul__, one, other)) / lengths if lengths else 0.0


def _numpy() -> Any:
    """numpy, which is no need; None where it is not there."""
    try:
        import numpy as np
    except ImportError:
        return None
    return np


# -- paths


def paths(given: Any) -> tuple[str, ...]:
    """Paths as they were given. Raises `StoreError` where that is no list of texts."""
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(path, str) for path in given):
        raise StoreError(f"index: {given!r:.60} is no list of paths; give e.g. ['title', 'notes[*].text']")
    return tuple(given)


def tokenize_path(path: str) -> list[str]:
    """The steps of a path: ``notes[*].text`` are ``notes``, ``[*]`` and ``text``."""
    found: list[str] = []
    word, depth = "", 0
    for sign in path:
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(sign, 0)
        opens = sign == "[" and depth == 1
        if word and (opens or (sign == "." and depth == 0)):
            found.append(word)
            word = ""
        if sign != "." or depth:
            word += sign
        if sign == "]" and depth == 0:
            found.append(word)
            word = ""
    return [*found, word] if word else found


def get_text_at_path(value: Any, path: str | list[str]) -> list[str]:
    """The texts that lie at a path of a value.

    ``title`` and ``meta.title`` name keys, ``notes[0]`` and ``notes[-1]`` elements, ``notes[*]`` and ``meta.*`` all of
    them, ``{title,meta.text}`` several paths, and ``$`` the whole value. A dict or list there is given as JSON.
    """
    return list(_texts(value, tokenize_path(path) if isinstance(path, str) else list(path)))


def _texts(value: Any, steps: Sequence[str]) -> Iterator[str]:
    if not steps or list(steps) == ["$"]:
        yield from _text(value)
        return
    step, rest = steps[0], steps[1:]
    if step.startswith("[") and step.endswith("]"):
        yield from _elements(value, step[1:-1].strip(), rest)
    elif step.startswith("{") and step.endswith("}"):
        for path in step[1:-1].split(","):
            yield from _texts(value, [*tokenize_path(path.strip()), *rest])
    elif step == "*":
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for part in parts:
            yield from _texts(part, rest)
    elif isinstance(value, dict) and step in value:
        yield from _texts(value[step], rest)


def _elements(value: Any, which: str, rest: Sequence[str]) -> Iterator[str]:
    if not isinstance(value, list):
        return
    if which == "*":
        for part in value:
            yield from _texts(part, rest)
    elif which.removeprefix("-").isdecimal() and -len(value) <= int(which) < len(value):
        yield from _texts(value[int(which)], rest)


def _text(value: Any) -> Iterator[str]:
    match value:
        case None:
            return
        case dict() | list():
            yield json.dumps(value, sort_keys=True, ensure_ascii=False)
        case _:
            yield str(value)
