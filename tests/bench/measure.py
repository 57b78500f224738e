"""How a row is measured: both engines in turn in one process, fresh objects for every repetition.

Absolute times move by a factor of two on a shared machine; what counts is the ratio within one repetition.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.engines import OURS, THEIRS, Engine, Make, Run

WIDTH = 40
CLOCKS = {False: time.perf_counter, True: time.process_time}


def timed(run: Run, *, cpu: bool = False) -> float:
    """Seconds of one run. The garbage of earlier ones is gone; collecting its own is part of it, as for a user.

    With ``cpu`` those that all threads of this process computed: steadier while others work on the same machine, but
    blind to waiting, e.g. for a disk or for a thread to start.
    """
    clock = CLOCKS[cpu]
    gc.collect()
    begin = clock()
    run()
    return clock() - begin


@dataclass(frozen=True)
class Row:
    """One workload on both engines."""

    title: str
    make: Make
    target: float | None = None
    """How many times faster than LangGraph it has to be."""
    stretch: float | None = None
    per: int = 1
    """How many steps or calls one run makes."""
    unit: str = "ms"
    peer: bool = True
    """Whether LangGraph can run it."""


def compare(row: Row, repeat: int, *, cpu: bool = False) -> str:
    """The row's line: times, the paired ratios, and whether the target is met."""
    engines = (THEIRS, OURS) if row.peer else (OURS,)
    for engine in engines:
        row.make(engine)()  # warm up
    pairs: list[dict[str, float]] = []
    for number in range(repeat):
        order = engines if number % 2 else engines[::-1]  # neither engine always comes first
        pairs.append({engine.name: timed(row.make(engine), cpu=cpu) / row.per for engine in order})
    scale = 1e6 if row.unit == "us" else 1e3
    times = {e.name: statistics.median(pair[e.name] for pair in pairs) * scale for e in engines}
    line = f"{row.title:<{WIDTH}} {times[OURS.name]:9.2f}"
    if not row.peer:
        return f"{line} {row.unit}"
    ratios = sorted(pair[THEIRS.name] / pair[OURS.name] for pair in pairs)
    return f"{line} {times[THEIRS.name]:9.2f} {row.unit}  {verdict(ratios, row.target, row.stretch)}"


def verdict(ratios: Sequence[float], target: float | None, stretch: float | None) -> str:
    """The median ratio with its range, beside what was promised."""
    middle = statistics.median(ratios)
    said = f"{middle:6.1f} x ({min(ratios):.1f} - {max(ratios):.1f})"
    if target is None:
        return said
    met = "STRETCH" if stretch is not None and middle >= stretch else "met" if middle >= target else "MISSED"
    return f"{said:<26} target {target:g} / {stretch:g}   {met}"


@dataclass(frozen=True)
class Weight:
    """What a run leaves on the disk: the same every time, so each engine runs once."""

    title: str
    make: Make
    weight: Callable[[Engine], int]
    """Bytes, asked for after the run."""
    target: float | None = None
    """How many times smaller than LangGraph's."""
    stretch: float | None = None


def weigh(row: Weight) -> str:
    """The row's line: megabytes, their ratio, how long each run took."""
    bytes_, seconds = {}, {}
    for engine in (OURS, THEIRS):
        seconds[engine.name] = timed(row.make(engine))
        bytes_[engine.name] = row.weight(engine)
    mine, peer = bytes_[OURS.name], bytes_[THEIRS.name]
    took = f"   ({seconds[OURS.name]:.2f} s, {seconds[THEIRS.name]:.2f} s)"
    line = f"{row.title:<{WIDTH}} {mine / 1e6:9.2f} {peer / 1e6:9.2f} MB"
    return f"{line}  {verdict([peer / mine], row.target, row.stretch)}{took}"


@dataclass(frozen=True)
class Promise:
    """Something of ours that has to be done within a time, whatever others need for it."""

    title: str
    make: Callable[[], Run]
    """Builds what is needed, untimed, and returns what is timed. Called anew for every repetition."""
    target: float
    """Milliseconds."""


def keep(row: Promise, repeat: int) -> str:
    """The row's line: the median in milliseconds, its range, and whether the promise is kept."""
    times = sorted(timed(row.make()) * 1e3 for _ in range(repeat))
    middle = statistics.median(times)
    said = f"         ms  ({times[0]:.1f} - {times[-1]:.1f})"
    met = "met" if middle <= row.target else "MISSED"
    return f"{row.title:<{WIDTH}} {middle:9.2f} {said:<38} target {row.target:g} ms   {met}"


def import_seconds(statement: str) -> float:
    """Seconds that a statement takes in a fresh interpreter, its own start aside."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    ran = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    if ran.returncode:
        raise RuntimeError(ran.stderr.strip().splitlines()[-1])
    return float(ran.stdout)


def best(make: Make, engine: Engine, repeat: int) -> float:
    """The shortest of several runs, in seconds: noise only ever adds."""
    return min(timed(make(engine)) for _ in range(repeat))
