"""kill -9 while a node waits to be tried again: the next run waits the rest, and counts on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbhitl import DuckDBSaver, RetryPolicy, snapshot
from nbhitl.engine.records import ThreadKey
from tests.policies.graphs import line

ROOT = Path(__file__).parent.parent.parent
WAIT = 6.0
POLICY = RetryPolicy(initial_interval=WAIT, backoff_factor=1, jitter=False, max_attempts=3)
CONFIG = {"configurable": {"thread_id": "t"}}

PROGRAM = """
import sys
from tests.policies.test_kill_while_waiting import run
run(sys.argv[1], sys.argv[2])
"""


def note(log, text):
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{text}\n".encode())
    os.close(file)


def run(folder, durability):
    """A node that fails at its first attempt, and writes down when each one begins."""

    def body(state, runtime):
        note(f"{folder}/log", f"{runtime.execution_info.node_attempt} {time.time()}")
        if runtime.execution_info.node_attempt == 1:
            raise ConnectionError("x")
        return {"log": ["a"]}

    with DuckDBSaver(f"{folder}/t.duckdb") as saver:
        graph = line(body, retry_policy=POLICY).compile(saver)
        known = saver.load(ThreadKey("t")) is not None
        return graph.invoke(None if known else {"x": 1}, CONFIG, durability=durability)


def attempts(folder):
    log = Path(folder, "log")
    return [(int(n), float(at)) for n, at in map(str.split, log.read_text().splitlines())] if log.exists() else []


def waits(folder):
    """Whether it is durable that the first attempt has failed."""
    if not attempts(folder):
        return False
    with snapshot(f"{folder}/t.duckdb") as seen:
        position = seen.load(ThreadKey("t"))
    return position is not None and bool(position.retried)


@pytest.mark.parametrize("durability", ["sync", "async"])
def test_the_next_run_waits_the_rest_and_counts_on(tmp_path, durability):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path), durability], cwd=ROOT, env=environment)
    try:
        end = time.monotonic() + 60
        while not waits(tmp_path) and time.monotonic() < end:
            time.sleep(0.02)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert [n for n, _ in attempts(tmp_path)] == [1]
    assert run(tmp_path, durability)["log"] == ["a", "b"]
    (first, began), (second, again) = attempts(tmp_path)
    assert (first, second) == (1, 2)
    assert again - began >= WAIT - 0.05
