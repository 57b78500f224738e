"""A tutorial without a person: run in a kernel of its own, then told from its checkpoint file."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbhitl.checkpoint.duckdb import DuckDBSaver
from nbhitl.checkpoint.sql.table import Table
from nbhitl.engine.errors import NbhitlError

CELL = 120
"""Seconds that a cell may take where nobody watches."""


def run_headless(notebook: Path) -> int:
    """Run a tutorial with the answers beside it, and print what happened; the exit code."""
    file = notebook.parent / ".nbhitl" / f"{notebook.stem}.duckdb"
    if file.exists():
        _expect_no_open_run(file)
    began = time.monotonic()
    problem = _executed(notebook)
    if problem:
        print(f"nbhitl: {notebook.name}: {problem}", file=sys.stderr)
        return 1
    print(f"{notebook.name} ran with scripted answers in {time.monotonic() - began:.1f} s.\n")
    with DuckDBSaver(file) as saver:
        for line in report(saver):
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
        said = f"the cell that begins with {first!r} failed: {error.ename}: {error.evalue}"
        if error.ename == "FileLockedError":
            said += " The notebook is open elsewhere: close it, or run in a folder of its own with --folder DIR."
        return said
    except CellTimeoutError:
        return f"a cell took longer than {CELL} s."
    except DeadKernelError as error:
        return str(error)
    return ""


def report(saver: DuckDBSaver) -> Iterator[str]:
    """What the newest thread did, line by line."""
    ((thread, status),) = saver.sql("SELECT thread, status FROM threads LIMIT 1")  # the newest one
    yield f"Path of thread {thread} ({status})"
    steps: dict[int, list[str]] = {}
    # A branch begins with a copy of the checkpoint that it left.
    walked = "SELECT branch, ran FROM steps WHERE thread = ? AND source <> 'fork' ORDER BY seq"
    for branch, ran in saver.sql(walked, [thread]):
        steps.setdefault(branch, []).extend(node for node in ran if not node.startswith("__"))
    for branch, nodes in steps.items():
        yield f"  branch {branch}: {' > '.join(shortened(nodes))}"
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


def shortened(nodes: Sequence[str]) -> Iterator[str]:
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
