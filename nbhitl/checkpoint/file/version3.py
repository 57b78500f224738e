"""From file version 2 to 3: the rows of a checkpoint's values go into the checkpoint's own row, and rows are chained.

In version 2 the rows of the changed values (kind ``value``, without bytes for a channel that has no value any more)
stand before the row of their checkpoint; the first ones of a branch are all of its channels. No value is decoded here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.file import parts, schema
from nbhitl.checkpoint.rows import FULL, json_object, linked
from nbhitl.checkpoint.values.codec import Codec

if TYPE_CHECKING:
    from collections.abc import Iterator

_OLD: Final = ", ".join(name for name in schema.COLUMNS if name != "chain")
_PAGE: Final = 4096


def upgrade(connection: Any) -> None:
    """Rewrite the journal, inside the caller's transaction. Its rows are numbered anew, without gaps."""
    connection.execute("ALTER TABLE journal RENAME TO old_journal")
    for statement in parts.statements():
        connection.execute(statement)
    appender = parts.Appender(connection)
    links: dict[tuple[str, str, str], int] = {}
    page: list[tuple[Any, ...]] = []
    for seq, row in enumerate(_rewritten(connection.cursor()), 1):
        line = row[1:4]
        links[line] = link = linked(links.get(line, 0), row[5], row[6], row[13])
        page.append((seq, *row[1:], link))
        if len(page) == _PAGE:
            appender.append(page, inside=True)
            page.clear()
    appender.append(page, inside=True)
    appender.flush()
    connection.execute("DROP TABLE old_journal")
    for statement in schema.ABOUT:
        connection.execute(statement)


def _rewritten(cursor: Any) -> Iterator[tuple[Any, ...]]:
    """The new rows, in order, with the numbers of the old ones."""
    codec = Codec()
    encode = codec.encode
    values: dict[tuple[Any, ...], list[tuple[str, bytes | None, str | None]]] = {}
    branches: set[tuple[Any, ...]] = set()
    # A cursor of the transaction's own connection would lose its rows at the next statement, and one of another
    # sees the table under its old name until the commit.
    rows = cursor.execute(f"SELECT {_OLD} FROM journal ORDER BY seq")  # noqa: S608 - our own constants
    while page := rows.fetchmany(_PAGE):
        for row in page:
            place = (*row[1:5], row[6])
            match row[5]:
                case "value":
                    values.setdefault(place, []).append((row[11], row[13], row[14]))
                case "checkpoint":
                    found = values.pop(place, [])
                    stored = [
                        [encode(name), encode(2)] if data is None else [encode(name), encode(0), data]
                        for name, data, _ in found
                    ]
                    whole = codec.encode_list([row[13], stored, encode(None)])
                    key = None if row[1:5] in branches else FULL
                    branches.add(row[1:5])
                    yield (*row[:11], key, row[12], whole, _shown(row[14], found))
                case _:
                    yield row


def _shown(head: str, values: list[tuple[str, bytes | None, str | None]]) -> str:
    parts = {name: json.dumps(value, ensure_ascii=False) for name, value in json.loads(head).items()}
    set_ = [
        f"{json.dumps(name, ensure_ascii=False)}:{text or 'null'}" for name, data, text in values if data is not None
    ]
    if set_:
        parts["set"] = "{" + ",".join(set_) + "}"
    if gone := [name for name, data, _ in values if data is None]:
        parts["gone"] = json.dumps(gone, ensure_ascii=False)
    return json_object(**parts)
