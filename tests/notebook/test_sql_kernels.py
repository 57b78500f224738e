"""The notebook's file in real kernels: two that want it, one that finds it damaged, one that is shut down at once."""

from __future__ import annotations

import os
from queue import Empty

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.engine.records import ThreadKey

CELL = """%%graph post --thread demo -i '{"topic": "tea"}'
from typing import TypedDict
class State(TypedDict, total=False):
    topic: str
    ok: bool
def review(state: State):
    return {"ok": interrupt("publish?", response_schema=bool)}
flow(START, review, END)
"""
ASYNC = """import operator
from typing import Annotated, TypedDict
from nbhitl import END, START, DuckDBSaver, StateGraph
class Count(TypedDict):
    n: int
    log: Annotated[list, operator.add]
def step(state):
    return {"n": state["n"] + 1, "log": ["x" * 100]}
builder = StateGraph(Count)
builder.add_node("step", step)
builder.add_edge(START, "step")
builder.add_conditional_edges("step", lambda state: "step" if state["n"] < 300 else END)
saver = SAVER
graph = builder.compile(checkpointer=saver)
config = {"configurable": {"thread_id": "async"}, "recursion_limit": 400}
print("reached", graph.invoke({"n": 0, "log": []}, config, durability="async")["n"])
"""


class Kernel:
    """A real kernel in a folder."""

    def __init__(self, folder):
        self.manager = KernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
        environment = {**os.environ, "JPY_SESSION_NAME": "post.ipynb"}
        self.manager.start_kernel(cwd=str(folder), env=environment)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.run("%load_ext nbhitl")

    def run(self, code):
        """What a cell printed, and its traceback as the front end shows it."""
        id_ = self.client.execute(code, allow_stdin=False)
        said = []
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=60)
            except Empty:
                pytest.fail(f"the kernel does not answer: {code:.60}")
            if message["parent_header"].get("msg_id") != id_:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                said.append(content["text"])
            elif message["msg_type"] == "error":
                said.append("\n".join(content["traceback"]))
            elif message["msg_type"] in ("execute_result", "display_data"):
                said.append(str(content["data"].get("text/plain", "")))
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                return "\n".join(said)

    def stop(self, *, now=False):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=now)
        self.manager.cleanup_resources()


@pytest.fixture
def kernel(tmp_path):
    made = []

    def make():
        made.append(Kernel(tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.stop(now=True)


def test_a_second_kernel_is_told_in_one_line_who_has_the_file_and_both_ways_out(kernel):
    first, second = kernel(), kernel()
    assert "waiting for a person" in first.run(CELL) or first.run("%graph").startswith("Graph post")
    pid = first.run("import os; print(os.getpid())").strip()
    for cell in (CELL, "%graph sql SELECT 1", "%%graph_sql\nSELECT 1", "%graph threads"):
        said = second.run(cell)
        assert len(said.strip().splitlines()) == 1, said
        assert "FileLockedError" in said
        assert pid in said
        assert "snapshot" in said
        assert "%graph db" in said
    assert "Checkpoint file: mine.duckdb" in second.run("%graph db mine.duckdb")
    assert "Graph post" in (second.run(CELL), second.run("%graph"))[1]
    # The first one's file can be looked at meanwhile, and is not disturbed.
    assert "review" in second.run("%graph sql --db .nbhitl/post.duckdb SELECT node FROM pending_interrupts")
    assert "finished" in first.run("%graph answer true")


def test_a_damaged_file_is_said_plainly_once_and_the_cell_works_when_it_is_run_again(kernel, tmp_path):
    first = kernel()
    first.run(CELL)
    first.stop()
    file = tmp_path / ".nbhitl" / "post.duckdb"
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    second = kernel()
    said = second.run(CELL)
    assert "FileDamagedError" in said
    assert len(said.strip().splitlines()) == 1, said
    assert "Traceback" not in said
    second.run(CELL)
    assert "Graph post, thread demo" in second.run("%graph")


@pytest.mark.parametrize("saver", ['DuckDBSaver("async.duckdb")', "get_ipython()._nbhitl_workspace.saver"])
def test_a_kernel_that_is_shut_down_right_after_an_async_run_has_written_everything(kernel, tmp_path, saver):
    one = kernel()
    assert "reached 300" in one.run(ASYNC.replace("SAVER", saver))
    one.stop()
    (file,) = [path for path in (tmp_path / "async.duckdb", tmp_path / ".nbhitl" / "post.duckdb") if path.exists()]
    with DuckDBSaver(file) as after:
        assert after.load(ThreadKey("async")).checkpoint.values["n"] == 300
        assert after.sql("SELECT count(*) FROM steps").rows == [(302,)]
