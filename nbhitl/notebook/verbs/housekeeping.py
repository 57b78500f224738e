"""The verbs of ``%graph`` that look after the checkpoint file. What deletes asks for ``--yes``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbhitl.checkpoint.file.words import size as in_words
from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.verbs.verb import Verb, split

if TYPE_CHECKING:
    from nbhitl.checkpoint.sql.table import Table
    from nbhitl.notebook.verbs.verb import Line


def size(line: Line) -> Table:
    """What the threads take in the checkpoint file, the largest first."""
    print(f"{line.workspace.path}: {in_words(line.workspace.saver.size())}")
    return line.workspace.saver.sql("SELECT * FROM size_report")


def delete(line: Line) -> None:
    """Delete a thread, its history and its answers, for good."""
    (name,), options = _given(line.words, "delete THREAD --yes", 1, 1)
    key = line.workspace.stored(name, line.graph)
    _expect_yes(options, f"deletes thread {key.thread!r} of graph {key.graph!r} for good", f"delete {line.words} --yes")
    line.workspace.forget(key)
    line.workspace.saver.delete_thread(key)
    print(f"Thread {key.thread} of graph {key.graph} is deleted. %graph compact gives its room back.")


def prune(line: Line) -> None:
    """Delete a thread's older checkpoints with their answers, or those of every thread."""
    names, options = _given(line.words, "prune [THREAD] [--keep N] --yes", 0, 1)
    if not options["keep"].isdecimal() or not int(options["keep"]):
        raise NbhitlError(f"--keep takes a number of checkpoints, 1 or more, not {options['keep']!r}.")
    keys = [line.workspace.stored(names[0], line.graph)] if names else line.workspace.all_stored(line.graph)
    whose = f"thread {keys[0].thread!r}" if names else f"every thread ({len(keys)})"
    does = f"deletes all but the newest {options['keep']} checkpoints of {whose} for good, with the answers given there"
    _expect_yes(options, does, f"prune {line.words} --yes".replace("  ", " "))
    for key in keys:
        line.workspace.expect_idle(key)
    for key in keys:
        line.workspace.saver.prune(key, keep=int(options["keep"]))
    print(f"Pruned {len(keys)} thread{'' if len(keys) == 1 else 's'}. %graph compact gives the room back.")


def compact(line: Line) -> None:
    """Write the checkpoint file anew without the room of what was deleted."""
    for key in line.workspace.all_stored(None):
        line.workspace.expect_idle(key)
    before, after = line.workspace.saver.compact()
    print(f"{line.workspace.path}: {in_words(before)} before, {in_words(after)} now.")


def export(line: Line) -> None:
    """Write every view to FOLDER as a Parquet file."""
    (folder,), _ = _given(line.words, "export FOLDER", 1, 1)
    for file in line.workspace.saver.export(folder):
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


def db(line: Line) -> None:
    """Say which checkpoint file is used, or use another one."""
    if line.words:
        line.workspace.use(line.words.strip("'\""))
    print(f"Checkpoint file: {line.workspace.path}")


VERBS = {
    "size": Verb("size", size),
    "delete": Verb("delete THREAD --yes", delete),
    "prune": Verb("prune [THREAD] [--keep N] --yes", prune),
    "compact": Verb("compact", compact),
    "export": Verb("export FOLDER", export),
    "db": Verb("db [FILE]", db),
}
