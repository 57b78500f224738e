"""The verbs of ``%graph`` that look after the checkpoint file. What deletes asks for ``--yes``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbhitl.checkpoint.file.words import size as in_words
from nbhitl.engine.errors import NbhitlError

if TYPE_CHECKING:
    from nbhitl.checkpoint.sql.table import Table
    from nbhitl.notebook.workspace import Workspace


def size(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> Table:
    """What the threads take in the checkpoint file, the largest first."""
    print(f"{workspace.path}: {in_words(workspace.saver.size())}")
    return workspace.saver.sql("SELECT * FROM size_report")


def delete(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """Delete a thread, its history and its answers, for good."""
    (name,), options = _given(words, "delete THREAD --yes", 1, 1)
    key = workspace.stored(name, graph)
    _expect_yes(options, f"deletes thread {key.thread!r} of graph {key.graph!r} for good", f"delete {words} --yes")
    workspace.forget(key)
    workspace.saver.delete_thread(key)
    print(f"Thread {key.thread} of graph {key.graph} is deleted. %graph compact gives its room back.")


def prune(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """Delete a thread's older checkpoints with their answers, or those of every thread."""
    names, options = _given(words, "prune [THREAD] [--keep N] --yes", 0, 1)
    if not options["keep"].isdecimal() or not int(options["keep"]):
        raise NbhitlError(f"--keep takes a number of checkpoints, 1 or more, not {options['keep']!r}.")
    keys = [workspace.stored(names[0], graph)] if names else workspace.all_stored(graph)
    whose = f"thread {keys[0].thread!r}" if names else f"every thread ({len(keys)})"
    does = f"deletes all but the newest {options['keep']} checkpoints of {whose} for good, with the answers given there"
    _expect_yes(options, does, f"prune {words} --yes".replace("  ", " "))
    for key in keys:
        workspace.expect_idle(key)
    for key in keys:
        workspace.saver.prune(key, keep=int(options["keep"]))
    print(f"Pruned {len(keys)} thread{'' if len(keys) == 1 else 's'}. %graph compact gives the room back.")


def compact(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """Write the checkpoint file anew without the room of what was deleted."""
    for key in workspace.all_stored(None):
        workspace.expect_idle(key)
    before, after = workspace.saver.compact()
    print(f"{workspace.path}: {in_words(before)} before, {in_words(after)} now.")


def export(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """Write every view to FOLDER as a Parquet file."""
    (folder,), _ = _given(words, "export FOLDER", 1, 1)
    for file in workspace.saver.export(folder):
        print(file)


def _expect_yes(options: Mapping[str, str], does: str, line: str) -> None:
    if "yes" not in options:
        raise NbhitlError(f"this {does}. If you mean it: %graph {line}")


def _given(words: str, usage: str, least: int, most: int) -> tuple[list[str], dict[str, str]]:
    """Names, and the options ``--yes`` and ``--keep N``."""
    names, options = [], {"keep": "1"}
    parts = iter(split(words, usage))
    for part in parts:
        flag, _, value = part.partition("=")
        if part == "--yes":
            options["yes"] = ""
        elif flag == "--keep" and "--keep" in usage:
            options["keep"] = value or next(parts, "")
        elif part.startswith("--"):
            raise NbhitlError(f"%graph {usage}: there is no option {part}.")
        else:
            names.append(part)
    if not least <= len(names) <= most:
        raise NbhitlError(f"say it like this: %graph {usage}")
    return names, options


def split(words: str, usage: str) -> list[str]:
    """The words of a line, as a shell takes them apart. Raises `NbhitlError`."""
    try:
        return shlex.split(words)
    except ValueError as error:
        raise NbhitlError(f"%graph {usage}: {error} in {words!r}.") from error
