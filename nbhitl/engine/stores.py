"""What a store of memory across threads is: items by namespace and key. Names are LangGraph's.

A namespace is a tuple of texts, as folders in a path are: ``("memories", "anna")``. A value is a dict of JSON's types.
The face of a store is written here, once; a store itself only knows how to do a list of operations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeAlias, cast

Namespace: TypeAlias = "tuple[str, ...]"
NamespacePath: TypeAlias = "tuple[str, ...]"
"""A namespace in which ``"*"`` stands for any one text."""
NamespaceMatchType: TypeAlias = Literal["prefix", "suffix"]
Index: TypeAlias = "Literal[False] | Sequence[str] | None"
"""Which texts of a value can be found by meaning: paths, False for none, None for those of the store's index."""


class NotProvided:
    """Says that an argument was left out, where None has a meaning."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NOT_PROVIDED"


NOT_PROVIDED: Final = NotProvided()


@dataclass(slots=True, kw_only=True)
class Item:
    """What a store holds under a key. A copy: changing it does not change the store."""

    value: dict[str, Any]
    key: str
    namespace: Namespace
    created_at: datetime
    """When it was first put, in UTC."""
    updated_at: datetime
    """When it was last put, in UTC."""

    def dict(self) -> dict[str, Any]:
        """All of it as JSON's types."""
        return {
            "namespace": list(self.namespace),
            "key": self.key,
            "value": self.value,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


@dataclass(slots=True, kw_only=True)
class SearchItem(Item):
    """An item that was found."""

    score: float | None = None
    """How near its meaning is to that of the query, 1 for the same; None where nothing was compared."""

    def dict(self) -> dict[str, Any]:
        """All of it as JSON's types."""
        return {**Item.dict(self), "score": self.score}


class GetOp(NamedTuple):
    """Look for one item. Its result is an `Item` or None."""

    namespace: Namespace
    key: str
    refresh_ttl: bool = True
    """Whether its time to live begins anew."""


class SearchOp(NamedTuple):
    """Look for items below a namespace. Its result is a list of `SearchItem`."""

    namespace_prefix: Namespace
    filter: Mapping[str, Any] | None = None
    limit: int = 10
    offset: int = 0
    query: str | None = None
    refresh_ttl: bool = True


class PutOp(NamedTuple):
    """Put a value, or delete it where that is None. Its result is None."""

    namespace: Namespace
    key: str
    value: Mapping[str, Any] | None
    index: Index = None  # type: ignore[assignment]  # LangGraph's name, which tuples have as well
    ttl: float | None = None
    """Minutes that it lives; None: for ever."""


class MatchCondition(NamedTuple):
    """How a namespace begins or ends."""

    match_type: NamespaceMatchType
    path: NamespacePath


class ListNamespacesOp(NamedTuple):
    """List namespaces that hold items. Its result is a sorted list of them."""

    match_conditions: tuple[MatchCondition, ...] | None = None
    max_depth: int | None = None
    limit: int = 100
    offset: int = 0


Op: TypeAlias = GetOp | SearchOp | PutOp | ListNamespacesOp
Result: TypeAlias = "Item | list[SearchItem] | list[Namespace] | None"


class BaseStore(ABC):
    """Memory across threads. A store of your own has to have `batch` and `abatch`; the rest stands on them."""

    supports_ttl: ClassVar[bool] = False
    default_ttl: float | None = None
    """Minutes that an item lives that was put without ``ttl``; None: for ever."""
    refresh_on_read: bool = True
    """Whether reading an item lets its time begin anew, where the reader does not say."""

    @abstractmethod
    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do all of ``ops``, or none; their results. Reads find what was there before, then puts follow in order."""

    @abstractmethod
    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """As `batch`, without blocking the loop."""

    def get(self, namespace: Namespace, key: str, *, refresh_ttl: bool | None = None) -> Item | None:
        """The item under a key; None where there is none, or its time is over.

        Args:
            namespace: where it lies, ``("memories", "anna")``.
            key: which it is.
            refresh_ttl: whether its time to live begins anew; None: as the store was made.
        """
        # What comes back is told by the kind of the operation, here and below.
        return cast("Item | None", self.batch([GetOp(namespace, key, self._refresh(refresh_ttl))])[0])

    def search(
        self,
        namespace_prefix: Namespace,
        /,
        *,
        query: str | None = None,
        filter: Mapping[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """Items whose namespace begins so, the oldest first; with a query, the nearest in meaning first.

        Args:
            namespace_prefix: ``("memories",)`` finds what lies in ``("memories", "anna")``, too; ``()`` everything.
            query: a text; where the store has an index, items get a ``score``.
            filter: what values have to have: ``{"kind": "food", "stars": {"$gte": 3}, "of": {"city": "Bern"}}``. The
                operators are ``$eq``, ``$ne``, ``$gt``, ``$gte``, ``$lt`` and ``$lte``.
            limit: at most so many.
            offset: after so many.
            refresh_ttl: as in `get`.
        """
        op = SearchOp(namespace_prefix, filter, limit, offset, query, self._refresh(refresh_ttl))
        return cast("list[SearchItem]", self.batch([op])[0])

    def put(
        self,
        namespace: Namespace,
        key: str,
        value: Mapping[str, Any],
        index: Index = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Store a value, in place of one that is there.

        Args:
            namespace: texts without ``.``, not beginning with ``"langgraph"``; at least one.
            key: a text.
            value: a dict of JSON's types.
            index: paths of the texts that can be found by a query, such as ``["title", "notes[*].text"]``; False for
                none; None: as the store's index says.
            ttl: minutes that it lives; None for ever; by default, as the store was made.

        Raises:
            UnstorableValueError: the value is no JSON; names the place.
            NbhitlError: a namespace, key or time that cannot be.
        """
        self.batch([PutOp(namespace, key, value, index, self._ttl(ttl))])

    def delete(self, namespace: Namespace, key: str) -> None:
        """Delete an item; nothing happens where there is none."""
        self.batch([PutOp(namespace, key, None)])

    def list_namespaces(
        self,
        *,
        prefix: NamespacePath | None = None,
        suffix: NamespacePath | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Namespace]:
        """Namespaces that hold items, sorted.

        Args:
            prefix: how they begin; ``"*"`` in it stands for any one text.
            suffix: how they end.
            max_depth: cut off what is deeper, and name what is left once.
            limit: at most so many.
            offset: after so many.
        """
        op = ListNamespacesOp(_conditions(prefix, suffix), max_depth, limit, offset)
        return cast("list[Namespace]", self.batch([op])[0])

    async def aget(self, namespace: Namespace, key: str, *, refresh_ttl: bool | None = None) -> Item | None:
        """As `get`, without blocking the loop."""
        op = GetOp(namespace, key, self._refresh(refresh_ttl))
        return cast("Item | None", (await self.abatch([op]))[0])

    async def asearch(
        self,
        namespace_prefix: Namespace,
        /,
        *,
        query: str | None = None,
        filter: Mapping[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """As `search`, without blocking the loop."""
        op = SearchOp(namespace_prefix, filter, limit, offset, query, self._refresh(refresh_ttl))
        return cast("list[SearchItem]", (await self.abatch([op]))[0])

    async def aput(
        self,
        namespace: Namespace,
        key: str,
        value: Mapping[str, Any],
        index: Index = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """As `put`, without blocking the loop."""
        await self.abatch([PutOp(namespace, key, value, index, self._ttl(ttl))])

    async def adelete(self, namespace: Namespace, key: str) -> None:
        """As `delete`, without blocking the loop."""
        await self.abatch([PutOp(namespace, key, None)])

    async def alist_namespaces(
        self,
        *,
        prefix: NamespacePath | None = None,
        suffix: NamespacePath | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Namespace]:
        """As `list_namespaces`, without blocking the loop."""
        op = ListNamespacesOp(_conditions(prefix, suffix), max_depth, limit, offset)
        return cast("list[Namespace]", (await self.abatch([op]))[0])

    def _refresh(self, given: bool | None) -> bool:
        return self.refresh_on_read if given is None else given

    def _ttl(self, given: float | NotProvided | None) -> float | None:
        return self.default_ttl if isinstance(given, NotProvided) else given


def _conditions(prefix: NamespacePath | None, suffix: NamespacePath | None) -> tuple[MatchCondition, ...]:
    found = []
    if prefix is not None:
        found.append(MatchCondition("prefix", prefix))
    if suffix is not None:
        found.append(MatchCondition("suffix", suffix))
    return tuple(found)
