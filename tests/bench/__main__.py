"""Speed, shown as ratios of one run: ``python -m tests.bench``.

Every row is measured in pairs (LangGraph, nbhitl, LangGraph, ...) in this process and told as the median of the paired
ratios, since absolute times mean little on a shared machine. A row without a peer tells its time only.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

STEPS = 1000


class State(TypedDict):
    n: int


def loop(module: Any, saver: Any) -> Any:
    """One node that runs until it has counted to STEPS."""
    graph = module.StateGraph(State)
    graph.add_node("a", lambda state: {"n": state["n"] + 1})
    graph.add_edge(module.START, "a")
    graph.add_conditional_edges("a", lambda s: module.END if s["n"] >= STEPS else "a", ["a", module.END])
    return graph.compile(checkpointer=saver)


def run_loop(module: Any, saver: Any, **options: Any) -> Callable[[], None]:
    """A function that runs the loop on a thread of its own."""
    compiled, count = loop(module, saver), iter(range(10**6))

    def run() -> None:
        config = {"recursion_limit": STEPS + 10, "configurable": {"thread_id": str(next(count))}}
        result = compiled.invoke({"n": 0}, config, **options)
        assert result["n"] == STEPS

    return run


@contextmanager
def rows() -> Iterator[list[tuple[str, Callable[[], None] | None, Callable[[], None], str]]]:
    """(title, LangGraph's run or None, ours, unit) of every row."""
    import langgraph.graph as theirs
    from langgraph.checkpoint.memory import InMemorySaver as TheirMemory

    import nbhitl as ours

    with tempfile.TemporaryDirectory() as folder, ours.DuckDBSaver(Path(folder) / "bench.duckdb") as disk:
        unit = f"us/step over {STEPS} steps"
        yield [
            ("loop, no checkpointer", run_loop(theirs, None), run_loop(ours, None), unit),
            ("loop, in memory", run_loop(theirs, TheirMemory()), run_loop(ours, ours.InMemorySaver()), unit),
            ("loop, DuckDB, durability async", None, run_loop(ours, disk), unit),
            ("loop, DuckDB, durability sync", None, run_loop(ours, disk, durability="sync"), unit),
        ]


def baking(nodes: int) -> Callable[[], None]:
    """A function that paints the states into a drawing that was laid out before."""
    from nbhitl import END, START, StateGraph
    from nbhitl.drawing import describe
    from nbhitl.notebook.layout import lay_out
    from nbhitl.notebook.picture import Moment, bundle

    names = [f"node {n}" for n in range(nodes)]
    builder = StateGraph(State).add_sequence([(name, lambda state: None) for name in names])
    builder.add_edge(START, names[0]).add_edge(names[-1], END)
    drawing = describe(builder.describe("bench"))
    layout = lay_out(drawing)
    moment = Moment("running", states=dict.fromkeys(names, "done"))

    def run() -> None:
        assert bundle(drawing, layout, moment, view="v")

    run()
    return run


def timed(run: Callable[[], None]) -> float:
    """Seconds of one run."""
    gc.collect()
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def import_time(statement: str) -> float:
    """Seconds that a statement takes in a fresh interpreter, its own start aside."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure and print every row."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="pairs a row (default 5)")
    repeat = parser.parse_args().repeat
    with rows() as found:
        for title, theirs, ours, unit in found:
            ours()  # warm up
            pairs = [(timed(theirs) if theirs else None, timed(ours)) for _ in range(repeat)]
            mine = statistics.median(own for _, own in pairs) / STEPS * 1e6
            line = f"{title:<36} {mine:8.1f} {unit}"
            if theirs:
                ratio = statistics.median(peer / own for peer, own in pairs if peer is not None)
                line += f"   {ratio:.1f} x faster than LangGraph"
            print(line, flush=True)
    for nodes in (10, 300):
        milliseconds = statistics.median(timed(baking(nodes)) for _ in range(repeat)) * 1e3
        print(f"{f'drawing: bake {nodes} nodes':<36} {milliseconds:8.1f} ms", flush=True)
    for statement in ("import nbhitl", "import nbhitl; nbhitl.StateGraph", "import nbhitl; nbhitl.DuckDBSaver"):
        seconds = statistics.median(import_time(statement) for _ in range(repeat))
        print(f"{statement:<36} {seconds * 1e3:8.1f} ms")


if __name__ == "__main__":
    main()
