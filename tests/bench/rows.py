"""The rows of the performance table, each with what was promised: (times faster than LangGraph, and the stretch)."""

from __future__ import annotations

from typing import Any

from tests.bench import wide, workloads
from tests.bench.engines import Make
from tests.bench.measure import Row

STEPS = 1000


def _of(workload: Any, *given: Any, **named: Any) -> Make:
    return lambda engine: workload(engine, *given, **named)


ROWS = [
    Row("loop, no checkpointer", _of(workloads.loop, STEPS, None), 10, 20, STEPS, "us"),
    Row("loop, in memory", _of(workloads.loop, STEPS, "memory"), 12, 25, STEPS, "us"),
    Row("2 nodes side by side, 200 times", _of(workloads.side_by_side, 200, 2), per=200, unit="us"),
    Row("1,000 Send tasks", _of(workloads.sends, 1000, None), 12, 20),
    Row("1,000 Send tasks, in memory", _of(workloads.sends, 1000, "memory")),
    Row("sequential_1000", _of(workloads.sequential, 1000, None), 12, 20),
    Row("sequential_1000, in memory", _of(workloads.sequential, 1000, "memory"), 40, 80),
    Row("fan-out to sub-graph x 100", _of(workloads.fan_out_to_subgraph, 100, None), 12, 20),
    Row("fan-out to sub-graph x 100, in memory", _of(workloads.fan_out_to_subgraph, 100, "memory"), 12, 20),
    Row("fan-out to sub-graph x 100, 10 turns", _of(workloads.fan_out_to_subgraph, 100, None, 10), 12, 20),
    Row("wide_dict 25x300", _of(wide.wide, wide.Desk, 5, 300), 4, 6),
    Row("wide_dict 9x1200", _of(wide.wide, wide.Desk, 3, 1200), 2, 2.5),
    Row("pydantic state 25x300", _of(wide.wide, wide.DeskModel, 5, 300), 1.4, 2),
    Row("pause and resume, in memory", _of(workloads.pauses, 50, "memory"), 20, 40, 50),
    Row("history of 1,000, plain", _of(workloads.remembered, STEPS, messages=False), 5, 10),
    Row("history of 1,000, messages", _of(workloads.remembered, STEPS, messages=True), 10, 25),
    Row("compile 1,000 nodes", _of(workloads.compiling, 1000), 8, 20),
    Row("build and compile 1,000 nodes", _of(workloads.building, 1000), 8, 20),
]

IMPORTS = [
    ("import nbhitl", 120, 90),
    ("import nbhitl; nbhitl.StateGraph, nbhitl.InMemorySaver", 120, 90),
    ("import nbhitl; nbhitl.StateGraph, nbhitl.DuckDBSaver", 250, 200),
]
"""Statement, milliseconds promised, and the stretch."""
