"""What is run: each function takes an engine, builds untimed, and returns what is timed.

The shapes follow LangGraph's own benchmarks where they have one; user code is the same on both sides.
"""

from __future__ import annotations

import operator
import secrets
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from tests.bench.engines import Engine, Run


class Counter(TypedDict):
    """The smallest state."""

    n: int


class Results(TypedDict):
    """Where a fan-out is collected."""

    subjects: list[str]
    found: Annotated[list[str], operator.add]


def config(steps: int, thread: str = "1") -> dict[str, Any]:
    """A config that lets a run take so many steps."""
    return {"recursion_limit": steps + 10, "configurable": {"thread_id": thread}}


def looping(engine: Engine, steps: int, saver: Any) -> Any:
    """One node that runs until it has counted to ``steps``."""
    graph, end = engine.StateGraph(Counter), engine.END
    graph.add_node("a", lambda state: {"n": state["n"] + 1})
    graph.add_edge(engine.START, "a")
    graph.add_conditional_edges("a", lambda s: end if s["n"] >= steps else "a", ["a", end])
    return graph.compile(checkpointer=saver)


def loop(engine: Engine, steps: int, kind: str | None, saver: Any = None, **options: Any) -> Run:
    """A loop of ``steps`` steps; with a ``saver`` of its own where one is given."""
    compiled = looping(engine, steps, saver if saver is not None else engine.saver(kind))
    thread = secrets.token_hex(6)  # a file is shared by all repetitions

    def run() -> None:
        assert compiled.invoke({"n": 0}, config(steps, thread), **options)["n"] == steps

    return run


def sends(engine: Engine, count: int, kind: str | None) -> Run:
    """``count`` tasks at once, each with an input of its own."""
    subjects = [str(n) for n in range(count)]
    graph = engine.StateGraph(Results)
    graph.add_node("work", lambda arg: {"found": [arg["subject"]]})
    send = engine.Send
    graph.add_conditional_edges(
        engine.START, lambda state: [send("work", {"subject": s}) for s in state["subjects"]], ["work"]
    )
    graph.add_edge("work", engine.END)
    compiled = graph.compile(checkpointer=engine.saver(kind))

    def run() -> None:
        assert compiled.invoke({"subjects": subjects}, config(10))["found"] == subjects

    return run


def side_by_side(engine: Engine, steps: int, width: int) -> Run:
    """A loop in which ``width`` nodes that do next to nothing run side by side in every second step."""
    graph, end = engine.StateGraph(Counter), engine.END
    names = [f"side {n}" for n in range(width)]
    graph.add_node("count", lambda state: {"n": state["n"] + 1})
    graph.add_edge(engine.START, "count")
    for name in names:
        graph.add_node(name, _idle())
        graph.add_edge(name, "count")
    graph.add_conditional_edges("count", lambda s: end if s["n"] >= steps else names, [*names, end])
    compiled = graph.compile()

    def run() -> None:
        assert compiled.invoke({"n": 0}, config(2 * steps))["n"] == steps

    return run


def chain(engine: Engine, nodes: int) -> Any:
    """A builder of nodes in a row that do nothing, over a state of one list."""
    graph = engine.StateGraph(Results)
    before = engine.START
    for n in range(nodes):
        graph.add_node(f"node {n}", _idle())
        graph.add_edge(before, f"node {n}")
        before = f"node {n}"
    graph.add_edge(before, engine.END)
    return graph


def _idle() -> Callable[[Any], None]:
    def idle(state: Results) -> None:
        return None

    return idle


def sequential(engine: Engine, nodes: int, kind: str | None) -> Run:
    """Nodes in a row, one step each."""
    compiled = chain(engine, nodes).compile(checkpointer=engine.saver(kind))
    return lambda: compiled.invoke({"subjects": []}, config(nodes))


def compiling(engine: Engine, nodes: int) -> Run:
    """Compile a builder that has its nodes and edges."""
    builder = chain(engine, nodes)
    return builder.compile


