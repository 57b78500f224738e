"""The tutorials in a folder of the person's, opened in JupyterLab. Overwrites nothing."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from nbhitl.cli.headless import run_headless
from nbhitl.engine.errors import NbhitlError

FIRST = "01-label-digits"
FOLDER = "nbhitl-tutorials"
KINDS = {".ipynb", ".json"}
ENDING = 10.0
"""Seconds that JupyterLab gets to shut its kernels down."""


def demo(given: argparse.Namespace) -> int:
    """Copy the tutorials, and open the first one or run it without a person."""
    missing = [name for name in ("sklearn", "matplotlib", "nbclient") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"nbhitl: the tutorials need {', '.join(missing)}: pip install 'nbhitl[demo]'", file=sys.stderr)
        return 2
    folder = given.folder.expanduser().resolve()
    copy(tutorials(), folder)
    notebook = folder / f"{FIRST}.ipynb"
    return run_headless(notebook) if given.headless else _lab(notebook, given)


def tutorials() -> Path:
    """The folder that they are shipped in. Raises `NbhitlError` when there is none."""
    package = Path(__file__).resolve().parent.parent
    # In an installed wheel they are in the package, in a checkout beside it.
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / f"{FIRST}.ipynb").is_file():
            return folder
    raise NbhitlError("the tutorials are missing from this installation. Install nbhitl again.")


def copy(source: Path, folder: Path) -> None:
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
        print(f"Kept, since they are no longer as they came: {', '.join(kept)}")


def _lab(notebook: Path, given: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.answer_yes=True"]
    command += [f"--ServerApp.root_dir={notebook.parent}", f"--LabApp.default_url=/lab/tree/{notebook.name}"]
    if given.port is not None:
        command.append(f"--ServerApp.port={given.port}")
    if given.no_browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container; JupyterLab would not start
        command.append("--allow-root")
    print("Starting JupyterLab. Ctrl-C here ends it.", flush=True)
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
