"""A thread of a checkpoint file as a page that stands alone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nbhitl.cli.queries import opened
from nbhitl.cli.replays import scope_of
from nbhitl.compiled import CompiledGraph
from nbhitl.engine.records import ThreadKey
from nbhitl.report import Heading, write
from nbhitl.run.world import SystemClock
from nbhitl.scripts.sources import ModuleSource
from nbhitl.session import Session


def report(given: argparse.Namespace) -> int:
    """Write the page, and print its path; without the graph's code there is no drawing on it."""
    with opened(given.file) as saver:
        scope = scope_of(saver, given.thread, given.scope)
        how = {"limit": given.limit, "force": given.force}
        if given.graph is None:
            heading = Heading(given.title, scope, given.thread, SystemClock().now())
            print(write(saver, ThreadKey(given.thread, scope), given.out, heading, **how))
            return 0
        sys.path.insert(0, str(Path.cwd()))  # as python -m does: the module is the person's own
        found = ModuleSource.named(given.graph).compiled()
        session = Session(CompiledGraph(found.graph, saver, scope=scope), given.thread)
        print(session.report(given.out, title=given.title, **how))
    return 0
