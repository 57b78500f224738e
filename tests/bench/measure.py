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


@dataclass(frozen=True)
class Result:
    """What was measured, for a line of a terminal or of a page."""

    title: str
    unit: str
    mine: float
    peer: float | None = None
    ratios: Sequence[float] = ()
    """LangGraph's by ours, paired; empty where there is no pair."""
    goal: float | None = None
    """How many times faster or smaller than LangGraph's it has to be; without pairs: at most so many units."""
    stretch: float | None = None
    spread: Sequence[float] = ()
    """The least and the most of ours, where there are no pairs."""
    note: str = ""

    @property
    def met(self) -> str:
        """Whether what was promised is kept."""
        if self.goal is None:
            return ""
        sign, value = (1, statistics.median(self.ratios)) if self.ratios else (-1, self.mine)
        if self.stretch is not None and value * sign >= self.stretch * sign:
            return "STRETCH"
        return "met" if value * sign >= self.goal * sign else "MISSED"

    @property
    def line(self) -> str:
        """For a terminal."""
        peer = " " * 9 if self.peer is None else f"{self.peer:9.2f}"
        said = f"{self.title:<{WIDTH}} {self.mine:9.2f} {peer} {self.unit}  {self._measured:<26} {self._promised:<19}"
        return f"{said} {self.met}{self.note}".rstrip()

    @property
    def cells(self) -> list[str]:
        """For a page: title, LangGraph, nbhitl, ratio, promise."""
        peer = "" if self.peer is None else f"{self.peer:,.4g} {self.unit}"
        kept = {"STRETCH": ", reached beyond", "met": ", reached", "MISSED": ", **missed**"}.get(self.met, "")
        return [self.title, peer, f"{self.mine:,.4g} {self.unit}", self._measured, f"{self._promised}{kept}"]

    @property
    def _measured(self) -> str:
        if self.ratios:
            return f"{statistics.median(self.ratios):6.1f} x ({min(self.ratios):.1f} - {max(self.ratios):.1f})".strip()
        return f"({self.spread[0]:.1f} - {self.spread[-1]:.1f})" if self.spread else ""

    @property
    def _promised(self) -> str:
        if self.goal is None:
            return ""
        unit = "" if self.ratios else f" {self.unit}"
        return (
            f"target {self.goal:g}{unit}" if self.stretch is None else f"target {self.goal:g} / {self.stretch:g}{unit}"
        )


def compare(row: Row, repeat: int, *, cpu: bool = False) -> Result:
    """The row's times and paired ratios."""
    engines = (THEIRS, OURS) if row.peer else (OURS,)
    for engine in engines:
        row.make(engine)()  # warm up
    pairs: list[dict[str, float]] = []
    for number in range(repeat):
        order = engines if number % 2 else engines[::-1]  # neither engine always comes first
        pairs.append({engine.name: timed(row.make(engine), cpu=cpu) / row.per for engine in order})
    scale = 1e6 if row.unit == "us" else 1e3
    times = {e.name: statistics.median(pair[e.name] for pair in pairs) * scale for e in engines}
    if not row.peer:
        return Result(row.title, row.unit, times[OURS.name])
    ratios = sorted(pair[THEIRS.name] / pair[OURS.name] for pair in pairs)
    return Result(row.title, row.unit, times[OURS.name], times[THEIRS.name], ratios, row.target, row.stretch)


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


def weigh(row: Weight) -> Result:
    """The row's megabytes, their ratio, how long each run took."""
    bytes_, seconds = {}, {}
    for engine in (OURS, THEIRS):
        seconds[engine.name] = timed(row.make(engine))
        bytes_[engine.name] = row.weight(engine)
    mine, peer = bytes_[OURS.name], bytes_[THEIRS.name]
    took = f"   ({seconds[OURS.name]:.2f} s, {seconds[THEIRS.name]:.2f} s)"
    return Result(row.title, "MB", mine / 1e6, peer / 1e6, [peer / mine], row.target, row.stretch, note=took)


@dataclass(frozen=True)
class Promise:
    """Something of ours that has to be done within a time, whatever others need for it."""

    title: str
    make: Callable[[], Run]
    """Builds what is needed, untimed, and returns what is timed. Called anew for every repetition."""
    target: float
    """Milliseconds."""


def keep(row: Promise, repeat: int) -> Result:
    """The row's median in milliseconds, and its range."""
    times = sorted(timed(row.make()) * 1e3 for _ in range(repeat))
    return Result(row.title, "ms", statistics.median(times), goal=row.target, spread=times)


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
