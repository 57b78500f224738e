"""The ``nbhitl`` command: the tutorials, with or without a person, and a look into checkpoint files.

Here is the command line alone; each command is a function of a module beside this one. Knows no notebook code of ours:
a notebook runs in a kernel of its own, and what came of it is read from its file.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nbhitl.cli import queries, tutorials
from nbhitl.engine.errors import NbhitlError

DEMO = """\
examples:
  nbhitl demo                       copy the tutorials here and open the first one in JupyterLab
  nbhitl demo --folder ~/digits     keep them in another folder
  nbhitl demo --headless            run it with a scripted person, and print what happened

Nothing of yours is overwritten: a tutorial that you have changed stays as it is.
"""
SQL = """\
examples:
  nbhitl sql .nbhitl/post.duckdb "SELECT node, question, answer FROM answers"
  nbhitl sql .nbhitl/post.duckdb "SELECT step, key, value FROM state WHERE thread = 'post'"

views: threads, steps, state, writes, interrupts, pending_interrupts, answers, branches, breakpoints.
Only queries that change nothing are run. A file that a kernel has open belongs to that kernel: use %graph sql there.
"""
THREADS = """\
examples:
  nbhitl threads .nbhitl/post.duckdb
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code: 0 done, 1 it failed, 2 something is missing or misspelt."""
    given = parser().parse_args(arguments)
    try:
        return int(given.does(given))
    except BrokenPipeError:  # whoever read has read enough; nothing can be printed any more, not at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (NbhitlError, OSError) as error:
        print(f"nbhitl: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line, as `main` reads it."""
    top = argparse.ArgumentParser(
        prog="nbhitl",
        description="Graphs of Python functions that pause, ask a person and go on, in a Jupyter notebook.",
        epilog="Begin with: nbhitl demo. Each command has its own --help.",
    )
    top.add_argument("--version", action="version", version=f"nbhitl {version('nbhitl')}")
    top.set_defaults(does=lambda given: print(top.format_help(), end="") or 0)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, does: Any, says: str, examples: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=says,
            description=says[:1].upper() + says[1:] + ".",
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(does=does)
        return added

    demo = command(
        "demo", tutorials.demo, "open the tutorials in JupyterLab, or run the first one without a person", DEMO
    )
    demo.add_argument(
        "--folder", type=Path, default=Path(tutorials.FOLDER), help=f"where they go (default: ./{tutorials.FOLDER})"
    )
    demo.add_argument("--port", type=int, metavar="N", help="JupyterLab's port")
    demo.add_argument("--no-browser", action="store_true", help="start JupyterLab, and print its address only")
    demo.add_argument("--headless", action="store_true", help="no JupyterLab: scripted answers, and a report")

    sql = command("sql", queries.sql, "run one read-only query on a checkpoint file", SQL)
    sql.add_argument("file", type=Path, help="the DuckDB file")
    sql.add_argument("query", help="one SELECT, in quotes")

    threads = command("threads", queries.threads, "list the threads of a checkpoint file", THREADS)
    threads.add_argument("file", type=Path, help="the DuckDB file")
    return top
