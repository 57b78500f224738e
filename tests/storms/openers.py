"""Several processes open one file at once. ``python -m tests.storms.openers FOLDER RACES`` prints who got it."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from nbhitl import DuckDBSaver
from nbhitl.engine.errors import FileLockedError
from nbhitl.engine.records import Checkpoint, ThreadKey
from tests.storms.kills import fork, result

RUNNERS = 4


def opener(path: Path, start: float) -> dict[str, Any]:
    """Open the file at a time, commit a checkpoint, and keep the file for a while."""
    while time.time() < start:
        pass
    try:
        saver = DuckDBSaver(path)
    except FileLockedError as error:
        return {"refused": str(error)}
    key = ThreadKey("t")
    with saver:
        saver.commit(key, Checkpoint(str(os.getpid()), None, -1, "input"))
        time.sleep(0.25)
        return {"owner": os.getpid(), "commits": [p.checkpoint.id for p in saver.history(key)]}


def race(path: Path) -> dict[str, list[Any]]:
    """All at once."""
    start = time.time() + 0.05
    ends = [result(*child) for child in [fork(lambda: opener(path, start)) for _ in range(RUNNERS)]]
    return {
        "owners": [end["owner"] for end in ends if "owner" in end],
        "refused": [end["refused"] for end in ends if "refused" in end],
        "commits": [name for end in ends for name in end.get("commits", ())],
    }


if __name__ == "__main__":
    print(json.dumps([race(Path(sys.argv[1]) / f"{i}.duckdb") for i in range(int(sys.argv[2]))]))
