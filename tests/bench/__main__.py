"""Speed, shown as ratios of one run: ``python -m tests.bench [--repeat N] [--only TEXT] [--exponents] [--million]``.

``--markdown`` prints a table for a page; with ``--write`` it takes the place of that table in the page about speed,
`notebooks/06-how-fast.ipynb`.

Every row is measured in pairs (LangGraph, nbhitl, nbhitl, LangGraph, ...) in this process and told as the median of
the paired ratios, with their range, since absolute times mean little on a shared machine. A row without a peer tells
its time only, and a promise in milliseconds is held against its median. A row that cannot run says why in one line, the
others go on, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias, TypedDict

from tests.bench import exponents, files, measure, million
from tests.bench.disk import Disk
from tests.bench.engines import Engine, Run
from tests.bench.exponents import Grown
from tests.bench.measure import WIDTH, Result, Row
from tests.bench.rows import IMPORTS, ROWS

Line: TypeAlias = "tuple[str, Callable[[], Result | Grown]]"
"""A row's title, and what measures it."""


class State(TypedDict):
    """The state of a graph that is only drawn."""

    n: int


def baking(engine: Engine, nodes: int) -> Run:
    """A function that paints the states into a drawing that was laid out before."""
    from nbhitl.drawing import describe
    from nbhitl.layout import lay_out
    from nbhitl.notebook.pictures.picture import Moment, bundle

    names = [f"node {n}" for n in range(nodes)]
    builder = engine.StateGraph(State).add_sequence([(name, lambda state: None) for name in names])
    builder.add_edge(engine.START, names[0]).add_edge(names[-1], engine.END)
    drawing = describe(builder.describe("bench"))
    layout = lay_out(drawing)
    moment = Moment("running", states=dict.fromkeys(names, "done"))
    return lambda: bundle(drawing, layout, moment, view="v")


def imported(statement: str, repeat: int, target: int, stretch: int) -> Result:
    """The times of an import: absolute, since it is a promise in milliseconds; LangGraph's own beside it."""
    pairs = [(measure.import_seconds(statement), measure.import_seconds(THEIR_IMPORT)) for _ in range(repeat)]
    mine, peer = (statistics.median(side) * 1e3 for side in zip(*pairs, strict=True))
    return Result(statement, "ms", mine, peer, goal=target, stretch=stretch)


PAGE = Path(__file__).parents[2] / "notebooks" / "06-how-fast.ipynb"
THEIR_IMPORT = "import langgraph.graph, langgraph.checkpoint.memory"


def lines(given: argparse.Namespace, disk: Disk) -> Iterator[Line]:
    """Every row's title, and what measures it."""
    repeat = given.repeat
    if given.million:
        for promise in million.promises(disk):
            yield promise.title, lambda row=promise: measure.keep(row, repeat)
        return
    for row in [*ROWS, *files.rows(disk), *DRAWINGS]:
        yield row.title, lambda row=row: measure.compare(row, repeat, cpu=given.cpu)
    for promise in files.openings(disk):
        yield promise.title, lambda row=promise: measure.keep(row, repeat)
    for statement, target, stretch in IMPORTS:
        yield statement, lambda s=statement, t=target, r=stretch: imported(s, repeat, t, r)
    for weight in files.weights(disk):
        yield weight.title, lambda row=weight: measure.weigh(row)


DRAWINGS = [
    Row(f"drawing: bake {nodes} nodes", lambda engine, nodes=nodes: baking(engine, nodes), peer=False)
    for nodes in (10, 300)
]


def growing(given: argparse.Namespace, disk: Disk) -> Iterator[Line]:
    """Every exponent's title, and what fits it."""
    for growth in [*exponents.GROWTHS, *exponents.on_disk(disk)]:
        yield growth.title, lambda growth=growth: exponents.fit(growth, given.repeat, peer=not given.alone)


def main() -> int:
    """Measure and print every row."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="pairs a row, or runs a size (default 5)")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose title has this text")
    parser.add_argument("--exponents", action="store_true", help="how time grows, in place of how long it takes")
    parser.add_argument("--alone", action="store_true", help="exponents without LangGraph's")
    parser.add_argument("--cpu", action="store_true", help="count computing, not waiting: steadier on a busy machine")
    parser.add_argument("--million", action="store_true", help="a file of a million checkpoints: takes minutes")
    parser.add_argument("--markdown", action="store_true", help="a table for a page")
    parser.add_argument("--write", action="store_true", help=f"put that table into {PAGE.name}")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, closing(Disk(Path(folder))) as disk:
        wanted = (line for line in (growing if given.exponents else lines)(given, disk) if given.only in line[0])
        broken, told = show(_head(given), wanted, markdown=given.markdown)
    if given.write and not broken:
        _write("growth" if given.exponents else "million" if given.million else "speed", told)
    return 1 if broken else 0


def _head(given: argparse.Namespace) -> str:
    """What stands above the lines."""
    if given.markdown:
        first, fourth = ("grows as n to the power of", "largest n") if given.exponents else ("", "ratio (least - most)")
        return f"{_joined([first, 'langgraph', 'nbhitl', fourth, 'promised'])}\n|---|---:|---:|---:|---|"
    if given.exponents:
        return f"{'time or bytes ~ n to the power of ...':<{WIDTH}} target {exponents.TARGET}"
    return f"{'':<{WIDTH}} {'nbhitl':>9} {'langgraph':>9}      ratio (min - max)          target / stretch"


def _joined(cells: Iterable[str]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def _write(name: str, told: list[str]) -> None:
    """Put a table in the place of the one in the page's cell of this name."""
    page = json.loads(PAGE.read_text(encoding="utf-8"))
    (cell,) = (cell for cell in page["cells"] if cell["id"] == name)
    cell["source"] = "\n".join(told).splitlines(keepends=True)
    PAGE.write_text(json.dumps(page, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def show(head: str, found: Iterable[Line], *, markdown: bool) -> tuple[int, list[str]]:
    """Measure and print every line; how many failed, and what was printed."""
    broken, said = 0, [head]
    print(head, flush=True)
    for title, measured in found:
        try:
            told = measured()
            said.append(_joined(told.cells) if markdown else told.line)
        except Exception as error:  # noqa: BLE001 - a row that cannot run says so, and the others go on
            broken += 1
            text = " ".join(str(error).split())
            said.append(f"{title:<{WIDTH}} FAILED: {type(error).__name__}: {text:.160}")
        print(said[-1], flush=True)
        gc.collect()
    return broken, said


if __name__ == "__main__":
    sys.exit(main())
