"""The ``nbhitl`` command: the tutorials, with or without a person, and a look into checkpoint files.

Knows no notebook code of ours: a notebook runs in a kernel of its own, and what came of it is read from its file.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from nbhitl.checkpoint.duckdb import DuckDBSaver
from nbhitl.checkpoint.table import Table
from nbhitl.engine.errors import NbhitlError

FIRST = "01-label-digits"
FOLDER = "nbhitl-tutorials"
KINDS = {".ipynb", ".json"}
CELL = 120
"""Seconds that a cell may take where nobody watches."""
ENDING = 10.0
"""Seconds that JupyterLab gets to shut its kernels down."""

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
    given = _parser().parse_args(arguments)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nbhitl",
        description="Graphs of Python functions that pause, ask a person and go on, in a Jupyter notebook.",
        epilog="Begin with: nbhitl demo. Each command has its own --help.",
    )
    parser.add_argument("--version", action="version", version=f"nbhitl {version('nbhitl')}")
    parser.set_defaults(does=lambda given: print(parser.format_help(), end="") or 0)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

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

    demo = command("demo", _demo, "open the tutorials in JupyterLab, or run the first one without a person", DEMO)
    demo.add_argument("--folder", type=Path, default=Path(FOLDER), help=f"where they go (default: ./{FOLDER})")
    demo.add_argument("--port", type=int, metavar="N", help="JupyterLab's port")
    demo.add_argument("--no-browser", action="store_true", help="start JupyterLab, and print its address only")
    demo.add_argument("--headless", action="store_true", help="no JupyterLab: scripted answers, and a report")

    sql = command("sql", _sql, "run one read-only query on a checkpoint file", SQL)
    sql.add_argument("file", type=Path, help="the DuckDB file")
    sql.add_argument("query", help="one SELECT, in quotes")

    threads = command("threads", _threads, "list the threads of a checkpoint file", THREADS)
    threads.add_argument("file", type=Path, help="the DuckDB file")
    return parser


# -- looking into a file


def _sql(given: argparse.Namespace) -> int:
    with _opened(given.file) as saver:
        print(saver.sql(given.query))
    return 0


def _threads(given: argparse.Namespace) -> int:
    with _opened(given.file) as saver:
        print(saver.sql("SELECT graph, thread, status, step, updated_at FROM threads"))
    return 0


def _opened(file: Path) -> DuckDBSaver:
    if not file.is_file():  # opening would make an empty one
        raise NbhitlError(f"there is no file {str(file)!r}. A notebook's file is .nbhitl/<its name>.duckdb beside it.")
    return DuckDBSaver(file)


# -- the tutorials


def _demo(given: argparse.Namespace) -> int:
    missing = [name for name in ("sklearn", "matplotlib", "nbclient") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"nbhitl: the tutorials need {', '.join(missing)}: pip install 'nbhitl[demo]'", file=sys.stderr)
        return 2
    folder = given.folder.expanduser().resolve()
    _copy(_tutorials(), folder)
    notebook = folder / f"{FIRST}.ipynb"
    return _headless(notebook) if given.headless else _lab(notebook, given)


def _tutorials() -> Path:
    here = Path(__file__).resolve().parent
    # In an installed wheel they are in the package, in a checkout beside it.
    for folder in (here / "notebooks", here.parent / "notebooks"):
        if (folder / f"{FIRST}.ipynb").is_file():
            return folder
    raise NbhitlError("the tutorials are missing from this installation. Install nbhitl again.")


def _copy(source: Path, folder: Path) -> None:
    """Copy what is not there yet; a file that differs is the person's, and is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for file in sorted(path for path in source.iterdir() if path.suffix in KINDS):
        target = folder / file.name
        if not target.exists():
            shutil.copyfile(file, target)
        elif target.read_bytes() != file.read_bytes():
            kept.append(file.name)
    print(f"The tutorials are in {folder}")
    if kept:
        print(f"Kept as you have changed them: {', '.join(kept)}")


