"""kill -9 at any moment: a task whose result was seen never runs again, and the run ends as if never killed."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from nbhitl import Command, DuckDBSaver, entrypoint, interrupt, task

CONFIG = {"configurable": {"thread_id": "t"}}
TASKS = 12
KILLS = 15


def build(saver, log):
    """Pairs of tasks side by side, one after the other, with a question half-way."""

    @task
    def work(n):
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{n}\n".encode())
        os.fsync(file)
        os.close(file)
        return n * n

    @entrypoint(checkpointer=saver)
    def main(value):
        found = []
        for n in range(0, TASKS, 2):
            futures = [work(n), work(n + 1)]
            for k, future in enumerate(futures):
                found.append(future.result())
                print("saw", n + k, flush=True)
            if n == TASKS // 2:
                found.append(interrupt("half?"))
        return found

    return main


def work(path, log):
    """The child: run until the end, and say which results the body has seen."""
    with DuckDBSaver(path) as saver:
        main = build(saver, log)
        print("open", flush=True)
        while True:
            state = main.get_state(CONFIG)
            if state.metadata is None:
                main.invoke("in", CONFIG)
            elif state.interrupts:
                main.invoke(Command(resume="yes"), CONFIG)
            elif state.next:
                main.invoke(None, CONFIG)
            else:
                return


def test_no_task_whose_result_was_seen_runs_again(tmp_path):
    code = "import sys; from tests.functional.test_kills import work; work(sys.argv[1], sys.argv[2])"
    root, chance = Path(__file__).parent.parent.parent, random.Random(7)
    kills = thread = 0
    while kills < KILLS:
        thread += 1
        path, log = tmp_path / f"{thread}.duckdb", tmp_path / f"{thread}.log"
        seen = set()
        for _ in range(50):
            before = Counter(log.read_text().splitlines()) if log.exists() else Counter()
            command = [sys.executable, "-c", code, str(path), str(log)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as child:
                assert child.stdout.readline() == "open\n"
                if kills < KILLS:
                    time.sleep(chance.uniform(0.0, 0.12))
                    child.kill()
                    kills += 1
                told = child.stdout.read().split()
            now = Counter(log.read_text().splitlines()) if log.exists() else Counter()
            for n in seen:  # what was seen before this life was not run in it
                assert now[str(n)] == before[str(n)]
            seen |= {int(word) for word in told if word.isdigit()}
            if child.returncode == 0:
                break
        with DuckDBSaver(str(path)) as saver:
            values = build(saver, str(log)).get_state(CONFIG).values
        squares = [n * n for n in range(TASKS)]
        half = TASKS // 2 + 2
        assert values == [*squares[:half], "yes", *squares[half:]]
