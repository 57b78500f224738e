"""The rows that need a file: speed and bytes beside LangGraph's SqliteSaver, and how long a file takes to open.

The same ``durability`` on both sides, and on both a new file for every repetition.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.bench import workloads
from tests.bench.disk import FRESH, Disk
from tests.bench.engines import OURS, Engine, Run
from tests.bench.measure import Promise, Row, Weight

STEPS = 1000
CONVERSATIONS = {1000: (100, 150), 3000: (300, 500)}
"""Messages, and how many times fewer bytes than LangGraph's they have to take: target and stretch."""
OPENING = 2000.0
"""Milliseconds that opening any file may take."""
IN_LOG = 5000
"""Steps that a killed process left in the log, to be read again at the next opening: a row each."""


def rows(disk: Disk) -> list[Row]:
    """Paired with SqliteSaver."""

    def fresh(workload: Any, *given: Any, **named: Any) -> Callable[[Engine], Run]:
        return lambda engine: workload(engine, *given, disk.fresh(engine), **named)

    def written(engine: Engine, *, messages: bool) -> Run:
        live = partial(workloads.live, engine, STEPS, messages=messages)
        saver = disk.again(engine, "messages" if messages else "plain", live)
        return workloads.history(engine, STEPS, saver, messages=messages)

    return [
        Row("on disk: loop, async", fresh(workloads.loop, STEPS, durability="async"), 20, 40, STEPS, "us"),
        Row("on disk: loop, sync", fresh(workloads.loop, STEPS, durability="sync"), 1, 1.1, STEPS, "us"),
        Row("on disk: pause and resume, async", fresh(workloads.pauses, 50, durability="async"), 1.5, 3, 50),
        Row("on disk: pause and resume, sync", fresh(workloads.pauses, 50, durability="sync"), per=50),
        Row("on disk: history of 1,000, plain", partial(written, messages=False), 5, 10),
        Row("on disk: history of 1,000, messages", partial(written, messages=True), 10, 25),
        Row("on disk: 10 x 100 Send tasks, async", fresh(workloads.rounds, 100, 10, durability="async")),
    ]


def weights(disk: Disk) -> list[Weight]:
    """What lies on the disk when all is closed. LangGraph needs a minute or more, and 2.4 GB, for 3,000 messages."""

    def fresh(workload: Any, *given: Any) -> Callable[[Engine], Run]:
        return lambda engine: workload(engine, *given, disk.fresh(engine))

    def conversation(kind: str, steps: int, schema: Callable[[Engine], Any]) -> Weight:
        def make(engine: Engine) -> Run:
            return workloads.talk(engine, steps, disk.fresh(engine), schema(engine))

        def weight(engine: Engine) -> int:
            found = disk.weight(engine)
            graph = workloads.talking(engine, schema(engine), steps, disk.open(engine, FRESH))
            assert (
                len(graph.get_state(workloads.config(steps)).values["messages"]) == steps
            )  # a lost one weighs nothing
            return found

        target, stretch = CONVERSATIONS[steps]
        return Weight(f"on disk: bytes, {steps} {kind}", make, weight, target, stretch)

    return [
        Weight("on disk: bytes, loop", fresh(workloads.loop, STEPS), disk.weight),
        Weight("on disk: bytes, 10 x 100 Send tasks", fresh(workloads.rounds, 100, 10), disk.weight),
        *(
            conversation(kind, steps, schema)
            for steps in CONVERSATIONS
            for kind, schema in (("operator.add", lambda engine: workloads.Talk), ("add_messages", workloads.chat))
        ),
    ]


def openings(disk: Disk) -> list[Promise]:
    """How long it takes until a file can be used: it is opened, and the newest state of its thread is there."""

    def opened(name: str, steps: int) -> Run:
        def run() -> None:
            compiled = workloads.looping(OURS, steps, disk.open(OURS, name))
            assert compiled.get_state(workloads.config(steps)).values["n"] == steps

        return run

    def closed(steps: int) -> Run:
        name = f"{steps} steps"
        disk.again(OURS, name, lambda saver: workloads.loop(OURS, steps, saver)())
        disk.close()
        return opened(name, steps)

    def killed() -> Run:
        _kill(disk)
        return opened(FRESH, IN_LOG)

    return [
        *(Promise(f"on disk: open, {steps} steps", partial(closed, steps), OPENING) for steps in (100, 10_000)),
        Promise(f"on disk: open, killed with {IN_LOG} steps", killed, OPENING),
    ]


_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.bench import workloads
from tests.bench.engines import OURS
saver = OURS.DuckDBSaver(Path(sys.argv[1]))
workloads.loop(OURS, int(sys.argv[2]), saver)()
os.kill(os.getpid(), signal.SIGKILL)
"""


def _kill(disk: Disk) -> None:
    """Leave the file of a killed process, its rows in the log. A copy of it, since opening empties the log."""
    disk.close()
    kept = disk.folder(OURS, "killed")
    path = disk.path(OURS, "killed")
    if not kept.exists():
        kept.mkdir(parents=True)
        subprocess.run([sys.executable, "-c", _KILLED, str(path), str(IN_LOG)], check=False, timeout=120)
    log = path.with_name(f"{path.name}.wal")
    if not log.exists() or log.stat().st_size < 50 * IN_LOG:
        raise RuntimeError("the killed process left no log: what it wrote was folded into the file before")
    copy = disk.folder(OURS, FRESH)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(kept, copy)
