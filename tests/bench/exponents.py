"""How time and bytes grow: the slope of log(time) over log(n), fitted over a few sizes. 1 is linear, 2 is quadratic.

What a run costs at the smallest size is taken off first, so that a constant does not hide the growth.
"""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from tests.bench.disk import Disk
from tests.bench.engines import OURS, THEIRS, Engine, Run
from tests.bench.measure import WIDTH, best
from tests.bench.workloads import Log, Talk, chat, config, loop, sends, sequential, talk

TARGET = 1.1


@dataclass(frozen=True)
class Growth:
    """A workload of a size."""

    title: str
    make: Callable[[Engine, int], Run]
    sizes: Sequence[int]
    least: int = 1
    """The size whose time counts as constant; 0: nothing is taken off."""
    target: float | None = TARGET
    peer: bool = True
    """Whether it is cheap enough to show LangGraph beside it."""
    weight: Callable[[Engine], int] | None = None
    """What grows in place of time: bytes, asked for after a run."""

    def cost(self, engine: Engine, size: int, repeat: int) -> float:
        """Seconds of the shortest run, or bytes of one: those do not vary."""
        if self.weight is None:
            return best(lambda e: self.make(e, size), engine, repeat)
        self.make(engine, size)()
        return self.weight(engine)

    def tell(self, cost: float) -> str:
        """A cost with its unit."""
        return f"{cost * 1e3:8.1f} ms" if self.weight is None else f"{cost / 1e6:8.2f} MB"


@dataclass(frozen=True)
class Fit:
    """How the cost of an engine grows."""

    engine: Engine
    exponent: float
    last: float
    """The same between the two largest sizes."""
    size: int
    """The largest size."""
    cost: str
    """Of the largest size."""

    def __str__(self) -> str:
        return f"{self.engine.name:<9} {self.exponent:5.2f} (last {self.last:5.2f}; {self.size}: {self.cost})"


@dataclass(frozen=True)
class Grown:
    """What was fitted, for a line of a terminal or of a page."""

    title: str
    fits: Sequence[Fit]
    """Ours first."""
    target: float | None

    @property
    def met(self) -> str:
        """Whether ours grows as slowly as promised."""
        if self.target is None:
            return ""
        return "met" if self.fits[0].exponent <= self.target else "MISSED"

    @property
    def line(self) -> str:
        """For a terminal."""
        mine, *peer = map(str, self.fits)
        return f"{self.title:<{WIDTH}} " + "   ".join([f"{mine} {self.met}", *peer])

    @property
    def cells(self) -> list[str]:
        """For a page: title, LangGraph's exponent, ours, the largest size, promise."""
        mine, *peer = self.fits
        theirs = f"{peer[0].exponent:.2f}" if peer else ""
        kept = {"met": f"at most {self.target}, reached", "MISSED": f"at most {self.target}, **missed**"}.get(
            self.met, ""
        )
        return [self.title, theirs, f"{mine.exponent:.2f}", f"{mine.size:,}: {mine.cost.strip()}", kept]


def slope(growth: Growth, engine: Engine, repeat: int) -> Fit:
    """The exponent, and what the largest size costs."""
    growth.make(engine, growth.sizes[0])()  # warm up
    constant = growth.cost(engine, growth.least, repeat * 2) if growth.least else 0.0
    sizes = growth.sizes if engine is OURS else growth.sizes[:-1]  # the slower one need not go as far
    costs = [growth.cost(engine, n, repeat) for n in sizes]
    points = [(math.log(n), math.log(max(cost - constant, 1e-9))) for n, cost in zip(sizes, costs, strict=True)]
    fitted = statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope
    last = points[-1][1] - points[-2][1]
    local = last / (points[-1][0] - points[-2][0])
    return Fit(engine, fitted, local, sizes[-1], growth.tell(costs[-1]))


