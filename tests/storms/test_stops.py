"""Ctrl-C anywhere: `KeyboardInterrupt` is all that comes out, the saver works on, and runs end as if never stopped.

``NBHITL_STORM=1000 python -m pytest tests/storms/test_stops.py`` stops more often.
"""

import subprocess
import sys

import pytest

from tests.storms.programs import ROOT, rounds, side_by_side

SIGNALS, LINES = 200, 80


@pytest.fixture(scope="module")
def storms(tmp_path_factory):
    """Real signals, interrupts at lines picked by chance, and one at each line of a short run; side by side."""
    stops = {"signal": rounds(SIGNALS), "line": rounds(LINES), "every line": 0, "handing over": 0}
    calls = [("stops", str(count), str(seed), how) for seed, (how, count) in enumerate(stops.items(), 1)]
    return dict(zip(stops, side_by_side(tmp_path_factory.mktemp("stops"), calls), strict=True))


@pytest.mark.parametrize(("how", "stops"), [("signal", SIGNALS), ("line", LINES)])
def test_a_stop_at_any_moment_leaves_a_saver_that_works_and_threads_that_go_on(storms, how, stops, capsys):
    found = dict(storms[how])
    with capsys.disabled():
        print(f"\n{how}: {found}")
    assert found["problems"] == []
    acts = ("run", "look", "file", "upkeep", "bare")
    # How many of the shorter acts are struck is chance, and depends on how busy the machine is.
    assert all(found[f"{act}: stopped"] >= stops / 50 for act in acts)
    assert sum(found[f"{act}: stopped"] for act in acts) >= rounds(stops)
    assert found["KeyboardInterrupt came out"] >= rounds(stops) / 2


def test_a_stop_at_each_line_of_a_run_lets_the_same_program_go_on_with_the_thread(storms):
    assert storms["every line"]["lines"] > 1000
    assert storms["every line"]["problems"] == []


def test_a_stop_while_a_group_is_handed_over_makes_no_later_commit_return_before_it_is_durable(storms):
    assert storms["handing over"]["lines"] > 10
    assert storms["handing over"]["problems"] == []


# A Ctrl-C is seen between the call that takes a lock and the block that gives it back, where taking it is Python code.
LEAK = """
import faulthandler, sys, threading
faulthandler.dump_traceback_later(20, exit=True)
from nbhitl.checkpoint import DuckDBSaver
from nbhitl.engine.records import Checkpoint, ThreadKey
key = ThreadKey("t")
struck = []

def tracing(frame, event, arg):
    if frame.f_code.co_qualname == "Condition.__enter__" and not struck:
        frame.f_trace_opcodes = True
        return entering

def entering(frame, event, arg):
    if event == "opcode" and frame.f_code.co_code[frame.f_lasti] == RETURN:
        struck.append(frame)
        raise KeyboardInterrupt
    return entering

import opcode
RETURN = opcode.opmap["RETURN_VALUE"]
saver = DuckDBSaver(":memory:")
sys.settrace(tracing)
try:
    saver.commit(key, Checkpoint("a", None, -1, "input"))
except KeyboardInterrupt:
    pass
sys.settrace(None)
struck.clear()
if saver.load(key) is None:
    saver.commit(key, Checkpoint("a", None, -1, "input"))
assert saver.load(key).checkpoint.id == "a"
saver.close()
print("works on")
"""


def test_a_stop_while_the_writers_lock_is_taken_does_not_keep_it_for_ever():
    done = subprocess.run(
        [sys.executable, "-c", LEAK], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "works on\n", done.stderr