def _lab(notebook: Path, given: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.answer_yes=True"]
    command += [f"--ServerApp.root_dir={notebook.parent}", f"--LabApp.default_url=/lab/tree/{notebook.name}"]
    if given.port is not None:
        command.append(f"--ServerApp.port={given.port}")
    if given.no_browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container; JupyterLab would not start
        command.append("--allow-root")
    print("Opening JupyterLab. Ctrl-C here ends it.", flush=True)
    signal.signal(signal.SIGTERM, _terminated)
    lab = subprocess.Popen(command, cwd=notebook.parent)
    try:
        return lab.wait()
    except KeyboardInterrupt:  # JupyterLab got it, too, as it has the same terminal, and shuts its kernels down
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            lab.wait(ENDING)
        return 0
    finally:
        _end(lab)


def _terminated(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _end(process: subprocess.Popen[bytes]) -> None:
    for end in (process.terminate, process.kill):
        if process.poll() is None:
            end()
            with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                process.wait(ENDING)


# -- without a person


def _headless(notebook: Path) -> int:
    file = notebook.parent / ".nbhitl" / f"{FIRST}.duckdb"
    if file.exists():
        _expect_no_open_run(file)
    began = time.monotonic()
    problem = _executed(notebook)
    if problem:
        print(f"nbhitl: {notebook.name}: {problem}", file=sys.stderr)
        return 1
    print(f"{notebook.name} ran with scripted answers in {time.monotonic() - began:.1f} s.\n")
    with DuckDBSaver(file) as saver:
        for line in _report(saver):
            print(line)
    print(f"\nAll of it is in {file}\nTry: nbhitl threads {_shown(file)}")
    return 0


def _expect_no_open_run(file: Path) -> None:
    """A person's run that is not finished would be taken up, and its question answered by the script."""
    with DuckDBSaver(file) as saver:
        found = [thread for thread, status in saver.sql("SELECT thread, status FROM threads") if status != "finished"]
    if found:
        raise NbhitlError(
            f"the run {found[0]!r} in {file} is not finished, and a script should not answer in your place. "
            "Finish it, or choose another place with --folder."
        )


def _executed(notebook: Path) -> str:
    """Run a notebook in a kernel of this interpreter; what went wrong in one line, or nothing."""
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    nb = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    # Without folders to look into, "python3" is this interpreter, whatever kernels are installed on the machine.
    kernels = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(
        nb,
        km=kernels,
        timeout=CELL,
        resources={"metadata": {"path": str(notebook.parent)}},
        extra_arguments=["--log-level=ERROR"],
    )
    environment = {
        **os.environ,
        "JPY_SESSION_NAME": str(notebook),  # names the checkpoint file, as JupyterLab does
        "NBHITL_ANSWERS": str(notebook.with_suffix(".answers.json")),
        "NBHITL_ON_PAUSE": "error",
    }
    try:
        client.execute(env=environment, cleanup_kc=True)
    except CellExecutionError as error:
        failed = next((c for c in nb.cells if any(o.output_type == "error" for o in c.get("outputs", ()))), None)
        first = failed.source.partition("\n")[0] if failed is not None else ""
        return f"the cell that begins with {first!r} failed: {error.ename}: {error.evalue}"
    except CellTimeoutError:
        return f"a cell took longer than {CELL} s."
    except DeadKernelError as error:
        return str(error)
    return ""


def _report(saver: DuckDBSaver) -> Iterator[str]:
    ((thread, status),) = saver.sql("SELECT thread, status FROM threads LIMIT 1")  # the newest one
    yield f"Path of thread {thread} ({status})"
    steps: dict[int, list[str]] = {}
    # A branch begins with a copy of the checkpoint that it left.
    walked = "SELECT branch, ran FROM steps WHERE thread = ? AND source <> 'fork' ORDER BY seq"
    for branch, ran in saver.sql(walked, [thread]):
        steps.setdefault(branch, []).extend(node for node in ran if not node.startswith("__"))
    for branch, nodes in steps.items():
        yield f"  branch {branch}: {' > '.join(_shortened(nodes))}"
    yield "\nQuestions and answers"
    asked = "SELECT branch, question, answer, via FROM answers WHERE thread = ? ORDER BY seq"
    rows = [(branch, _words(question), answer, via) for branch, question, answer, via in saver.sql(asked, [thread])]
    yield from ("  " + line for line in repr(Table(("branch", "question", "answer", "by"), rows)).splitlines())
    yield "\nRead correctly in the exam"
    scored = "SELECT branch, value FROM writes WHERE thread = ? AND key = 'score' ORDER BY seq"
    scores = [(branch, json.loads(value)) for branch, value in saver.sql(scored, [thread])]
    last = dict(scores)
    yield f"  before: {scores[0][1]['accuracy']:.1%}"
    for branch, score in last.items():
        yield f"  after:  {score['accuracy']:.1%} with {score['answers']} answers (branch {branch})"


def _words(question: str) -> str:
    """A question's text and numbers; a picture is left out."""
    found = json.loads(question)
    if not isinstance(found, dict):
        return str(found)
    return ", ".join(f"{key}: {value}" for key, value in found.items() if isinstance(value, (str, int)))


def _shortened(nodes: Sequence[str]) -> Iterator[str]:
    """Nodes in order, with what repeats written once: ``a, b, c, b, c`` gives ``a`` and ``2 x (b > c)``."""
    at = 0
    while at < len(nodes):
        period, times = max(
            ((size, _times(nodes, at, size)) for size in range(1, (len(nodes) - at) // 2 + 1)),
            key=lambda found: (found[0] * found[1] if found[1] > 1 else 0, -found[0]),
            default=(1, 1),
        )
        if times == 1:
            period = 1
        part = " > ".join(nodes[at : at + period])
        yield part if times == 1 else f"{times} x ({part})"
        at += period * times


def _times(nodes: Sequence[str], at: int, size: int) -> int:
    count = 1
    while list(nodes[at + count * size : at + (count + 1) * size]) == list(nodes[at : at + size]):
        count += 1
    return count


def _shown(file: Path) -> str:
    """A path as it can be typed from here."""
    short = os.path.relpath(file)
    return short if " " not in short else f'"{short}"'


if __name__ == "__main__":
    sys.exit(main())
