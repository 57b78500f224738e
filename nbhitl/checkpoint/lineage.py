"""Who descends from whom among a line's checkpoints, and what their ids must be: one law for every saver. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbhitl.engine.errors import SaverError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbhitl.engine.records import ThreadKey


def newest_since(line: dict[str, Any], since: str, parent: Callable[[str], str | None]) -> str | None:
    """The newest checkpoint id that is ``since`` or descends from it; None when ``since`` is not in the line.

    ``line`` has the checkpoints' ids for keys, in the order of the commits; ``parent`` gives an id's parent, None
    for an unknown id.
    """
    if since not in line:
        return None
    newest = next(reversed(line))
    at: str | None = newest
    for _ in line:  # mostly the newest goes back to it; as many steps as there are, for parents may be anything
        if at is None or at == since:
            break
        at = parent(at)
    if at == since:
        return newest
    family, latest = {since}, since
    for name in line:
        if parent(name) in family:  # a parent is committed before its children
            family.add(name)
            latest = name
    return latest


def unknown(key: ThreadKey, checkpoint: str) -> SaverError:
    """The error about a checkpoint that the line does not have."""
    return SaverError(f"{_line(key)} has no checkpoint {checkpoint!r}: load the thread again")


def taken(key: ThreadKey, checkpoint: str) -> SaverError:
    """The error about a second checkpoint of the same id."""
    return SaverError(
        f"{_line(key)} has a checkpoint {checkpoint!r} already, which is kept; nothing was written: load the"
        " thread again and go on from there"
    )


def _line(key: ThreadKey) -> str:
    return f"thread {key}" if not key.ns else f"the sub-graph {key.ns!r} of thread {key}"
