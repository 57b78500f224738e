"""Kills, and what is checked after each. Run as a program: a parent that imports once, and forks whom it kills.

``python -m tests.storms.kills FOLDER KILLS SEED`` prints one JSON object. Whoever opens a database is a child, so that
the parent has no threads when it forks.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb  # noqa: F401 - imported once, before the forks
import pydantic  # noqa: F401

from nbhitl import DuckDBSaver
from nbhitl.checkpoint import crashing
from nbhitl.checkpoint.file import instances, mark
from nbhitl.checkpoint.file.verifying import verify_all
from nbhitl.engine.records import Checkpoint, ThreadKey
from tests.storms import world
from tests.storms.world import Log

if TYPE_CHECKING:
    from collections.abc import Callable

LIVES = ("sync", "async", "exit", "bare")
"""How a thread is run: with which durability; ``bare``: commits without a graph."""
MOST = 400
"""Lives of one thread, more than it can need."""
BARE_STEPS = 600


def fork(work: Callable[[], Any]) -> tuple[int, int]:
    """Do something in a child: its process id, and where its result can be read as JSON."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    code = 1
    try:
        os.close(reading)
        warnings.simplefilter("error")
        result = work()
        os.write(writing, json.dumps(result).encode())
        code = 0
    except BaseException:  # noqa: BLE001 - whatever comes out is what is looked at
        traceback.print_exc()
    finally:
        os._exit(code)


def result(pid: int, reading: int) -> Any:
    """What a child found. Raises RuntimeError when it failed, or took longer than a minute."""
    with os.fdopen(reading, "rb") as file:
        text = file.read()
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"the child ended with {os.waitstatus_to_exitcode(status)}; its traceback stands above")
    return json.loads(text)


def ask(work: Callable[[], Any]) -> Any:
    """Do something in a child, and wait for what it finds."""
    return result(*fork(work))


def kill(work: Callable[[], Any], after: float) -> bool:
    """Kill a child after so many seconds; whether it was alive then. Raises RuntimeError when it had failed."""
    pid, reading = fork(work)
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    return ended(pid, reading)