def building(engine: Engine, nodes: int) -> Run:
    """Add the nodes and edges, and compile."""
    return lambda: chain(engine, nodes).compile()


class Subject(TypedDict):
    """What a sub-graph of the fan-out is given."""

    subject: str


class Found(TypedDict):
    """What it gives back."""

    found: list[str]


class Working(Subject, Found):
    """What it works on."""


def fan_out_to_subgraph(engine: Engine, count: int, kind: str | None, turns: int = 0) -> Run:
    """Sends to a compiled sub-graph of three nodes; the last of them runs ``turns`` more times."""
    end = engine.END
    inner = engine.StateGraph(Working, input_schema=Subject, output_schema=Found)
    inner.add_node("prepare", lambda state: {"subject": f"{state['subject']}!"})
    inner.add_node("find", lambda state: {"found": [f"about {state['subject']}"]})
    inner.add_node("polish", lambda state: {"found": [state["found"][0] + "."]})
    inner.add_edge(engine.START, "prepare").add_edge("prepare", "find").add_edge("find", "polish")
    inner.add_conditional_edges(
        "polish", lambda state: end if state["found"][0].endswith("." * (1 + turns)) else "polish", ["polish", end]
    )
    send = engine.Send
    outer = engine.StateGraph(Results)
    outer.add_node("work", inner.compile())
    outer.add_conditional_edges(
        engine.START, lambda state: [send("work", {"subject": s}) for s in state["subjects"]], ["work"]
    )
    outer.add_edge("work", end)
    compiled = outer.compile(checkpointer=engine.saver(kind))
    subjects = [str(n) for n in range(count)]

    def run() -> None:
        assert len(compiled.invoke({"subjects": subjects}, config(turns + 20))["found"]) == count

    return run


def pauses(engine: Engine, calls: int) -> Run:
    """Ask on a new thread and go on with the answer, ``calls`` times."""
    graph = engine.StateGraph(Counter)
    ask = engine.interrupt
    graph.add_node("ask", lambda state: {"n": ask("how many?")})
    graph.add_edge(engine.START, "ask").add_edge("ask", engine.END)
    compiled, command = graph.compile(checkpointer=engine.InMemorySaver()), engine.Command

    def run() -> None:
        for n in range(calls):
            assert "__interrupt__" in compiled.invoke({"n": -1}, config(5, str(n)))
            assert compiled.invoke(command(resume=n), config(5, str(n)))["n"] == n

    return run


class Talk(TypedDict):
    """A conversation that only grows."""

    messages: Annotated[list[dict[str, Any]], operator.add]


def talking(engine: Engine, schema: Any, steps: int, saver: Any) -> Any:
    """A loop that adds a message of 500 bytes a step."""
    graph, end = engine.StateGraph(schema), engine.END
    graph.add_node("say", lambda state: {"messages": [_message(len(state["messages"]))]})
    graph.add_edge(engine.START, "say")
    graph.add_conditional_edges("say", lambda s: end if len(s["messages"]) >= steps else "say", ["say", end])
    return graph.compile(checkpointer=saver)


def _message(n: int) -> dict[str, Any]:
    return {"role": "user", "id": f"m{n}", "content": f"{n:500d}"}


def talk(engine: Engine, steps: int, kind: str | None, schema: Any = Talk) -> Run:
    """A conversation of so many messages."""
    compiled = talking(engine, schema, steps, engine.saver(kind))

    def run() -> None:
        assert len(compiled.invoke({"messages": []}, config(steps))["messages"]) == steps

    return run


def history(engine: Engine, steps: int, *, messages: bool) -> Run:
    """Read a whole history in memory, newest first."""
    make = talking(engine, Talk, steps, engine.InMemorySaver()) if messages else None
    compiled = make or looping(engine, steps, engine.InMemorySaver())
    compiled.invoke({"messages": []} if messages else {"n": 0}, config(steps))

    def run() -> None:
        assert len(list(compiled.get_state_history(config(steps)))) > steps

    return run
