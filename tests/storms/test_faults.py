"""Calls that fail below the checkpoint file: each one of a small run, with no room, EIO, a short write, a failed fsync.

The process gets an error of ours, or survives; nothing acknowledged is lost; and in the same process, when there is
room again, the file opens and the run goes on. The calls fail in a library that is compiled here and preloaded
(`faults.c`).
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storms.programs import LONG, PATIENCE, ROOT

STRIDES = {"full": 1, "eio": 1 if LONG else 2, "short": 1 if LONG else 2, "sync": 1, "read": 1}
"""Of so many calls one is tried."""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        if os.environ.get("NBHITL_REQUIRE_BROWSER"):
            pytest.fail("gcc is missing, and CI needs it for the I/O faults")
        pytest.skip("needs Linux and a C compiler")
    made = tmp_path_factory.mktemp("faults") / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", made, source, "-ldl"], check=True)
    return made


@pytest.fixture(scope="module")
def storms(library, tmp_path_factory):
    """Every mode in a process of its own, side by side."""
    running = {}
    for mode, stride in STRIDES.items():
        folder = tmp_path_factory.mktemp(mode)
        control = folder / "control"
        control.write_bytes(bytes(64))
        env = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "FAULT_CONTROL": str(control),
            "FAULT_FOLDER": str(folder / "inside"),
        }
        command = [sys.executable, "-m", "tests.storms.faults", str(folder), mode, "1", str(stride)]
        running[mode] = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    try:
        yield {mode: (program, *program.communicate(timeout=PATIENCE)) for mode, program in running.items()}
    finally:
        for program in running.values():
            program.kill()
            program.wait()


@pytest.mark.parametrize("mode", STRIDES)
def test_whichever_call_fails_the_error_is_ours_nothing_is_lost_and_the_run_goes_on(storms, mode, capsys):
    program, out, err = storms[mode]
    assert program.returncode == 0, err[-6000:]
    found = json.loads(out)
    problems = found.pop("problems")
    with capsys.disabled():
        print(f"\n{mode}: {found}")
    assert problems == []
    assert found["tried"] >= found["calls"] // STRIDES[mode]
    assert found["died"] == 0  # duckdb ends no process; if it did, that would be a kill
    assert found["calls"] >= {"full": 50, "eio": 80, "short": 50, "sync": 20, "read": 1}[mode]
    if mode == "short":
        assert found["unharmed"] == found["tried"]  # whoever wrote it writes the rest
    else:
        assert found["told"]


FILLING = """
import json, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from nbhitl import DuckDBSaver
from nbhitl.engine.errors import SaverError
from nbhitl.engine.records import Checkpoint, ThreadKey
path, limit, key = sys.argv[1], int(sys.argv[2]), ThreadKey("t")
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
saver = DuckDBSaver(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
told, sure, grown = [], [], []

def commit(step):
    global grown
    text = "".join(chr(97 + (step * 7919 + i * i) % 26) for i in range(20_000))
    grown = [*grown, text]
    made = Checkpoint(f"c{step}", sure[-1] if sure else None, step, "loop", {"log": grown}, changed=("log",))
    saver.commit(key, made, joined={"log"})
    sure.append(made.id)

for step in range(4000):
    try:
        commit(step)
    except SaverError as error:
        told.append(f"{type(error).__name__}: {error}")
        break
try:
    saver.load(key)
    saver.commit(key, Checkpoint("x", sure[-1], 0, "loop"))
    told.append("a commit after the failure returned")
except SaverError as error:
    told.append(f"{type(error).__name__}: {error}")
try:
    saver.close()
except SaverError as error:
    told.append(f"{type(error).__name__}: {error}")
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
saver = DuckDBSaver(path)
position = saver.load(key)
names = [p.checkpoint.id for p in saver.history(key)][::-1]
lengths = [len(p.checkpoint.values["log"]) for p in saver.history(key, limit=3)]
saver.commit(key, Checkpoint("more", names[-1], 1, "loop", {"log": [1]}, changed=("log",)))
saver.close()
print(json.dumps({"told": told, "sure": sure, "names": names, "lengths": lengths}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of file sizes")
@pytest.mark.parametrize("limit", [600_000, 3_000_000, 20_000_000])
def test_a_file_that_may_not_grow_any_more_says_so_and_goes_on_when_it_may(tmp_path, limit):
    path = tmp_path / "t.duckdb"
    done = subprocess.run(
        [sys.executable, "-c", FILLING, str(path), str(limit)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout)
    assert len(found["told"]) >= 2
    for text in found["told"]:
        assert text.startswith("SaverError: ")
        assert path.name in text
        assert "open the file again" in text
    assert found["names"][: len(found["sure"])] == found["sure"]
    assert len(found["names"]) - len(found["sure"]) <= 1  # what failed may be there all the same
    assert found["lengths"][0] == len(found["names"])