def fit(growth: Growth, repeat: int, *, peer: bool) -> Grown:
    """How a workload grows on both engines, or on ours."""
    engines = (OURS, THEIRS) if peer and growth.peer else (OURS,)
    fits = [slope(growth, e, repeat if e is OURS else max(1, repeat // 2)) for e in engines]
    return Grown(growth.title, fits, growth.target)


class Items(TypedDict):
    """Where questions are collected."""

    items: list[int]
    done: Annotated[list[Any], operator.add]


def _wide_loop(engine: Engine, channels: int, *, steps: int = 100, saver: Any = None) -> Run:
    """A loop of fixed length over a state of ``channels`` keys, of which it writes one."""
    schema = TypedDict("schema", {f"k{n}": int for n in range(channels)})
    graph, end = engine.StateGraph(schema), engine.END
    graph.add_node("a", lambda state: {"k0": state["k0"] + 1})
    graph.add_edge(engine.START, "a")
    graph.add_conditional_edges("a", lambda s: end if s["k0"] >= steps else "a", ["a", end])
    compiled = graph.compile(checkpointer=engine.saver(saver))
    values = {f"k{n}": 0 for n in range(channels)}
    return lambda: compiled.invoke(dict(values), config(steps))


def _side_by_side(engine: Engine, count: int) -> Run:
    """One step of ``count`` nodes, each writing a channel of its own."""
    schema = TypedDict("schema", {f"k{n}": int for n in range(count)})
    graph = engine.StateGraph(schema)
    for n in range(count):
        graph.add_node(f"node {n}", lambda state, n=n: {f"k{n}": n})
        graph.add_edge(engine.START, f"node {n}")
    compiled = graph.compile()
    return lambda: compiled.invoke({"k0": 0}, config(5))


def _waiting(engine: Engine, count: int) -> Run:
    """An edge that waits for ``count`` nodes which run side by side."""
    graph = engine.StateGraph(Items)
    names = [f"node {n}" for n in range(count)]
    for name in names:
        graph.add_node(name, lambda state: {"done": [1]})
        graph.add_edge(engine.START, name)
    graph.add_node("last", lambda state: {"items": []})
    graph.add_edge(names, "last")
    compiled = graph.compile()

    def run() -> None:
        assert len(compiled.invoke({"items": [1]}, config(5))["done"]) == count

    return run


def _own_channels(engine: Engine, count: int) -> Run:
    """Nodes in a row, each writing a channel of its own."""
    schema = TypedDict("schema", {f"k{n}": int for n in range(count)})
    graph, before = engine.StateGraph(schema), engine.START
    for n in range(count):
        graph.add_node(f"node {n}", lambda state, n=n: {f"k{n}": n})
        graph.add_edge(before, f"node {n}")
        before = f"node {n}"
    compiled = graph.compile()
    return lambda: compiled.invoke({"k0": 0}, config(count))


def _asking(engine: Engine, count: int) -> Any:
    graph, send, ask = engine.StateGraph(Items), engine.Send, engine.interrupt
    graph.add_node("ask", lambda arg: {"done": [ask({"item": arg["item"]})]})
    graph.add_conditional_edges(engine.START, lambda state: [send("ask", {"item": n}) for n in state["items"]], ["ask"])
    graph.add_edge("ask", engine.END)
    return graph.compile(checkpointer=engine.InMemorySaver())


def _ask(engine: Engine, count: int) -> Run:
    compiled = _asking(engine, count)

    def run() -> None:
        assert len(compiled.invoke({"items": list(range(count))}, config(5))["__interrupt__"]) == count

    return run


def _answer(engine: Engine, count: int, answered: int | None = None) -> Run:
    """Answer all questions that wait, or only some of them, in one call."""
    compiled = _asking(engine, count)
    waiting = compiled.invoke({"items": list(range(count))}, config(5))["__interrupt__"]
    answers = {question.id: "yes" for question in waiting[:answered]}
    return lambda: compiled.invoke(engine.Command(resume=answers), config(5))


GROWTHS = (
    Growth("steps, no checkpointer", lambda e, n: loop(e, n, None), (500, 1000, 2000, 4000)),
    Growth("steps, in memory", lambda e, n: loop(e, n, "memory"), (500, 1000, 2000, 4000)),
    Growth("nodes in a row", lambda e, n: sequential(e, n, None), (250, 500, 1000, 2000)),
    Growth("nodes in a row, in memory", lambda e, n: sequential(e, n, "memory"), (250, 500, 1000, 2000), peer=False),
    Growth("nodes side by side, own channels", _side_by_side, (125, 250, 500, 1000)),
    Growth("sources of a waiting edge", _waiting, (250, 500, 1000, 2000)),
    Growth("channels, loop of 100", _wide_loop, (500, 1000, 2000, 4000)),
    Growth(
        "channels, loop of 100, in memory",
        lambda e, n: _wide_loop(e, n, saver="memory"),
        (500, 1000, 2000, 4000),
        peer=False,
    ),
    # Each node is given a state of n keys, so n * n keys are copied whatever the engine does.
    Growth("nodes in a row, own channels (n * n)", _own_channels, (250, 500, 1000, 2000), target=None, peer=False),
    Growth("messages, operator.add", lambda e, n: talk(e, n, None), (500, 1000, 2000, 4000)),
    Growth("messages, operator.add, in memory", lambda e, n: talk(e, n, "memory"), (500, 1000, 2000), peer=False),
    Growth("messages, add_messages", lambda e, n: talk(e, n, None, chat(e)), (125, 250, 500, 1000)),
    Growth("Send tasks", lambda e, n: sends(e, n, None), (1000, 2000, 4000, 8000)),
    Growth("Send tasks, in memory", lambda e, n: sends(e, n, "memory"), (1000, 2000, 4000, 8000)),
    Growth("pending questions: ask", _ask, (250, 500, 1000, 2000)),
    Growth("pending questions: answer all", _answer, (250, 500, 1000, 2000)),
    Growth("pending questions: answer one", lambda e, n: _answer(e, n, 1), (250, 500, 1000, 2000)),
)


def on_disk(disk: Disk) -> list[Growth]:
    """How time and bytes grow in a file; ours only, since LangGraph's are quadratic and large."""
    sizes = (500, 1000, 2000, 4000)
    kinds: list[tuple[str, Callable[[Engine], Any]]] = [
        ("operator.add", lambda engine: Talk),
        ("add_messages", chat),
        ("a list returned whole", lambda engine: Log),
    ]
    found = [Growth("on disk: steps", lambda e, n: loop(e, n, disk.fresh(e)), sizes, peer=False)]
    for name, schema in kinds:

        def make(engine: Engine, size: int, schema: Callable[[Engine], Any] = schema) -> Run:
            return talk(engine, size, disk.fresh(engine), schema(engine))

        found.append(Growth(f"on disk: messages, {name}", make, sizes, peer=False))
        found.append(Growth(f"on disk: bytes, {name}", make, sizes, peer=False, weight=disk.weight))
    return found
