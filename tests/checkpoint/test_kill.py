"""kill -9 at any moment: what was acknowledged is there, in an unbroken chain, and soon."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.engine.records import ThreadKey

KILLS = 50
CHILD = """
import sys
from nbhitl.checkpoint import DuckDBSaver
from nbhitl.engine.records import Checkpoint, ThreadKey
saver, key = DuckDBSaver(sys.argv[1]), ThreadKey("t")
here = saver.load(key)
step, parent = (here.checkpoint.step, here.checkpoint.id) if here else (-1, None)
print("open", flush=True)
while True:
    step += 1
    values = {"step": step, "fixed": "f" * 200, "log": {"at": step}, "half": step // 2}
    saver.commit(key, Checkpoint(f"c{step}", parent, step, "loop", values, changed=("step", "log", "half")))
    print(step, flush=True)
    parent = f"c{step}"
"""


def test_fifty_kills_lose_no_acknowledged_step(tmp_path):
    path = str(tmp_path / "a.duckdb")
    chance = random.Random(20240607)
    acknowledged, slowest = -1, 0.0
    seen: Counter[str] = Counter()
    for _ in range(KILLS):
        child = subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE, text=True)
        assert child.stdout.readline() == "open\n"
        time.sleep(chance.uniform(0.0, 0.3))
        child.send_signal(signal.SIGKILL)
        said = [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        child.wait()
        child.stdout.close()
        acknowledged = int(said[-1]) if said else acknowledged
        started = time.perf_counter()
        with DuckDBSaver(path) as saver:
            position = saver.load(ThreadKey("t"))
            slowest = max(slowest, time.perf_counter() - started)
            last = position.checkpoint.step if position else -1
            seen["unacknowledged but there"] += last > acknowledged
            assert last >= acknowledged
            assert saver.sql("SELECT count(*) = coalesce(max(seq), 0) FROM journal").rows == [(True,)]
            chain = saver.sql("SELECT count(*), count(DISTINCT step), min(step) FROM steps").rows
            assert chain == ([(last + 1, last + 1, 0)] if last >= 0 else [(0, 0, None)])
            if position:
                assert position.checkpoint.values["log"] == {"at": last}
        acknowledged = last
        assert slowest < 2
    with DuckDBSaver(path) as saver:
        steps = [p.checkpoint for p in saver.history(ThreadKey("t"))]
    assert [c.step for c in steps] == list(reversed(range(len(steps))))
    assert all(c.values["half"] == c.step // 2 for c in steps)
    print(f"{KILLS} kills, {len(steps)} steps, slowest reopen {slowest:.3f} s, {dict(seen)}")
