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

from nbhitl.checkpoint.file.schema import MACROS, VIEWS
from nbhitl.cli import files, inbox, lint, queries, replays, reports, tutorials
from nbhitl.engine.errors import NbhitlError
from nbhitl.report import STEPS

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
  nbhitl sql .nbhitl/post.duckdb "SELECT step, key, value FROM state WHERE thread = $thread" --param thread=post
  nbhitl sql .nbhitl/post.duckdb "SELECT * FROM node_stats" --format csv > stats.csv

views: {views}
macros: {macros}
Only queries that change nothing are run. A file that a kernel has open is copied, and the copy is asked.
"""
THREADS = """\
examples:
  nbhitl threads .nbhitl/post.duckdb
  nbhitl threads .nbhitl/post.duckdb --format json
"""
INBOX = """\
examples:
  nbhitl inbox .nbhitl/post.duckdb
  nbhitl inbox .nbhitl/post.duckdb --json

Works while a kernel has the file open.
"""
ANSWER = """\
examples:
  nbhitl answer .nbhitl/post.duckdb 3f2a9c01 decision=publish notes="more on Assam"
  nbhitl answer .nbhitl/post.duckdb 3f2a9c01 yes --by ann --note "asked the author"
  nbhitl answer .nbhitl/post.duckdb 3f2a9c01 --json '{"decision": "publish"}'

The answer is checked against the question's schema before it is recorded, and the first answer wins. A kernel that has
the file open is handed the answer (through a folder beside the file, FILE.answers) and goes on by itself; else the run
goes on when the notebook's cell is run. Secrets are not taken here.

exit codes: 0 recorded; 1 refused, with a message for each field; 2 a mistake in the command line; 3 somebody was
first: by whom and when is said; 4 whoever has the file open did not take the answer
"""
SAVE_TEST = """\
examples:
  nbhitl save-test runs.duckdb demo test_demo.py --graph app.review:graph

The test imports the graph, gives it the answers that the thread was given, and compares the nodes that ran and the
final state. Of a %%graph cell, write it in the notebook: %graph save-test test_demo.py
"""
DOCTOR = """\
examples:
  nbhitl doctor .nbhitl/post.duckdb
  nbhitl doctor .nbhitl/post.duckdb --salvage

Looks at every row: gaps, checksums, chains, and what the mark beside the file says. Changes nothing without --salvage,
which puts what can be read in the file's place and keeps the damaged one. The exit code is 1 for a damaged file.
"""
EXPORT = """\
examples:
  nbhitl export .nbhitl/post.duckdb parquet
  nbhitl export .nbhitl/post.duckdb parquet --view answers --view state

Writes FOLDER/<view>.parquet, as pandas, polars and duckdb read them. Works while a kernel has the file open.
"""
LINT = """\
examples:
  nbhitl lint lesson.ipynb
  nbhitl lint graph.py nodes.py

Finds what goes wrong around questions: effects that happen again, pauses that are caught, questions whose answer is
lost. No code is run. A line that is meant so: # nbhitl: ignore[CODE]. The exit code is 1 when there is more than a
note.
"""
REPORT = """\
examples:
  nbhitl report .nbhitl/post.duckdb post story.html
  nbhitl report .nbhitl/post.duckdb post story.html --graph posts:graph

The page loads nothing and needs no nbhitl to be read. Without --graph it has no drawing: a file knows no code.
"""

COMPACT = """\
examples:
  nbhitl compact .nbhitl/post.duckdb

A file does not shrink by itself when threads are deleted. Close the kernel that has it open before.
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

    names = {"views": ", ".join(VIEWS), "macros": ", ".join(said.partition(":")[0] for said in MACROS.values())}
    sql = command("sql", queries.sql, "run one read-only query on a checkpoint file", SQL.format(**names))
    _file(sql)
    sql.add_argument("query", help="one SELECT, in quotes; $name stands for a value given with --param")
    sql.add_argument("--param", action="append", metavar="NAME=VALUE", help="a value for $NAME; can be repeated")
    sql.add_argument("--timeout", type=float, default=10.0, metavar="S", help="seconds it may take (default: 10)")
    _format(sql)

    threads = command("threads", queries.threads, "list the threads of a checkpoint file", THREADS)
    _file(threads)
    _format(threads)

    asked = command("inbox", inbox.inbox, "list the questions that wait for an answer", INBOX)
    _file(asked)
    asked.add_argument("--json", action="store_true", help="as JSON, with each question's schema")

    answer = command("answer", inbox.answer, "answer a question", ANSWER)
    _file(answer)
    answer.add_argument("id", help="the question's id, as nbhitl inbox shows it, or how it begins")
    answer.add_argument("words", nargs="*", metavar="VALUE", help="text, JSON, or field=value pairs")
    answer.add_argument("--json", metavar="TEXT", help="the whole answer as JSON")
    answer.add_argument("--by", metavar="NAME", help="who answers (default: you)")
    answer.add_argument("--note", metavar="TEXT", default="", help="a remark that is kept with the answer")
    answer.add_argument("-g", "--graph", metavar="NAME", help="where several graphs ask the same")
    answer.add_argument("-t", "--thread", metavar="NAME", help="where several threads ask the same")
    answer.add_argument(
        "--timeout", type=float, default=10.0, metavar="S", help="seconds to wait for a kernel (default: 10)"
    )

    saved = command("save-test", replays.save_test, "write a thread as a pytest file that replays it", SAVE_TEST)
    _file(saved)
    saved.add_argument("thread", help="the thread's id")
    saved.add_argument("out", type=Path, help="the test's file, e.g. test_demo.py")
    saved.add_argument("--graph", required=True, metavar="MODULE:NAME", help="where the graph stands in your code")
    saved.add_argument("--scope", metavar="NAME", help="where several graphs of the file have such a thread: which one")

    told = command("report", reports.report, "write a thread as one HTML page with a step slider", REPORT)
    _file(told)
    told.add_argument("thread", help="the thread's id")
    told.add_argument("out", type=Path, help="the page's file, e.g. story.html")
    told.add_argument("--graph", metavar="MODULE:NAME", help="where the graph stands in your code: for the drawing")
    told.add_argument("--scope", metavar="NAME", help="where several graphs of the file have such a thread: which one")
    told.add_argument("--title", metavar="TEXT", default="", help="the page's title")
    told.add_argument(
        "--limit", type=int, default=STEPS, metavar="N", help=f"only the newest N steps (default: {STEPS:,})"
    )
    told.add_argument("--force", action="store_true", help="write over a file that is no report, too")

    doctor = command("doctor", files.doctor, "look a checkpoint file over, and say whether it is whole", DOCTOR)
    _file(doctor)
    doctor.add_argument("--salvage", action="store_true", help="if it is damaged, save what can be read")

    export = command("export", files.export, "write the views of a checkpoint file as Parquet files", EXPORT)
    _file(export)
    export.add_argument("folder", type=Path, help="where they go; it is made when there is none")
    export.add_argument("--view", action="append", metavar="NAME", help="only this view; can be repeated")

    linted = command("lint", lint.lint, "look through graphs for traps of asking people", LINT)
    linted.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a .py or .ipynb file")

    _file(command("compact", files.compact, "make a checkpoint file as small as it can be", COMPACT))
    return top


def _file(of: argparse.ArgumentParser) -> None:
    of.add_argument("file", type=Path, help="the DuckDB file")


def _format(of: argparse.ArgumentParser) -> None:
    of.add_argument("--format", choices=queries.FORMATS, default="table", help="how it is printed (default: table)")
