"""Ctrl-C at each line of `DuckDBSaver.compact`: the saver works on, whatever was open at that moment."""

import subprocess
import sys
from pathlib import Path

from nbhitl import DuckDBSaver
from nbhitl.checkpoint.file import compacting, instances
from nbhitl.engine.records import Checkpoint, ThreadKey
from tests.storms.programs import ROOT
from tests.storms.stops import ByLine, Measure

KEY = ThreadKey("t")


def grown(folder, name):
    saver = DuckDBSaver(folder / f"{name}.duckdb")
    saver.commit(KEY, Checkpoint("a", None, -1, "input", {"log": [1]}))
    return saver


def stopped_at_each_line(folder):
    """How many lines `compact` passes, and at how many of them it was stopped."""
    measure = Measure(tracing=True)
    with grown(folder, "whole") as saver, measure:
        saver.compact()
    lines = sorted(line for line in measure.lines if line[0] in (compacting.__file__, instances.__file__))
    struck = 0
    for number, (file, line) in enumerate(lines):
        with grown(folder, number) as saver:
            disturbance = ByLine(file, line, 1)
            try:
                with disturbance:
                    saver.compact()
            except KeyboardInterrupt:
                struck += disturbance.struck
            assert saver.load(KEY).checkpoint.values == {"log": [1]}, (file, line)
            saver.commit(KEY, Checkpoint("b", "a", 0, "loop", {"log": [1]}))
    return len(lines), struck


def test_a_stop_at_any_line_leaves_a_saver_that_works(tmp_path):
    """In a process of its own, since it traces."""
    command = [sys.executable, "-m", "tests.storms.test_stopped_compacting", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    lines, struck = map(int, done.stdout.split())
    assert min(lines, struck) > 30


if __name__ == "__main__":
    print(*stopped_at_each_line(Path(sys.argv[1])))
