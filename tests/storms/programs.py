"""What the storms share: how long they blow, and how their programs are run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
LONG = int(os.environ.get("NBHITL_STORM", "0"))
"""Rounds of the long run; 0: as many as fit into a push."""
PATIENCE = 240
"""Seconds after which a program of a push is given up."""


def rounds(short: int) -> int:
    """How many rounds to play: ``short`` on a push, ``NBHITL_STORM`` in the long run."""
    return LONG or short


def side_by_side(folder: Path, calls: list[tuple[str, ...]]) -> list[Any]:
    """Run programs of this room at once, each with a folder of its own; what they printed as JSON."""
    running = []
    for i, (module, *given) in enumerate(calls):
        place = folder / str(i)
        place.mkdir()
        command = [sys.executable, "-m", f"tests.storms.{module}", str(place), *given]
        running.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    found = []
    try:
        for program in running:
            out, err = program.communicate(timeout=None if LONG else PATIENCE)
            assert program.returncode == 0, err[-6000:]
            found.append(json.loads(out))
    finally:
        for program in running:
            program.kill()
            program.wait()
    return found
