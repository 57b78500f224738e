"""First floor: memory across threads. `InMemoryStore` holds it in memory, `DuckDBStore` in a file.

What a store is stands in `nbhitl.engine.stores`. Importing this package is cheap: duckdb is imported when a
`DuckDBStore` is opened.
"""

from __future__ import annotations

from nbhitl.engine.stores import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
)
from nbhitl.store.duckdb import DuckDBStore
from nbhitl.store.index import Embeddings, IndexConfig, get_text_at_path, tokenize_path
from nbhitl.store.keeping import TTLConfig
from nbhitl.store.memory import InMemoryStore

__all__ = [
    "BaseStore",
    "DuckDBStore",
    "Embeddings",
    "GetOp",
    "InMemoryStore",
    "IndexConfig",
    "Item",
    "ListNamespacesOp",
    "MatchCondition",
    "Op",
    "PutOp",
    "Result",
    "SearchItem",
    "SearchOp",
    "TTLConfig",
    "get_text_at_path",
    "tokenize_path",
]
