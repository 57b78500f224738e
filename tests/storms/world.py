"""The graph that the storms blow on, and the log of what happened in the world, which no kill undoes.

Each round counts, lengthens one list by a reducer and returns another whole, fans out, pays once in a sub-graph, and in
every second round asks.
"""

from __future__ import annotations

import operator
import os
import time
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from nbhitl import END, START, Command, Send, StateGraph, interrupt, once
from nbhitl.calls import CallOptions
from nbhitl.engine.records import ThreadKey
from nbhitl.run.context import CURRENT
from nbhitl.run.drive import drive
from nbhitl.run.world import Committed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbhitl import DuckDBSaver
    from nbhitl.compiled import CompiledGraph

ROUNDS = 6


class State(TypedDict, total=False):
    round: int
    messages: Annotated[list, operator.add]
    todo: list
    parts: Annotated[list, operator.add]
    said: Annotated[list, operator.add]


class Inner(TypedDict, total=False):
    round: int
    messages: Annotated[list, operator.add]


class Log:
    """Lines that outlive their writer: each is one write to the end of a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def say(self, *words: object) -> None:
        os.write(self.file, (" ".join(map(str, words)) + "\n").encode())

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.path.read_text().splitlines()]


def build(log: Log, work: Callable[[], None] = lambda: None) -> StateGraph:
    """The graph; ``work`` is what each body does with its time."""

    def begun() -> None:
        log.say("body", CURRENT.get().task.id)
        work()

    def paid(name: str) -> str:
        log.say("effect", name)
        return name

    def count(state: State) -> dict[str, Any]:
        begun()
        n = state.get("round", 0) + 1
        todo = state.get("todo") or list(range(9))
        return {
            "round": n,
            "messages": [{"role": "user", "n": n, "text": "x" * 50}, n],
            "todo": None if n == 4 else [*todo, f"round {n}"] if n % 3 else [*todo[3:], {"n": [n]}],
        }

    def part(given: dict[str, Any]) -> dict[str, Any]:
        begun()
        return {"parts": [given["i"] * 100 + given["round"]]}

    def pay(state: Inner) -> dict[str, Any]:
        begun()
        name = f"pay-{state['round']}"
        found = once("pay", paid, name)
        log.say("kept", name)
        return {"messages": [found]}

    def thank(state: Inner) -> dict[str, Any]:
        begun()
        return {"messages": [f"thanks {state['round']}"]}

    def ask(state: State) -> dict[str, Any]:
        begun()
        return {"said": [interrupt(f"{state['round']}?")]}

    def fan_out(state: State) -> list[Send]:
        return [Send("part", {"i": i, "round": state["round"]}) for i in range(3)]

    def after_shop(state: State) -> str:
        return "ask" if state["round"] % 2 == 0 else "count"

    def after_ask(state: State) -> str:
        return "count" if state["round"] < ROUNDS else END

    class Own(Inner):
        """What the sub-graph does stays its own, so that its messages do not come twice."""

    shop = StateGraph(Own).add_node("pay", pay).add_node("thank", thank)
    bought = shop.add_edge(START, "pay").add_edge("pay", "thank").compile()

    def buy(state: State) -> dict[str, Any]:
        begun()
        return {"messages": bought.invoke({"round": state["round"]})["messages"]}

    built = StateGraph(State)
    for name, body in (("count", count), ("part", part), ("shop", buy), ("ask", ask)):
        built.add_node(name, body)
    built.add_edge(START, "count").add_conditional_edges("count", fan_out, ["part"]).add_edge("part", "shop")
    return built.add_conditional_edges("shop", after_shop, ["ask", "count"]).add_conditional_edges(
        "ask", after_ask, ["count", END]
    )


def config(thread: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread}}


def due(graph: CompiledGraph, thread: str) -> Any:
    """What takes a thread on, wherever it stands; `END` when nothing does."""
    state = graph.get_state(config(thread))
    if state.metadata is None:
        return {"round": 0}
    if state.interrupts:
        return Command(resume={i.id: f"[{i.value}]" for i in state.interrupts})
    return END if not state.next and state.metadata["stop"] == "finished" else None


def run(graph: CompiledGraph, thread: str, durability: str, log: Log) -> None:
    """Run a thread to its end, and say what is acknowledged as soon as it is."""
    while (given := due(graph, thread)) is not END:
        if durability == "sync":
            call = graph.calls.prepare(given, config(thread), CallOptions(durability="sync"))
            _say_answered(log, given)
            for event in drive(call):
                if isinstance(event, Committed):
                    log.say("step", event.checkpoint.id)
        else:
            graph.invoke(given, config(thread), durability=durability)
            _say_answered(log, given)
        position = graph.checkpointer.load(ThreadKey(thread))
        log.say("step", position.checkpoint.id)
        for question in position.pending:
            log.say("asked", question.id)
    log.say("end")


def _say_answered(log: Log, given: Any) -> None:
    if isinstance(given, Command):
        for id_ in given.resume:
            log.say("answered", id_)


def told(graph: CompiledGraph, thread: str) -> tuple[Any, list[Any]]:
    """The final state, and the path that led there."""
    path = [
        (s.metadata["source"], s.metadata["step"], s.next, s.values, sorted(t.name for t in s.tasks))
        for s in graph.get_state_history(config(thread))
    ]
    return graph.get_state(config(thread)).values, path


def committed(saver: DuckDBSaver, thread: str | None = None) -> set[str]:
    """The ids of all tasks, in all lines of a file (or of one thread), that wrote, or that a checkpoint followed."""
    found: set[str] = set()
    for key in [key for key in saver._lines._branches if thread in (None, key.thread)]:
        positions = list(saver.history(key))
        parents = {position.checkpoint.parent for position in positions}
        for position in positions:
            found.update(position.wrote)
            if position.checkpoint.id in parents:
                found.update(task.id for task in position.checkpoint.tasks)
    return found


def busy(seconds: float) -> Callable[[], None]:
    """A body that computes for so long, without ever sleeping."""

    def work() -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            sum(range(50))

    return work
