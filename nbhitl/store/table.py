"""The file of a `DuckDBStore`: its tables, its view, and what it is asked. Every value is a bound parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.file.instances import CONFIG
from nbhitl.engine.errors import StoreError
from nbhitl.engine.stores import Namespace

if TYPE_CHECKING:
    from pathlib import Path

VERSION: Final = 1
GET: Final = """
    SELECT id, path, key, value, created, updated, lives FROM items WHERE place = ? AND (until IS NULL OR until > ?)
    """
KNOWN: Final = "SELECT place, id, until FROM items WHERE list_contains(?, place)"
PATHS: Final = "SELECT DISTINCT path FROM items WHERE until IS NULL OR until > ?"
UPDATE: Final = """
    UPDATE items SET value = new.value, updated = ?, lives = new.lives, until = new.until
    FROM (SELECT unnest(?) AS id, unnest(?) AS value, unnest(?::BIGINT[]) AS lives, unnest(?::BIGINT[]) AS until) AS new
    WHERE items.id = new.id
    """
REFRESH: Final = "UPDATE items SET until = ? + lives WHERE lives IS NOT NULL AND list_contains(?, id)"
DELETE: Final = "DELETE FROM items WHERE list_contains(?, id)"
DELETE_OLD: Final = "DELETE FROM items WHERE until <= ? RETURNING id"
DELETE_VECTORS: Final = "DELETE FROM vectors WHERE list_contains(?, item)"
NEW_IDS: Final = "SELECT nextval('item_ids') FROM range(?)"
INSERT: Final = """
    INSERT INTO items (created, updated, id, place, path, key, value, lives, until)
    SELECT ?, ?, unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?::BIGINT[]), unnest(?::BIGINT[])
    """
INSERT_VECTORS: Final = "INSERT INTO vectors SELECT unnest(?), unnest(?), unnest(?::FLOAT[][])"

_SCHEMA: Final = (
    "CREATE SEQUENCE item_ids",
    # Times are microseconds since 1970. The index has no duplicates in it, and is not called unique: duckdb checks that
    # against what the same transaction has deleted.
    """CREATE TABLE items (
        id BIGINT NOT NULL, place VARCHAR NOT NULL, path VARCHAR NOT NULL, key VARCHAR NOT NULL, value VARCHAR NOT NULL,
        created BIGINT NOT NULL, updated BIGINT NOT NULL, lives BIGINT, until BIGINT)""",
    "CREATE INDEX items_by_place ON items (place)",
    "CREATE TABLE vectors (item BIGINT NOT NULL, path VARCHAR NOT NULL, vector FLOAT[] NOT NULL)",
    """CREATE VIEW store_items AS
        SELECT string_split(path, '.') AS namespace, key, CAST(value AS JSON) AS value,
            make_timestamptz(created) AS created_at, make_timestamptz(updated) AS updated_at,
            make_timestamptz(until) AS expires_at
        FROM items WHERE until IS NULL OR until > epoch_us(now()) ORDER BY id""",
    "CREATE TABLE store_format (version INTEGER NOT NULL)",
)


def opened(file: Path | None) -> Any:
    """A connection to a store's file, made where there is none; to memory for None. Raises `StoreError`."""
    import duckdb

    try:
        connection = duckdb.connect(":memory:" if file is None else str(file), config=dict(CONFIG))
    except (duckdb.Error, OSError) as error:
        said = str(error).partition("\n")[0]
        raise StoreError(f"{file} cannot be opened as a store's file ({said}): give another path") from error
    try:
        _expect_ours(connection, file)
        connection.execute("SET lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection


def _expect_ours(connection: Any, file: Path | None) -> None:
    names = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not names:
        connection.execute("BEGIN TRANSACTION")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO store_format VALUES (?)", [VERSION])
        connection.execute("COMMIT")
    elif "store_format" not in names:
        raise StoreError(
            f"{file} is no store's file, and was not changed: a store has a file of its own, e.g. "
            f"DuckDBStore({str(file.with_name('store.duckdb')) if file else 'store.duckdb'!r})"
        )
    else:
        (version,) = connection.execute("SELECT max(version) FROM store_format").fetchone()
        if version > VERSION:
            raise StoreError(f"{file} was written by a newer nbhitl (format {version}): update nbhitl to open it")


def path(namespace: Namespace) -> str:
    """A namespace as one text: no part of it has a '.' in it."""
    return ".".join(namespace)


def namespace(path: str) -> Namespace:
    """The namespace that a text stands for."""
    return tuple(path.split(".")) if path else ()


def place(namespace: Namespace, key: str) -> str:
    """What an item is found by: the first two dots divide its namespace from its key."""
    return f"{path(namespace)}..{key}"


def search(prefix: Namespace, now: int, query: Sequence[float] | None) -> tuple[str, list[Any]]:
    """What finds items below a namespace: columns as of `GET`, and the score. What is bound comes second."""
    begins = [path(prefix), path(prefix), f"{path(prefix)}."]
    return (_FIND, [now, *begins]) if query is None else (_NEAREST, [list(query), len(query), now, *begins])


_FIND: Final = """
    SELECT id, path, key, value, created, updated, lives, CAST(NULL AS FLOAT) AS score FROM items
    WHERE (until IS NULL OR until > ?) AND (? = '' OR path = ? OR starts_with(path, ?))
    ORDER BY id
    """
# A vector without a direction is near to nothing; those of another model are no use.
_NEAREST: Final = """
    SELECT id, path, key, value, created, updated, lives, score FROM items LEFT JOIN (
        SELECT item, max(CASE WHEN isnan(near) THEN 0 ELSE near END) AS score
        FROM (SELECT item, list_cosine_similarity(vector, ?::FLOAT[]) AS near FROM vectors WHERE len(vector) = ?)
        GROUP BY item
    ) ON item = id
    WHERE (until IS NULL OR until > ?) AND (? = '' OR path = ? OR starts_with(path, ?))
    ORDER BY score DESC NULLS LAST, id
    """
PAGE: Final = "LIMIT ? OFFSET ?"
