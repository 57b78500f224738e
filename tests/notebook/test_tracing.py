"""A kernel that has run a graph can still be traced, as debuggers do; also when a Stop was raised in a node."""

import subprocess
import sys

import pytest

from tests.storms.programs import ROOT

CODE = """
import faulthandler, sys, threading, time
faulthandler.dump_traceback_later(40, exit=True)
from nbhitl import END, START, Session, StateGraph
from nbhitl.checkpoint import InMemorySaver
from nbhitl.notebook.commands import Go
from nbhitl.notebook.worker import Worker

class Nobody:
    interactive = False
    def __getattr__(self, name):
        return lambda *given, **more: None

begun = threading.Event()

def work(state):
    begun.set()
    for _ in range({turns}):
        time.sleep(0.01)
    return state

graph = StateGraph(dict).add_node("work", work).add_edge(START, "work").add_edge("work", END)
worker = Worker(Session(graph.compile(InMemorySaver()), "1"), Nobody())
threading.Thread(target=lambda: (begun.wait(), {stop}), daemon=True).start()
worker.do(Go({{"n": 1}}))
sys.settrace(lambda *event: None)
(lambda: None)()
sys.settrace(None)
print("traced")
"""


@pytest.mark.parametrize(
    ("turns", "stop"),
    [(1, "None"), (100_000, "worker._interrupt()"), (1, "worker._interrupt()")],
    ids=["a run", "a stop in a node", "a stop that comes at the end"],
)
def test_functions_can_be_traced_after(turns, stop):
    command = [sys.executable, "-c", CODE.format(turns=turns, stop=stop)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "traced\n"
