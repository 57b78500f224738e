"""A file of a million checkpoints (10,000 threads of 100 steps): what a person waits for when the notebook has grown.

Every repetition asks about another thread. "at once": as the first question after opening the file, nothing of it is
remembered but by the system; else of a saver that was asked the same about another thread before.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, TypedDict

from tests.bench.disk import Disk
from tests.bench.engines import OURS, Run
from tests.bench.files import OPENING
from tests.bench.measure import Promise
from tests.bench.workloads import config

NAME = "million"
THREADS, STEPS = 10_000, 100
ASKING = 100
"""Threads whose last step is a question."""


class Draft(TypedDict):
    """What is worked on."""

    n: int
    by: str
    asks: bool


def promises(disk: Disk) -> list[Promise]:
    """The rows; the first of them that runs writes the file, which takes minutes."""
    numbers = itertools.count(37, 211)  # threads that are not neighbours in the file

    def asked(question: Callable[[Any, int], object], *, at_once: bool) -> Run:
        saver = disk.again(OURS, NAME, write)
        if not at_once:
            question(saver, next(numbers) % THREADS)
        number = next(numbers) % THREADS
        return lambda: question(saver, number)

    def opening() -> Run:
        disk.again(OURS, NAME, write)
        disk.close()
        return lambda: disk.open(OURS, NAME)

    questions: list[tuple[str, Callable[[Any, int], object], float]] = [
        ("latest of a thread", _latest, 20),
        ("history of a thread", _history, 50),
        ("pending of a thread", _pending, 50),
        (f"pending of {ASKING} threads", _all_pending, 50),
        ("node stats", _node_stats, 100),
    ]
    return [
        Promise("1M on disk: open", opening, OPENING),
        *(
            Promise(f"1M on disk: {said}{', at once' if at_once else ''}", partial(asked, ask, at_once=at_once), target)
            for said, ask, target in questions
            for at_once in (True, False)
        ),
    ]


def write(saver: Any) -> None:
    """Run every thread: two nodes by turns, and in some a question at the end."""
    graph, end, ask = OURS.StateGraph(Draft), OURS.END, OURS.interrupt
    graph.add_node("draft", lambda state: {"n": state["n"] + 1, "by": "draft"})
    graph.add_node("check", lambda state: {"n": state["n"] + 1, "by": "check"})
    graph.add_node("ask", lambda state: {"by": ask("Publish it?")})

    def onward(state: Draft) -> str:
        if state["n"] >= STEPS - 2:  # its input, and the step that takes it
            return "ask" if state["asks"] else end
        return "check" if state["by"] == "draft" else "draft"

    graph.add_edge(OURS.START, "draft")
    for node in ("draft", "check"):
        graph.add_conditional_edges(node, onward, ["draft", "check", "ask", end])
    compiled = graph.compile(checkpointer=saver)
    for number in range(THREADS):
        compiled.invoke({"n": 0, "by": "", "asks": _asks(number)}, config(STEPS, _name(number)), durability="async")


def _name(number: int) -> str:
    return f"thread {number:05d}"


def _asks(number: int) -> bool:
    return number % (THREADS // ASKING) == 0


def _latest(saver: Any, number: int) -> None:
    from nbhitl.engine.records import ThreadKey

    assert saver.load(ThreadKey(_name(number))).checkpoint.values["n"] == STEPS - 2


def _history(saver: Any, number: int) -> None:
    from nbhitl.engine.records import ThreadKey

    assert len(list(saver.history(ThreadKey(_name(number))))) == STEPS


def _pending(saver: Any, number: int) -> None:
    number -= number % (THREADS // ASKING)
    table = saver.sql("SELECT * FROM pending_interrupts WHERE thread = ?", [_name(number)])
    assert len(list(table)) == 1


def _all_pending(saver: Any, number: int) -> None:
    assert len(list(saver.sql("SELECT * FROM pending_interrupts"))) == ASKING


def _node_stats(saver: Any, number: int) -> None:
    assert len(list(saver.sql("SELECT * FROM node_stats"))) >= 2
