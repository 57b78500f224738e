"""``%debug`` in a real kernel: it opens in the frame of the node that failed, though it ran on another thread."""

import queue
import re

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

ANSI = re.compile(r"\x1b\[[0-9;]*m")
CELL = """%%graph sums
from typing import TypedDict
class State(TypedDict, total=False):
    n: int
def one(state: State):
    return {"n": 1}
def two(state: State):
    value = state["n"] + 41
    return {"n": value / 0}
flow(START, one, two, END)
"""
SIDE_BY_SIDE = """%%graph wide
from threading import Barrier
from typing import TypedDict
both = Barrier(2)
class State(TypedDict, total=False):
    n: int
def left(state: State):
    mine = "left"
    both.wait(5)
    raise ValueError(mine)
def right(state: State):
    mine = "right"
    both.wait(5)
    raise ValueError(mine)
flow(START, [left, right], END)
"""


@pytest.fixture
def kernel(tmp_path):
    manager = KernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    manager.start_kernel(cwd=str(tmp_path))
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def typed(kernel, source, *replies):
    """What a cell printed and the error that it ended with, where these replies are typed when it asks."""
    said, waiting = [], list(replies)

    def out(message):
        content = message["content"]
        if message["msg_type"] == "stream":
            said.append(content["text"])
        elif message["msg_type"] == "error":
            said.append("\n".join(content["traceback"]))

    def asked(message):
        said.append(message["content"]["prompt"])
        kernel.input(waiting.pop(0) if waiting else "q")

    try:
        kernel.execute_interactive(source, allow_stdin=True, timeout=60, output_hook=out, stdin_hook=asked)
    except queue.Empty:
        pytest.fail(f"the cell did not end: {''.join(said)}")
    return "".join(said)


def test_the_debugger_opens_in_the_nodes_frame_and_goes_up_to_the_persons_frames_only(kernel):
    typed(kernel, "%load_ext nbhitl")
    assert "ZeroDivisionError" in typed(kernel, CELL)
    said = ANSI.sub("", typed(kernel, "%debug", "p value", "p state['n']", "w", "q"))
    assert "(9)two()" in said
    assert "ipdb> 42" in said
    assert "hands.py" not in said
    assert typed(kernel, "1 + 1") == ""


def test_of_nodes_that_failed_side_by_side_the_debugger_opens_in_the_first(kernel):
    typed(kernel, "%load_ext nbhitl")
    assert "Failed 2 of 2" in typed(kernel, SIDE_BY_SIDE)
    assert "'left'" in typed(kernel, "%debug", "p mine", "q")


def test_with_pdb_on_the_debugger_opens_by_itself(kernel):
    typed(kernel, "%load_ext nbhitl")
    typed(kernel, "%pdb on")
    assert "42" in typed(kernel, CELL, "p value", "q")
