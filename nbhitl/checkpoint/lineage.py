"""Who descends from whom among a line's checkpoints, and what their ids must be: one law for every saver. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbhitl.engine.errors import SaverError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

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


def kept(line: Mapping[str, str | None], keep: int) -> set[str]:
    """The ids that pruning leaves of a line: its newest ``keep`` checkpoints, along the parents of the newest one.

    ``line`` has the checkpoints' ids and their parents, in the order of the commits. Raises `SaverError` below 1.
    """
    if keep < 1:
        raise SaverError(f"prune(keep={keep!r}): at least the newest checkpoint is kept; delete_thread deletes all")
    found: set[str] = set()
    at: str | None = next(reversed(list(line)), None)
    while at is not None and at in line and at not in found and len(found) < keep:
        found.add(at)
        at = line[at]
    return found


def is_kept(ns: str, kept: Container[str]) -> bool:
    """Whether a sub-graph belongs to what is left of its thread.

    One that remembers always does; others have their task's checkpoint in the first part of their namespace,
    ``node:checkpoint:number``.
    """
    parts = ns.partition("|")[0].split(":")
    return len(parts) < 3 or parts[1] in kept


def unknown(key: ThreadKey, checkpoint: str) -> SaverError:
    """The error about a checkpoint that the line does not have."""
    return SaverError(f"{_line(key)} has no checkpoint {checkpoint!r}: load the thread again")


def taken(key: ThreadKey, checkpoint: str) -> SaverError:
    """The error about a second checkpoint of the same id."""
    return SaverError(
        f"{_line(key)} has a checkpoint {checkpoint!r} already, which is kept; nothing was written: load the"
        " thread again and go on from there"
    )


def exists(target: ThreadKey) -> SaverError:
    """The error about a copy onto a thread that there is."""
    return SaverError(f"thread {target} exists already, and a copy would mix with it: give another name")


def gone(key: ThreadKey) -> SaverError:
    """The error about a thread that there is not."""
    return SaverError(f"there is no thread {key}: threads() lists them")


def _line(key: ThreadKey) -> str:
    return f"thread {key}" if not key.ns else f"the sub-graph {key.ns!r} of thread {key}"
