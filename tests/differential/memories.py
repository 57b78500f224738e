"""Random programs whose nodes use a store and a context as plain data, and the strategies that make them.

`tests.differential.remember` makes and plays them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

OWN = "$user"
"""In a namespace: who the context says the caller is."""


@dataclass(frozen=True)
class Use:
    """One operation on the store, see `OPS`; ``batch`` is a get and a search."""

    op: str
    ns: tuple[str, ...]
    key: str = "k"
    value: Any = None
    filter: Any = None
    limit: int = 10
    offset: int = 0
    depth: int | None = None


@dataclass(frozen=True)
class Keeper:
    """A node; with ``sub`` it is a graph of one node of the same kind."""

    uses: tuple[Use, ...]
    access: str = "store"
    """How the body comes to the store: a parameter of that name, or a function that it calls, see `WAYS`."""
    asks: bool = False
    """Between its operations and its update: they are done again."""
    fails: int = 0
    sub: bool = False


@dataclass(frozen=True)
class Visit:
    """A call on a thread, by a user, in a language where one is given."""

    thread: int
    user: str
    language: str = ""


@dataclass(frozen=True)
class Memories:
    keepers: tuple[Keeper, ...]
    visits: tuple[Visit, ...]
    context: str = "dataclass"
    """Its schema: ``dataclass``, ``dict``, or ``given``, a dict for a dataclass."""
    awaits: bool = False


def features(memories: Memories) -> set[str]:
    """What can be seen of a program before it runs."""
    uses = [use for keeper in memories.keepers for use in keeper.uses]
    found = {
        **{f"op {op}": any(use.op == op for use in uses) for op in OPS},
        **{f"by {way}": any(keeper.access == way for keeper in memories.keepers) for way in WAYS},
        f"context {memories.context}": True,
        "asks": any(keeper.asks for keeper in memories.keepers),
        "retried": any(keeper.fails for keeper in memories.keepers),
        "sub-graph": any(keeper.sub for keeper in memories.keepers),
        "several users": len({visit.user for visit in memories.visits}) > 1,
        "several threads": len({visit.thread for visit in memories.visits}) > 1,
        "filter": any(use.filter for use in uses),
        "refused": any(BAD.intersection(use.ns) for use in uses),
        "awaits": memories.awaits,
    }
    return {name for name, there in found.items() if there}


OPS = ("put", "get", "delete", "search", "list", "batch")
WAYS = ("store", "runtime", "get_store", "get_runtime")
BAD = frozenset({"", "a.b"})
# Each has an ``n``: upstream's comparisons fail where there is none, here such an item is not found.
VALUES = st.sampled_from([{"n": 1}, {"n": 2, "t": "x"}, {"n": 3, "d": {"e": 1}}, {"n": 0, "t": "y", "l": [1, 2]}])
FILTERS = st.sampled_from(
    [
        None,
        {"n": 1},
        {"n": {"$gt": 1}},
        {"n": {"$gte": 2, "$lt": 3}},
        {"n": {"$lte": 1}},
        {"n": {"$ne": 2}},
        {"t": {"$eq": "x"}},
        {"d": {"e": 1}},
        {"n": 2, "t": "x"},
    ]
)
LABELS = st.sampled_from([OWN, OWN, "a", "a", "b", "c"])
namespaces = st.lists(LABELS, min_size=1, max_size=3).map(tuple) | st.sampled_from([("a.b",), ("a", "")])
prefixes = st.lists(LABELS, max_size=2).map(tuple)

uses = st.builds(
    Use, st.sampled_from(["put", "put", "put", "get", "delete"]), namespaces, st.sampled_from("jk"), VALUES
) | st.builds(
    Use,
    st.sampled_from(["search", "search", "list", "batch"]),
    prefixes,
    filter=FILTERS,
    limit=st.sampled_from([1, 2, 10]),
    offset=st.sampled_from([0, 0, 1]),
    depth=st.sampled_from([None, None, 1, 2]),
)
keepers = st.builds(
    Keeper,
    st.lists(uses, min_size=1, max_size=5).map(tuple),
    st.sampled_from(WAYS),
    st.sampled_from([False, False, True]),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([False, False, True]),
)
visits = st.builds(Visit, st.integers(0, 1), st.sampled_from(["anna", "ben"]), st.sampled_from(["", "de"]))
memories = st.builds(
    Memories,
    st.lists(keepers, min_size=1, max_size=3).map(tuple),
    st.lists(visits, min_size=1, max_size=4).map(tuple),
    st.sampled_from(["dataclass", "dict", "given"]),
    st.booleans(),
)
