"""First floor: remembers threads. Knows the engine's records and nothing above them.

`memory` is the reference saver, `duckdb` the durable one, `codec` turns values into bytes and back. Importing
this package is cheap: duckdb itself is imported when a `DuckDBSaver` is opened, never before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbhitl.checkpoint.duckdb import DuckDBSaver
    from nbhitl.checkpoint.memory import InMemorySaver
    from nbhitl.checkpoint.sql.table import Table
    from nbhitl.checkpoint.values.codec import Codec
    from nbhitl.checkpoint.values.opaque import Opaque

__all__ = ["Codec", "DuckDBSaver", "InMemorySaver", "Opaque", "Table"]

_HOMES = {
    "Codec": "values.codec",
    "DuckDBSaver": "duckdb",
    "InMemorySaver": "memory",
    "Opaque": "values.opaque",
    "Table": "sql.table",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
