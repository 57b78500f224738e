"""A thread of a checkpoint file as a pytest file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nbhitl.checkpoint.duckdb import DuckDBSaver
from nbhitl.cli.queries import opened
from nbhitl.compiled import CompiledGraph
from nbhitl.engine.errors import NbhitlError, UnknownThreadError, did_you_mean
from nbhitl.scripts.sources import ModuleSource
from nbhitl.session import Session


def save_test(given: argparse.Namespace) -> int:
    """Write a pytest file that replays a thread; prints its path."""
    sys.path.insert(0, str(Path.cwd()))  # as python -m does: the module is the person's own
    source = ModuleSource.named(given.graph)
    found = source.compiled()
    with opened(given.file) as saver:
        scope = scope_of(saver, given.thread, given.scope)
        session = Session(CompiledGraph(found.graph, saver, scope=scope), given.thread)
        session.source = source
        print(session.save_test(given.out))
    return 0


def scope_of(saver: DuckDBSaver, thread: str, scope: str | None) -> str:
    """The name of the graph that a thread belongs to in the file. Raises `UnknownThreadError`, `NbhitlError`."""
    keys = [info.key for info in saver.threads()]
    scopes = sorted({key.graph for key in keys if key.thread == thread and scope in (None, key.graph)})
    if not scopes:
        raise UnknownThreadError(
            f"there is no thread {thread!r} in it.{did_you_mean(thread, {k.thread for k in keys})}"
        )
    if len(scopes) > 1:
        raise NbhitlError(f"several graphs have a thread {thread!r}: {', '.join(scopes)}. Say which with --scope NAME.")
    return scopes[0]