def ended(pid: int, reading: int) -> bool:
    """Wait for a child; whether it was killed."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(reading)
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the child ended with {code}; its traceback stands above")
    return code == -signal.SIGKILL


def crash_at(point: str, passing: int) -> None:
    """Die at a named point, as with ``NBHITL_CRASH_AT``, which is read when a process begins."""
    crashing._AT, crashing._COUNT = point, str(passing)


# -- lives


def live(path: Path, thread: str, how: str, log: Log, point: str = "", passing: int = 1) -> None:
    """One life: run a thread on, until its end or the kill."""
    if point:
        crash_at(point, passing)
    with DuckDBSaver(path) as saver:
        if how == "bare":
            _commit_bare(saver, ThreadKey(thread), log)
        else:
            world.run(world.build(log).compile(saver), thread, how, log)


def _commit_bare(saver: DuckDBSaver, key: ThreadKey, log: Log) -> None:
    here = saver.load(key)
    step, parent, grown = -1, None, []
    if here is not None:
        step, parent, grown = here.checkpoint.step, here.checkpoint.id, here.checkpoint.values["log"]
    while step < BARE_STEPS:
        step += 1
        grown = [*grown, {"at": step}]
        values = {"step": step, "fixed": "f" * 200, "log": grown}
        made = Checkpoint(f"c{step}", parent, step, "loop", values, changed=("step", "log"))
        sure = step % 3 == 0
        saver.commit(key, made, joined={"log"}, wait=sure)
        if sure:
            log.say("step", made.id)
        parent = made.id
    saver.flush()
    log.say("end")


def bare_is_whole(saver: DuckDBSaver, key: ThreadKey) -> list[str]:
    """What is wrong with a thread that `live` made without a graph."""
    at = [p.checkpoint for p in saver.history(key)][::-1]
    if [c.step for c in at] != list(range(len(at))):
        return [f"steps are missing: {[c.step for c in at]}"]
    wrong = [
        c.step for c in at if c.values["log"] != [{"at": n} for n in range(c.step + 1)] or c.values["step"] != c.step
    ]
    return [f"other values at the steps {wrong}"] if wrong else []


# -- what is left


def look(path: Path, thread: str, how: str, log: Log) -> dict[str, Any]:
    """What a killed life has left: in the file as it is, and when it is opened again."""
    problems = []
    if path.exists():  # a life may be too short to make the file
        connection = instances.opened(path)
        problems = verify_all(connection, mark.read(path)).problems
        connection.close()
    began = time.perf_counter()
    saver = DuckDBSaver(path)
    key = ThreadKey(thread)
    here = saver.load(key)
    seconds = time.perf_counter() - began
    with saver:
        past = list(saver.history(key))
        found: dict[str, Any] = {
            "problems": problems,
            "seconds": seconds,
            "steps": [p.checkpoint.id for p in past],
            "asked": [q.id for p in past for several in p.asked.values() for q in several],
            "answered": [id_ for p in past for id_ in p.answers],
            "step": -2 if here is None else here.checkpoint.step,
        }
        if how == "bare":
            problems += bare_is_whole(saver, key)
            found["committed"], found["end"] = [], None
        else:
            graph = world.build(log).compile(saver)
            found["committed"] = sorted(world.committed(saver))
            found["end"] = world.told(graph, thread) if world.due(graph, thread) is world.END else None
    return found


class Thread:
    """One thread that is killed until it ends, and what is known of it."""

    def __init__(self, folder: Path, path: Path, name: str, how: str) -> None:
        self.path, self.name, self.how = path, name, how
        self.log = Log(folder / f"{path.stem}-{name}.log")
        self.committed: set[str] = set()
        """Tasks that may not run again."""
        self.seen = 0
        """Lines of the log that were looked at."""
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()
        self.slowest = 0.0
        self.end: Any = None

    def live(self, point: str = "", passing: int = 1) -> None:
        live(self.path, self.name, self.how, self.log, point, passing)

    def check(self) -> None:
        """Look at what is left, and hold it against what was acknowledged."""
        lines = self.log.lines()
        news, self.seen = lines[self.seen :], len(lines)
        again = [words[1] for words in news if words[0] == "body" and words[1] in self.committed]
        self.counts["committed steps run again"] += len(again)
        found = ask(lambda: look(self.path, self.name, self.how, self.log))
        for word, where in (("step", "steps"), ("asked", "asked"), ("answered", "answered")):
            said = {words[1] for words in lines if words[0] == word}
            self.counts[f"acknowledged: {word}"] += sum(words[0] == word for words in news)
            lost = said.difference(found[where])
            self.counts["acknowledged things lost"] += len(lost)
            self.problems += [f"{self.name}: {word} {id_} was acknowledged and is gone" for id_ in sorted(lost)]
        self.problems += [f"{self.name}: {id_} was committed and ran again" for id_ in again]
        self.problems += [f"{self.name}: {text}" for text in found["problems"] + self._effects(lines)]
        self.slowest = max(self.slowest, found["seconds"])
        self.committed.update(found["committed"])
        self.end = found["end"]

    def _effects(self, lines: list[list[str]]) -> list[str]:
        kept: set[str] = set()
        wrong = []
        for word, *rest in lines:
            if word == "kept":
                kept.add(rest[0])
            elif word == "effect" and rest[0] in kept:
                wrong.append(f"{rest[0]} happened again after it was kept")
        return wrong

    @property
    def ended(self) -> bool:
        return any(words[0] == "end" for words in self.log.lines())


def calm(folder: Path, how: str) -> Any:
    """The end of a run that nobody kills."""
    return _calm(folder, how)[0]


def _calm(folder: Path, how: str) -> tuple[Any, float]:
    """The same, and how long it took (s)."""
    path, log = folder / f"calm-{how}.duckdb", Log(folder / f"calm-{how}.log")
    began = time.perf_counter()
    ask(lambda: live(path, "calm", how, log))
    seconds = time.perf_counter() - began
    return ask(lambda: look(path, "calm", how, log))["end"], seconds


def storm(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill so many times; what was found."""
    chance = random.Random(seed)
    ends = {how: _calm(folder, how) for how in LIVES}
    problems: list[str] = []
    counts: Counter[str] = Counter()
    slowest, number = 0.0, 0
    while counts["kills"] < kills and not problems:
        how = LIVES[number % len(LIVES)]
        end, longest = ends[how]
        thread = Thread(folder, folder / f"storm-{number // 12}.duckdb", f"t{number}", how)
        number += 1
        for _ in range(MOST):
            if counts["kills"] < kills:
                # Many kills come early, where the file is opened.
                killed = kill(thread.live, longest * chance.uniform(0.0, 0.2 if chance.random() < 0.3 else 1.0))
            else:
                killed = bool(ask(thread.live))
            counts["kills"] += killed
            counts[f"kills, {how}"] += killed
            thread.check()
            if not killed or thread.problems:
                break
        else:
            problems.append(f"{thread.name} never ended")
        if not thread.problems and (thread.end != end or not thread.ended):
            problems.append(f"{thread.name} ({how}) did not end as the calm run did")
        problems += thread.problems
        counts.update(thread.counts)
        slowest = max(slowest, thread.slowest)
    return {"problems": problems, "slowest": slowest, "threads": number, **counts}


if __name__ == "__main__":
    print(json.dumps(storm(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
