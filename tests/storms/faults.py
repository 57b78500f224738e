"""A small run, again and again, of which one call after the other fails that reaches its folder; and what is left then.

``python -m tests.storms.faults FOLDER MODE FIRST STRIDE`` with ``faults.c`` preloaded prints one JSON object.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import shutil
import signal
import struct
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any, Final

from nbhitl import DuckDBSaver
from nbhitl.checkpoint.file import instances, mark
from nbhitl.checkpoint.file.verifying import verify_all
from nbhitl.engine.errors import FileDamagedError, SaverError
from nbhitl.engine.records import ThreadKey
from tests.storms import world
from tests.storms.kills import ask, fork
from tests.storms.world import Log

MODES: Final = {"full": 1, "eio": 2, "short": 3, "sync": 4, "read": 5}
"""As `faults.c` numbers them; ``full`` stays so until there is room again."""
_CONTROL: Final = struct.Struct("5i")
PATIENCE: Final = 30


class Control:
    """What the preloaded code is told, and what it counted."""

    def __init__(self) -> None:
        with Path(os.environ["FAULT_CONTROL"]).open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), _CONTROL.size)

    def arm(self, mode: str, at: int) -> None:
        self.memory[:] = _CONTROL.pack(MODES[mode], at, mode == "full" and at > 0, 0, 0)

    def disarm(self) -> int:
        """Nothing fails any more; how many calls could have."""
        count = _CONTROL.unpack(self.memory[:])[3]
        self.memory[:4] = struct.pack("i", 0)
        return count


class Trial:
    """One run in a process of its own, with one fault; it goes on when there is room again."""

    def __init__(self, folder: Path, control: Control, log: Log) -> None:
        self.path, self.control, self.log = folder / "runs.duckdb", control, log
        self.told: list[str] = []
        self.problems: list[str] = []

    def run(self) -> dict[str, Any]:
        self._attempt()
        count = self.control.disarm()
        if self.told:
            self._attempt(final=True)
        return {"count": count, "told": self.told, "problems": self.problems}

    def _attempt(self, *, final: bool = False) -> None:
        """Open the file, run to the end, and close it."""
        saver = None
        try:
            saver = DuckDBSaver(self.path)
            world.run(world.build(self.log).compile(saver), "t", "sync", self.log)
            saver.close()
        except BaseException as error:  # noqa: BLE001 - whatever comes out is what is looked at
            self._judge(error, final=final)
            self.control.disarm()
            if saver is not None:
                with contextlib.suppress(SaverError):
                    saver.close()

    def _judge(self, error: BaseException, *, final: bool) -> None:
        text = f"{type(error).__name__}: {error}"
        self.told.append(text)
        if final:
            self.problems.append(f"it did not go on when there was room: {''.join(traceback.format_exception(error))}")
        elif not isinstance(error, SaverError):
            self.problems.append(f"no error of ours: {''.join(traceback.format_exception(error))}")
        elif isinstance(error, FileDamagedError):
            self.problems.append(f"said to be damaged: {text}")
        elif self.path.name not in text:
            self.problems.append(f"the error does not name the file: {text}")


def look(path: Path, log: Log) -> dict[str, Any]:
    """What is left, when nothing fails any more: acknowledged things that are gone, and where going on ends."""
    problems: list[str] = []
    if path.exists():
        connection = instances.opened(path)
        problems += verify_all(connection, mark.read(path)).problems
        connection.close()
    with DuckDBSaver(path) as saver:
        past = list(saver.history(ThreadKey("t")))
        there = {p.checkpoint.id for p in past}
        there |= {q.id for p in past for several in p.asked.values() for q in several}
        there |= {f"answered {id_}" for p in past for id_ in p.answers}
        for word, *rest in log.lines():
            if word in ("step", "asked") and rest[0] not in there:
                problems.append(f"{word} {rest[0]} was acknowledged and is gone")
            if word == "answered" and f"answered {rest[0]}" not in there:
                problems.append(f"the answer to {rest[0]} was acknowledged and is gone")
        committed = world.committed(saver)
        graph = world.build(log).compile(saver)
        begun = len(log.lines())
        world.run(graph, "t", "sync", log)
        again = [words[1] for words in log.lines()[begun:] if words[0] == "body" and words[1] in committed]
        problems += [f"{task} was committed and ran again" for task in again]
        return {"problems": problems, "end": world.told(graph, "t")}


def trial(folder: Path, outside: Path, control: Control, mode: str, at: int) -> dict[str, Any]:
    """One fault: what came of it."""
    for place in (folder, outside):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
    log = Log(outside / "log")
    control.arm(mode, at)
    pid, reading = fork(lambda: Trial(folder, control, log).run())
    end = time.monotonic() + PATIENCE
    while not (done := os.waitpid(pid, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return {"problems": ["it hung"], "told": [], "end": None, "code": None, "count": 0}
        time.sleep(0.002)
    control.disarm()
    code = os.waitstatus_to_exitcode(done[1])
    with os.fdopen(reading, "rb") as file:
        text = file.read()
    found = json.loads(text) if code == 0 else {"problems": [], "told": [], "count": 0}
    if code > 0:
        found["problems"].append(f"the process ended with {code}")
    left = ask(lambda: look(folder / "runs.duckdb", log))
    return {**found, "problems": found["problems"] + left["problems"], "end": left["end"], "code": code}


def main(folder: Path, mode: str, first: int, stride: int) -> dict[str, Any]:
    """A fault at every so-manieth call, from the ``first`` one on."""
    world.ROUNDS = 2
    control = Control()
    inside, outside = folder / "inside", folder / "outside"
    calm = trial(inside, outside, control, mode, -1)
    assert calm["problems"] == [] == calm["told"], calm
    assert calm["count"], "the preloaded code sees no calls"
    problems: list[str] = []
    told: Counter[str] = Counter()
    died = unharmed = tried = 0
    for at in range(first, calm["count"] + 1, stride):
        found = trial(inside, outside, control, mode, at)
        tried += 1
        died += (found["code"] or 0) < 0
        unharmed += found["code"] == 0 and not found["told"]
        told.update(text.replace(str(inside), "...")[:160] for text in found["told"])
        if found["end"] != calm["end"] and not found["problems"]:
            found["problems"].append("another end than that of a run without faults")
        problems += [f"{mode} at call {at}: {text}" for text in found["problems"]]
    return {
        "problems": problems,
        "calls": calm["count"],
        "tried": tried,
        "died": died,
        "unharmed": unharmed,
        "told": told,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
